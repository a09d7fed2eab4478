//! The plug pulled in the middle of writing: what was acknowledged is there.

use muster_testkit::each_engine;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::program::{Program, club, sign_in};

/// Writers at once; each has one write under way.
const WRITERS: usize = 16;
/// The plug is pulled when so many writes were acknowledged.
const ENOUGH: usize = 1000;

each_engine! {
    async fn killed_in_the_middle_of_writing_nothing_acknowledged_is_lost(program: Program) {
        let mut served = program.serve();
        program.create_admin("anna@example.org");
        let token = sign_in(&served.address, "anna@example.org").await;
        let url = format!("{}/api/club", served.address);
        let (told, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (url, token, told) = (url.clone(), token.clone(), told.clone());
            writers.spawn(async move {
                let client = reqwest::Client::new();
                for n in 0.. {
                    let change = json!({"name": format!("Writer {writer}, write {n}")});
                    let sent = client.patch(&url).bearer_auth(&token).json(&change).send().await;
                    // The first that is not answered is the one that the plug was pulled on.
                    let Ok(answer) = sent else { return };
                    let (status, request) = (answer.status(), answer.headers().get("x-request-id").cloned());
                    let Ok(body) = answer.json::<Value>().await else { return };
                    assert_eq!(status, 200, "{body}");
                    let request = request.expect("an id").to_str().expect("text").to_owned();
                    told.send((body["version"].as_i64().expect("a version"), request)).expect("somebody listens");
                }
            });
        }
        drop(told);
        let mut kept = Vec::new();
        while let Some(write) = acknowledged.recv().await {
            kept.push(write);
            if kept.len() == ENOUGH {
                served.child.kill().expect("killed");
            }
        }
        while let Some(writer) = writers.join_next().await {
            writer.expect("a writer that ended in order");
        }
        assert!(kept.len() >= ENOUGH);
        drop(served);

        let check = program.run(&["check"]);
        assert_eq!(check.status.code(), Some(0), "{}", String::from_utf8_lossy(&check.stdout));
        let out = program.run(&["export", "out"]);
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        let events = std::fs::read_to_string(program.folder.path().join("out/audit_events.json")).expect("events");
        for (version, request) in &kept {
            assert!(events.contains(request.as_str()), "version {version} was acknowledged and is lost");
        }
        let again = program.serve();
        let version = club(&again.address, &token).await["version"].as_i64().expect("a version");
        let highest = kept.iter().map(|(version, _)| *version).max().expect("writes");
        assert!(version >= highest, "version {highest} was acknowledged, {version} is there");
        let mut versions: Vec<_> = kept.iter().map(|(version, _)| *version).collect();
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions.len(), kept.len(), "no version was given out twice");
    }
}
