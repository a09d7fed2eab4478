//! The entries of the ledger.

use actix_web::{get, post, web};
use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::{KeepBooks, ReadBooks};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{OnceBody, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use muster_kernel::{Fields, Minor, Timestamp, UserId, text_enum};
use serde::{Deserialize, Serialize};

use crate::accounts::Method;
use crate::entries::{self, NewManual, Words};
use crate::{EntryId, EntryKind, EntryRow, PostingRow};

/// One side of an entry: a debit above zero, a credit below.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Posting)]
struct PostingShown {
    #[schema(example = "bank")]
    account: String,
    amount: Minor,
    /// Whose debt or class fees they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    member_id: Option<UserId>,
    /// Whose pay it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    coach_id: Option<UserId>,
}

/// An entry of the ledger.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Entry)]
pub(super) struct EntryShown {
    id: EntryId,
    version: i64,
    kind: EntryKind,
    date: NaiveDate,
    text: String,
    reference: Option<String>,
    /// Null for what the clock did.
    made_by: Option<UserId>,
    made_at: Timestamp,
    /// The entry that it takes back.
    reverses: Option<EntryId>,
    /// The entry that took it back.
    reversed_by: Option<EntryId>,
    postings: Vec<PostingShown>,
}

impl EntryShown {
    pub(super) fn new(entry: EntryRow, all: &[PostingRow]) -> EntryShown {
        let text = entry.said();
        let EntryRow { id, kind, date, made_by, made_at, reverses, reversed_by, reference, .. } = entry;
        let sides = all.iter().filter(|side| side.entry_id == id).map(|side| PostingShown {
            account: side.account.clone(),
            amount: side.amount,
            member_id: side.member_id,
            coach_id: side.coach_id,
        });
        let version = if reversed_by.is_some() { 2 } else { 1 };
        let postings = sides.collect();
        EntryShown {
            id,
            version,
            kind,
            date,
            text,
            reference,
            made_by,
            made_at,
            reverses,
            reversed_by,
            postings,
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EntryQuery {
    /// Only those of this kind.
    kind: Option<EntryKind>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// The entries of the ledger, the latest first.
#[utoipa::path(
    tag = "finance",
    params(EntryQuery),
    responses((status = 200, description = "A page of entries", body = Page<EntryShown>)),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/entries")]
pub(super) async fn list_entries(
    can: Can<ReadBooks>,
    Params(query): Params<EntryQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("entries", query.limit, query.cursor.as_deref())?;
    let (page, rows, postings, total) = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(entries::count(conn, &can, query.kind)?),
                _ => None,
            };
            let (rows, postings) = entries::list(conn, &can, query.kind, &page)?;
            Ok((page, rows, postings, total))
        })
        .await?;
    Reply::page(&page.page(rows, |row| row.id.0, |row| EntryShown::new(row, &postings)).with_total(total))
}

/// An entry of the ledger.
#[utoipa::path(
    tag = "finance",
    params(("id" = EntryId, Path, description = "The entry")),
    responses((status = 200, description = "The entry", body = EntryShown)),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/entries/{id}")]
pub(super) async fn get_entry(
    can: Can<ReadBooks>,
    PathOf(id): PathOf<EntryId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let (entry, postings) = db.read(move |conn| entries::find(conn, &can, id)).await?;
    let entry = EntryShown::new(entry, &postings);
    Reply::of(entry.version, &entry)
}

text_enum! {
    /// What kind of entry is made by hand.
    pub(super) enum Manual {
        /// Money that came in.
        Income = "income",
        /// Money that was spent.
        Expense = "expense",
        /// Money that moved between the club's own accounts.
        Transfer = "transfer",
    }
}

/// An entry to be made by hand.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct EntryBody {
    kind: Manual,
    /// For income and expenses: which.
    #[schema(max_length = 40, example = "donations")]
    account: Option<String>,
    /// For income and expenses: how it was paid.
    method: Option<Method>,
    /// For a transfer: out of this account.
    #[schema(max_length = 40, example = "cash")]
    from: Option<String>,
    /// For a transfer: into this account.
    #[schema(max_length = 40, example = "bank")]
    to: Option<String>,
    #[schema(minimum = 1, example = 5000)]
    amount: Minor,
    #[schema(min_length = 1, max_length = 200, example = "Summer party")]
    text: String,
    /// Today unless it is given.
    date: Option<NaiveDate>,
    #[schema(min_length = 1, max_length = 200)]
    reference: Option<String>,
}

impl EntryBody {
    /// Which fields there must be depends on the kind.
    fn read(&self) -> Result<(NewManual, Words), Fault> {
        let mut fields = Fields::new();
        let EntryBody { kind, account, method, from, to, .. } = self;
        let transfer = *kind == Manual::Transfer;
        for (pointer, is_there, belongs) in [
            ("/account", account.is_some(), !transfer),
            ("/method", method.is_some(), !transfer),
            ("/from", from.is_some(), transfer),
            ("/to", to.is_some(), transfer),
        ] {
            fields.must(is_there || !belongs, pointer, "required", "An entry of this kind needs it.");
            fields.must(
                !is_there || belongs,
                pointer,
                "unexpected",
                "An entry of this kind has no such field.",
            );
        }
        fields.done()?;
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let method = method.unwrap_or(Method::Bank);
        let what = match kind {
            Manual::Income => NewManual::Income { account: name(account), method },
            Manual::Expense => NewManual::Expense { account: name(account), method },
            Manual::Transfer => NewManual::Transfer { from: name(from), to: name(to) },
        };
        let words = Words {
            amount: self.amount,
            text: self.text.clone(),
            date: self.date,
            reference: self.reference.clone(),
        };
        Ok((what, words))
    }
}

/// Make an entry by hand: other income, an expense paid at once, or a transfer.
#[utoipa::path(
    tag = "finance",
    params(("Idempotency-Key" = String, Header, description = "A key of your own making")),
    request_body = EntryBody,
    responses(
        (status = 201, description = "The entry", body = EntryShown),
        (status = 409, description = "The month is closed")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/finance/entries")]
pub(super) async fn make_entry(
    can: Can<KeepBooks>,
    body: OnceBody<EntryBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    body.perform(&db, move |tx, body| {
        let (what, words) = body.read()?;
        let (entry, postings) = entries::enter(tx, &can, &what, &words)?;
        let entry = EntryShown::new(entry, &postings);
        Reply::created(format!("/api/finance/entries/{}", entry.id), entry.version, &entry)
    })
    .await
}

/// Why an entry is taken back.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct ReverseBody {
    #[schema(min_length = 1, max_length = 500, example = "Typed the wrong amount")]
    reason: String,
    /// Today unless it is given; of a closed month it becomes the first open day.
    date: Option<NaiveDate>,
}

/// Take an entry back by another, whose number `reversed_by` then tells. What it had settled is open again.
#[utoipa::path(
    tag = "finance",
    params(
        ("id" = EntryId, Path, description = "The entry"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = ReverseBody,
    responses(
        (status = 200, description = "The entry that was taken back", body = EntryShown),
        (status = 409, description = "It was taken back before, or belongs to another operation")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/finance/entries/{id}/reverse")]
pub(super) async fn reverse_entry(
    can: Can<KeepBooks>,
    PathOf(id): PathOf<EntryId>,
    body: OnceBody<ReverseBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    body.perform(&db, move |tx, body| {
        let (entry, postings) = entries::reverse(tx, &can, id, &body.reason, body.date)?;
        let member = postings.iter().find_map(|posting| posting.member_id);
        let entry = EntryShown::new(entry, &postings);
        let reply = Reply::of(entry.version, &entry)?;
        Ok(member.map_or(reply.clone(), |member| reply.about(member)))
    })
    .await
}
