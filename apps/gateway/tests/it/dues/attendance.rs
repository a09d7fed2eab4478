//! Who came often pays less, and who did not pays more, if the club wants it so.

use muster_kernel::UserId;
use muster_members::count_attendance;
use muster_testkit::each_engine;
use serde_json::json;

use super::{in_november, lines, member_on, plan, run};
use crate::support::TestApp;

async fn attended(app: &TestApp, member: UserId, day: &str, times: i32) {
    let day = day.parse().expect("a day");
    app.db.write(move |tx| count_attendance(tx, member, day, times)).await.expect("counted");
}

async fn rule(app: &TestApp, rule: serde_json::Value) {
    let admin = app.people.admin().await;
    let set = app.patch("/api/club", &admin, json!({"policies": {"attendance_discount": rule}})).await;
    assert_eq!(set.status, 200, "{}", set.text);
}

each_engine! {
    async fn the_most_regular_of_the_month_before_pay_less_and_a_tie_is_shared(app: TestApp) {
        let treasurer = in_november(&app).await;
        rule(&app, json!({"top": 2, "discount": 500, "surcharge": 100})).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        let mut members = Vec::new();
        for times in [9, 7, 7, 6, 0] {
            let member = member_on(&app, &treasurer, adults, "2025-03-01").await;
            attended(&app, member.id, "2026-10-31", times).await;
            // Another month does not count.
            attended(&app, member.id, "2026-11-01", 20).await;
            members.push(member.id.0);
        }
        let run = run(&app, &treasurer, "k", json!({"period": "2026-11"})).await;
        let line = |n: usize, amount: i64, reason: &str| (members[n], "charged".to_owned(), json!(amount), json!(reason));
        assert_eq!(lines(&app, &treasurer, &run).await, [
            line(0, 2500, "discount: 9 classes in 2026-10"),
            line(1, 2500, "discount: 7 classes in 2026-10"),
            line(2, 2500, "discount: 7 classes in 2026-10"),
            line(3, 3100, "surcharge: 6 classes in 2026-10"),
            line(4, 3100, "surcharge: 0 classes in 2026-10"),
        ]);
    }

    async fn from_so_many_classes_everybody_pays_less_and_never_below_nothing(app: TestApp) {
        let treasurer = in_november(&app).await;
        rule(&app, json!({"from": 4, "discount": 5000})).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        let patrons = plan(&app, &treasurer, json!({"name": "Patrons", "every": "year", "price": 9000})).await;
        let often = member_on(&app, &treasurer, adults, "2025-03-01").await;
        let seldom = member_on(&app, &treasurer, adults, "2025-03-01").await;
        let patron = member_on(&app, &treasurer, patrons, "2025-03-01").await;
        for (member, times) in [(&often, 4), (&seldom, 3), (&patron, 9)] {
            attended(&app, member.id, "2026-10-15", times).await;
        }
        let monthly = run(&app, &treasurer, "1", json!({"period": "2026-11"})).await;
        assert_eq!(lines(&app, &treasurer, &monthly).await, [
            (often.id.0, "skipped".into(), json!(null), json!("discount: 4 classes in 2026-10")),
            (seldom.id.0, "charged".into(), json!(3000), json!(null)),
        ]);
        let yearly = run(&app, &treasurer, "2", json!({"period": "2026"})).await;
        let (_, _, amount, reason) = &lines(&app, &treasurer, &yearly).await[0];
        assert_eq!((amount, reason), (&json!(9000), &json!(null)), "a month says nothing of a year");
    }
}
