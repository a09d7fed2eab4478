//! The table's part about classes and bookings.

use serde_json::json;

use super::club::Thing::{Booking, Class, Coach, Person, Series};
use super::row::Row;

/// Whoever is no coach has no class of their own: what is theirs is then that of some coach.
#[rustfmt::skip]
pub fn classes() -> Vec<Row> {
    vec![
        //                                                                pending member coach treasurer admin
        Row::of("GET /api/classes")                                 .own("200"),
        Row::of("GET /api/coaches/{id}/classes").on(Coach)          .own("404 404 200 404 404")
                                                                 .others("200")
                                                                .missing("404"),
        Row::of("POST /api/classes").on(Coach)
            .with(|it| json!({
                "class_title": "Yoga", "coach_id": it["id"], "class_datetime": it["at"], "duration_minutes": 60,
                "location": "Hall 2", "capacity": 10, "fee": 0,
            }))                                                     .own("403 403 201 403 422:invalid_fields")
                                                                 .others("403 403 403 403 201")
                                                                .missing("403 403 403 403 422:invalid_fields"),
        Row::of("GET /api/classes/{id}").on(Class)                  .own("200")
                                                                 .others("200")
                                                                .missing("404"),
        Row::of("PATCH /api/classes/{id}").on(Class)
            .with(|_| json!({"location": "Hall 1"}))                .own("403 403 200 403 200")
                                                                 .others("403 403 403 403 200")
                                                                .missing("403 403 404 403 404"),
        Row::of("POST /api/classes/{id}/cancel").on(Class)
            .with(|_| json!({"reason": "Snow"}))                    .own("403 403 200 403 200")
                                                                 .others("403 403 403 403 200")
                                                                .missing("403 403 404 403 404"),
        // It has not begun.
        Row::of("POST /api/classes/{id}/complete").on(Class)
            .with(|_| json!({}))                                    .own("403 403 409:invalid_state 403 409:invalid_state")
                                                                 .others("403 403 403 403 409:invalid_state")
                                                                .missing("403 403 404 403 404"),
        Row::of("GET /api/classes/{id}/attendance").on(Class)       .own("403 403 200 403 200")
                                                                 .others("403 403 403 403 200")
                                                                .missing("403 403 404 403 404"),
        Row::of("PUT /api/classes/{id}/attendance").on(Class)
            .with(|_| json!({"marks": [{"member_id": 1, "status": "attended"}]}))
                                                                    .own("403 403 409:invalid_state 403 409:invalid_state")
                                                                 .others("403 403 403 403 409:invalid_state")
                                                                .missing("403 403 404 403 404"),
        Row::of("POST /api/classes/{id}/bookings").on(Class)
            .with(|_| json!({}))                                    .own("409:invalid_state 201 201 201 201")
                                                                 .others("409:invalid_state 201 201 201 201")
                                                                .missing("404"),
        Row::of("GET /api/classes/{id}/bookings").on(Class)         .own("200")
                                                                 .others("200")
                                                                .missing("404"),
        Row::of("GET /api/bookings")                                .own("200"),
        // Whose membership is pending has none.
        Row::of("GET /api/bookings/{id}").on(Booking)               .own("404 200 200 200 200")
                                                                 .others("404 404 200 200 200")
                                                                .missing("404"),
        Row::of("GET /api/bookings/{id}/cancellation-quote").on(Booking)
                                                                    .own("404 200 200 200 200")
                                                                 .others("404 404 403 403 200")
                                                                .missing("404"),
        Row::of("POST /api/bookings/{id}/cancel").on(Booking)
            .with(|_| json!({}))                                    .own("404 200 200 200 200")
                                                                 .others("404 404 403 403 200")
                                                                .missing("404"),
        Row::of("POST /api/bookings/{id}/move").on(Booking)
            .with(|it| json!({"class_id": it["other_class_id"]}))   .own("404 201 201 201 201")
                                                                 .others("404 404 403 403 201")
                                                                .missing("404"),
        Row::of("GET /api/members/{id}/attendance").on(Person)      .own("200")
                                                                  .wards("200")
                                                                 .others("404 404 200 200 200")
                                                                 .admins("404 404 200 200 200")
                                                                .missing("404"),
        Row::of("GET /api/class-series")                            .own("200"),
        Row::of("POST /api/class-series").on(Coach)
            .with(|it| json!({
                "class_title": "Yoga", "coach_id": it["id"], "local_start": it["local"], "duration_minutes": 60,
                "location": "Hall 2", "capacity": 10, "fee": 0, "rrule": "FREQ=DAILY;COUNT=2",
            }))                                                     .own("403 403 201 403 422:invalid_fields")
                                                                 .others("403 403 403 403 201")
                                                                .missing("403 403 403 403 422:invalid_fields"),
        Row::of("GET /api/class-series/{id}").on(Series)            .own("200")
                                                                 .others("200")
                                                                .missing("404"),
        Row::of("PATCH /api/class-series/{id}").on(Series)
            .with(|_| json!({"location": "Hall 1"}))
            .own("403 403 428:precondition_required 403 428:precondition_required")
            .others("403 403 428:precondition_required 403 428:precondition_required")
            .missing("403 403 428:precondition_required 403 428:precondition_required"),
        Row::of("DELETE /api/class-series/{id}").on(Series)
            .own("403 403 428:precondition_required 403 428:precondition_required")
            .others("403 403 428:precondition_required 403 428:precondition_required")
            .missing("403 403 428:precondition_required 403 428:precondition_required"),
    ]
}
