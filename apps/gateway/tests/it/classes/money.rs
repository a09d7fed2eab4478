//! What classes cost: fees paid in advance, charges, and what is taken back.

use chrono::TimeDelta;
use muster_testkit::each_engine;
use serde_json::{Value, json};

use super::{
    ClassClub, at_start, booked, booking_now, cancel, check, complete, in_hours, mark, planned, prepaid,
};
use crate::support::TestApp;

async fn money(app: &TestApp, member: &muster_testkit::Person) -> (Value, Value, Value) {
    let it = app.get("/api/members/me", member).await.body;
    (it["balance"].clone(), it["prepaid_fees"].clone(), it["prepaid_fees_reserved"].clone())
}

fn is(balance: i64, fees: i64, reserved: i64) -> (Value, Value, Value) {
    (json!(balance), json!(fees), json!(reserved))
}

each_engine! {
    async fn a_fee_paid_in_advance_is_reserved_used_and_returned(club: ClassClub) {
        let app = club.0;
        let (coach, treasurer, member) =
            (app.people.coach().await, app.people.treasurer().await, app.people.member().await);
        let sold = prepaid(&app, &treasurer, &member, json!({"count": 3, "amount": 1000, "method": "cash"})).await;
        assert_eq!(sold.status, 201, "{}", sold.text);
        let yoga = planned(&app, &coach, json!({})).await;
        let dance = planned(&app, &coach, json!({"class_datetime": in_hours(&app, 96)})).await;
        let (first, second) = (booked(&app, &yoga, &member).await, booked(&app, &dance, &member).await);
        assert_eq!((&first["prepaid"], &first["fee"]), (&json!(true), &json!(800)));
        assert_eq!(money(&app, &member).await, is(0, 3, 2));
        // Given back in time.
        assert_eq!(cancel(&app, &second, &member).await.body["prepaid"], false);
        assert_eq!(money(&app, &member).await, is(0, 3, 1));
        // Too late, it is used.
        at_start(&app, &yoga, 60);
        let quote = app.get(&format!("/api/bookings/{}/cancellation-quote", first["id"]), &member).await.body;
        assert_eq!((&quote["fee"], &quote["uses_prepaid"]), (&json!(0), &json!(true)));
        assert_eq!(cancel(&app, &first, &member).await.body["status"], "late_cancelled");
        assert_eq!(money(&app, &member).await, is(0, 2, 0));
        check(&app).await;
    }

    async fn fees_bought_later_are_reserved_for_what_is_booked_by_the_day_of_the_class(club: ClassClub) {
        let app = club.0;
        let (coach, treasurer, member) =
            (app.people.coach().await, app.people.treasurer().await, app.people.member().await);
        let late = planned(&app, &coach, json!({"class_datetime": in_hours(&app, 24 * 20)})).await;
        let soon = planned(&app, &coach, json!({})).await;
        let (second, first) = (booked(&app, &late, &member).await, booked(&app, &soon, &member).await);
        let sold = prepaid(&app, &treasurer, &member, json!({"count": 1, "amount": 700, "method": "bank"})).await;
        assert_eq!(sold.body["reserved"], 1, "{}", sold.text);
        assert_eq!(booking_now(&app, &first, &member).await["prepaid"], true);
        assert_eq!(booking_now(&app, &second, &member).await["prepaid"], false);
        // One that is given back covers the other.
        cancel(&app, &first, &member).await;
        assert_eq!(booking_now(&app, &second, &member).await["prepaid"], true);
        check(&app).await;
    }

    async fn only_lots_that_hold_on_the_day_of_the_class_are_reserved(club: ClassClub) {
        let app = club.0;
        let (coach, treasurer, member) =
            (app.people.coach().await, app.people.treasurer().await, app.people.member().await);
        let far = planned(&app, &coach, json!({"class_datetime": in_hours(&app, 24 * 20)})).await;
        let near = planned(&app, &coach, json!({})).await;
        let until = &near["class_datetime"].as_str().expect("an instant")[..10];
        let lot = json!({"count": 2, "amount": 1000, "method": "cash", "expires_on": until});
        assert_eq!(prepaid(&app, &treasurer, &member, lot).await.status, 201);
        assert_eq!(booked(&app, &far, &member).await["prepaid"], false);
        assert_eq!(booked(&app, &near, &member).await["prepaid"], true);
        check(&app).await;
    }

    async fn whoever_attends_or_is_missed_pays_and_whoever_is_excused_does_not(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let yoga = planned(&app, &coach, json!({"capacity": 3})).await;
        let mut members = Vec::new();
        for _ in 0..3 {
            let member = app.people.member().await;
            booked(&app, &yoga, &member).await;
            members.push(member);
        }
        at_start(&app, &yoga, 0);
        for (member, status) in members.iter().zip(["attended", "no_show", "excused"]) {
            let marked = mark(&app, &yoga, &coach, member, status).await;
            assert_eq!(marked.status, 200, "{}", marked.text);
        }
        for (member, balance) in members.iter().zip([800, 800, 0]) {
            assert_eq!(money(&app, member).await.0, balance);
        }
        let statement = app.get("/api/members/me/statement", &members[0]).await.body;
        let day = &yoga["class_datetime"].as_str().expect("an instant")[..10];
        assert_eq!(statement["lines"][0]["date"], day, "{statement}");
        check(&app).await;
    }

    async fn a_correction_takes_back_what_was_charged_or_used(club: ClassClub) {
        let app = club.0;
        let (coach, treasurer) = (app.people.coach().await, app.people.treasurer().await);
        let (pays, has_fees) = (app.people.member().await, app.people.member().await);
        prepaid(&app, &treasurer, &has_fees, json!({"count": 1, "amount": 700, "method": "cash"})).await;
        let yoga = planned(&app, &coach, json!({})).await;
        booked(&app, &yoga, &pays).await;
        booked(&app, &yoga, &has_fees).await;
        at_start(&app, &yoga, 0);
        for member in [&pays, &has_fees] {
            mark(&app, &yoga, &coach, member, "attended").await;
        }
        app.wait(TimeDelta::hours(1));
        assert_eq!(complete(&app, &yoga, &coach).await.body["status"], "completed");
        assert_eq!((money(&app, &pays).await, money(&app, &has_fees).await), (is(800, 0, 0), is(0, 0, 0)));
        for member in [&pays, &has_fees] {
            let corrected = mark(&app, &yoga, &coach, member, "excused").await;
            assert_eq!(corrected.status, 200, "{}", corrected.text);
        }
        assert_eq!((money(&app, &pays).await, money(&app, &has_fees).await), (is(0, 0, 0), is(0, 1, 0)));
        check(&app).await;
        for member in [&pays, &has_fees] {
            assert_eq!(mark(&app, &yoga, &coach, member, "attended").await.status, 200);
        }
        assert_eq!((money(&app, &pays).await, money(&app, &has_fees).await), (is(800, 0, 0), is(0, 0, 0)));
        assert_eq!(app.get("/api/members/me", &pays).await.body["attendance_count"], 1);
        check(&app).await;
    }

    async fn a_class_fee_is_not_reversed_behind_the_back_of_attendance(club: ClassClub) {
        let app = club.0;
        let (coach, treasurer, member) =
            (app.people.coach().await, app.people.treasurer().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        booked(&app, &yoga, &member).await;
        at_start(&app, &yoga, 0);
        mark(&app, &yoga, &coach, &member, "attended").await;
        let entries = app.get("/api/finance/entries?kind=class_fee", &treasurer).await.body;
        let path = format!("/api/finance/entries/{}/reverse", entries["items"][0]["id"]);
        let refused = app.post_once(&path, &treasurer, json!({"reason": "A mistake."})).await;
        assert_eq!(refused.problem(), (409, "invalid_state"));
        assert!(refused.text.contains("attendance"), "{}", refused.text);
    }

    async fn a_place_that_costs_nothing_needs_no_fee(club: ClassClub) {
        let app = club.0;
        let (coach, treasurer, member) =
            (app.people.coach().await, app.people.treasurer().await, app.people.member().await);
        prepaid(&app, &treasurer, &member, json!({"count": 1, "amount": 700, "method": "cash"})).await;
        let free = planned(&app, &coach, json!({"fee": 0})).await;
        assert_eq!(booked(&app, &free, &member).await["prepaid"], false);
        at_start(&app, &free, 0);
        mark(&app, &free, &coach, &member, "attended").await;
        assert_eq!(money(&app, &member).await, is(0, 1, 0));
        check(&app).await;
    }

    async fn the_fee_is_that_of_when_it_was_booked_or_promoted(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let (one, two) = (app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let (first, second) = (booked(&app, &yoga, &one).await, booked(&app, &yoga, &two).await);
        app.patch(&format!("/api/classes/{}", yoga["id"]), &coach, json!({"fee": 900})).await;
        assert_eq!(booking_now(&app, &first, &one).await["fee"], 800);
        cancel(&app, &first, &one).await;
        assert_eq!(booking_now(&app, &second, &two).await["fee"], 900);
    }
}
