//! What members pay: the bank's statements and the cash box, credit and refunds, class fees paid in advance, and what is
//! written off.

use chrono::{Datelike, Days as Count, NaiveDate, TimeDelta};
use muster_auth::Can;
use muster_auth::permissions::KeepBooks;
use muster_finance::accounts::Method;
use muster_finance::credits::{self, NewPayment, NewRefund, NewWriteOff};
use muster_finance::prepaid::NewLot;
use muster_finance::{EntryId, entries, standing_of};
use muster_kernel::db::Tx;
use muster_kernel::fault::Fault;
use muster_kernel::{Minor, UserId};

use super::cast::{JENS, JONAS, LENA, MIRIAM, Somebody, UTE, Who};
use super::chance::Chance;
use super::stage::Stage;

/// Payments that are entered at once.
const AT_ONCE: usize = 4;
/// Days of a month of which the bank sends a statement, or cash is counted.
const STATEMENTS: [u32; 6] = [3, 6, 9, 15, 23, 28];

/// How somebody pays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habit {
    /// On which day of a month.
    pub(super) day: u32,
    pub(super) method: Method,
    pub(super) way: Way,
}

/// How much somebody pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// What they owe.
    Owed,
    /// That, and the dues of three months more, once.
    Ahead,
    /// Rounded up to the next ten.
    RoundsUp,
    /// What they owe, up to a month, by its place; nothing after that.
    OnlyUntil(u32),
}

impl Habit {
    /// Somebody's: most pay in the first days of a month.
    pub(super) fn of(chance: &mut Chance) -> Habit {
        let (day, method) = match chance.among(0..=99) {
            0..=54 => (3, Method::Bank),
            55..=69 => (6, Method::Bank),
            70..=77 => (9, Method::Bank),
            78..=84 => (15, Method::Cash),
            85..=94 => (23, Method::Bank),
            _ => (28, Method::Bank),
        };
        let way = match chance.among(0..=99) {
            0..=7 => Way::OnlyUntil(chance.among(1..=3)),
            8..=9 => Way::RoundsUp,
            _ => Way::Owed,
        };
        Habit { day, method, way }
    }
}

/// What happens to what members pay.
#[derive(Debug)]
pub(super) enum Event {
    /// The payments of a day are entered: of a month by its place.
    Enters(u32, NaiveDate),
    /// A payment is entered for somebody else than who paid it.
    Mistakes,
    /// It is taken back.
    TakesBack(EntryId),
    /// What somebody paid too much is paid back.
    PaysBack(Who),
    /// Somebody is let off what they owe.
    LetsOff(Who),
    /// Somebody buys classes in advance.
    Sells(Who, Card),
}

/// Classes in advance: so many, for so much, that hold for so many days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Card {
    count: i32,
    amount: i64,
    holds: u32,
    method: Method,
}

/// The usual one, in the hall or by bank.
const TEN: Card = Card { count: 10, amount: 7_200, holds: 300, method: Method::Cash };
const TEN_BY_BANK: Card = Card { method: Method::Bank, ..TEN };
/// For those who come to everything.
const MANY: Card = Card { count: 25, amount: 17_500, holds: 240, method: Method::Bank };
/// To try it. Not all of these are used in time.
const FEW: Card = Card { count: 5, amount: 3_800, holds: 21, method: Method::Cash };

/// Says when payments are entered.
pub(super) fn plan(stage: &mut Stage) {
    let days = stage.days;
    for month in 0..=super::days::WHOLE_MONTHS {
        for day in STATEMENTS {
            let day = days.of_month(month, day);
            stage.timeline.add(days.at(day, 17, 30), Event::Enters(month, day));
        }
    }
    stage.timeline.add(days.at(days.of_month(1, 9), 17, 50), Event::Mistakes);
    stage.timeline.add(days.at(days.of_month(3, 20), 18, 10), Event::PaysBack(JENS));
    let mut chance = Chance::of("classes in advance");
    for who in stage.cast.those(comes_for_money) {
        let cards: &[(u32, Card)] = match chance.among(0..=9) {
            _ if who == LENA => &[(0, MANY), (3, MANY)],
            0..=5 => &[(0, TEN), (2, TEN_BY_BANK), (3, TEN_BY_BANK)],
            6 => &[(0, FEW)],
            _ => &[],
        };
        for (month, card) in cards {
            let day = days.of_month(*month, chance.among(4..=20));
            stage.timeline.add(days.at(day, 18, 20), Event::Sells(who, *card));
        }
    }
}

/// Whether somebody comes to what costs something each time.
fn comes_for_money(it: &Somebody) -> bool {
    it.courses.iter().any(|course| course.taught().fee > 0)
}

/// Whether somebody pays on this day of a month, and how. Whoever comes to what costs something also pays it in the hall.
fn method_of(it: &Somebody, month: u32, day: u32) -> Option<Method> {
    let pays = match it.habit.way {
        Way::OnlyUntil(last) => month <= last,
        _ => true,
    };
    match day {
        _ if it.id.is_none() || !pays => None,
        day if it.habit.day == day => Some(it.habit.method),
        9 | 15 | 28 if comes_for_money(it) => Some(Method::Cash),
        _ => None,
    }
}

/// Has it happen.
pub(super) async fn happen(stage: &mut Stage, event: Event) -> Result<(), Fault> {
    match event {
        Event::Enters(month, day) => enter(stage, month, day).await,
        Event::Mistakes => make_mistake(stage).await,
        Event::TakesBack(entry) => {
            let can = stage.can::<KeepBooks>(JONAS)?;
            let reason = "Read the wrong line: this was the rent of the hall's cafeteria.";
            stage.write(move |tx| entries::reverse(tx, &can, entry, reason, None).map(drop)).await
        }
        Event::PaysBack(who) => pay_back(stage, who).await,
        Event::LetsOff(who) => let_off(stage, who).await,
        Event::Sells(who, card) => sell(stage, who, card).await,
    }
}

/// Somebody who may pay, and how much that is.
#[derive(Debug, Clone)]
struct Payer {
    member: UserId,
    way: Way,
    /// What the dues of three months are.
    ahead: i64,
    reference: Option<String>,
}

async fn enter(stage: &Stage, month: u32, day: NaiveDate) -> Result<(), Fault> {
    for method in [Method::Bank, Method::Cash] {
        let whom = stage.cast.those(|it| method_of(it, month, day.day()) == Some(method));
        let mut payers = Vec::new();
        for (line, who) in (1..).zip(whom) {
            let way = match stage.cast[who].habit.way {
                // Once, and never again.
                Way::Ahead if month != 0 => Way::Owed,
                way => way,
            };
            let reference = (method == Method::Bank)
                .then(|| format!("Statement of {}, line {line}", day.format("%-d %B")));
            payers.push(Payer { member: stage.id(who)?, way, ahead: 7_500, reference });
        }
        payers.sort_by_key(|payer| payer.member);
        // Cash is taken by whoever is in the hall.
        let can = stage.can::<KeepBooks>(if method == Method::Cash { MIRIAM } else { JONAS })?;
        for some in payers.chunks(AT_ONCE) {
            take(stage, can.clone(), some.to_vec(), method).await?;
        }
    }
    Ok(())
}

async fn take(stage: &Stage, can: Can<KeepBooks>, some: Vec<Payer>, method: Method) -> Result<(), Fault> {
    stage
        .write(move |tx| {
            for payer in &some {
                let Some(amount) = payer.amount(tx)? else { continue };
                let new = NewPayment { amount, method, date: None, reference: payer.reference.clone() };
                credits::take_payment(tx, &can, payer.member, &new)?;
            }
            Ok(())
        })
        .await
}

impl Payer {
    /// How much they pay now, if they owe anything.
    fn amount(&self, tx: &mut Tx<'_>) -> Result<Option<Minor>, Fault> {
        let owed = balance(tx, self.member)?;
        Ok((owed > 0).then(|| match self.way {
            Way::Owed | Way::OnlyUntil(_) => Minor(owed),
            Way::Ahead => Minor(owed + self.ahead),
            Way::RoundsUp => Minor((owed / 1000 + 1) * 1000),
        }))
    }
}

/// What somebody owes; below zero is credit.
fn balance(tx: &mut Tx<'_>, member: UserId) -> Result<i64, Fault> {
    Ok(standing_of(tx, member)?.map_or(0, |standing| standing.balance.0))
}

async fn make_mistake(stage: &mut Stage) -> Result<(), Fault> {
    let (can, member) = (stage.can::<KeepBooks>(JONAS)?, stage.id(UTE)?);
    let reference = Some("Statement, last line".to_owned());
    let new = NewPayment { amount: Minor(12_000), method: Method::Bank, date: None, reference };
    let (payment, _) = stage.write(move |tx| credits::take_payment(tx, &can, member, &new)).await?;
    let tomorrow = stage.db.clock().now().plus(TimeDelta::hours(22));
    stage.timeline.add(tomorrow, Event::TakesBack(payment.entry_id));
    Ok(())
}

async fn pay_back(stage: &Stage, who: Who) -> Result<(), Fault> {
    let (can, member) = (stage.can::<KeepBooks>(JONAS)?, stage.id(who)?);
    stage
        .write(move |tx| {
            let credit = -balance(tx, member)?;
            if credit > 0 {
                let text = Some("Paid too much".to_owned());
                let new = NewRefund { amount: Minor(credit), method: Method::Bank, date: None, text };
                credits::refund(tx, &can, member, &new)?;
            }
            Ok(())
        })
        .await
}

async fn let_off(stage: &Stage, who: Who) -> Result<(), Fault> {
    let (can, member) = (stage.can::<KeepBooks>(JONAS)?, stage.id(who)?);
    stage
        .write(move |tx| {
            let owed = balance(tx, member)?;
            if owed > 0 {
                let reason = "Left, and three letters came back.".to_owned();
                let new = NewWriteOff { amount: Minor(owed), charge_id: None, reason };
                credits::write_off(tx, &can, member, &new)?;
            }
            Ok(())
        })
        .await
}

async fn sell(stage: &Stage, who: Who, card: Card) -> Result<(), Fault> {
    if !stage.cast[who].is_active {
        return Ok(());
    }
    let (can, member, fees) = (stage.can::<KeepBooks>(MIRIAM)?, stage.id(who)?, stage.fees.clone());
    let today = stage.days.day_of(stage.db.clock().now());
    let new = NewLot {
        count: card.count,
        amount: Minor(card.amount),
        method: card.method,
        expires_on: Some(today + Count::new(card.holds.into())),
        date: None,
    };
    stage.write(move |tx| fees.sell(tx, &can, member, &new).map(drop)).await
}
