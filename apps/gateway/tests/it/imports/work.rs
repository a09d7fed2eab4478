//! The job of an import: what is half done is finished once, and what nobody may finish ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use muster_gateway::domains_at_work;
use muster_kernel::Domain;
use muster_kernel::job::{JobError, JobKind, JobRun, Progress, Runner};
use muster_members::import::Imports;
use muster_testkit::each_engine;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{counts, crowd, found, import, lines, people, send, told, work};
use crate::support::TestApp;
use crate::traces::{Traces, ask, rows};

/// Does so many steps, then dies over the next.
struct Dies {
    imports: Imports,
    left: AtomicU32,
    reached: mpsc::UnboundedSender<()>,
}

impl JobKind for Dies {
    fn kind(&self) -> &'static str {
        self.imports.kind()
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            let _ = self.reached.send(());
            return Box::pin(std::future::pending());
        }
        self.imports.run(run)
    }
}

/// Has a runner do so many steps of what is due, and be gone.
async fn work_and_die(app: &TestApp, steps: u32) {
    let (reached, mut is_reached) = mpsc::unbounded_channel();
    let dies = Dies { imports: Imports::new(app.accounts.clone()), left: AtomicU32::new(steps), reached };
    let domain = Domain { name: "test", jobs: vec![Arc::new(dies)], ..Domain::default() };
    let runner = Runner::new((*app.db).clone(), &[domain]);
    let gone = tokio::spawn(async move { runner.run_due().await.map(drop) });
    is_reached.recv().await.expect("it gets there");
    gone.abort();
}

/// What is left of files in the database.
fn left(app: &TestApp) -> Vec<String> {
    let target = app.db.target();
    let mut left = ask(&target, "SELECT content AS line FROM member_import_parts");
    left.extend(ask(&target, "SELECT known_by AS line FROM member_import_keys"));
    left
}

each_engine! {
    async fn what_a_crash_left_half_done_is_finished_once(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let before = people(&app, &treasurer).await;
        let sent = send(&app, &treasurer, "", crowd(0..250)).await;
        work_and_die(&app, 10).await;
        let halfway = app.get(sent.header("location"), &treasurer).await;
        assert_eq!((&halfway.body["state"], counts(&halfway)), (&json!("running"), [200, 0, 0]));
        assert_eq!(people(&app, &treasurer).await, before + 200);
        app.wait(chrono::TimeDelta::minutes(5));
        let treasurer = app.people.again(&treasurer).await;
        work(&app).await;
        let done = app.get(sent.header("location"), &treasurer).await;
        assert_eq!((&done.body["state"], counts(&done)), (&json!("done"), [250, 0, 0]), "{}", done.text);
        assert_eq!(people(&app, &treasurer).await, before + 250);
        let lines = rows(&app.db.target());
        assert_eq!(lines.lines().filter(|line| line.starts_with("member_import_lines: ")).count(), 250);
        assert_eq!(left(&app), Vec::<String>::new());
    }

    async fn the_same_file_twice_at_once_makes_nobody_twice(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let before = people(&app, &treasurer).await;
        let [one, other] = [send(&app, &treasurer, "", crowd(0..150)).await, send(&app, &treasurer, "", crowd(0..150)).await];
        let runners = [(); 2].map(|()| Runner::new((*app.db).clone(), &domains_at_work(&app.accounts)));
        let (a, b) = tokio::join!(runners[0].run_due(), runners[1].run_due());
        a.and(b).expect("jobs done");
        assert_eq!(people(&app, &treasurer).await, before + 150);
        let (one, other) = (app.get(one.header("location"), &treasurer).await, app.get(other.header("location"), &treasurer).await);
        let [created, skipped, failed] = [0, 1, 2].map(|n| counts(&one)[n] + counts(&other)[n]);
        assert_eq!([created, skipped, failed], [150, 150, 0], "{} {}", one.text, other.text);
    }

    async fn nothing_of_a_file_stays_but_what_became_of_its_lines(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let file = "first_name,last_name,email\nQuillana,,quillana@example.org\nBen,Example,quillana\n";
        for query in ["", "?dry_run=true"] {
            let done = import(&app, &treasurer, query, file).await;
            assert_eq!(counts(&done), [0, 0, 2]);
            let lines = lines(&app, &treasurer, &done).await;
            assert!(!json!(lines).to_string().to_lowercase().contains("quillana"), "{lines:?}");
        }
        assert_eq!(left(&app), Vec::<String>::new());
        let traces = Traces(vec!["quillana".into()]);
        assert_eq!(traces.within(rows(&app.db.target())), Vec::<&str>::new());
    }

    async fn an_import_ends_when_whoever_began_it_may_do_so_no_more(app: TestApp) {
        let (treasurer, admin) = (app.people.treasurer().await, app.people.admin().await);
        let before = people(&app, &admin).await;
        let sent = send(&app, &treasurer, "", crowd(0..250)).await;
        work_and_die(&app, 2).await;
        let path = format!("/api/users/{}/roles", treasurer.id);
        assert_eq!(app.put(&path, &admin, json!({"roles": []})).await.status, 200);
        app.wait(chrono::TimeDelta::minutes(5));
        work(&app).await;
        let stopped = app.get(sent.header("location"), &admin).await;
        assert_eq!((&stopped.body["state"], counts(&stopped)), (&json!("stopped"), [40, 0, 0]), "{}", stopped.text);
        assert_eq!(people(&app, &admin).await, before + 40);
        assert_eq!(left(&app), Vec::<String>::new());
    }

    async fn a_file_that_nobody_finishes_is_given_up_after_a_day(app: TestApp) {
        let admin = app.people.admin().await;
        let sent = send(&app, &admin, "", crowd(0..10)).await;
        // Its job is lost, as one is that failed too often.
        app.db.write(|tx| {
            use diesel::RunQueryDsl;
            diesel::sql_query("UPDATE jobs SET state = 'failed' WHERE kind = 'members.import'").execute(&mut **tx)?;
            Ok::<_, muster_kernel::db::DbError>(())
        }).await.expect("failed");
        app.wait(chrono::TimeDelta::hours(23));
        work(&app).await;
        assert_eq!(left(&app).len(), 1, "there is still time to try it again");
        app.wait(chrono::TimeDelta::hours(2));
        work(&app).await;
        let admin = app.people.again(&admin).await;
        assert_eq!(app.get(sent.header("location"), &admin).await.body["state"], "stopped");
        assert_eq!(left(&app), Vec::<String>::new());
    }

    async fn whoever_is_erased_is_in_no_file_that_is_still_to_be_done(app: TestApp) {
        let admin = app.people.admin().await;
        import(&app, &admin, "", "first_name,last_name,email,external_id\nQuillana,Example,quillana@example.org,Q-77\n").await;
        let quillana = found(&app, &admin, "quillana").await;
        let file = "first_name,last_name,email,external_id\n\
            Quillana,Example,Quillana@example.org,\nQuillana,Example,,Q-77\nAnna,Example,anna@example.org,\n";
        let sent = [send(&app, &admin, "", file).await, send(&app, &admin, "?dry_run=true", file).await];
        assert_eq!(left(&app).join("").matches("Quillana").count(), 6);
        let erased = app.post(&format!("/api/users/{}/erase", quillana["id"]), &admin, json!({})).await;
        assert_eq!(erased.status, 200, "{}", erased.text);
        assert!(!left(&app).join("").contains("uillana"), "{:?}", left(&app));
        work(&app).await;
        for (sent, expected) in sent.iter().zip([[1, 0, 0], [0, 1, 0]]) {
            let done = app.get(sent.header("location"), &admin).await;
            assert_eq!((&done.body["state"], counts(&done)), (&json!("done"), expected), "{}", done.text);
        }
    }

    async fn imports_are_listed_newest_first(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        for n in 0..3 {
            import(&app, &treasurer, "", crowd(n..n + 1)).await;
        }
        let page = app.get("/api/members/imports?limit=2", &treasurer).await;
        let next = page.body["next_cursor"].as_str().expect("a next page");
        let rest = app.get(&format!("/api/members/imports?limit=2&cursor={next}"), &treasurer).await;
        let ids = |page: &Value| page["items"].as_array().expect("items").iter().map(|i| i["id"].clone()).collect::<Vec<_>>();
        assert_eq!([ids(&page.body), ids(&rest.body)].concat(), [json!(3), json!(2), json!(1)]);
        for path in ["/api/members/imports/99", "/api/members/imports/99/lines"] {
            assert_eq!(app.get(path, &treasurer).await.problem(), (404, "not_found"));
        }
        let slash = app.request(Method::GET, "/api/members/imports/").bearer_auth(&treasurer.token);
        assert_eq!(slash.send().await.expect("an answer").status(), 200);
    }

    async fn a_row_is_one_whole_even_when_its_last_detail_is_taken(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let file = "first_name,last_name,email,external_id\n\
            Anna,One,anna@example.org,K-1\nBen,Two,ben@example.org,K-1\nCleo,Three,cleo@example.org,\n";
        let done = import(&app, &treasurer, "", file).await;
        let lines = lines(&app, &treasurer, &done).await;
        assert_eq!(told(&lines[1]), (3, "skipped", "/external_id", "same_external_id"));
        let nobody = app.get("/api/users?q=ben@example.org", &treasurer).await;
        assert_eq!(nobody.body["items"], json!([]), "no half of a person is left");
    }
}
