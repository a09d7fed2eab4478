//! What chat does when something happens to a person or a membership.

use std::sync::Arc;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::{Beginning, PersonHooks, Roles};
use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::job::{self, NewJob};
use muster_members::StandingHooks;
use serde_json::json;

use crate::departing::DepartJob;
use crate::log::EventKind;
use crate::message::MessageId;
use crate::room::RoomId;
use crate::schema::{message_mentions, messages, room_members};
use crate::{marks, messages as written, minors, rooms, seats};

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
    /// Whoever leaves the club leaves its rooms, soon after: until then they see none of them any more already.
    fn left(&self, tx: &mut Tx<'_>, member: UserId) -> Result<(), Fault> {
        job::enqueue(tx, NewJob::new(DepartJob::KIND, member).about(member))?;
        Ok(())
    }
}

impl PersonHooks for Hooks {
    fn created(&self, _: &mut Tx<'_>, _: UserId, _: Beginning, _: Option<UserId>) -> Result<(), Fault> {
        Ok(())
    }

    fn roles_changed(&self, tx: &mut Tx<'_>, user: UserId, _: Roles) -> Result<(), Fault> {
        minors::changed(tx, user)
    }

    /// A guardian who cannot sign in looks after nobody.
    fn deactivated(&self, tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        minors::changed(tx, user)
    }

    fn minority_changed(&self, tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        minors::changed(tx, user)
    }

    /// What they wrote stays, since others answered it; who wrote it is told by a name that is gone.
    fn erase(&self, tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        for id in rooms_of(tx, user)? {
            let mut room = seats::lock(tx, id)?;
            rooms::go(tx, &Origin::default(), &mut room, user, EventKind::MemberLeft)?;
        }
        marks::forget(tx, user)?;
        diesel::delete(message_mentions::table.filter(message_mentions::user_id.eq(user)))
            .execute(&mut **tx)
            .map_err(DbError::from)?;
        diesel::update(messages::table.filter(messages::user_id.eq(user)))
            .set((messages::client_id.eq(None::<String>), messages::fingerprint.eq(None::<String>)))
            .execute(&mut **tx)
            .map_err(DbError::from)?;
        Ok(())
    }

    fn export(&self, conn: &mut Conn, user: UserId) -> DbResult<Option<(&'static str, serde_json::Value)>> {
        type Row = (RoomId, Option<String>, Option<String>, muster_kernel::Timestamp);
        let rows: Vec<Row> = messages::table
            .filter(messages::user_id.eq(user))
            .filter(messages::deleted_at.is_null())
            .order(messages::id)
            .select((messages::room_id, messages::title, messages::content, messages::made_at))
            .load(conn)?;
        let message = |(room, title, content, at): Row| json!({"room_id": room, "title": title, "content": content, "timestamp": at});
        let reaction = |(id, emoji): (MessageId, String)| json!({"message_id": id, "emoji": emoji});
        let reactions: Vec<_> = written::reactions_of(conn, user)?.into_iter().map(reaction).collect();
        Ok(Some((
            "chat",
            json!({
                "rooms": rooms_of(conn, user)?,
                "messages": rows.into_iter().map(message).collect::<Vec<_>>(),
                "reactions": reactions,
            }),
        )))
    }
}

/// The rooms that somebody is in, in the order in which they are locked.
pub(crate) fn rooms_of(conn: &mut Conn, user: UserId) -> DbResult<Vec<RoomId>> {
    Ok(room_members::table
        .filter(room_members::user_id.eq(user))
        .order(room_members::room_id)
        .select(room_members::room_id)
        .load(conn)?)
}
