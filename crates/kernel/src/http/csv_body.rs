//! A CSV file as a request's body.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

use super::read_body;
use crate::fault::{Code, Fault};

/// The most that a file may be.
const LIMIT: usize = 16 * 1024 * 1024;

/// A CSV file, sent as it is (`text/csv`, 16 MiB at most), as UTF-8 with or without a byte order mark.
#[derive(Debug, Clone)]
pub struct CsvBody(pub String);

impl FromRequest for CsvBody {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<CsvBody, Fault>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !is_csv(req) {
            let detail = "Send the file as it is, as text/csv in UTF-8.";
            return Box::pin(async move { Err(Fault::new(Code::UnsupportedMediaType, detail)) });
        }
        let body = read_body(req, payload, LIMIT);
        Box::pin(async move { text(body.await?.into()).map(CsvBody) })
    }
}

fn is_csv(req: &HttpRequest) -> bool {
    let value = req.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let value = value.unwrap_or_default().to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let is_utf8 = |charset: &str| charset.trim_matches('"') == "utf-8";
    parts.next() == Some("text/csv") && parts.all(|part| part.strip_prefix("charset=").is_none_or(is_utf8))
}

fn text(mut bytes: Vec<u8>) -> Result<String, Fault> {
    if bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(..'\u{feff}'.len_utf8());
    }
    String::from_utf8(bytes).map_err(|_| {
        let message = "The file is not in UTF-8. Save it anew as \"CSV UTF-8\".";
        Fault::field("", "invalid_encoding", message)
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_file_says_that_it_is_csv_and_no_other_encoding_than_utf_8() {
        for (content_type, fine) in [
            ("text/csv", true),
            ("Text/CSV; charset=UTF-8", true),
            ("text/csv;header=present;charset=\"utf-8\"", true),
            ("text/csv; charset=iso-8859-1", false),
            ("text/plain", false),
            ("application/json", false),
            ("", false),
        ] {
            let req =
                TestRequest::post().insert_header((header::CONTENT_TYPE, content_type)).to_http_request();
            assert_eq!(is_csv(&req), fine, "{content_type}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_none_of_the_text() {
        assert_eq!(text("\u{feff}Jürgen".into()).expect("text"), "Jürgen");
        assert_eq!(text("Jürgen".into()).expect("text"), "Jürgen");
    }

    #[test]
    fn another_encoding_is_told_by_its_name() {
        for bytes in [&b"J\xfcrgen"[..], b"\xff\xfeJ\0"] {
            let fault = text(bytes.to_vec()).expect_err("another encoding");
            assert_eq!((fault.code, fault.fields[0].code), (Code::InvalidFields, "invalid_encoding"));
        }
    }
}
