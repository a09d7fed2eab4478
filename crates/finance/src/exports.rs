//! What `muster export` writes of the books: every table, in the order of its key.

use diesel::{ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::domain::{Export, ExportRow};
use muster_kernel::{Minor, Timestamp, UserId};
use serde_json::{Value, json};

use crate::Month;
use crate::schema::{
    accounts, allocations, bill_payments, bills, charges, closed_periods, credits, entries, entry_notes,
    postings, prepaid_lots, prepaid_moves,
};

pub(crate) fn all() -> Vec<Export> {
    vec![
        Export {
            name: "accounts",
            columns: &["id", "account", "name", "type", "is_category"],
            rows: the_accounts,
        },
        Export {
            name: "entries",
            columns: &["id", "kind", "date", "made_by", "made_at", "reverses", "text", "reference", "reason"],
            rows: the_entries,
        },
        Export {
            name: "postings",
            columns: &["id", "entry_id", "account_id", "amount", "date", "member_id", "coach_id"],
            rows: the_postings,
        },
        Export {
            name: "charges",
            columns: &[
                "id",
                "entry_id",
                "member_id",
                "kind",
                "account_id",
                "amount",
                "open",
                "date",
                "due_on",
                "is_reversed",
            ],
            rows: the_charges,
        },
        Export {
            name: "credits",
            columns: &[
                "id",
                "entry_id",
                "member_id",
                "kind",
                "account_id",
                "amount",
                "rest",
                "date",
                "is_reversed",
            ],
            rows: the_credits,
        },
        Export { name: "allocations", columns: &["charge_id", "credit_id", "amount"], rows: the_allocations },
        Export {
            name: "prepaid_lots",
            columns: &[
                "id",
                "entry_id",
                "member_id",
                "account_id",
                "count",
                "amount",
                "date",
                "expires_on",
                "used",
                "reserved",
                "lapsed",
                "released",
            ],
            rows: the_lots,
        },
        Export {
            name: "prepaid_moves",
            columns: &["id", "lot_id", "entry_id", "date", "fees", "amount"],
            rows: the_moves,
        },
        Export {
            name: "bills",
            columns: &[
                "id",
                "entry_id",
                "payee",
                "text",
                "amount",
                "open",
                "account_id",
                "date",
                "due_on",
                "repeat",
                "next_on",
                "repeats",
                "stands_for",
                "is_reversed",
            ],
            rows: the_bills,
        },
        Export {
            name: "bill_payments",
            columns: &["id", "bill_id", "entry_id", "account_id", "amount", "date", "is_reversed"],
            rows: the_bill_payments,
        },
        Export {
            name: "closed_periods",
            columns: &["period", "closed_at", "closed_by"],
            rows: the_closed_periods,
        },
    ]
}

/// A row whose key is its first value.
fn row(values: Value) -> ExportRow {
    let values = match values {
        Value::Array(values) => values,
        other => vec![other],
    };
    ExportRow { key: values.first().and_then(Value::as_i64).unwrap_or_default(), values }
}

macro_rules! in_order {
    ($conn:expr, $after:expr, $limit:expr, $table:ident, $($column:ident: $type:ty),+) => {{
        let rows: Vec<(i64, $($type),+)> = $table::table
            .filter($table::id.gt($after))
            .order($table::id)
            .limit($limit)
            .select(($table::id, $($table::$column),+))
            .load($conn)?;
        Ok(rows.into_iter().map(|values| row(json!(values))).collect())
    }};
}

type Rows = DbResult<Vec<ExportRow>>;
type Day = chrono::NaiveDate;

fn the_accounts(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    in_order!(conn, after, limit, accounts, account: String, name: String, kind: String, is_category: bool)
}

fn the_entries(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    type Entry = (
        i64,
        String,
        Day,
        Option<UserId>,
        Timestamp,
        Option<i64>,
        Option<String>,
        Option<String>,
        Option<String>,
    );
    let rows: Vec<Entry> = entries::table
        .left_join(entry_notes::table.on(entry_notes::entry_id.eq(entries::id)))
        .filter(entries::id.gt(after))
        .order(entries::id)
        .limit(limit)
        .select((
            entries::id,
            entries::kind,
            entries::date,
            entries::made_by,
            entries::made_at,
            entries::reverses,
            entry_notes::text.nullable(),
            entry_notes::reference.nullable(),
            entry_notes::reason.nullable(),
        ))
        .load(conn)?;
    Ok(rows.into_iter().map(|values| row(json!(values))).collect())
}

fn the_postings(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    in_order!(
        conn, after, limit, postings,
        entry_id: i64, account_id: i64, amount: Minor, date: Day, member_id: Option<UserId>, coach_id: Option<UserId>
    )
}

fn the_charges(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    in_order!(
        conn, after, limit, charges,
        entry_id: i64, member_id: UserId, kind: String, account_id: i64, amount: Minor, open: Minor, date: Day,
        due_on: Day, is_reversed: bool
    )
}

fn the_credits(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    in_order!(
        conn, after, limit, credits,
        entry_id: i64, member_id: UserId, kind: String, account_id: i64, amount: Minor, rest: Minor, date: Day,
        is_reversed: bool
    )
}

/// They have no number of their own, so a page goes on after a charge: all allocations of one stand on the same page.
fn the_allocations(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    let rows: Vec<(i64, i64, Minor)> = allocations::table
        .filter(allocations::charge_id.gt(after))
        .order((allocations::charge_id, allocations::credit_id))
        .limit(limit)
        .select((allocations::charge_id, allocations::credit_id, allocations::amount))
        .load(conn)?;
    let is_last = (rows.len() as i64) < limit;
    let last = rows.last().map(|(charge, _, _)| *charge);
    let mut whole: Vec<_> =
        rows.into_iter().filter(|(charge, _, _)| is_last || Some(*charge) != last).collect();
    if whole.is_empty()
        && let Some(charge) = last
    {
        // One charge that more credits settled than a page has rows.
        whole = allocations::table
            .filter(allocations::charge_id.eq(charge))
            .order(allocations::credit_id)
            .select((allocations::charge_id, allocations::credit_id, allocations::amount))
            .load(conn)?;
    }
    Ok(whole.into_iter().map(|values| row(json!(values))).collect())
}

fn the_lots(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    in_order!(
        conn, after, limit, prepaid_lots,
        entry_id: i64, member_id: UserId, account_id: i64, count: i32, amount: Minor, date: Day,
        expires_on: Option<Day>, used: i32, reserved: i32, lapsed: i32, released: Minor
    )
}

fn the_moves(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    in_order!(
        conn, after, limit, prepaid_moves,
        lot_id: i64, entry_id: i64, date: Day, fees: i32, amount: Minor
    )
}

fn the_bills(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    in_order!(
        conn, after, limit, bills,
        entry_id: i64, payee: String, text: String, amount: Minor, open: Minor, account_id: i64, date: Day,
        due_on: Day, repeat: Option<String>, next_on: Option<Day>, repeats: Option<i64>, stands_for: Option<Day>,
        is_reversed: bool
    )
}

fn the_bill_payments(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    in_order!(
        conn, after, limit, bill_payments,
        bill_id: i64, entry_id: i64, account_id: i64, amount: Minor, date: Day, is_reversed: bool
    )
}

/// A month's number is its digits: 202611.
fn the_closed_periods(conn: &mut Conn, after: i64, limit: i64) -> Rows {
    let after = if after == 0 { String::new() } else { format!("{:04}-{:02}", after / 100, after % 100) };
    let rows: Vec<(String, Timestamp, UserId)> = closed_periods::table
        .filter(closed_periods::period.gt(after))
        .order(closed_periods::period)
        .limit(limit)
        .load(conn)?;
    let number =
        |period: &str| period.parse::<Month>().map_or(0, |_| period.replace('-', "").parse().unwrap_or(0));
    Ok(rows
        .into_iter()
        .map(|(period, at, by)| ExportRow {
            key: number(&period),
            values: vec![json!(period), json!(at), json!(by)],
        })
        .collect())
}
