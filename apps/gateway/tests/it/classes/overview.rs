//! What coaches did, and what they hear of ratings.

use muster_testkit::{Person, each_engine};
use serde_json::{Value, json};

use super::ClassClub;
use super::ratings::{attended, rate};
use super::{at_start, booked, complete, in_hours, mark, planned};
use crate::support::TestApp;

/// What a coach did.
async fn overview(app: &TestApp, coach: &Person, by: &Person, query: &str) -> Value {
    let seen = app.get(&format!("/api/coaches/{}/overview{query}", coach.id), by).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    seen.body
}

async fn members(app: &TestApp, many: usize) -> Vec<Person> {
    let mut all = Vec::new();
    for _ in 0..many {
        all.push(app.people.member().await);
    }
    all
}

each_engine! {
    async fn an_overview_tells_what_a_coach_did_between_two_days(club: ClassClub) {
        let app = club.0;
        let (coach, other, admin, treasurer) = (
            app.people.coach().await, app.people.coach().await, app.people.admin().await, app.people.treasurer().await,
        );
        let all = members(&app, 3).await;
        let nothing = overview(&app, &coach, &treasurer, "").await;
        assert_eq!((&nothing["classes_taught"], &nothing["attendance_rate"], &nothing["average_attendance"]), (&json!(0), &Value::Null, &Value::Null));
        let at = |hours: i64| in_hours(&app, hours);
        // Two are taught, of which one is a substitution; one is given away, one is called off, one is to come.
        let yoga = planned(&app, &coach, json!({"class_datetime": at(48), "capacity": 5})).await;
        let judo = planned(&app, &other, json!({"class_datetime": at(50)})).await;
        let given = planned(&app, &coach, json!({"class_datetime": at(52)})).await;
        let off = planned(&app, &coach, json!({"class_datetime": at(54)})).await;
        planned(&app, &coach, json!({"class_datetime": at(56)})).await;
        for (class, substitute) in [(&judo, &coach), (&given, &other)] {
            let path = format!("/api/classes/{}", class["id"]);
            let changed = app.patch(&path, &admin, json!({"coach_id": substitute.id})).await;
            assert_eq!(changed.status, 200, "{}", changed.text);
        }
        let path = format!("/api/classes/{}/cancel", off["id"]);
        assert_eq!(app.post(&path, &coach, json!({"reason": "The hall is closed."})).await.status, 200);
        for member in &all {
            booked(&app, &yoga, member).await;
        }
        let excused = app.people.member().await;
        booked(&app, &yoga, &excused).await;
        at_start(&app, &given, -60);
        let (coach, other) = (app.people.again(&coach).await, app.people.again(&other).await);
        mark(&app, &yoga, &coach, &all[0], "no_show").await;
        mark(&app, &yoga, &coach, &excused, "excused").await;
        for (class, by) in [(&yoga, &coach), (&judo, &coach), (&given, &other)] {
            assert_eq!(complete(&app, class, by).await.body["status"], "completed");
        }
        let treasurer = app.people.again(&treasurer).await;
        let day = |class: &Value| class["class_datetime"].as_str().expect("an instant")[..10].to_owned();
        let days = format!("?from={}&to={}", day(&yoga), day(&off));
        let seen = overview(&app, &coach, &treasurer, &days).await;
        let expected = json!({
            "coach_id": coach.id, "from": day(&yoga), "to": day(&off), "classes_taught": 2, "classes_cancelled": 1,
            "substitutions": {"given_away": 1, "taken_over": 1}, "attended": 2, "no_show": 1, "attendance_rate": 67,
            "average_attendance": 100, "ratings_count": 0,
        });
        assert_eq!(seen, expected);
        assert_eq!(overview(&app, &coach, &coach, &days).await, expected, "and of oneself");
        let theirs = overview(&app, &other, &treasurer, &days).await;
        assert_eq!((&theirs["classes_taught"], &theirs["substitutions"]), (&json!(1), &json!({"given_away": 1, "taken_over": 1})));
        let before = overview(&app, &coach, &treasurer, "?from=2020-01-01&to=2020-12-31").await;
        assert_eq!((&before["classes_taught"], &before["classes_cancelled"], &before["substitutions"]["given_away"]), (&json!(0), &json!(0), &json!(0)));
        for (query, code) in [("?from=2026-02-01&to=2026-01-01", "malformed"), ("?from=0001-01-01", "malformed")] {
            let path = format!("/api/coaches/{}/overview{query}", coach.id);
            assert_eq!(app.get(&path, &treasurer).await.problem(), (400, code));
        }
        let path = format!("/api/coaches/{}/overview", coach.id);
        assert_eq!(app.get(&path, &other).await.problem(), (403, "forbidden"));
    }

    async fn a_coach_sees_averages_of_three_ratings_in_a_month_and_more(club: ClassClub) {
        let app = club.0;
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        let all = members(&app, 4).await;
        let [one, two, three, four] = &all[..] else { panic!("four") };
        let yoga = attended(&app, &coach, &[one, two, three], json!({"capacity": 3})).await;
        rate(&app, &yoga, one, 5).await;
        rate(&app, &yoga, two, 5).await;
        let (coach, admin) = (app.people.again(&coach).await, app.people.again(&admin).await);
        let ratings = |seen: &Value| (seen["ratings_count"].clone(), seen["ratings_average"].clone());
        assert_eq!(ratings(&overview(&app, &coach, &coach, "").await), (json!(0), Value::Null));
        assert_eq!(ratings(&overview(&app, &coach, &admin, "").await), (json!(2), json!(500)));
        rate(&app, &yoga, three, 4).await;
        assert_eq!(ratings(&overview(&app, &coach, &coach, "").await), (json!(3), json!(467)));
        // Another class, in another month, of which one member said something: the sum must not tell it.
        let later = attended(&app, &coach, &[four], json!({"class_datetime": in_hours(&app, 24 * 40)})).await;
        let four = app.people.again(four).await;
        rate(&app, &later, &four, 1).await;
        let (coach, admin) = (app.people.again(&coach).await, app.people.again(&admin).await);
        let first = &yoga["class_datetime"].as_str().expect("an instant")[..10];
        let last = &later["class_datetime"].as_str().expect("an instant")[..10];
        let both = format!("?from={first}&to={last}");
        assert_eq!(ratings(&overview(&app, &coach, &coach, &both).await), (json!(3), json!(467)));
        assert_eq!(ratings(&overview(&app, &coach, &admin, &both).await), (json!(4), json!(375)));
        // Nor do days cut a month in pieces.
        let piece = format!("?from={last}&to={last}");
        assert_eq!(ratings(&overview(&app, &coach, &coach, &piece).await), (json!(0), Value::Null));
        assert_eq!(ratings(&overview(&app, &coach, &admin, &piece).await), (json!(1), json!(100)));
    }

    async fn stars_stay_without_whoever_is_erased(club: ClassClub) {
        let app = club.0;
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        let all = members(&app, 2).await;
        let yoga = attended(&app, &coach, &[&all[0], &all[1]], json!({"fee": 0})).await;
        let admin = app.people.again(&admin).await;
        for person in &all {
            rate(&app, &yoga, person, 3).await;
            let erased = app.post(&format!("/api/users/{}/erase", person.id), &admin, json!({})).await;
            assert_eq!(erased.status, 200, "{}", erased.text);
        }
        let seen = overview(&app, &coach, &admin, "").await;
        assert_eq!((&seen["ratings_count"], &seen["ratings_average"]), (&json!(2), &json!(300)));
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let known = app.db.read_one(|conn| {
            use diesel::RunQueryDsl;
            let count = "SELECT COUNT(member_id) AS count FROM class_ratings";
            Ok::<_, muster_kernel::db::DbError>(diesel::sql_query(count).get_result::<Count>(conn)?.count)
        });
        assert_eq!(known.await.expect("a count"), 0);
    }
}
