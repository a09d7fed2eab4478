//! This crate's part in the commands of the program.

use std::sync::Arc;

use muster_kernel::domain::{Domain, Export, ExportRow};

use crate::payouts::{self, Payout};
use crate::payroll::{self, PayrollRun};
use crate::profile::{self, Coach};
use crate::{availability, checks, pay_lines, terms};

/// Checks, exports and jobs of coaches.
pub fn domain() -> Domain {
    Domain {
        name: "coaches",
        checks: checks::ALL.to_vec(),
        exports: vec![COACHES, AVAILABILITY, TERMS, ACCRUALS, PAYOUTS, RUNS, LINES],
        jobs: vec![Arc::new(payroll::RunJob)],
        schedules: Vec::new(),
    }
}

const COACHES: Export = Export {
    name: "coaches",
    columns: &[
        "id",
        "public_name",
        "bio",
        "specialities",
        "payment_balance",
        "last_payment_balance",
        "classes_taught_total",
    ],
    rows: |conn, after, limit| {
        let row = |coach: Coach| ExportRow {
            key: coach.id.0,
            values: vec![
                coach.id.0.into(),
                coach.public_name.into(),
                coach.bio.into(),
                serde_json::json!(coach.specialities.0),
                coach.payment_balance.0.into(),
                coach.last_payment_balance.0.into(),
                coach.classes_taught_total.into(),
            ],
        };
        Ok(profile::after(conn, after, limit)?.into_iter().map(row).collect())
    },
};

const AVAILABILITY: Export = Export {
    name: "coach_availability",
    columns: &["coach_id", "says"],
    rows: |conn, after, limit| {
        let rows = availability::after(conn, after, limit)?.into_iter();
        Ok(rows
            .map(|(coach, says)| ExportRow {
                key: coach.0,
                values: vec![coach.0.into(), serde_json::json!(says)],
            })
            .collect())
    },
};

const TERMS: Export = Export {
    name: "coach_terms",
    columns: &["id", "coach_id", "starts_on", "per_class", "per_head", "heads_above", "minimum", "maximum"],
    rows: |conn, after, limit| {
        let rows = terms::after(conn, after, limit)?.into_iter();
        Ok(rows
            .map(|(coach, terms)| ExportRow {
                key: terms.id.0,
                values: vec![
                    terms.id.0.into(),
                    coach.0.into(),
                    terms.starts_on.to_string().into(),
                    terms.per_class.0.into(),
                    terms.per_head.0.into(),
                    terms.heads_above.into(),
                    terms.minimum.map(|amount| amount.0).into(),
                    terms.maximum.map(|amount| amount.0).into(),
                ],
            })
            .collect())
    },
};

const ACCRUALS: Export = Export {
    name: "coach_accruals",
    columns: &[
        "id",
        "coach_id",
        "class_id",
        "class_datetime",
        "date",
        "terms_id",
        "heads",
        "pay",
        "amount",
        "adjusts",
        "payout_id",
    ],
    rows: |conn, after, limit| {
        let rows = pay_lines::after(conn, after, limit)?.into_iter();
        Ok(rows
            .map(|(coach, line)| ExportRow {
                key: line.id.0,
                values: vec![
                    line.id.0.into(),
                    coach.0.into(),
                    line.class_id.into(),
                    line.class_datetime.to_string().into(),
                    line.date.to_string().into(),
                    line.terms_id.map(|id| id.0).into(),
                    line.heads.into(),
                    line.pay.0.into(),
                    line.amount.0.into(),
                    line.adjusts.map(|id| id.0).into(),
                    line.payout_id.map(|id| id.0).into(),
                ],
            })
            .collect())
    },
};

const PAYOUTS: Export = Export {
    name: "coach_payouts",
    columns: &[
        "id",
        "coach_id",
        "entry_id",
        "run_id",
        "amount",
        "method",
        "date",
        "brought_forward",
        "items_total",
        "carried_forward",
        "is_reversed",
    ],
    rows: |conn, after, limit| {
        let row = |payout: Payout| ExportRow {
            key: payout.id.0,
            values: vec![
                payout.id.0.into(),
                payout.coach_id.0.into(),
                payout.entry_id.0.into(),
                payout.run_id.map(|id| id.0).into(),
                payout.amount.0.into(),
                payout.method.as_str().into(),
                payout.date.to_string().into(),
                payout.brought_forward.0.into(),
                payout.items_total.0.into(),
                payout.carried_forward.0.into(),
                payout.is_reversed.into(),
            ],
        };
        Ok(payouts::queries::after(conn, after, limit)?.into_iter().map(row).collect())
    },
};

const RUNS: Export = Export {
    name: "payroll_runs",
    columns: &[
        "id",
        "through",
        "method",
        "state",
        "paid",
        "skipped",
        "amount",
        "started_by",
        "started_at",
        "finished_at",
    ],
    rows: |conn, after, limit| {
        let row = |run: PayrollRun| ExportRow {
            key: run.id.0,
            values: vec![
                run.id.0.into(),
                run.through.to_string().into(),
                run.method.as_str().into(),
                run.state.as_str().into(),
                run.paid.into(),
                run.skipped.into(),
                run.amount.0.into(),
                run.started_by.0.into(),
                run.started_at.to_string().into(),
                run.finished_at.map(|at| at.to_string()).into(),
            ],
        };
        Ok(payroll::runs_after(conn, after, limit)?.into_iter().map(row).collect())
    },
};

const LINES: Export = Export {
    name: "payroll_lines",
    columns: &["id", "run_id", "coach_id", "outcome", "payout_id", "reason"],
    rows: |conn, after, limit| {
        let rows = payroll::lines_after(conn, after, limit)?.into_iter();
        Ok(rows
            .map(|(id, run, coach, outcome, payout, reason)| ExportRow {
                key: id,
                values: vec![
                    id.into(),
                    run.0.into(),
                    coach.0.into(),
                    outcome.as_str().into(),
                    payout.map(|id| id.0).into(),
                    reason.into(),
                ],
            })
            .collect())
    },
};
