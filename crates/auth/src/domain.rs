//! This crate's part in the commands of the program.

use muster_kernel::domain::{Check, Domain, Export, ExportRow};

use crate::queries;

/// Checks and exports of people and the club.
pub fn domain() -> Domain {
    Domain {
        name: "auth",
        checks: vec![Check {
            name: "auth.club_has_settings",
            look: |conn| {
                let club = crate::club::settings(conn)?;
                let fine = club.time_zone.parse::<chrono_tz::Tz>().is_ok();
                Ok(if fine { vec![] } else { vec![format!("the time zone {} is unknown", club.time_zone)] })
            },
        }],
        exports: vec![USERS, ROLES, CLUB],
        ..Domain::default()
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
