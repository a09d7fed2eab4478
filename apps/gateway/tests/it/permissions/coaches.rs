//! The table's part about coaches.

use serde_json::json;

use super::club::Thing::{Coach, CoachTerms, Payout, PayrollRun};
use super::row::Row;

#[rustfmt::skip]
pub fn coaches() -> Vec<Row> {
    let mut rows = vec![
        //                                                                pending member coach treasurer admin
        Row::of("GET /api/coaches")                                 .own("200"),
        Row::of("POST /api/coaches").on(Coach)
            .with(|it| json!({"user_id": it["id"]}))                .own("403 403 403 403 422:invalid_fields")
                                                                 .others("403 403 403 403 201")
                                                                .missing("403 403 403 403 422:invalid_fields"),
        Row::of("PATCH /api/coaches/{id}").on(Coach)
            .with(|_| json!({"bio": "Judo"}))                       .own("403 403 200 403 404")
                                                                 .others("403 403 403 403 200")
                                                                .missing("403 403 404 403 404"),
        Row::of("PUT /api/coaches/{id}/availability").on(Coach)
            .with(|_| json!({"weekly": [], "exceptions": []}))      .own("403 403 200 403 404")
                                                                 .others("403 403 403 403 200")
                                                                .missing("403 403 404 403 404"),
        Row::of("POST /api/coaches/{id}/terms").on(Coach)
            .with(|_| json!({"starts_on": "2026-01-01", "per_class": 2000}))
                                                                    .own("403 403 403 404 404")
                                                                 .others("403 403 403 201 201")
                                                                .missing("403 403 403 404 404"),
        Row::of("GET /api/coaches/{id}/terms/{terms_id}").on(CoachTerms)
                                                                 .others("403 403 403 200 200")
                                                                .missing("404"),
        Row::of("DELETE /api/coaches/{id}/terms/{terms_id}").on(CoachTerms)
                                                                 .others("403 403 403 204 204")
                                                                .missing("403 403 403 404 404"),
        // Nothing is due.
        Row::of("POST /api/coaches/{id}/payouts").on(Coach)
            .with(|_| json!({"method": "bank"}))                    .own("403 403 403 404 404")
                                                                 .others("403 403 403 409:invalid_state 409:invalid_state")
                                                                .missing("403 403 403 404 404"),
        Row::of("GET /api/coaches/{id}/payouts/{payout_id}").on(Payout)
                                                                 .others("403 403 403 200 200")
                                                                .missing("404"),
        Row::of("POST /api/coaches/{id}/payouts/{payout_id}/reverse").on(Payout)
            .with(|_| json!({"reason": "Sent back"}))            .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("GET /api/payroll-runs")                            .own("403 403 403 200 200"),
        Row::of("POST /api/payroll-runs")
            .with(|_| json!({"through": "2026-01-01"}))             .own("403 403 403 202 202"),
        Row::of("GET /api/payroll-runs/{id}").on(PayrollRun)     .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("GET /api/payroll-runs/{id}/lines").on(PayrollRun)
                                                                 .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
    ];
    // Whoever is no coach has nothing of a coach's own.
    for seen in ["GET /api/coaches/{id}", "GET /api/coaches/{id}/availability"] {
        rows.push(
            Row::of(seen).on(Coach)
                                                                    .own("404 404 200 404 404")
                                                                 .others("200")
                                                                .missing("404"),
        );
    }
    for seen in [
        "GET /api/coaches/{id}/terms", "GET /api/coaches/{id}/pay", "GET /api/coaches/{id}/payouts",
        "GET /api/coaches/{id}/statement",
    ] {
        rows.push(
            Row::of(seen).on(Coach)
                                                                    .own("404 404 200 404 404")
                                                                 .others("403 403 403 200 200")
                                                                .missing("404"),
        );
    }
    rows
}
