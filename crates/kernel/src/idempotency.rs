//! Answers that are kept so that a repeated request has its effect once.
//!
//! The answer is stored in the transaction of the effect, so there is never one without the other. A second
//! request with the same key gets the first answer; with another body it is refused; while the first is still
//! under way it is told so.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use sha2::{Digest, Sha256};

use crate::db::{DbError, DbResult, Real, Tx};
use crate::fault::{Code, Fault};
use crate::schema::idempotency_keys;
use crate::{Timestamp, UserId};

/// A request that is done once: whose, under which key, and what exactly was asked.
#[derive(Debug, Clone)]
pub struct Once {
    user: UserId,
    key: String,
    fingerprint: Vec<u8>,
}

/// An answer before compression.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Answer {
    /// The HTTP status.
    pub status: i32,
    /// Where the new thing is.
    pub location: Option<String>,
    /// Its version.
    pub etag: Option<String>,
    /// The JSON.
    pub body: String,
    /// Whom it is about, beside whoever asked: it goes when they are erased.
    pub about: Option<UserId>,
}

/// How long answers are kept.
const KEPT: chrono::TimeDelta = chrono::TimeDelta::hours(24);

impl Once {
    /// A key as the client sent it, with the request it stands for.
    ///
    /// # Errors
    /// When the key is not 1 to 200 visible ASCII characters.
    pub fn new(user: UserId, key: &str, method: &str, path: &str, body: &[u8]) -> Result<Once, Fault> {
        if key.is_empty() || key.len() > 200 || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Fault::new(
                Code::Malformed,
                "An Idempotency-Key is 1 to 200 visible ASCII characters.",
            ));
        }
        let mut hash = Sha256::new();
        for part in [method.as_bytes(), path.as_bytes(), body] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Ok(Once { user, key: key.to_owned(), fingerprint: hash.finalize().to_vec() })
    }

    /// Does `work` in this transaction and keeps its answer, or gives the answer that was kept; true with the
    /// latter.
    ///
    /// # Errors
    /// Those of `work` (nothing is kept then), and the faults of a key that is in use or was used otherwise.
    pub fn run<E>(
        &self,
        tx: &mut Tx<'_>,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Answer, E>,
    ) -> Result<(Answer, bool), E>
    where
        E: From<DbError> + From<Fault>,
    {
        if !lock(tx, self.user, &self.key)? {
            return Err(Fault::new(Code::IdempotencyInProgress, "The same request is still under way.")
                .retry_after(1)
                .into());
        }
        match find(tx, self.user, &self.key)? {
            // Housekeeping has not come round to it.
            Some((kept_at, _, _)) if kept_at < tx.now().plus(-KEPT) => {
                diesel::delete(idempotency_keys::table.find((self.user, &self.key)))
                    .execute(&mut **tx)
                    .map_err(DbError::from)?;
            }
            Some((_, fingerprint, _)) if fingerprint != self.fingerprint => {
                let detail = "This Idempotency-Key was used for another request; use a new one.";
                return Err(Fault::new(Code::IdempotencyKeyReused, detail).into());
            }
            Some((_, _, answer)) => return Ok((answer, true)),
            None => {}
        }
        let answer = work(tx)?;
        self.keep(tx, &answer)?;
        Ok((answer, false))
    }

    fn keep(&self, tx: &mut Tx<'_>, answer: &Answer) -> DbResult<()> {
        let now = tx.now();
        diesel::insert_into(idempotency_keys::table)
            .values((
                idempotency_keys::user_id.eq(self.user),
                idempotency_keys::key.eq(&self.key),
                idempotency_keys::fingerprint.eq(&self.fingerprint),
                idempotency_keys::status.eq(answer.status),
                idempotency_keys::location.eq(&answer.location),
                idempotency_keys::etag.eq(&answer.etag),
                idempotency_keys::body.eq(&answer.body),
                idempotency_keys::created_at.eq(now),
                idempotency_keys::subject_id.eq(answer.about),
            ))
            .execute(&mut **tx)?;
        Ok(())
    }
}

#[allow(missing_docs, reason = "the attribute makes a module it does not document")]
#[diesel::declare_sql_function]
extern "SQL" {
    fn pg_try_advisory_xact_lock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// Takes the key for this transaction; false when another holds it. On SQLite the writer is alone.
fn lock(tx: &mut Tx<'_>, user: UserId, key: &str) -> DbResult<bool> {
    match tx.real() {
        Real::Sqlite(_) => Ok(true),
        Real::Postgres(conn) => {
            let mut hash = Sha256::new();
            hash.update(user.0.to_be_bytes());
            hash.update(key.as_bytes());
            let mut first = [0u8; 8];
            first.copy_from_slice(&hash.finalize()[..8]);
            Ok(diesel::select(pg_try_advisory_xact_lock(i64::from_be_bytes(first))).get_result(conn)?)
        }
    }
}

fn find(tx: &mut Tx<'_>, user: UserId, key: &str) -> DbResult<Option<(Timestamp, Vec<u8>, Answer)>> {
    Ok(idempotency_keys::table
        .find((user, key))
        .select((
            idempotency_keys::created_at,
            idempotency_keys::fingerprint,
            (
                idempotency_keys::status,
                idempotency_keys::location,
                idempotency_keys::etag,
                idempotency_keys::body,
                idempotency_keys::subject_id,
            ),
        ))
        .get_result(&mut **tx)
        .optional()?)
}

/// Deletes the answers that were kept for this person, and those about them.
///
/// # Errors
/// When the database fails.
pub fn forget(tx: &mut Tx<'_>, user: UserId) -> DbResult<()> {
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::user_id.eq(user))).execute(&mut **tx)?;
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::subject_id.eq(user)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Removes up to `limit` answers older than `before`.
pub(crate) fn purge(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> DbResult<usize> {
    let old: Vec<(UserId, String)> = idempotency_keys::table
        .filter(idempotency_keys::created_at.lt(before))
        .order(idempotency_keys::created_at)
        .select((idempotency_keys::user_id, idempotency_keys::key))
        .limit(limit)
        .load(&mut **tx)?;
    let mut removed = 0;
    for (user, key) in old {
        removed += diesel::delete(idempotency_keys::table.find((user, key))).execute(&mut **tx)?;
    }
    Ok(removed)
}
