//! The table's part about the door of a class, its ratings, and what coaches did.

use serde_json::json;

use super::club::Thing::{Class, Coach};
use super::row::Row;

#[rustfmt::skip]
pub fn door() -> Vec<Row> {
    vec![
        //                                                                pending member coach treasurer admin
        Row::of("POST /api/members/me/check-in-code")               .own("200"),
        // No code is known here; whoever may scan one hears so.
        Row::of("POST /api/classes/{id}/check-in").on(Class)
            .with(|_| json!({"code": "x"}))                         .own("403 403 422:token_invalid 403 422:token_invalid")
                                                                 .others("403 403 403 403 422:token_invalid")
                                                                .missing("403 403 404 403 404"),
        // Nobody who asks has attended it.
        Row::of("PUT /api/classes/{id}/rating").on(Class)
            .with(|_| json!({"stars": 5}))                          .own("409:invalid_state")
                                                                 .others("409:invalid_state")
                                                                .missing("404"),
        Row::of("GET /api/classes/{id}/rating").on(Class)           .own("404")
                                                                 .others("404")
                                                                .missing("404"),
        // Whoever is no coach has nothing of a coach's own.
        Row::of("GET /api/coaches/{id}/overview").on(Coach)
                                                                    .own("403 403 200 404 404")
                                                                 .others("403 403 403 200 200")
                                                                .missing("403 403 404 404 404"),
    ]
}
