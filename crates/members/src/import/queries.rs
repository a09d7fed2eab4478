//! The SQL of imports.

use std::collections::HashSet;

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::page::PageRequest;
use muster_kernel::sql::Locked;
use muster_kernel::{Timestamp, UserId, on};

use super::row::Details;
use super::{ImportId, ImportState, Line, MemberImport, Outcome};
use crate::schema::{member_import_keys, member_import_lines, member_import_parts, member_imports, members};

/// Those that are not over.
const UNFINISHED: [ImportState; 3] = [ImportState::Receiving, ImportState::Queued, ImportState::Running];

/// The columns of a [`MemberImport`], in its order.
macro_rules! shown {
    () => {
        (
            member_imports::id,
            member_imports::version,
            member_imports::state,
            member_imports::dry_run,
            member_imports::made_by,
            member_imports::created_at,
            member_imports::finished_at,
            member_imports::lines_total,
            member_imports::created,
            member_imports::skipped,
            member_imports::failed,
        )
    };
}

pub(super) fn begin(tx: &mut Tx<'_>, by: UserId, dry_run: bool, rows: i64) -> DbResult<ImportId> {
    let now = tx.now();
    Ok(diesel::insert_into(member_imports::table)
        .values((
            member_imports::state.eq(ImportState::Receiving),
            member_imports::dry_run.eq(dry_run),
            member_imports::made_by.eq(by),
            member_imports::created_at.eq(now),
            member_imports::lines_total.eq(rows),
        ))
        .returning(member_imports::id)
        .get_result(&mut **tx)?)
}

pub(super) fn add_parts(tx: &mut Tx<'_>, id: ImportId, first: i64, parts: &[String]) -> DbResult<()> {
    let row = |(number, content)| {
        (
            member_import_parts::import_id.eq(id),
            member_import_parts::part.eq(number),
            member_import_parts::content.eq(content),
        )
    };
    let rows: Vec<_> = (first..).zip(parts).map(row).collect();
    on!(*tx, c => diesel::insert_into(member_import_parts::table).values(&rows).execute(c))?;
    Ok(())
}

pub(super) fn set_state(tx: &mut Tx<'_>, id: ImportId, state: ImportState) -> DbResult<()> {
    let is_over = matches!(state, ImportState::Done | ImportState::Stopped);
    let finished_at = is_over.then_some(tx.now());
    diesel::update(member_imports::table.filter(member_imports::id.eq(id)))
        .set((
            member_imports::state.eq(state),
            member_imports::finished_at.eq(finished_at),
            member_imports::version.eq(member_imports::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

pub(super) fn find(conn: &mut Conn, id: ImportId) -> DbResult<Option<MemberImport>> {
    let query = member_imports::table.filter(member_imports::id.eq(id)).select(shown!());
    Ok(query.get_result(conn).optional()?)
}

/// An import that nobody else changes until the transaction ends.
pub(super) fn lock(tx: &mut Tx<'_>, id: ImportId) -> DbResult<Option<MemberImport>> {
    let query = member_imports::table.filter(member_imports::id.eq(id)).select(shown!());
    Ok(Locked(query).get_result(&mut **tx).optional()?)
}

pub(super) fn list(conn: &mut Conn, page: &PageRequest<i64>) -> DbResult<Vec<MemberImport>> {
    let mut query = member_imports::table
        .filter(member_imports::state.ne(ImportState::Receiving))
        .order(member_imports::id.desc())
        .limit(page.fetch())
        .select(shown!())
        .into_boxed();
    if let Some(after) = page.after() {
        query = query.filter(member_imports::id.lt(ImportId(*after)));
    }
    Ok(query.load(conn)?)
}

pub(super) fn lines(
    conn: &mut Conn,
    id: ImportId,
    outcome: Option<Outcome>,
    page: &PageRequest<i64>,
) -> DbResult<Vec<Line>> {
    let mut query = member_import_lines::table
        .filter(member_import_lines::import_id.eq(id))
        .order(member_import_lines::line)
        .limit(page.fetch())
        .select((
            member_import_lines::line,
            member_import_lines::outcome,
            member_import_lines::pointer,
            member_import_lines::code,
            member_import_lines::message,
            member_import_lines::member_id,
        ))
        .into_boxed();
    if let Some(outcome) = outcome {
        query = query.filter(member_import_lines::outcome.eq(outcome));
    }
    if let Some(after) = page.after() {
        query = query.filter(member_import_lines::line.gt(*after));
    }
    Ok(query.load(conn)?)
}

/// The next part, which is gone with it.
pub(super) fn take_part(tx: &mut Tx<'_>, id: ImportId) -> DbResult<Option<String>> {
    let Some(next) = part_numbers_from(tx, id, 1)?.into_iter().next() else { return Ok(None) };
    Ok(diesel::delete(member_import_parts::table.find((id, next)))
        .returning(member_import_parts::content)
        .get_result(&mut **tx)
        .optional()?)
}

/// The parts that are left.
pub(super) fn part_numbers(tx: &mut Tx<'_>, id: ImportId) -> DbResult<Vec<i64>> {
    part_numbers_from(tx, id, i64::MAX)
}

fn part_numbers_from(tx: &mut Tx<'_>, id: ImportId, limit: i64) -> DbResult<Vec<i64>> {
    Ok(member_import_parts::table
        .filter(member_import_parts::import_id.eq(id))
        .order(member_import_parts::part)
        .limit(limit)
        .select(member_import_parts::part)
        .load(&mut **tx)?)
}

pub(super) fn lock_part(tx: &mut Tx<'_>, id: ImportId, part: i64) -> DbResult<Option<String>> {
    let query = member_import_parts::table
        .filter(member_import_parts::import_id.eq(id))
        .filter(member_import_parts::part.eq(part))
        .select(member_import_parts::content);
    Ok(Locked(query).get_result(&mut **tx).optional()?)
}

pub(super) fn rewrite_part(tx: &mut Tx<'_>, id: ImportId, part: i64, content: &str) -> DbResult<()> {
    diesel::update(member_import_parts::table.find((id, part)))
        .set(member_import_parts::content.eq(content))
        .execute(&mut **tx)?;
    Ok(())
}

/// Deletes up to `limit` parts and keys of an import that is over; how many there were.
pub(super) fn sweep(tx: &mut Tx<'_>, id: ImportId, parts: i64, keys: i64) -> DbResult<usize> {
    let numbers = part_numbers_from(tx, id, parts)?;
    let mut swept = 0;
    if !numbers.is_empty() {
        let old = member_import_parts::table
            .filter(member_import_parts::import_id.eq(id))
            .filter(member_import_parts::part.eq_any(numbers));
        swept += diesel::delete(old).execute(&mut **tx)?;
    }
    let known: Vec<String> = member_import_keys::table
        .filter(member_import_keys::import_id.eq(id))
        .order(member_import_keys::known_by)
        .limit(keys)
        .select(member_import_keys::known_by)
        .load(&mut **tx)?;
    if let Some(last) = known.last() {
        let old = member_import_keys::table
            .filter(member_import_keys::import_id.eq(id))
            .filter(member_import_keys::known_by.le(last));
        swept += diesel::delete(old).execute(&mut **tx)?;
    }
    Ok(swept)
}

#[derive(diesel::Insertable)]
#[diesel(table_name = member_import_lines, treat_none_as_default_value = false)]
struct NewLine<'a> {
    import_id: ImportId,
    line: i64,
    outcome: Outcome,
    pointer: Option<&'a str>,
    code: Option<&'a str>,
    message: Option<&'a str>,
    member_id: Option<UserId>,
}

pub(super) fn add_lines(tx: &mut Tx<'_>, id: ImportId, lines: &[Line]) -> DbResult<()> {
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        rows.push(NewLine {
            import_id: id,
            line: line.line,
            outcome: line.outcome,
            pointer: line.pointer.as_deref(),
            code: line.code.as_deref(),
            message: line.message.as_deref(),
            member_id: line.member_id,
        });
    }
    on!(*tx, c => diesel::insert_into(member_import_lines::table).values(&rows).execute(c))?;
    Ok(())
}

/// Adds what became of these lines to the counts.
pub(super) fn count(tx: &mut Tx<'_>, id: ImportId, lines: &[Line]) -> DbResult<()> {
    let of =
        |outcome| i64::try_from(lines.iter().filter(|line| line.outcome == outcome).count()).unwrap_or(0);
    diesel::update(member_imports::table.filter(member_imports::id.eq(id)))
        .set((
            member_imports::state.eq(ImportState::Running),
            member_imports::created.eq(member_imports::created + of(Outcome::Created)),
            member_imports::skipped.eq(member_imports::skipped + of(Outcome::Skipped)),
            member_imports::failed.eq(member_imports::failed + of(Outcome::Failed)),
            member_imports::version.eq(member_imports::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Which of these addresses are somebody's, and whose.
pub(super) fn with_emails(conn: &mut Conn, emails: &[&str]) -> DbResult<Vec<(String, UserId)>> {
    if emails.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<(Option<String>, UserId)> =
        users::table.filter(users::email.eq_any(emails)).select((users::email, users::id)).load(conn)?;
    Ok(found.into_iter().filter_map(|(email, id)| Some((email?, id))).collect())
}

/// Which of these external ids are somebody's, and whose.
pub(super) fn with_external_ids(conn: &mut Conn, ids: &[&str]) -> DbResult<Vec<(String, UserId)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<(Option<String>, UserId)> = members::table
        .filter(members::external_id.eq_any(ids))
        .select((members::external_id, members::id))
        .load(conn)?;
    Ok(found.into_iter().filter_map(|(external_id, id)| Some((external_id?, id))).collect())
}

/// Writes what stands beside the name into a new member's record.
pub(super) fn set_details(tx: &mut Tx<'_>, member: UserId, details: &Details<'_>) -> DbResult<()> {
    let Details { phone, address, emergency_contact, notes, external_id } = details;
    if [phone, address, emergency_contact, notes, external_id].iter().all(|detail| detail.is_none()) {
        return Ok(());
    }
    diesel::update(members::table.filter(members::id.eq(member)))
        .set((
            members::phone.eq(phone),
            members::address.eq(address),
            members::emergency_contact.eq(emergency_contact),
            members::notes.eq(notes),
            members::external_id.eq(external_id),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

pub(super) fn add_keys(tx: &mut Tx<'_>, id: ImportId, keys: &[String]) -> DbResult<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let row = |key| (member_import_keys::import_id.eq(id), member_import_keys::known_by.eq(key));
    let rows: Vec<_> = keys.iter().map(row).collect();
    on!(*tx, c => diesel::insert_into(member_import_keys::table).values(&rows).execute(c))?;
    Ok(())
}

/// Which of these keys there are.
pub(super) fn keys_among(conn: &mut Conn, id: ImportId, keys: &[String]) -> DbResult<HashSet<String>> {
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let there = member_import_keys::table
        .filter(member_import_keys::import_id.eq(id))
        .filter(member_import_keys::known_by.eq_any(keys));
    Ok(there.select(member_import_keys::known_by).load::<String>(conn)?.into_iter().collect())
}

pub(super) fn delete_keys(tx: &mut Tx<'_>, id: ImportId, keys: &[String]) -> DbResult<()> {
    for key in keys {
        diesel::delete(member_import_keys::table.find((id, key))).execute(&mut **tx)?;
    }
    Ok(())
}

/// By what a member is known: the address, and another program's id.
pub(super) fn known_by(conn: &mut Conn, member: UserId) -> DbResult<(Option<String>, Option<String>)> {
    let email: Option<Option<String>> =
        users::table.filter(users::id.eq(member)).select(users::email).get_result(conn).optional()?;
    let external_id: Option<Option<String>> = members::table
        .filter(members::id.eq(member))
        .select(members::external_id)
        .get_result(conn)
        .optional()?;
    Ok((email.flatten(), external_id.flatten()))
}

/// Imports that are not over.
pub(super) fn unfinished(conn: &mut Conn) -> DbResult<Vec<ImportId>> {
    Ok(member_imports::table
        .filter(member_imports::state.eq_any(UNFINISHED))
        .select(member_imports::id)
        .load(conn)?)
}

/// Up to `limit` imports that are not over although they began before this time.
pub(super) fn left_behind(conn: &mut Conn, before: Timestamp, limit: i64) -> DbResult<Vec<ImportId>> {
    Ok(member_imports::table
        .filter(member_imports::state.eq_any(UNFINISHED))
        .filter(member_imports::created_at.lt(before))
        .select(member_imports::id)
        .limit(limit)
        .load(conn)?)
}
