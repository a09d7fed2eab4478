//! What a row says of somebody, and what is wrong with it.

use chrono::NaiveDate;
use muster_auth::{AccountError, Beginning, Email};
use muster_kernel::Fields;
use muster_kernel::db::DbError;
use muster_kernel::fault::{Fault, FieldFault};

use super::file::{Column, Row};

/// Why a row does not become a member.
#[derive(Debug)]
pub(super) enum RowError {
    /// Something in it is wrong.
    Wrong(FieldFault),
    /// They are there already, by what this column says.
    Known(Column),
    /// It was only tried.
    Rehearsed,
    /// It is none of the row's doing.
    Fault(Fault),
    /// The database failed.
    Db(DbError),
}

impl From<DbError> for RowError {
    fn from(error: DbError) -> RowError {
        // What the services let pass and the database does not is a matter of this row alone.
        if error.is_refused() {
            return RowError::wrong(String::new(), "refused", "The database does not take this row.");
        }
        RowError::Db(error)
    }
}

impl From<Fault> for RowError {
    fn from(mut fault: Fault) -> RowError {
        if fault.fields.is_empty() {
            RowError::Fault(fault)
        } else {
            RowError::Wrong(fault.fields.swap_remove(0))
        }
    }
}

impl From<AccountError> for RowError {
    fn from(error: AccountError) -> RowError {
        match error {
            AccountError::AddressTaken => RowError::Known(Column::Email),
            AccountError::Db(e) => e.into(),
            other => Fault::from(other).into(),
        }
    }
}

impl RowError {
    /// They are to be put on a plan that there is not.
    pub(super) fn no_such_plan() -> RowError {
        RowError::wrong(Column::Plan.pointer(), "unknown", "There is no plan with this name.")
    }

    fn wrong(pointer: String, code: &'static str, message: &str) -> RowError {
        RowError::Wrong(FieldFault { pointer, code, message: message.to_owned() })
    }
}

/// A row, and by what somebody in it is known.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) row: Row,
    email: Option<Result<Email, ()>>,
}

/// What stands beside the name in a member's record.
#[derive(Debug)]
pub(super) struct Details<'a> {
    pub(super) phone: Option<&'a str>,
    pub(super) address: Option<&'a str>,
    pub(super) emergency_contact: Option<&'a str>,
    pub(super) notes: Option<&'a str>,
    pub(super) external_id: Option<&'a str>,
}

impl Entry {
    pub(super) fn of(row: Row) -> Entry {
        let email = row.get(Column::Email).map(|typed| Email::parse(typed).map_err(drop));
        Entry { row, email }
    }

    /// The address, if there is one that can be read.
    pub(super) fn email(&self) -> Option<&Email> {
        self.email.as_ref()?.as_ref().ok()
    }

    /// The file's own id for them.
    pub(super) fn external_id(&self) -> Option<&str> {
        self.row.get(Column::ExternalId)
    }

    /// Whether it can be told at all whom the row is about.
    pub(super) fn check(&self) -> Result<(), RowError> {
        if !self.row.is_whole() {
            let message = "This row has more cells than the header, or fewer.";
            return Err(RowError::wrong(String::new(), "ragged_row", message));
        }
        if let Some(Err(())) = self.email {
            let message = "This is not an e-mail address.";
            return Err(RowError::wrong(Column::Email.pointer(), "invalid", message));
        }
        Ok(())
    }

    /// The name; what is not there is too short.
    pub(super) fn name(&self) -> (&str, &str) {
        let name = |column| self.row.get(column).unwrap_or_default();
        (name(Column::FirstName), name(Column::LastName))
    }

    pub(super) fn date_of_birth(&self) -> Result<Option<NaiveDate>, RowError> {
        let read = |text: &str| {
            let message = "A day as in 2015-03-31.";
            NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .map_err(|_| RowError::wrong(Column::DateOfBirth.pointer(), "invalid", message))
        };
        self.row.get(Column::DateOfBirth).map(read).transpose()
    }

    pub(super) fn beginning(&self) -> Result<Beginning, RowError> {
        match self.row.get(Column::Status) {
            None | Some("active") => Ok(Beginning::Active),
            Some("pending") => Ok(Beginning::Pending),
            Some(_) => {
                let message = "One of these: active, pending.";
                Err(RowError::wrong(Column::Status.pointer(), "unknown_value", message))
            }
        }
    }

    /// The name of their plan.
    pub(super) fn plan(&self) -> Option<&str> {
        self.row.get(Column::Plan)
    }

    pub(super) fn details(&self) -> Result<Details<'_>, RowError> {
        let mut fields = Fields::new();
        let mut line = |column: Column, most| {
            let text = self.row.get(column);
            if let Some(text) = text {
                fields.text(&column.pointer(), text, 1..=most);
            }
            text
        };
        let (phone, external_id) = (line(Column::Phone, 40), line(Column::ExternalId, 64));
        let mut lines = |column: Column, most| {
            let text = self.row.get(column);
            if let Some(text) = text {
                fields.lines(&column.pointer(), text, 1..=most);
            }
            text
        };
        let details = Details {
            phone,
            address: lines(Column::Address, 500),
            emergency_contact: lines(Column::EmergencyContact, 500),
            notes: lines(Column::Notes, 4_000),
            external_id,
        };
        fields.done()?;
        Ok(details)
    }
}
