//! Guardians: adults who act for children of the club, until these are of age.

use chrono::{Months, NaiveDate};
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Fields, Timestamp, UserId, on};

use crate::accounts::{AccountError, check_birth_date};
use crate::permissions::{AddDependants, EditGuardians};
use crate::queries::NewUser;
use crate::schema::{guardianships, users};
use crate::{Accounts, Beginning, Can, Roles, Scope, club, names, people};

/// From this age on people act for themselves.
const OF_AGE: Months = Months::new(18 * 12);
/// Guardians that somebody can have.
const MOST_GUARDIANS: usize = 10;
/// People that somebody can be guardian of.
const MOST_WARDS: i64 = 30;

/// A person without an address, for whom somebody acts.
#[derive(Debug)]
pub struct Dependant {
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The date of birth, if it is known.
    pub date_of_birth: Option<NaiveDate>,
}

/// Whether somebody born on this day is a minor. Of an unknown age nobody is one for sure.
pub fn is_minor(born: Option<NaiveDate>, today: NaiveDate) -> bool {
    born.is_some_and(|born| born > today - OF_AGE)
}

/// The guardians of these people: ward and guardian, in order.
///
/// # Errors
/// When the database fails.
pub fn of(conn: &mut Conn, wards: &[UserId]) -> DbResult<Vec<(UserId, UserId)>> {
    if wards.is_empty() {
        return Ok(Vec::new());
    }
    Ok(guardianships::table
        .filter(guardianships::ward_id.eq_any(wards.to_vec()))
        .order((guardianships::ward_id, guardianships::guardian_id))
        .select((guardianships::ward_id, guardianships::guardian_id))
        .load(conn)?)
}

/// Who has guardians, after this person, for an export: whole wards, so that the next call can go on after them.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<(UserId, UserId)>> {
    let wards: Vec<UserId> = guardianships::table
        .filter(guardianships::ward_id.gt(UserId(id)))
        .order(guardianships::ward_id)
        .select(guardianships::ward_id)
        .distinct()
        .limit(limit)
        .load(conn)?;
    of(conn, &wards)
}

/// Those for whom somebody acts today.
///
/// # Errors
/// When the database fails.
pub fn wards_of(conn: &mut Conn, guardian: UserId, now: Timestamp) -> DbResult<Vec<UserId>> {
    let today = club::settings(conn)?.today(now);
    Ok(guardianships::table
        .inner_join(users::table.on(users::id.eq(guardianships::ward_id)))
        .filter(guardianships::guardian_id.eq(guardian))
        .filter(users::date_of_birth.is_null().or(users::date_of_birth.gt(today - OF_AGE)))
        .order(guardianships::ward_id)
        .limit(MOST_WARDS)
        .select(guardianships::ward_id)
        .load(conn)?)
}

/// Whether somebody acts for another today: a guardianship ends when the ward is of age.
///
/// # Errors
/// When the database fails.
pub fn is_ward_of(conn: &mut Conn, ward: UserId, guardian: UserId, now: Timestamp) -> DbResult<bool> {
    let born: Option<Option<NaiveDate>> = guardianships::table
        .inner_join(users::table.on(users::id.eq(guardianships::ward_id)))
        .filter(guardianships::ward_id.eq(ward))
        .filter(guardianships::guardian_id.eq(guardian))
        .select(users::date_of_birth)
        .get_result(conn)
        .optional()?;
    Ok(match born {
        None => false,
        Some(None) => true,
        Some(born) => is_minor(born, club::settings(conn)?.today(now)),
    })
}

pub(crate) fn has_guardians(conn: &mut Conn, ward: UserId) -> DbResult<bool> {
    let any: Option<UserId> = guardianships::table
        .filter(guardianships::ward_id.eq(ward))
        .select(guardianships::guardian_id)
        .limit(1)
        .get_result(conn)
        .optional()?;
    Ok(any.is_some())
}

fn today(tx: &mut Tx<'_>) -> DbResult<NaiveDate> {
    let now = tx.now();
    Ok(club::settings(tx)?.today(now))
}

/// Somebody's birth date and standing, if there is such a person.
fn born(conn: &mut Conn, id: UserId) -> DbResult<Option<(Option<NaiveDate>, bool)>> {
    Ok(users::table
        .filter(users::id.eq(id))
        .select((users::date_of_birth, users::is_active))
        .get_result(conn)
        .optional()?)
}

fn insert(tx: &mut Tx<'_>, ward: UserId, guardians: &[UserId]) -> DbResult<()> {
    let rows: Vec<_> = guardians
        .iter()
        .map(|guardian| (guardianships::ward_id.eq(ward), guardianships::guardian_id.eq(guardian)))
        .collect();
    on!(*tx, c => diesel::insert_into(guardianships::table).values(&rows).execute(c))?;
    Ok(())
}

/// Whether somebody can be a guardian: active, of age as far as is known, with room for one more, and not in need of
/// a guardian themselves.
fn check_guardian(tx: &mut Tx<'_>, pointer: &str, id: UserId, fields: &mut Fields) -> DbResult<()> {
    let today = today(tx)?;
    let Some((born, true)) = born(tx, id)? else {
        fields.wrong(pointer, "not_found", "There is no such person with an active account.");
        return Ok(());
    };
    fields.must(!is_minor(born, today), pointer, "minor", "A guardian is of age.");
    fields.must(!has_guardians(tx, id)?, pointer, "has_guardians", "A guardian has no guardians.");
    let wards: i64 =
        guardianships::table.filter(guardianships::guardian_id.eq(id)).count().get_result(&mut **tx)?;
    fields.must(wards < MOST_WARDS, pointer, "too_many", "Nobody is guardian of more than 30 people.");
    Ok(())
}

impl Accounts {
    /// Says who acts for a child of the club. An empty list means nobody.
    ///
    /// # Errors
    /// When there is no such child, or one of these cannot be a guardian.
    pub fn set_guardians(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<EditGuardians>,
        ward: UserId,
        guardians: &[UserId],
    ) -> Result<(), Fault> {
        // Two of these at once must not make each the guardian of the other.
        club::lock(tx)?;
        self.sessions().confirm(tx, can)?;
        let (person, roles) = people::lock(tx, ward)?;
        let born = person.date_of_birth;
        let mut wanted = guardians.to_vec();
        wanted.sort();
        wanted.dedup();
        let mut fields = Fields::new();
        fields.must(wanted.len() <= MOST_GUARDIANS, "/user_ids", "too_many", "Ten guardians at most.");
        fields.must(wanted.len() == guardians.len(), "/user_ids", "duplicate", "Each person once.");
        fields.done()?;
        let before: Vec<UserId> = of(tx, &[ward])?.into_iter().map(|(_, guardian)| guardian).collect();
        if before == wanted {
            return Ok(());
        }
        if !wanted.is_empty() {
            let today = today(tx)?;
            let grown = born.is_some() && !is_minor(born, today);
            if grown || roles != Roles::MEMBER {
                let detail = "Somebody of age, or with a role in the club, has no guardians.";
                return Err(Fault::new(Code::InvalidState, detail));
            }
            if born.is_none() && person.email.is_some() {
                let detail =
                    "Whoever signs in by themselves has guardians only with a birth date that says so.";
                return Err(Fault::new(Code::InvalidState, detail));
            }
            let wards: i64 = guardianships::table
                .filter(guardianships::guardian_id.eq(ward))
                .count()
                .get_result(&mut **tx)
                .map_err(muster_kernel::db::DbError::from)?;
            if wards > 0 {
                return Err(Fault::new(Code::InvalidState, "This person is a guardian, and so has none."));
            }
        }
        let mut fields = Fields::new();
        for (at, guardian) in guardians.iter().enumerate().filter(|(_, id)| !before.contains(id)) {
            let pointer = format!("/user_ids/{at}");
            fields.must(*guardian != ward, &pointer, "invalid", "Nobody is their own guardian.");
            check_guardian(tx, &pointer, *guardian, &mut fields)?;
        }
        fields.done()?;
        diesel::delete(guardianships::table.filter(guardianships::ward_id.eq(ward)))
            .execute(&mut **tx)
            .map_err(muster_kernel::db::DbError::from)?;
        insert(tx, ward, &wanted)?;
        for hooks in self.hooks() {
            hooks.minority_changed(tx, ward)?;
        }
        let event =
            Event { action: "user.guardians_changed", object_type: "user", object_id: ward.0, reason: None };
        Ok(audit::append(tx, can.origin(), event)?)
    }

    /// Makes a record of somebody without an address, whom `guardian` acts for. Made by staff they are an active
    /// member; made by the guardian somebody has to approve it.
    ///
    /// # Errors
    /// When a field is wrong, or the guardian cannot be one.
    pub fn add_dependant(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<AddDependants>,
        guardian: UserId,
        dependant: &Dependant,
    ) -> Result<UserId, AccountError> {
        let (now, why) = (tx.now(), "Only they, treasurers and admins make dependants of theirs.");
        people::must_be_within(tx, can, guardian, now, why)?;
        club::lock(tx)?;
        born(tx, guardian)?.ok_or_else(Fault::not_found)?;
        let mut fields = Fields::new();
        names::check(&dependant.first_name, &dependant.last_name, &mut fields);
        if let Some(day) = dependant.date_of_birth {
            check_birth_date("/date_of_birth", day, tx.now(), &mut fields);
            let young = is_minor(Some(day), today(tx)?);
            fields.must(young, "/date_of_birth", "of_age", "Whoever is of age has no guardians.");
        }
        check_guardian(tx, "", guardian, &mut fields)?;
        fields.done()?;
        let new = NewUser {
            email: None,
            first_name: &dependant.first_name,
            last_name: &dependant.last_name,
            date_of_birth: dependant.date_of_birth,
            password_hash: None,
            email_verified: false,
            self_registered: false,
            roles: Roles::MEMBER,
        };
        let beginning = if can.scope() == Scope::All { Beginning::Active } else { Beginning::Pending };
        let id = self.create(tx, &new, beginning, can.origin())?;
        insert(tx, id, &[guardian])?;
        for hooks in self.hooks() {
            hooks.minority_changed(tx, id)?;
        }
        Ok(id)
    }
}
