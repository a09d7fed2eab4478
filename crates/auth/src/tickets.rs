//! Tickets: what a page of another site opens a socket with, since no header of its own goes with that. Good once and
//! for a moment, bound to the session that asked for it, and kept hashed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::random;
use sha2::{Digest, Sha256};

use crate::schema::tickets;
use crate::sessions::{self, SessionId};
use crate::{Actor, Can};

/// How long a ticket holds.
pub const LIFE: TimeDelta = TimeDelta::seconds(30);
/// So many hold at once for one session.
const MOST: i64 = 20;

fn hash(ticket: &str) -> Vec<u8> {
    Sha256::digest(ticket.as_bytes()).to_vec()
}

/// Gives somebody a ticket.
///
/// # Errors
/// When they are not signed in by a session, or have not used the many they already have.
pub fn issue<P>(tx: &mut Tx<'_>, can: &Can<P>) -> Result<String, Fault> {
    let no_session = || Fault::new(Code::Forbidden, "Only somebody who is signed in takes a ticket.");
    let session = can.actor().session().ok_or_else(no_session)?;
    let now = tx.now();
    let unused: i64 = tickets::table
        .filter(tickets::session_id.eq(session))
        .filter(tickets::expires_at.gt(now))
        .count()
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    if unused >= MOST {
        let detail = "Use the tickets you have; each holds for half a minute.";
        return Err(Fault::new(Code::RateLimited, detail).retry_after(30));
    }
    let ticket = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
    diesel::insert_into(tickets::table)
        .values((
            tickets::hash.eq(hash(&ticket)),
            tickets::session_id.eq(session),
            tickets::expires_at.eq(now.plus(LIFE)),
        ))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    Ok(ticket)
}

/// Takes a ticket in: who it was given to. It is gone with that.
///
/// # Errors
/// When it is none, was used, has expired, or its session is over.
pub fn take(tx: &mut Tx<'_>, ticket: &str, origin: &Origin) -> Result<Actor, Fault> {
    let now = tx.now();
    let session: Option<SessionId> = diesel::delete(
        tickets::table.filter(tickets::hash.eq(hash(ticket))).filter(tickets::expires_at.gt(now)),
    )
    .returning(tickets::session_id)
    .get_result(&mut **tx)
    .optional()
    .map_err(DbError::from)?;
    let bad = || Fault::new(Code::TicketInvalid, "The ticket was used or has expired; take a new one.");
    let session = session.ok_or_else(bad)?;
    sessions::behind(tx, session, now, origin)?.ok_or_else(bad)
}

/// Takes away so many tickets that hold no longer, and says how many there were.
pub(crate) fn purge(tx: &mut Tx<'_>, limit: i64) -> DbResult<usize> {
    let now = tx.now();
    let over: Vec<Vec<u8>> = tickets::table
        .filter(tickets::expires_at.lt(now))
        .order(tickets::expires_at)
        .limit(limit)
        .select(tickets::hash)
        .load(&mut **tx)?;
    if over.is_empty() {
        return Ok(0);
    }
    Ok(diesel::delete(tickets::table.filter(tickets::hash.eq_any(over))).execute(&mut **tx)?)
}
