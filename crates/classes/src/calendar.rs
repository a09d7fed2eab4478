//! The timetable, and what somebody has booked or teaches, for the calendars of phones and offices (iCalendar, RFC 5545).
//!
//! - **The public feed** has every class from four weeks back to the horizon of the series, at most [`MOST_EVENTS`], the
//!   earliest first. Cancelled ones stay in it as cancelled, because a calendar that no longer finds an event may keep it.
//!   Who takes part is not in it.
//! - **A personal feed** is at an address that nobody can guess: what that person and those they act for have booked or
//!   wait for, and the classes they teach. Whoever has the address can read it, so the database has only a hash of it,
//!   a new one makes the old one worthless, and with an account that is closed nothing is there.
//!
//! Calendars ask again and again. The public feed is kept as it was rendered for as long as no class has changed since,
//! which is one look at an index, and for five minutes at most, since a day goes by and names change too. A personal
//! feed reads its person's own rows of some months, by an index.
//!
//! Times are written with their zone, and the zone with the feed: Outlook shows times in UTC as UTC.

mod event;
mod hooks;
mod queries;
#[cfg(feature = "http")]
mod routes;
mod schema;
mod secrets;
mod text;
mod timezone;

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use muster_auth::club::Club;
use muster_auth::permissions::OwnCalendar;
use muster_auth::{Can, club, guardians};
use muster_kernel::Timestamp;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use sha2::{Digest, Sha256};

use event::Event;
use queries::{BookingRow, ClassRow};

pub use hooks::person_hooks;
#[cfg(feature = "http")]
pub use routes::mount;

/// So many events are in a feed at most.
pub const MOST_EVENTS: usize = 5000;
/// So far back a feed goes.
const BACK: TimeDelta = TimeDelta::weeks(4);
/// So far ahead a personal feed goes; what is booked is soon.
const AHEAD: TimeDelta = TimeDelta::days(2 * 365);
/// So long the public feed is kept though no class has changed.
const KEPT: TimeDelta = TimeDelta::minutes(5);

/// A feed as it is sent.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The iCalendar text.
    pub text: Arc<str>,
    /// Says the same of the same text, in the quotes of an `ETag`.
    pub etag: String,
}

/// The calendars of the club.
pub struct Calendar {
    home: String,
    kept: Mutex<Option<Kept>>,
}

/// The public feed as it was rendered.
struct Kept {
    changed_at: Option<Timestamp>,
    rendered_at: Timestamp,
    feed: Feed,
}

impl Calendar {
    /// Calendars of the club whose server is at this address.
    pub fn new(home: &str) -> Calendar {
        Calendar { home: home.trim_end_matches('/').to_owned(), kept: Mutex::new(None) }
    }

    /// The timetable.
    ///
    /// # Errors
    /// When the database fails.
    pub fn timetable(&self, conn: &mut Conn, now: Timestamp) -> DbResult<Feed> {
        let changed_at = queries::last_change(conn)?;
        if let Some(feed) = self.kept(changed_at, now) {
            return Ok(feed);
        }
        let club = club::settings(conn)?;
        let horizon = TimeDelta::weeks(i64::from(club.policies.series_horizon_weeks));
        let classes = queries::timetable(conn, now.plus(-BACK), now.plus(horizon), MOST_EVENTS)?;
        let names = queries::coach_names(conn, classes.iter().map(|class| class.coach_id))?;
        let events: Vec<_> = classes.into_iter().map(|class| Event::of_class(class, &names)).collect();
        let feed = feed(conn, &club, &club.name, &events)?;
        let kept = Kept { changed_at, rendered_at: now, feed: feed.clone() };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(feed)
    }

    fn kept(&self, changed_at: Option<Timestamp>, now: Timestamp) -> Option<Feed> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_as_it_was = |kept: &&Kept| {
            kept.changed_at == changed_at && kept.rendered_at <= now && now < kept.rendered_at.plus(KEPT)
        };
        kept.as_ref().filter(is_as_it_was).map(|kept| kept.feed.clone())
    }

    /// The personal feed behind this secret.
    ///
    /// # Errors
    /// When there is none: the secret is wrong or was revoked, or the account is closed.
    pub fn personal(&self, conn: &mut Conn, secret: &str, now: Timestamp) -> Result<Feed, Fault> {
        let user = secrets::whose(conn, secret)?.ok_or_else(Fault::not_found)?;
        let club = club::settings(conn)?;
        let mut members = guardians::wards_of(conn, user, now)?;
        members.push(user);
        let (from, to) = (now.plus(-BACK), now.plus(AHEAD));
        let bookings = worth_showing(queries::bookings(conn, &members, from, to)?);
        let taught = queries::taught(conn, user, from, to)?;
        let coaches = bookings.iter().map(|(class, _)| class.coach_id).chain([user]);
        let coaches = queries::coach_names(conn, coaches)?;
        let wards =
            queries::first_names(conn, bookings.iter().map(|(_, b)| b.member_id).filter(|id| *id != user))?;
        let booked = bookings.into_iter().map(|(class, booking)| {
            let ward = wards.get(&booking.member_id).map(String::as_str);
            Event::of_booking(class, &booking, ward, &coaches)
        });
        let taught = taught.into_iter().map(|class| Event::of_class(class, &coaches));
        let mut events: Vec<_> = booked.chain(taught).collect();
        events.sort_by(|a, b| (a.starts_at, &a.key).cmp(&(b.starts_at, &b.key)));
        events.truncate(MOST_EVENTS);
        Ok(feed(conn, &club, &format!("{}: my classes", club.name), &events)?)
    }

    /// Makes somebody's own address, and tells it; one that they had is worthless from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn renew(&self, tx: &mut Tx<'_>, can: &Can<OwnCalendar>) -> Result<String, Fault> {
        let secret = secrets::renew(tx, can)?;
        Ok(format!("{}/api/calendar/{secret}.ics", self.home))
    }
}

/// Takes somebody's own address away, if they have one.
///
/// # Errors
/// When the database fails.
pub fn revoke(tx: &mut Tx<'_>, can: &Can<OwnCalendar>) -> DbResult<()> {
    secrets::revoke(tx, can)
}

/// Of what somebody booked, cancelled and booked again, the last only: it is one event to them.
fn worth_showing(mut bookings: Vec<(ClassRow, BookingRow)>) -> Vec<(ClassRow, BookingRow)> {
    bookings.sort_by_key(|(class, booking)| {
        (class.starts_at, class.id, booking.member_id, std::cmp::Reverse(booking.id))
    });
    bookings.dedup_by_key(|(class, booking)| (class.id, booking.member_id));
    bookings
}

fn feed(conn: &mut Conn, club: &Club, name: &str, events: &[Event]) -> DbResult<Feed> {
    let identity = queries::identity(conn)?;
    let text = event::render(name, &club.time_zone, &identity, events);
    let hash = Sha256::digest(text.as_bytes());
    let mut etag = String::from("\"");
    for byte in &hash[..16] {
        // Writing to a string cannot fail.
        let _ = write!(etag, "{byte:02x}");
    }
    etag.push('"');
    Ok(Feed { text: text.into(), etag })
}
