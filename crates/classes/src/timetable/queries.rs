//! The SQL of the timetable.

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension,
    QueryDsl, RunQueryDsl,
};
use muster_auth::read::users;
use muster_coaches::read::coaches;
use muster_coaches::shown_name;
use muster_kernel::db::{Conn, DbResult, MultiBackend};
use muster_kernel::sql::among;
use muster_kernel::{Timestamp, UserId};
use serde::Serialize;

use super::{Filter, Place, Seen, Shown, Which};
use crate::booking::{self, Booking, BookingStatus};
use crate::class::{self, Class, ClassId};
use crate::schema::{bookings, class_words, classes};
use crate::words;

muster_kernel::join_across!(coaches, classes);
muster_kernel::join_across!(coaches, bookings);
muster_kernel::join_across!(coaches, class_words);
muster_kernel::join_across!(users, class_words);

/// People of all classes of a page that are shown at most.
const MOST_SHOWN: i64 = 5_000;

/// Before and after every class there is.
fn ever() -> (Timestamp, Timestamp) {
    let end = |micros| Timestamp::from_micros(micros).unwrap_or(Timestamp::new(chrono::DateTime::UNIX_EPOCH));
    (end(0), end(32_503_680_000_000_000))
}

type Span = (Option<Timestamp>, Option<Timestamp>);
type Names = (String, String, Option<String>);
type Row = (Class, Names, Option<Booking>, Option<i64>);

diesel::alias!(bookings as before: Before);

/// Classes with the name of the coach and the caller's booking.
macro_rules! seen_by {
    ($caller:expr) => {{
        let ahead = before
            .filter(before.field(bookings::class_id).eq(bookings::class_id))
            .filter(before.field(bookings::is_waiting).eq(true))
            .filter(before.field(bookings::place).le(bookings::place))
            .count()
            .single_value();
        classes::table
            .inner_join(users::table.on(users::id.eq(classes::coach_id)))
            .left_join(coaches::table.on(coaches::id.eq(classes::coach_id)))
            .left_join(
                bookings::table.on(bookings::class_id
                    .eq(classes::id)
                    .and(bookings::member_id.eq($caller))
                    .and(bookings::is_live.eq(true))),
            )
            .select((
                class::COLUMNS,
                (users::first_name, users::last_name, coaches::public_name.nullable()),
                booking::COLUMNS.nullable(),
                ahead,
            ))
            .into_boxed::<MultiBackend>()
    }};
}

/// Leaves in a query the classes that are asked for.
macro_rules! narrowed {
    ($query:expr, $caller:expr, $filter:expr, $span:expr) => {{
        let (mut query, filter, (from, to)): (_, &Filter, Span) = ($query, $filter, $span);
        if let Some(from) = from {
            query = query.filter(classes::starts_at.ge(from));
        }
        if let Some(to) = to {
            query = query.filter(classes::starts_at.lt(to));
        }
        if let Some(coach) = filter.coach_id {
            query = query.filter(classes::coach_id.eq(coach));
        }
        if let Some(series) = filter.series_id {
            query = query.filter(classes::series_id.eq(series));
        }
        if let Some(available) = filter.available {
            query = query.filter(classes::has_room.eq(available));
        }
        for word in &filter.words {
            let has_word = class_words::table
                .filter(class_words::class_id.eq(classes::id))
                .filter(class_words::word.ge(word.clone()))
                .filter(class_words::word.lt(words::end(word)));
            query = query.filter(exists(has_word));
        }
        query
    }};
}

/// The classes in which somebody has a place, or waits: looked up by their bookings, which are few.
macro_rules! mine {
    ($caller:expr, $span:expr) => {{
        let (from, to) = $span;
        let first = from.unwrap_or(ever().0);
        let last = to.unwrap_or(ever().1);
        before
            .filter(before.field(bookings::member_id).eq($caller))
            .filter(before.field(bookings::is_live).eq(true))
            .filter(before.field(bookings::starts_at).ge(first))
            .filter(before.field(bookings::starts_at).lt(last))
            .select(before.field(bookings::class_id))
    }};
}

fn seen((class, (first, last, public), booking, ahead): Row) -> Seen {
    let waits = booking.as_ref().is_some_and(|booking| booking.status == BookingStatus::Waitlisted);
    Seen {
        class,
        instructor_name: shown_name(public.as_deref(), &first, &last),
        my_booking: booking,
        my_position: ahead.filter(|_| waits),
        participants: Vec::new(),
    }
}

pub(super) fn list(
    conn: &mut Conn,
    caller: UserId,
    filter: &Filter,
    span: Span,
    after: Option<&Place>,
    limit: i64,
) -> DbResult<Vec<Seen>> {
    let mut query = narrowed!(seen_by!(caller), caller, filter, span);
    if filter.mine {
        query = query.filter(classes::id.eq_any(mine!(caller, span)));
    }
    if let Some((at, id)) = after {
        let at = Timestamp::from_micros(*at).unwrap_or(Timestamp::new(chrono::DateTime::UNIX_EPOCH));
        query = query.filter(classes::starts_at.ge(at));
        query = query.filter(classes::starts_at.gt(at).or(classes::id.gt(ClassId(*id))));
    }
    let rows: Vec<Row> = query.order((classes::starts_at, classes::id)).limit(limit).load(conn)?;
    Ok(rows.into_iter().map(seen).collect())
}

pub(super) fn count(conn: &mut Conn, caller: UserId, filter: &Filter, span: Span) -> DbResult<i64> {
    let mut query = narrowed!(classes::table.into_boxed::<MultiBackend>(), caller, filter, span);
    if filter.mine {
        query = query.filter(classes::id.eq_any(mine!(caller, span)));
    }
    Ok(query.count().get_result(conn)?)
}

pub(super) fn one(conn: &mut Conn, caller: UserId, id: ClassId) -> DbResult<Option<Seen>> {
    let row: Option<Row> = seen_by!(caller).filter(classes::id.eq(id)).get_result(conn).optional()?;
    Ok(row.map(seen))
}

/// Somebody with a place in a class.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Participant {
    /// The member.
    pub member_id: UserId,
    /// The person; the same number.
    pub user_id: UserId,
    /// Their name.
    pub name: String,
}

/// Those with a place in these classes, by name.
pub(super) fn participants(conn: &mut Conn, of: &[ClassId]) -> DbResult<HashMap<ClassId, Vec<Participant>>> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(ClassId, UserId, String, String)> = bookings::table
        .inner_join(users::table.on(users::id.eq(bookings::member_id)))
        .filter(among(bookings::class_id, of))
        .filter(bookings::is_live.eq(true))
        .filter(bookings::is_seated.eq(true))
        .order((users::name_key, bookings::id))
        .limit(MOST_SHOWN)
        .select((bookings::class_id, bookings::member_id, users::first_name, users::last_name))
        .load(conn)?;
    let mut all: HashMap<ClassId, Vec<Participant>> = HashMap::new();
    for (class, member_id, first, last) in rows {
        let name = format!("{first} {last}");
        all.entry(class).or_default().push(Participant { member_id, user_id: member_id, name });
    }
    Ok(all)
}

/// Somebody as they stand among those with a place.
pub(super) fn participant(conn: &mut Conn, id: UserId) -> DbResult<Option<Participant>> {
    let names: Option<(String, String)> = users::table
        .filter(users::id.eq(id))
        .select((users::first_name, users::last_name))
        .get_result(conn)
        .optional()?;
    Ok(names.map(|(first, last)| Participant { member_id: id, user_id: id, name: format!("{first} {last}") }))
}

macro_rules! wanted {
    ($query:expr, $which:expr) => {{
        let (mut query, which): (_, &Which) = ($query.into_boxed::<MultiBackend>(), $which);
        if let Some(class) = which.class_id {
            query = query.filter(bookings::class_id.eq(class));
        }
        if let Some(member) = which.member_id {
            query = query.filter(bookings::member_id.eq(member));
        }
        if let Some(status) = which.status {
            query = query.filter(bookings::status.eq(status));
        }
        if let Some(among) = &which.among {
            query = query.filter(bookings::member_id.eq_any(among.clone()));
        }
        query
    }};
}

/// Bookings, the latest first.
pub(super) fn bookings(
    conn: &mut Conn,
    which: &Which,
    after: Option<i64>,
    limit: i64,
) -> DbResult<Vec<Shown>> {
    let ahead = before
        .filter(before.field(bookings::class_id).eq(bookings::class_id))
        .filter(before.field(bookings::is_waiting).eq(true))
        .filter(before.field(bookings::place).le(bookings::place))
        .count()
        .single_value();
    let all = bookings::table.inner_join(classes::table.on(classes::id.eq(bookings::class_id))).select((
        booking::COLUMNS,
        ahead,
        classes::class_title,
        classes::starts_at,
    ));
    let mut query = wanted!(all, which);
    if let Some(after) = after {
        query = query.filter(bookings::id.lt(crate::BookingId(after)));
    }
    let rows: Vec<(Booking, Option<i64>, String, Timestamp)> =
        query.order(bookings::id.desc()).limit(limit).load(conn)?;
    let row = |(booking, ahead, title, at): (Booking, Option<i64>, String, Timestamp)| {
        let waits = booking.status == BookingStatus::Waitlisted;
        Shown::of(booking, ahead.filter(|_| waits), title, at)
    };
    Ok(rows.into_iter().map(row).collect())
}

pub(super) fn count_bookings(conn: &mut Conn, which: &Which) -> DbResult<i64> {
    Ok(wanted!(bookings::table, which).count().get_result(conn)?)
}
