//! What must be true of people and the club for ever, as `muster check` proves it.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::domain::Check;
use muster_kernel::{Timestamp, UserId};

use crate::schema::{guardianships, user_roles, user_words, users};
use crate::{Role, club, names};

/// All of them.
pub(crate) const ALL: [Check; 5] = [
    CLUB_HAS_SETTINGS,
    PEOPLE_ARE_SORTED,
    PEOPLE_ARE_FOUND,
    EVERYBODY_IS_A_MEMBER,
    GUARDIANS_ACT_FOR_THEMSELVES,
];

/// So many findings are told of each; there may be more.
const TOLD: i64 = 20;
/// So many people are looked at in one go.
const PAGE: i64 = 500;

const CLUB_HAS_SETTINGS: Check = Check {
    name: "auth.club_has_settings",
    look: |conn| {
        let club = club::settings(conn)?;
        let fine = club.time_zone.parse::<chrono_tz::Tz>().is_ok();
        Ok(if fine { vec![] } else { vec![format!("the time zone {} is unknown", club.time_zone)] })
    },
};

/// The key that lists sort by stands beside the roles as well.
const PEOPLE_ARE_SORTED: Check = Check {
    name: "auth.people_are_found_by_name",
    look: |conn| {
        let lost: Vec<UserId> = user_roles::table
            .inner_join(users::table)
            .filter(user_roles::name_key.ne(users::name_key))
            .order(users::id)
            .select(users::id)
            .limit(TOLD)
            .load(conn)?;
        Ok(lost.into_iter().map(|id| format!("user {id} is not listed under their name")).collect())
    },
};

/// Nobody is found by a name that is not theirs any more either, least of all those who were erased.
const PEOPLE_ARE_FOUND: Check = Check {
    name: "auth.people_are_found_by_their_words",
    look: |conn| {
        let mut wrong = Vec::new();
        let mut after = UserId(0);
        while let (people, Some(last)) = page(conn, after)? {
            let mut words = words_between(conn, after, last)?;
            for Found { id, first_name, last_name, email, erased_at } in people {
                let expected = match erased_at {
                    None => names::words(&first_name, &last_name, email.as_deref()),
                    Some(_) => BTreeSet::new(),
                };
                if words.remove(&id).unwrap_or_default() != expected {
                    wrong.push(format!(
                        "user {id} is found by other words than those of their name and address"
                    ));
                }
            }
            after = last;
        }
        wrong.truncate(TOLD as usize);
        Ok(wrong)
    },
};

const EVERYBODY_IS_A_MEMBER: Check = Check {
    name: "auth.everybody_is_a_member",
    look: |conn| {
        let as_member = user_roles::user_id.eq(users::id).and(user_roles::role.eq(Role::Member));
        let others: Vec<UserId> = users::table
            .left_join(user_roles::table.on(as_member))
            .filter(user_roles::user_id.is_null())
            .order(users::id)
            .select(users::id)
            .limit(TOLD)
            .load(conn)?;
        Ok(others.into_iter().map(|id| format!("user {id} has not the role member")).collect())
    },
};

/// Nobody is their own guardian, and no guardian has one.
const GUARDIANS_ACT_FOR_THEMSELVES: Check = Check {
    name: "auth.guardians_act_for_themselves",
    look: |conn| {
        // Whoever is their own guardian is a guardian who has one.
        let above = diesel::alias!(guardianships as above);
        let wrong: Vec<(UserId, UserId)> = guardianships::table
            .inner_join(above.on(above.field(guardianships::ward_id).eq(guardianships::guardian_id)))
            .order((guardianships::ward_id, guardianships::guardian_id))
            .select((guardianships::ward_id, guardianships::guardian_id))
            .distinct()
            .limit(TOLD)
            .load(conn)?;
        let finding = |(ward, guardian): (UserId, UserId)| {
            if ward == guardian {
                format!("user {ward} is their own guardian")
            } else {
                format!("user {guardian}, the guardian of user {ward}, has a guardian")
            }
        };
        Ok(wrong.into_iter().map(finding).collect())
    },
};

#[derive(diesel::Queryable)]
struct Found {
    id: UserId,
    first_name: String,
    last_name: String,
    email: Option<String>,
    erased_at: Option<Timestamp>,
}

/// The people after this one, and who is the last of them.
fn page(conn: &mut Conn, after: UserId) -> DbResult<(Vec<Found>, Option<UserId>)> {
    let people: Vec<Found> = users::table
        .filter(users::id.gt(after))
        .order(users::id)
        .select((users::id, users::first_name, users::last_name, users::email, users::erased_at))
        .limit(PAGE)
        .load(conn)?;
    let last = people.last().map(|person| person.id);
    Ok((people, last))
}

fn words_between(
    conn: &mut Conn,
    after: UserId,
    last: UserId,
) -> DbResult<BTreeMap<UserId, BTreeSet<String>>> {
    let rows: Vec<(UserId, String)> = user_words::table
        .filter(user_words::user_id.gt(after))
        .filter(user_words::user_id.le(last))
        .select((user_words::user_id, user_words::word))
        .load(conn)?;
    let mut words = BTreeMap::<_, BTreeSet<_>>::new();
    for (id, word) in rows {
        words.entry(id).or_default().insert(word);
    }
    Ok(words)
}
