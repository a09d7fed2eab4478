//! What classes do when something happens to a person or a membership.

use std::sync::Arc;

use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::{Beginning, PersonHooks};
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_members::StandingHooks;
use serde_json::json;

use crate::booking::BookingStatus;
use crate::bookings::{lock_all, release_all};
use crate::class::{ClassId, ClassStatus};
use crate::ratings;
use crate::schema::{bookings, classes};

struct Hooks;

/// This crate's part in what happens to people.
pub fn person_hooks() -> Arc<dyn PersonHooks> {
    Arc::new(Hooks)
}

/// This crate's part in what happens to memberships.
pub fn standing_hooks() -> Arc<dyn StandingHooks> {
    Arc::new(Hooks)
}

impl StandingHooks for Hooks {
    fn ending(&self, tx: &mut Tx<'_>, member: UserId) -> Result<(), Fault> {
        lock_all(tx, member)
    }

    fn suspended(&self, tx: &mut Tx<'_>, member: UserId) -> Result<(), Fault> {
        release_all(tx, member, true)
    }

    fn left(&self, tx: &mut Tx<'_>, member: UserId) -> Result<(), Fault> {
        release_all(tx, member, false)
    }
}

impl PersonHooks for Hooks {
    fn created(&self, _: &mut Tx<'_>, _: UserId, _: Beginning, _: Option<UserId>) -> Result<(), Fault> {
        Ok(())
    }

    fn deactivating(&self, tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        lock_all(tx, user)
    }

    fn deactivated(&self, tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        release_all(tx, user, true)
    }

    /// Classes to come need a coach who is there.
    fn may_erase(&self, conn: &mut Conn, user: UserId) -> Result<(), Fault> {
        let teaches: Option<ClassId> = classes::table
            .filter(classes::coach_id.eq(user))
            .filter(classes::status.eq(ClassStatus::Scheduled))
            .select(classes::id)
            .limit(1)
            .get_result(conn)
            .optional()
            .map_err(DbError::from)?;
        match teaches {
            None => Ok(()),
            Some(_) => Err(Fault::new(Code::InvalidState, "Give their classes to somebody else first.")),
        }
    }

    /// What they thought stays, and says no more whose it was.
    fn erase(&self, tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        Ok(ratings::disown(tx, user)?)
    }

    fn export(&self, conn: &mut Conn, user: UserId) -> DbResult<Option<(&'static str, serde_json::Value)>> {
        type Row =
            (String, muster_kernel::Timestamp, BookingStatus, muster_kernel::Minor, muster_kernel::Timestamp);
        let rows: Vec<Row> = bookings::table
            .inner_join(classes::table.on(classes::id.eq(bookings::class_id)))
            .filter(bookings::member_id.eq(user))
            .order(bookings::id)
            .select((
                classes::class_title,
                classes::starts_at,
                bookings::status,
                bookings::fee,
                bookings::booked_at,
            ))
            .load(conn)?;
        let booking = |(title, at, status, fee, booked_at): Row| json!({"class_title": title, "class_datetime": at, "status": status, "fee": fee, "booked_at": booked_at});
        let all: Vec<_> = rows.into_iter().map(booking).collect();
        Ok(Some(("classes", json!({"bookings": all, "ratings": ratings::of(conn, user)?}))))
    }
}
