//! Bills, reports and the journal, for the planners.

use diesel::connection::SimpleConnection;
use muster_testkit::Person;
use serde_json::json;

use super::Watched;

impl Watched {
    pub(super) async fn use_bills(&self, admin: &Person) {
        let app = &self.app;
        let bill = json!({
            "payee": "City", "amount": 100, "category": "other_expenses", "text": "Rent", "due_on": "2026-01-01",
            "date": "2025-12-01", "repeat": "month",
        });
        let mut made = Vec::new();
        for _ in 0..3 {
            made.push(app.post_once("/api/finance/bills", admin, bill.clone()).await.body);
        }
        let path = format!("/api/finance/bills/{}", made[0]["id"]);
        let part = json!({"amount": 40, "method": "cash"});
        let paid = app.post_once(&format!("{path}/payments"), admin, part).await;
        assert_eq!(paid.status, 201, "{}", paid.text);
        assert_eq!(app.get(&path, admin).await.status, 200);
        assert_eq!(app.patch(&path, admin, json!({"repeat": "year"})).await.status, 200);
        for entry in [&paid.body["payments"][0]["entry_id"], &made[0]["entry_id"]] {
            let path = format!("/api/finance/entries/{entry}/reverse");
            assert_eq!(app.post_once(&path, admin, json!({"reason": "x"})).await.status, 200);
        }
        let lists =
            ["/api/finance/bills?limit=1&count=true", "/api/finance/bills?open=true&limit=1&count=true"];
        self.read_two_pages(admin, &lists).await;
        app.db.write(muster_finance::bills::repeating::repeat_some).await.expect("bills that come again");
    }

    /// The reports, of books in which somebody owes and a month is closed.
    pub(super) async fn use_reports(&self, admin: &Person) {
        let app = &self.app;
        for amount in [100, 200] {
            let member = app.people.member().await;
            let owed = json!({"amount": amount, "account": "dues", "text": "Dues"});
            app.post_once(&format!("/api/members/{}/charges", member.id), admin, owed).await;
            let lot = json!({"count": 2, "amount": 300, "method": "bank"});
            app.post_once(&format!("/api/members/{}/prepaid-fees", member.id), admin, lot).await;
            let coach = member.id.0;
            app.db
                .write(move |tx| {
                    // Coaches are not paid yet: what one is owed is posted here as it will be.
                    let of = "(SELECT max(id) FROM entries)";
                    for statement in [
                        format!("INSERT INTO entries (kind, date, made_at) SELECT 'expense', date, made_at FROM entries WHERE id = {of}"),
                        format!("INSERT INTO postings (entry_id, account_id, amount, date, coach_id) SELECT id, 6, -50, date, {coach} FROM entries WHERE id = {of}"),
                        format!("INSERT INTO postings (entry_id, account_id, amount, date) SELECT id, 12, 50, date FROM entries WHERE id = {of}"),
                        format!("UPDATE entries SET sealed = NOT sealed WHERE id = {of}"),
                    ] {
                        tx.batch_execute(&statement)?;
                    }
                    Ok::<_, muster_kernel::db::DbError>(())
                })
                .await
                .expect("pay");
        }
        for path in [
            "monthly",
            "monthly?from=2025-01&to=2026-12",
            "income-statement",
            "income-statement?from=2025-01-01",
            "trial-balance",
            "trial-balance?as_of=2025-12-31",
        ] {
            for format in ["json", "csv"] {
                let joint = if path.contains('?') { '&' } else { '?' };
                let path = format!("/api/finance/reports/{path}{joint}format={format}");
                assert_eq!(app.get(&path, admin).await.status, 200, "{path}");
            }
        }
        self.read_two_pages(
            admin,
            &[
                "/api/finance/reports/receivables?limit=1",
                "/api/finance/reports/payables?limit=1",
                "/api/finance/reports/prepaid?limit=1",
                "/api/finance/journal?limit=1",
            ],
        )
        .await;
        for path in [
            "receivables?as_of=2026-01-01",
            "prepaid?as_of=2026-01-01",
            "payables?as_of=2026-01-01",
            "payables?as_of=2026-01-01&format=csv",
            "receivables?format=csv",
            "payables?format=csv",
            "prepaid?format=csv",
        ] {
            let path = format!("/api/finance/reports/{path}");
            assert_eq!(app.get(&path, admin).await.status, 200, "{path}");
        }
        assert_eq!(app.get("/api/finance/journal?from=2025-01-01&format=csv", admin).await.status, 200);
    }

    pub(super) async fn read_two_pages(&self, by: &Person, lists: &[&str]) {
        for list in lists {
            let page = self.app.get(list, by).await;
            let cursor = page.body["next_cursor"].as_str().unwrap_or_else(|| panic!("{list}: {}", page.text));
            let next = format!("{list}&cursor={cursor}");
            assert_eq!(self.app.get(&next, by).await.status, 200, "{next}");
        }
    }
}
