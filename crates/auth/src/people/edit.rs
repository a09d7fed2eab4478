//! Changing what is known of somebody.

use chrono::NaiveDate;
use muster_kernel::db::Tx;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::patch::present;
use muster_kernel::{Expected, Fields, UserId};
use serde::Deserialize;

use super::{must_be_within, queries, shown};
use crate::accounts::{check_birth_date, record};
use crate::models::User;
use crate::permissions::EditUsers;
use crate::{Accounts, Can, Roles, Scope, club, guardians, names};

/// What is to change; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct UserPatch {
    /// The first name.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 80))]
    pub first_name: Option<String>,
    /// The last name.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 80))]
    pub last_name: Option<String>,
    /// The date of birth. Minors, and those with guardians, cannot change their own.
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, format = Date))]
    pub date_of_birth: Option<NaiveDate>,
    /// The language they want to be written to in, as in `en` or `de-CH`; null: the club's.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"))]
    pub language: Option<Option<String>>,
    /// Whether others may see that they are there.
    pub show_presence: Option<bool>,
}

/// Whether the caller acts for somebody.
pub(super) fn may_edit(tx: &mut Tx<'_>, can: &Can<EditUsers>, id: UserId) -> Result<(), Fault> {
    let now = tx.now();
    must_be_within(tx, can, id, now, "Only they, their guardians and admins change this.")
}

impl Accounts {
    /// Changes somebody's profile; a change that changes nothing leaves no trace.
    ///
    /// # Errors
    /// When fields are wrong, the person is nobody whom the caller acts for, or not as the caller saw them.
    pub fn edit(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<EditUsers>,
        id: UserId,
        expected: &Expected,
        patch: &UserPatch,
    ) -> Result<(User, Roles), Fault> {
        may_edit(tx, can, id)?;
        let (before, roles) = super::lock(tx, id)?;
        expected.allows(before.version)?;
        let after = patch.applied_to(&before, tx.now())?;
        if after == before {
            return Ok((before, roles));
        }
        let born_otherwise = after.date_of_birth != before.date_of_birth;
        if born_otherwise && can.scope() != Scope::All && id == can.user_id() {
            let now = tx.now();
            let today = club::settings(tx)?.today(now);
            if guardians::is_minor(before.date_of_birth, today) || guardians::has_guardians(tx, id)? {
                return Err(Fault::new(Code::Forbidden, "A guardian or an admin changes this date."));
            }
        }
        queries::update(tx, &after)?;
        let words = names::words(&after.first_name, &after.last_name, after.email.as_deref());
        crate::queries::index_words(tx, id, words)?;
        if (&after.first_name, &after.last_name) != (&before.first_name, &before.last_name) {
            for hooks in self.hooks() {
                hooks.renamed(tx, id)?;
            }
        }
        if born_otherwise {
            for hooks in self.hooks() {
                hooks.minority_changed(tx, id)?;
            }
        }
        if after.show_presence != before.show_presence {
            tx.signal(PresenceShown { user: id, is_shown: after.show_presence });
        }
        record(tx, can.origin(), "user.changed", id)?;
        shown(tx, id)
    }
}

/// Somebody wants others to see whether they are there, or does not want it any more.
#[derive(Debug, Clone, Copy)]
pub struct PresenceShown {
    /// Who.
    pub user: UserId,
    /// Whether others may see it.
    pub is_shown: bool,
}

impl UserPatch {
    fn applied_to(&self, before: &User, now: muster_kernel::Timestamp) -> Result<User, Fault> {
        let mut after = before.clone();
        let mut fields = Fields::new();
        if let Some(name) = &self.first_name {
            fields.text("/first_name", name, 1..=80);
            after.first_name.clone_from(name);
        }
        if let Some(name) = &self.last_name {
            fields.text("/last_name", name, 1..=80);
            after.last_name.clone_from(name);
        }
        if let Some(day) = self.date_of_birth {
            check_birth_date("/date_of_birth", day, now, &mut fields);
            after.date_of_birth = Some(day);
        }
        if let Some(language) = &self.language {
            let fine = language.as_deref().is_none_or(is_language);
            fields.must(fine, "/language", "invalid", "A language, as in `en` or `de-CH`.");
            after.language.clone_from(language);
        }
        if let Some(show) = self.show_presence {
            after.show_presence = show;
        }
        fields.done()?;
        Ok(after)
    }
}

fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let letters = |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
    let subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    tag.len() <= 35 && parts.next().is_some_and(letters) && parts.all(subtag)
}
