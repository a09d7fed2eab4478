//! This crate's part in the commands of the program.

use std::sync::Arc;

use muster_kernel::domain::{Domain, Export, ExportRow};

use crate::{attendance, checks, dues, history, import, plans, record};

/// Checks, exports and jobs of members.
pub fn domain() -> Domain {
    Domain {
        name: "members",
        checks: [checks::ALL.as_slice(), dues::checks::ALL.as_slice()].concat(),
        exports: vec![MEMBERS, CHANGES, ATTENDANCE, PLANS, DUES_RUNS, DUES_LINES, DUES_CHARGED],
        jobs: vec![Arc::new(import::GivingUp), Arc::new(dues::RunJob), Arc::new(plans::GraceJob)],
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

const PLANS: Export = Export {
    name: "plans",
    columns: &["id", "name", "price", "every", "grace_days", "prorate"],
    rows: |conn, after, limit| {
        let row = |plan: plans::Plan| ExportRow {
            key: plan.id.0,
            values: vec![
                plan.id.0.into(),
                plan.name.into(),
                plan.price.0.into(),
                plan.every.as_str().into(),
                plan.grace_days.into(),
                plan.prorate.into(),
            ],
        };
        Ok(plans::after(conn, after, limit)?.into_iter().map(row).collect())
    },
};

const DUES_RUNS: Export = Export {
    name: "dues_runs",
    columns: &[
        "id",
        "plan_id",
        "period",
        "state",
        "charged",
        "skipped",
        "started_by",
        "started_at",
        "finished_at",
    ],
    rows: |conn, after, limit| {
        let row = |run: dues::DuesRun| ExportRow {
            key: run.id.0,
            values: vec![
                run.id.0.into(),
                run.plan_id.map(|id| id.0).into(),
                run.period.into(),
                run.state.as_str().into(),
                run.charged.into(),
                run.skipped.into(),
                run.started_by.0.into(),
                run.started_at.to_string().into(),
                run.finished_at.map(|at| at.to_string()).into(),
            ],
        };
        Ok(dues::runs_after(conn, after, limit)?.into_iter().map(row).collect())
    },
};

const DUES_LINES: Export = Export {
    name: "dues_lines",
    columns: &["id", "run_id", "member_id", "plan_id", "outcome", "charge_id", "amount", "reason"],
    rows: |conn, after, limit| {
        let row = |(run, line): (dues::DuesRunId, dues::DuesLine)| ExportRow {
            key: line.id,
            values: vec![
                line.id.into(),
                run.0.into(),
                line.member_id.0.into(),
                line.plan_id.0.into(),
                line.outcome.as_str().into(),
                line.charge_id.map(|id| id.0).into(),
                line.amount.map(|amount| amount.0).into(),
                line.reason.into(),
            ],
        };
        Ok(dues::lines_after(conn, after, limit)?.into_iter().map(row).collect())
    },
};

const DUES_CHARGED: Export = Export {
    name: "dues_charged",
    columns: &["member_id", "plan_id", "period", "charge_id"],
    rows: |conn, after, limit| {
        let rows = dues::charged_after(conn, after, limit)?.into_iter();
        let row = |(member, plan, period, charge): dues::Charged| ExportRow {
            key: member.0,
            values: vec![member.0.into(), plan.0.into(), period.into(), charge.map(|id| id.0).into()],
        };
        Ok(rows.map(row).collect())
    },
};
