//! This crate's part in the commands of the program.

use muster_kernel::domain::{Check, Domain, Export, ExportRow};

use crate::queries;

/// Checks and exports of members.
pub fn domain() -> Domain {
    Domain {
        name: "members",
        checks: vec![Check {
            name: "members.everybody_has_a_record",
            look: |conn| {
                let missing = queries::users_without_record(conn)?;
                Ok(missing.into_iter().map(|id| format!("user {id} has no member record")).collect())
            },
        }],
        exports: vec![Export {
            name: "members",
            columns: &["id", "status", "status_since"],
            rows: |conn, after, limit| {
                Ok(queries::after(conn, after, limit)?
                    .into_iter()
                    .map(|(id, standing, since)| ExportRow {
                        key: id.0,
                        values: vec![id.0.into(), standing.as_str().into(), since.to_string().into()],
                    })
                    .collect())
            },
        }],
        ..Domain::default()
    }
}
