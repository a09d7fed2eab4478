//! Who may do what: every operation of the document, asked for by everybody, for their own things and for others'.
//!
//! What is expected of each stands in [`table`], which is where a new operation gets its row. Beside it, what follows
//! from the document alone is proven of every operation.

mod calendar;
mod chat;
mod classes;
mod club;
mod coaches;
mod documented;
mod door;
mod finance;
mod row;
mod table;

use std::collections::BTreeSet;

use club::Club;
use documented::{Documented, documented};
use futures_util::future::join_all;
use muster_auth::{Role, permissions};
use muster_testkit::{PASSWORD, each_engine};
use row::{Caller, Outcome, Row, Whose};
use serde_json::{Value, json};
use table::{PUBLIC, table};

use crate::support::{Answer, TestApp};

fn not_public() -> Vec<Documented> {
    documented().into_iter().filter(|operation| !operation.public).collect()
}

/// Fails with everything that is wrong, not only the first.
#[track_caller]
fn nothing_is(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is wrong with an answer.
fn compare(what: &str, expected: &Outcome, answer: &Answer) -> Option<String> {
    let got = Outcome::of(answer);
    let text: String = answer.text.chars().take(300).collect();
    (got != *expected).then(|| format!("{what}: {expected} was expected, {got} came\n    {text}"))
}

/// A cell of the table in words.
fn cell(row: &Row, who: &str, whose: Whose) -> String {
    format!("{} as {who}, {whose:?}", row.operation)
}

#[test]
fn every_operation_has_its_row_and_every_row_its_operation() {
    let (documented, rows) = (documented(), table());
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for row in &rows {
        let name = row.operation;
        if !seen.insert(name) {
            wrong.push(format!("{name} has two rows in permissions/table.rs"));
        }
        let Some(operation) = documented.iter().find(|operation| operation.name == name) else {
            wrong.push(format!(
                "{name} has a row in permissions/table.rs, but is not in the document: take it out"
            ));
            continue;
        };
        if operation.public != row.public {
            wrong.push(format!("{name}: only what needs no signing in is `public` in permissions/table.rs"));
        }
        if operation.says["requestBody"].is_object() != row.body.is_some() {
            wrong.push(format!("{name}: give its row a body (`with`) exactly if the document has one"));
        }
        let said: Vec<_> = row.outcomes.iter().map(|(whose, _)| *whose).collect();
        if said != row.thing.owners() {
            let owners = row.thing.owners();
            wrong.push(format!(
                "{name} is on a {:?}: its row says something of {owners:?}, in order",
                row.thing
            ));
        }
    }
    for operation in documented.iter().filter(|operation| !seen.contains(operation.name.as_str())) {
        let name = &operation.name;
        wrong.push(format!(
            "{name} has no row in permissions/table.rs: add `Row::of(\"{name}\")` with what it is `on`, a body that \
             would be fine, and what comes of it for everybody"
        ));
    }
    nothing_is(&wrong);
}

#[test]
fn only_a_few_operations_are_for_everybody() {
    let public: Vec<_> = documented().into_iter().filter(|o| o.public).map(|o| o.name).collect();
    let (public, meant): (BTreeSet<_>, BTreeSet<_>) =
        (public.iter().map(String::as_str).collect(), PUBLIC.iter().copied().collect());
    let wrong: Vec<_> = public
        .difference(&meant)
        .map(|name| format!("{name} needs no signing in: give it a permission"))
        .chain(
            meant
                .difference(&public)
                .map(|name| format!("{name} needs signing in by now: take it off PUBLIC")),
        )
        .collect();
    nothing_is(&wrong);
}

#[test]
fn the_document_says_of_roles_what_the_table_of_permissions_says() {
    let mut wrong = Vec::new();
    for operation in not_public() {
        let permission = operation.says["x-permission"].as_str().unwrap_or_default();
        let granted = permissions::TABLE.iter().find(|row| row.name == permission).map(|row| {
            let grants = row.grants.iter();
            grants.map(|(role, scope)| (role.as_str().to_owned(), scope.as_str().to_owned())).collect()
        });
        if granted.as_ref() != Some(&operation.roles) {
            wrong.push(format!(
                "{}: {permission} is {granted:?}, x-roles {:?}",
                operation.name, operation.roles
            ));
        }
        for way in ["bearer", "cookie"] {
            let ways = operation.says["security"].as_array().into_iter().flatten();
            let roles: Vec<_> =
                ways.filter_map(|w| w[way].as_array()).flatten().filter_map(Value::as_str).collect();
            if roles.iter().copied().collect::<BTreeSet<_>>()
                != operation.roles.keys().map(String::as_str).collect()
            {
                wrong.push(format!(
                    "{}: {way} is for {roles:?}, x-roles {:?}",
                    operation.name, operation.roles
                ));
            }
        }
    }
    nothing_is(&wrong);
}

#[test]
fn a_row_refuses_those_whom_the_document_leaves_out_and_no_others() {
    let rows = table();
    let mut wrong = Vec::new();
    for operation in not_public() {
        let Some(row) = rows.iter().find(|row| row.operation == operation.name) else { continue };
        for caller in Caller::COLUMNS {
            let mut outcomes = row.cells().filter(|(_, who, _)| *who == caller).map(|(.., outcome)| outcome);
            let refused = outcomes.all(|outcome| *outcome == Outcome::read("403"));
            if refused == operation.is_for(caller.role()) {
                let roles = &operation.roles;
                wrong.push(format!("{}: {caller:?} is refused: {refused}, x-roles {roles:?}", row.operation));
            }
        }
    }
    nothing_is(&wrong);
}

/// A token that was good once: its owner signed out.
async fn signed_out(app: &TestApp) -> String {
    let person = app.people.member().await;
    let out = app.post("/api/auth/logout", &person, json!({})).await;
    assert_eq!(out.status, 204, "{}", out.text);
    person.token
}

async fn deactivated(app: &TestApp) -> String {
    let (person, admin) = (app.people.member().await, app.people.admin().await);
    let closed = app.post(&format!("/api/users/{}/deactivate", person.id), &admin, json!({})).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
    person.token
}

/// An admin's token with the signature of somebody else's.
async fn forged(app: &TestApp) -> String {
    let (admin, member) = (app.people.admin().await, app.people.member().await);
    let (signed, _) = admin.token.rsplit_once('.').expect("a signature");
    let (_, signature) = member.token.rsplit_once('.').expect("a signature");
    format!("{signed}.{signature}")
}

/// Those who have a token or none, and are nobody.
async fn nobodies(app: &TestApp) -> Vec<(&'static str, Option<String>)> {
    vec![
        ("nobody", None),
        ("somebody with a forged token", Some(forged(app).await)),
        ("somebody who signed out", Some(signed_out(app).await)),
        ("somebody deactivated", Some(deactivated(app).await)),
    ]
}

each_engine! {
    async fn everybody_may_do_what_the_table_says_and_nothing_else(app: TestApp) {
        let club = Club::with(app, &Caller::COLUMNS).await;
        let mut wrong = Vec::new();
        for row in table() {
            let all = row.cells().map(async |(whose, caller, expected)| {
                let asker = club.askers.iter().find(|asker| asker.caller == caller).expect("every column");
                let answer = club.ask(&row, whose, asker, expected.is_success()).await;
                compare(&cell(&row, &format!("{caller:?}"), whose), expected, &answer)
            });
            wrong.extend(join_all(all).await.into_iter().flatten());
        }
        nothing_is(&wrong);
    }

    async fn what_is_public_is_the_same_for_those_who_are_nobody(app: TestApp) {
        let club = Club::with(app, &[]).await;
        let nobodies = nobodies(&club.app).await;
        let mut wrong = Vec::new();
        for row in table().into_iter().filter(|row| row.public) {
            for (who, token) in &nobodies {
                let (whose, _, expected) = row.cells().next().expect("an outcome");
                let answer = club.ask_with(&row, token.as_deref()).await;
                wrong.extend(compare(&cell(&row, who, whose), expected, &answer));
            }
        }
        nothing_is(&wrong);
    }

    async fn those_who_are_nobody_learn_of_nothing_but_that(app: TestApp) {
        let nobodies = nobodies(&app).await;
        let refused = Outcome::read("401");
        let mut wrong = Vec::new();
        for operation in not_public() {
            for (who, token) in &nobodies {
                for answer in operation.asked_nonsensically(&app, token.as_deref()).await {
                    wrong.extend(compare(&format!("{} as {who}", operation.name), &refused, &answer));
                }
            }
        }
        nothing_is(&wrong);
    }

    async fn whoever_lacks_the_role_is_refused_before_anything_is_looked_at(app: TestApp) {
        let refused = Outcome::read("403");
        let mut wrong = Vec::new();
        for role in Role::ALL {
            let person = app.people.with([*role]).await;
            for operation in not_public().iter().filter(|operation| !operation.is_for(*role)) {
                // The database is asked about a new session. By then the body has arrived, and a handler that looks
                // at it first is found out.
                let session = app.people.sign_in(&person.email, PASSWORD).await;
                for answer in operation.asked_nonsensically(&app, Some(&session.access)).await {
                    wrong.extend(compare(&format!("{} as {role:?}", operation.name), &refused, &answer));
                }
            }
        }
        nothing_is(&wrong);
    }

    async fn an_admin_without_the_second_factor_that_the_club_asks_is_a_member(app: TestApp) {
        let policies = json!({"policies": {"require_totp_for": ["admin"]}});
        let asked = app.patch("/api/club", &app.people.admin().await, policies).await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        let club = Club::with(app, &[Caller::AdminWithoutFactor]).await;
        let documented = documented();
        let mut wrong = Vec::new();
        for row in table() {
            let operation = documented.iter().find(|operation| operation.name == row.operation);
            let Some(operation) = operation else { continue };
            let only_with_it = !operation.public && !operation.is_for(Role::Member) && operation.is_for(Role::Admin);
            for (whose, _, as_member) in row.cells().filter(|(_, caller, _)| *caller == Caller::Member) {
                let refused = Outcome::read("403:totp_setup_required");
                let expected = if only_with_it { &refused } else { as_member };
                let answer = club.ask(&row, whose, &club.askers[0], expected.is_success()).await;
                let cell = cell(&row, "an admin without a second factor", whose);
                wrong.extend(compare(&cell, expected, &answer));
            }
        }
        nothing_is(&wrong);
    }
}
