//! The club's own money: what was there when the books began, bills, other income, and months that are closed.

use chrono::{Days as Count, NaiveDate};
use muster_auth::permissions::{KeepBooks, ReadBooks};
use muster_finance::accounts::{self, AccountType, Method, NewCategory};
use muster_finance::bills::{self, NewBill, NewBillPayment, Repeat, Which};
use muster_finance::entries::{self, NewManual, Words};
use muster_finance::{Month, periods};
use muster_kernel::Minor;
use muster_kernel::fault::Fault;
use muster_kernel::page::PageRequest;

use super::cast::{JONAS, MIRIAM, Who};
use super::stage::Stage;

/// So many months are closed.
pub(super) const CLOSED_MONTHS: usize = 3;

/// What happens to the club's own money.
#[derive(Debug)]
pub(super) enum Event {
    /// The books begin.
    Begin,
    /// A bill comes.
    Receives(&'static Bill),
    /// Bills are paid that are due.
    PaysBills,
    /// A part of a bill is paid.
    PaysPart(&'static str, i64),
    /// Something is entered by hand.
    Enters(&'static Entry),
    /// A month is closed.
    Closes(Month),
}

/// A bill.
#[derive(Debug)]
pub(super) struct Bill {
    /// It comes in a month, by its place, on a day, and is due so many days later.
    comes: (u32, u32),
    due_after: u64,
    payee: &'static str,
    text: &'static str,
    amount: i64,
    category: &'static str,
    repeat: Option<Repeat>,
}

/// An entry by hand, of a month and a day.
#[derive(Debug)]
pub(super) struct Entry {
    on: (u32, u32),
    by: Who,
    what: What,
    amount: i64,
    text: &'static str,
}

#[derive(Debug)]
enum What {
    Income(&'static str, Method),
    Expense(&'static str, Method),
    Transfer(&'static str, &'static str),
}

const CATEGORIES: [(&str, &str, AccountType); 7] = [
    ("Hall", "hall", AccountType::Expense),
    ("Equipment", "equipment", AccountType::Expense),
    ("Insurance", "insurance", AccountType::Expense),
    ("Club events", "events", AccountType::Expense),
    ("Sponsoring", "sponsoring", AccountType::Income),
    ("Grants", "grants", AccountType::Income),
    ("Shirts and kit", "kit", AccountType::Income),
];

/// Paid in parts, and not all of it.
const MATS: &str = "Sports supplier Lehmann & Daughter";
/// Left lying.
const CLEANING: &str = "Sparkling Clean";

const BILLS: [Bill; 5] = [
    Bill {
        comes: (0, 5),
        due_after: 14,
        payee: "Town of Auental",
        text: "Rent of the main hall",
        amount: 48_000,
        category: "hall",
        repeat: Some(Repeat::Month),
    },
    Bill {
        comes: (0, 12),
        due_after: 14,
        payee: "Mill Lane Studio",
        text: "Rent of the studio",
        amount: 16_000,
        category: "hall",
        repeat: Some(Repeat::Month),
    },
    Bill {
        comes: (1, 8),
        due_after: 21,
        payee: "Nordlicht Insurance",
        text: "Liability insurance",
        amount: 18_900,
        category: "insurance",
        repeat: Some(Repeat::Quarter),
    },
    Bill {
        comes: (1, 20),
        due_after: 30,
        payee: MATS,
        text: "Twenty judo mats",
        amount: 126_000,
        category: "equipment",
        repeat: None,
    },
    Bill {
        comes: (3, 4),
        due_after: 14,
        payee: CLEANING,
        text: "Windows of the studio",
        amount: 21_460,
        category: "hall",
        repeat: None,
    },
];

const ENTRIES: [Entry; 15] = [
    Entry::new(
        (0, 14),
        JONAS,
        What::Income("sponsoring", Method::Bank),
        60_000,
        "Hansen's Bakery, banner in the hall",
    ),
    Entry::new(
        (0, 26),
        MIRIAM,
        What::Income("donations", Method::Cash),
        8_550,
        "Collected at the open evening",
    ),
    Entry::new((1, 7), MIRIAM, What::Expense("equipment", Method::Cash), 3_490, "First-aid kit refilled"),
    Entry::new(
        (1, 18),
        JONAS,
        What::Income("donations", Method::Bank),
        15_000,
        "A donor who wants no thanks",
    ),
    Entry::new((1, 25), JONAS, What::Transfer("cash", "bank"), 120_000, "From the cash box to the bank"),
    Entry::new((2, 12), JONAS, What::Income("grants", Method::Bank), 120_000, "Sports grant of the district"),
    Entry::new((2, 21), MIRIAM, What::Expense("events", Method::Cash), 12_840, "Cake, coffee and charcoal"),
    Entry::new((2, 22), MIRIAM, What::Income("other", Method::Cash), 43_650, "Sold at the club's party"),
    Entry::new((2, 25), JONAS, What::Transfer("cash", "bank"), 150_000, "From the cash box to the bank"),
    Entry::new((3, 6), JONAS, What::Expense("other_expenses", Method::Bank), 2_970, "Account fees"),
    Entry::new(
        (3, 11),
        JONAS,
        What::Income("sponsoring", Method::Bank),
        60_000,
        "Hansen's Bakery, second half",
    ),
    Entry::new((3, 19), MIRIAM, What::Expense("equipment", Method::Cash), 6_400, "Shuttlecocks"),
    Entry::new((3, 25), JONAS, What::Transfer("cash", "bank"), 120_000, "From the cash box to the bank"),
    Entry::new((4, 4), JONAS, What::Expense("other_expenses", Method::Bank), 2_970, "Account fees"),
    Entry::new((4, 12), MIRIAM, What::Income("donations", Method::Cash), 5_000, "Given in the hall"),
];

impl Entry {
    const fn new(on: (u32, u32), by: Who, what: What, amount: i64, text: &'static str) -> Entry {
        Entry { on, by, what, amount, text }
    }
}

/// Says what comes when.
pub(super) fn plan(stage: &mut Stage) {
    let days = stage.days;
    stage.timeline.add(days.at(days.first(), 6, 30), Event::Begin);
    for bill in &BILLS {
        let (month, day) = bill.comes;
        stage.timeline.add(days.at(days.of_month(month, day), 10, 0), Event::Receives(bill));
    }
    stage.timeline.add(days.at(days.of_month(2, 19), 18, 30), Event::PaysPart(MATS, 60_000));
    for entry in &ENTRIES {
        let (month, day) = entry.on;
        stage.timeline.add(days.at(days.of_month(month, day), 18, 45), Event::Enters(entry));
    }
    for (place, month) in days.months().into_iter().enumerate() {
        let pays = month.first_day() + Count::new(17);
        stage.timeline.add(days.at(pays, 18, 0), Event::PaysBills);
        if place < CLOSED_MONTHS {
            stage
                .timeline
                .add(days.at(month.next().first_day() + Count::new(9), 20, 0), Event::Closes(month));
        }
    }
}

/// Has it happen.
pub(super) async fn happen(stage: &Stage, event: Event) -> Result<(), Fault> {
    match event {
        Event::Begin => begin(stage).await,
        Event::Receives(bill) => receive(stage, bill).await,
        Event::PaysBills => pay_bills(stage).await,
        Event::PaysPart(payee, amount) => pay_part(stage, payee, amount).await,
        Event::Enters(entry) => enter(stage, entry).await,
        Event::Closes(month) => {
            let can = stage.can::<KeepBooks>(JONAS)?;
            stage.write(move |tx| periods::close(tx, &can, month).map(drop)).await
        }
    }
}

/// The categories, and what is in the bank and the cash box.
async fn begin(stage: &Stage) -> Result<(), Fault> {
    let can = stage.can::<KeepBooks>(JONAS)?;
    stage
        .write(move |tx| {
            for (name, account, kind) in CATEGORIES {
                let new = NewCategory { name: name.into(), account: Some(account.into()), kind };
                accounts::add_category(tx, &can, &new)?;
            }
            for (to, amount, text) in [
                ("bank", 843_025, "In the bank when the books began"),
                ("cash", 31_250, "In the cash box when the books began"),
            ] {
                let what = NewManual::Transfer { from: "opening".into(), to: to.into() };
                entries::enter(tx, &can, &what, &words(amount, text))?;
            }
            Ok(())
        })
        .await
}

fn words(amount: i64, text: &str) -> Words {
    Words { amount: Minor(amount), text: text.into(), date: None, reference: None }
}

async fn receive(stage: &Stage, bill: &'static Bill) -> Result<(), Fault> {
    let (can, today) = (stage.can::<KeepBooks>(JONAS)?, today(stage));
    stage
        .write(move |tx| {
            let new = NewBill {
                payee: bill.payee.into(),
                amount: Minor(bill.amount),
                category: bill.category.into(),
                text: bill.text.into(),
                due_on: today + Count::new(bill.due_after),
                date: None,
                repeat: bill.repeat,
            };
            bills::record(tx, &can, &new).map(drop)
        })
        .await
}

fn today(stage: &Stage) -> NaiveDate {
    stage.days.day_of(stage.db.clock().now())
}

async fn open_bills(stage: &Stage) -> Result<Vec<bills::Bill>, Fault> {
    let can = stage.can::<ReadBooks>(JONAS)?;
    let page = PageRequest::read("bills", None, None)?;
    stage.read(move |conn| Ok(bills::list(conn, &can, Which::Open, &page)?)).await
}

/// Pays what is due within a week, but for what is paid in parts or lies under a pile.
async fn pay_bills(stage: &Stage) -> Result<(), Fault> {
    let soon = today(stage) + Count::new(7);
    for bill in open_bills(stage).await? {
        if bill.due_on <= soon && bill.payee != MATS && bill.payee != CLEANING {
            pay(stage, bill.id, bill.open).await?;
        }
    }
    Ok(())
}

async fn pay_part(stage: &Stage, payee: &str, amount: i64) -> Result<(), Fault> {
    for bill in open_bills(stage).await?.into_iter().filter(|bill| bill.payee == payee) {
        pay(stage, bill.id, Minor(amount)).await?;
    }
    Ok(())
}

async fn pay(stage: &Stage, id: bills::BillId, amount: Minor) -> Result<(), Fault> {
    let can = stage.can::<KeepBooks>(JONAS)?;
    let new = NewBillPayment { amount, method: Method::Bank, date: None };
    stage.write(move |tx| bills::pay(tx, &can, id, &new).map(drop)).await
}

async fn enter(stage: &Stage, entry: &'static Entry) -> Result<(), Fault> {
    let can = stage.can::<KeepBooks>(entry.by)?;
    let what = match entry.what {
        What::Income(account, method) => NewManual::Income { account: account.into(), method },
        What::Expense(account, method) => NewManual::Expense { account: account.into(), method },
        What::Transfer(from, to) => NewManual::Transfer { from: from.into(), to: to.into() },
    };
    stage.write(move |tx| entries::enter(tx, &can, &what, &words(entry.amount, entry.text)).map(drop)).await
}
