//! What the links in mails stand for: good for one use and a short time, and kept hashed, so that whoever reads the
//! database cannot follow them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::{UserId, random, text_enum};
use sha2::{Digest, Sha256};

use crate::schema::links;

text_enum! {
    /// What a link is for.
    pub(crate) enum Purpose {
        /// Proves the address of a registration.
        Verify = "verify",
        /// Proves a new address.
        Change = "change",
        /// Chooses a new password.
        Reset = "reset",
        /// Chooses the first password of somebody who was invited.
        Invitation = "invitation",
        /// Makes the first admin of the club.
        Setup = "setup",
    }
}

impl Purpose {
    /// How long a link of this kind holds.
    pub(crate) fn life(self) -> TimeDelta {
        match self {
            Purpose::Verify | Purpose::Change | Purpose::Setup => TimeDelta::hours(24),
            Purpose::Reset => TimeDelta::hours(1),
            Purpose::Invitation => TimeDelta::days(7),
        }
    }
}

/// What a link stands for.
#[derive(Debug, Clone, diesel::Queryable)]
pub(crate) struct Link {
    pub(crate) purpose: Purpose,
    pub(crate) user_id: Option<UserId>,
    pub(crate) email: Option<String>,
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Makes a link that holds as long as its kind does, and gives its token. Earlier links of this kind hold no longer.
pub(crate) fn issue(
    tx: &mut Tx<'_>,
    purpose: Purpose,
    user: Option<UserId>,
    email: Option<&str>,
) -> DbResult<String> {
    issue_for(tx, purpose, user, email, purpose.life())
}

/// The same for a time of its own.
pub(crate) fn issue_for(
    tx: &mut Tx<'_>,
    purpose: Purpose,
    user: Option<UserId>,
    email: Option<&str>,
    life: TimeDelta,
) -> DbResult<String> {
    match user {
        Some(user) => forget(tx, user, &[purpose])?,
        None => {
            diesel::delete(links::table.filter(links::user_id.is_null()).filter(links::purpose.eq(purpose)))
                .execute(&mut **tx)?;
        }
    }
    let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
    let expires_at = tx.now().plus(life);
    diesel::insert_into(links::table)
        .values((
            links::hash.eq(hash(&token)),
            links::purpose.eq(purpose),
            links::user_id.eq(user),
            links::email.eq(email),
            links::expires_at.eq(expires_at),
        ))
        .execute(&mut **tx)?;
    Ok(token)
}

/// What this token stands for, if it is for one of these purposes and holds at the time of the transaction; it
/// stands for nothing from now on.
pub(crate) fn take(tx: &mut Tx<'_>, token: &str, purposes: &[Purpose]) -> DbResult<Option<Link>> {
    let now = tx.now();
    let link = diesel::delete(
        links::table
            .filter(links::hash.eq(hash(token)))
            .filter(links::purpose.eq_any(purposes.to_vec()))
            .filter(links::expires_at.gt(now)),
    )
    .returning((links::purpose, links::user_id, links::email))
    .get_result(&mut **tx)
    .optional()?;
    Ok(link)
}

/// The same without using it up, and without looking at the time.
pub(crate) fn look(conn: &mut Conn, token: &str, purposes: &[Purpose]) -> DbResult<Option<Link>> {
    Ok(links::table
        .filter(links::hash.eq(hash(token)))
        .filter(links::purpose.eq_any(purposes.to_vec()))
        .select((links::purpose, links::user_id, links::email))
        .get_result(conn)
        .optional()?)
}

/// Links of these kinds that somebody was sent hold no longer.
pub(crate) fn forget(tx: &mut Tx<'_>, user: UserId, purposes: &[Purpose]) -> DbResult<()> {
    diesel::delete(
        links::table.filter(links::user_id.eq(user)).filter(links::purpose.eq_any(purposes.to_vec())),
    )
    .execute(&mut **tx)?;
    Ok(())
}

/// Takes away so many links that hold no longer, and says how many there were.
pub(crate) fn purge(tx: &mut Tx<'_>, limit: i64) -> DbResult<usize> {
    let now = tx.now();
    let over: Vec<Vec<u8>> = links::table
        .filter(links::expires_at.lt(now))
        .order(links::expires_at)
        .limit(limit)
        .select(links::hash)
        .load(&mut **tx)?;
    if over.is_empty() {
        return Ok(0);
    }
    Ok(diesel::delete(links::table.filter(links::hash.eq_any(over))).execute(&mut **tx)?)
}
