//! Reports: they tie to each other and to the ledger, as of whichever day, with closed months and without.

mod tables;

use muster_testkit::{Person, each_engine};
use serde_json::{Value, json};

use crate::support::TestApp;

async fn post(app: &TestApp, by: &Person, path: &str, body: Value) -> Value {
    let made = app.post_once(path, by, body).await;
    assert!(made.status.is_success(), "{path}: {}", made.text);
    made.body
}

async fn charge(app: &TestApp, by: &Person, of: &Person, amount: i64, date: &str, due_on: &str) -> Value {
    let body = json!({"amount": amount, "account": "dues", "text": "Dues", "date": date, "due_on": due_on});
    post(app, by, &format!("/api/members/{}/charges", of.id), body).await
}

async fn pay(app: &TestApp, by: &Person, of: &Person, amount: i64, date: &str) -> Value {
    let body = json!({"amount": amount, "method": "bank", "date": date});
    post(app, by, &format!("/api/members/{}/payments", of.id), body).await
}

async fn report(app: &TestApp, by: &Person, path: &str) -> Value {
    let answer = app.get(&format!("/api/finance/reports/{path}"), by).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.body
}

fn items(report: &Value) -> Vec<Value> {
    report["items"].as_array().expect("items").clone()
}

fn sum(of: &[Value], field: &str) -> i64 {
    of.iter().map(|item| item[field].as_i64().unwrap_or_else(|| panic!("{field}: {item}"))).sum()
}

/// What an account stood at, debits above zero.
fn stood(trial: &Value, account: &str) -> i64 {
    let lines = trial["accounts"].as_array().expect("accounts");
    let line = lines.iter().find(|line| line["account"] == account);
    line.map_or(0, |line| {
        line["debit"].as_i64().expect("a debit") - line["credit"].as_i64().expect("a credit")
    })
}

async fn close(app: &TestApp, by: &Person, months: &[&str]) {
    for month in months {
        let closed = app.post(&format!("/api/finance/periods/{month}/close"), by, json!({})).await;
        assert_eq!(closed.status, 200, "{}", closed.text);
    }
}

/// Some months of a club: two members, one of whom overpaid, a bill in parts, class fees, a donation, a reversal.
async fn some_months(app: &TestApp, by: &Person) -> [Person; 2] {
    let members = [app.people.member().await, app.people.member().await];
    let [anna, ben] = &members;
    charge(app, by, anna, 3000, "2025-09-01", "2025-09-15").await;
    charge(app, by, ben, 3000, "2025-09-01", "2025-09-15").await;
    pay(app, by, anna, 5000, "2025-09-20").await;
    pay(app, by, ben, 1000, "2025-10-20").await;
    charge(app, by, ben, 700, "2025-11-10", "2025-11-20").await;
    charge(app, by, ben, 50, "2025-12-10", "2026-02-20").await;
    let wrong = charge(app, by, anna, 900, "2025-10-05", "2025-10-05").await;
    let path = format!("/api/finance/entries/{}/reverse", wrong["entry_id"]);
    post(app, by, &path, json!({"reason": "Twice", "date": "2025-12-03"})).await;
    let bill = json!({
        "payee": "City", "amount": 4800, "category": "other_expenses", "text": "Rent", "date": "2025-10-01",
        "due_on": "2025-10-15",
    });
    let bill = post(app, by, "/api/finance/bills", bill).await;
    let part = json!({"amount": 1800, "method": "bank", "date": "2025-11-02"});
    post(app, by, &format!("/api/finance/bills/{}/payments", bill["id"]), part).await;
    let lot = json!({"count": 5, "amount": 5000, "method": "cash", "date": "2025-11-05"});
    let lot = post(app, by, &format!("/api/members/{}/prepaid-fees", ben.id), lot).await;
    let (ben_id, lot_id) = (ben.id, lot["id"].as_i64().expect("a lot"));
    app.db
        .write(move |tx| {
            use muster_finance::prepaid::{self, LotId};
            let day = chrono::NaiveDate::from_ymd_opt(2025, 12, 12).unwrap_or_default();
            prepaid::reserve(tx, ben_id, day)?;
            prepaid::use_fee(tx, &muster_kernel::audit::Origin::default(), LotId(lot_id), day).map(drop)
        })
        .await
        .expect("a class fee used");
    let gift = json!({
        "kind": "income", "account": "donations", "method": "cash", "amount": 2500, "text": "Party",
        "date": "2025-11-30",
    });
    post(app, by, "/api/finance/entries", gift).await;
    members
}

/// All that is read of the books, as of several days.
async fn everything(app: &TestApp, by: &Person) -> Vec<Value> {
    let mut all = vec![
        report(app, by, "monthly?from=2025-08&to=2026-01").await,
        report(app, by, "monthly?from=2025-11&to=2025-11").await,
        report(app, by, "income-statement?from=2025-09-10&to=2025-12-11").await,
        report(app, by, "income-statement?from=2025-11-10&to=2025-11-30").await,
        report(app, by, "payables").await,
    ];
    for day in
        ["2025-08-31", "2025-09-30", "2025-10-31", "2025-11-15", "2025-11-30", "2025-12-31", "2026-01-01"]
    {
        for name in ["trial-balance", "receivables", "prepaid", "payables"] {
            all.push(report(app, by, &format!("{name}?as_of={day}")).await);
        }
    }
    all
}

each_engine! {
    async fn reports_tie_to_each_other(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        some_months(&app, &treasurer).await;
        let months = items(&report(&app, &treasurer, "monthly?from=2025-09&to=2026-01").await);
        let statement = report(&app, &treasurer, "income-statement?from=2025-09-01&to=2026-01-31").await;
        let side = |name: &str| sum(statement[name].as_array().expect("sums"), "amount");
        assert_eq!((sum(&months, "revenue"), sum(&months, "expenses")), (side("income"), side("expenses")));
        assert_eq!(sum(&months, "result"), statement["result"].as_i64().expect("a result"));
        // 3000 + 3000 + 700 + 50 dues, 900 - 900, a class of 1000, a gift; the rent.
        assert_eq!((side("income"), side("expenses")), (6750 + 1000 + 2500, 4800));
        for (day, month) in [("2025-09-30", 0), ("2025-10-31", 1), ("2025-11-30", 2), ("2025-12-31", 3)] {
            let trial = report(&app, &treasurer, &format!("trial-balance?as_of={day}")).await;
            assert_eq!(trial["total_debit"], trial["total_credit"]);
            let owed = report(&app, &treasurer, &format!("receivables?as_of={day}")).await;
            let prepaid = report(&app, &treasurer, &format!("prepaid?as_of={day}")).await;
            assert_eq!(sum(&items(&owed), "total"), stood(&trial, "receivables"), "{day}");
            assert_eq!(owed["total"], stood(&trial, "receivables"));
            assert_eq!(sum(&items(&prepaid), "value"), -stood(&trial, "prepaid"), "{day}");
            assert_eq!(prepaid["total"], -stood(&trial, "prepaid"));
            assert_eq!(months[month]["member_debts"], stood(&trial, "receivables"), "{day}");
            assert_eq!(months[month]["bills_open"], -stood(&trial, "payables"), "{day}");
            let unpaid = report(&app, &treasurer, &format!("payables?as_of={day}")).await;
            let of_kind = |kind: &str| -> Vec<Value> { items(&unpaid).into_iter().filter(|item| item["kind"] == kind).collect() };
            assert_eq!((sum(&of_kind("bill"), "amount"), &unpaid["as_of"]), (-stood(&trial, "payables"), &json!(day)));
            assert_eq!(unpaid["total_bills"], -stood(&trial, "payables"), "{day}");
            let owing: i64 = items(&owed).iter().map(|owed| owed["total"].as_i64().expect("a total").max(0)).sum();
            assert_eq!((sum(&of_kind("member"), "amount"), &unpaid["total_members"]), (owing, &json!(owing)), "{day}");
            for owed in items(&owed) {
                let parts: i64 = ["current", "days_30", "days_60", "days_90"].iter().map(|b| owed[b].as_i64().expect("a part")).sum();
                assert_eq!(owed["total"], parts, "{owed}");
            }
        }
        assert_eq!(crate::bills::found(&app).await, Vec::<String>::new());
    }

    async fn closing_months_changes_no_report(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        some_months(&app, &treasurer).await;
        let before = everything(&app, &treasurer).await;
        close(&app, &treasurer, &["2025-09"]).await;
        assert_eq!(everything(&app, &treasurer).await, before, "with one month closed");
        close(&app, &treasurer, &["2025-10", "2025-11"]).await;
        assert_eq!(everything(&app, &treasurer).await, before, "with three");
        close(&app, &treasurer, &["2025-12"]).await;
        assert_eq!(everything(&app, &treasurer).await, before, "with all that have ended");
    }

    async fn as_of_a_day_what_came_later_counts_nothing(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let [anna, ben] = some_months(&app, &treasurer).await;
        let owed = |day: &'static str| {
            let (app, treasurer) = (&app, &treasurer);
            async move { items(&report(app, treasurer, &format!("receivables?as_of={day}")).await) }
        };
        let row = |of: &Person, name: &str, parts: [i64; 4]| {
            let [current, days_30, days_60, days_90] = parts;
            json!({
                "member_id": of.id, "name": name, "current": current, "days_30": days_30, "days_60": days_60,
                "days_90": days_90, "total": parts.iter().sum::<i64>(),
            })
        };
        let (a, b) = ("Person Number 1", "Person Number 2");
        assert_eq!(owed("2025-08-31").await, Vec::<Value>::new());
        assert_eq!(owed("2025-09-10").await, [row(&anna, a, [3000, 0, 0, 0]), row(&ben, b, [3000, 0, 0, 0])]);
        // The charge that was taken back in December had taken 900 of the credit.
        assert_eq!(owed("2025-11-30").await, [row(&anna, a, [-1100, 0, 0, 0]), row(&ben, b, [700, 0, 2000, 0])]);
        assert_eq!(owed("2025-12-31").await, [row(&anna, a, [-2000, 0, 0, 0]), row(&ben, b, [50, 700, 0, 2000])]);
        assert_eq!(owed("2026-01-01").await, [row(&anna, a, [-2000, 0, 0, 0]), row(&ben, b, [50, 700, 0, 2000])]);
        let left = |day: &'static str| {
            let (app, treasurer) = (&app, &treasurer);
            async move {
                let lots = items(&report(app, treasurer, &format!("prepaid?as_of={day}")).await);
                lots.iter().map(|lot| (lot["left"].clone(), lot["value"].clone())).collect::<Vec<_>>()
            }
        };
        assert_eq!(left("2025-11-04").await, []);
        assert_eq!(left("2025-12-11").await, [(json!(5), json!(5000))]);
        assert_eq!(left("2025-12-12").await, [(json!(4), json!(4000))]);
        assert_eq!(left("2026-01-01").await, [(json!(4), json!(4000))]);
    }

    async fn a_charge_taken_back_before_the_day_counts_nothing_on_it(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let member = app.people.member().await;
        charge(&app, &treasurer, &member, 400, "2025-06-01", "2025-06-01").await;
        let wrong = charge(&app, &treasurer, &member, 300, "2025-10-01", "2025-10-01").await;
        let path = format!("/api/finance/entries/{}/reverse", wrong["entry_id"]);
        post(&app, &treasurer, &path, json!({"reason": "Twice", "date": "2025-10-05"})).await;
        for (day, current, days_90) in [("2025-10-04", 300, 400), ("2025-10-05", 0, 400)] {
            let owed = items(&report(&app, &treasurer, &format!("receivables?as_of={day}")).await);
            assert_eq!((&owed[0]["current"], &owed[0]["days_90"]), (&json!(current), &json!(days_90)), "{day}");
        }
    }

    async fn debts_are_aged_by_the_days_past_due(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let member = app.people.member().await;
        // Today is the first of January: so many days past due.
        for (amount, due_on) in [
            (1, "2026-02-01"), (2, "2025-12-03"), (4, "2025-12-02"), (8, "2025-11-03"), (16, "2025-11-02"),
            (32, "2025-10-04"), (64, "2025-10-03"), (128, "2024-01-01"),
        ] {
            charge(&app, &treasurer, &member, amount, "2025-01-01", due_on).await;
        }
        let expected = ["current", "days_30", "days_60", "days_90"].into_iter().zip([1 + 2, 4 + 8, 16 + 32, 64 + 128]);
        let today = items(&report(&app, &treasurer, "receivables").await);
        for (bucket, amount) in expected.clone() {
            assert_eq!(today[0][bucket], amount, "{bucket}");
        }
        // The same day seen from later, when all of it is paid.
        app.wait(chrono::TimeDelta::days(3));
        let treasurer = app.people.again(&treasurer).await;
        pay(&app, &treasurer, &member, 255, "2026-01-04").await;
        assert_eq!(items(&report(&app, &treasurer, "receivables").await), Vec::<Value>::new());
        let then = items(&report(&app, &treasurer, "receivables?as_of=2026-01-01").await);
        assert_eq!(then, today);
    }

    async fn receivables_come_in_pages_and_the_total_is_over_all(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        for n in 1..=5 {
            let member = app.people.member().await;
            charge(&app, &treasurer, &member, n, "2025-12-01", "2025-12-01").await;
        }
        for query in ["limit=2", "limit=2&as_of=2025-12-31"] {
            let mut seen = Vec::new();
            let mut path = format!("/api/finance/reports/receivables?{query}");
            loop {
                let page = app.get(&path, &treasurer).await;
                assert_eq!(page.body["total"], 15, "{}", page.text);
                seen.extend(items(&page.body).iter().map(|owed| owed["total"].as_i64().expect("a total")));
                match page.header("link").strip_prefix('<').and_then(|link| link.split('>').next()) {
                    Some(next) => path = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(seen, [1, 2, 3, 4, 5], "{query}");
        }
    }

    async fn what_is_unpaid_comes_in_the_order_in_which_it_was_due(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        charge(&app, &treasurer, &member, 30, "2025-10-01", "2025-11-03").await;
        charge(&app, &treasurer, &member, 10, "2025-10-01", "2025-10-01").await;
        for (amount, due_on) in [(20, "2025-11-03"), (40, "2025-12-24")] {
            let bill = json!({
                "payee": "City", "amount": amount, "category": "other_expenses", "text": "Rent", "due_on": due_on,
            });
            post(&app, &treasurer, "/api/finance/bills", bill).await;
        }
        let whole = report(&app, &treasurer, "payables").await;
        let shown: Vec<_> = items(&whole).iter().map(|i| (i["month"].clone(), i["kind"].clone(), i["amount"].clone())).collect();
        let expected = [("2025-10", "member", 10), ("2025-11", "bill", 20), ("2025-11", "member", 30), ("2025-12", "bill", 40)];
        assert_eq!(shown, expected.map(|(month, kind, amount)| (json!(month), json!(kind), json!(amount))));
        assert_eq!((&whole["total_bills"], &whole["total_members"], &whole["total_coach_pay"]), (&json!(60), &json!(40), &json!(0)));
        assert_eq!(items(&whole)[0]["name"], "Person Number 1");
        app.wait(chrono::TimeDelta::days(1));
        let treasurer = app.people.again(&treasurer).await;
        pay(&app, &treasurer, &member, 15, "2026-01-02").await;
        let part = json!({"amount": 20, "method": "bank", "date": "2026-01-02"});
        post(&app, &treasurer, "/api/finance/bills/1/payments", part).await;
        let now = items(&report(&app, &treasurer, "payables").await);
        assert_eq!(now.iter().map(|item| item["amount"].as_i64().expect("an amount")).collect::<Vec<_>>(), [25, 40]);
        let then = report(&app, &treasurer, "payables?as_of=2026-01-01").await;
        assert_eq!(then, whole, "what was paid today was unpaid yesterday");
        let before = report(&app, &treasurer, "payables?as_of=2025-12-31").await;
        let before: Vec<_> = items(&before).iter().map(|item| item["amount"].clone()).collect();
        assert_eq!(before, [10, 30], "the bills are of the day after");
        for (day, all) in [("2026-01-02", now), ("2026-01-01", items(&whole))] {
            let mut seen = Vec::new();
            let mut path = format!("payables?limit=1&as_of={day}");
            loop {
                let page = report(&app, &treasurer, &path).await;
                seen.extend(items(&page));
                let Some(cursor) = page["next_cursor"].as_str() else { break };
                path = format!("payables?limit=1&as_of={day}&cursor={cursor}");
            }
            assert_eq!(seen, all, "{day}");
        }
    }

    async fn reports_are_about_days_that_have_been(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        for path in [
            "trial-balance?as_of=2026-01-02", "receivables?as_of=2026-01-02", "prepaid?as_of=2026-01-02", "payables?as_of=2026-01-02",
            "trial-balance?as_of=1969-12-31", "income-statement?from=2025-02-01&to=2025-01-01",
            "monthly?from=2025-02&to=2025-01", "monthly?from=2015-01&to=2026-01", "monthly?from=2025-13",
            "trial-balance?as_of=nonsense",
        ] {
            let refused = app.get(&format!("/api/finance/reports/{path}"), &treasurer).await;
            assert_eq!(refused.problem(), (400, "malformed"), "{path}");
        }
        for path in ["income-statement?to=2026-12-31", "monthly?from=2026-01&to=2030-12", "monthly?from=2016-02&to=2026-01"] {
            report(&app, &treasurer, path).await;
        }
        let months = items(&report(&app, &treasurer, "monthly").await);
        assert_eq!((months.len(), &months[0]["month"], &months[11]["month"]), (12, &json!("2025-02"), &json!("2026-01")));
    }
}
