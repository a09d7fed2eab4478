//! The people of the club: who sees them, who changes them, and that there is always an admin.

use chrono::TimeDelta;
use muster_auth::permissions::GiveRoles;
use muster_auth::{Role, Roles};
use muster_kernel::Expected;
use muster_kernel::fault::Code;
use muster_testkit::{PASSWORD, Person, each_engine};
use reqwest::Method;
use reqwest::header::{ETAG, IF_MATCH};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, token_in};

fn user(person: &Person) -> String {
    format!("/api/users/{}", person.id)
}

fn ids(list: &Answer) -> Vec<i64> {
    let items = list.body["items"].as_array().unwrap_or_else(|| panic!("{}", list.text));
    items.iter().map(|user| user["id"].as_i64().expect("an id")).collect()
}

async fn invite(app: &TestApp, admin: &Person, first: &str, last: &str, email: Option<&str>) -> Value {
    let body = json!({"first_name": first, "last_name": last, "email": email});
    let answer = app.post("/api/users", admin, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body
}

/// Makes a child without an address, with this guardian.
async fn child_of(app: &TestApp, guardian: &Person, born: &str) -> i64 {
    let path = format!("/api/members/{}/dependants", guardian.id);
    let answer = app
        .post(&path, guardian, json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": born}))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body["id"].as_i64().expect("an id")
}

each_engine! {
    async fn one_sees_oneself_and_staff_sees_everybody(app: TestApp) {
        let (anna, bert) = (app.people.member().await, app.people.member().await);
        let me = app.get("/api/users/me", &anna).await;
        let mut fields: Vec<_> = me.body.as_object().expect("an object").keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, [
            "coach_id", "date_joined", "date_of_birth", "email", "email_verified", "first_name", "id", "is_active",
            "language", "last_name", "member_id", "role", "roles", "show_presence", "version",
        ]);
        assert_eq!((me.body["id"].as_i64(), me.body["member_id"].as_i64()), (Some(anna.id.0), Some(anna.id.0)));
        assert_eq!(me.body["coach_id"], json!(null));
        assert_eq!(app.get(&user(&anna), &anna).await.body, me.body);
        assert_eq!(app.get(&format!("{}/", user(&anna)), &anna).await.body, me.body);
        assert_eq!(app.get(&user(&bert), &anna).await.problem(), (404, "not_found"));
        assert_eq!(app.get("/api/users", &anna).await.problem(), (403, "forbidden"));
        for staff in [app.people.coach().await, app.people.treasurer().await, app.people.admin().await] {
            assert_eq!(app.get(&user(&bert), &staff).await.body["id"], bert.id.0);
            assert!(ids(&app.get("/api/users/", &staff).await).contains(&bert.id.0));
            assert_eq!(app.get("/api/users/999999", &staff).await.problem(), (404, "not_found"));
            assert_eq!(app.get("/api/users/nonsense", &staff).await.problem(), (400, "malformed"));
        }
    }

    async fn a_profile_is_changed_by_whoever_it_is_of(app: TestApp) {
        let (anna, admin) = (app.people.member().await, app.people.admin().await);
        let before = app.get("/api/users/me", &anna).await;
        let patch = json!({"first_name": "Änne", "last_name": "Zöllner", "language": "de-CH", "show_presence": false, "date_of_birth": "1980-01-31"});
        let after = app.patch("/api/users/me", &anna, patch.clone()).await;
        assert_eq!(after.status, 200, "{}", after.text);
        for (field, value) in patch.as_object().expect("an object") {
            assert_eq!(&after.body[field], value, "{field}");
        }
        assert_eq!(after.body["version"], 2);
        assert_eq!(app.patch("/api/users/me", &anna, patch).await.body["version"], 2, "the same again changes nothing");
        let stale = app.request(Method::PATCH, "/api/users/me").bearer_auth(&anna.token).header(IF_MATCH, before.header(ETAG.as_str()));
        assert_eq!(Answer::of(stale.json(&json!({"first_name": "Anne"}))).await.problem(), (412, "stale"));
        assert_eq!(app.patch("/api/users/me", &anna, json!({"language": null})).await.body["language"], json!(null));
        let found = app.get("/api/users?q=zöll", &admin).await;
        assert_eq!(ids(&found), [anna.id.0], "she is found by her new name");
        assert!(ids(&app.get("/api/users?q=person0", &admin).await).is_empty() || anna.email.starts_with("person0"));
        assert_eq!(app.patch(&user(&anna), &admin, json!({"first_name": "Anna"})).await.body["first_name"], "Anna");
    }

    async fn a_profile_takes_nothing_that_is_not_its_own(app: TestApp) {
        let anna = app.people.member().await;
        for (field, value) in [
            ("role", json!("admin")), ("roles", json!(["admin"])), ("id", json!(1)), ("is_active", json!(false)),
            ("email", json!("x@example.org")), ("email_verified", json!(true)), ("date_joined", json!("2020-01-01T00:00:00Z")),
            ("password", json!("x")), ("password_hash", json!("x")), ("member_id", json!(1)), ("coach_id", json!(1)),
            ("version", json!(9)), ("last_sign_in_at", json!(null)), ("erased_at", json!(null)), ("name_key", json!("x")),
        ] {
            let answer = app.patch("/api/users/me", &anna, json!({field: value})).await;
            assert_eq!(answer.problem(), (422, "unknown_field"), "{field}");
        }
        let wrong = app.patch("/api/users/me", &anna, json!({"first_name": "", "last_name": "a\u{7}b", "language": "not a language", "date_of_birth": "2027-01-01"})).await;
        assert_eq!(wrong.fields(), [
            ("/first_name", "too_short"), ("/last_name", "control_characters"), ("/date_of_birth", "out_of_range"), ("/language", "invalid"),
        ]);
    }

    async fn staff_who_see_a_profile_do_not_change_it_and_members_do_not_see_it(app: TestApp) {
        let (anna, bert) = (app.people.member().await, app.people.member().await);
        let patch = json!({"first_name": "X"});
        assert_eq!(app.patch(&user(&anna), &bert, patch.clone()).await.problem(), (404, "not_found"));
        for staff in [app.people.coach().await, app.people.treasurer().await] {
            assert_eq!(app.patch(&user(&anna), &staff, patch.clone()).await.problem(), (403, "forbidden"));
            assert_eq!(app.patch("/api/users/999999", &staff, patch.clone()).await.problem(), (404, "not_found"));
        }
    }

    async fn people_are_listed_in_order_and_page_by_page(app: TestApp) {
        let admin = app.people.admin().await;
        let mut made = Vec::new();
        for (first, last) in [("Bea", "Ähren"), ("anna", "baum"), ("Cid", "Baum"), ("Dora", "abel"), ("Bea", "Zorn")] {
            made.push(invite(&app, &admin, first, last, None).await["id"].as_i64().expect("an id"));
        }
        let by_name = [made[3], made[1], made[2], admin.id.0, made[4], made[0]];
        let mut walked = Vec::new();
        let mut path = "/api/users?limit=2&count=true".to_owned();
        loop {
            let page = app.get(&path, &admin).await;
            assert_eq!(page.body["total"], 6);
            walked.extend(ids(&page));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/api/users?limit=2&count=true&cursor={cursor}");
        }
        assert_eq!(walked, by_name);
        for (sort, expected) in [
            ("name", by_name.to_vec()),
            ("-name", by_name.iter().rev().copied().collect()),
            ("date_joined", [vec![admin.id.0], made.clone()].concat()),
            ("-date_joined", made.iter().rev().copied().chain([admin.id.0]).collect()),
        ] {
            let first = app.get(&format!("/api/users?sort={sort}&limit=3"), &admin).await;
            let cursor = first.body["next_cursor"].as_str().expect("a next page");
            let second = app.get(&format!("/api/users?sort={sort}&limit=3&cursor={cursor}"), &admin).await;
            assert_eq!([ids(&first), ids(&second)].concat(), expected, "{sort}");
            let other = app.get(&format!("/api/users?sort=name&role=admin&limit=3&cursor={cursor}x"), &admin).await;
            assert_eq!(other.problem(), (400, "malformed"));
        }
        assert_eq!(app.get("/api/users?sort=age", &admin).await.problem(), (400, "malformed"));
        assert_eq!(app.get("/api/users?secret=1", &admin).await.problem(), (400, "unknown_parameter"));
    }

    async fn people_are_filtered_and_found_by_the_beginnings_of_words(app: TestApp) {
        let (admin, coach, treasurer) = (app.people.admin().await, app.people.coach().await, app.people.treasurer().await);
        let anna = invite(&app, &admin, "Anna-Lena", "von Annaberg", Some("lena@example.org")).await["id"].as_i64().expect("an id");
        let mut other = Vec::new();
        for n in 0..4 {
            other.push(invite(&app, &admin, "Anna", &format!("Other{n}"), None).await["id"].as_i64().expect("an id"));
        }
        let get = async |query: &str| ids(&app.get(&format!("/api/users?{query}"), &admin).await);
        assert_eq!(get("role=coach").await, [coach.id.0]);
        assert_eq!(get("role=treasurer&sort=-name").await, [treasurer.id.0]);
        assert_eq!(get("role=admin&sort=date_joined&is_active=true").await, [admin.id.0]);
        assert_eq!(get("is_active=false").await, Vec::<i64>::new());
        assert_eq!(get("q=annab").await, [anna]);
        assert_eq!(get("q=ANNA").await, [vec![anna], other.clone()].concat().into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>());
        assert_eq!(get("q=anna+lena").await, [anna], "every word counts");
        assert_eq!(get("q=lena@example.org").await, [anna]);
        assert_eq!(get("q=anna&role=coach").await, Vec::<i64>::new());
        assert_eq!(get("q=nobody").await, Vec::<i64>::new());
        assert_eq!(get("q=%25").await, Vec::<i64>::new(), "nothing in it is a pattern");
        let first = app.get("/api/users?q=anna&limit=2&count=true", &admin).await;
        assert_eq!(first.body["total"], 5, "somebody with two such words counts once");
        let cursor = first.body["next_cursor"].as_str().expect("a next page");
        let second = app.get(&format!("/api/users?q=anna&limit=3&cursor={cursor}"), &admin).await;
        assert_eq!([ids(&first), ids(&second)].concat().len(), 5);
        assert_eq!(app.get("/api/users?q=a&sort=name", &admin).await.problem(), (400, "malformed"));
        assert_eq!(app.get("/api/users?q=a+b+c+d+e+f", &admin).await.problem(), (400, "malformed"));
    }

    async fn somebody_invited_is_an_active_member_and_chooses_a_password(app: TestApp) {
        let admin = app.people.admin().await;
        let body = json!({"first_name": "Anna", "last_name": "Example", "email": "Anna@example.org", "roles": ["coach"], "date_of_birth": "1990-01-01"});
        let invited = app.post("/api/users", &admin, body.clone()).await;
        assert_eq!(invited.status, 201, "{}", invited.text);
        assert_eq!(invited.header("location"), format!("/api/users/{}", invited.body["id"]));
        assert!(!invited.header("etag").is_empty());
        assert_eq!((&invited.body["roles"], &invited.body["role"]), (&json!(["member", "coach"]), &json!("coach")));
        assert_eq!(invited.body["coach_id"], invited.body["id"]);
        let mails = app.mails().await;
        assert_eq!(mails[0].to, "anna@example.org");
        let choose = json!({"token": token_in(&mails[0]), "new_password": "violet kettle harbour"});
        assert_eq!(app.post("/api/users", &admin, body).await.problem(), (409, "already_exists"));
        app.wait(TimeDelta::days(6));
        assert_eq!(app.post_as_nobody("/api/auth/password/reset", choose).await.status, 204);
        let login = app.post_as_nobody("/api/auth/login", json!({"email": "anna@example.org", "password": "violet kettle harbour"})).await;
        assert_eq!((login.status.as_u16(), &login.body["user"]["email_verified"]), (200, &json!(true)));
        let admin = app.people.admin().await;
        let without = json!({"first_name": "A", "last_name": "B", "email": null, "roles": ["treasurer"]});
        assert_eq!(app.post("/api/users", &admin, without).await.fields(), [("/email", "required")]);
        for staff in [app.people.member().await, app.people.coach().await, app.people.treasurer().await] {
            let body = json!({"first_name": "A", "last_name": "B", "email": "b@example.org"});
            assert_eq!(app.post("/api/users", &staff, body).await.problem(), (403, "forbidden"));
        }
    }

    async fn a_role_counts_at_once_and_so_does_its_loss(app: TestApp) {
        let (anna, admin) = (app.people.member().await, app.people.admin().await);
        let path = format!("{}/roles", user(&anna));
        assert_eq!(app.get("/api/audit", &anna).await.problem(), (403, "forbidden"));
        let given = app.put(&path, &admin, json!({"roles": ["admin", "coach"]})).await;
        assert_eq!(given.body["roles"], json!(["member", "coach", "admin"]), "{}", given.text);
        assert_eq!(app.get("/api/audit", &anna).await.status, 200);
        assert_eq!(app.put(&path, &admin, json!({"roles": []})).await.body["roles"], json!(["member"]));
        assert_eq!(app.get("/api/audit", &anna).await.problem(), (403, "forbidden"));
        assert_eq!(app.get("/api/users/me", &anna).await.status, 200, "she is still signed in");
        assert_eq!(app.put(&path, &admin, json!({"roles": ["king"]})).await.status, 422);
        let child = invite(&app, &admin, "Tom", "Small", None).await;
        let path = format!("/api/users/{}/roles", child["id"]);
        assert_eq!(app.put(&path, &admin, json!({"roles": ["coach"]})).await.problem(), (409, "invalid_state"));
    }

    async fn a_closed_account_is_shut_out_at_once_until_it_is_opened(app: TestApp) {
        let (anna, treasurer) = (app.people.member().await, app.people.treasurer().await);
        app.mails().await;
        app.post_as_nobody("/api/auth/password/forgot", json!({"email": anna.email})).await;
        let reset = token_in(&app.mails().await[0]);
        let closed = app.post(&format!("{}/deactivate", user(&anna)), &treasurer, json!({"reason": "moved away"})).await;
        assert_eq!((closed.status.as_u16(), &closed.body["is_active"]), (200, &json!(false)), "{}", closed.text);
        assert_eq!(app.get("/api/users/me", &anna).await.problem(), (401, "unauthenticated"));
        let refreshed = app.post_as_nobody("/api/auth/refresh", json!({"refresh_token": anna.refresh})).await;
        assert_eq!(refreshed.problem(), (401, "unauthenticated"));
        let log_in = || app.post_as_nobody("/api/auth/login", json!({"email": anna.email, "password": PASSWORD}));
        assert_eq!(log_in().await.problem(), (401, "bad_credentials"));
        let chosen = app.post_as_nobody("/api/auth/password/reset", json!({"token": reset, "new_password": "amber lantern meadow"})).await;
        assert_eq!(chosen.problem(), (422, "token_invalid"));
        app.post_as_nobody("/api/auth/password/forgot", json!({"email": anna.email})).await;
        assert!(app.mails().await.is_empty());
        assert_eq!(app.post(&format!("{}/deactivate", user(&anna)), &treasurer, json!({})).await.problem(), (409, "invalid_state"));
        assert_eq!(app.post(&format!("{}/reactivate", user(&anna)), &treasurer, json!({})).await.status, 200);
        assert_eq!(log_in().await.status, 200);
        assert_eq!(app.get("/api/users/me", &anna).await.problem(), (401, "unauthenticated"), "old sessions stay over");
        assert_eq!(app.post(&format!("{}/reactivate", user(&anna)), &treasurer, json!({})).await.problem(), (409, "invalid_state"));
    }

    async fn a_treasurer_touches_no_admin_and_others_touch_nobody(app: TestApp) {
        let (anna, admin) = (app.people.member().await, app.people.admin().await);
        app.people.admin().await;
        let treasurer = app.people.treasurer().await;
        for action in ["deactivate", "reactivate", "password-reset"] {
            let answer = app.post(&format!("{}/{action}", user(&admin)), &treasurer, json!({})).await;
            assert_eq!(answer.problem(), (403, "forbidden"), "{action}");
            for person in [app.people.member().await, app.people.coach().await] {
                let answer = app.post(&format!("{}/{action}", user(&anna)), &person, json!({})).await;
                assert_eq!(answer.problem(), (403, "forbidden"), "{action}");
            }
        }
    }

    async fn a_reset_by_staff_only_mails_the_owner(app: TestApp) {
        let (anna, treasurer) = (app.people.member().await, app.people.treasurer().await);
        app.mails().await;
        let asked = app.post(&format!("{}/password-reset", user(&anna)), &treasurer, json!({})).await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        let mails = app.mails().await;
        let token = token_in(&mails[0]);
        assert_eq!(mails[0].to, anna.email);
        assert!(!asked.text.contains(&token));
        assert_eq!(app.get("/api/users/me", &anna).await.status, 200, "nothing changes until they act");
        let body = json!({"token": token, "new_password": "amber lantern meadow"});
        assert_eq!(app.post_as_nobody("/api/auth/password/reset", body).await.status, 204);
        let admin = app.people.admin().await;
        let child = invite(&app, &admin, "Tom", "Small", None).await;
        let path = format!("/api/users/{}/password-reset", child["id"]);
        assert_eq!(app.post(&path, &admin, json!({})).await.problem(), (409, "invalid_state"));
    }

    async fn the_last_admin_stays(app: TestApp) {
        let admin = app.people.admin().await;
        let demote = async |by: &Person, whom: &Person| app.put(&format!("{}/roles", user(whom)), by, json!({"roles": []})).await;
        assert_eq!(demote(&admin, &admin).await.problem(), (409, "last_admin"));
        let closed = app.post(&format!("{}/deactivate", user(&admin)), &admin, json!({})).await;
        assert_eq!(closed.problem(), (409, "last_admin"));
        let erased = app.post(&format!("{}/erase", user(&admin)), &admin, json!({})).await;
        assert_eq!(erased.problem(), (409, "last_admin"));
        let second = app.people.admin().await;
        assert_eq!(app.post(&format!("{}/deactivate", user(&second)), &admin, json!({})).await.status, 200);
        assert_eq!(demote(&admin, &admin).await.problem(), (409, "last_admin"), "one who cannot sign in is no help");
        app.post(&format!("{}/reactivate", user(&second)), &admin, json!({})).await;
        assert_eq!(demote(&admin, &admin).await.status, 200);
    }

    async fn the_last_admin_stays_under_a_race(app: TestApp) {
        for round in 0..5 {
            let admins = [app.people.admin().await, app.people.admin().await, app.people.admin().await];
            let all = admins.iter().enumerate().map(async |(n, admin)| {
                let other = &admins[(n + 1) % 3];
                match n {
                    0 => app.put(&format!("{}/roles", user(admin)), admin, json!({"roles": []})).await,
                    1 => app.post(&format!("{}/deactivate", user(admin)), admin, json!({})).await,
                    _ => app.post(&format!("{}/deactivate", user(other)), admin, json!({})).await,
                }
            });
            futures_util::future::join_all(all).await;
            let left = app.db.read_one(muster_auth::has_no_admin).await;
            assert!(!left.expect("an answer"), "round {round}: nobody is left");
        }
    }

    async fn a_right_that_was_taken_away_is_not_used_to_take_it_back(app: TestApp) {
        let (admin, other) = (app.people.admin().await, app.people.admin().await);
        let seen = app.accounts.authenticate(&app.db, &other.token, Default::default()).await;
        let as_they_were = seen.expect("an answer").expect("somebody").can::<GiveRoles>().expect("an admin");
        app.put(&format!("{}/roles", user(&other)), &admin, json!({"roles": []})).await;
        let accounts = app.accounts.clone();
        let back = app.db.write(move |tx| {
            accounts.give_roles(tx, &as_they_were, other.id, &Expected::Any, Roles::of([Role::Admin]))
        });
        assert_eq!(back.await.expect_err("refused").code, Code::Forbidden);
    }

    async fn roles_and_guardians_are_given_to_whom_one_saw(app: TestApp) {
        let (admin, anna) = (app.people.admin().await, app.people.member().await);
        let child = child_of(&app, &anna, "2015-01-01").await;
        for (path, body) in [
            (format!("{}/roles", user(&anna)), json!({"roles": ["coach"]})),
            (format!("/api/members/{child}/guardians"), json!({"user_ids": []})),
        ] {
            let request = app.request(Method::PUT, &path).bearer_auth(&admin.token).header(IF_MATCH, "\"99-x\"");
            assert_eq!(Answer::of(request.json(&body)).await.problem(), (412, "stale"), "{path}");
            let request = app.request(Method::PUT, &path).bearer_auth(&admin.token).header(IF_MATCH, "\"1-x\"");
            assert_eq!(Answer::of(request.json(&body)).await.status, 200, "{path}");
        }
    }

    async fn nobody_becomes_guardian_of_somebody_who_acts_for_themselves(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        // Of unknown age, all of them.
        for person in [app.people.admin().await, app.people.coach().await, app.people.member().await] {
            let path = format!("/api/members/{}/guardians", person.id);
            let refused = app.put(&path, &treasurer, json!({"user_ids": [treasurer.id]})).await;
            assert_eq!(refused.problem(), (409, "invalid_state"));
        }
    }

    async fn an_address_can_be_offered_to_somebody_without_one(app: TestApp) {
        let (guardian, admin, other) = (app.people.member().await, app.people.admin().await, app.people.member().await);
        let child = child_of(&app, &guardian, "2016-03-01").await;
        app.mails().await;
        let path = format!("/api/users/{child}/email");
        assert_eq!(app.put(&path, &other, json!({"email": "tom@example.org"})).await.problem(), (404, "not_found"));
        assert_eq!(app.put(&path, &guardian, json!({"email": other.email})).await.status, 202, "it looks the same");
        let mails = app.mails().await;
        assert_eq!((mails[0].to.as_str(), mails[0].text.contains("#token=")), (other.email.as_str(), false));
        assert_eq!(app.put(&path, &guardian, json!({"email": "tom@example.org"})).await.status, 202);
        let token = token_in(&app.mails().await[0]);
        assert_eq!(app.get(&format!("/api/users/{child}"), &admin).await.body["email"], json!(null), "not proven yet");
        let body = json!({"token": token, "new_password": "violet kettle harbour"});
        assert_eq!(app.post_as_nobody("/api/auth/password/reset", body).await.status, 204);
        let login = app.post_as_nobody("/api/auth/login", json!({"email": "tom@example.org", "password": "violet kettle harbour"})).await;
        assert_eq!(login.body["user"]["id"], child, "{}", login.text);
        assert_eq!(app.put(&path, &guardian, json!({"email": "x@example.org"})).await.problem(), (409, "invalid_state"));
    }

    async fn a_guardian_acts_for_a_child_until_it_is_of_age(app: TestApp) {
        let (guardian, other) = (app.people.member().await, app.people.member().await);
        let child = child_of(&app, &guardian, "2010-06-15").await;
        let path = format!("/api/users/{child}");
        assert_eq!(app.get(&path, &guardian).await.body["date_of_birth"], "2010-06-15");
        assert_eq!(app.patch(&path, &guardian, json!({"first_name": "Tommy"})).await.body["first_name"], "Tommy");
        assert_eq!(app.get(&path, &other).await.problem(), (404, "not_found"));
        assert_eq!(app.patch(&path, &other, json!({"first_name": "X"})).await.problem(), (404, "not_found"));
        assert_eq!(app.post(&format!("{path}/deactivate"), &guardian, json!({})).await.problem(), (403, "forbidden"));
        // 2026-01-01 in the test's clock; of age on 2028-06-15.
        app.wait(TimeDelta::days(895));
        let again = app.people.sign_in(&guardian.email, PASSWORD).await;
        let as_guardian = Person { token: again.access, ..guardian.clone() };
        assert_eq!(app.get(&path, &as_guardian).await.status, 200, "the day before");
        app.wait(TimeDelta::days(1));
        let again = app.people.sign_in(&guardian.email, PASSWORD).await;
        let as_guardian = Person { token: again.access, ..guardian };
        assert_eq!(app.get(&path, &as_guardian).await.problem(), (404, "not_found"));
    }

    async fn staff_say_who_is_guardian_of_whom(app: TestApp) {
        let (treasurer, anna, bert) = (app.people.treasurer().await, app.people.member().await, app.people.member().await);
        let child = child_of(&app, &anna, "2015-01-01").await;
        let path = format!("/api/members/{child}/guardians");
        let set = async |ids: Value| app.put(&path, &treasurer, json!({"user_ids": ids})).await;
        let both = set(json!([anna.id, bert.id])).await;
        assert_eq!((both.status.as_u16(), &both.body["guardian_ids"]), (200, &json!([anna.id, bert.id])), "{}", both.text);
        assert_eq!(app.get(&format!("/api/users/{child}"), &bert).await.status, 200);
        assert_eq!(set(json!([bert.id])).await.body["guardian_ids"], json!([bert.id]));
        assert_eq!(app.get(&format!("/api/users/{child}"), &anna).await.problem(), (404, "not_found"));
        for (ids, field, code) in [
            (json!([child]), "/user_ids/0", "invalid"),
            (json!([bert.id, 999_999]), "/user_ids/1", "not_found"),
            (json!([bert.id, bert.id]), "/user_ids", "duplicate"),
        ] {
            let wrong = set(ids.clone()).await;
            assert!(wrong.fields().contains(&(field, code)), "{ids}: {}", wrong.text);
        }
        let sibling = child_of(&app, &bert, "2012-01-01").await;
        assert!(set(json!([sibling])).await.fields().contains(&("/user_ids/0", "minor")));
        let adult = app.put(&format!("/api/members/{}/guardians", bert.id), &treasurer, json!({"user_ids": [anna.id]})).await;
        assert_eq!(adult.problem(), (409, "invalid_state"), "a guardian has no guardians");
        for person in [&anna, &bert, &app.people.coach().await] {
            assert_eq!(app.put(&path, person, json!({"user_ids": []})).await.problem(), (403, "forbidden"));
        }
        assert_eq!(set(json!([])).await.body["guardian_ids"], json!([]));
        assert_eq!(app.get(&format!("/api/users/{child}"), &bert).await.problem(), (404, "not_found"));
    }

    async fn a_minor_does_not_make_themselves_older(app: TestApp) {
        let admin = app.people.admin().await;
        let young = json!({"first_name": "Tom", "last_name": "Small", "email": "tom@example.org", "date_of_birth": "2012-01-01"});
        let tom = app.post("/api/users", &admin, young).await.body["id"].clone();
        let token = token_in(&app.mails().await[0]);
        app.post_as_nobody("/api/auth/password/reset", json!({"token": token, "new_password": PASSWORD})).await;
        let tokens = app.people.sign_in("tom@example.org", PASSWORD).await;
        let patch = async |body: Value| Answer::of(app.request(Method::PATCH, "/api/users/me").bearer_auth(&tokens.access).json(&body)).await;
        assert_eq!(patch(json!({"date_of_birth": "1990-01-01"})).await.problem(), (403, "forbidden"));
        assert_eq!(patch(json!({"first_name": "Thomas", "date_of_birth": "2012-01-01"})).await.status, 200, "the same date is no change");
        let by_admin = app.patch(&format!("/api/users/{tom}"), &admin, json!({"date_of_birth": "2011-01-01"})).await;
        assert_eq!(by_admin.status, 200);
    }

    async fn nobody_makes_dependants_for_somebody_else_but_staff(app: TestApp) {
        let (anna, bert) = (app.people.member().await, app.people.member().await);
        let treasurer = app.people.with([Role::Treasurer]).await;
        let body = json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": "2015-01-01"});
        let path = format!("/api/members/{}/dependants", anna.id);
        assert_eq!(app.post(&path, &bert, body.clone()).await.problem(), (404, "not_found"));
        let coach = app.people.coach().await;
        assert_eq!(app.post(&path, &coach, body.clone()).await.problem(), (403, "forbidden"), "a coach sees her");
        let own = app.post("/api/members/me/dependants", &anna, body.clone()).await;
        assert_eq!((&own.body["status"], &own.body["membership_approved"]), (&json!("pending"), &json!(false)), "{}", own.text);
        assert_eq!(own.body["guardian_ids"], json!([anna.id]));
        let by_staff = app.post(&path, &treasurer, body.clone()).await;
        assert_eq!(by_staff.body["status"], "active");
        let mut grown = body.clone();
        grown["date_of_birth"] = json!("1990-01-01");
        assert_eq!(app.post(&path, &anna, grown).await.fields(), [("/date_of_birth", "of_age")]);
        let mut smuggled = body;
        smuggled["email"] = json!("x@example.org");
        assert_eq!(app.post(&path, &anna, smuggled).await.problem(), (422, "unknown_field"));
    }
}
