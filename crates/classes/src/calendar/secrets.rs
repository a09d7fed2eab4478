//! The addresses of personal feeds. They hold until they are renewed or revoked, so that what a calendar was told once
//! goes on working; the database could not tell anybody one of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::permissions::OwnCalendar;
use muster_auth::read::users;
use muster_auth::{Can, people};
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::sql::Portable;
use muster_kernel::{Timestamp, UserId, random};
use sha2::{Digest, Sha256};

use super::schema::calendar_secrets;

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Makes somebody's secret, in the place of one that they had.
pub(super) fn renew(tx: &mut Tx<'_>, can: &Can<OwnCalendar>) -> Result<String, Fault> {
    let user = can.user_id();
    people::hold(tx, user)?;
    let secret = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
    let values = (calendar_secrets::hash.eq(hash(&secret)), calendar_secrets::made_at.eq(tx.now()));
    Portable(
        diesel::insert_into(calendar_secrets::table)
            .values((calendar_secrets::user_id.eq(user), values.clone()))
            .on_conflict(calendar_secrets::user_id)
            .do_update()
            .set(values),
    )
    .execute(&mut **tx)
    .map_err(muster_kernel::db::DbError::from)?;
    record(tx, can, "calendar.address_made")?;
    Ok(secret)
}

/// Takes somebody's secret away. One that is not there leaves no trace.
pub(super) fn revoke(tx: &mut Tx<'_>, can: &Can<OwnCalendar>) -> DbResult<()> {
    if forget(tx, can.user_id())? {
        record(tx, can, "calendar.address_revoked")?;
    }
    Ok(())
}

fn record(tx: &mut Tx<'_>, can: &Can<OwnCalendar>, action: &'static str) -> DbResult<()> {
    let event = Event { action, object_type: "user", object_id: can.user_id().0, reason: None };
    audit::append(tx, can.origin(), event)
}

/// Takes it away, and tells whether it was there.
pub(super) fn forget(tx: &mut Tx<'_>, user: UserId) -> DbResult<bool> {
    Ok(diesel::delete(calendar_secrets::table.find(user)).execute(&mut **tx)? > 0)
}

/// Whose secret this is, if their account is open.
pub(super) fn whose(conn: &mut Conn, secret: &str) -> DbResult<Option<UserId>> {
    Ok(calendar_secrets::table
        .inner_join(users::table.on(users::id.eq(calendar_secrets::user_id)))
        .filter(calendar_secrets::hash.eq(hash(secret)))
        .filter(users::is_active.eq(true))
        .select(calendar_secrets::user_id)
        .get_result(conn)
        .optional()?)
}

/// Since when somebody has an address.
pub(super) fn made_at(conn: &mut Conn, user: UserId) -> DbResult<Option<Timestamp>> {
    Ok(calendar_secrets::table.find(user).select(calendar_secrets::made_at).get_result(conn).optional()?)
}
