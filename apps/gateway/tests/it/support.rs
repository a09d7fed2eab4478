//! The application under test: the real server on a port of its own, its database, and people to use it as.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use actix_server::ServerHandle;
use clap::Parser;
use std::sync::Arc;

use muster_auth::{AccountOptions, Accounts, Keyring, Passwords};
use muster_chat::Hub;
use muster_gateway::server::{ConnectionLimits, ServeOptions, bind, serve};
use muster_gateway::{AppState, Config, Switch, accounts, app, domains_at_work};
use muster_kernel::job::Runner;
use muster_kernel::mail::Mail;
use muster_kernel::{Domain, Timestamp, UserId};
use muster_testkit::{Engine, OnEngine, People, Person, TestDb};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// A running application with an empty club. Everything goes when it is dropped.
pub struct TestApp {
    pub db: TestDb,
    pub people: People,
    pub accounts: Accounts,
    pub address: SocketAddr,
    client: reqwest::Client,
    server: ServerHandle,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    /// Tokens of those who stay signed in, and until when they hold.
    tokens: Option<Mutex<HashMap<UserId, (Timestamp, String)>>>,
    /// What brings news to its sockets.
    pub hub: Hub,
    secret: Arc<tempfile::TempDir>,
}

impl OnEngine for TestApp {
    async fn on(engine: Engine) -> TestApp {
        TestApp::configured(engine, &["--rate-limits", "off"])
    }
}

impl TestApp {
    /// An application started with these flags.
    pub fn configured(engine: Engine, flags: &[&str]) -> TestApp {
        TestApp::with(TestDb::new(engine), flags)
    }

    /// An application on this database.
    pub fn with(db: TestDb, flags: &[&str]) -> TestApp {
        TestApp::with_cost(db, flags, 4)
    }

    /// An application whose new passwords cost so much to hash.
    pub fn with_cost(db: TestDb, flags: &[&str], cost: u32) -> TestApp {
        let secret = tempfile::tempdir().expect("a folder for the secret");
        TestApp::start(db, flags, cost, Arc::new(secret))
    }

    /// Another gateway on the same database.
    pub fn beside(&self) -> TestApp {
        TestApp::start(self.db.again(), &["--rate-limits", "off"], 4, self.secret.clone())
    }

    fn start(db: TestDb, flags: &[&str], cost: u32, secret: Arc<tempfile::TempDir>) -> TestApp {
        let keys = Keyring::open(&secret.path().join("secret")).expect("a keyring");
        let config = config(flags);
        let options = AccountOptions {
            home: "https://club.example".into(),
            verify_addresses: config.smtp_url.is_some(),
            throttle: config.rate_limits == Switch::On,
        };
        let accounts = accounts(Passwords::new(cost), keys, options);
        let state = AppState::new(&config, (*db).clone(), accounts.clone(), None).expect("a state");
        let hub = state.hub();
        let (told, started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let hub = state.hub();
                actix_web::rt::spawn(async move { hub.keep_up().await });
                let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), 64).expect("a free port");
                let address = listener.local_addr().expect("an address");
                let options = ServeOptions { workers: 1, shutdown_timeout: 0, ..ServeOptions::default() };
                let server = serve(vec![listener], ConnectionLimits::default(), options, move || app(&state))
                    .expect("a server");
                told.send((address, server.handle())).expect("somebody waits");
                server.await.expect("a server that stops in order");
            });
        });
        let (address, server) = started.recv().expect("a started server");
        TestApp {
            people: People::new((*db).clone(), accounts.clone()),
            accounts,
            db,
            address,
            client: reqwest::Client::new(),
            server,
            thread: Mutex::new(Some(thread)),
            tokens: None,
            hub,
            secret,
        }
    }

    /// The same application, in which people sign in again by themselves when time has moved on.
    pub fn staying_signed_in(mut self) -> TestApp {
        self.tokens = Some(Mutex::default());
        self
    }

    /// A token of this person that holds.
    async fn token(&self, person: &Person) -> String {
        let Some(tokens) = &self.tokens else { return person.token.clone() };
        let now = self.db.clock.now();
        let kept = tokens.lock().expect("nobody panicked with it").get(&person.id).cloned();
        if let Some((_, token)) = kept.filter(|(until, _)| now < *until) {
            return token;
        }
        let token = self.people.again(person).await.token;
        let until = now.plus(chrono::TimeDelta::minutes(5));
        tokens.lock().expect("nobody panicked with it").insert(person.id, (until, token.clone()));
        token
    }

    /// A request to this application.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// A DELETE as this person.
    pub async fn delete(&self, path: &str, person: &Person) -> Answer {
        Answer::of(self.request(Method::DELETE, path).bearer_auth(self.token(person).await)).await
    }

    /// A PUT as this person.
    pub async fn put(&self, path: &str, person: &Person, body: Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).bearer_auth(self.token(person).await).json(&body)).await
    }

    /// A POST as nobody.
    pub async fn post_as_nobody(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    /// Does the jobs that are due, and tells the mails that they sent, in order.
    pub async fn mails(&self) -> Vec<Mail> {
        let outbox = Arc::new(Outbox::default());
        let mut domains = domains_at_work(&self.accounts);
        domains.push(Domain { name: "mail", jobs: vec![outbox.clone()], ..Domain::default() });
        Runner::new((*self.db).clone(), &domains).run_due().await.expect("jobs done");
        std::mem::take(&mut *outbox.0.lock().expect("nobody panicked with it"))
    }

    /// Moves the time on.
    pub fn wait(&self, by: chrono::TimeDelta) {
        self.db.clock.set(self.db.clock.now().plus(by));
    }

    /// A GET as this person.
    pub async fn get(&self, path: &str, person: &Person) -> Answer {
        Answer::of(self.request(Method::GET, path).bearer_auth(self.token(person).await)).await
    }

    /// A PATCH as this person.
    pub async fn patch(&self, path: &str, person: &Person, body: Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path).bearer_auth(self.token(person).await).json(&body)).await
    }

    /// A POST as this person.
    pub async fn post(&self, path: &str, person: &Person, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).bearer_auth(self.token(person).await).json(&body)).await
    }
}

impl TestApp {
    /// A POST as this person, under an `Idempotency-Key` of its own.
    pub async fn post_once(&self, path: &str, person: &Person, body: Value) -> Answer {
        self.post_with_key(path, person, body, &muster_kernel::random::hex(8)).await
    }

    /// A POST as this person, under this `Idempotency-Key`.
    pub async fn post_with_key(&self, path: &str, person: &Person, body: Value, key: &str) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(self.token(person).await);
        Answer::of(request.header("idempotency-key", key).json(&body)).await
    }
}

/// Takes mails instead of a mail server.
#[derive(Default)]
struct Outbox(Mutex<Vec<Mail>>);

impl muster_kernel::job::JobKind for Outbox {
    fn kind(&self) -> &'static str {
        muster_kernel::mail::JOB
    }

    fn run<'a>(
        &'a self,
        run: muster_kernel::job::JobRun<'a>,
    ) -> std::pin::Pin<
        Box<
            dyn Future<Output = Result<muster_kernel::job::Progress, muster_kernel::job::JobError>>
                + Send
                + 'a,
        >,
    > {
        Box::pin(async move {
            let mail = serde_json::from_value(run.payload().clone()).expect("a mail");
            self.0.lock().expect("nobody panicked with it").push(mail);
            run.finish().await
        })
    }
}

/// The token of the link in a mail.
#[track_caller]
pub fn token_in(mail: &Mail) -> String {
    let (_, rest) = mail.text.split_once("#token=").expect("a link");
    rest.split_whitespace().next().expect("a token").to_owned()
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // Asking is enough: the connections of a test end with its runtime, and the thread with them.
        drop(self.server.stop(false));
        if let Some(thread) = self.thread.lock().expect("nobody panicked with it").take() {
            let _ = thread.join();
        }
    }
}

fn config(flags: &[&str]) -> Config {
    #[derive(clap::Parser)]
    struct Flags {
        #[command(flatten)]
        config: Config,
    }
    Flags::parse_from(["muster"].iter().chain(flags)).config
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// Sends a request and reads its answer.
    pub async fn of(request: RequestBuilder) -> Answer {
        let response: Response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, body, text }
    }

    /// A header as text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Proves that this is a whole problem document, and tells its status and code.
    #[track_caller]
    pub fn problem(&self) -> (u16, &str) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.body["status"], self.status.as_u16());
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        for member in ["type", "title", "detail", "instance", "code"] {
            assert!(
                self.body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {}",
                self.text
            );
        }
        (self.status.as_u16(), self.body["code"].as_str().expect("a code"))
    }

    /// The fields at fault: pointer and code.
    pub fn fields(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors
            .iter()
            .map(|e| (e["pointer"].as_str().unwrap_or("?"), e["code"].as_str().unwrap_or("?")))
            .collect()
    }
}
