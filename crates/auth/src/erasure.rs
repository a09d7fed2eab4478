//! Taking one's data along, and being erased: each domain does its part, in one transaction.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Timestamp, UserId, audit, idempotency, leftovers, mail};
use serde_json::{Map, Value, json};

use crate::models::User;
use crate::people::queries::record_why;
use crate::permissions::{EraseUsers, OwnAccount};
use crate::queries;
use crate::schema::{guardianships, user_words, users};
use crate::{Accounts, Can, Role, Roles, club, guardians, names, people, second_factors, sessions};

/// What stands in the place of a name.
const ERASED: (&str, &str) = ("Erased", "person");
/// So many of one's own sessions are shown in an export; nobody has more.
const SESSIONS: i64 = 100;

impl Accounts {
    /// All that the club knows of whoever asks, by domain.
    ///
    /// # Errors
    /// When the database fails.
    pub fn export(&self, conn: &mut Conn, can: &Can<OwnAccount>, now: Timestamp) -> Result<Value, Fault> {
        let id = can.user_id();
        let (user, roles) = queries::profile(conn, id)?.ok_or_else(Fault::not_found)?;
        let sessions = sessions::of(conn, id, now, SESSIONS)?;
        let of_guardians = guardians::of(conn, &[id])?;
        let mut export = Map::new();
        export.insert("exported_at".into(), json!(now));
        export.insert(
            "user".into(),
            json!({
                "id": user.id,
                "first_name": user.first_name,
                "last_name": user.last_name,
                "email": user.email,
                "email_verified_at": user.email_verified_at,
                "date_of_birth": user.date_of_birth,
                "date_joined": user.date_joined,
                "language": user.language,
                "show_presence": user.show_presence,
                "is_active": user.is_active,
                "roles": roles,
                "second_factor": second_factors::is_on(conn, id)?,
                "guardian_ids": of_guardians.iter().map(|(_, guardian)| guardian).collect::<Vec<_>>(),
                "ward_ids": guardians::wards_of(conn, id, now)?,
            }),
        );
        let session = |s: sessions::Session| {
            json!({
                "created_at": s.created_at, "last_seen_at": s.last_seen_at, "user_agent": s.user_agent,
            })
        };
        export.insert("sessions".into(), sessions.into_iter().map(session).collect());
        for hooks in self.hooks() {
            if let Some((domain, part)) = hooks.export(conn, id)? {
                export.insert(domain.to_owned(), part);
            }
        }
        Ok(Value::Object(export))
    }

    /// Erases somebody: who they were is gone from the club, except from the books, which keep amounts and ids.
    ///
    /// # Errors
    /// When a domain cannot agree, such as with an open balance, or it is the last admin.
    pub fn erase(&self, tx: &mut Tx<'_>, can: &Can<EraseUsers>, id: UserId) -> Result<(User, Roles), Fault> {
        club::lock(tx)?;
        self.sessions().confirm(tx, can)?;
        for hooks in self.hooks() {
            hooks.deactivating(tx, id)?;
        }
        let (user, roles) = people::lock(tx, id)?;
        people::keep_an_admin(tx, &user, roles)?;
        if roles.has(Role::Admin) && id == can.user_id() {
            return Err(Fault::new(Code::InvalidState, "Have another admin erase you."));
        }
        for hooks in self.hooks() {
            hooks.may_erase(tx, id)?;
        }
        for hooks in self.hooks() {
            hooks.erase(tx, id)?;
        }
        self.shut_out(tx, can, id)?;
        second_factors::remove(tx, id)?;
        let wards = forget(tx, id)?;
        for hooks in self.hooks() {
            hooks.renamed(tx, id)?;
        }
        for ward in wards {
            for hooks in self.hooks() {
                hooks.minority_changed(tx, ward)?;
            }
        }
        mail::forget(tx, id)?;
        idempotency::forget(tx, id)?;
        audit::redact(tx, "user", id.0)?;
        leftovers::clear(tx)?;
        // Why somebody wanted to be forgotten is nobody's business afterwards.
        record_why(tx, can.origin(), "user.erased", id, None)?;
        queries::profile(tx, id)?.ok_or_else(Fault::not_found)
    }
}

/// Takes away what this crate knows of somebody, and tells who has one guardian less now.
fn forget(tx: &mut Tx<'_>, id: UserId) -> DbResult<Vec<UserId>> {
    let now = tx.now();
    let (first_name, last_name) = ERASED;
    let name_key = names::key(first_name, last_name);
    diesel::update(users::table.filter(users::id.eq(id)))
        .set((
            users::email.eq(None::<String>),
            users::first_name.eq(first_name),
            users::last_name.eq(last_name),
            users::name_key.eq(&name_key),
            users::date_of_birth.eq(None::<chrono::NaiveDate>),
            users::password_hash.eq(None::<String>),
            users::language.eq(None::<String>),
            users::show_presence.eq(false),
            users::email_verified_at.eq(None::<Timestamp>),
            users::last_sign_in_at.eq(None::<Timestamp>),
            users::is_active.eq(false),
            users::erased_at.eq(now),
            users::version.eq(users::version + 1),
        ))
        .execute(&mut **tx)?;
    queries::replace_roles(tx, id, Roles::MEMBER, &name_key)?;
    diesel::delete(user_words::table.filter(user_words::user_id.eq(id))).execute(&mut **tx)?;
    diesel::delete(guardianships::table.filter(guardianships::ward_id.eq(id))).execute(&mut **tx)?;
    Ok(diesel::delete(guardianships::table.filter(guardianships::guardian_id.eq(id)))
        .returning(guardianships::ward_id)
        .get_results(&mut **tx)?)
}
