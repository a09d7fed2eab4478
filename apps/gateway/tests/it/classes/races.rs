//! Many at once: a class is never overbooked, and nobody is lost from the line.

use futures_util::future::join_all;
use muster_testkit::{Person, each_engine};
use serde_json::json;

use super::ClassClub;
use super::{book, booked, booking_now, cancel, check, class_now, planned};
use crate::support::Answer;

each_engine! {
    async fn however_many_book_at_once_there_are_only_so_many_places(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let yoga = planned(&app, &coach, json!({"capacity": 7})).await;
        let mut members = Vec::new();
        for _ in 0..40 {
            members.push(app.people.member().await);
        }
        let answers = join_all(members.iter().map(|member| book(&app, &yoga, member))).await;
        let seated = answers.iter().filter(|answer| answer.body["status"] == "booked").count();
        let mut line: Vec<_> = answers.iter().filter_map(|it| it.body["waitlist_position"].as_i64()).collect();
        line.sort_unstable();
        assert_eq!(seated, 7);
        assert_eq!(line, (1..=33).collect::<Vec<_>>());
        let seen = class_now(&app, &yoga, &coach).await;
        assert_eq!((&seen["booked_count"], &seen["waitlist_count"]), (&json!(7), &json!(33)));
        check(&app).await;
    }

    async fn places_given_back_at_once_go_to_those_who_waited_longest(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let yoga = planned(&app, &coach, json!({"capacity": 10})).await;
        let (mut seated, mut line) = (Vec::new(), Vec::new());
        for number in 0..30 {
            let member = app.people.member().await;
            let booking = booked(&app, &yoga, &member).await;
            if number < 10 { seated.push((booking, member)) } else { line.push((booking, member)) }
        }
        let answers = join_all(seated.iter().map(|(booking, member)| cancel(&app, booking, member))).await;
        assert!(answers.iter().all(|answer| answer.body["status"] == "cancelled"));
        for (at, (booking, member)) in line.iter().enumerate() {
            let now = booking_now(&app, booking, member).await;
            let expected = if at < 10 { "booked" } else { "waitlisted" };
            assert_eq!(now["status"], expected, "{at}");
        }
        check(&app).await;
    }

    async fn two_classes_at_the_same_time_are_not_both_booked_by_one_who_asks_at_once(club: ClassClub) {
        let app = club.0;
        let (coach, other, member) =
            (app.people.coach().await, app.people.coach().await, app.people.member().await);
        let (one, two) = (planned(&app, &coach, json!({})).await, planned(&app, &other, json!({})).await);
        let (first, second) =
            tokio::join!(book(&app, &one, &member), book(&app, &two, &member));
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", first.text, second.text);
        check(&app).await;
    }

    async fn the_same_request_fifty_times_at_once_books_once(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        let path = format!("/api/classes/{}/bookings", yoga["id"]);
        let answers =
            join_all((0..50).map(|_| app.post_with_key(&path, &member, json!({}), "one-key"))).await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert!(!made.is_empty() && made.iter().all(|answer| answer.body == made[0].body));
        let others = answers.iter().filter(|answer| answer.status != 201);
        for other in others {
            assert_eq!(other.problem(), (409, "idempotency_in_progress"));
        }
        assert_eq!(class_now(&app, &yoga, &coach).await["booked_count"], 1);
    }

    async fn two_thousand_requests_about_one_class_leave_it_as_it_should_be(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let yoga = planned(&app, &coach, json!({"capacity": 10})).await;
        let mut members = Vec::new();
        for _ in 0..60 {
            members.push(app.people.member().await);
        }
        // Each books and cancels in turn; one in three keeps the last booking.
        let one = async |at: usize, member: &Person| {
            for _ in 0..16 {
                let booking = patiently(async || book(&app, &yoga, member).await).await.body;
                let cancelled = patiently(async || cancel(&app, &booking, member).await).await;
                assert_eq!(cancelled.body["status"], "cancelled", "{}", cancelled.text);
            }
            if at.is_multiple_of(3) {
                patiently(async || book(&app, &yoga, member).await).await;
            }
        };
        // Meanwhile there are now more places, now fewer.
        let resizing = async {
            for round in 0..40 {
                let path = format!("/api/classes/{}", yoga["id"]);
                let to = json!({"capacity": 5 + round * 7 % 11});
                let answer = patiently(async || app.patch(&path, &coach, to.clone()).await).await;
                let fine = answer.status == 200 || answer.problem() == (409, "invalid_state");
                assert!(fine, "{}", answer.text);
                let seen = class_now(&app, &yoga, &coach).await;
                assert!(seen["booked_count"].as_i64() <= seen["capacity"].as_i64(), "{seen}");
            }
        };
        tokio::join!(join_all(members.iter().enumerate().map(|(at, member)| one(at, member))), resizing);
        let seen = class_now(&app, &yoga, &coach).await;
        let (places, taken, line) = (&seen["capacity"], &seen["booked_count"], &seen["waitlist_count"]);
        // Whoever stayed has a place, or is in line because there is none.
        assert_eq!(taken.as_i64().zip(line.as_i64()).map(|(taken, line)| taken + line), Some(20));
        assert!(taken == places || line == 0, "{seen}");
        let waiting = app.get("/api/bookings?limit=100&status=waitlisted", &coach).await.body;
        let positions: Vec<_> = waiting["items"]
            .as_array()
            .expect("items")
            .iter()
            .rev()
            .filter_map(|it| it["waitlist_position"].as_i64())
            .collect();
        assert_eq!(positions, (1..=line.as_i64().unwrap_or(0)).collect::<Vec<_>>(), "first come, first in line");
        check(&app).await;
    }
}

/// Asks until there is an answer: a server that has more to do than it can says so.
async fn patiently(ask: impl AsyncFn() -> Answer) -> Answer {
    loop {
        let answer = ask().await;
        if answer.status != 503 {
            return answer;
        }
    }
}
