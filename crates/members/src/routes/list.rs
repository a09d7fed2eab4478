//! The list of members.

use actix_web::{get, web};
use muster_auth::permissions::ListMembers;
use muster_auth::{Can, club, guardians};
use muster_kernel::UserId;
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::{Params, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Deserialize;

use super::shown::{MemberShown, show_with};
use crate::list::{By, Filter, Order, Place};
use crate::{PaymentStatus, Sight, Standing};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MemberQuery {
    /// Beginnings of words of the names, up to five, or of an address. Whoever is found comes in the order of the
    /// first word.
    #[param(max_length = 320)]
    q: Option<String>,
    /// Only those whose membership stands so.
    status: Option<Standing>,
    /// Only those who have paid so; not for coaches.
    payment_status: Option<PaymentStatus>,
    /// Only those on this plan; not for coaches.
    plan_id: Option<i64>,
    /// `name` (unless it is said), `attendance`, `debt` (not for coaches) or `joined`, or one of them after a `-`. Not
    /// together with `q`.
    #[param(pattern = "^-?(name|attendance|debt|joined)$")]
    sort: Option<String>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// The orders there are, with the name of the list in each.
const ORDERS: [(&str, By, &str, &str); 4] = [
    ("name", By::Name, "members:name", "members:-name"),
    ("attendance", By::Attendance, "members:attendance", "members:-attendance"),
    ("debt", By::Debt, "members:debt", "members:-debt"),
    ("joined", By::Joined, "members:joined", "members:-joined"),
];

/// The order that was asked for, and the name of the list in that order.
fn order(sort: Option<&str>, filter: &Filter) -> Result<(Order, &'static str), Fault> {
    if filter.is_search() {
        return match sort {
            None => Ok((Order { by: By::Name, descending: false }, "members:q")),
            Some(_) => Err(Fault::new(
                Code::Malformed,
                "A search comes in the order of the words: leave `sort` out.",
            )),
        };
    }
    let sort = sort.unwrap_or("name");
    let (word, descending) = sort.strip_prefix('-').map_or((sort, false), |word| (word, true));
    let (_, by, up, down) = ORDERS.into_iter().find(|(name, ..)| *name == word).ok_or_else(|| {
        let detail = "`sort` is `name`, `attendance`, `debt` or `joined`, or one of them after a `-`.";
        Fault::new(Code::Malformed, detail)
    })?;
    Ok((Order { by, descending }, if descending { down } else { up }))
}

/// All members, for staff. Whoever was erased is not among them.
#[utoipa::path(
    tag = "members",
    params(MemberQuery),
    responses((status = 200, description = "A page of members", body = Page<MemberShown>)),
    extensions(("x-permission" = json!("members.list")))
)]
#[get("/members")]
pub(super) async fn list_members(
    can: Can<ListMembers>,
    Params(query): Params<MemberQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let MemberQuery { q, status, payment_status, plan_id, sort, limit, cursor, count } = query;
    let filter = Filter::new(q.as_deref(), status, payment_status, plan_id)?;
    let (order, name) = order(sort.as_deref(), &filter)?;
    let page = PageRequest::<Place>::read(name, limit, cursor.as_deref())?;
    let now = db.clock().now();
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let today = club::settings(conn)?.today(now);
            let total = match count {
                Some(true) => Some(crate::count(conn, &can, &filter, today)?),
                _ => None,
            };
            let rows = crate::list(conn, &can, &filter, order, today, &page)?;
            let ids: Vec<UserId> = rows.iter().map(|(_, member)| member.id).collect();
            let guardians = guardians::of(conn, &ids)?;
            let sight = Sight::of_all(conn, can.actor(), now)?;
            let show = |(_, member)| show_with(&sight, member, &guardians, today);
            Ok(page.page(rows, |(place, _)| place.clone(), show).with_total(total))
        })
        .await?;
    Reply::page(&page)
}
