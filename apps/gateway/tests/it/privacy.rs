//! Everybody can take along what the club knows of them, and of whoever is erased nothing is left.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use muster_auth::guardians::Dependant;
use muster_auth::permissions::{AddDependants, EraseUsers};
use muster_auth::{AccountOptions, Accounts, Beginning, Can, Keyring, Passwords, Permission, PersonHooks};
use muster_gateway::domains_at_work;
use muster_kernel::audit::Origin;
use muster_kernel::db::{Conn, DbError, Target, Tx, copy_sqlite};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::idempotency::{Answer as Kept, Once};
use muster_kernel::job::Runner;
use muster_kernel::mail::{Delivery, MailSetup};
use muster_kernel::{Domain, UserId};
use muster_testkit::{Engine, Gate, OnEngine, PASSWORD, People, Person, TestDb, TestDbOptions, each_engine};
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::json;

use crate::second_factors;
use crate::support::{Answer, TestApp};
use crate::traces::{Traces, ask, files, rows};

const ADDRESS: &str = "quillana@vervainport.example";
const NEW_ADDRESS: &str = "thistlewick@vervainport.example";
const DEVICE: &str = "Marrowphone 77.3";

/// Does the jobs that are due, and leaves the mails in a folder.
async fn deliver(app: &TestApp, folder: &Path) {
    let setup = MailSetup { smtp_url: None, from: "club@example.org".into(), folder: folder.into() };
    let jobs = Delivery::new(&setup).expect("a delivery").jobs();
    let mut domains = domains_at_work(&app.accounts);
    domains.push(Domain { name: "mail", jobs, ..Domain::default() });
    Runner::new((*app.db).clone(), &domains).run_due().await.expect("jobs done");
}

async fn register(app: &TestApp, password: &str) {
    let registration = json!({
        "first_name": "Quillana", "last_name": "Sarmiento-Ostrova", "email": ADDRESS, "password": password,
        "date_of_birth": "1971-10-23",
    });
    assert_eq!(app.post_as_nobody("/api/auth/register", registration).await.status, 201);
}

/// Signs in on a device that tells what it is.
async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    let login = app.request(Method::POST, "/api/auth/login").header(USER_AGENT, DEVICE);
    Answer::of(login.json(&json!({"email": email, "password": password}))).await
}

/// Somebody of whom there is something in every place where there can be something.
async fn quillana(app: &TestApp, admin: &Person, folder: &Path) -> (Person, Traces) {
    register(app, PASSWORD).await;
    deliver(app, folder).await;
    let login = log_in(app, ADDRESS, PASSWORD).await;
    let text = |field: &str| login.body[field].as_str().expect("a token").to_owned();
    let id = UserId(login.body["user"]["id"].as_i64().expect("an id"));
    let person =
        Person { id, email: ADDRESS.into(), token: text("access_token"), refresh: text("refresh_token") };

    let (secret, _) = second_factors::set_up(app, &person).await;
    let ward = json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": "2015-01-01"});
    assert_eq!(app.post("/api/members/me/dependants", &person, ward).await.status, 201);
    app.patch("/api/users/me", &person, json!({"language": "qya-xmarro"})).await;
    let why = json!({"reason": "the grimsby affair"});
    assert_eq!(app.post(&format!("/api/users/{id}/password-reset"), admin, why).await.status, 200);
    let answer = Kept {
        status: 201,
        location: Some("/gifts/brambleton".into()),
        etag: None,
        body: json!({"for": "Quillana"}).to_string(),
        about: None,
    };
    let kept = app.db.write(move |tx| {
        Once::new(id, "hollowmere", "POST", "/gifts", b"{}")?.run(tx, |_| Ok::<_, Fault>(answer.clone()))
    });
    kept.await.expect("an answer that is kept");
    deliver(app, folder).await;

    // What waits to be done when they are erased.
    let change = json!({"new_email": NEW_ADDRESS, "password": PASSWORD});
    assert_eq!(app.put("/api/auth/email", &person, change).await.status, 202);
    assert_eq!(app.post_as_nobody("/api/auth/password/forgot", json!({"email": ADDRESS})).await.status, 202);

    let mut traces: Vec<String> = [
        "quillana",
        "sarmiento",
        "ostrova",
        "1971-10-23",
        "thistlewick",
        "marrowphone",
        "grimsby",
        "brambleton",
        "hollowmere",
        "qya-xmarro",
        &secret,
    ]
    .map(str::to_owned)
    .into();
    let target = app.db.target();
    let hex = match target {
        Target::Sqlite(_) => |column: &str| format!("hex({column})"),
        Target::Postgres(_) => |column: &str| format!("encode({column}, 'hex')"),
    };
    traces.extend(ask(&target, &format!("SELECT password_hash AS line FROM users WHERE id = {id}")));
    for (table, column) in [
        ("recovery_codes", "hash"),
        ("sessions", "family"),
        ("links", "hash"),
        ("idempotency_keys", "fingerprint"),
    ] {
        let bytes = hex(column);
        traces.extend(ask(&target, &format!("SELECT {bytes} AS line FROM {table} WHERE user_id = {id}")));
    }
    (person, Traces(traces))
}

async fn erase(app: &TestApp, admin: &Person, person: &Person) -> Answer {
    let why = json!({"reason": "Quillana asked for it"});
    app.post(&format!("/api/users/{}/erase", person.id), admin, why).await
}

/// A club whose database can be made to wait.
struct Gated {
    app: TestApp,
    gate: Gate,
}

impl OnEngine for Gated {
    async fn on(engine: Engine) -> Gated {
        let gate = Gate::default();
        let observer = Some(gate.observer());
        let options = TestDbOptions { readers: 2, writers: 4, observer, ..TestDbOptions::default() };
        let app = TestApp::with(TestDb::with(engine, options), &["--rate-limits", "off"]);
        Gated { app, gate }
    }
}

/// A domain that has something to say about people.
#[derive(Default)]
struct Domino {
    refuses: Option<Code>,
    fails: bool,
    told: Mutex<Vec<UserId>>,
}

impl PersonHooks for Domino {
    fn created(&self, _: &mut Tx<'_>, _: UserId, _: Beginning, _: Option<UserId>) -> Result<(), Fault> {
        Ok(())
    }
    fn may_erase(&self, _: &mut Conn, _: UserId) -> Result<(), Fault> {
        self.refuses.map_or(Ok(()), |code| Err(Fault::new(code, "There is something to settle first.")))
    }
    fn erase(&self, _: &mut Tx<'_>, _: UserId) -> Result<(), Fault> {
        if self.fails { Err(DbError::Closed.into()) } else { Ok(()) }
    }
    fn minority_changed(&self, _: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        self.told.lock().expect("nobody panicked with it").push(user);
        Ok(())
    }
}

/// A club with such a domain.
struct Club {
    db: TestDb,
    accounts: Accounts,
    people: People,
    admin: Person,
    _secret: tempfile::TempDir,
}

impl Club {
    async fn with(db: TestDb, domain: Arc<Domino>) -> Club {
        let secret = tempfile::tempdir().expect("a folder");
        let keys = Keyring::open(&secret.path().join("secret")).expect("a keyring");
        let hooks: Vec<Arc<dyn PersonHooks>> = vec![muster_members::person_hooks(Vec::new()), domain];
        let accounts = Accounts::new(Passwords::new(4), keys, hooks, AccountOptions::default());
        let people = People::new((*db).clone(), accounts.clone());
        let admin = people.admin().await;
        Club { db, accounts, people, admin, _secret: secret }
    }

    async fn can<P: Permission>(&self, person: &Person) -> Can<P> {
        let actor = self.accounts.authenticate(&self.db, &person.token, Origin::default()).await;
        actor.expect("an answer").expect("somebody").can::<P>().expect("the permission")
    }

    async fn erase(&self, person: &Person) -> Result<(), Fault> {
        let (accounts, id) = (self.accounts.clone(), person.id);
        let can = self.can::<EraseUsers>(&self.admin).await;
        self.db.write(move |tx| accounts.erase(tx, &can, id).map(drop)).await
    }

    async fn add_child(&self, guardian: &Person) -> UserId {
        let (accounts, id) = (self.accounts.clone(), guardian.id);
        let can = self.can::<AddDependants>(guardian).await;
        let child = Dependant { first_name: "Tom".into(), last_name: "Small".into(), date_of_birth: None };
        let added = self.db.write(move |tx| accounts.add_dependant(tx, &can, id, &child)).await;
        added.expect("a child")
    }
}

each_engine! {
    async fn one_takes_along_all_that_is_known_of_oneself_and_of_nobody_else(app: TestApp) {
        let (admin, folder) = (app.people.admin().await, tempfile::tempdir().expect("a folder"));
        let (person, _) = quillana(&app, &admin, folder.path()).await;
        let file = app.get("/api/users/me/export", &person).await;
        assert_eq!(file.status, 200, "{}", file.text);
        assert_eq!(file.header("content-type"), "application/json");
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"my-data.json\"");
        assert!(file.header("cache-control").contains("no-store"), "{}", file.header("cache-control"));
        let export = file.body.as_object().expect("an object");
        assert_eq!(export.keys().collect::<Vec<_>>(), ["chat", "classes", "exported_at", "finance", "members", "sessions", "user"]);
        let user = &export["user"];
        for (field, value) in [
            ("first_name", json!("Quillana")),
            ("last_name", json!("Sarmiento-Ostrova")),
            ("email", json!(ADDRESS)),
            ("date_of_birth", json!("1971-10-23")),
            ("language", json!("qya-xmarro")),
            ("roles", json!(["member"])),
            ("second_factor", json!(true)),
            ("guardian_ids", json!([])),
            ("ward_ids", json!([person.id.0 + 1])),
        ] {
            assert_eq!(user[field], value, "{field}");
        }
        assert_eq!(export["members"]["status"], "pending");
        let [session] = export["sessions"].as_array().expect("a list").as_slice() else { panic!("{}", file.text) };
        assert_eq!(session["user_agent"], DEVICE);
        let of_others = Traces([admin.email.as_str(), "Person", "Number 0", "Tom", "Small"].map(str::to_owned).into());
        assert_eq!(of_others.within(&file.text), [""; 0]);
    }

    async fn what_one_takes_along_lets_nobody_in(app: TestApp) {
        let (admin, folder) = (app.people.admin().await, tempfile::tempdir().expect("a folder"));
        let (person, traces) = quillana(&app, &admin, folder.path()).await;
        let file = app.get("/api/users/me/export", &person).await;
        // Those that are no words of a person: hashes, secrets, and what only the server remembers.
        let secrets = Traces(traces.0.into_iter().skip(10).chain([person.token, person.refresh]).collect());
        assert!(secrets.0.len() > 15, "a hash, a secret, ten codes, a session, links, an answer, two tokens");
        assert_eq!(secrets.within(&file.text), [""; 0]);
    }

    async fn a_child_takes_along_who_acts_for_it(app: TestApp) {
        let (guardian, admin) = (app.people.member().await, app.people.admin().await);
        let child = app.people.member().await;
        app.patch(&format!("/api/users/{}", child.id), &admin, json!({"date_of_birth": "2015-01-01"})).await;
        let path = format!("/api/members/{}/guardians", child.id);
        assert_eq!(app.put(&path, &admin, json!({"user_ids": [guardian.id]})).await.status, 200);
        let export = app.get("/api/users/me/export", &child).await;
        assert_eq!((&export.body["user"]["guardian_ids"], &export.body["user"]["ward_ids"]), (&json!([guardian.id]), &json!([])));
        assert!(!export.text.contains(&guardian.email));
    }

    async fn nothing_is_left_of_whoever_is_erased(app: TestApp) {
        let (admin, folder) = (app.people.admin().await, tempfile::tempdir().expect("a folder"));
        let (person, traces) = quillana(&app, &admin, folder.path()).await;
        let (before, mails) = (rows(&app.db.target()), files(folder.path()));
        assert_eq!(traces.within(&before), traces.0, "all of it is there to be found");
        assert_eq!(traces.within(&mails), ["quillana"], "mails hold the address");

        let erased = erase(&app, &admin, &person).await;
        assert_eq!(erased.status, 200, "{}", erased.text);
        assert_eq!((&erased.body["first_name"], &erased.body["last_name"]), (&json!("Erased"), &json!("person")));
        assert_eq!(erased.body["email"], json!(null));
        assert_eq!(traces.within(&erased.text), [""; 0]);
        deliver(&app, folder.path()).await;
        app.wait(TimeDelta::minutes(10));
        deliver(&app, folder.path()).await;

        assert_eq!(traces.within(rows(&app.db.target())), [""; 0], "in the database");
        assert_eq!(traces.within(files(folder.path())), [""; 0], "in the mail folder");
        if let Target::Sqlite(file) = app.db.target() {
            let folder_of_it = file.parent().expect("a folder");
            assert_eq!(traces.within(files(folder_of_it)), [""; 0], "in the file's free space, or its log");
            let copy = folder.path().join("copy");
            copy_sqlite(&file, &copy).expect("a copy");
            assert_eq!(traces.within(std::fs::read(copy).expect("a copy")), [""; 0], "in a backup");
        }
        let row = app.get(&format!("/api/users/{}", person.id), &app.people.again(&admin).await).await;
        assert_eq!(row.body["first_name"], "Erased");
        assert_eq!((&row.body["is_active"], &row.body["roles"]), (&json!(false), &json!(["member"])));
    }

    async fn whoever_is_erased_comes_in_by_no_way_and_is_not_found(app: TestApp) {
        let (admin, folder) = (app.people.admin().await, tempfile::tempdir().expect("a folder"));
        let (person, _) = quillana(&app, &admin, folder.path()).await;
        let list = async |words: &str| app.get(&format!("/api/users?q={words}"), &admin).await.body["items"].clone();
        for words in ["quillana", "ostrova", ADDRESS] {
            assert_eq!(list(words).await[0]["id"], person.id.0, "{words}");
        }
        assert_eq!(erase(&app, &admin, &person).await.status, 200);
        assert_eq!(app.get("/api/users/me", &person).await.problem(), (401, "unauthenticated"), "at once");
        let refresh = json!({"refresh_token": person.refresh});
        assert_eq!(app.post_as_nobody("/api/auth/refresh", refresh).await.problem(), (401, "unauthenticated"));
        assert_eq!(log_in(&app, ADDRESS, PASSWORD).await.problem(), (401, "bad_credentials"));
        for words in ["quillana", "ostrova", ADDRESS, "erased", "person"] {
            let found = list(words).await;
            assert!(found.as_array().expect("a list").iter().all(|user| user["id"] != person.id.0), "{words}: {found}");
        }
        app.post_as_nobody("/api/auth/password/forgot", json!({"email": ADDRESS})).await;
        deliver(&app, folder.path()).await;
        assert_eq!(files(folder.path()), b"", "no mail is left, and none goes out");
    }

    async fn nobody_is_erased_twice_or_changed_afterwards(app: TestApp) {
        let (admin, person, other) = (app.people.admin().await, app.people.member().await, app.people.member().await);
        assert_eq!(erase(&app, &admin, &person).await.status, 200);
        assert_eq!(erase(&app, &admin, &person).await.problem(), (409, "invalid_state"));
        let user = format!("/api/users/{}", person.id);
        for action in ["deactivate", "reactivate", "password-reset", "totp-reset"] {
            let refused = app.post(&format!("{user}/{action}"), &admin, json!({})).await;
            assert_eq!(refused.problem(), (409, "invalid_state"), "{action}");
        }
        let guardians = format!("/api/members/{}/guardians", person.id);
        for (path, body) in [
            (format!("{user}/roles"), json!({"roles": ["coach"]})),
            (format!("{user}/email"), json!({"email": "x@example.org"})),
            (guardians, json!({"user_ids": [other.id]})),
        ] {
            assert_eq!(app.put(&path, &admin, body).await.problem(), (409, "invalid_state"), "{path}");
        }
        let renamed = app.patch(&user, &admin, json!({"first_name": "X"})).await;
        assert_eq!(renamed.problem(), (409, "invalid_state"));
        let guardian = json!({"user_ids": [person.id]});
        app.patch(&format!("/api/users/{}", other.id), &admin, json!({"date_of_birth": "2015-01-01"})).await;
        let refused = app.put(&format!("/api/members/{}/guardians", other.id), &admin, guardian).await;
        assert_eq!(refused.fields(), [("/user_ids/0", "not_found")], "nor is anybody given to them");
    }

    async fn an_erased_persons_address_is_anybodys(app: TestApp) {
        let (admin, folder) = (app.people.admin().await, tempfile::tempdir().expect("a folder"));
        let (person, _) = quillana(&app, &admin, folder.path()).await;
        assert_eq!(erase(&app, &admin, &person).await.status, 200);
        register(&app, "violet kettle harbour").await;
        let login = log_in(&app, ADDRESS, "violet kettle harbour").await;
        assert_eq!(login.status, 200, "no second factor of old: {}", login.text);
        assert_ne!(login.body["user"]["id"], person.id.0, "somebody new");
        assert_eq!(app.get(&format!("/api/users/{}", person.id), &admin).await.body["first_name"], "Erased");
        let token = login.body["access_token"].as_str().expect("a token");
        let me = Answer::of(app.request(Method::GET, "/api/users/me/export").bearer_auth(token)).await;
        assert_eq!(me.body["user"]["ward_ids"], json!([]), "nobody else's child comes with it");
    }

    async fn what_was_under_way_when_somebody_was_erased_leaves_nothing(given: Gated) {
        let Gated { app, gate } = given;
        let admin = app.people.admin().await;
        for (method, path, body) in [
            (Method::PUT, "/api/auth/email", json!({"new_email": NEW_ADDRESS, "password": PASSWORD})),
            (Method::PUT, "/api/auth/password", json!({"old_password": PASSWORD, "new_password": "violet kettle harbour"})),
            (Method::POST, "/api/auth/totp", json!({"password": PASSWORD})),
        ] {
            let person = app.people.member().await;
            let request = app.request(method, path).bearer_auth(&person.token).json(&body);
            // The password is proven by what was read before.
            gate.close("password_hash");
            let meanwhile = async {
                gate.reached().await;
                assert_eq!(erase(&app, &admin, &person).await.status, 200);
                gate.open();
            };
            let (answer, ()) = futures_util::future::join(Answer::of(request), meanwhile).await;
            assert_eq!(answer.problem(), (401, "unauthenticated"), "{path}");
        }
        app.mails().await;
        let traces = Traces(vec!["thistlewick".into(), "otpauth".into()]);
        assert_eq!(traces.within(rows(&app.db.target())), [""; 0]);
        let left = "SELECT 'a hash' AS line FROM users WHERE erased_at IS NOT NULL AND password_hash IS NOT NULL \
                    UNION ALL SELECT 'a secret' FROM second_factors";
        assert_eq!(ask(&app.db.target(), left), [""; 0]);
    }

    async fn a_domain_that_cannot_agree_keeps_everything_as_it_was(db: TestDb) {
        let club = Club::with(db, Arc::new(Domino { refuses: Some(Code::AlreadyExists), ..Domino::default() })).await;
        let person = club.people.member().await;
        club.add_child(&person).await;
        let before = rows(&club.db.target());
        let refused = club.erase(&person).await.expect_err("it does not agree");
        assert_eq!(refused.code, Code::AlreadyExists);
        assert_eq!(rows(&club.db.target()), before);
        club.people.sign_in(&person.email, PASSWORD).await;
    }

    async fn a_domain_that_fails_keeps_everything_as_it_was(db: TestDb) {
        let club = Club::with(db, Arc::new(Domino { fails: true, ..Domino::default() })).await;
        let person = club.people.member().await;
        let before = rows(&club.db.target());
        club.erase(&person).await.expect_err("it fails");
        assert_eq!(rows(&club.db.target()), before);
    }

    async fn whose_guardian_is_erased_has_one_less_and_every_domain_knows(db: TestDb) {
        let domain = Arc::new(Domino::default());
        let club = Club::with(db, domain.clone()).await;
        let (person, other) = (club.people.member().await, club.people.member().await);
        let child = club.add_child(&person).await;
        let others_child = club.add_child(&other).await;
        domain.told.lock().expect("nobody panicked with it").clear();
        club.erase(&person).await.expect("erased");
        assert_eq!(*domain.told.lock().expect("nobody panicked with it"), [child]);
        let left = ask(&club.db.target(), "SELECT 'a guardian' AS line FROM guardianships");
        assert_eq!(left.len(), 1, "that of the {others_child}");
    }
}

#[test]
fn a_long_read_puts_off_that_the_log_is_emptied_and_no_more() {
    muster_testkit::run(async {
        let app = TestApp::on(Engine::Sqlite).await;
        let (admin, folder) = (app.people.admin().await, tempfile::tempdir().expect("a folder"));
        let (person, traces) = quillana(&app, &admin, folder.path()).await;
        let Target::Sqlite(file) = app.db.target() else { panic!("it was asked for SQLite") };
        let mut reader = SqliteConnection::establish(&file.to_string_lossy()).expect("open");
        reader.batch_execute("BEGIN; SELECT count(*) FROM users").expect("a long read");
        assert_eq!(erase(&app, &admin, &person).await.status, 200);
        deliver(&app, folder.path()).await;
        let data = file.parent().expect("a folder");
        assert_ne!(traces.within(files(data)), [""; 0], "the reader still sees what was");
        reader.batch_execute("COMMIT").expect("the end of it");
        app.wait(TimeDelta::seconds(5));
        deliver(&app, folder.path()).await;
        assert_eq!(traces.within(files(data)), [""; 0]);
    });
}
