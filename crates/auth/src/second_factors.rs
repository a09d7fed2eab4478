//! Second factors as they are kept: at most one a person, every code good once.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::sql::Locked;
use muster_kernel::{UserId, on};

use crate::accounts::AccountError;
use crate::schema::{recovery_codes, second_factors};
use crate::totp::{self, Secret};

/// Lets somebody in who needs no second factor, or shows a code of it that was not used before.
///
/// # Errors
/// When a code is missing or wrong.
pub(crate) fn admit(tx: &mut Tx<'_>, user: UserId, code: Option<&str>) -> Result<(), AccountError> {
    if !is_on(tx, user)? {
        return Ok(());
    }
    let code = code.ok_or(AccountError::TotpRequired)?;
    if use_code(tx, user, code)? || use_recovery_code(tx, user, code)? {
        return Ok(());
    }
    Err(AccountError::BadCredentials)
}

pub(crate) fn is_on(conn: &mut Conn, user: UserId) -> DbResult<bool> {
    let found: Option<UserId> = second_factors::table
        .filter(second_factors::user_id.eq(user))
        .filter(second_factors::confirmed_at.is_not_null())
        .select(second_factors::user_id)
        .get_result(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Keeps a secret that is not confirmed yet, in place of an earlier one that was not either.
pub(crate) fn begin(tx: &mut Tx<'_>, user: UserId, secret: &Secret) -> DbResult<()> {
    diesel::delete(second_factors::table.filter(second_factors::user_id.eq(user))).execute(&mut **tx)?;
    diesel::insert_into(second_factors::table)
        .values((second_factors::user_id.eq(user), second_factors::secret.eq(secret.to_base32().as_str())))
        .execute(&mut **tx)?;
    Ok(())
}

/// Confirms the secret that was begun with.
///
/// # Errors
/// When the code is wrong, or nothing was begun.
pub(crate) fn confirm(tx: &mut Tx<'_>, user: UserId, code: &str) -> Result<(), AccountError> {
    let wrong = || Fault::field("/code", "wrong", "This is not the code that the app shows now.");
    if is_on(tx, user)? || !use_code(tx, user, code)? {
        return Err(wrong().into());
    }
    let now = tx.now();
    diesel::update(second_factors::table.filter(second_factors::user_id.eq(user)))
        .set(second_factors::confirmed_at.eq(now))
        .execute(&mut **tx)
        .map_err(muster_kernel::db::DbError::from)?;
    Ok(())
}

/// True when there was one.
pub(crate) fn remove(tx: &mut Tx<'_>, user: UserId) -> DbResult<bool> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(user))).execute(&mut **tx)?;
    let gone =
        diesel::delete(second_factors::table.filter(second_factors::user_id.eq(user))).execute(&mut **tx)?;
    Ok(gone > 0)
}

pub(crate) fn set_recovery_codes(tx: &mut Tx<'_>, user: UserId, codes: &[String]) -> DbResult<()> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(user))).execute(&mut **tx)?;
    let rows: Vec<_> = codes
        .iter()
        .filter_map(|code| totp::recovery_hash(code))
        .map(|hash| (recovery_codes::user_id.eq(user), recovery_codes::hash.eq(hash)))
        .collect();
    on!(*tx, c => diesel::insert_into(recovery_codes::table).values(&rows).execute(c))?;
    Ok(())
}

pub(crate) fn recovery_codes_left(conn: &mut Conn, user: UserId) -> DbResult<i64> {
    Ok(recovery_codes::table.filter(recovery_codes::user_id.eq(user)).count().get_result(conn)?)
}

fn use_code(tx: &mut Tx<'_>, user: UserId, code: &str) -> DbResult<bool> {
    let query = second_factors::table
        .filter(second_factors::user_id.eq(user))
        .select((second_factors::secret, second_factors::last_step));
    let Some((secret, last_step)): Option<(String, i64)> = Locked(query).get_result(&mut **tx).optional()?
    else {
        return Ok(false);
    };
    let step = Secret::parse(&secret).ok().and_then(|secret| secret.step_of(code, tx.now()));
    let Some(step) = step.filter(|step| *step > last_step) else { return Ok(false) };
    diesel::update(second_factors::table.filter(second_factors::user_id.eq(user)))
        .set(second_factors::last_step.eq(step))
        .execute(&mut **tx)?;
    Ok(true)
}

fn use_recovery_code(tx: &mut Tx<'_>, user: UserId, code: &str) -> DbResult<bool> {
    let Some(hash) = totp::recovery_hash(code) else { return Ok(false) };
    let used = diesel::delete(
        recovery_codes::table.filter(recovery_codes::user_id.eq(user)).filter(recovery_codes::hash.eq(hash)),
    )
    .execute(&mut **tx)?;
    Ok(used > 0)
}
