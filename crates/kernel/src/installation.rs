//! What this database is: its epoch, by which clients tell that a backup was put in its place.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};

use crate::audit::{self, Event, Origin};
use crate::db::{Conn, DbResult, Tx};
use crate::random;
use crate::schema::installation;

/// The present epoch.
///
/// # Errors
/// When the database fails.
pub fn epoch(conn: &mut Conn) -> DbResult<String> {
    Ok(installation::table.find(1).select(installation::epoch).get_result(conn)?)
}

/// Begins a new epoch: whatever clients remember of sequence numbers no longer counts.
///
/// # Errors
/// When the database fails.
pub fn new_epoch(tx: &mut Tx<'_>) -> DbResult<String> {
    let epoch = random::hex(16);
    diesel::update(installation::table.find(1)).set(installation::epoch.eq(&epoch)).execute(&mut **tx)?;
    let event = Event { action: "epoch.renewed", object_type: "installation", object_id: 1, reason: None };
    audit::append(tx, &Origin::default(), event)?;
    Ok(epoch)
}
