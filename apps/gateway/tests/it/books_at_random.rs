//! Whatever happens to the books, in whatever order: every entry sums to zero, and everything derived is what its
//! postings say.

use chrono::{NaiveDate, TimeDelta};
use muster_auth::permissions::{KeepBooks, ReadBooks};
use muster_auth::{Actor, Can, Role, Roles};
use muster_finance::PrepaidFees;
use muster_finance::accounts::Method;
use muster_finance::bills::{self, BillId, NewBill, NewBillPayment};
use muster_finance::charges::{self, NewCharge};
use muster_finance::credits::{self, NewPayment, NewRefund, NewWriteOff};
use muster_finance::entries;
use muster_finance::prepaid::{self, LotId, NewLot};
use muster_finance::reports::PayableKind;
use muster_finance::{EntryId, periods, reports};
use muster_kernel::audit::Origin;
use muster_kernel::db::{Db, DbError};
use muster_kernel::fault::Fault;
use muster_kernel::{Minor, UserId};
use muster_testkit::each_engine;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::TestApp;

/// Something that happens. Whom and which is picked among those there are.
#[derive(Debug, Clone)]
enum Step {
    Charge {
        whom: usize,
        amount: i64,
        due_in: i64,
    },
    Pay {
        whom: usize,
        amount: i64,
    },
    Refund {
        whom: usize,
        amount: i64,
    },
    WriteOff {
        whom: usize,
        amount: i64,
    },
    Reverse {
        which: usize,
    },
    Sell {
        whom: usize,
        count: i32,
        amount: i64,
        for_days: Option<u64>,
    },
    Reserve {
        whom: usize,
    },
    Release {
        which: usize,
    },
    Use {
        which: usize,
    },
    GiveBack {
        which: usize,
    },
    Bill {
        amount: i64,
        due_in: i64,
    },
    PayBill {
        which: usize,
        amount: i64,
    },
    Wait {
        days: i64,
    },
    /// The job adds up what was posted.
    AddUp,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let (whom, which, amount) = (0usize..3, 0usize..100, 1i64..5000);
    prop_oneof![
        3 => (amount.clone(), -40i64..40).prop_map(|(amount, due_in)| Step::Bill { amount, due_in }),
        6 => (which.clone(), amount.clone()).prop_map(|(which, amount)| Step::PayBill { which, amount }),
        4 => (whom.clone(), amount.clone(), -40i64..40).prop_map(|(whom, amount, due_in)| Step::Charge { whom, amount, due_in }),
        4 => (whom.clone(), amount.clone()).prop_map(|(whom, amount)| Step::Pay { whom, amount }),
        2 => (whom.clone(), amount.clone()).prop_map(|(whom, amount)| Step::Refund { whom, amount }),
        1 => (whom.clone(), amount.clone()).prop_map(|(whom, amount)| Step::WriteOff { whom, amount }),
        4 => which.clone().prop_map(|which| Step::Reverse { which }),
        2 => (whom.clone(), 1i32..4, amount, proptest::option::of(0u64..60))
            .prop_map(|(whom, count, amount, for_days)| Step::Sell { whom, count, amount, for_days }),
        3 => whom.prop_map(|whom| Step::Reserve { whom }),
        1 => which.clone().prop_map(|which| Step::Release { which }),
        2 => which.clone().prop_map(|which| Step::Use { which }),
        1 => which.prop_map(|which| Step::GiveBack { which }),
        3 => (1i64..20).prop_map(|days| Step::Wait { days }),
        2 => Just(Step::AddUp),
        1 => Just(Step::Close),
    ]
}

/// What a client of the books would remember.
#[derive(Debug, Clone, Default)]
struct Known {
    owed: [i64; 3],
    /// Entries, with whom and by how much each changed what is owed.
    entries: Vec<(EntryId, usize, i64)>,
    /// Something was ever written off.
    written_off: bool,
    reserved: Vec<LotId>,
    used: Vec<(LotId, EntryId)>,
    bills: Vec<BillId>,
    /// What the reports said of a day on that day.
    days: Vec<(NaiveDate, Said)>,
}

fn take<T: Clone>(all: &mut Vec<T>, which: usize) -> Option<T> {
    (!all.is_empty()).then(|| all.remove(which % all.len()))
}

/// What a step is refused for is no defect, and leaves everything as it was.
async fn tried<T: Send + 'static>(
    db: &Db,
    work: impl Fn(&mut muster_kernel::db::Tx<'_>) -> Result<T, Fault> + Send + 'static,
) -> Option<T> {
    match db.write(work).await {
        Ok(value) => Some(value),
        Err(fault) => {
            assert!((400..500).contains(&fault.code.status()), "{fault:?}");
            None
        }
    }
}

fn today(db: &Db) -> NaiveDate {
    db.clock().now().utc().date_naive()
}

async fn take_step(app: &TestApp, can: &Can<KeepBooks>, members: [UserId; 3], known: &mut Known, step: Step) {
    let (db, can, origin) = (&*app.db, can.clone(), Origin::default());
    let on = today(db);
    match step {
        Step::Charge { whom, amount, due_in } => {
            let due_on = Some(on + TimeDelta::days(due_in));
            let new = NewCharge {
                amount: Minor(amount),
                account: "dues".into(),
                text: "x".into(),
                date: None,
                due_on,
            };
            if let Some(made) = tried(db, move |tx| charges::charge(tx, &can, members[whom], &new)).await {
                known.owed[whom] += amount;
                known.entries.push((made.entry_id, whom, amount));
            }
        }
        Step::Pay { whom, amount } => {
            let new = NewPayment { amount: Minor(amount), method: Method::Cash, date: None, reference: None };
            let (made, _) = tried(db, move |tx| credits::take_payment(tx, &can, members[whom], &new))
                .await
                .expect("paid");
            known.owed[whom] -= amount;
            known.entries.push((made.entry_id, whom, -amount));
        }
        Step::Refund { whom, amount } => {
            let new = NewRefund { amount: Minor(amount), method: Method::Bank, date: None, text: None };
            let made = tried(db, move |tx| credits::refund(tx, &can, members[whom], &new)).await;
            assert_eq!(
                made.is_some(),
                known.owed[whom] + amount <= 0,
                "exactly what is credit can be paid back"
            );
            if let Some(made) = made {
                known.owed[whom] += amount;
                known.entries.push((made.entry_id, whom, amount));
            }
        }
        Step::WriteOff { whom, amount } => {
            let new = NewWriteOff { amount: Minor(amount), charge_id: None, reason: "x".into() };
            let made = tried(db, move |tx| credits::write_off(tx, &can, members[whom], &new)).await;
            assert_eq!(made.is_some(), amount <= known.owed[whom], "exactly what is owed can be written off");
            if let Some(made) = made {
                known.written_off = true;
                known.owed[whom] -= amount;
                known.entries.push((made.entry_id, whom, -amount));
            }
        }
        Step::Reverse { which } => {
            let Some((entry, whom, amount)) = take(&mut known.entries, which) else { return };
            let reversed = tried(db, move |tx| entries::reverse(tx, &can, entry, "x", None)).await;
            if reversed.is_some() {
                known.owed[whom] -= amount;
            }
            assert!(
                reversed.is_some() || amount == 0 || (amount > 0 && known.written_off),
                "only used class fees, paid bills and charges written off in part cannot be reversed"
            );
        }
        Step::Sell { whom, count, amount, for_days } => {
            let expires_on = for_days.map(|days| on + chrono::Days::new(days));
            let new = NewLot { count, amount: Minor(amount), method: Method::Cash, expires_on, date: None };
            // Nobody has a part in it here: nothing is booked.
            let fees = PrepaidFees::new(Vec::new());
            if let Some(lot) = tried(db, move |tx| fees.sell(tx, &can, members[whom], &new)).await {
                known.entries.push((lot.entry_id, whom, 0));
            }
        }
        Step::Reserve { whom } => {
            let lot = tried(db, move |tx| prepaid::reserve(tx, members[whom], on)).await.expect("asked");
            known.reserved.extend(lot);
        }
        Step::Release { which } => {
            let Some(lot) = take(&mut known.reserved, which) else { return };
            tried(db, move |tx| prepaid::release(tx, &origin, lot)).await.expect("released");
        }
        Step::Use { which } => {
            let Some(lot) = take(&mut known.reserved, which) else { return };
            let entry = tried(db, move |tx| prepaid::use_fee(tx, &origin, lot, on)).await.expect("used");
            known.used.push((lot, entry));
        }
        Step::GiveBack { which } => {
            let Some((lot, entry)) = take(&mut known.used, which) else { return };
            tried(db, move |tx| prepaid::return_used(tx, &origin, lot, entry, on)).await.expect("given back");
            known.reserved.push(lot);
        }
        Step::Bill { amount, due_in } => {
            let new = NewBill {
                payee: "City".into(),
                amount: Minor(amount),
                category: "other_expenses".into(),
                text: "x".into(),
                due_on: on + TimeDelta::days(due_in),
                date: None,
                repeat: None,
            };
            let bill = tried(db, move |tx| bills::record(tx, &can, &new)).await.expect("a bill");
            known.bills.push(bill.id);
            known.entries.push((bill.entry_id, 0, 0));
        }
        Step::PayBill { which, amount } => {
            let Some(bill) = known.bills.get(which % known.bills.len().max(1)).copied() else { return };
            let new = NewBillPayment { amount: Minor(amount), method: Method::Bank, date: None };
            if let Some(before) = tried(db, move |tx| bills::pay(tx, &can, bill, &new)).await {
                assert!(before.open >= Minor::ZERO, "never paid beyond what was owed");
            }
        }
        Step::Wait { days } => {
            known.days.push((on, said(app, on).await));
            app.wait(TimeDelta::days(days));
            tried(db, prepaid::expire_some).await.expect("expired");
        }
        Step::AddUp => {
            app.mails().await;
        }
        Step::Close => {
            let last_month = muster_finance::Month::of(on).previous();
            tried(db, move |tx| periods::close(tx, &can, last_month)).await;
        }
    }
}

/// What the reports say of a day: the balances of the accounts, what each member owes, what is left of each lot and open
/// of each bill.
type Said = (Vec<(String, i64)>, Vec<(UserId, i64)>, Vec<(LotId, i64, i64)>, Vec<(BillId, i64)>);

async fn said(app: &TestApp, day: NaiveDate) -> Said {
    let can = can_read();
    let today = today(&app.db);
    let read = app.db.read(move |conn| {
        let trial = reports::trial_balance(conn, &can, day)?;
        assert_eq!(trial.total_debit, trial.total_credit);
        let owed = reports::receivables(conn, &can, (day, today), None, 1000)?;
        for of in &owed {
            let parts = of.current.0 + of.days_30.0 + of.days_60.0 + of.days_90.0;
            assert_eq!(parts, of.total.0, "{of:?}");
            assert!([of.days_30, of.days_60, of.days_90].iter().all(|part| *part >= Minor::ZERO), "{of:?}");
        }
        let lots = reports::prepaid(conn, &can, (day, today), None, 1000)?;
        let accounts: Vec<_> =
            trial.accounts.into_iter().map(|line| (line.account, line.debit.0 - line.credit.0)).collect();
        let stood = |account: &str| accounts.iter().find(|(of, _)| of == account).map_or(0, |(_, sum)| *sum);
        assert_eq!(owed.iter().map(|of| of.total.0).sum::<i64>(), stood("receivables"));
        assert_eq!(lots.iter().map(|lot| lot.value.0).sum::<i64>(), -stood("prepaid"));
        let unpaid = reports::payables(conn, &can, (day, today), None, 1000)?;
        let totals = reports::payable_totals(conn, &can, (day, today))?;
        let of_kind = |kind| unpaid.iter().filter(move |item| item.kind == kind).map(|item| item.amount.0);
        assert_eq!(of_kind(PayableKind::Bill).sum::<i64>(), totals.bills.0);
        assert_eq!(totals.bills.0, -stood("payables"));
        assert_eq!(of_kind(PayableKind::CoachPay).sum::<i64>(), totals.coach_pay.0);
        assert_eq!(totals.coach_pay.0, -stood("coach_pay"));
        assert_eq!(of_kind(PayableKind::Member).sum::<i64>(), totals.members.0);
        assert_eq!(totals.members.0, owed.iter().map(|of| of.total.0.max(0)).sum::<i64>());
        for of in &owed {
            let items = unpaid.iter().filter(|item| item.member_id == Some(of.member_id));
            assert_eq!(items.map(|item| item.amount.0).sum::<i64>(), of.total.0.max(0), "{of:?}");
        }
        assert!(unpaid.iter().all(|item| item.amount > Minor::ZERO), "{unpaid:?}");
        Ok::<_, DbError>((
            accounts.clone(),
            owed.into_iter().map(|of| (of.member_id, of.total.0)).collect(),
            lots.into_iter().map(|lot| (lot.lot_id, lot.left, lot.value.0)).collect(),
            unpaid.into_iter().filter_map(|item| Some((item.bill_id?, item.amount.0))).collect(),
        ))
    });
    read.await.expect("read")
}

fn can_read() -> Can<ReadBooks> {
    let actor = Actor::new(UserId(1), Roles::of([Role::Treasurer]), Origin::default());
    actor.can::<ReadBooks>().expect("a treasurer may")
}

/// What is said of a day does not change once it is over, and the months come to what the years come to.
async fn reports_tie(app: &TestApp, known: &Known) {
    for (day, then) in &known.days {
        assert_eq!(said(app, *day).await, *then, "of {day}, on {}", today(&app.db));
    }
    let (can, now) = (can_read(), app.db.clock().now());
    let read = app.db.read(move |conn| {
        let month = |text: &str| text.parse::<muster_finance::Month>().ok();
        let months = reports::monthly(conn, &can, now, month("2026-01"), month("2030-12"))?;
        let span = (months[0].month.first_day(), months[59].month.last_day());
        Ok::<_, Fault>((months, reports::income_statement(conn, &can, span)?))
    });
    let (months, statement) = read.await.expect("read");
    assert_eq!(months.iter().map(|month| month.result.0).sum::<i64>(), statement.result.0);
    assert_eq!(
        months.iter().map(|month| month.revenue.0).sum::<i64>(),
        statement.income.iter().map(|sum| sum.amount.0).sum::<i64>()
    );
}

async fn everything_ties(app: &TestApp, members: [UserId; 3], known: &Known) {
    let found = app.db.read(|conn| {
        let mut found = Vec::new();
        for check in muster_finance::domain().checks {
            found.extend((check.look)(conn)?);
        }
        Ok::<_, DbError>(found)
    });
    assert_eq!(found.await.expect("checked"), Vec::<String>::new());
    for (member, owed) in members.into_iter().zip(known.owed) {
        let standing = app.db.read(move |conn| muster_finance::standing_of(conn, member));
        let standing = standing.await.expect("read").expect("a standing");
        assert_eq!(standing.balance, Minor(owed), "what was charged less what was paid");
        assert_eq!(standing.oldest_due_on.is_some(), owed > 0);
    }
}

each_engine! {
    async fn the_books_tie_whatever_happens(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let actor = Actor::new(treasurer.id, Roles::of([Role::Treasurer]), Origin::default());
        let can = actor.can::<KeepBooks>().expect("a treasurer may");
        // The same on every run: what fails once fails again.
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
        for _ in 0..8 {
            let steps = prop::collection::vec(step(), 60).new_tree(&mut runner).expect("steps").current();
            let mut members = [UserId(0); 3];
            for member in &mut members {
                *member = app.people.member().await.id;
            }
            let mut known = Known::default();
            for step in steps {
                take_step(&app, &can, members, &mut known, step).await;
            }
            everything_ties(&app, members, &known).await;
            reports_tie(&app, &known).await;
        }
    }
}
