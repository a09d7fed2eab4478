//! What members are written about classes: a job in the transaction in which it happens, done once after the commit.

use std::future::Future;
use std::pin::Pin;

use chrono::TimeDelta;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::{Accounts, Letter};
use muster_kernel::db::{DbResult, MultiBackend, Tx};
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Progress, Schedule};
use serde::{Deserialize, Serialize};

use crate::booking::{self, Booking, BookingId, BookingStatus};
use crate::class::{Class, ClassId};
use crate::queries;
use crate::schema::bookings;

const OF_BOOKING: &str = "classes.letter";
const OF_CLASS: &str = "classes.letters";

/// Letters of one step.
const AT_ONCE: i64 = 20;
/// So long before the start members are reminded.
const AHEAD: TimeDelta = TimeDelta::hours(24);

/// What somebody is written about a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum News {
    /// It was made.
    Booked,
    /// They moved up from the line.
    Promoted,
    /// The club cancelled it.
    CancelledByClub,
    /// The club moved the class to a time at which they have another.
    Displaced,
    /// The class is near.
    Reminder,
}

/// What everybody in a class is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClassNews {
    /// It has another time or place.
    Changed,
    /// It was called off.
    CalledOff,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Errand {
    booking: BookingId,
    news: News,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Round {
    class: ClassId,
    news: ClassNews,
    /// The last one who was written to.
    after: BookingId,
}

/// Has whoever booked written to once this transaction is durable.
pub(crate) fn announce(tx: &mut Tx<'_>, news: News, booking: &Booking) -> DbResult<()> {
    let errand = Errand { booking: booking.id, news };
    job::enqueue(tx, NewJob::new(OF_BOOKING, errand).about(booking.member_id)).map(drop)
}

/// Has everybody in a class written to.
pub(crate) fn announce_class(tx: &mut Tx<'_>, news: ClassNews, class: ClassId) -> DbResult<()> {
    let round = Round { class, news, after: BookingId(0) };
    job::enqueue(tx, NewJob::new(OF_CLASS, round)).map(drop)
}

type Step<'a> = Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>>;

/// Writes to whoever booked.
#[derive(Clone)]
pub struct BookingLetters(Accounts);

/// Writes to everybody in a class, some at a time.
#[derive(Clone)]
pub struct ClassLetters(Accounts);

/// Reminds those who have booked the day before.
#[derive(Clone)]
pub struct Reminders(Accounts);

impl BookingLetters {
    /// Letters that go out with the accounts' own.
    pub fn new(accounts: &Accounts) -> BookingLetters {
        BookingLetters(accounts.clone())
    }
}

impl ClassLetters {
    /// Letters that go out with the accounts' own.
    pub fn new(accounts: &Accounts) -> ClassLetters {
        ClassLetters(accounts.clone())
    }
}

impl Reminders {
    const KIND: &'static str = "classes.reminders";

    /// How often it looks.
    pub const SCHEDULE: Schedule = Schedule { kind: Self::KIND, every: TimeDelta::minutes(10) };

    /// Letters that go out with the accounts' own.
    pub fn new(accounts: &Accounts) -> Reminders {
        Reminders(accounts.clone())
    }
}

impl JobKind for BookingLetters {
    fn kind(&self) -> &'static str {
        OF_BOOKING
    }

    fn run<'a>(&'a self, run: JobRun<'a>) -> Step<'a> {
        let accounts = self.0.clone();
        Box::pin(async move {
            run.step(move |tx, errand: Errand| {
                let Some(booking) = queries::find_booking(tx, errand.booking)? else { return Ok(None) };
                let Some(class) = queries::find(tx, booking.class_id)? else { return Ok(None) };
                if let Some(letter) = about(tx, errand.news, &booking, &class)? {
                    accounts.send_letter(tx, booking.member_id, &letter)?;
                }
                Ok(None)
            })
            .await
        })
    }
}

impl JobKind for ClassLetters {
    fn kind(&self) -> &'static str {
        OF_CLASS
    }

    fn run<'a>(&'a self, run: JobRun<'a>) -> Step<'a> {
        let accounts = self.0.clone();
        Box::pin(async move {
            run.step(move |tx, round: Round| {
                let Some(class) = queries::find(tx, round.class)? else { return Ok(None) };
                let concerned = concerned(tx, &round, &class)?;
                for booking in &concerned {
                    accounts.send_letter(tx, booking.member_id, &of_class(round.news, &class))?;
                }
                let last = concerned.last().filter(|_| concerned.len() as i64 == AT_ONCE);
                Ok(last.map(|last| Round { after: last.id, ..round }))
            })
            .await
        })
    }
}

/// Whom the news of a class concerns, after those who were written to.
fn concerned(tx: &mut Tx<'_>, round: &Round, class: &Class) -> DbResult<Vec<Booking>> {
    let query = bookings::table
        .filter(bookings::class_id.eq(class.id))
        .filter(bookings::id.gt(round.after))
        .order(bookings::id)
        .limit(AT_ONCE)
        .select(booking::COLUMNS)
        .into_boxed::<MultiBackend>();
    let query = match round.news {
        ClassNews::Changed => query
            .filter(bookings::is_live.eq(true))
            .filter(bookings::status.eq_any([BookingStatus::Booked, BookingStatus::Waitlisted])),
        // Those who were released by it, not those whom the club had released before.
        ClassNews::CalledOff => query
            .filter(bookings::is_live.eq(false))
            .filter(bookings::status.eq(BookingStatus::CancelledByClub))
            .filter(bookings::decided_at.eq(class.changed_at)),
    };
    Ok(query.load(&mut **tx)?)
}

impl JobKind for Reminders {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(&'a self, run: JobRun<'a>) -> Step<'a> {
        let accounts = self.0.clone();
        Box::pin(async move {
            run.step(move |tx, ()| {
                let near = near(tx)?;
                let more = near.len() as i64 == AT_ONCE;
                for booking in near {
                    let Some(class) = queries::find(tx, booking.class_id)? else { continue };
                    if let Some(letter) = about(tx, News::Reminder, &booking, &class)? {
                        accounts.send_letter(tx, booking.member_id, &letter)?;
                    }
                }
                Ok(more.then_some(()))
            })
            .await
        })
    }
}

/// Some bookings of classes within a day, none of whom was reminded; from now on they are. Whoever booked within that day
/// knows it.
fn near(tx: &mut Tx<'_>) -> DbResult<Vec<Booking>> {
    let now = tx.now();
    let mut some: Vec<(Booking, muster_kernel::Timestamp)> = bookings::table
        .filter(bookings::is_reminded.eq(false))
        .filter(bookings::starts_at.gt(now))
        .filter(bookings::starts_at.le(now.plus(AHEAD)))
        .filter(bookings::status.eq(BookingStatus::Booked))
        .order((bookings::starts_at, bookings::id))
        .limit(AT_ONCE)
        .select((booking::COLUMNS, bookings::starts_at))
        .load(&mut **tx)?;
    let ids: Vec<BookingId> = some.iter().map(|(booking, _)| booking.id).collect();
    if !ids.is_empty() {
        diesel::update(bookings::table.filter(bookings::id.eq_any(ids)))
            .set(bookings::is_reminded.eq(true))
            .execute(&mut **tx)?;
    }
    some.retain(|(booking, starts_at)| booking.booked_at < starts_at.plus(-AHEAD));
    Ok(some.into_iter().map(|(booking, _)| booking).collect())
}

/// When and where a class is, as people say it.
fn when(class: &Class) -> String {
    let zone: chrono_tz::Tz = class.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let at = class.starts_at.utc().with_timezone(&zone);
    format!("{} on {}, {}", class.class_title, at.format("%A, %-d %B %Y at %H:%M (%Z)"), class.location)
}

/// What there is to say about a booking; nothing of what is not so any more.
fn about(tx: &mut Tx<'_>, news: News, booking: &Booking, class: &Class) -> DbResult<Option<Letter>> {
    let when = when(class);
    Ok(match (news, booking.status) {
        (News::Booked, BookingStatus::Booked) => {
            Some(Letter::new("A booking", format!("A place is booked: {when}.")))
        }
        (News::Booked, BookingStatus::Waitlisted) => {
            let position = queries::position(tx, booking)?.unwrap_or(1);
            let text = format!("The class is full. In line, at position {position}: {when}.");
            Some(Letter::new("In line for a class", text))
        }
        (News::Promoted, BookingStatus::Booked) => {
            let text = format!("A place became free and is booked now: {when}.");
            Some(Letter::new("A place in a class", text))
        }
        (News::CancelledByClub, BookingStatus::CancelledByClub) => Some(Letter::new(
            "A booking was cancelled",
            format!("The club cancelled the booking: {when}. It costs nothing."),
        )),
        (News::Displaced, BookingStatus::CancelledByClub) => {
            let text = format!(
                "The club moved a class to a time at which there is another booking, so that its place was given back: \
                 {when}. It costs nothing."
            );
            Some(Letter::new("A class was moved", text))
        }
        (News::Reminder, BookingStatus::Booked) => {
            Some(Letter::new("A class is near", format!("To remember: {when}.")))
        }
        _ => None,
    })
}

fn of_class(news: ClassNews, class: &Class) -> Letter {
    let when = when(class);
    match news {
        ClassNews::Changed => Letter::new(
            "A class was changed",
            format!(
                "It has another time or place now: {when}. Who cannot come can cancel free of charge for 24 hours at least."
            ),
        ),
        ClassNews::CalledOff => {
            let why = class.cancelled_reason.as_deref().unwrap_or_default();
            let stop = if why.ends_with(['.', '!', '?']) { "" } else { "." };
            Letter::new(
                "A class was cancelled",
                format!("It does not take place: {when}. {why}{stop} It costs nothing."),
            )
        }
    }
}
