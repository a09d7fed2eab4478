//! The accounts of the books.

use actix_web::{get, post, web};
use muster_auth::Can;
use muster_auth::permissions::{KeepBooks, ReadBooks};
use muster_kernel::Minor;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, Reply};
use serde::{Deserialize, Serialize};

use crate::accounts::{self, Account, AccountType, NewCategory};
use crate::balances;

/// Everything there is of a short list.
#[derive(Serialize, utoipa::ToSchema)]
struct All<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
    has_more: bool,
}

impl<T> All<T> {
    fn of(items: Vec<T>) -> All<T> {
        All { items, next_cursor: None, has_more: false }
    }
}

/// An account of the books, with what it stands at.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BookAccount)]
struct AccountShown {
    #[schema(example = "bank")]
    account: String,
    #[schema(example = "Bank")]
    name: String,
    r#type: AccountType,
    /// Debits less credits: above zero for what the club has and has spent.
    balance: Minor,
}

/// An account for income or expenses.
#[derive(Serialize, utoipa::ToSchema)]
struct Category {
    id: accounts::AccountId,
    version: i64,
    #[schema(example = "hall")]
    account: String,
    #[schema(example = "Hall rent")]
    name: String,
    r#type: AccountType,
}

impl From<Account> for Category {
    fn from(account: Account) -> Category {
        let Account { id, account, name, kind, .. } = account;
        Category { id, version: 1, account, name, r#type: kind }
    }
}

/// The accounts of the books, with what each stands at.
#[utoipa::path(
    tag = "finance",
    responses((status = 200, description = "All of them", body = All<AccountShown>)),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/accounts")]
pub(super) async fn list_accounts(can: Can<ReadBooks>, db: web::Data<Db>) -> Result<Reply, Fault> {
    let standing = db.read::<_, Fault, _>(move |conn| Ok(balances::all(conn, &can, None)?)).await?;
    let shown = |(account, balance): (Account, Minor)| AccountShown {
        account: account.account,
        name: account.name,
        r#type: account.kind,
        balance,
    };
    Reply::plain(&All::of(standing.into_iter().map(shown).collect()))
}

/// The categories of income and expenses.
#[utoipa::path(
    tag = "finance",
    responses((status = 200, description = "All of them", body = All<Category>)),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/categories")]
pub(super) async fn list_categories(can: Can<ReadBooks>, db: web::Data<Db>) -> Result<Reply, Fault> {
    let all = db.read_one::<_, Fault, _>(move |conn| Ok(accounts::categories(conn, &can)?)).await?;
    Reply::plain(&All::of(all.into_iter().map(Category::from).collect()))
}

/// A category to be made.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct CategoryBody {
    #[schema(min_length = 1, max_length = 80, example = "Hall rent")]
    name: String,
    /// Its name in requests; made from the other unless it is given.
    #[schema(pattern = "^[a-z0-9_]{1,40}$", example = "hall")]
    account: Option<String>,
    /// `expense` unless it is given.
    r#type: Option<AccountType>,
}

/// Make a category of income or expenses.
#[utoipa::path(
    tag = "finance",
    request_body = CategoryBody,
    responses(
        (status = 201, description = "The category", body = Category),
        (status = 409, description = "There is one of this name")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/finance/categories")]
pub(super) async fn add_category(
    can: Can<KeepBooks>,
    Body(body): Body<CategoryBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let CategoryBody { name, account, r#type } = body;
    let new = NewCategory { name, account, kind: r#type.unwrap_or(AccountType::Expense) };
    let made = db.write(move |tx| accounts::add_category(tx, &can, &new)).await?;
    Reply::created("/api/finance/categories".to_owned(), 1, &Category::from(made))
}
