//! The list of all members as a file, with the columns that an import reads first.

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::permissions::ExportMembers;
use muster_auth::read::users;
use muster_auth::{Can, club};
use muster_finance::read::standing;
use muster_kernel::csv::{Cell, Decimals};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::{Minor, Timestamp, UserId};

use crate::record::Contact;
use crate::schema::members;
use crate::{Money, Standing, plans};

/// The names of the columns.
pub const COLUMNS: [&str; 17] = [
    "first_name",
    "last_name",
    "email",
    "date_of_birth",
    "phone",
    "address",
    "emergency_contact",
    "notes",
    "external_id",
    "status",
    "plan",
    "id",
    "date_joined",
    "plan_id",
    "payment_status",
    "balance",
    "prepaid_fees",
];

type Row = (
    UserId,
    (String, String, Option<String>, Option<chrono::NaiveDate>, Timestamp),
    Standing,
    Contact,
    (Option<String>, Option<String>),
    Money,
);

/// Up to `limit` members after this one, in the order of their ids, and after whom there are more. Those who were erased
/// are left out.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut Conn,
    _: &Can<ExportMembers>,
    after: Option<UserId>,
    limit: i64,
    now: Timestamp,
) -> DbResult<(Vec<Vec<Cell>>, Option<UserId>)> {
    let club = club::settings(conn)?;
    let (decimals, today) = (Decimals::of(&club.currency), club.today(now));
    let rows: Vec<Row> = members::table
        .inner_join(users::table.on(users::id.eq(members::id)))
        .inner_join(standing::table.on(standing::member_id.eq(members::id)))
        .filter(members::id.gt(after.unwrap_or(UserId(0))))
        .filter(users::erased_at.is_null())
        .order(members::id)
        .limit(limit)
        .select((
            members::id,
            (users::first_name, users::last_name, users::email, users::date_of_birth, users::date_joined),
            members::status,
            (members::phone, members::address, members::emergency_contact),
            (members::notes, members::external_id),
            (
                members::plan_id,
                standing::balance,
                standing::overdue_from,
                standing::prepaid_fees,
                standing::prepaid_reserved,
            ),
        ))
        .load(conn)?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows == limit);
    let last = rows.last().map(|row| row.0).filter(|_| is_full);
    let plans = plans::names(conn, rows.iter().filter_map(|row| row.5.plan_id).collect())?;
    let cells = |(id, person, status, contact, (notes, external_id), money): Row| {
        let (first_name, last_name, email, date_of_birth, date_joined) = person;
        vec![
            first_name.into(),
            last_name.into(),
            email.into(),
            date_of_birth.into(),
            contact.phone.into(),
            contact.address.into(),
            contact.emergency_contact.into(),
            notes.into(),
            external_id.into(),
            status.into(),
            money.plan_id.and_then(|plan| plans.get(&plan).cloned()).into(),
            id.into(),
            date_joined.into(),
            money.plan_id.into(),
            money.status(today).into(),
            Cell::Amount(Minor(money.balance), decimals),
            money.prepaid_fees.into(),
        ]
    };
    Ok((rows.into_iter().map(cells).collect(), last))
}
