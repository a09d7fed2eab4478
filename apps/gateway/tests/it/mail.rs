//! Mails go out once what they tell of is durable, and never without it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use muster_kernel::Domain;
use muster_kernel::db::DbError;
use muster_kernel::job::Runner;
use muster_kernel::mail::{self, Delivery, Mail, MailSetup};
use muster_testkit::{TestDb, each_engine};

fn mail() -> Mail {
    Mail {
        user_id: None,
        to: "anna@example.org".into(),
        subject: "Grüße vom Club".into(),
        text: "Welcome, Anna.".into(),
        html: Some("<p>Welcome, Anna.</p>".into()),
    }
}

fn runner(db: &TestDb, smtp_url: Option<String>, folder: &Path) -> Runner {
    let setup = MailSetup { smtp_url, from: "Our club <club@example.org>".into(), folder: folder.into() };
    let delivery = Arc::new(Delivery::new(&setup).expect("a delivery"));
    Runner::new((**db).clone(), &[Domain { name: "mail", jobs: vec![delivery], ..Domain::default() }])
}

/// A mail server for one mail: what it was told, once it is over.
fn mail_server() -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    let told = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut out = stream.try_clone().expect("a stream");
        let mut say = |line: &str| out.write_all(format!("{line}\r\n").as_bytes()).expect("said");
        say("220 mail.example.org");
        let (mut told, mut in_data) = (Vec::new(), false);
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { break };
            match line.as_str() {
                "." if in_data => {
                    in_data = false;
                    say("250 taken");
                }
                _ if in_data => {}
                "DATA" => {
                    in_data = true;
                    say("354 go on");
                }
                "QUIT" => break,
                _ => say("250 fine"),
            }
            told.push(line);
        }
        told
    });
    (url, told)
}

each_engine! {
    async fn without_a_server_a_mail_becomes_a_file(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        let runner = runner(&db, None, folder.path());
        db.write(|tx| mail::send(tx, &mail())).await.expect("written");
        runner.run_due().await.expect("delivered");
        let files: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").map(|f| f.expect("a file").path()).collect();
        let [file] = files.as_slice() else { panic!("one mail, not {files:?}") };
        assert_eq!(file.extension().expect("a kind"), "eml");
        let text = std::fs::read_to_string(file).expect("the mail");
        assert!(text.contains("To: anna@example.org") && text.contains("Welcome, Anna."), "{text}");
        assert_eq!(runner.run_due().await.expect("nothing to do"), 0, "once is enough");
    }

    async fn what_was_undone_sends_no_mail(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        let undone = db.write(|tx| {
            mail::send(tx, &mail())?;
            Err::<(), _>(DbError::Closed)
        }).await;
        assert!(undone.is_err());
        assert_eq!(runner(&db, None, folder.path()).run_due().await.expect("nothing to do"), 0);
    }

    async fn with_a_server_a_mail_goes_there(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        let (url, told) = mail_server();
        let runner = runner(&db, Some(url), folder.path());
        db.write(|tx| mail::send(tx, &mail())).await.expect("written");
        runner.run_due().await.expect("delivered");
        drop(runner);
        let told = told.join().expect("a server that ended in order").join("\n");
        assert!(told.contains("RCPT TO:<anna@example.org>") && told.contains("Welcome, Anna."), "{told}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    async fn a_server_that_is_away_is_asked_again(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let runner = runner(&db, Some(format!("smtp://{free}")), folder.path());
        db.write(|tx| mail::send(tx, &mail())).await.expect("written");
        assert_eq!(runner.run_due().await.expect("tried"), 1);
        assert_eq!(runner.run_due().await.expect("waits"), 0);
        db.clock.set(db.clock().now().plus(chrono::TimeDelta::seconds(6)));
        assert_eq!(runner.run_due().await.expect("tried"), 1);
    }
}
