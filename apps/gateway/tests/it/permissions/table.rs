//! The table: a row for every operation.
//!
//! A row names the operation as the document does, the [`Thing`] it is `on`, a body that would be fine, and what comes
//! of it: one outcome for everybody, or one for each column, which are a **pending** member, a **member**, a **coach**,
//! a **treasurer** and an **admin** (`Caller::COLUMNS`). On what:
//!
//! - `own`: one's own, or no particular thing
//! - `wards`: that of somebody whom one is guardian of; the member in that cell is the guardian
//! - `others`: that of another plain member; for a coach, of one who is nothing to them
//! - `admins`: that of another admin
//! - `missing`: there is no such thing
//!
//! An outcome is a status, and for a problem its code: `409:last_admin`. `401`, `403` and `404` alone are
//! `unauthenticated`, `forbidden` and `not_found`. Whoever is not signed in gets 401 without being mentioned, and an
//! admin without the second factor what a member gets. Where one may, the outcome is still said exactly: a 409 says
//! that authorisation was not what stood in the way.
//!
//! The rules are the club's: what one may not see is not there (404); what one sees and may not do is refused (403);
//! what none of one's roles may do at all is refused (403) before anything is looked at.

use muster_testkit::PASSWORD;
use serde_json::json;

use super::calendar::calendar;
use super::chat::chat;
use super::classes::classes;
use super::club::Thing::{Account, DuesRun, Import, Job, Person, Plan, Session};
use super::coaches::coaches;
use super::door::door;
use super::finance::finance;
use super::row::Row;

/// What anybody may do without being signed in. It only shrinks: whoever adds to it says why in the review.
pub const PUBLIC: &[&str] = &[
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    // Programs that show calendars cannot sign in; see permissions/calendar.rs.
    "GET /api/calendar/classes.ics",
    "GET /api/calendar/{secret}.ics",
    "POST /api/auth/email/verify",
    "POST /api/auth/email/verify/resend",
    "POST /api/auth/login",
    "POST /api/auth/logout",
    "POST /api/auth/password/forgot",
    "POST /api/auth/password/reset",
    "POST /api/auth/refresh",
    "POST /api/auth/register",
    "POST /api/auth/setup",
];

/// The whole table.
pub fn table() -> Vec<Row> {
    [
        operations(),
        coming_in(),
        own_account(),
        people(),
        members(),
        lists(),
        finance(),
        dues(),
        coaches(),
        calendar(),
        chat(),
        classes(),
        door(),
        club(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn operations() -> Vec<Row> {
    vec![
        Row::of("GET /health/live").public("200"),
        Row::of("GET /health/ready").public("200"),
        // There is none unless the configuration asks for it.
        Row::of("GET /metrics").public("404"),
    ]
}

#[rustfmt::skip]
fn coming_in() -> Vec<Row> {
    vec![
        Row::of("POST /api/auth/login").on(Account)
            .with(|it| json!({"email": it["email"], "password": it["password"]})).public("200"),
        Row::of("POST /api/auth/refresh").on(Account)
            .with(|it| json!({"refresh_token": it["refresh_token"]})).public("200"),
        Row::of("POST /api/auth/logout").on(Account)
            .with(|it| json!({"refresh_token": it["refresh_token"]})).public("204"),
        Row::of("POST /api/auth/register")
            .with(|it| json!({
                "first_name": "Anna", "last_name": "Example", "email": it["address"], "password": PASSWORD,
                "date_of_birth": "1990-02-28",
            })).public("201"),
        Row::of("POST /api/auth/setup")
            .with(|it| json!({
                "token": "no such token", "first_name": "Anna", "last_name": "Example", "email": it["address"],
                "password": PASSWORD,
            })).public("422:token_invalid"),
        Row::of("POST /api/auth/email/verify")
            .with(|_| json!({"token": "no such token"})).public("422:token_invalid"),
        Row::of("POST /api/auth/email/verify/resend")
            .with(|it| json!({"email": it["address"]})).public("202"),
        Row::of("POST /api/auth/password/forgot")
            .with(|it| json!({"email": it["address"]})).public("202"),
        Row::of("POST /api/auth/password/reset")
            .with(|_| json!({"token": "no such token", "new_password": PASSWORD})).public("422:token_invalid"),
    ]
}

#[rustfmt::skip]
fn own_account() -> Vec<Row> {
    vec![
        Row::of("PUT /api/auth/email")
            .with(|it| json!({"new_email": it["address"], "password": PASSWORD})).own("202"),
        Row::of("PUT /api/auth/password")
            .with(|_| json!({"old_password": PASSWORD, "new_password": "amber lantern meadow"})).own("204"),
        Row::of("GET /api/auth/sessions").own("200"),
        Row::of("DELETE /api/auth/sessions").own("204"),
        Row::of("DELETE /api/auth/sessions/{id}").on(Session)
            .own("204").others("404").admins("404").missing("404"),
        Row::of("GET /api/auth/totp").own("200"),
        Row::of("POST /api/auth/totp").with(|_| json!({"password": PASSWORD})).own("200"),
        Row::of("POST /api/auth/totp/confirm").with(|_| json!({"code": "000000"})).own("422:invalid_fields"),
        Row::of("POST /api/auth/totp/recovery-codes").with(|_| json!({"password": PASSWORD})).own("409:invalid_state"),
        Row::of("POST /api/auth/totp/remove").with(|_| json!({"password": PASSWORD})).own("204"),
        Row::of("GET /api/users/me/export").own("200"),
    ]
}

#[rustfmt::skip]
fn people() -> Vec<Row> {
    vec![
        //                                                                pending member coach treasurer admin
        Row::of("GET /api/users")                                   .own("403 403 200 200 200"),
        Row::of("POST /api/users")
            .with(|it| json!({"first_name": "Anna", "last_name": "Example", "email": it["address"]}))
                                                                    .own("403 403 403 403 201"),
        Row::of("GET /api/users/{id}").on(Person)                   .own("200")
                                                                  .wards("200")
                                                                 .others("404 404 200 200 200")
                                                                 .admins("404 404 200 200 200")
                                                                .missing("404"),
        Row::of("PATCH /api/users/{id}").on(Person)
            .with(|_| json!({"first_name": "New"}))                 .own("200")
                                                                  .wards("200")
                                                                 .others("404 404 403 403 200")
                                                                 .admins("404 404 403 403 200")
                                                                .missing("404"),
        Row::of("PUT /api/users/{id}/email").on(Person)
            .with(|it| json!({"email": it["address"]}))             .own("409:invalid_state")
                                                                  .wards("202")
                                                                 .others("404 404 403 403 409:invalid_state")
                                                                 .admins("404 404 403 403 409:invalid_state")
                                                                .missing("404"),
        Row::of("PUT /api/users/{id}/roles").on(Person)
            .with(|_| json!({"roles": ["coach"]}))                  .own("403 403 403 403 200")
                                                                  .wards("403 403 403 403 409:invalid_state")
                                                                 .others("403 403 403 403 200")
                                                                 .admins("403 403 403 403 200")
                                                                .missing("403 403 403 403 404"),
        Row::of("POST /api/users/{id}/deactivate").on(Person)
            .with(|_| json!({}))                                    .own("403 403 403 200 200")
                                                                  .wards("403 403 403 200 200")
                                                                 .others("403 403 403 200 200")
                                                                 .admins("403 403 403 403 200")
                                                                .missing("403 403 403 404 404"),
        // None of them is deactivated, which is found out after whether one may.
        Row::of("POST /api/users/{id}/reactivate").on(Person)
            .with(|_| json!({}))                                    .own("403 403 403 409:invalid_state 409:invalid_state")
                                                                  .wards("403 403 403 409:invalid_state 409:invalid_state")
                                                                 .others("403 403 403 409:invalid_state 409:invalid_state")
                                                                 .admins("403 403 403 403 409:invalid_state")
                                                                .missing("403 403 403 404 404"),
        Row::of("POST /api/users/{id}/password-reset").on(Person)
            .with(|_| json!({}))                                    .own("403 403 403 200 200")
                                                                  .wards("403 403 403 409:invalid_state 409:invalid_state")
                                                                 .others("403 403 403 200 200")
                                                                 .admins("403 403 403 403 200")
                                                                .missing("403 403 403 404 404"),
        // None of them has a second factor.
        Row::of("POST /api/users/{id}/totp-reset").on(Person)
            .with(|_| json!({}))                                    .own("403 403 403 403 409:invalid_state")
                                                                  .wards("403 403 403 403 409:invalid_state")
                                                                 .others("403 403 403 403 409:invalid_state")
                                                                 .admins("403 403 403 403 409:invalid_state")
                                                                .missing("403 403 403 403 404"),
        Row::of("POST /api/users/{id}/erase").on(Person)
            .with(|_| json!({}))                                    .own("403 403 403 403 409:invalid_state")
                                                                  .wards("403 403 403 403 200")
                                                                 .others("403 403 403 403 200")
                                                                 .admins("403 403 403 403 200")
                                                                .missing("403 403 403 403 404"),
    ]
}

#[rustfmt::skip]
fn members() -> Vec<Row> {
    vec![
        //                                                                pending member coach treasurer admin
        Row::of("GET /api/members/{id}").on(Person)                 .own("200")
                                                                  .wards("200")
                                                                 .others("404 404 200 200 200")
                                                                 .admins("404 404 200 200 200")
                                                                .missing("404"),
        Row::of("GET /api/members")                                 .own("403 403 200 200 200"),
        Row::of("GET /api/members/{id}/history").on(Person)         .own("200")
                                                                  .wards("200")
                                                                 .others("404 404 200 200 200")
                                                                 .admins("404 404 200 200 200")
                                                                .missing("404"),
        Row::of("PATCH /api/members/{id}").on(Person)
            .with(|_| json!({"phone": "+49 30 123456"}))            .own("200")
                                                                  .wards("200")
                                                                 .others("404 404 403 200 200")
                                                                 .admins("404 404 403 200 200")
                                                                .missing("404"),
        // A guardian's children wait to be approved; those that treasurers and admins add are active.
        Row::of("POST /api/members/{id}/approve").on(Person)
            .with(|_| json!({}))                                    .own("403")
                                                                  .wards("403 403 200 409:invalid_state 409:invalid_state")
                                                                 .others("403 403 409:invalid_state 409:invalid_state 409:invalid_state")
                                                                 .admins("403 403 409:invalid_state 409:invalid_state 409:invalid_state")
                                                                .missing("403 403 404 404 404"),
        Row::of("POST /api/members/{id}/reject").on(Person)
            .with(|_| json!({"reason": "No place is free."}))       .own("403 403 409:invalid_state 409:invalid_state 409:invalid_state")
                                                                  .wards("403 403 200 409:invalid_state 409:invalid_state")
                                                                 .others("403 403 409:invalid_state 409:invalid_state 409:invalid_state")
                                                                 .admins("403 403 409:invalid_state 409:invalid_state 409:invalid_state")
                                                                .missing("403 403 404 404 404"),
        Row::of("POST /api/members/{id}/suspend").on(Person)
            .with(|_| json!({"reason": "Dues are unpaid."}))        .own("403 403 403 200 200")
                                                                  .wards("403 403 403 200 200")
                                                                 .others("403 403 403 200 200")
                                                                 .admins("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("POST /api/members/{id}/reinstate").on(Person)
            .with(|_| json!({}))                                    .own("403")
                                                                  .wards("403 403 403 409:invalid_state 409:invalid_state")
                                                                 .others("403 403 403 409:invalid_state 409:invalid_state")
                                                                 .admins("403 403 403 409:invalid_state 409:invalid_state")
                                                                .missing("403 403 403 404 404"),
        Row::of("POST /api/members/{id}/leave").on(Person)
            .with(|_| json!({}))                                    .own("409:invalid_state 200 200 200 200")
                                                                  .wards("409:invalid_state 409:invalid_state 409:invalid_state 200 200")
                                                                 .others("404 404 403 200 200")
                                                                 .admins("404 404 403 200 200")
                                                                .missing("404"),
        Row::of("POST /api/members/{id}/reapply").on(Person)
            .with(|_| json!({}))                                    .own("409:invalid_state")
                                                                  .wards("409:invalid_state")
                                                                 .others("404 404 403 409:invalid_state 409:invalid_state")
                                                                 .admins("404 404 403 409:invalid_state 409:invalid_state")
                                                                .missing("404"),
        Row::of("GET /api/members/{id}/dependants").on(Person)      .own("200")
                                                                  .wards("200")
                                                                 .others("404 404 200 200 200")
                                                                 .admins("404 404 200 200 200")
                                                                .missing("404"),
        // A child can be nobody's guardian, whoever says so.
        Row::of("POST /api/members/{id}/dependants").on(Person)
            .with(|_| json!({"first_name": "Ida", "last_name": "Small", "date_of_birth": "2018-03-01"}))
                                                                    .own("201")
                                                                  .wards("403 403 403 422:invalid_fields 422:invalid_fields")
                                                                 .others("404 404 403 201 201")
                                                                 .admins("404 404 403 201 201")
                                                                .missing("404"),
        Row::of("PUT /api/members/{id}/guardians").on(Person)
            .with(|_| json!({"user_ids": []}))                      .own("403 403 403 200 200")
                                                                  .wards("403 403 403 200 200")
                                                                 .others("403 403 403 200 200")
                                                                 .admins("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
    ]
}

#[rustfmt::skip]
fn lists() -> Vec<Row> {
    vec![
        //                                                                pending member coach treasurer admin
        Row::of("GET /api/members/export")                          .own("403 403 403 200 200"),
        Row::of("POST /api/members/import")
            .with(|_| json!("first_name,last_name\nAnna,Example\n")).own("403 403 403 202 202"),
        Row::of("GET /api/members/imports")                         .own("403 403 403 200 200"),
        Row::of("GET /api/members/imports/{id}").on(Import)      .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("GET /api/members/imports/{id}/lines").on(Import)
                                                                 .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
    ]
}

#[rustfmt::skip]
fn dues() -> Vec<Row> {
    vec![
        //                                                                pending member coach treasurer admin
        Row::of("GET /api/plans")                                   .own("200"),
        Row::of("POST /api/plans")
            .with(|it| json!({"name": it["address"], "price": 2500, "every": "month", "grace_days": 14}))
                                                                    .own("403 403 403 201 201"),
        Row::of("GET /api/plans/{id}").on(Plan)                  .others("200")
                                                                .missing("404"),
        // They do not say which version they saw, which is found out after whether one may.
        Row::of("PATCH /api/plans/{id}").on(Plan)
            .with(|_| json!({"price": 3000}))                    .others("403 403 403 428:precondition_required 428:precondition_required")
                                                                .missing("403 403 403 428:precondition_required 428:precondition_required"),
        Row::of("PUT /api/members/{id}/plan").on(Person)
            .with(|_| json!({"plan_id": null}))                     .own("403 403 403 200 200")
                                                                  .wards("403 403 403 200 200")
                                                                 .others("403 403 403 200 200")
                                                                 .admins("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("GET /api/dues-runs")                               .own("403 403 403 200 200"),
        Row::of("POST /api/dues-runs").on(Plan)
            .with(|it| json!({"plan_id": it["id"], "period": "2026-01"}))
                                                                 .others("403 403 403 202 202")
                                                                .missing("403 403 403 422:invalid_fields 422:invalid_fields"),
        Row::of("GET /api/dues-runs/{id}").on(DuesRun)           .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("GET /api/dues-runs/{id}/lines").on(DuesRun)     .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
    ]
}

#[rustfmt::skip]
fn club() -> Vec<Row> {
    vec![
        //                                                                pending member coach treasurer admin
        Row::of("GET /api/club")                                    .own("200"),
        Row::of("PATCH /api/club").with(|_| json!({"name": "Club"})).own("403 403 403 403 200"),
        Row::of("GET /api/audit")                                   .own("403 403 403 403 200"),
        Row::of("GET /api/jobs")                                    .own("403 403 403 403 200"),
        Row::of("POST /api/jobs/{id}/retry").on(Job)             .others("403 403 403 403 409:invalid_state")
                                                                .missing("403 403 403 403 404"),
    ]
}
