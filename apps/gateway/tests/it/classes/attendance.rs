//! Attendance: the roster, walk-ins, corrections, the end of a class.

use chrono::TimeDelta;
use muster_testkit::each_engine;
use serde_json::json;

use super::ClassClub;
use super::{
    at_start, booked, booking_now, cancel, check, class_now, complete, in_hours, mark, planned, prepaid, sql,
};

each_engine! {
    async fn attendance_is_taken_from_half_an_hour_before_the_start_by_the_coach_and_admins(club: ClassClub) {
        let app = club.0;
        let (coach, other, admin) =
            (app.people.coach().await, app.people.coach().await, app.people.admin().await);
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        booked(&app, &yoga, &member).await;
        at_start(&app, &yoga, 31);
        let admin = app.people.again(&admin).await;
        let coach = app.people.again(&coach).await;
        assert_eq!(mark(&app, &yoga, &coach, &member, "attended").await.problem(), (409, "invalid_state"));
        at_start(&app, &yoga, 30);
        for somebody in [&other, &treasurer, &member] {
            let somebody = app.people.again(somebody).await;
            assert_eq!(mark(&app, &yoga, &somebody, &member, "attended").await.problem(), (403, "forbidden"));
        }
        let path = format!("/api/classes/{}/attendance", yoga["id"]);
        let roster = app.get(&path, &coach).await.body;
        assert_eq!((&roster["items"][0]["status"], &roster["items"][0]["name"]), (&json!("booked"), &json!("Person Number 4")));
        assert_eq!(mark(&app, &yoga, &coach, &member, "attended").await.body["items"][0]["status"], "attended");
        assert_eq!(mark(&app, &yoga, &admin, &member, "no_show").await.body["items"][0]["status"], "no_show");
        assert_eq!(app.get(&format!("/api/members/{}", member.id), &admin).await.body["attendance_count"], 0);
        check(&app).await;
    }

    async fn walk_ins_take_a_place_as_long_as_there_is_one(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let (one, two, three) =
            (app.people.member().await, app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 2})).await;
        booked(&app, &yoga, &one).await;
        at_start(&app, &yoga, 10);
        let marked = mark(&app, &yoga, &coach, &two, "attended").await;
        assert_eq!(marked.body["items"][1]["walk_in"], true, "{}", marked.text);
        assert_eq!(mark(&app, &yoga, &coach, &three, "attended").await.problem(), (409, "class_full"));
        assert_eq!(mark(&app, &yoga, &coach, &three, "no_show").await.fields(), [("/marks/0/member_id", "not_booked")]);
        // Whoever is excused leaves a place to somebody else; then there is none for them.
        mark(&app, &yoga, &coach, &one, "excused").await;
        assert_eq!(mark(&app, &yoga, &coach, &three, "attended").await.status, 200);
        assert_eq!(mark(&app, &yoga, &coach, &one, "attended").await.problem(), (409, "class_full"));
        check(&app).await;
    }

    async fn whoever_waits_has_no_place_to_be_missed_at(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let (seated, waiting) = (app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        booked(&app, &yoga, &seated).await;
        let in_line = booked(&app, &yoga, &waiting).await;
        at_start(&app, &yoga, 10);
        for status in ["no_show", "excused"] {
            let marked = mark(&app, &yoga, &coach, &waiting, status).await;
            assert_eq!(marked.fields(), [("/marks/0/member_id", "not_booked")], "{status}");
        }
        let waiting = app.people.again(&waiting).await;
        assert_eq!(booking_now(&app, &in_line, &waiting).await["status"], "waitlisted");
        let marks = json!({"marks": [{"member_id": 999_999, "status": "attended"}]});
        let marked = app.put(&format!("/api/classes/{}/attendance", yoga["id"]), &coach, marks).await;
        assert_eq!(marked.fields(), [("/marks/0/member_id", "unknown")]);
        check(&app).await;
    }

    async fn a_mark_gives_nobody_two_places_at_one_time(club: ClassClub) {
        let app = club.0;
        let (coach, other) = (app.people.coach().await, app.people.coach().await);
        let (seated, member) = (app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        booked(&app, &yoga, &seated).await;
        booked(&app, &yoga, &member).await;
        let boxing = planned(&app, &other, json!({"class_title": "Boxing"})).await;
        booked(&app, &boxing, &member).await;
        at_start(&app, &yoga, 10);
        // Whoever had the place is excused; the one in line has another class by now.
        mark(&app, &yoga, &coach, &seated, "excused").await;
        assert_eq!(mark(&app, &yoga, &coach, &member, "attended").await.problem(), (409, "overlap"));
        // And back: whoever was excused took a place elsewhere.
        let marked = mark(&app, &boxing, &other, &member, "excused").await;
        assert_eq!(marked.status, 200, "{}", marked.text);
        assert_eq!(mark(&app, &yoga, &coach, &member, "attended").await.status, 200);
        assert_eq!(mark(&app, &boxing, &other, &member, "attended").await.problem(), (409, "overlap"));
        check(&app).await;
    }

    async fn marks_are_taken_all_or_none(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let (one, two) = (app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let booking = booked(&app, &yoga, &one).await;
        at_start(&app, &yoga, 0);
        let path = format!("/api/classes/{}/attendance", yoga["id"]);
        let both = json!({"marks": [
            {"member_id": one.id, "status": "attended"}, {"member_id": two.id, "status": "attended"},
        ]});
        assert_eq!(app.put(&path, &coach, both).await.problem(), (409, "class_full"));
        assert_eq!(booking_now(&app, &booking, &one).await["status"], "booked");
        let twice = json!({"marks": [
            {"member_id": one.id, "status": "attended"}, {"member_id": one.id, "status": "no_show"},
        ]});
        assert_eq!(app.put(&path, &coach, twice).await.fields(), [("/marks/1/member_id", "duplicate")]);
        // In one go somebody is excused and another takes the place.
        let swap = json!({"marks": [
            {"member_id": two.id, "status": "attended"}, {"member_id": one.id, "status": "excused"},
        ]});
        assert_eq!(app.put(&path, &coach, swap).await.status, 200);
        check(&app).await;
    }

    async fn whoever_cancelled_late_and_came_pays_once(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        let booking = booked(&app, &yoga, &member).await;
        at_start(&app, &yoga, 60);
        cancel(&app, &booking, &member).await;
        at_start(&app, &yoga, 0);
        mark(&app, &yoga, &coach, &member, "attended").await;
        let record = app.get("/api/members/me", &member).await.body;
        assert_eq!((&record["balance"], &record["attendance_count"]), (&json!(800), &json!(1)));
        check(&app).await;
    }

    async fn a_completed_class_counts_whoever_nobody_marked_and_pays_its_coach(club: ClassClub) {
        let app = club.0;
        let (coach, admin, member) =
            (app.people.coach().await, app.people.admin().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        let booking = booked(&app, &yoga, &member).await;
        assert_eq!(complete(&app, &yoga, &coach).await.problem(), (409, "invalid_state"));
        at_start(&app, &yoga, -60);
        let done = complete(&app, &yoga, &coach).await;
        assert_eq!((&done.body["status"], &done.body["booked_count"]), (&json!("completed"), &json!(1)), "{}", done.text);
        assert_eq!(booking_now(&app, &booking, &member).await["status"], "attended");
        assert_eq!(complete(&app, &yoga, &coach).await.problem(), (409, "invalid_state"));
        let attendance = app.get("/api/members/me/attendance", &member).await.body;
        assert_eq!((&attendance["items"][0]["class_title"], &attendance["items"][0]["status"]), (&json!("Yoga"), &json!("attended")));
        assert_eq!(app.get(&format!("/api/members/{}", member.id), &admin).await.body["attendance_count"], 1);
        check(&app).await;
    }

    async fn the_clock_completes_a_day_after_the_end_as_the_club_says(club: ClassClub) {
        let app = club.0;
        let (coach, admin, member) =
            (app.people.coach().await, app.people.admin().await, app.people.member().await);
        app.patch("/api/club", &admin, json!({"policies": {"unmarked_counts_as": "no_show"}})).await;
        let yoga = planned(&app, &coach, json!({})).await;
        let booking = booked(&app, &yoga, &member).await;
        at_start(&app, &yoga, -(60 + 24 * 60 - 1));
        app.mails().await;
        assert_eq!(class_now(&app, &yoga, &member).await["status"], "scheduled");
        app.wait(TimeDelta::minutes(1));
        app.mails().await;
        assert_eq!(class_now(&app, &yoga, &member).await["status"], "completed");
        assert_eq!(booking_now(&app, &booking, &member).await["status"], "no_show");
        check(&app).await;
    }

    async fn a_large_class_is_completed_in_steps(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let yoga = planned(&app, &coach, json!({"capacity": 30, "class_datetime": in_hours(&app, 1)})).await;
        for _ in 0..21 {
            let member = app.people.member().await;
            booked(&app, &yoga, &member).await;
        }
        at_start(&app, &yoga, -60);
        assert_eq!(complete(&app, &yoga, &coach).await.body["status"], "scheduled");
        app.mails().await;
        assert_eq!(class_now(&app, &yoga, &coach).await["status"], "completed");
        check(&app).await;
    }

    async fn a_class_that_cannot_be_completed_keeps_no_other_waiting(club: ClassClub) {
        let app = club.0;
        let (coach, treasurer, member) =
            (app.people.coach().await, app.people.treasurer().await, app.people.member().await);
        prepaid(&app, &treasurer, &member, json!({"count": 1, "amount": 700, "method": "cash"})).await;
        let yoga = planned(&app, &coach, json!({})).await;
        booked(&app, &yoga, &member).await;
        let boxing = planned(&app, &coach, json!({"class_datetime": in_hours(&app, 80)})).await;
        // Damaged: what was reserved for it is gone.
        sql(&app, "UPDATE prepaid_lots SET reserved = 0").await;
        at_start(&app, &boxing, -(60 + 24 * 60));
        app.mails().await;
        assert_eq!(class_now(&app, &yoga, &coach).await["status"], "scheduled");
        assert_eq!(class_now(&app, &boxing, &coach).await["status"], "completed");
        sql(&app, "UPDATE prepaid_lots SET reserved = 1").await;
        app.wait(TimeDelta::minutes(1));
        app.mails().await;
        assert_eq!(class_now(&app, &yoga, &coach).await["status"], "completed");
        check(&app).await;
    }

    async fn attendance_stays_as_it_is_once_the_month_is_closed(club: ClassClub) {
        let app = club.0;
        let (coach, treasurer, member) =
            (app.people.coach().await, app.people.treasurer().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        booked(&app, &yoga, &member).await;
        at_start(&app, &yoga, 0);
        mark(&app, &yoga, &coach, &member, "attended").await;
        complete(&app, &yoga, &coach).await;
        let month = &yoga["class_datetime"].as_str().expect("an instant")[..7];
        app.wait(TimeDelta::days(40));
        let (coach, treasurer) = (app.people.again(&coach).await, app.people.again(&treasurer).await);
        let closed = app.post(&format!("/api/finance/periods/{month}/close"), &treasurer, json!({})).await;
        assert_eq!(closed.status, 200, "{}", closed.text);
        assert_eq!(mark(&app, &yoga, &coach, &member, "excused").await.problem(), (409, "period_closed"));
    }

    async fn a_place_that_an_excuse_frees_early_goes_to_the_line(club: ClassClub) {
        let app = club.0;
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        let (one, two) = (app.people.member().await, app.people.member().await);
        app.patch("/api/club", &admin, json!({"policies": {"attendance_opens_minutes": 600}})).await;
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        booked(&app, &yoga, &one).await;
        let waits = booked(&app, &yoga, &two).await;
        at_start(&app, &yoga, 300);
        assert_eq!(mark(&app, &yoga, &coach, &one, "excused").await.status, 200);
        assert_eq!(booking_now(&app, &waits, &two).await["status"], "booked");
        check(&app).await;
    }

    async fn pay_of_a_class_where_it_is_tomorrow_already_is_dated_today(club: ClassClub) {
        let app = club.0;
        let (coach, treasurer) = (app.people.coach().await, app.people.treasurer().await);
        let terms = json!({"starts_on": "2020-01-01", "per_class": 1000});
        app.post(&format!("/api/coaches/{}/terms", coach.id), &treasurer, terms).await;
        let day = in_hours(&app, 48).utc().date_naive();
        let late = json!({"class_datetime": format!("{day}T12:00:00Z"), "time_zone": "Pacific/Kiritimati"});
        let yoga = planned(&app, &coach, late).await;
        at_start(&app, &yoga, -60);
        assert_eq!(complete(&app, &yoga, &coach).await.body["status"], "completed");
        let entries = app.get("/api/finance/entries?kind=coach_pay", &treasurer).await.body;
        assert_eq!(entries["items"][0]["date"], json!(day), "{entries}");
    }
}
