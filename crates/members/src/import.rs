//! Members whom the club brings along in a CSV file.
//!
//! | | |
//! |---|---|
//! | `file` | what arrives: the header is checked, and the rows are cut into parts |
//! | `row` | what a row says, and what is wrong with it |
//! | `step` | a part of the rows becomes members, in one transaction |
//! | `work` | the jobs: a step after the other, and giving up what nobody finishes |
//!
//! A row is one whole: it becomes a member, or nothing of it is kept. Whoever is there already, by their address or by
//! the file's own id for them, stays as they are; so a file can be sent again at any time. A dry run does all of it and
//! undoes each row.
//!
//! The file is personal data. A part of it is deleted in the transaction that has done it; what stays is what became
//! of each line, without a value of the line.

mod file;
mod queries;
mod row;
mod step;
mod work;

use diesel::Queryable;
use muster_auth::Can;
use muster_auth::permissions::ImportMembers;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, Db, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::job::{self, NewJob};
use muster_kernel::page::PageRequest;
use muster_kernel::{Timestamp, UserId, id_type, text_enum};
use serde::Serialize;
pub(crate) use step::forget;
pub use work::Imports;
pub(crate) use work::{GivingUp, SCHEDULE};

/// Bytes of a file that are written down in one transaction.
const AT_ONCE: usize = 512 * 1024;

id_type! {
    /// A file of members.
    pub struct ImportId;
}

text_enum! {
    /// How far an import is.
    pub enum ImportState {
        /// The file is being written down.
        Receiving = "receiving",
        /// It waits for its turn.
        Queued = "queued",
        /// Row after row becomes a member.
        Running = "running",
        /// Every row has its outcome.
        Done = "done",
        /// It was given up; what had become a member stays one.
        Stopped = "stopped",
    }
}

text_enum! {
    /// What became of a line.
    pub enum Outcome {
        /// A member; in a dry run, it would have.
        Created = "created",
        /// They are there already.
        Skipped = "skipped",
        /// Something is wrong with it.
        Failed = "failed",
    }
}

/// An import and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct MemberImport {
    /// Its number.
    pub id: ImportId,
    /// Goes up with every step.
    pub version: i64,
    /// How far it is.
    pub state: ImportState,
    /// Whether it only tries what would happen.
    pub dry_run: bool,
    /// Who sent the file.
    pub made_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it was done or given up.
    pub finished_at: Option<Timestamp>,
    /// How many rows there are, the header and empty ones not counted.
    pub lines_total: i64,
    /// How many of them have become members.
    pub created: i64,
    /// How many were there already.
    pub skipped: i64,
    /// How many have something wrong.
    pub failed: i64,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "http", schema(as = MemberImportLine))]
pub struct Line {
    /// The row, as a spreadsheet counts them: the header is 1.
    pub line: i64,
    /// What became of it.
    pub outcome: Outcome,
    /// The column that decided: `/email`. Empty for the row as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// A stable code, for example `too_long` or `same_email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A sentence for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The member that it became, or that was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_id: Option<UserId>,
}

/// Takes a file, to be imported by a job.
///
/// # Errors
/// When there is no row in it, or its columns are not those of members; then nothing is kept.
pub async fn receive(
    db: &Db,
    can: Can<ImportMembers>,
    file: String,
    dry_run: bool,
) -> Result<MemberImport, Fault> {
    // Megabytes of rows would hold up everybody whom this thread serves.
    let read = tokio::task::spawn_blocking(move || file::read(&file)).await;
    let file::File { rows, parts } = read.map_err(Fault::internal)??;
    let by = can.user_id();
    let id = db.write(move |tx| queries::begin(tx, by, dry_run, rows)).await?;
    for (first, parts) in batches(parts) {
        db.write(move |tx| queries::add_parts(tx, id, first, &parts)).await?;
    }
    db.write(move |tx| begin(tx, &can, id)).await
}

/// Parts by their numbers, so many that a transaction with them is short.
fn batches(parts: Vec<String>) -> Vec<(i64, Vec<String>)> {
    let mut batches: Vec<(i64, Vec<String>)> = Vec::new();
    let mut bytes = 0;
    for (number, part) in (0..).zip(parts) {
        bytes += part.len();
        match batches.last_mut() {
            Some((_, batch)) if bytes <= AT_ONCE => batch.push(part),
            _ => {
                bytes = part.len();
                batches.push((number, vec![part]));
            }
        }
    }
    batches
}

fn begin(tx: &mut Tx<'_>, can: &Can<ImportMembers>, id: ImportId) -> Result<MemberImport, Fault> {
    queries::set_state(tx, id, ImportState::Queued)?;
    let event =
        Event { action: "member_import.begun", object_type: "member_import", object_id: id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    let Origin { request_id, .. } = can.origin();
    let task = work::Task { import: id, request: request_id.as_deref().map(str::to_owned) };
    job::enqueue(tx, NewJob::new(work::KIND, task))?;
    find(tx, can, id)
}

/// An import and how far it is.
///
/// # Errors
/// When there is none with this id.
pub fn find(conn: &mut Conn, _: &Can<ImportMembers>, id: ImportId) -> Result<MemberImport, Fault> {
    queries::find(conn, id)?.filter(|it| it.state != ImportState::Receiving).ok_or_else(Fault::not_found)
}

/// Imports, newest first.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, _: &Can<ImportMembers>, page: &PageRequest<i64>) -> DbResult<Vec<MemberImport>> {
    queries::list(conn, page)
}

/// What became of the lines of an import, in their order.
///
/// # Errors
/// When there is no such import.
pub fn lines(
    conn: &mut Conn,
    can: &Can<ImportMembers>,
    id: ImportId,
    outcome: Option<Outcome>,
    page: &PageRequest<i64>,
) -> Result<Vec<Line>, Fault> {
    find(conn, can, id)?;
    Ok(queries::lines(conn, id, outcome, page)?)
}
