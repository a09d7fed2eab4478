//! The journal.

use actix_web::{Either, get, web};
use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::{Accepts, CsvPages, Format, Params, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Deserialize;

use super::entries::EntryShown;
use super::reports::decimals;
use crate::{EntryId, EntryRow, journal, periods};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JournalQuery {
    /// From this day on; from the beginning unless it is given.
    from: Option<NaiveDate>,
    /// Until this day; until the end unless it is given.
    to: Option<NaiveDate>,
    /// `csv`: a row for each posting, all of them at once.
    format: Option<Format>,
    /// So many entries, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}

/// The entries of the ledger in the order of their days. As CSV a row is a posting, and a bookkeeper can take them over.
#[utoipa::path(
    tag = "finance",
    params(JournalQuery),
    responses((
        status = 200,
        description = "A page of entries; as CSV all of them",
        content((Page<EntryShown> = "application/json"), (String = "text/csv"))
    )),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/journal")]
pub(super) async fn get_journal(
    can: Can<ReadBooks>,
    accepts: Accepts,
    Params(query): Params<JournalQuery>,
    db: web::Data<Db>,
) -> Result<Either<Reply, CsvPages>, Fault> {
    let between = (query.from.unwrap_or(periods::FIRST_DAY), query.to.unwrap_or(periods::LAST_DAY));
    if between.0 > between.1 {
        return Err(Fault::new(Code::Malformed, "`from` is not after `to`."));
    }
    if accepts.csv(query.format) {
        let decimals = db.read_one::<_, Fault, _>(|conn| Ok(decimals(conn)?)).await?;
        let table = CsvPages::read::<(NaiveDate, EntryId), Fault, _>(
            &db,
            "journal",
            &journal::COLUMNS,
            move |conn, after, limit| {
                let (lines, next) = journal::lines(conn, &can, between, after, limit)?;
                Ok((lines.into_iter().map(|line| line.cells(decimals)).collect(), next))
            },
        );
        return Ok(Either::Right(table.await?));
    }
    let page: PageRequest<(NaiveDate, EntryId)> =
        PageRequest::read("journal", query.limit, query.cursor.as_deref())?;
    let (page, rows, postings) = db
        .read::<_, Fault, _>(move |conn| {
            let (rows, postings) =
                journal::entries(conn, &can, between, page.after().copied(), page.fetch())?;
            Ok((page, rows, postings))
        })
        .await?;
    let key = |row: &EntryRow| (row.date, row.id);
    Reply::page(&page.page(rows, key, |row| EntryShown::new(row, &postings))).map(Either::Left)
}
