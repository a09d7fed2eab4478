//! What `muster export` writes of classes.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_kernel::domain::{Export, ExportRow};

use crate::booking::{self, Booking, BookingId};
use crate::class::{self, Class, ClassId};
use crate::schema::{bookings, classes};
use crate::{ratings, series};

pub(crate) const ALL: [Export; 4] = [SERIES, CLASSES, BOOKINGS, RATINGS];

const SERIES: Export = Export {
    name: "class_series",
    columns: &[
        "id",
        "class_title",
        "coach_id",
        "duration_minutes",
        "location",
        "capacity",
        "fee",
        "description",
        "time_zone",
        "rrule",
        "local_start",
        "sessions_until",
        "last_date",
        "continues",
    ],
    rows: |conn, after, limit| {
        let row = |it: series::Series| ExportRow {
            key: it.id.0,
            values: vec![
                it.id.0.into(),
                it.class_title.into(),
                it.coach_id.0.into(),
                it.duration_minutes.into(),
                it.location.into(),
                it.capacity.into(),
                it.fee.0.into(),
                it.description.into(),
                it.time_zone.into(),
                it.rrule.into(),
                it.local_start.into(),
                it.sessions_until.to_string().into(),
                it.last_date.map(|day| day.to_string()).into(),
                it.continues.map(|id| id.0).into(),
            ],
        };
        Ok(series::after(conn, after, limit)?.into_iter().map(row).collect())
    },
};

const CLASSES: Export = Export {
    name: "classes",
    columns: &[
        "id",
        "series_id",
        "class_title",
        "coach_id",
        "class_datetime",
        "time_zone",
        "duration_minutes",
        "location",
        "capacity",
        "fee",
        "description",
        "status",
        "cancelled_reason",
        "booked_count",
        "waitlist_count",
        "attended_count",
    ],
    rows: |conn, after, limit| {
        let rows: Vec<Class> = classes::table
            .filter(classes::id.gt(ClassId(after)))
            .order(classes::id)
            .limit(limit)
            .select(class::COLUMNS)
            .load(conn)?;
        let row = |it: Class| ExportRow {
            key: it.id.0,
            values: vec![
                it.id.0.into(),
                it.series_id.map(|id| id.0).into(),
                it.class_title.into(),
                it.coach_id.0.into(),
                it.starts_at.to_string().into(),
                it.time_zone.into(),
                it.duration_minutes.into(),
                it.location.into(),
                it.capacity.into(),
                it.fee.0.into(),
                it.description.into(),
                it.status.as_str().into(),
                it.cancelled_reason.into(),
                it.booked_count.into(),
                it.waitlist_count.into(),
                it.attended_count.into(),
            ],
        };
        Ok(rows.into_iter().map(row).collect())
    },
};

const BOOKINGS: Export = Export {
    name: "bookings",
    columns: &[
        "id",
        "class_id",
        "member_id",
        "status",
        "fee",
        "free_until",
        "lot_id",
        "charge_id",
        "walk_in",
        "booked_at",
    ],
    rows: |conn, after, limit| {
        let rows: Vec<Booking> = bookings::table
            .filter(bookings::id.gt(BookingId(after)))
            .order(bookings::id)
            .limit(limit)
            .select(booking::COLUMNS)
            .load(conn)?;
        let row = |it: Booking| ExportRow {
            key: it.id.0,
            values: vec![
                it.id.0.into(),
                it.class_id.0.into(),
                it.member_id.0.into(),
                it.status.as_str().into(),
                it.fee.0.into(),
                it.free_until.to_string().into(),
                it.lot_id.map(|id| id.0).into(),
                it.charge_id.map(|id| id.0).into(),
                it.walk_in.into(),
                it.booked_at.to_string().into(),
            ],
        };
        Ok(rows.into_iter().map(row).collect())
    },
};

/// Without whose they are: that is nobody's business but theirs.
const RATINGS: Export = Export {
    name: "class_ratings",
    columns: &["id", "class_id", "stars"],
    rows: |conn, after, limit| {
        let row = |(id, class, stars): (i64, ClassId, i32)| ExportRow {
            key: id,
            values: vec![id.into(), class.0.into(), stars.into()],
        };
        Ok(ratings::after(conn, after, limit)?.into_iter().map(row).collect())
    },
};
