//! Mails go out once what they tell of is durable, and never without it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use muster_kernel::db::DbError;
use muster_kernel::job::{JobError, JobKind, JobRun, Progress, Runner};
use muster_kernel::mail::{self, Delivery, Mail, MailSetup};
use muster_kernel::{Domain, UserId};
use muster_testkit::{TestDb, each_engine};
use tokio::sync::{mpsc, watch};

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
    runner_of(db, Delivery::new(&setup).expect("a delivery").jobs())
}

fn runner_of(db: &TestDb, jobs: Vec<Arc<dyn JobKind>>) -> Runner {
    Runner::new((**db).clone(), &[Domain { name: "mail", jobs, ..Domain::default() }])
}

const ANNA: UserId = UserId(7);

fn mail_to(person: UserId) -> Mail {
    Mail { user_id: Some(person), ..mail() }
}

async fn send(db: &TestDb, mails: impl IntoIterator<Item = Mail>) {
    for mail in mails {
        db.write(move |tx| mail::send(tx, &mail)).await.expect("written");
    }
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        files.map(|f| f.expect("a file").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

/// A delivery that has the mail in its hands, and waits before it does anything with it.
struct Late {
    delivery: Arc<dyn JobKind>,
    reached: mpsc::UnboundedSender<()>,
    go_on: watch::Receiver<bool>,
}

impl JobKind for Late {
    fn kind(&self) -> &'static str {
        self.delivery.kind()
    }
    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            let _ = self.reached.send(());
            let _ = self.go_on.clone().wait_for(|go_on| *go_on).await;
            self.delivery.run(run).await
        })
    }
}

/// A delivery under way, which is brought to its end by the returned function.
async fn late_delivery(db: &TestDb, folder: &Path) -> impl AsyncFnOnce() {
    let setup = MailSetup { smtp_url: None, from: "club@example.org".into(), folder: folder.into() };
    let delivery = Delivery::new(&setup).expect("a delivery").jobs().remove(0);
    let (reached, mut under_way) = mpsc::unbounded_channel();
    let (go_on, told) = watch::channel(false);
    let late = runner_of(db, vec![Arc::new(Late { delivery, reached, go_on: told })]);
    let run = tokio::spawn(async move { late.run_due().await });
    under_way.recv().await.expect("it has begun");
    async move || {
        go_on.send(true).expect("it waits");
        assert_eq!(run.await.expect("no panic").expect("no failure of the runner"), 1);
    }
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

    async fn of_an_erased_person_no_mail_is_kept_or_sent(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        let runner = runner(&db, None, folder.path());
        send(&db, [mail_to(ANNA), mail_to(UserId(17)), mail()]).await;
        runner.run_due().await.expect("delivered");
        assert_eq!(names(folder.path()), ["00000001-u7.eml", "00000002-u17.eml", "00000003.eml"]);
        send(&db, [mail_to(ANNA)]).await;
        db.write(|tx| mail::forget(tx, ANNA)).await.expect("forgotten");
        assert_eq!(runner.run_due().await.expect("it ran"), 1, "what waited to be sent is gone");
        assert_eq!(names(folder.path()), ["00000002-u17.eml", "00000003.eml"]);
    }

    async fn a_mail_under_way_while_its_reader_is_erased_leaves_no_file(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        send(&db, [mail_to(ANNA)]).await;
        let bring_to_its_end = late_delivery(&db, folder.path()).await;
        db.write(|tx| mail::forget(tx, ANNA)).await.expect("forgotten");
        assert_eq!(runner(&db, None, folder.path()).run_due().await.expect("it ran"), 1, "the files are deleted");
        bring_to_its_end().await;
        assert_eq!(names(folder.path()), [""; 0]);
    }

    async fn what_a_dying_delivery_left_is_found_the_second_time(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        let runner = runner(&db, None, folder.path());
        db.write(|tx| mail::forget(tx, ANNA)).await.expect("forgotten");
        runner.run_due().await.expect("it ran");
        for file in ["00000001-u7.eml", "00000002-u7.part", "00000003-u8.eml"] {
            std::fs::write(folder.path().join(file), "Welcome, Anna.").expect("written");
        }
        assert_eq!(runner.run_due().await.expect("nothing to do"), 0);
        db.clock.set(db.clock().now().plus(chrono::TimeDelta::minutes(10)));
        assert_eq!(runner.run_due().await.expect("it ran"), 1);
        assert_eq!(names(folder.path()), ["00000003-u8.eml"]);
    }

    async fn a_delivery_that_was_overtaken_leaves_the_mail_alone(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        send(&db, [mail_to(ANNA)]).await;
        let bring_to_its_end = late_delivery(&db, folder.path()).await;
        db.clock.set(db.clock().now().plus(chrono::TimeDelta::minutes(5)));
        assert_eq!(runner(&db, None, folder.path()).run_due().await.expect("it ran"), 1, "taken over");
        bring_to_its_end().await;
        assert_eq!(names(folder.path()), ["00000001-u7.eml"]);
    }

    async fn with_a_server_there_is_no_file_to_forget(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let runner = runner(&db, Some(format!("smtp://{free}")), &folder.path().join("mail"));
        send(&db, [mail_to(ANNA)]).await;
        db.write(|tx| mail::forget(tx, ANNA)).await.expect("forgotten");
        db.clock.set(db.clock().now().plus(chrono::TimeDelta::hours(1)));
        assert_eq!(runner.run_due().await.expect("it ran"), 2);
        db.clock.set(db.clock().now().plus(chrono::TimeDelta::hours(1)));
        assert_eq!(runner.run_due().await.expect("nothing is tried again"), 0);
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
