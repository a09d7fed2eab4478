//! What each domain crate tells the program about itself.

use std::sync::Arc;

use crate::db::{Conn, DbResult};
use crate::job::{JobKind, Schedule};

/// A domain's part in the commands of the program.
#[derive(Clone, Default)]
pub struct Domain {
    /// Its name, as in `muster-finance`.
    pub name: &'static str,
    /// What `muster check` proves.
    pub checks: Vec<Check>,
    /// What `muster export` writes.
    pub exports: Vec<Export>,
    /// The jobs it can do.
    pub jobs: Vec<Arc<dyn JobKind>>,
    /// Jobs that come round by themselves.
    pub schedules: Vec<Schedule>,
}

/// Something that must be true of the data.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its name: `members.everybody_has_a_record`.
    pub name: &'static str,
    /// Looks, and tells each thing that is wrong; nothing means all is well.
    pub look: fn(&mut Conn) -> DbResult<Vec<String>>,
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
}

/// Looks with a statement that selects the `id` of whatever is wrong, and says each.
///
/// # Errors
/// When the database fails.
pub fn tell(conn: &mut Conn, query: &str, say: fn(i64) -> String) -> DbResult<Vec<String>> {
    use diesel::RunQueryDsl;
    let found: Vec<Found> = diesel::sql_query(query).load(conn)?;
    Ok(found.into_iter().map(|it| say(it.id)).collect())
}

/// A table of the export.
#[derive(Clone, Copy)]
pub struct Export {
    /// The name of its files.
    pub name: &'static str,
    /// The column names, in order.
    pub columns: &'static [&'static str],
    /// Up to so many rows with a key above the given one, in the order of the key.
    pub rows: fn(&mut Conn, after: i64, limit: i64) -> DbResult<Vec<ExportRow>>,
}

/// A row of an export.
#[derive(Debug, Clone)]
pub struct ExportRow {
    /// Its place.
    pub key: i64,
    /// Its values, one for each column.
    pub values: Vec<serde_json::Value>,
}

/// The kernel's own part.
pub fn kernel() -> Domain {
    Domain {
        name: "kernel",
        checks: Vec::new(),
        exports: vec![Export {
            name: "audit_events",
            columns: &["id", "at", "actor_id", "action", "object_type", "object_id", "reason", "request_id"],
            rows: |conn, after, limit| {
                let row = |e: crate::audit::Recorded| ExportRow {
                    key: e.id,
                    values: vec![
                        e.id.into(),
                        e.at.to_string().into(),
                        e.actor_id.map(|a| a.0).into(),
                        e.action.into(),
                        e.object_type.into(),
                        e.object_id.into(),
                        e.reason.into(),
                        e.request_id.into(),
                    ],
                };
                Ok(crate::audit::after(conn, after, limit)?.into_iter().map(row).collect())
            },
        }],
        jobs: vec![Arc::new(crate::housekeeping::Housekeeping), Arc::new(crate::leftovers::Leftovers)],
        schedules: vec![crate::housekeeping::SCHEDULE],
    }
}
