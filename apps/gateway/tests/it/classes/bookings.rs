//! Booking, the line, cancelling, moving.

use chrono::TimeDelta;
use muster_testkit::each_engine;
use serde_json::{Value, json};

use super::ClassClub;
use super::{at_start, book, booked, booking_now, cancel, check, class_now, in_hours, planned};

each_engine! {
    async fn a_full_class_has_a_line_and_its_positions_have_no_holes(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let mut all = Vec::new();
        for position in [Value::Null, json!(1), json!(2), json!(3)] {
            let member = app.people.member().await;
            let booking = booked(&app, &yoga, &member).await;
            assert_eq!(booking["waitlist_position"], position);
            all.push((booking, member));
        }
        // Whoever leaves the line leaves it free of charge, and the others close up.
        assert_eq!(cancel(&app, &all[2].0, &all[2].1).await.body["status"], "cancelled");
        assert_eq!(booking_now(&app, &all[3].0, &all[3].1).await["waitlist_position"], 2);
        // A place that becomes free goes to the first in line.
        assert_eq!(cancel(&app, &all[0].0, &all[0].1).await.body["status"], "cancelled");
        let promoted = booking_now(&app, &all[1].0, &all[1].1).await;
        assert_eq!((&promoted["status"], &promoted["waitlist_position"]), (&json!("booked"), &Value::Null));
        assert_eq!(booking_now(&app, &all[3].0, &all[3].1).await["waitlist_position"], 1);
        let seen = class_now(&app, &yoga, &all[3].1).await;
        assert_eq!((&seen["booked_count"], &seen["waitlist_count"], &seen["free_places"]), (&json!(1), &json!(1), &json!(0)));
        assert_eq!(seen["my_booking"]["waitlist_position"], 1);
        check(&app).await;
    }

    async fn nobody_books_twice_or_two_classes_at_once_and_waiting_blocks_nothing(club: ClassClub) {
        let app = club.0;
        let (coach, other, member) =
            (app.people.coach().await, app.people.coach().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let dance = planned(&app, &other, json!({"capacity": 1})).await;
        booked(&app, &yoga, &member).await;
        assert_eq!(book(&app, &yoga, &member).await.problem(), (409, "already_booked"));
        assert_eq!(book(&app, &dance, &member).await.problem(), (409, "overlap"));
        let somebody = app.people.member().await;
        let place = booked(&app, &dance, &somebody).await;
        let waits = booked(&app, &dance, &member).await;
        assert_eq!(waits["status"], "waitlisted");
        // Whoever has another class then is passed over, and stays in line.
        let third = app.people.member().await;
        let behind = booked(&app, &dance, &third).await;
        cancel(&app, &place, &somebody).await;
        assert_eq!(booking_now(&app, &waits, &member).await["waitlist_position"], 1);
        assert_eq!(booking_now(&app, &behind, &third).await["status"], "booked");
        check(&app).await;
    }

    async fn only_an_active_membership_books_and_only_what_is_to_come(club: ClassClub) {
        let app = club.0;
        let (coach, admin, member) =
            (app.people.coach().await, app.people.admin().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        let suspended = app.people.member().await;
        app.post(&format!("/api/members/{}/suspend", suspended.id), &admin, json!({"reason": "Fees."})).await;
        assert_eq!(book(&app, &yoga, &suspended).await.problem(), (409, "invalid_state"));
        at_start(&app, &yoga, 0);
        assert_eq!(book(&app, &yoga, &member).await.problem(), (409, "invalid_state"));
        let nowhere = app.post_once("/api/classes/999/bookings", &member, json!({})).await;
        assert_eq!(nowhere.problem(), (404, "not_found"));
        let keyless = app.post(&format!("/api/classes/{}/bookings", yoga["id"]), &member, json!({})).await;
        assert_eq!(keyless.problem(), (400, "idempotency_key_required"));
    }

    async fn suspending_releases_what_is_booked_free_of_charge(club: ClassClub) {
        let app = club.0;
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        let (member, next) = (app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1, "class_datetime": in_hours(&app, 20)})).await;
        let place = booked(&app, &yoga, &member).await;
        let waits = booked(&app, &yoga, &next).await;
        app.wait(TimeDelta::hours(1));
        let path = format!("/api/members/{}/suspend", member.id);
        assert_eq!(app.post(&path, &admin, json!({"reason": "Fees."})).await.status, 200);
        assert_eq!(booking_now(&app, &place, &admin).await["status"], "cancelled");
        assert_eq!(booking_now(&app, &waits, &next).await["status"], "booked");
        assert_eq!(app.get(&format!("/api/members/{}", member.id), &admin).await.body["balance"], 0);
        check(&app).await;
    }

    async fn leaving_the_club_follows_the_rules_of_cancelling(club: ClassClub) {
        let app = club.0;
        let (coach, admin, member) =
            (app.people.coach().await, app.people.admin().await, app.people.member().await);
        let soon = planned(&app, &coach, json!({"class_datetime": in_hours(&app, 20)})).await;
        let later = planned(&app, &coach, json!({})).await;
        let (late, early) = (booked(&app, &soon, &member).await, booked(&app, &later, &member).await);
        app.wait(TimeDelta::hours(1));
        let left = app.post("/api/members/me/leave", &member, json!({})).await;
        assert_eq!((&left.body["status"], &left.body["balance"]), (&json!("left"), &json!(800)), "{}", left.text);
        assert_eq!(booking_now(&app, &late, &admin).await["status"], "late_cancelled");
        assert_eq!(booking_now(&app, &early, &admin).await["status"], "cancelled");
        check(&app).await;
    }

    async fn deactivating_an_account_releases_what_is_booked(club: ClassClub) {
        let app = club.0;
        let (coach, admin, member) =
            (app.people.coach().await, app.people.admin().await, app.people.member().await);
        let soon = planned(&app, &coach, json!({"class_datetime": in_hours(&app, 20)})).await;
        let booking = booked(&app, &soon, &member).await;
        app.wait(TimeDelta::hours(1));
        let gone = app.post(&format!("/api/users/{}/deactivate", member.id), &admin, json!({})).await;
        assert_eq!(gone.status, 200, "{}", gone.text);
        assert_eq!(booking_now(&app, &booking, &admin).await["status"], "cancelled");
        check(&app).await;
    }

    async fn cancelling_is_free_until_the_deadline_and_costs_the_fee_after_it(club: ClassClub) {
        let app = club.0;
        let (coach, one, two) = (app.people.coach().await, app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        let (first, second) = (booked(&app, &yoga, &one).await, booked(&app, &yoga, &two).await);
        assert_eq!(first["free_until"], json!(in_hours(&app, 48)));
        app.wait(TimeDelta::hours(48));
        let quote = app.get(&format!("/api/bookings/{}/cancellation-quote", first["id"]), &one).await.body;
        assert_eq!((&quote["outcome"], &quote["fee"]), (&json!("cancelled"), &json!(0)));
        assert_eq!(cancel(&app, &first, &one).await.body["status"], "cancelled");
        app.wait(TimeDelta::microseconds(1));
        let quote = app.get(&format!("/api/bookings/{}/cancellation-quote", second["id"]), &two).await.body;
        assert_eq!(quote["outcome"], "late_cancelled");
        assert_eq!((&quote["fee"], &quote["uses_prepaid"]), (&json!(800), &json!(false)));
        assert_eq!(cancel(&app, &second, &two).await.body["status"], "late_cancelled");
        assert_eq!(app.get("/api/members/me", &one).await.body["balance"], 0);
        assert_eq!(app.get("/api/members/me", &two).await.body["balance"], 800);
        assert_eq!(cancel(&app, &second, &two).await.problem(), (409, "invalid_state"));
        check(&app).await;
    }

    async fn whoever_books_late_has_fifteen_minutes_to_think(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let soon = planned(&app, &coach, json!({"class_datetime": in_hours(&app, 5)})).await;
        let booking = booked(&app, &soon, &member).await;
        assert_eq!(booking["free_until"], json!(app.db.clock.now().plus(TimeDelta::minutes(15))));
        app.wait(TimeDelta::minutes(15));
        assert_eq!(cancel(&app, &booking, &member).await.body["status"], "cancelled");
    }

    async fn after_the_start_attendance_decides(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        let booking = booked(&app, &yoga, &member).await;
        at_start(&app, &yoga, 0);
        assert_eq!(cancel(&app, &booking, &member).await.problem(), (409, "invalid_state"));
        let quote = app.get(&format!("/api/bookings/{}/cancellation-quote", booking["id"]), &member).await;
        assert_eq!(quote.problem(), (409, "invalid_state"));
    }

    async fn after_the_cut_off_a_free_place_goes_to_whoever_asks_first(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let (one, two, three) =
            (app.people.member().await, app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let place = booked(&app, &yoga, &one).await;
        let waits = booked(&app, &yoga, &two).await;
        at_start(&app, &yoga, 119);
        cancel(&app, &place, &one).await;
        assert_eq!(booking_now(&app, &waits, &two).await["status"], "waitlisted");
        // Somebody in line asks again.
        let again = book(&app, &yoga, &two).await;
        assert_eq!((again.status.as_u16(), &again.body["status"]), (200, &json!("booked")), "{}", again.text);
        assert_eq!(again.body["id"], waits["id"]);
        assert_eq!(book(&app, &yoga, &three).await.body["status"], "waitlisted");
        check(&app).await;
    }

    async fn at_the_start_whoever_still_waits_goes_home(club: ClassClub) {
        let app = club.0;
        let (coach, one, two) = (app.people.coach().await, app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        booked(&app, &yoga, &one).await;
        let waits = booked(&app, &yoga, &two).await;
        at_start(&app, &yoga, 0);
        app.mails().await;
        assert_eq!(booking_now(&app, &waits, &two).await["status"], "cancelled");
        assert_eq!(class_now(&app, &yoga, &two).await["waitlist_count"], 0);
        check(&app).await;
    }

    async fn staff_book_and_cancel_for_others_free_of_charge_and_strangers_do_not(club: ClassClub) {
        let app = club.0;
        let (coach, other, admin) =
            (app.people.coach().await, app.people.coach().await, app.people.admin().await);
        let (member, stranger) = (app.people.member().await, app.people.member().await);
        let treasurer = app.people.treasurer().await;
        let yoga = planned(&app, &coach, json!({"class_datetime": in_hours(&app, 5)})).await;
        let path = format!("/api/classes/{}/bookings", yoga["id"]);
        let for_member = json!({"member_id": member.id});
        for (who, expected) in [(&other, (403, "forbidden")), (&treasurer, (403, "forbidden")), (&stranger, (404, "not_found"))] {
            assert_eq!(app.post_once(&path, who, for_member.clone()).await.problem(), expected);
        }
        let made = app.post_once(&path, &coach, for_member).await;
        assert_eq!(made.status, 201, "{}", made.text);
        app.wait(TimeDelta::hours(1));
        assert_eq!(cancel(&app, &made.body, &stranger).await.problem(), (404, "not_found"));
        assert_eq!(cancel(&app, &made.body, &other).await.problem(), (403, "forbidden"));
        assert_eq!(cancel(&app, &made.body, &admin).await.body["status"], "cancelled_by_club");
        assert_eq!(app.get("/api/members/me", &member).await.body["balance"], 0);
    }

    async fn a_guardian_books_for_a_child_and_sees_it(club: ClassClub) {
        let app = club.0;
        let (coach, parent) = (app.people.coach().await, app.people.member().await);
        let child = json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": "2016-03-01"});
        let admin = app.people.admin().await;
        let child = app.post(&format!("/api/members/{}/dependants", parent.id), &admin, child).await.body;
        let yoga = planned(&app, &coach, json!({})).await;
        let path = format!("/api/classes/{}/bookings", yoga["id"]);
        let made = app.post_once(&path, &parent, json!({"member_id": child["id"]})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let listed = app.get("/api/bookings/", &parent).await.body;
        assert_eq!(listed["items"][0]["member_id"], child["id"]);
        assert_eq!(cancel(&app, &made.body, &parent).await.body["status"], "cancelled");
    }

    async fn a_booking_moves_to_another_class_with_a_place(club: ClassClub) {
        let app = club.0;
        let (coach, other, member) =
            (app.people.coach().await, app.people.coach().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let dance = planned(&app, &other, json!({"capacity": 1})).await;
        let booking = booked(&app, &yoga, &member).await;
        let next = app.people.member().await;
        let waits = booked(&app, &yoga, &next).await;
        let path = format!("/api/bookings/{}/move", booking["id"]);
        let moved = app.post_once(&path, &member, json!({"class_id": dance["id"]})).await;
        assert_eq!((moved.status.as_u16(), &moved.body["class_id"]), (201, &dance["id"]), "{}", moved.text);
        assert_eq!(booking_now(&app, &booking, &member).await["status"], "cancelled");
        assert_eq!(booking_now(&app, &waits, &next).await["status"], "booked");
        let path = format!("/api/bookings/{}/move", waits["id"]);
        let full = app.post_once(&path, &next, json!({"class_id": dance["id"]})).await;
        assert_eq!(full.problem(), (409, "class_full"));
        assert_eq!(booking_now(&app, &waits, &next).await["status"], "booked");
        check(&app).await;
    }

    async fn whoever_booked_is_told_once_and_reminded_the_day_before(club: ClassClub) {
        let app = club.0;
        let (coach, one, two) = (app.people.coach().await, app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let path = format!("/api/classes/{}/bookings", yoga["id"]);
        for _ in 0..2 {
            assert_eq!(app.post_with_key(&path, &one, json!({}), "the-same-key").await.status, 201);
        }
        let waits = booked(&app, &yoga, &two).await;
        let mails = app.mails().await;
        let of = |mails: &[muster_kernel::mail::Mail]| -> Vec<(String, String)> {
            mails.iter().map(|mail| (mail.to.clone(), mail.subject.clone())).collect()
        };
        assert_eq!(mails.len(), 2, "{:?}", of(&mails));
        assert!(mails[1].text.contains("at position 1"), "{}", mails[1].text);
        let first = app.get("/api/bookings/", &one).await.body["items"][0].clone();
        cancel(&app, &first, &one).await;
        let mails = app.mails().await;
        assert_eq!((mails.len(), &mails[0].to), (1, &two.email), "{:?}", of(&mails));
        assert!(mails[0].text.contains("A place became free"), "{}", mails[0].text);
        at_start(&app, &yoga, 24 * 60 + 1);
        assert_eq!(app.mails().await.len(), 0);
        at_start(&app, &yoga, 24 * 60);
        let mails = app.mails().await;
        assert_eq!((mails.len(), &mails[0].to), (1, &two.email), "{:?}", of(&mails));
        app.wait(TimeDelta::hours(1));
        assert_eq!(app.mails().await.len(), 0);
        let _ = waits;
    }

    async fn whoever_could_not_take_a_place_takes_it_once_they_can(club: ClassClub) {
        let app = club.0;
        let (coach, other) = (app.people.coach().await, app.people.coach().await);
        let (one, two) = (app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let dance = planned(&app, &other, json!({})).await;
        let (place, waits) = (booked(&app, &yoga, &one).await, booked(&app, &yoga, &two).await);
        let elsewhere = booked(&app, &dance, &two).await;
        cancel(&app, &place, &one).await;
        assert_eq!(booking_now(&app, &waits, &two).await["status"], "waitlisted");
        cancel(&app, &elsewhere, &two).await;
        app.mails().await;
        assert_eq!(booking_now(&app, &waits, &two).await["status"], "booked");
        check(&app).await;
    }
}
