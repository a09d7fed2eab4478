//! The program as it is run: a process with a folder of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;

use diesel::{PgConnection, SqliteConnection};
use muster_kernel::db::Target;
use muster_testkit::{Engine, OnEngine, TestDb};
use serde_json::{Value, json};

/// The program with a folder of its own and nothing of the environment.
pub struct Program {
    pub folder: tempfile::TempDir,
    pub database: Option<(String, TestDb)>,
}

impl OnEngine for Program {
    async fn on(engine: Engine) -> Program {
        let folder = tempfile::tempdir().expect("a folder");
        let database = (engine == Engine::Postgres).then(|| {
            let db = TestDb::unopened(engine);
            match db.target() {
                Target::Postgres(url) => (url, db),
                Target::Sqlite(_) => unreachable!("it was asked for PostgreSQL"),
            }
        });
        Program { folder, database }
    }
}

impl Program {
    /// On the embedded engine, for what has nothing to do with the engine.
    pub fn on_sqlite() -> Program {
        Program { folder: tempfile::tempdir().expect("a folder"), database: None }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(args).current_dir(self.folder.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .env("MUSTER_BIND", "127.0.0.1:0")
            .env("MUSTER_BCRYPT_COST", "4")
            .env("MUSTER_RATE_LIMITS", "off");
        if let Some((url, _)) = &self.database {
            command.env("DATABASE_URL", url);
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().expect("the program runs")
    }

    pub fn create_admin(&self, email: &str) -> Output {
        self.create_admin_with(email, "a password for tests")
    }

    pub fn create_admin_with(&self, email: &str, password: &str) -> Output {
        let mut command = self.command(&["create-admin", "--email", email, "--password-stdin"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        child.stdin.take().expect("a pipe").write_all(format!("{password}\n").as_bytes()).expect("written");
        child.wait_with_output().expect("it ends")
    }

    /// Where its database is.
    pub fn target(&self) -> Target {
        match &self.database {
            Some((url, _)) => Target::Postgres(url.clone()),
            None => Target::Sqlite(self.folder.path().join("data/muster.db")),
        }
    }

    /// Does to the database what no service would.
    pub fn damage(&self, statements: &str) {
        use diesel::Connection;
        use diesel::connection::SimpleConnection;
        let done = match self.target() {
            Target::Postgres(url) => PgConnection::establish(&url).expect("open").batch_execute(statements),
            Target::Sqlite(file) => {
                SqliteConnection::establish(&file.to_string_lossy()).expect("open").batch_execute(statements)
            }
        };
        done.expect("done");
    }

    /// What the server that was started last has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).expect("a log")
    }

    fn log_path(&self) -> std::path::PathBuf {
        self.folder.path().join("server.log")
    }

    pub fn serve(&self) -> Served {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, args: &[&str]) -> Served {
        let mut all = vec!["serve"];
        all.extend(args);
        self.start(&mut self.command(&all))
    }

    /// One of several that meet over this Redis.
    pub fn serve_beside(&self, redis: &str) -> Served {
        self.start(self.command(&["serve"]).env("REDIS_URL", redis))
    }

    fn start(&self, command: &mut Command) -> Served {
        let log = std::fs::File::create(self.log_path()).expect("a file for the log");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the program runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let address = loop {
            let line = lines.next().expect("it says where it listens").expect("text");
            if let Some(address) = line.strip_prefix("listening on ") {
                break address.to_owned();
            }
        };
        // The rest is read so that the program never waits for somebody to read it.
        let (told, rest) = mpsc::channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| told.send(line)));
        Served { child, address, rest }
    }
}

/// A server that runs until it is stopped or dropped.
pub struct Served {
    pub child: Child,
    pub address: String,
    rest: mpsc::Receiver<String>,
}

impl Served {
    /// Waits until it says a line with these words.
    pub fn says(&self, words: &str) -> String {
        self.rest.iter().find(|line| line.contains(words)).unwrap_or_else(|| panic!("it never says {words}"))
    }

    /// Tells it to stop, as a service manager does, and waits: its exit code, and what nobody has listened to yet.
    pub fn stop(mut self) -> (Option<i32>, Vec<String>) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        let code = self.child.wait().expect("it ends").code();
        (code, self.rest.iter().collect())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Signs in: what the answer holds, tokens included.
pub async fn log_in(address: &str, email: &str) -> Value {
    let login = json!({"email": email, "password": "a password for tests"});
    let answer = reqwest::Client::new()
        .post(format!("{address}/api/auth/login"))
        .json(&login)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}

pub async fn sign_in(address: &str, email: &str) -> String {
    log_in(address, email).await["access_token"].as_str().expect("a token").to_owned()
}

pub async fn club(address: &str, token: &str) -> Value {
    let request = reqwest::Client::new().get(format!("{address}/api/club")).bearer_auth(token);
    request.send().await.expect("an answer").json().await.expect("JSON")
}
