//! The timetable and personal calendars, as calendars elsewhere see them.

mod feed;
pub mod planned;

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use muster_kernel::db::{DbOptions, StatementObserver};
use muster_testkit::{Engine, Person, TestDb, each_engine};
use reqwest::Method;
use serde_json::json;

use crate::program::{Program, sign_in};
use crate::support::{Answer, TestApp};
use feed::{Event, events};
use planned::{booking, change, class, time};

const TIMETABLE: &str = "/api/calendar/classes.ics";

/// What anybody gets at an address.
async fn open(app: &TestApp, path: &str) -> Answer {
    Answer::of(app.request(Method::GET, path)).await
}

/// The same unless it is still this.
async fn open_unless(app: &TestApp, path: &str, etag: &str) -> Answer {
    Answer::of(app.request(Method::GET, path).header("if-none-match", etag)).await
}

/// A new address of somebody's own calendar.
async fn address(app: &TestApp, person: &Person) -> String {
    let made = app.post("/api/calendar/me", person, json!({})).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.header("cache-control"), "no-store");
    let url = made.body["url"].as_str().expect("an address");
    url.strip_prefix("https://club.example").expect("the club's address").to_owned()
}

async fn own(app: &TestApp, person: &Person) -> Vec<Event> {
    let feed = open(app, &address(app, person).await).await;
    assert_eq!(feed.status, 200, "{}", feed.text);
    events(&feed.text)
}

/// Title and status, in order.
fn told(events: &[Event]) -> Vec<(&str, &str)> {
    events.iter().map(|event| (event.title.as_str(), event.status.as_str())).collect()
}

each_engine! {
    async fn the_timetable_is_open_to_everybodys_calendar(app: TestApp) {
        app.db.clock.set(time("2026-10-01T08:00:00Z"));
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let summer = class(&app, coach.id, "Judo, for beginners; \\ ünï", "2026-10-20T17:00:00Z").await;
        let winter = class(&app, coach.id, "Judo", "2026-10-27T18:00:00Z").await;
        booking(&app, summer, member.id, "booked").await;
        let feed = open(&app, TIMETABLE).await;
        assert_eq!(feed.status, 200, "{}", feed.text);
        assert_eq!(feed.header("content-type"), "text/calendar; charset=utf-8");
        assert_eq!(feed.header("cache-control"), "public, max-age=300");
        let found = events(&feed.text);
        assert_eq!(told(&found), [("Judo, for beginners; \\ ünï", "CONFIRMED"), ("Judo", "CONFIRMED")]);
        assert_eq!(found[0].starts_at.to_rfc3339(), "2026-10-20T17:00:00+00:00");
        assert_eq!(found[1].ends_at.to_rfc3339(), "2026-10-27T19:00:00+00:00");
        assert!(feed.text.contains("DTSTART;TZID=Europe/Berlin:20261020T190000\r\n"), "{}", feed.text);
        assert!(feed.text.contains("DTSTART;TZID=Europe/Berlin:20261027T190000\r\n"), "{}", feed.text);
        assert_eq!(found[0].location, "Hall 2; left, below");
        let name = app.get(&format!("/api/users/{}", coach.id), &coach).await.body;
        let name = format!("{} {}", name["first_name"].as_str().unwrap_or(""), name["last_name"].as_str().unwrap_or(""));
        assert_eq!(found[0].description, format!("Coach: {name}\n\nBring a mat, and water.\nCome early."));
        assert!(!feed.text.contains(&member.email));
        for property in ["X-WR-CALNAME:", "NAME:", "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n", "X-PUBLISHED-TTL:PT1H\r\n"] {
            assert!(feed.text.contains(&format!("\r\n{property}")), "{property}");
        }
        assert!(winter > summer);
    }

    async fn a_cancelled_class_stays_in_the_timetable_as_cancelled(app: TestApp) {
        app.db.clock.set(time("2026-11-02T08:00:00Z"));
        let coach = app.people.coach().await;
        let id = class(&app, coach.id, "Judo", "2026-11-10T18:00:00Z").await;
        let before = events(&open(&app, TIMETABLE).await.text).remove(0);
        app.wait(TimeDelta::minutes(1));
        change(&app, id, "status = 'cancelled', has_room = (1 = 0)").await;
        let feed = open(&app, TIMETABLE).await;
        let after = events(&feed.text).remove(0);
        assert_eq!((after.title.as_str(), after.status.as_str()), ("Judo", "CANCELLED"));
        assert_eq!(after.uid, before.uid, "it is the same event to them");
        assert!(after.sequence > before.sequence);
        assert!(feed.text.contains("DTSTAMP:20261102T080100Z\r\nLAST-MODIFIED:20261102T080100Z\r\n"), "{}", feed.text);
    }

    async fn an_event_is_the_same_wherever_the_club_moves(app: TestApp) {
        app.db.clock.set(time("2026-11-02T08:00:00Z"));
        let id = class(&app, app.people.coach().await.id, "Judo", "2026-11-10T18:00:00Z").await;
        let uid = events(&open(&app, TIMETABLE).await.text).remove(0).uid;
        let (key, identity) = uid.split_once('@').expect("an @");
        assert_eq!(key, format!("class-{id}"));
        assert!(identity.len() == 32 && !uid.contains("club.example"), "{uid} does not hang on an address");
    }

    async fn the_timetable_goes_from_four_weeks_back_to_the_horizon_of_the_series(app: TestApp) {
        app.db.clock.set(time("2026-11-02T08:00:00Z"));
        let coach = app.people.coach().await.id;
        for (title, starts_at) in [
            ("too old", "2026-10-05T07:59:00Z"),
            ("oldest", "2026-10-05T08:00:00Z"),
            ("furthest", "2027-01-25T07:59:00Z"),
            ("too far", "2027-01-25T08:00:00Z"),
        ] {
            class(&app, coach, title, starts_at).await;
        }
        let feed = events(&open(&app, TIMETABLE).await.text);
        assert_eq!(told(&feed), [("oldest", "CONFIRMED"), ("furthest", "CONFIRMED")]);
    }

    async fn an_hour_that_is_there_twice_is_told_as_the_one_that_is_meant(app: TestApp) {
        app.db.clock.set(time("2026-10-20T08:00:00Z"));
        let coach = app.people.coach().await.id;
        // In Berlin both are 02:30, and the first class ends when the second begins.
        class(&app, coach, "first", "2026-10-25T00:30:00Z").await;
        class(&app, coach, "second", "2026-10-25T01:30:00Z").await;
        let feed = events(&open(&app, TIMETABLE).await.text);
        let times: Vec<_> = feed.iter().map(|event| (event.starts_at, event.ends_at)).collect();
        let at = |text| time(text).utc();
        assert_eq!(times, [
            (at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z")),
            (at("2026-10-25T01:30:00Z"), at("2026-10-25T02:30:00Z")),
        ]);
    }

    async fn whoever_has_the_timetable_is_not_sent_it_again(app: TestApp) {
        app.db.clock.set(time("2026-11-02T08:00:00Z"));
        let id = class(&app, app.people.coach().await.id, "Judo", "2026-11-10T18:00:00Z").await;
        let first = open(&app, TIMETABLE).await;
        let etag = first.header("etag");
        for seen in [etag.to_owned(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
            let again = open_unless(&app, TIMETABLE, &seen).await;
            assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{seen}");
            assert_eq!(again.header("etag"), etag);
            assert_eq!(again.header("cache-control"), "public, max-age=300");
        }
        app.wait(TimeDelta::seconds(1));
        change(&app, id, "class_title = 'Karate'").await;
        let changed = open_unless(&app, TIMETABLE, etag).await;
        assert_eq!(changed.status, 200);
        assert_eq!(told(&events(&changed.text)), [("Karate", "CONFIRMED")]);
    }

    async fn what_is_not_said_of_classes_is_in_the_timetable_after_five_minutes(app: TestApp) {
        app.db.clock.set(time("2026-11-02T08:00:00Z"));
        let admin = app.people.admin().await;
        assert_eq!(open(&app, TIMETABLE).await.status, 200);
        assert_eq!(app.patch("/api/club", &admin, json!({"name": "SV Newname"})).await.status, 200);
        app.wait(TimeDelta::minutes(5));
        assert!(open(&app, TIMETABLE).await.text.contains("\r\nX-WR-CALNAME:SV Newname\r\n"));
    }

    async fn a_personal_calendar_has_what_somebody_booked_or_waits_for(app: TestApp) {
        app.db.clock.set(time("2026-11-02T08:00:00Z"));
        let (coach, anna, other) = (app.people.coach().await, app.people.member().await, app.people.member().await);
        for (title, starts_at, status) in [
            ("came", "2026-10-20T17:00:00Z", "attended"),
            ("missed", "2026-10-21T17:00:00Z", "no_show"),
            ("booked", "2026-11-10T18:00:00Z", "booked"),
            ("waits", "2026-11-11T18:00:00Z", "waitlisted"),
            ("left", "2026-11-12T18:00:00Z", "cancelled"),
            ("left late", "2026-11-13T18:00:00Z", "late_cancelled"),
            ("called off", "2026-11-14T18:00:00Z", "cancelled_by_club"),
        ] {
            let id = class(&app, coach.id, title, starts_at).await;
            booking(&app, id, anna.id, status).await;
        }
        let long_ago = class(&app, coach.id, "long ago", "2026-10-01T17:00:00Z").await;
        booking(&app, long_ago, anna.id, "attended").await;
        let not_hers = class(&app, coach.id, "not hers", "2026-11-10T19:00:00Z").await;
        booking(&app, not_hers, other.id, "booked").await;
        assert_eq!(told(&own(&app, &anna).await), [
            ("came", "CONFIRMED"),
            ("missed", "CONFIRMED"),
            ("booked", "CONFIRMED"),
            ("waits (waiting list)", "TENTATIVE"),
            ("left", "CANCELLED"),
            ("left late", "CANCELLED"),
            ("called off", "CANCELLED"),
        ]);
        assert_eq!(told(&own(&app, &other).await), [("not hers", "CONFIRMED")]);
    }

    async fn what_was_booked_again_is_in_a_personal_calendar_once(app: TestApp) {
        app.db.clock.set(time("2026-11-02T08:00:00Z"));
        let (coach, anna) = (app.people.coach().await, app.people.member().await);
        let id = class(&app, coach.id, "Judo", "2026-11-10T18:00:00Z").await;
        for status in ["cancelled", "cancelled", "booked"] {
            booking(&app, id, anna.id, status).await;
        }
        assert_eq!(told(&own(&app, &anna).await), [("Judo", "CONFIRMED")]);
    }

    async fn a_guardians_calendar_has_the_classes_of_the_child_with_its_name(app: TestApp) {
        app.db.clock.set(time("2026-11-02T08:00:00Z"));
        let (coach, anna) = (app.people.coach().await, app.people.member().await);
        let child = json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": "2015-01-01"});
        let child = app.post("/api/members/me/dependants", &anna, child).await.body["id"].as_i64().expect("an id");
        let id = class(&app, coach.id, "Judo", "2026-11-10T18:00:00Z").await;
        booking(&app, id, muster_kernel::UserId(child), "waitlisted").await;
        booking(&app, id, anna.id, "booked").await;
        let feed = own(&app, &anna).await;
        assert_eq!(told(&feed), [("Judo (Tom, waiting list)", "TENTATIVE"), ("Judo", "CONFIRMED")]);
        assert_ne!(feed[0].uid, feed[1].uid);
    }

    async fn a_coachs_calendar_has_the_classes_that_they_teach(app: TestApp) {
        app.db.clock.set(time("2026-11-02T08:00:00Z"));
        let (coach, other) = (app.people.coach().await, app.people.coach().await);
        class(&app, coach.id, "Judo", "2026-11-10T18:00:00Z").await;
        let off = class(&app, coach.id, "Karate", "2026-11-11T18:00:00Z").await;
        change(&app, off, "status = 'cancelled', has_room = (1 = 0)").await;
        class(&app, other.id, "Yoga", "2026-11-12T18:00:00Z").await;
        assert_eq!(told(&own(&app, &coach).await), [("Judo", "CONFIRMED"), ("Karate", "CANCELLED")]);
    }

    async fn what_changes_of_a_booking_is_news_to_a_calendar(app: TestApp) {
        app.db.clock.set(time("2026-11-02T08:00:00Z"));
        let (coach, anna) = (app.people.coach().await, app.people.member().await);
        let id = class(&app, coach.id, "Judo", "2026-11-10T18:00:00Z").await;
        booking(&app, id, anna.id, "booked").await;
        let path = address(&app, &anna).await;
        let first = open(&app, &path).await;
        assert_eq!(first.header("cache-control"), "private, no-cache");
        assert_eq!(open_unless(&app, &path, first.header("etag")).await.status, 304);
        app.wait(TimeDelta::minutes(1));
        let cancelled = app.db.write(|tx| -> muster_kernel::db::DbResult<usize> {
            let now = tx.now();
            let statement = "UPDATE bookings SET status = 'cancelled', is_live = (1 = 0), is_seated = (1 = 0), \
                decided_at = $1, version = version + 1";
            Ok(diesel::RunQueryDsl::execute(
                diesel::sql_query(statement).bind::<muster_kernel::sql::Moment, _>(now), &mut **tx,
            )?)
        });
        assert_eq!(cancelled.await.expect("cancelled"), 1);
        let second = open_unless(&app, &path, first.header("etag")).await;
        let (before, after) = (events(&first.text).remove(0), events(&second.text).remove(0));
        assert_eq!((after.status.as_str(), &after.uid), ("CANCELLED", &before.uid));
        assert!(after.sequence > before.sequence);
        assert!(second.text.contains("DTSTAMP:20261102T080100Z\r\n"), "{}", second.text);
    }

    async fn a_new_address_makes_the_old_one_worthless(app: TestApp) {
        let anna = app.people.member().await;
        let old = address(&app, &anna).await;
        let new = address(&app, &anna).await;
        assert_ne!(old, new);
        assert_eq!(open(&app, &old).await.problem(), (404, "not_found"));
        assert_eq!(open(&app, &new).await.status, 200);
        assert_eq!(app.delete("/api/calendar/me", &anna).await.status, 204);
        assert_eq!(open(&app, &new).await.problem(), (404, "not_found"));
        assert_eq!(app.delete("/api/calendar/me", &anna).await.status, 204);
        let admin = app.people.admin().await;
        let log = app.get(&format!("/api/audit?actor_id={}", anna.id), &admin).await;
        let actions: Vec<_> = log.body["items"].as_array().expect("a list").iter().map(|e| e["action"].clone()).collect();
        let made = json!("calendar.address_made");
        let expected = [json!("calendar.address_revoked"), made.clone(), made];
        assert!(actions.starts_with(&expected), "{actions:?}");
    }

    async fn the_calendar_of_a_closed_account_is_not_there(app: TestApp) {
        let (admin, anna) = (app.people.admin().await, app.people.member().await);
        let path = address(&app, &anna).await;
        let person = format!("/api/users/{}", anna.id);
        assert_eq!(app.post(&format!("{person}/deactivate"), &admin, json!({})).await.status, 200);
        assert_eq!(open(&app, &path).await.problem(), (404, "not_found"));
        assert_eq!(app.post(&format!("{person}/reactivate"), &admin, json!({})).await.status, 200);
        assert_eq!(open(&app, &path).await.status, 200);
        assert_eq!(app.post(&format!("{person}/erase"), &admin, json!({})).await.status, 200);
        assert_eq!(open(&app, &path).await.problem(), (404, "not_found"));
        assert_eq!(secrets(&app).await, 0, "not even its hash");
    }

    async fn the_database_could_tell_nobody_an_address(app: TestApp) {
        let anna = app.people.member().await;
        let path = address(&app, &anna).await;
        let secret = path.trim_start_matches("/api/calendar/").trim_end_matches(".ics");
        assert_eq!(secret.len(), 43, "256 bits");
        assert_eq!(secrets(&app).await, 1);
        // As it is written, and as the digits of its letters, for bytes are shown as digits.
        let digits: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let traces = crate::traces::Traces(vec![secret.to_owned(), digits]);
        assert_eq!(traces.within(crate::traces::rows(&app.db.target())), [""; 0]);
        let export = app.get("/api/users/me/export", &anna).await;
        assert!(export.body["calendar"]["address_made_at"].is_string() && !export.text.contains(secret), "{}", export.text);
    }

    async fn a_path_beside_a_calendar_says_which_methods_it_has(app: TestApp) {
        let anna = app.people.member().await;
        let refused = app.get("/api/calendar/me", &anna).await;
        assert_eq!(refused.problem(), (405, "method_not_allowed"));
        assert_eq!(refused.header("allow"), "POST, DELETE");
        assert_eq!(app.post("/api/calendar/me", &anna, json!({"url": "x"})).await.problem(), (422, "unknown_field"));
    }

    async fn the_log_has_no_address_of_a_calendar(program: Program) {
        let served = program.serve_with(&["--public-url", "https://club.example"]);
        program.create_admin("anna@example.org");
        let token = sign_in(&served.address, "anna@example.org").await;
        let client = reqwest::Client::new();
        let asked = client.post(format!("{}/api/calendar/me", served.address)).bearer_auth(token).json(&json!({}));
        let made: serde_json::Value = asked.send().await.expect("an answer").json().await.expect("JSON");
        let path = made["url"].as_str().and_then(|url| url.strip_prefix("https://club.example")).expect("an address");
        let secret = path.trim_start_matches("/api/calendar/").trim_end_matches(".ics");
        for (path, status) in [
            (path.to_owned(), 200),
            (format!("{path}/"), 200),
            (format!("{path}?unknown=1"), 400),
            (format!("{path}x"), 404),
            (format!("/api/calendar/x{secret}.ics"), 404),
        ] {
            let answer = client.get(format!("{}{path}", served.address)).send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), status, "{path}");
        }
        assert_eq!(served.stop().0, Some(0));
        let log = program.log();
        assert!(log.contains("/api/calendar/{secret}.ics"), "the requests are there: {log}");
        assert!(!log.contains(secret), "{log}");
    }
}

/// How many addresses the database knows of.
async fn secrets(app: &TestApp) -> i64 {
    use diesel::RunQueryDsl;
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    let count = app.db.read(|conn| -> muster_kernel::db::DbResult<Count> {
        Ok(diesel::sql_query("SELECT count(*) AS n FROM calendar_secrets").get_result(conn)?)
    });
    count.await.expect("a count").n
}

#[test]
fn asking_again_for_an_unchanged_timetable_is_one_look() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        muster_testkit::run(async {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let into = seen.clone();
            let observer: StatementObserver =
                Arc::new(move |sql| into.lock().expect("a list").push(sql.to_owned()));
            let options = DbOptions { observer: Some(observer), ..DbOptions::default() };
            let app = TestApp::with(TestDb::with(engine, options), &["--rate-limits", "off"]);
            class(&app, app.people.coach().await.id, "Judo", "2026-11-10T18:00:00Z").await;
            let first = open(&app, TIMETABLE).await;
            seen.lock().expect("a list").clear();
            assert_eq!(open_unless(&app, TIMETABLE, first.header("etag")).await.status, 304);
            let asked = std::mem::take(&mut *seen.lock().expect("a list"));
            let [one] = asked.as_slice() else { panic!("{asked:?}") };
            assert!(one.contains("changed_at") && !one.contains("class_title"), "{one}");
        });
    }
}
