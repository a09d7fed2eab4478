//! This crate's part in the commands of the program.

use std::sync::Arc;

use muster_kernel::domain::{Domain, Export, ExportRow};

use crate::{attendance, checks, history, import, record};

/// Checks and exports of members.
pub fn domain() -> Domain {
    Domain {
        name: "members",
        checks: checks::ALL.to_vec(),
        exports: vec![MEMBERS, CHANGES, ATTENDANCE],
        jobs: vec![Arc::new(import::GivingUp)],
        schedules: vec![import::SCHEDULE],
    }
}

const MEMBERS: Export = Export {
    name: "members",
    columns: &[
        "id",
        "status",
        "status_since",
        "active_since",
        "plan_id",
        "attendance_count",
        "phone",
        "address",
        "emergency_contact",
        "notes",
        "external_id",
    ],
    rows: |conn, after, limit| {
        let row = |member: crate::Member| ExportRow {
            key: member.id.0,
            values: vec![
                member.id.0.into(),
                member.status.as_str().into(),
                member.status_since.to_string().into(),
                member.active_since.map(|day| day.to_string()).into(),
                member.money.plan_id.into(),
                member.attendance_count.into(),
                member.contact.phone.into(),
                member.contact.address.into(),
                member.contact.emergency_contact.into(),
                member.notes.into(),
                member.external_id.into(),
            ],
        };
        Ok(record::after(conn, after, limit)?.into_iter().map(row).collect())
    },
};

const CHANGES: Export = Export {
    name: "member_changes",
    columns: &["id", "member_id", "from", "to", "at", "by", "reason"],
    rows: |conn, after, limit| {
        let row = |change: history::Change| ExportRow {
            key: change.id.0,
            values: vec![
                change.id.0.into(),
                change.member_id.0.into(),
                change.from.map(|from| from.as_str()).into(),
                change.to.as_str().into(),
                change.at.to_string().into(),
                change.by.map(|by| by.0).into(),
                change.reason.into(),
            ],
        };
        Ok(history::after(conn, after, limit)?.into_iter().map(row).collect())
    },
};

const ATTENDANCE: Export = Export {
    name: "attendance_months",
    columns: &["member_id", "month", "attended"],
    rows: |conn, after, limit| {
        let row = |(member, month, attended): (muster_kernel::UserId, String, i32)| ExportRow {
            key: member.0,
            values: vec![member.0.into(), month.into(), attended.into()],
        };
        Ok(attendance::after(conn, after, limit)?.into_iter().map(row).collect())
    },
};
