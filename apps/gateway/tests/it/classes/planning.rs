//! Planning classes, changing them, calling them off; the timetable.

use chrono::TimeDelta;
use muster_testkit::each_engine;
use serde_json::{Value, json};

use super::ClassClub;
use super::{at_start, book, booked, booking_now, check, class, class_now, in_hours, mark, planned, with};

each_engine! {
    async fn a_coach_plans_a_class_and_everybody_sees_it(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let made = app.post("/api/classes", &coach, class(&app)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(made.header("location"), format!("/api/classes/{}", made.body["id"]));
        assert!(!made.header("etag").is_empty());
        let seen = app.get(made.header("location"), &member).await.body;
        let expected = [
            ("coach_id", json!(coach.id)), ("instructor_name", json!("Person Number 0")), ("status", json!("scheduled")),
            ("booked_count", json!(0)), ("waitlist_count", json!(0)), ("free_places", json!(2)), ("series_id", Value::Null),
            ("room_id", made.body["room_id"].clone()), ("my_booking", Value::Null), ("participants", json!([])), ("time_zone", json!("UTC")),
        ];
        for (field, value) in expected {
            assert_eq!(seen[field], value, "{field}");
        }
        assert!(seen["room_id"].is_i64());
        let listed = app.get("/api/classes/", &member).await.body;
        assert_eq!(listed["items"][0], seen);
    }

    async fn a_coach_plans_their_own_classes_and_an_admin_those_of_all(club: ClassClub) {
        let app = club.0;
        let (coach, other) = (app.people.coach().await, app.people.coach().await);
        let (admin, member) = (app.people.admin().await, app.people.member().await);
        let of_other = with(class(&app), json!({"coach_id": other.id}));
        assert_eq!(app.post("/api/classes", &coach, of_other.clone()).await.problem(), (403, "forbidden"));
        let made = app.post("/api/classes", &admin, of_other).await;
        assert_eq!(made.body["coach_id"], json!(other.id), "{}", made.text);
        let nobody = app.post("/api/classes", &admin, class(&app)).await;
        assert_eq!(nobody.fields(), [("/coach_id", "not_a_coach")]);
        let of_member = with(class(&app), json!({"coach_id": member.id}));
        assert_eq!(app.post("/api/classes", &admin, of_member).await.fields(), [("/coach_id", "not_a_coach")]);
        assert_eq!(app.post("/api/classes", &member, class(&app)).await.problem(), (403, "forbidden"));
        let path = format!("/api/classes/{}", made.body["id"]);
        let refused = app.patch(&path, &coach, json!({"fee": 0})).await;
        assert_eq!(refused.problem(), (403, "forbidden"));
    }

    async fn what_cannot_be_is_told_field_by_field(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let wrong = [
            (json!({"class_title": ""}), ("/class_title", "too_short")),
            (json!({"class_datetime": in_hours(&app, -1)}), ("/class_datetime", "in_the_past")),
            (json!({"class_datetime": in_hours(&app, 24 * 366 * 6)}), ("/class_datetime", "out_of_range")),
            (json!({"duration_minutes": 0}), ("/duration_minutes", "out_of_range")),
            (json!({"duration_minutes": 1441}), ("/duration_minutes", "out_of_range")),
            (json!({"capacity": 0}), ("/capacity", "out_of_range")),
            (json!({"fee": -1}), ("/fee", "out_of_range")),
            (json!({"time_zone": "Mars/Olympus"}), ("/time_zone", "unknown")),
            (json!({"location": "a\nb"}), ("/location", "control_characters")),
        ];
        for (fields, expected) in wrong {
            let refused = app.post("/api/classes", &coach, with(class(&app), fields)).await;
            assert_eq!(refused.fields(), [expected], "{}", refused.text);
        }
    }

    async fn a_coach_never_teaches_two_classes_at_once(club: ClassClub) {
        let app = club.0;
        let (coach, other, admin) =
            (app.people.coach().await, app.people.coach().await, app.people.admin().await);
        planned(&app, &coach, json!({})).await;
        let at = in_hours(&app, 72);
        let later = |minutes| with(class(&app), json!({"class_datetime": at.plus(TimeDelta::minutes(minutes))}));
        for minutes in [-59, 0, 59] {
            let refused = app.post("/api/classes", &coach, later(minutes)).await;
            assert_eq!(refused.problem(), (409, "overlap"), "{minutes}");
        }
        for minutes in [-60, 60] {
            assert_eq!(app.post("/api/classes", &coach, later(minutes)).await.status, 201, "{minutes}");
        }
        let theirs = planned(&app, &other, json!({})).await;
        let path = format!("/api/classes/{}", theirs["id"]);
        let refused = app.patch(&path, &admin, json!({"coach_id": coach.id})).await;
        assert_eq!(refused.problem(), (409, "overlap"));
        let moved = app.patch(&path, &other, json!({"class_datetime": at.plus(TimeDelta::minutes(30))})).await;
        assert_eq!(moved.status, 200, "{}", moved.text);
    }

    async fn a_changed_class_has_a_new_version_and_nobody_s_change_is_lost(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let made = app.post("/api/classes", &coach, class(&app)).await;
        let path = format!("/api/classes/{}", made.body["id"]);
        let changed = app.patch(&path, &coach, json!({"location": "Hall 1", "description": "Bring a mat."})).await;
        assert_eq!((&changed.body["location"], &changed.body["version"]), (&json!("Hall 1"), &json!(2)));
        let same = app.patch(&path, &coach, json!({"location": "Hall 1"})).await;
        assert_eq!(same.body["version"], 2);
        let request = app.request(reqwest::Method::PATCH, &path).bearer_auth(&coach.token);
        let request = request.header("if-match", made.header("etag")).json(&json!({"fee": 1}));
        assert_eq!(crate::support::Answer::of(request).await.problem(), (412, "stale"));
    }

    async fn fewer_places_than_are_taken_are_refused_and_new_ones_go_to_the_line(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let yoga = planned(&app, &coach, json!({"capacity": 2})).await;
        let path = format!("/api/classes/{}", yoga["id"]);
        let mut all = Vec::new();
        for _ in 0..4 {
            let member = app.people.member().await;
            let booking = booked(&app, &yoga, &member).await;
            all.push((booking, member));
        }
        assert_eq!(app.patch(&path, &coach, json!({"capacity": 1})).await.problem(), (409, "invalid_state"));
        let grown = app.patch(&path, &coach, json!({"capacity": 3})).await.body;
        assert_eq!((&grown["booked_count"], &grown["waitlist_count"]), (&json!(3), &json!(1)));
        assert_eq!(booking_now(&app, &all[2].0, &all[2].1).await["status"], "booked");
        let last = booking_now(&app, &all[3].0, &all[3].1).await;
        assert_eq!((&last["status"], &last["waitlist_position"]), (&json!("waitlisted"), &json!(1)));
        check(&app).await;
    }

    async fn whoever_had_a_place_in_a_class_that_is_called_off_owes_nothing_and_is_told(club: ClassClub) {
        let app = club.0;
        let (coach, one, two) = (app.people.coach().await, app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let (first, second) = (booked(&app, &yoga, &one).await, booked(&app, &yoga, &two).await);
        let path = format!("/api/classes/{}/cancel", yoga["id"]);
        assert_eq!(app.post(&path, &coach, json!({})).await.status, 422);
        app.mails().await;
        let off = app.post(&path, &coach, json!({"reason": "The hall is closed."})).await;
        assert_eq!((&off.body["status"], &off.body["free_places"]), (&json!("cancelled"), &json!(0)), "{}", off.text);
        for (booking, person) in [(&first, &one), (&second, &two)] {
            assert_eq!(booking_now(&app, booking, person).await["status"], "cancelled_by_club");
        }
        let mails = app.mails().await;
        assert_eq!(mails.len(), 2);
        assert!(mails[0].text.contains("The hall is closed."), "{}", mails[0].text);
        assert_eq!(app.post(&path, &coach, json!({"reason": "Again."})).await.problem(), (409, "invalid_state"));
        assert_eq!(book(&app, &yoga, &one).await.problem(), (409, "invalid_state"));
        let balance = app.get("/api/members/me", &one).await.body["balance"].clone();
        assert_eq!(balance, 0);
        check(&app).await;
    }

    async fn moving_a_class_takes_bookings_along_and_lets_people_out_free(club: ClassClub) {
        let app = club.0;
        let (coach, other) = (app.people.coach().await, app.people.coach().await);
        let (stays, busy) = (app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let dance = planned(&app, &other, json!({"class_datetime": in_hours(&app, 20)})).await;
        let place = booked(&app, &yoga, &busy).await;
        let waits = booked(&app, &yoga, &stays).await;
        booked(&app, &dance, &busy).await;
        let path = format!("/api/classes/{}", yoga["id"]);
        let moved = app.patch(&path, &coach, json!({"class_datetime": in_hours(&app, 20)})).await;
        assert_eq!(moved.status, 200, "{}", moved.text);
        assert_eq!(booking_now(&app, &place, &busy).await["status"], "cancelled_by_club");
        // The place that became free is given at once, and is free of charge for a day.
        let promoted = booking_now(&app, &waits, &stays).await;
        assert_eq!(promoted["status"], "booked");
        assert_eq!(promoted["class_datetime"], json!(in_hours(&app, 20)));
        let again = app.patch(&path, &coach, json!({"class_datetime": in_hours(&app, 22)})).await;
        assert_eq!(again.status, 200, "{}", again.text);
        assert_eq!(booking_now(&app, &waits, &stays).await["free_until"], json!(in_hours(&app, 24)));
        check(&app).await;
    }

    async fn the_timetable_is_asked_by_day_coach_place_and_words(club: ClassClub) {
        let app = club.0;
        let (coach, other, member) =
            (app.people.coach().await, app.people.coach().await, app.people.member().await);
        let one = planned(&app, &coach, json!({"class_title": "Morning yoga", "capacity": 1})).await;
        let two = planned(&app, &other, json!({"class_title": "Evening dance", "location": "Salle Müller"})).await;
        let far = planned(&app, &coach, json!({"class_datetime": in_hours(&app, 24 * 30)})).await;
        booked(&app, &one, &member).await;
        let day = &one["class_datetime"].as_str().expect("an instant")[..10];
        let ids = |body: &Value| -> Vec<i64> {
            body["items"].as_array().expect("items").iter().map(|it| it["id"].as_i64().expect("an id")).collect()
        };
        let (one, two, far) = (one["id"].as_i64(), two["id"].as_i64(), far["id"].as_i64());
        for (query, expected) in [
            (String::new(), vec![one, two, far]),
            (format!("from={day}&to={day}"), vec![one, two]),
            (format!("to={day}"), vec![one, two]),
            (format!("from={}&to={}", in_hours(&app, 73), in_hours(&app, 24 * 40)), vec![far]),
            (format!("from={}&to={}", in_hours(&app, 71), in_hours(&app, 72)), vec![]),
            (format!("coach_id={}", coach.id), vec![one, far]),
            ("available=true".into(), vec![two, far]),
            ("available=false".into(), vec![one]),
            ("mine=true".into(), vec![one]),
            ("q=yog".into(), vec![one, far]),
            ("q=even dan".into(), vec![two]),
            ("q=mül".into(), vec![two]),
            ("q=even yoga".into(), vec![]),
        ] {
            let found = app.get(&format!("/api/classes?count=true&{query}"), &member).await;
            assert_eq!(found.status, 200, "{query}: {}", found.text);
            let expected: Vec<i64> = expected.into_iter().flatten().collect();
            assert_eq!(ids(&found.body), expected, "{query}");
            assert_eq!(found.body["total"], expected.len(), "{query}");
        }
        let of_coach = app.get(&format!("/api/coaches/{}/classes", coach.id), &member).await;
        assert_eq!(ids(&of_coach.body), [one, far].into_iter().flatten().collect::<Vec<_>>());
        assert_eq!(app.get("/api/classes?from=yesterday", &member).await.problem(), (400, "malformed"));
        let page = app.get("/api/classes?limit=2", &member).await.body;
        let cursor = page["next_cursor"].as_str().expect("a cursor");
        let rest = app.get(&format!("/api/classes?limit=2&cursor={cursor}"), &member).await.body;
        assert_eq!(ids(&rest), vec![far.expect("an id")]);
    }

    async fn who_has_a_place_is_for_the_coach_and_staff_and_others_see_themselves(club: ClassClub) {
        let app = club.0;
        let (coach, stranger) = (app.people.coach().await, app.people.coach().await);
        let (one, two) = (app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        booked(&app, &yoga, &one).await;
        booked(&app, &yoga, &two).await;
        let names = |seen: &Value| seen["participants"].as_array().map(Vec::len);
        assert_eq!(names(&class_now(&app, &yoga, &coach).await), Some(2));
        assert_eq!(names(&class_now(&app, &yoga, &app.people.admin().await).await), Some(2));
        assert_eq!(names(&class_now(&app, &yoga, &stranger).await), Some(0));
        let mine = class_now(&app, &yoga, &one).await;
        assert_eq!(mine["participants"], json!([{"member_id": one.id, "user_id": one.id, "name": "Person Number 2"}]));
        assert_eq!((&mine["booked_count"], &mine["my_booking"]["status"]), (&json!(2), &json!("booked")));
    }

    async fn a_class_whose_attendance_was_taken_stays_at_its_time(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        booked(&app, &yoga, &member).await;
        at_start(&app, &yoga, 10);
        mark(&app, &yoga, &coach, &member, "attended").await;
        let path = format!("/api/classes/{}", yoga["id"]);
        let moved = app.patch(&path, &coach, json!({"class_datetime": in_hours(&app, 48)})).await;
        assert_eq!(moved.problem(), (409, "invalid_state"));
        assert_eq!(app.patch(&path, &coach, json!({"location": "Hall 1"})).await.status, 200);
    }

    async fn who_is_no_coach_any_more_sees_no_names(club: ClassClub) {
        let app = club.0;
        let (coach, admin, member) =
            (app.people.coach().await, app.people.admin().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        booked(&app, &yoga, &member).await;
        app.put(&format!("/api/users/{}/roles", coach.id), &admin, json!({"roles": ["member"]})).await;
        app.wait(TimeDelta::seconds(5));
        assert_eq!(class_now(&app, &yoga, &coach).await["participants"], json!([]));
    }
}
