//! Reminders of what is overdue.

use muster_kernel::mail::Mail;
use muster_testkit::{Person, each_engine};
use reqwest::Method;
use serde_json::json;

use super::in_november;
use crate::support::{Answer, TestApp};

/// Charges a member something that was due on this day.
async fn charge(app: &TestApp, treasurer: &Person, member: &Person, due_on: &str) -> i64 {
    let request = app.request(Method::POST, &format!("/api/members/{}/charges", member.id));
    let body = json!({"amount": 2550, "account": "dues", "text": "A secret", "due_on": due_on});
    let request = request.header("idempotency-key", due_on).bearer_auth(&treasurer.token).json(&body);
    let made = Answer::of(request).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.body["id"].as_i64().expect("an id")
}

/// The reminders that are sent now.
async fn reminders(app: &TestApp) -> Vec<Mail> {
    app.mails().await.into_iter().filter(|mail| mail.subject.contains("overdue")).collect()
}

each_engine! {
    async fn somebody_who_is_late_is_reminded_once_on_each_of_the_days_that_the_club_names(app: TestApp) {
        let treasurer = in_november(&app).await;
        let member = app.people.member().await;
        charge(&app, &treasurer, &member, "2026-11-19").await;
        assert_eq!(reminders(&app).await.len(), 0, "two days late");
        for (hours, sent) in [(24, 1), (1, 0), (24, 0), (9 * 24, 0), (24, 1), (1, 0), (16 * 24, 1), (365 * 24, 0)] {
            app.wait(chrono::TimeDelta::hours(hours));
            let mails = reminders(&app).await;
            assert_eq!(mails.len(), sent, "{hours} hours later");
            for mail in mails {
                assert_eq!(mail.to, member.email);
                assert!(mail.text.contains("25.50 EUR was due on 2026-11-19"), "{}", mail.text);
                assert!(!mail.text.contains("secret"));
            }
        }
    }

    async fn after_a_pause_only_the_latest_reminder_is_sent(app: TestApp) {
        let treasurer = in_november(&app).await;
        let member = app.people.member().await;
        charge(&app, &treasurer, &member, "2026-11-01").await;
        assert_eq!(reminders(&app).await.len(), 1, "3 and 14 days have come");
        app.wait(chrono::TimeDelta::days(10));
        assert_eq!(reminders(&app).await.len(), 1, "30 days");
    }

    async fn whoever_has_paid_is_not_reminded(app: TestApp) {
        let treasurer = in_november(&app).await;
        let member = app.people.member().await;
        charge(&app, &treasurer, &member, "2026-11-01").await;
        let request = app.request(Method::POST, &format!("/api/members/{}/payments", member.id));
        let request = request.header("idempotency-key", "p").bearer_auth(&treasurer.token);
        assert_eq!(Answer::of(request.json(&json!({"amount": 2550, "method": "bank"}))).await.status, 201);
        assert_eq!(reminders(&app).await.len(), 0);
    }

    async fn the_club_adds_its_own_words_and_says_on_which_days(app: TestApp) {
        let treasurer = in_november(&app).await;
        let (admin, member) = (app.people.admin().await, app.people.member().await);
        let days = async |policies| app.patch("/api/club", &admin, json!({"policies": policies})).await;
        let long = days(json!({"dues_reminder_text": "x".repeat(2001)})).await;
        assert_eq!(long.fields(), [("/policies/dues_reminder_text", "too_long")]);
        let set = days(json!({"dues_reminder_days": [], "dues_reminder_text": "Ask Ida for instalments."})).await;
        assert_eq!(set.body["policies"]["dues_reminder_text"], "Ask Ida for instalments.");
        charge(&app, &treasurer, &member, "2026-11-01").await;
        assert_eq!(reminders(&app).await.len(), 0, "on no day");
        days(json!({"dues_reminder_days": [20]})).await;
        app.wait(chrono::TimeDelta::hours(1));
        let mails = reminders(&app).await;
        assert_eq!(mails.len(), 1);
        assert!(mails[0].text.contains("Ask Ida for instalments."), "{}", mails[0].text);
        let off = app.patch("/api/club", &app.people.again(&admin).await, json!({"policies": {"dues_reminder_text": null}})).await;
        assert_eq!(off.body["policies"]["dues_reminder_text"], json!(null));
    }

    async fn many_who_are_late_are_all_reminded(app: TestApp) {
        let treasurer = in_november(&app).await;
        let member = app.people.member().await;
        let day = |n: i64| chrono::NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day") + chrono::TimeDelta::days(n);
        for n in 0..230 {
            charge(&app, &treasurer, &member, &day(n).to_string()).await;
        }
        assert_eq!(reminders(&app).await.len(), 230);
        app.wait(chrono::TimeDelta::minutes(61));
        let treasurer = app.people.again(&treasurer).await;
        charge(&app, &treasurer, &member, "2026-11-01").await;
        assert_eq!(reminders(&app).await.len(), 1, "those who were reminded stand in nobody's way");
    }
}
