//! The table's part about calendars.

use serde_json::json;

use super::club::Thing::Calendar;
use super::row::Row;

/// Programs that show calendars cannot sign in, so both feeds are open: the timetable is for everybody, and a personal
/// one is for whoever has its address, as the address says.
pub fn calendar() -> Vec<Row> {
    vec![
        Row::of("GET /api/calendar/classes.ics").public("200"),
        Row::of("GET /api/calendar/{secret}.ics").on(Calendar).public("200"),
        Row::of("POST /api/calendar/me").with(|_| json!({})).own("200"),
        Row::of("DELETE /api/calendar/me").own("204"),
    ]
}
