//! The application under test: the real server on a port of its own, its database, and people to use it as.

use std::net::SocketAddr;
use std::sync::Mutex;

use actix_server::ServerHandle;
use clap::Parser;
use muster_auth::{Accounts, Keyring, Passwords};
use muster_gateway::server::{ConnectionLimits, ServeOptions, bind, serve};
use muster_gateway::{AppState, Config, app};
use muster_testkit::{Engine, OnEngine, People, Person, TestDb};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// A running application with an empty club. Everything goes when it is dropped.
pub struct TestApp {
    pub db: TestDb,
    pub people: People,
    pub address: SocketAddr,
    client: reqwest::Client,
    server: ServerHandle,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    _secret: tempfile::TempDir,
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
        let secret = tempfile::tempdir().expect("a folder for the secret");
        let keys = Keyring::open(&secret.path().join("secret")).expect("a keyring");
        let accounts = Accounts::new(Passwords::new(4), keys, vec![muster_members::person_hooks()]);
        let config = config(flags);
        let state = AppState::new(&config, (*db).clone(), accounts.clone(), None).expect("a state");
        let (told, started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
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
            people: People::new((*db).clone(), accounts),
            db,
            address,
            client: reqwest::Client::new(),
            server,
            thread: Mutex::new(Some(thread)),
            _secret: secret,
        }
    }

    /// A request to this application.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// A GET as this person.
    pub async fn get(&self, path: &str, person: &Person) -> Answer {
        Answer::of(self.request(Method::GET, path).bearer_auth(&person.token)).await
    }

    /// A PATCH as this person.
    pub async fn patch(&self, path: &str, person: &Person, body: Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path).bearer_auth(&person.token).json(&body)).await
    }

    /// A POST as this person.
    pub async fn post(&self, path: &str, person: &Person, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).bearer_auth(&person.token).json(&body)).await
    }
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
