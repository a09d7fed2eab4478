//! What was unpaid when a day ended that is over. Payments of bills and what takes them back have their days. What a
//! member's payments settled has none: what had come until then is taken to have settled what was due first, as in the
//! report of who owed what.
//!
//! It costs what all that was ever billed and charged costs, and not what was unpaid: nothing is kept of days.

use chrono::NaiveDate;
use diesel::sql_types::{BigInt, Bool, Date, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::{Minor, UserId};

use crate::accounts::fixed;
use crate::bills::BillId;
use crate::charges::ChargeId;

/// A bill that was open.
#[derive(Debug, QueryableByName)]
pub(super) struct OpenBill {
    #[diesel(sql_type = BigInt)]
    pub(super) id: BillId,
    #[diesel(sql_type = Text)]
    pub(super) payee: String,
    #[diesel(sql_type = Date)]
    pub(super) due_on: NaiveDate,
    #[diesel(sql_type = BigInt)]
    pub(super) open: Minor,
}

// In the order of an index, of those that are open now and of those that are not. An engine that is to look at both
// at once sorts them all.
const BILLS: &str = "SELECT id, payee, due_on, amount - paid AS open FROM (\
    SELECT b.id, b.payee, b.due_on, b.amount, (\
        SELECT CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) FROM bill_payments p \
        LEFT JOIN entries r ON r.reverses = p.entry_id \
        WHERE p.bill_id = b.id AND p.date <= $1 AND (r.id IS NULL OR r.date > $1)) AS paid \
    FROM bills b LEFT JOIN entries r ON r.reverses = b.entry_id \
    WHERE b.is_open = $2 AND b.date <= $1 AND (r.id IS NULL OR r.date > $1) \
        AND b.due_on >= $3 AND (b.due_on > $3 OR b.id > $4)) AS made \
    WHERE paid < amount ORDER BY due_on, id LIMIT $5";

/// Bills that were open when this day ended, the one due first at the top.
pub(super) fn open_bills(
    conn: &mut Conn,
    as_of: NaiveDate,
    after: Option<(NaiveDate, i64)>,
    limit: i64,
) -> DbResult<Vec<OpenBill>> {
    let (day, id) = after.unwrap_or((NaiveDate::default(), 0));
    let mut bills: Vec<OpenBill> = Vec::new();
    for is_open in [true, false] {
        let query = sql_query(BILLS).bind::<Date, _>(as_of).bind::<Bool, _>(is_open);
        let query = query.bind::<Date, _>(day).bind::<BigInt, _>(id).bind::<BigInt, _>(limit);
        bills.extend(query.load::<OpenBill>(conn)?);
    }
    Ok(bills)
}

/// Something that a member owed.
#[derive(Debug, QueryableByName)]
pub(super) struct OpenCharge {
    #[diesel(sql_type = BigInt)]
    pub(super) id: ChargeId,
    #[diesel(sql_type = BigInt)]
    pub(super) member_id: UserId,
    #[diesel(sql_type = Date)]
    pub(super) due_on: NaiveDate,
    #[diesel(sql_type = BigInt)]
    amount: Minor,
    /// What the member owed, less what was due after this.
    #[diesel(sql_type = BigInt)]
    rest: Minor,
}

impl OpenCharge {
    pub(super) fn open(&self) -> Minor {
        self.amount.min(self.rest)
    }
}

const CHARGES: &str = "SELECT id, member_id, due_on, amount, owed - later AS rest FROM (\
    SELECT c.id, c.member_id, c.due_on, c.amount, (\
        SELECT CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) FROM postings p \
        WHERE p.member_id = c.member_id AND p.account_id = $1 AND p.date <= $2) AS owed, (\
        SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) FROM charges l \
        LEFT JOIN entries r ON r.reverses = l.entry_id \
        WHERE l.member_id = c.member_id AND l.due_on >= c.due_on AND l.date <= $2 \
            AND (l.due_on > c.due_on OR (l.date, l.id) > (c.date, c.id)) \
            AND (r.id IS NULL OR r.date > $2)) AS later \
    FROM charges c LEFT JOIN entries r ON r.reverses = c.entry_id \
    WHERE c.is_open = $3 AND c.date <= $2 AND (r.id IS NULL OR r.date > $2) \
        AND c.due_on >= $4 AND (c.due_on > $4 OR c.id > $5)) AS made \
    WHERE owed > later ORDER BY due_on, id LIMIT $6";

/// What members owed when this day ended, what was due first at the top.
pub(super) fn open_charges(
    conn: &mut Conn,
    as_of: NaiveDate,
    after: Option<(NaiveDate, i64)>,
    limit: i64,
) -> DbResult<Vec<OpenCharge>> {
    let (day, id) = after.unwrap_or((NaiveDate::default(), 0));
    let mut charges: Vec<OpenCharge> = Vec::new();
    for is_open in [true, false] {
        let query = sql_query(CHARGES).bind::<BigInt, _>(fixed::RECEIVABLES).bind::<Date, _>(as_of);
        let query = query.bind::<Bool, _>(is_open).bind::<Date, _>(day).bind::<BigInt, _>(id);
        charges.extend(query.bind::<BigInt, _>(limit).load::<OpenCharge>(conn)?);
    }
    Ok(charges)
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = BigInt)]
    sum: Minor,
}

/// What all who owed something owed when this day ended.
pub(super) fn owed_by_members(conn: &mut Conn, as_of: NaiveDate) -> DbResult<Minor> {
    let sums = "SELECT CAST(COALESCE(SUM(owed), 0) AS BIGINT) AS sum FROM (\
        SELECT SUM(amount) AS owed FROM postings WHERE account_id = $1 AND member_id IS NOT NULL AND date <= $2 \
        GROUP BY member_id HAVING SUM(amount) > 0) AS owing";
    let query = sql_query(sums).bind::<BigInt, _>(fixed::RECEIVABLES).bind::<Date, _>(as_of);
    Ok(query.get_result::<Sum>(conn)?.sum)
}
