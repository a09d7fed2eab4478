//! CSV as an answer: for whom it is, and long tables a page at a time.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header::{self, Accept, Header, Quality};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, web};
use futures_util::{Stream, StreamExt, stream};

use crate::csv::{self, Cell};
use crate::db::{Conn, Db, DbError};
use crate::fault::Fault;
use crate::text_enum;

/// Rows that are read at a time.
const PAGE: i64 = 500;

/// What a CSV answer is.
pub(super) const CSV: &str = "text/csv; charset=utf-8";

text_enum! {
    /// In which form an answer is wanted.
    pub enum Format {
        /// For programs.
        Json = "json",
        /// For spreadsheets.
        Csv = "csv",
    }
}

/// What the request's `Accept` header prefers. An operation that has both forms also has a query parameter
/// `format: Option<Format>`, which comes before the header:
///
/// ```text
/// if accepts.csv(query.format) {
///     return Reply::csv("trial-balance", HEADER, books.rows());
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Accepts(Format);

impl Accepts {
    /// Whether the answer is to be CSV.
    pub fn csv(self, asked: Option<Format>) -> bool {
        asked.unwrap_or(self.0) == Format::Csv
    }
}

impl FromRequest for Accepts {
    type Error = Infallible;
    type Future = Ready<Result<Accepts, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let csv = Accept::parse(req).is_ok_and(|accept| prefers_csv(&accept));
        ready(Ok(Accepts(if csv { Format::Csv } else { Format::Json })))
    }
}

/// JSON is what everybody gets who does not say that CSV is better.
fn prefers_csv(accept: &Accept) -> bool {
    // The most particular mention counts; of two that are wanted alike, the one that is meant in particular.
    let wanted = |kind: (&str, &str)| -> Option<(Quality, u8)> {
        let mentions = accept.iter().filter_map(|mention| {
            let particular = match (mention.item.type_().as_str(), mention.item.subtype().as_str()) {
                named if named == kind => 2,
                (of, "*") if of == kind.0 => 1,
                ("*", "*") => 0,
                _ => return None,
            };
            Some((particular, mention.quality))
        });
        mentions.max().map(|(particular, quality)| (quality, particular))
    };
    let csv = wanted(("text", "csv")).filter(|(quality, _)| *quality > Quality::ZERO);
    csv > wanted(("application", "json"))
}

/// A page of a long table: its rows, and the key after which the next one begins, if there is one.
pub type CsvPage<K> = (Vec<Vec<Cell>>, Option<K>);

type Rest = Pin<Box<dyn Stream<Item = Result<web::Bytes, Fault>>>>;

/// A long table as a file. A page is read when the client has taken the one before, in a transaction of its own. When a
/// page cannot be read the connection ends, so that nobody takes what came for the whole.
pub struct CsvPages {
    file: String,
    first: Vec<u8>,
    rest: Option<Rest>,
}

impl CsvPages {
    /// Reads the first page of the table, whose failure is still an answer of its own. `page` is given the key to go on
    /// after, and how many rows at most; whoever waits for an answer that has JSON too returns
    /// `Either<Reply, CsvPages>`.
    ///
    /// # Errors
    /// When the first page cannot be read.
    pub async fn read<K, E, F>(db: &Db, name: &str, header: &[&str], page: F) -> Result<CsvPages, Fault>
    where
        K: Send + 'static,
        E: From<DbError> + Into<Fault> + Send + 'static,
        F: Fn(&mut Conn, Option<K>, i64) -> Result<CsvPage<K>, E> + Send + Sync + 'static,
    {
        let page = Arc::new(page);
        let (rows, next) = one(db, &page, None).await?;
        let db = db.clone();
        let rest = next.map(|next| {
            let after = move |next: Option<K>| {
                let (db, page) = (db.clone(), page.clone());
                async move {
                    let Some(next) = next else { return Ok(None) };
                    let (rows, next) = one(&db, &page, Some(next)).await?;
                    Ok(Some((web::Bytes::from(csv::lines(None, rows)), next)))
                }
            };
            stream::try_unfold(Some(next), after).boxed_local() as Rest
        });
        Ok(CsvPages { file: file_name(name), first: csv::lines(Some(header), rows), rest })
    }
}

async fn one<K, E, F>(db: &Db, page: &Arc<F>, after: Option<K>) -> Result<CsvPage<K>, Fault>
where
    K: Send + 'static,
    E: From<DbError> + Into<Fault> + Send + 'static,
    F: Fn(&mut Conn, Option<K>, i64) -> Result<CsvPage<K>, E> + Send + Sync + 'static,
{
    let page = page.clone();
    db.read::<_, E, _>(move |conn| page(conn, after, PAGE)).await.map_err(Into::into)
}

/// Under which name a table is saved.
pub(super) fn file_name(name: &str) -> String {
    format!("{name}.csv")
}

impl Responder for CsvPages {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let CsvPages { file, first, rest } = self;
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CONTENT_TYPE, CSV));
        response.insert_header((header::VARY, "accept"));
        response.insert_header((header::CONTENT_DISPOSITION, super::reply::attachment(&file)));
        let Some(rest) = rest else { return response.body(first) };
        let route = req.match_pattern().unwrap_or_default();
        let rest = rest.inspect(move |page| {
            if let Err(fault) = page {
                let cause = fault.cause.as_ref().map_or_else(String::new, |cause| cause.to_string());
                log::error!("{route}: a table ended before its end: {fault} {cause}");
            }
        });
        response.streaming(stream::once(ready(Ok::<_, Fault>(first.into()))).chain(rest))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn csv_is_for_those_who_prefer_it() {
        for (accept, csv) in [
            ("", false),
            ("*/*", false),
            ("application/json", false),
            ("text/csv", true),
            ("text/*", true),
            ("text/csv, */*", true),
            ("text/csv, application/json", false),
            ("text/csv, application/json;q=0.9", true),
            ("text/csv;q=0.5, application/json", false),
            ("text/csv;q=0, */*", false),
            ("text/csv;q=0", false),
            ("text/html,application/xhtml+xml,*/*;q=0.8", false),
            ("nonsense", false),
        ] {
            let mut request = TestRequest::get();
            if !accept.is_empty() {
                request = request.insert_header((header::ACCEPT, accept));
            }
            let Ok(accepts) =
                Accepts::from_request(&request.to_http_request(), &mut Payload::None).into_inner();
            assert_eq!(accepts.csv(None), csv, "{accept}");
            assert!(accepts.csv(Some(Format::Csv)), "what the query says comes first: {accept}");
            assert!(!accepts.csv(Some(Format::Json)), "what the query says comes first: {accept}");
        }
    }
}
