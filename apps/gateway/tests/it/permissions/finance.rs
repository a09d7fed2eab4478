//! The table's part about money.

use serde_json::json;

use super::club::Thing::{Bill, Entry, Lot, Period, Person};
use super::row::Row;

#[rustfmt::skip]
pub fn finance() -> Vec<Row> {
    let mut rows = vec![
        //                                                                pending member coach treasurer admin
        Row::of("POST /api/members/{id}/charges").on(Person)
            .with(|_| json!({"amount": 100, "account": "dues", "text": "Dues"}))
                                                                    .own("403 403 403 201 201")
                                                                  .wards("403 403 403 201 201")
                                                                 .others("403 403 403 201 201")
                                                                 .admins("403 403 403 201 201")
                                                                .missing("403 403 403 404 404"),
        Row::of("POST /api/members/{id}/payments").on(Person)
            .with(|_| json!({"amount": 100, "method": "cash"}))     .own("403 403 403 201 201")
                                                                  .wards("403 403 403 201 201")
                                                                 .others("403 403 403 201 201")
                                                                 .admins("403 403 403 201 201")
                                                                .missing("403 403 403 404 404"),
        // More than anybody has as credit, or owes.
        Row::of("POST /api/members/{id}/refunds").on(Person)
            .with(|_| json!({"amount": 1_000_000_000, "method": "cash"}))
                                                                    .own("403 403 403 409:exceeds_credit 409:exceeds_credit")
                                                                  .wards("403 403 403 409:exceeds_credit 409:exceeds_credit")
                                                                 .others("403 403 403 409:exceeds_credit 409:exceeds_credit")
                                                                 .admins("403 403 403 409:exceeds_credit 409:exceeds_credit")
                                                                .missing("403 403 403 404 404"),
        Row::of("POST /api/members/{id}/write-offs").on(Person)
            .with(|_| json!({"amount": 1_000_000_000, "reason": "Gone"}))
                                                                    .own("403 403 403 409:exceeds_balance 409:exceeds_balance")
                                                                  .wards("403 403 403 409:exceeds_balance 409:exceeds_balance")
                                                                 .others("403 403 403 409:exceeds_balance 409:exceeds_balance")
                                                                 .admins("403 403 403 409:exceeds_balance 409:exceeds_balance")
                                                                .missing("403 403 403 404 404"),
        Row::of("POST /api/members/{id}/prepaid-fees").on(Person)
            .with(|_| json!({"count": 1, "amount": 100, "method": "cash"}))
                                                                    .own("403 403 403 201 201")
                                                                  .wards("403 403 403 201 201")
                                                                 .others("403 403 403 201 201")
                                                                 .admins("403 403 403 201 201")
                                                                .missing("403 403 403 404 404"),
        Row::of("POST /api/members/{id}/prepaid-fees/{lot_id}/refund").on(Lot)
            .with(|_| json!({"count": 1, "amount": 1, "method": "cash"})).others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("GET /api/finance/accounts")                        .own("403 403 403 200 200"),
        Row::of("GET /api/finance/categories")                      .own("403 403 403 200 200"),
        Row::of("POST /api/finance/categories")
            .with(|it| json!({"name": it["address"]}))              .own("403 403 403 201 201"),
        Row::of("GET /api/finance/entries")                         .own("403 403 403 200 200"),
        Row::of("POST /api/finance/entries")
            .with(|_| json!({"kind": "transfer", "from": "cash", "to": "bank", "amount": 1, "text": "x"}))
                                                                    .own("403 403 403 201 201"),
        Row::of("GET /api/finance/entries/{id}").on(Entry)       .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("POST /api/finance/entries/{id}/reverse").on(Entry)
            .with(|_| json!({"reason": "Twice"}))                .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("GET /api/finance/periods")                         .own("403 403 403 200 200"),
        // A month that has not ended.
        Row::of("POST /api/finance/periods/{period}/close").on(Period)
            .with(|_| json!({}))                                    .own("403 403 403 409:invalid_state 409:invalid_state"),
        Row::of("POST /api/finance/periods/{period}/reopen").on(Period)
            .with(|_| json!({"reason": "Late"}))                    .own("403 403 403 403 409:invalid_state"),
        Row::of("GET /api/finance/bills")                           .own("403 403 403 200 200"),
        Row::of("POST /api/finance/bills")
            .with(|_| json!({
                "payee": "City", "amount": 100, "category": "other_expenses", "text": "Rent",
                "due_on": "2026-01-01",
            }))                                                     .own("403 403 403 201 201"),
        Row::of("GET /api/finance/bills/{id}").on(Bill)          .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("PATCH /api/finance/bills/{id}").on(Bill)
            .with(|_| json!({"repeat": "month"}))                .others("403 403 403 200 200")
                                                                .missing("403 403 403 404 404"),
        Row::of("POST /api/finance/bills/{id}/payments").on(Bill)
            .with(|_| json!({"amount": 1, "method": "cash"}))    .others("403 403 403 201 201")
                                                                .missing("403 403 403 404 404"),
        Row::of("GET /api/finance/journal")                         .own("403 403 403 200 200"),
        Row::of("GET /api/finance/reports/monthly")                 .own("403 403 403 200 200"),
        Row::of("GET /api/finance/reports/income-statement")        .own("403 403 403 200 200"),
        Row::of("GET /api/finance/reports/trial-balance")           .own("403 403 403 200 200"),
        Row::of("GET /api/finance/reports/receivables")             .own("403 403 403 200 200"),
        Row::of("GET /api/finance/reports/payables")                .own("403 403 403 200 200"),
        Row::of("GET /api/finance/reports/prepaid")                 .own("403 403 403 200 200"),
    ];
    for seen in [
        "GET /api/members/{id}/charges", "GET /api/members/{id}/payments", "GET /api/members/{id}/refunds",
        "GET /api/members/{id}/write-offs", "GET /api/members/{id}/prepaid-fees", "GET /api/members/{id}/statement",
    ] {
        rows.push(
            Row::of(seen).on(Person)
                                                                    .own("200")
                                                                  .wards("200")
                                                                 .others("404 404 404 200 200")
                                                                 .admins("404 404 404 200 200")
                                                                .missing("404"),
        );
    }
    rows
}
