//! What must be true of memberships for ever, as `muster check` proves it.

use std::collections::BTreeMap;

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::domain::Check;

use crate::schema::{attendance_months, member_changes, members};
use crate::{Standing, list};

/// All of them.
pub(crate) const ALL: [Check; 4] =
    [EVERYBODY_HAS_A_RECORD, LISTED_AS_THEY_ARE, HISTORY_LEADS_HERE, ATTENDANCE_ADDS_UP];

/// So many findings are told of each; there may be more.
const TOLD: i64 = 20;
/// So many members are looked at in one go.
const PAGE: i64 = 500;

/// The foreign key rules out the opposite.
const EVERYBODY_HAS_A_RECORD: Check = Check {
    name: "members.everybody_has_a_record",
    look: |conn| {
        let missing: Vec<UserId> = users::table
            .left_join(members::table.on(members::id.eq(users::id)))
            .filter(members::id.is_null())
            .order(users::id)
            .select(users::id)
            .limit(TOLD)
            .load(conn)?;
        Ok(missing.into_iter().map(|id| format!("user {id} has no member record")).collect())
    },
};

const LISTED_AS_THEY_ARE: Check = Check {
    name: "members.everybody_is_listed_as_they_are",
    look: |conn| {
        each_page(conn, |conn, first, last, wrong| {
            let lost = list::lost(conn, first, last)?;
            wrong.extend(lost.into_iter().map(|id| format!("member {id} is not listed as they are")));
            Ok(())
        })
    },
};

/// Memberships from before there was a history have none.
const HISTORY_LEADS_HERE: Check = Check {
    name: "members.history_leads_to_the_present",
    look: |conn| {
        each_page(conn, |conn, first, last, wrong| {
            let standings: Vec<(UserId, Standing)> = members::table
                .filter(members::id.between(first, last))
                .select((members::id, members::status))
                .load(conn)?;
            // The last of them stays.
            let ends: BTreeMap<UserId, Standing> = member_changes::table
                .filter(member_changes::member_id.between(first, last))
                .order((member_changes::member_id, member_changes::id))
                .select((member_changes::member_id, member_changes::to_status))
                .load::<(UserId, Standing)>(conn)?
                .into_iter()
                .collect();
            for (id, standing) in standings {
                match ends.get(&id) {
                    Some(end) if *end != standing => {
                        wrong.push(format!("member {id} is {standing}, but became {end} last"));
                    }
                    _ => {}
                }
            }
            Ok(())
        })
    },
};

const ATTENDANCE_ADDS_UP: Check = Check {
    name: "members.attendance_adds_up",
    look: |conn| {
        each_page(conn, |conn, first, last, wrong| {
            let mut months = BTreeMap::<UserId, i32>::new();
            let rows: Vec<(UserId, i32)> = attendance_months::table
                .filter(attendance_months::member_id.between(first, last))
                .select((attendance_months::member_id, attendance_months::attended))
                .load(conn)?;
            for (id, attended) in rows {
                let sum = months.entry(id).or_default();
                *sum = sum.saturating_add(attended);
            }
            let counts: Vec<(UserId, i32)> = members::table
                .filter(members::id.between(first, last))
                .order(members::id)
                .select((members::id, members::attendance_count))
                .load(conn)?;
            for (id, count) in counts {
                let sum = months.get(&id).copied().unwrap_or_default();
                if sum != count {
                    wrong.push(format!("member {id} attended {count} times, by months {sum}"));
                }
            }
            Ok(())
        })
    },
};

/// Looks at some members after the others; between the first and the last of each page.
fn each_page(
    conn: &mut Conn,
    look: impl Fn(&mut Conn, UserId, UserId, &mut Vec<String>) -> DbResult<()>,
) -> DbResult<Vec<String>> {
    let (mut wrong, mut after) = (Vec::new(), UserId(0));
    loop {
        let ids: Vec<UserId> = members::table
            .filter(members::id.gt(after))
            .order(members::id)
            .select(members::id)
            .limit(PAGE)
            .load(conn)?;
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else { break };
        look(conn, *first, *last, &mut wrong)?;
        after = *last;
    }
    wrong.truncate(TOLD as usize);
    Ok(wrong)
}
