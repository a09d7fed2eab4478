//! Letters of other domains, to whoever can read them.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::UserId;
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::sql::Locked;

use super::Accounts;
use crate::schema::users;
use crate::{Letter, club, guardians, mails};

#[derive(diesel::Queryable)]
struct Reader {
    email: Option<String>,
    is_active: bool,
    born: Option<NaiveDate>,
}

/// Somebody who may be written to. Locked, so that nothing is written to somebody who is being erased.
fn reader(tx: &mut Tx<'_>, id: UserId) -> DbResult<Option<Reader>> {
    let row = users::table.filter(users::id.eq(id)).filter(users::erased_at.is_null()).select((
        users::email,
        users::is_active,
        users::date_of_birth,
    ));
    Ok(Locked(row).get_result(&mut **tx).optional()?)
}

impl Reader {
    fn address(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.is_active)
    }
}

impl Accounts {
    /// Writes to somebody, once this transaction is durable: to their own address, or where they have none that they
    /// use, to each of those who act for them. Where there is nobody to write to, nothing is written.
    ///
    /// # Errors
    /// When the database fails.
    pub fn send_letter(&self, tx: &mut Tx<'_>, about: UserId, letter: &Letter) -> DbResult<()> {
        let Some(themselves) = reader(tx, about)? else { return Ok(()) };
        if let Some(to) = themselves.address() {
            return self.write_to(tx, |club| mails::letter(club, about, to, letter, about));
        }
        let now = tx.now();
        let today = club::settings(tx)?.today(now);
        if themselves.born.is_some() && !guardians::is_minor(themselves.born, today) {
            return Ok(());
        }
        for (_, guardian) in guardians::of(tx, &[about])? {
            let reader = reader(tx, guardian)?;
            if let Some(to) = reader.as_ref().and_then(Reader::address) {
                self.write_to(tx, |club| mails::letter(club, guardian, to, letter, about))?;
            }
        }
        Ok(())
    }
}
