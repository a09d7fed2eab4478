//! Reports and the journal as tables.

use muster_testkit::{Person, each_engine};
use reqwest::Method;
use serde_json::json;

use super::{close, items, pay, post, some_months};
use crate::support::{Answer, TestApp};

async fn csv(app: &TestApp, by: &Person, path: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    let answer = app.get(&format!("/api{path}{joint}format=csv"), by).await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8", "{path}: {}", answer.text);
    answer.text
}

each_engine! {
    async fn every_report_is_a_table_too(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let [anna, ben] = some_months(&app, &treasurer).await;
        assert_eq!(
            csv(&app, &treasurer, "/finance/reports/monthly?from=2025-11&to=2025-12").await,
            "month,revenue,expenses,result,member_debts,bills_open,coach_pay_open\r\n\
             2025-11,32.00,0.00,32.00,16.00,30.00,0.00\r\n\
             2025-12,1.50,0.00,1.50,7.50,30.00,0.00\r\n"
        );
        assert_eq!(
            csv(&app, &treasurer, "/finance/reports/income-statement?from=2025-10-01&to=2025-11-30").await,
            "type,account,amount\r\nincome,dues,16.00\r\nincome,donations,25.00\r\nexpense,other_expenses,48.00\r\n"
        );
        assert_eq!(
            csv(&app, &treasurer, "/finance/reports/trial-balance?as_of=2025-10-31").await,
            "account,type,debit,credit\r\nbank,asset,60.00,0.00\r\nreceivables,asset,9.00,0.00\r\n\
             payables,liability,0.00,48.00\r\ndues,income,0.00,69.00\r\nother_expenses,expense,48.00,0.00\r\n"
        );
        assert_eq!(
            csv(&app, &treasurer, "/finance/reports/receivables").await,
            format!(
                "member_id,name,current,days_30,days_60,days_90,total\r\n\
                 {},Person Number 1,-20.00,0.00,0.00,0.00,-20.00\r\n{},Person Number 2,0.50,7.00,0.00,20.00,27.50\r\n",
                anna.id, ben.id
            )
        );
        assert_eq!(
            csv(&app, &treasurer, "/finance/reports/prepaid").await,
            format!("member_id,lot_id,left,value,expires_on\r\n{},1,4,40.00,\r\n", ben.id)
        );
        let payables = csv(&app, &treasurer, "/finance/reports/payables").await;
        assert!(payables.starts_with("kind,month,due_on,bill_id,payee,coach_id,member_id,charge_id,name,amount\r\n"));
        assert!(payables.contains("\r\nbill,2025-10,2025-10-15,1,City,,,,,30.00\r\n"), "{payables}");
        let statement = csv(&app, &treasurer, &format!("/members/{}/statement?from=2025-10-01", anna.id)).await;
        assert_eq!(
            statement.lines().map(|line| line.split_once(',').expect("cells").1).collect::<Vec<_>>(),
            [
                "date,text,amount,balance",
                "2025-10-01,Opening balance,,-20.00",
                "2025-10-05,Dues,9.00,-11.00",
                "2025-12-03,Reversal,-9.00,-20.00",
            ]
        );
        let request = app.request(Method::GET, "/api/finance/reports/trial-balance").bearer_auth(&treasurer.token);
        let answer = Answer::of(request.header("accept", "text/csv")).await;
        assert!(answer.text.starts_with("account,type,"), "what is asked for may stand in the header too");
    }

    async fn what_people_wrote_is_no_formula_in_a_table(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let bill = json!({
            "payee": "=HYPERLINK(1)", "amount": 100, "category": "other_expenses", "text": "@SUM(1)",
            "due_on": "2026-01-01",
        });
        post(&app, &treasurer, "/api/finance/bills", bill).await;
        let payables = csv(&app, &treasurer, "/finance/reports/payables").await;
        assert!(payables.contains(",'=HYPERLINK(1),"), "{payables}");
        let journal = csv(&app, &treasurer, "/finance/journal").await;
        assert!(journal.contains(",'@SUM(1),"), "{journal}");
    }

    async fn the_journal_has_every_posting_in_the_order_of_days(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let [anna, _] = some_months(&app, &treasurer).await;
        let journal = csv(&app, &treasurer, "/finance/journal?from=2025-09-01&to=2025-10-05").await;
        let lines: Vec<_> = journal.lines().collect();
        assert_eq!(lines[0], "entry_id,date,kind,account,account_name,member_id,coach_id,text,reference,debit,credit");
        let first = format!("1,2025-09-01,charge,receivables,Owed by members,{},,Dues,,30.00,", anna.id);
        assert_eq!(lines[1..3], [first.as_str(), "1,2025-09-01,charge,dues,Dues,,,Dues,,,30.00"]);
        assert_eq!(lines.len(), 1 + 2 * 5, "two charges, a payment, a bill, the wrong charge: {journal}");
        let days: Vec<_> = lines[1..].iter().map(|line| line.split(',').nth(1).expect("a day")).collect();
        assert!(days.is_sorted(), "{days:?}");

        let mut seen = Vec::new();
        let mut path = "/api/finance/journal?limit=2".to_owned();
        loop {
            let page = app.get(&path, &treasurer).await;
            assert_eq!(page.status, 200, "{}", page.text);
            seen.extend(items(&page.body));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/api/finance/journal?limit=2&cursor={cursor}");
        }
        let keys: Vec<_> = seen.iter().map(|e| (e["date"].as_str().expect("a day").to_owned(), e["id"].as_i64())).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(seen.len(), items(&app.get("/api/finance/entries?limit=100", &treasurer).await.body).len());
        let postings = seen.iter().flat_map(|entry| entry["postings"].as_array().expect("postings").clone());
        assert_eq!(postings.map(|p| p["amount"].as_i64().expect("an amount")).sum::<i64>(), 0);
    }

    async fn a_journal_longer_than_a_page_comes_whole(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let actor = muster_auth::Actor::new(treasurer.id, muster_auth::Roles::of([muster_auth::Role::Treasurer]), Default::default());
        let can = actor.can::<muster_auth::permissions::KeepBooks>().expect("a treasurer may");
        app.db
            .write(move |tx| {
                use muster_finance::entries::{NewManual, Words, enter};
                for n in 1..=1100 {
                    let what = NewManual::Transfer { from: "cash".into(), to: "bank".into() };
                    let words = Words { amount: muster_kernel::Minor(n), text: "x".into(), date: None, reference: None };
                    enter(tx, &can, &what, &words)?;
                }
                Ok::<_, muster_kernel::fault::Fault>(())
            })
            .await
            .expect("entries");
        let journal = csv(&app, &treasurer, "/finance/journal").await;
        assert_eq!(journal.lines().count(), 1 + 2 * 1100);
        assert!(journal.ends_with(",x,,,11.00\r\n"), "the last line is there");
    }

    async fn every_row_of_the_books_is_exported_once(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let [_, ben] = some_months(&app, &treasurer).await;
        // One charge that is settled by two payments.
        pay(&app, &treasurer, &ben, 300, "2025-12-15").await;
        close(&app, &treasurer, &["2025-09", "2025-10", "2025-11"]).await;
        for export in muster_finance::domain().exports {
            let walked = |limit: i64| {
                let db = &app.db;
                async move {
                    let (mut rows, mut after) = (Vec::new(), 0);
                    loop {
                        let page = db.read(move |conn| (export.rows)(conn, after, limit)).await.expect(export.name);
                        let Some(last) = page.last() else { return rows };
                        after = last.key;
                        rows.extend(page.into_iter().map(|row| row.values));
                    }
                }
            };
            let whole = walked(1000).await;
            assert!(!whole.is_empty() && whole.iter().all(|row| row.len() == export.columns.len()), "{}", export.name);
            for limit in [1, 2, 3] {
                assert_eq!(walked(limit).await, whole, "{}, {limit} at a time", export.name);
            }
        }
    }
}
