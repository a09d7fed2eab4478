//! Requests that are done once, however often they are sent: proven with a route of the tests' own, which does
//! what routes that move money do.

use actix_web::middleware::from_fn;
use actix_web::{App, test as actix, web};
use muster_auth::{AccountOptions, Accounts, Keyring, Passwords, authenticate};
use muster_kernel::audit::{self, Event, Filter, Origin};
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::{OnceBody, Reply, envelope};
use muster_kernel::page::PageRequest;
use muster_testkit::{Engine, People, Person, TestDb};
use serde_json::{Value, json};

#[derive(Debug, serde::Deserialize)]
struct Give {
    amount: i64,
}

/// Leaves an event for each effect, so that effects can be counted.
async fn give(request: OnceBody<Give>, origin: Origin, db: web::Data<Db>) -> Result<Reply, Fault> {
    request
        .perform(&db, move |tx, body| {
            if body.amount < 0 {
                return Err(Fault::new(Code::InvalidState, "There is no giving less than nothing."));
            }
            let event = Event { action: "given", object_type: "gift", object_id: body.amount, reason: None };
            audit::append(tx, &origin, event)?;
            Reply::created(format!("/gifts/{}", body.amount), 1, &json!({"amount": body.amount}))
        })
        .await
}

struct Given {
    db: TestDb,
    person: Person,
    other: Person,
    accounts: Accounts,
    _dir: tempfile::TempDir,
}

impl Given {
    async fn on(engine: Engine) -> Given {
        let db = TestDb::new(engine);
        let dir = tempfile::tempdir().expect("a folder");
        let keys = Keyring::open(&dir.path().join("secret")).expect("a keyring");
        let accounts = Accounts::new(
            Passwords::new(4),
            keys,
            vec![muster_members::person_hooks(Vec::new())],
            AccountOptions::default(),
        );
        let people = People::new((*db).clone(), accounts.clone());
        let (person, other) = (people.member().await, people.member().await);
        Given { db, person, other, accounts, _dir: dir }
    }

    async fn effects(&self) -> usize {
        let filter = Filter { object_type: Some("gift".into()), ..Filter::default() };
        let page = PageRequest::read("x", Some(100), None).expect("a page");
        let events = self.db.read(move |conn| audit::list(conn, &filter, &page)).await;
        events.expect("events").len()
    }
}

/// Builds the application in place: its type cannot be named.
macro_rules! service {
    ($given:expr) => {
        actix::init_service(
            App::new()
                .app_data(web::Data::new((*$given.db).clone()))
                .app_data(web::Data::new($given.accounts.clone()))
                .route("/give", web::post().to(give))
                .wrap(from_fn(authenticate))
                .wrap(from_fn(envelope)),
        )
        .await
    };
}

fn request(person: &Person, key: &str, body: &Value) -> actix::TestRequest {
    actix::TestRequest::post()
        .uri("/give")
        .insert_header(("authorization", format!("Bearer {}", person.token)))
        .insert_header(("idempotency-key", key.to_owned()))
        .set_json(body)
}

macro_rules! send {
    ($app:expr, $request:expr) => {{
        let response = match actix::try_call_service(&$app, $request.to_request()).await {
            Ok(response) => response.map_into_boxed_body(),
            Err(e) => panic!("no answer: {e}"),
        };
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).map(|v| v.to_str().expect("text").to_owned());
        let (replayed, location, etag) = (header("idempotency-replayed"), header("location"), header("etag"));
        let body: Value = serde_json::from_slice(&actix::read_body(response).await).expect("JSON");
        (status, replayed, location, etag, body)
    }};
}

fn both(proof: impl AsyncFn(Given)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        actix_web::rt::System::new().block_on(async { proof(Given::on(engine).await).await });
    }
}

#[test]
fn the_same_request_again_gets_the_first_answer_and_has_no_second_effect() {
    both(async |given| {
        let app = service!(given);
        let first = send!(app, request(&given.person, "k1", &json!({"amount": 5})));
        assert_eq!((first.0, first.1.as_deref(), first.2.as_deref()), (201, None, Some("/gifts/5")));
        let again = send!(app, request(&given.person, "k1", &json!({"amount": 5})));
        assert_eq!((again.0, again.1.as_deref()), (201, Some("true")));
        assert_eq!((&again.2, &again.3, &again.4), (&first.2, &first.3, &first.4));
        assert_eq!(given.effects().await, 1);
    });
}

#[test]
fn a_key_stands_for_one_request_of_one_person() {
    both(async |given| {
        let app = service!(given);
        send!(app, request(&given.person, "k1", &json!({"amount": 5})));
        let other_body = send!(app, request(&given.person, "k1", &json!({"amount": 6})));
        assert_eq!((other_body.0, &other_body.4["code"]), (422, &json!("idempotency_key_reused")));
        let other_person = send!(app, request(&given.other, "k1", &json!({"amount": 5})));
        assert_eq!((other_person.0, other_person.1), (201, None));
        assert_eq!(given.effects().await, 2);
    });
}

#[test]
fn what_failed_is_not_kept() {
    both(async |given| {
        let app = service!(given);
        for _ in 0..2 {
            let refused = send!(app, request(&given.person, "k1", &json!({"amount": -1})));
            assert_eq!((refused.0, refused.1), (409, None));
        }
        assert_eq!(given.effects().await, 0);
    });
}

#[test]
fn a_key_is_required_and_plain() {
    both(async |given| {
        let app = service!(given);
        let without = actix::TestRequest::post()
            .uri("/give")
            .insert_header(("authorization", format!("Bearer {}", given.person.token)))
            .set_json(json!({"amount": 5}));
        let answer = send!(app, without);
        assert_eq!((answer.0, &answer.4["code"]), (400, &json!("idempotency_key_required")));
        for odd in ["", "with space", &"x".repeat(201)] {
            assert_eq!(send!(app, request(&given.person, odd, &json!({"amount": 5}))).0, 400, "{odd:?}");
        }
        assert_eq!(given.effects().await, 0);
    });
}

#[test]
fn sent_fifty_times_at_once_it_is_done_once() {
    both(async |given| {
        let app = service!(given);
        let sends = (0..50).map(|_| {
            let request = request(&given.person, "k1", &json!({"amount": 5})).to_request();
            async {
                match actix::try_call_service(&app, request).await {
                    Ok(response) => {
                        let status = response.status().as_u16();
                        (status, actix::read_body(response).await)
                    }
                    Err(e) => panic!("no answer: {e}"),
                }
            }
        });
        let answers = futures_util::future::join_all(sends).await;
        let done: Vec<_> = answers.iter().filter(|(status, _)| *status == 201).collect();
        assert!(!done.is_empty() && done.iter().all(|(_, body)| *body == done[0].1));
        assert!(answers.iter().all(|(status, _)| matches!(status, 201 | 409)), "{answers:?}");
        assert_eq!(given.effects().await, 1);
    });
}

#[test]
fn a_key_is_free_again_after_a_day() {
    both(async |given| {
        let app = service!(given);
        send!(app, request(&given.person, "k1", &json!({"amount": 5})));
        given.db.clock.set(given.db.clock().now().plus(chrono::TimeDelta::hours(25)));
        // The token of yesterday no longer holds.
        let people = People::new((*given.db).clone(), given.accounts.clone());
        let token = people.sign_in(&given.person.email, muster_testkit::PASSWORD).await.access;
        let again = Person { token, ..given.person.clone() };
        let answer = send!(app, request(&again, "k1", &json!({"amount": 6})));
        assert_eq!((answer.0, answer.1), (201, None));
        assert_eq!(given.effects().await, 2);
    });
}
