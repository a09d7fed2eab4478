//! Answers: a thing with its version, a page with its link.

use actix_web::body::BoxBody;
use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ContentType, ETAG, IF_NONE_MATCH, LINK, LOCATION, VARY,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::csv::{CSV, file_name};
use crate::UserId;
use crate::csv::{self, Cell};
use crate::fault::Fault;
use crate::idempotency::Answer;
use crate::page::Page;

/// An answer that is ready to be sent, or to be kept and sent again.
#[derive(Debug, Clone)]
pub struct Reply {
    answer: Answer,
    replayed: bool,
    next_cursor: Option<String>,
    secret: bool,
    cookies: Vec<Cookie<'static>>,
    file: Option<String>,
    csv: bool,
}

impl Reply {
    /// A thing and its version.
    ///
    /// # Errors
    /// When it has no JSON form, which is a defect.
    pub fn of(version: i64, thing: &impl Serialize) -> Result<Reply, Fault> {
        let body = serde_json::to_string(thing).map_err(Fault::internal)?;
        let etag = Some(etag(version, &body));
        Ok(Reply::from(Answer { status: 200, location: None, etag, body, about: None }))
    }

    /// A new thing, where it is, and its version.
    ///
    /// # Errors
    /// As [`Reply::of`].
    pub fn created(location: String, version: i64, thing: &impl Serialize) -> Result<Reply, Fault> {
        let mut reply = Reply::of(version, thing)?;
        reply.answer.status = 201;
        reply.answer.location = Some(location);
        Ok(reply)
    }

    /// Something without a version.
    ///
    /// # Errors
    /// As [`Reply::of`].
    pub fn plain(thing: &impl Serialize) -> Result<Reply, Fault> {
        let body = serde_json::to_string(thing).map_err(Fault::internal)?;
        Ok(Reply::from(Answer { status: 200, location: None, etag: None, body, about: None }))
    }

    /// Nothing to say but that it is done.
    pub fn nothing() -> Reply {
        Reply::from(Answer { status: 204, location: None, etag: None, body: String::new(), about: None })
    }

    /// A page of a list.
    ///
    /// # Errors
    /// As [`Reply::of`].
    pub fn page<T: Serialize>(page: &Page<T>) -> Result<Reply, Fault> {
        let mut reply = Reply::plain(page)?;
        reply.next_cursor = page.next_cursor.clone();
        Ok(reply)
    }

    /// A short table as a file; a long one is [`CsvPages`](super::CsvPages).
    pub fn csv(name: &str, header: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) -> Reply {
        let body = csv::table(header, rows);
        let mut reply = Reply::from(Answer { status: 200, location: None, etag: None, body, about: None });
        reply.csv = true;
        reply.file(&file_name(name))
    }

    /// The same with a link to the next page, for a page with more to say than its rows.
    #[must_use]
    pub fn with_next(mut self, cursor: Option<String>) -> Reply {
        self.next_cursor = cursor;
        self
    }

    /// The same under another status, such as 202.
    #[must_use]
    pub fn status(mut self, status: u16) -> Reply {
        self.answer.status = i32::from(status);
        self
    }

    /// The same, to be kept by nobody on its way: it holds tokens.
    #[must_use]
    pub fn secret(mut self) -> Reply {
        self.secret = true;
        self
    }

    /// The same with a cookie more, kept by nobody on its way. Cookies are not kept under an idempotency key.
    #[must_use]
    pub fn with_cookie(mut self, cookie: Cookie<'static>) -> Reply {
        self.cookies.push(cookie);
        self.secret()
    }

    /// The same as a file that a browser saves under this name. Of a name only ASCII letters, digits, `.`, `-` and
    /// `_` are taken as they are.
    #[must_use]
    pub fn file(mut self, name: &str) -> Reply {
        self.file = Some(name.to_owned());
        self
    }

    /// The same about this person: kept under somebody's idempotency key it goes when they are erased.
    #[must_use]
    pub fn about(mut self, person: UserId) -> Reply {
        self.answer.about = Some(person);
        self
    }

    /// What is kept of it under an idempotency key.
    pub fn into_answer(self) -> Answer {
        self.answer
    }

    /// One that was kept.
    pub(super) fn replay(answer: Answer, replayed: bool) -> Reply {
        Reply { replayed, ..Reply::from(answer) }
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Reply {
        let (replayed, secret, csv) = (false, false, false);
        Reply { answer, replayed, next_cursor: None, secret, cookies: Vec::new(), file: None, csv }
    }
}

/// What makes a browser save an answer under this name, however odd it is.
pub(super) fn attachment(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    format!("attachment; filename=\"{name}\"")
}

fn etag(version: i64, body: &str) -> String {
    let hash = Sha256::digest(body.as_bytes());
    let mut short = String::with_capacity(16);
    for byte in &hash[..8] {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = write!(short, "{byte:02x}");
    }
    format!("\"{version}-{short}\"")
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let Reply { answer, replayed, next_cursor, secret, cookies, file, csv } = self;
        let status = u16::try_from(answer.status).ok().and_then(|s| StatusCode::from_u16(s).ok());
        let mut response = HttpResponseBuilder::new(status.unwrap_or(StatusCode::OK));
        if let Some(location) = answer.location {
            response.insert_header((LOCATION, location));
        }
        if secret {
            response.insert_header((CACHE_CONTROL, "no-store"));
        }
        for cookie in cookies {
            response.cookie(cookie);
        }
        if let Some(name) = file {
            response.insert_header((CONTENT_DISPOSITION, attachment(&name)));
        }
        if replayed {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        if let Some(cursor) = next_cursor {
            response.insert_header((LINK, format!("<{}>; rel=\"next\"", next_page(req, &cursor))));
        }
        if let Some(etag) = answer.etag {
            let unchanged = answer.status == 200 && req.method().is_safe() && seen(req, &etag);
            response.insert_header((ETAG, etag));
            if unchanged {
                return response.status(StatusCode::NOT_MODIFIED).finish();
            }
        }
        if csv {
            response.insert_header((CONTENT_TYPE, CSV)).insert_header((VARY, "accept"));
            return response.body(answer.body);
        }
        if answer.body.is_empty() {
            return response.finish();
        }
        response.content_type(ContentType::json()).body(answer.body)
    }
}

/// True when the client holds exactly this body. A proxy that compresses may have made the tag a weak one.
fn seen(req: &HttpRequest, etag: &str) -> bool {
    req.headers()
        .get_all(IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// The same request with the cursor of the next page.
fn next_page(req: &HttpRequest, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in
        form_urlencoded::parse(req.query_string().as_bytes()).filter(|(name, _)| name != "cursor")
    {
        query.append_pair(&name, &value);
    }
    query.append_pair("cursor", cursor);
    format!("{}?{}", req.path(), query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_client_that_holds_the_body_is_not_sent_it_again() {
        let reply = Reply::of(3, &"x").expect("a reply");
        let fresh = reply.clone().respond_to(&TestRequest::get().to_http_request());
        assert_eq!(fresh.status(), 200);
        let tag = fresh.headers().get(ETAG).expect("a tag").to_str().expect("text").to_owned();
        assert!(tag.starts_with("\"3-"));
        for (header, status) in
            [(tag.clone(), 304), (format!("\"1-0\", W/{tag}"), 304), ("\"3-0\"".into(), 200)]
        {
            let req = TestRequest::get().insert_header((IF_NONE_MATCH, header.clone())).to_http_request();
            assert_eq!(reply.clone().respond_to(&req).status(), status, "{header}");
        }
        let unsafe_req = TestRequest::patch().insert_header((IF_NONE_MATCH, tag)).to_http_request();
        assert_eq!(reply.respond_to(&unsafe_req).status(), 200);
    }

    #[test]
    fn cookies_are_all_set_and_kept_by_nobody_on_the_way() {
        let reply = Reply::of(1, &"x").expect("a reply");
        let reply = reply.with_cookie(Cookie::new("one", "1")).with_cookie(Cookie::new("two", "2"));
        let response = reply.respond_to(&TestRequest::get().to_http_request());
        let set: Vec<_> = response.headers().get_all("set-cookie").collect();
        assert_eq!(set, ["one=1", "two=2"]);
        assert_eq!(response.headers().get(CACHE_CONTROL).expect("said"), "no-store");
    }

    #[test]
    fn a_file_has_a_name_that_no_browser_can_misread() {
        for (name, shown) in [("my-data_2026.json", "my-data_2026.json"), ("a\"; x=\r\nü/", "a___x_____")] {
            let reply = Reply::plain(&"x").expect("a reply").file(name);
            let response = reply.respond_to(&TestRequest::get().to_http_request());
            let disposition = response.headers().get(CONTENT_DISPOSITION).expect("said");
            assert_eq!(disposition, &format!("attachment; filename=\"{shown}\""));
        }
    }

    #[test]
    fn a_table_is_a_file_for_a_spreadsheet() {
        let reply = Reply::csv("trial-balance", &["account"], [vec![Cell::from("bank")]]);
        let response = reply.respond_to(&TestRequest::get().to_http_request());
        for (name, value) in [
            (CONTENT_TYPE, "text/csv; charset=utf-8"),
            (CONTENT_DISPOSITION, "attachment; filename=\"trial-balance.csv\""),
            (VARY, "accept"),
        ] {
            assert_eq!(response.headers().get(&name).expect("said"), value);
        }
    }

    #[test]
    fn the_link_to_the_next_page_keeps_the_filters() {
        let page = Page { items: vec![1], next_cursor: Some("c2".into()), has_more: true, total: None };
        let req = TestRequest::get().uri("/api/jobs?state=failed&cursor=c1").to_http_request();
        let response = Reply::page(&page).expect("a reply").respond_to(&req);
        assert_eq!(
            response.headers().get(LINK).expect("a link"),
            "</api/jobs?state=failed&cursor=c2>; rel=\"next\""
        );
    }
}
