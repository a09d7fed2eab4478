//! A membership moves as the club has it, and everything about a move is kept and told.

use std::sync::{Arc, Mutex};

use muster_auth::permissions::{EraseUsers, SuspendMembers};
use muster_auth::{AccountOptions, Accounts, Keyring, Passwords};
use muster_kernel::db::Tx;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Expected, UserId};
use muster_members::{Members, MoveRequest, StandingHooks};
use muster_testkit::{People, Person, TestDb, each_engine};
use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::{Value, json};

use super::{applicant, child_of, ids, member, step};
use crate::support::{Answer, TestApp};
use crate::traces::ask;

const STEPS: [&str; 6] = ["approve", "reject", "suspend", "reinstate", "leave", "reapply"];

/// Where each step leads from each standing, in the order of [`STEPS`].
const MOVES: [(&str, [&str; 6]); 5] = [
    ("pending", ["active", "rejected", "", "", "", ""]),
    ("active", ["", "", "suspended", "", "left", ""]),
    ("suspended", ["", "", "", "active", "left", ""]),
    ("rejected", ["", "", "", "", "", "pending"]),
    ("left", ["", "", "", "", "", "pending"]),
];

/// Somebody new whose membership stands so.
async fn standing(app: &TestApp, admin: &Person, standing: &str) -> Person {
    let person = app.people.member().await;
    let way: &[&str] = match standing {
        "pending" => &["leave", "reapply"],
        "suspended" => &["suspend"],
        "rejected" => &["leave", "reapply", "reject"],
        "left" => &["leave"],
        _ => &[],
    };
    for each in way {
        assert_eq!(step(app, admin, &person, each).await.status, 200, "{each}");
    }
    person
}

/// A domain that has something to say about memberships.
#[derive(Default)]
struct Domino {
    refuses: bool,
    told: Mutex<Vec<(&'static str, UserId)>>,
}

impl Domino {
    fn tell(&self, what: &'static str, member: UserId) -> Result<(), Fault> {
        self.told.lock().expect("nobody panicked with it").push((what, member));
        match self.refuses {
            true => Err(Fault::new(Code::LastAdmin, "There is something to settle first.")),
            false => Ok(()),
        }
    }
}

impl StandingHooks for Domino {
    fn activated(&self, _: &mut Tx<'_>, member: UserId) -> Result<(), Fault> {
        self.tell("activated", member)
    }
    fn suspended(&self, _: &mut Tx<'_>, member: UserId) -> Result<(), Fault> {
        self.tell("suspended", member)
    }
    fn left(&self, _: &mut Tx<'_>, member: UserId) -> Result<(), Fault> {
        self.tell("left", member)
    }
}

each_engine! {
    async fn a_membership_moves_only_from_where_a_move_begins(app: TestApp) {
        let admin = app.people.admin().await;
        for (from, leads) in MOVES {
            for (name, to) in STEPS.into_iter().zip(leads) {
                let person = standing(&app, &admin, from).await;
                let answer = step(&app, &admin, &person, name).await;
                let now = app.get(&member(&person), &admin).await.body;
                if to.is_empty() {
                    assert_eq!(answer.problem(), (409, "invalid_state"), "{name} from {from}");
                    let detail = answer.body["detail"].as_str().expect("a sentence");
                    assert!(detail.contains(from), "{detail}");
                    assert_eq!(now["status"], from);
                } else {
                    assert_eq!((answer.status.as_u16(), &answer.body["status"]), (200, &json!(to)), "{name} from {from}");
                    assert_eq!(answer.body, now);
                    let approved = matches!(to, "active" | "suspended");
                    assert_eq!(now["membership_approved"], approved, "{to}");
                }
            }
        }
    }

    async fn every_move_is_kept_with_who_when_and_why(app: TestApp) {
        let (admin, treasurer) = (app.people.admin().await, app.people.treasurer().await);
        let person = applicant(&app, "anna@example.org").await;
        assert_eq!(app.post(&format!("{}/approve", member(&person)), &treasurer, json!({})).await.status, 200);
        app.wait(chrono::TimeDelta::seconds(60));
        assert_eq!(step(&app, &admin, &person, "suspend").await.status, 200);
        assert_eq!(app.post("/api/members/me/leave", &person, json!({})).await.status, 200);
        let history = app.get("/api/members/me/history", &person).await;
        let rows: Vec<Value> = history.body["items"].as_array().expect("a list").iter()
            .map(|row| json!([row["from"], row["to"], row["by"], row["reason"]])).collect();
        assert_eq!(json!(rows), json!([
            ["suspended", "left", person.id, null],
            ["active", "suspended", admin.id, "It has to be."],
            ["pending", "active", treasurer.id, null],
            [null, "pending", null, null],
        ]), "{}", history.text);
        assert_eq!(history.body["items"][1]["at"], "2026-01-01T00:01:00Z");
        let log = app.get(&format!("/api/audit?object_type=member&object_id={}", person.id), &admin).await;
        let events: Vec<Value> = log.body["items"].as_array().expect("a list").iter()
            .map(|event| json!([event["action"], event["actor_id"], event["reason"]])).collect();
        assert_eq!(json!(events), json!([
            ["member.left", person.id, null],
            ["member.suspended", admin.id, "It has to be."],
            ["member.approved", treasurer.id, null],
        ]));
        let mut walked = Vec::new();
        let mut path = format!("{}/history?limit=3", member(&person));
        loop {
            let page = app.get(&path, &treasurer).await;
            walked.extend(ids(&page));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("{}/history?limit=3&cursor={cursor}", member(&person));
        }
        assert_eq!(walked, ids(&history));
        let other = app.people.member().await;
        assert_eq!(app.get(&format!("{}/history", member(&person)), &other).await.problem(), (404, "not_found"));
    }

    async fn whoever_was_made_by_staff_or_a_guardian_has_a_beginning_too(app: TestApp) {
        let (admin, guardian) = (app.people.admin().await, app.people.member().await);
        let child = child_of(&app, &guardian).await;
        let invite = json!({"first_name": "Ben", "last_name": "Example", "email": "ben@example.org"});
        let invited = app.post("/api/users", &admin, invite).await.body["id"].clone();
        for (id, to, by) in [(json!(child.id), "pending", guardian.id), (invited, "active", admin.id)] {
            let history = app.get(&format!("/api/members/{id}/history"), &admin).await;
            let [row] = history.body["items"].as_array().expect("a list").as_slice() else { panic!("{}", history.text) };
            assert_eq!((&row["from"], &row["to"], &row["by"]), (&json!(null), &json!(to), &json!(by)));
        }
    }

    async fn nobody_is_rejected_or_suspended_without_a_reason(app: TestApp) {
        let admin = app.people.admin().await;
        let active = app.people.member().await;
        let pending = standing(&app, &admin, "pending").await;
        for (person, name) in [(&pending, "reject"), (&active, "suspend")] {
            let path = format!("{}/{name}", member(person));
            for (body, code) in [
                (json!({}), "required"), (json!({"reason": null}), "required"), (json!({"reason": ""}), "too_short"),
                (json!({"reason": "x".repeat(501)}), "too_long"),
            ] {
                let refused = app.post(&path, &admin, body.clone()).await;
                assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec![("/reason", code)]), "{name} {body}");
            }
            assert_eq!(app.post(&path, &admin, json!({"reason": "x".repeat(500)})).await.status, 200);
        }
    }

    async fn nobody_decides_about_their_own_membership(app: TestApp) {
        let (admin, treasurer) = (app.people.admin().await, app.people.treasurer().await);
        for each in ["leave", "reapply"] {
            assert_eq!(step(&app, &treasurer, &treasurer, each).await.status, 200, "{each}");
        }
        assert_eq!(step(&app, &treasurer, &treasurer, "approve").await.problem(), (403, "forbidden"));
        assert_eq!(step(&app, &admin, &treasurer, "approve").await.status, 200);
        assert_eq!(step(&app, &treasurer, &treasurer, "suspend").await.status, 200);
        assert_eq!(step(&app, &treasurer, &treasurer, "reinstate").await.problem(), (403, "forbidden"));
        assert_eq!(step(&app, &admin, &treasurer, "reinstate").await.status, 200);
    }

    async fn a_guardian_leaves_and_applies_for_a_child(app: TestApp) {
        let (guardian, coach, other) = (app.people.member().await, app.people.coach().await, app.people.member().await);
        let child = child_of(&app, &guardian).await;
        assert_eq!(step(&app, &guardian, &child, "approve").await.problem(), (403, "forbidden"));
        assert_eq!(step(&app, &coach, &child, "approve").await.body["status"], "active");
        assert_eq!(step(&app, &other, &child, "leave").await.problem(), (404, "not_found"));
        assert_eq!(step(&app, &coach, &child, "leave").await.problem(), (403, "forbidden"));
        assert_eq!(step(&app, &guardian, &child, "leave").await.body["status"], "left");
        assert_eq!(step(&app, &guardian, &child, "reapply").await.body["status"], "pending");
    }

    async fn of_two_who_decide_at_once_one_does(app: TestApp) {
        let (admin, coach) = (app.people.admin().await, app.people.coach().await);
        for round in 0..8 {
            let person = standing(&app, &admin, "pending").await;
            let both = futures_util::future::join(
                step(&app, &admin, &person, "approve"),
                step(&app, &coach, &person, if round % 2 == 0 { "approve" } else { "reject" }),
            );
            let (one, other) = both.await;
            let mut statuses = [one.status.as_u16(), other.status.as_u16()];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{} {}", one.text, other.text);
            let history = app.get(&format!("{}/history", member(&person)), &admin).await;
            assert_eq!(ids(&history).len(), 4, "the beginning, leaving, applying, and one decision");
        }
    }

    async fn a_membership_is_moved_as_one_saw_it(app: TestApp) {
        let (admin, person) = (app.people.admin().await, app.people.member().await);
        let path = format!("{}/suspend", member(&person));
        let ask = async |tag: &str| {
            let request = app.request(Method::POST, &path).bearer_auth(&admin.token).header(IF_MATCH, tag);
            Answer::of(request.json(&json!({"reason": "x"}))).await
        };
        assert_eq!(ask("\"7-x\"").await.problem(), (412, "stale"));
        let seen = app.get(&member(&person), &admin).await;
        assert_eq!(ask(seen.header("etag")).await.status, 200);
    }

    async fn the_membership_counts_from_the_day_in_the_clubs_zone_on_which_it_became_active(app: TestApp) {
        let admin = app.people.admin().await;
        app.patch("/api/club", &admin, json!({"time_zone": "Pacific/Auckland"})).await;
        app.wait(chrono::TimeDelta::hours(12));
        let admin = app.people.again(&admin).await;
        let person = applicant(&app, "anna@example.org").await;
        let since = || ask(&app.db.target(), &format!("SELECT CAST(active_since AS TEXT) AS line FROM members WHERE id = {} AND active_since IS NOT NULL", person.id));
        assert_eq!(since(), [""; 0], "nobody approved it yet");
        assert_eq!(step(&app, &admin, &person, "approve").await.status, 200);
        assert_eq!(since(), ["2026-01-02"]);
        app.wait(chrono::TimeDelta::days(9));
        let admin = app.people.again(&admin).await;
        assert_eq!(step(&app, &admin, &person, "suspend").await.status, 200);
        assert_eq!(since(), ["2026-01-02"]);
        assert_eq!(step(&app, &admin, &person, "reinstate").await.status, 200);
        assert_eq!(since(), ["2026-01-02"], "it was active before");
    }

    async fn members_are_told_what_becomes_of_their_membership(app: TestApp) {
        let admin = app.people.admin().await;
        let person = applicant(&app, "anna@example.org").await;
        app.mails().await;
        for (name, subject, says) in [
            ("reject", "Our club: The membership was not approved", "It says why: It has to be."),
            ("reapply", "", ""),
            ("approve", "Our club: The membership was approved", "approved the membership"),
            ("suspend", "Our club: The membership is suspended", "It says why: It has to be."),
            ("reinstate", "Our club: The membership is active again", "can be booked again"),
            ("leave", "", ""),
        ] {
            assert_eq!(step(&app, &admin, &person, name).await.status, 200, "{name}");
            let mails = app.mails().await;
            if subject.is_empty() {
                assert!(mails.is_empty(), "{name}");
                continue;
            }
            let [mail] = mails.as_slice() else { panic!("{name}: {mails:?}") };
            assert_eq!((mail.to.as_str(), mail.user_id), ("anna@example.org", Some(person.id)));
            assert_eq!(mail.subject, subject);
            assert!(mail.text.contains(says) && !mail.text.contains("Applicant"), "{}", mail.text);
        }
    }

    async fn who_has_no_address_is_written_to_through_whoever_acts_for_them(app: TestApp) {
        let (guardian, other, closed) = (app.people.member().await, app.people.member().await, app.people.member().await);
        let admin = app.people.admin().await;
        let child = child_of(&app, &guardian).await;
        let all = json!({"user_ids": [guardian.id, other.id, closed.id]});
        assert_eq!(app.put(&format!("{}/guardians", member(&child)), &admin, all).await.status, 200);
        app.post(&format!("/api/users/{}/deactivate", closed.id), &admin, json!({})).await;
        app.mails().await;
        assert_eq!(step(&app, &admin, &child, "approve").await.status, 200);
        let mut mails = app.mails().await;
        mails.sort_by_key(|mail| mail.user_id);
        let to: Vec<_> = mails.iter().map(|mail| (mail.user_id, mail.to.as_str())).collect();
        assert_eq!(to, [(Some(guardian.id), guardian.email.as_str()), (Some(other.id), other.email.as_str())]);
        for mail in &mails {
            assert!(mail.text.contains(&format!("about member {}", child.id)), "{}", mail.text);
            assert!(!mail.text.contains("Tom"), "strangers could have chosen it: {}", mail.text);
        }
        app.wait(chrono::TimeDelta::days(366 * 18));
        let admin = app.people.again(&admin).await;
        assert_eq!(step(&app, &admin, &child, "suspend").await.status, 200);
        assert!(app.mails().await.is_empty(), "who is of age has no guardians any more");
    }

    async fn every_domain_takes_part_or_nothing_happens(app: TestApp) {
        let (admin, person) = (app.people.admin().await, app.people.member().await);
        let actor = app.accounts.authenticate(&app.db, &admin.token, Default::default()).await.expect("an answer");
        let can = actor.expect("somebody").can::<SuspendMembers>().expect("an admin");
        let request = MoveRequest { member: person.id, expected: Expected::Any, reason: Some("x".into()) };
        for refuses in [true, false] {
            let domain = Arc::new(Domino { refuses, ..Domino::default() });
            let members = Members::new(vec![domain.clone()], app.accounts.clone());
            let (can, request) = (can.clone(), request.clone());
            let moved = app.db.write(move |tx| members.suspend(tx, &can, &request)).await;
            assert_eq!(moved.err().map(|fault| fault.code), refuses.then_some(Code::LastAdmin));
            let told = domain.told.lock().expect("nobody panicked with it").clone();
            assert_eq!(told, [("suspended", person.id)]);
            let now = app.get(&member(&person), &admin).await;
            assert_eq!(now.body["status"], if refuses { "active" } else { "suspended" });
        }
        assert_eq!(app.mails().await.len(), 1, "one letter, of the move that was made");
    }

    async fn whoever_is_erased_is_let_off_what_leaving_costs(db: TestDb) {
        let (secret, domain) = (tempfile::tempdir().expect("a folder"), Arc::new(Domino::default()));
        let keys = Keyring::open(&secret.path().join("secret")).expect("a keyring");
        let hooks = vec![muster_members::person_hooks(vec![domain.clone()])];
        let accounts = Accounts::new(Passwords::new(4), keys, hooks, AccountOptions::default());
        let people = People::new((*db).clone(), accounts.clone());
        let (admin, person) = (people.admin().await, people.member().await);
        let actor = accounts.authenticate(&db, &admin.token, Default::default()).await.expect("an answer");
        let can = actor.expect("somebody").can::<EraseUsers>().expect("an admin");
        db.write(move |tx| accounts.erase(tx, &can, person.id).map(drop)).await.expect("erased");
        let told = domain.told.lock().expect("nobody panicked with it").clone();
        assert_eq!(told, [("activated", admin.id), ("activated", person.id), ("suspended", person.id), ("left", person.id)]);
    }

    async fn whoever_is_erased_has_left_and_nobody_is_told_why(app: TestApp) {
        let admin = app.people.admin().await;
        let (active, applied) = (app.people.member().await, applicant(&app, "anna@example.org").await);
        assert_eq!(step(&app, &admin, &active, "suspend").await.status, 200);
        assert_eq!(step(&app, &admin, &applied, "reject").await.status, 200);
        assert_eq!(step(&app, &admin, &applied, "reapply").await.status, 200);
        for (person, to) in [(&active, "left"), (&applied, "rejected")] {
            let erased = app.post(&format!("/api/users/{}/erase", person.id), &admin, json!({})).await;
            assert_eq!(erased.status, 200, "{}", erased.text);
            assert_eq!(app.get(&member(person), &admin).await.body["status"], to);
            let history = app.get(&format!("{}/history", member(person)), &admin).await;
            assert_eq!(history.body["items"][0]["to"], to);
            for name in STEPS {
                assert_eq!(step(&app, &admin, person, name).await.problem(), (409, "invalid_state"), "{name}");
            }
        }
        let left = "SELECT reason AS line FROM member_changes WHERE reason IS NOT NULL UNION ALL \
                    SELECT reason FROM audit_events WHERE reason IS NOT NULL";
        assert_eq!(ask(&app.db.target(), left), [""; 0]);
    }
}
