//! The query string, the path and the preconditions of a request.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;

use crate::Expected;
use crate::fault::{Code, Fault, FieldFault};

/// Unknown parameters that one answer names at most.
const MOST_NAMED: usize = 20;

/// The query string; a parameter that `T` does not have is refused.
#[derive(Debug, Clone)]
pub struct Params<T>(pub T);

impl<T> Deref for Params<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = Fault;
    type Future = Ready<Result<Params<T>, Fault>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(req.query_string()).map(Params))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Fault> {
    let mut unknown = Vec::new();
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|_| Fault::new(Code::Malformed, "The query string cannot be read."))?;
    if pairs.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
        // One engine cannot even compare with it.
        return Err(Fault::new(Code::Malformed, "The query string holds a NUL character."));
    }
    let text = serde_urlencoded::Deserializer::new(form_pairs(query));
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
    let parsed = serde_path_to_error::deserialize::<_, T>(serde_ignored::Deserializer::new(text, &mut note));
    if !unknown.is_empty() {
        return Err(unknown_fault(unknown));
    }
    parsed.map_err(|e| {
        let name = e.path().to_string();
        let name = if name == "." { first_wrong(&pairs, &e.into_inner().to_string()) } else { name };
        let fault = Fault::new(Code::Malformed, format!("The query parameter {name} cannot be read."));
        let wrong = FieldFault { pointer: name, code: "invalid", message: "This cannot be read.".into() };
        Fault { fields: vec![wrong], ..fault }
    })
}

fn form_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// The fault of a query string with parameters that are not among `known`.
pub fn unknown_parameters(query: &str, known: &[String]) -> Option<Fault> {
    let names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned());
    let unknown: Vec<_> = names.filter(|name| !known.contains(name)).take(MOST_NAMED).collect();
    (!unknown.is_empty()).then(|| unknown_fault(unknown))
}

fn unknown_fault(unknown: Vec<String>) -> Fault {
    let names = unknown.join(", ");
    let fault =
        Fault::new(Code::UnknownParameter, format!("This operation does not have the parameter {names}."));
    Fault { fields: unknown.into_iter().map(unknown_parameter).collect(), ..fault }
}

fn unknown_parameter(pointer: String) -> FieldFault {
    FieldFault { pointer, code: "unknown_parameter", message: "There is no such parameter.".into() }
}

/// Where serde names no place: a parameter given twice is named in its message.
fn first_wrong(pairs: &[(String, String)], message: &str) -> String {
    pairs
        .iter()
        .find(|(name, _)| message.contains(&format!("`{name}`")))
        .map_or("string", |(name, _)| name)
        .to_owned()
}

/// The parameters of the path.
#[derive(Debug, Clone)]
pub struct PathOf<T>(pub T);

impl<T> Deref for PathOf<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for PathOf<T> {
    type Error = Fault;
    type Future = Ready<Result<PathOf<T>, Fault>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let path = web::Path::<T>::from_request(req, payload).into_inner();
        ready(
            path.map(|path| PathOf(path.into_inner())).map_err(|_| {
                Fault::new(Code::Malformed, "The path cannot be read: an id is a whole number.")
            }),
        )
    }
}

/// The version that the client saw (`If-Match`); [`Expected::Any`] when it did not say.
#[derive(Debug, Clone)]
pub struct IfMatch(pub Expected);

impl IfMatch {
    /// For operations that insist on one.
    ///
    /// # Errors
    /// When the request has no `If-Match`.
    pub fn required(req: &HttpRequest) -> Result<Expected, Fault> {
        if req.headers().contains_key(header::IF_MATCH) {
            return read_if_match(req);
        }
        let detail = "Send the ETag of what you saw in an If-Match header, so that nobody's change is lost.";
        Err(Fault::new(Code::PreconditionRequired, detail))
    }
}

impl FromRequest for IfMatch {
    type Error = Fault;
    type Future = Ready<Result<IfMatch, Fault>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read_if_match(req).map(IfMatch))
    }
}

/// Only the version part of each tag counts: the hash of the body differs from one viewer to another.
fn read_if_match(req: &HttpRequest) -> Result<Expected, Fault> {
    let mut versions = Vec::new();
    let mut any = true;
    for value in req.headers().get_all(header::IF_MATCH) {
        let text =
            value.to_str().map_err(|_| Fault::new(Code::Malformed, "The If-Match header cannot be read."))?;
        for tag in text.split(',').map(str::trim) {
            if tag == "*" {
                return Ok(Expected::Any);
            }
            any = false;
            versions.extend(version_of(tag));
        }
    }
    // A tag that was never given out matches nothing, which is what its sender has to hear.
    Ok(if any { Expected::Any } else { Expected::OneOf(versions) })
}

fn version_of(tag: &str) -> Option<i64> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
    let version = tag.split('-').next()?;
    // As it was given out: no sign, no zeros before it.
    let version_number: i64 = version.parse().ok()?;
    (version_number.to_string() == version).then_some(version_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[derive(Debug, serde::Deserialize, PartialEq)]
    struct Query {
        limit: Option<i64>,
        q: Option<String>,
    }

    #[test]
    fn a_query_string_is_read_or_refused() {
        assert_eq!(
            parse::<Query>("limit=5&q=a%20b").expect("fine"),
            Query { limit: Some(5), q: Some("a b".into()) }
        );
        for (query, code, field) in [
            ("limit=x", Code::Malformed, "limit"),
            ("limit=1&limit=2", Code::Malformed, "limit"),
            ("role=admin", Code::UnknownParameter, "role"),
        ] {
            let fault = parse::<Query>(query).expect_err(query);
            assert_eq!((fault.code, fault.fields[0].pointer.as_str()), (code, field), "{query}");
        }
    }

    #[test]
    fn only_the_version_of_a_tag_counts() {
        for (header, expected) in [
            ("\"7-abc\"", Expected::OneOf(vec![7])),
            ("W/\"7-abc\", \"8-x\"", Expected::OneOf(vec![7, 8])),
            ("*", Expected::Any),
            ("\"nonsense\"", Expected::OneOf(vec![])),
            ("\"+7-a\", \"07-a\"", Expected::OneOf(vec![])),
            ("", Expected::OneOf(vec![])),
        ] {
            let req = TestRequest::default().insert_header((header::IF_MATCH, header)).to_http_request();
            assert_eq!(read_if_match(&req).expect("readable"), expected, "{header}");
        }
        assert_eq!(
            read_if_match(&TestRequest::default().to_http_request()).expect("readable"),
            Expected::Any
        );
    }
}
