//! This crate's part in the commands of the program.

use std::sync::Arc;

use muster_kernel::UserId;
use muster_kernel::domain::{Domain, Export, ExportRow};

use crate::{checks, guardians, housekeeping, queries};

/// Checks and exports of people and the club.
pub fn domain() -> Domain {
    Domain {
        name: "auth",
        checks: checks::ALL.to_vec(),
        exports: vec![USERS, ROLES, GUARDIANSHIPS, CLUB],
        jobs: vec![Arc::new(housekeeping::Housekeeping)],
        schedules: vec![housekeeping::SCHEDULE],
    }
}

/// Password hashes are not part of an export.
const USERS: Export = Export {
    name: "users",
    columns: &[
        "id",
        "first_name",
        "last_name",
        "email",
        "email_verified_at",
        "date_of_birth",
        "is_active",
        "date_joined",
        "language",
        "show_presence",
    ],
    rows: |conn, after, limit| {
        Ok(queries::after(conn, after, limit)?
            .into_iter()
            .map(|user| ExportRow {
                key: user.id.0,
                values: vec![
                    user.id.0.into(),
                    user.first_name.into(),
                    user.last_name.into(),
                    user.email.into(),
                    user.email_verified_at.map(|at| at.to_string()).into(),
                    user.date_of_birth.map(|day| day.to_string()).into(),
                    user.is_active.into(),
                    user.date_joined.to_string().into(),
                    user.language.into(),
                    user.show_presence.into(),
                ],
            })
            .collect())
    },
};

const ROLES: Export = Export {
    name: "user_roles",
    columns: &["user_id", "role"],
    rows: |conn, after, limit| {
        Ok(queries::roles_between(conn, after, limit)?
            .into_iter()
            .map(|(user, role)| ExportRow { key: user.0, values: vec![user.0.into(), role.as_str().into()] })
            .collect())
    },
};

const GUARDIANSHIPS: Export = Export {
    name: "guardianships",
    columns: &["ward_id", "guardian_id"],
    rows: |conn, after, limit| {
        let row = |(ward, guardian): (UserId, UserId)| ExportRow {
            key: ward.0,
            values: vec![ward.0.into(), guardian.0.into()],
        };
        Ok(guardians::after(conn, after, limit)?.into_iter().map(row).collect())
    },
};

const CLUB: Export = Export {
    name: "club",
    columns: &["id", "name", "currency", "time_zone", "policies"],
    rows: |conn, after, _| {
        let club = crate::club::settings(conn)?;
        if after >= club.id {
            return Ok(Vec::new());
        }
        let policies = serde_json::to_value(&club.policies).unwrap_or_default();
        let values =
            vec![club.id.into(), club.name.into(), club.currency.into(), club.time_zone.into(), policies];
        Ok(vec![ExportRow { key: club.id, values }])
    },
};
