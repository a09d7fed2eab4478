//! A step of an import: the rows of one part become members.

use std::collections::HashMap;

use muster_auth::permissions::ImportMembers;
use muster_auth::{Accounts, Can, Email, Newcomer};
use muster_kernel::UserId;
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::{Fault, FieldFault};

use super::file::{self, Column};
use super::row::{Entry, RowError};
use super::{ImportId, Line, MemberImport, Outcome, queries};
use crate::plans::{self, Plan};

/// Does the next part; false when there is none.
pub(super) fn next_part(
    accounts: &Accounts,
    tx: &mut Tx<'_>,
    can: &Can<ImportMembers>,
    import: &MemberImport,
) -> Result<bool, Fault> {
    let Some(part) = queries::take_part(tx, import.id)? else { return Ok(false) };
    let rows = file::rows_of(&part).map_err(Fault::internal)?;
    let entries: Vec<_> = rows.into_iter().map(Entry::of).collect();
    // Plans are locked before members, as everywhere.
    let plans = plans::lock_named(tx, entries.iter().filter_map(Entry::plan))?;
    let mut known = Known::of(tx, import, &entries)?;
    let mut new_keys = Vec::new();
    let mut lines = Vec::with_capacity(entries.len());
    for entry in &entries {
        let made = match become_member(accounts, tx, can, (import, &plans), &known, entry) {
            Ok(member) => Ok(Some(member)),
            Err(RowError::Rehearsed) => {
                new_keys.extend(keys(entry));
                Ok(None)
            }
            Err(RowError::Db(e)) => return Err(e.into()),
            Err(RowError::Fault(fault)) => return Err(fault),
            Err(wrong) => Err(wrong),
        };
        if let Ok(member) = made {
            known.add(entry, member);
        }
        lines.push(line(entry, made, &known));
    }
    queries::add_lines(tx, import.id, &lines)?;
    queries::add_keys(tx, import.id, &new_keys)?;
    queries::count(tx, import.id, &lines)?;
    Ok(true)
}

/// Makes a member of a row, altogether or not at all.
fn become_member(
    accounts: &Accounts,
    tx: &mut Tx<'_>,
    can: &Can<ImportMembers>,
    (import, plans): (&MemberImport, &[Plan]),
    known: &Known,
    entry: &Entry,
) -> Result<UserId, RowError> {
    entry.check()?;
    if let Some((column, _)) = known.find(entry) {
        return Err(RowError::Known(column));
    }
    let (first_name, last_name) = entry.name();
    let date_of_birth = entry.date_of_birth()?;
    let beginning = entry.beginning()?;
    let details = entry.details()?;
    let named = |name| plans.iter().find(|plan| plan.name == name).ok_or_else(RowError::no_such_plan);
    let plan = entry.plan().map(named).transpose()?;
    tx.attempt(|tx| {
        let email = entry.email();
        let newcomer = Newcomer { first_name, last_name, email, date_of_birth, beginning };
        let member = accounts.bring_along(tx, can, &newcomer)?;
        queries::set_details(tx, member, &details).map_err(|e| {
            // Another import was faster.
            if e.is_unique_violation() { RowError::Known(Column::ExternalId) } else { e.into() }
        })?;
        if let Some(plan) = plan {
            plans::move_to(tx, can.origin(), member, Some(plan))?;
        }
        if import.dry_run { Err(RowError::Rehearsed) } else { Ok(member) }
    })
}

fn line(entry: &Entry, made: Result<Option<UserId>, RowError>, known: &Known) -> Line {
    let line = entry.row.line;
    let said = |outcome, FieldFault { pointer, code, message }, member_id| Line {
        line,
        outcome,
        pointer: Some(pointer),
        code: Some(code.to_owned()),
        message: Some(message),
        member_id,
    };
    let wrong = match made {
        Ok(member_id) => {
            let (pointer, code, message) = (None, None, None);
            return Line { line, outcome: Outcome::Created, pointer, code, message, member_id };
        }
        Err(wrong) => wrong,
    };
    match wrong {
        RowError::Known(column) => {
            let (code, message) = match column {
                Column::Email => ("same_email", "Somebody with this e-mail address is there already."),
                _ => ("same_external_id", "Somebody with this external id is there already."),
            };
            let member = known.find(entry).and_then(|(_, member)| member);
            let why = FieldFault { pointer: column.pointer(), code, message: message.into() };
            said(Outcome::Skipped, why, member)
        }
        RowError::Wrong(fault) => said(Outcome::Failed, fault, None),
        // Those end the step.
        RowError::Rehearsed | RowError::Fault(_) | RowError::Db(_) => {
            let message = "This row could not be imported.".into();
            said(Outcome::Failed, FieldFault { pointer: String::new(), code: "failed", message }, None)
        }
    }
}

/// Those of a part's rows who are there already; without an id where a dry run would have made them.
struct Known {
    by_email: HashMap<String, Option<UserId>>,
    by_external_id: HashMap<String, Option<UserId>>,
}

impl Known {
    fn of(tx: &mut Tx<'_>, import: &MemberImport, entries: &[Entry]) -> DbResult<Known> {
        let emails: Vec<_> = entries.iter().filter_map(Entry::email).map(Email::as_str).collect();
        let external_ids: Vec<_> = entries.iter().filter_map(Entry::external_id).collect();
        let mut known = Known {
            by_email: queries::with_emails(tx, &emails)?
                .into_iter()
                .map(|(email, id)| (email, Some(id)))
                .collect(),
            by_external_id: queries::with_external_ids(tx, &external_ids)?
                .into_iter()
                .map(|(external_id, id)| (external_id, Some(id)))
                .collect(),
        };
        if import.dry_run {
            let wanted: Vec<_> = entries.iter().flat_map(keys).collect();
            let made = queries::keys_among(tx, import.id, &wanted)?;
            for entry in entries {
                if let Some(email) = entry.email().filter(|email| made.contains(&email_key(email))) {
                    known.by_email.entry(email.as_str().to_owned()).or_default();
                }
                if let Some(id) = entry.external_id().filter(|id| made.contains(&external_id_key(id))) {
                    known.by_external_id.entry(id.to_owned()).or_default();
                }
            }
        }
        Ok(known)
    }

    /// By which column somebody is known, and who it is.
    fn find(&self, entry: &Entry) -> Option<(Column, Option<UserId>)> {
        let by_email = entry.email().and_then(|email| self.by_email.get(email.as_str()));
        let by_external_id = || entry.external_id().and_then(|id| self.by_external_id.get(id));
        by_email
            .map(|member| (Column::Email, *member))
            .or_else(|| by_external_id().map(|member| (Column::ExternalId, *member)))
    }

    fn add(&mut self, entry: &Entry, member: Option<UserId>) {
        if let Some(email) = entry.email() {
            self.by_email.insert(email.as_str().to_owned(), member);
        }
        if let Some(external_id) = entry.external_id() {
            self.by_external_id.insert(external_id.to_owned(), member);
        }
    }
}

/// What a dry run remembers somebody by whom it would have made.
fn keys(entry: &Entry) -> impl Iterator<Item = String> + use<> {
    let email = entry.email().map(email_key);
    email.into_iter().chain(entry.external_id().map(external_id_key))
}

fn email_key(email: &Email) -> String {
    format!("email {}", email.as_str())
}

fn external_id_key(external_id: &str) -> String {
    format!("id {external_id}")
}

/// Takes somebody who is to be erased out of the files that are still to be done.
///
/// # Errors
/// When the database fails.
pub(crate) fn forget(tx: &mut Tx<'_>, member: UserId) -> DbResult<()> {
    let unfinished = queries::unfinished(tx)?;
    if unfinished.is_empty() {
        return Ok(());
    }
    let (email, external_id) = queries::known_by(tx, member)?;
    let is_theirs = |entry: &Entry| {
        let same_email = entry.email().is_some_and(|it| Some(it.as_str()) == email.as_deref());
        same_email || entry.external_id().is_some_and(|it| Some(it) == external_id.as_deref())
    };
    for import in unfinished {
        for part in queries::part_numbers(tx, import)? {
            let Some(content) = queries::lock_part(tx, import, part)? else { continue };
            let entries: Vec<_> =
                file::rows_of(&content).unwrap_or_default().into_iter().map(Entry::of).collect();
            if entries.iter().any(is_theirs) {
                let others: Vec<_> =
                    entries.into_iter().filter(|entry| !is_theirs(entry)).map(|entry| entry.row).collect();
                queries::rewrite_part(tx, import, part, &file::part_of(&others).unwrap_or_default())?;
            }
        }
        forget_keys(tx, import, email.as_deref(), external_id.as_deref())?;
    }
    Ok(())
}

fn forget_keys(
    tx: &mut Tx<'_>,
    import: ImportId,
    email: Option<&str>,
    external_id: Option<&str>,
) -> DbResult<()> {
    let email = email.and_then(|email| Email::parse(email).ok()).map(|email| email_key(&email));
    let keys: Vec<_> = email.into_iter().chain(external_id.map(external_id_key)).collect();
    queries::delete_keys(tx, import, &keys)
}
