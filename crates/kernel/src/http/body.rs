//! Reading a request's body.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::objects::Objects;
use crate::fault::{Code, Fault, FieldFault};

/// The most that a JSON body may be.
const JSON_LIMIT: usize = 64 * 1024;

/// Wrong fields that one answer names at most.
const MOST_FAULTS: usize = 100;

/// The JSON of a request. An empty body stands for `{}`, so that actions need none.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<T> Deref for Body<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Body<T> {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Body<T>, Fault>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read_json(req, payload);
        Box::pin(async move { parse(&read.await?).map(Body) })
    }
}

/// Reads a JSON body without parsing it.
pub(super) fn read_json(
    req: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<web::Bytes, Fault>> + use<> {
    let typed = json_or_nothing(req);
    let body = read_body(req, payload, JSON_LIMIT);
    async move {
        let (typed, bytes) = (typed, body.await?);
        match typed {
            Typed::Json => Ok(bytes),
            Typed::Nothing if bytes.is_empty() => Ok(bytes),
            _ => Err(Fault::new(Code::UnsupportedMediaType, "Send the body as application/json in UTF-8.")),
        }
    }
}

enum Typed {
    Json,
    Nothing,
    Other,
}

fn json_or_nothing(req: &HttpRequest) -> Typed {
    let Some(value) = req.headers().get(header::CONTENT_TYPE) else { return Typed::Nothing };
    let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let (essence, parameters) = value.split_once(';').unwrap_or((&value, ""));
    let essence = essence.trim();
    let json =
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let charset = parameters.trim();
    let utf8 = charset.is_empty() || matches!(charset, "charset=utf-8" | "charset=\"utf-8\"");
    if json && utf8 { Typed::Json } else { Typed::Other }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// When it is larger, compressed, cut off or too slow.
pub fn read_body(
    req: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> impl Future<Output = Result<web::Bytes, Fault>> + use<> {
    let declared = req
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok());
    // Unpacking what strangers send is how a small request becomes a large one.
    let packed = req
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let mut payload = payload.take();
    let too_large = move || Fault::new(Code::TooLarge, format!("The body may have {limit} bytes at most."));
    async move {
        if packed {
            return Err(Fault::new(Code::UnsupportedMediaType, "Send the body without Content-Encoding."));
        }
        if declared.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut body = web::BytesMut::with_capacity(declared.unwrap_or(0).min(limit));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(not_read)?;
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

fn not_read(error: PayloadError) -> Fault {
    match &error {
        PayloadError::Overflow => Fault::new(Code::TooLarge, "The body is larger than the server takes."),
        PayloadError::Io(e) if e.kind() == std::io::ErrorKind::TimedOut => {
            Fault::new(Code::RequestTimeout, "The body did not arrive in time; send it again.")
        }
        _ => Fault::new(Code::Malformed, "The body was cut off.").because(error),
    }
}

/// Parses JSON into `T`: what is no JSON is malformed; what does not fit, or is not known, is a wrong field.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    let mut unknown = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = {
        let mut note = |path: serde_ignored::Path<'_>| {
            // A body of thousands of them is not answered in kind.
            if unknown.len() < MOST_FAULTS {
                unknown.push(pointer_of_ignored(&path));
            }
        };
        serde_path_to_error::deserialize::<_, T>(serde_ignored::Deserializer::new(
            Objects(&mut json),
            &mut note,
        ))
    };
    let value = parsed.map_err(|e| wrong(bytes, e))?;
    json.end().map_err(|e| malformed(&e))?;
    if unknown.is_empty() {
        return Ok(value);
    }
    Err(Fault::fields(unknown.into_iter().map(unknown_field).collect()))
}

fn unknown_field(pointer: String) -> FieldFault {
    FieldFault { pointer, code: "unknown_field", message: "This request does not have such a field.".into() }
}

fn malformed(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    Fault::new(Code::Malformed, format!("The body is not valid JSON (line {line}, column {column})."))
}

fn wrong(bytes: &[u8], error: serde_path_to_error::Error<serde_json::Error>) -> Fault {
    // What breaks off in the middle may be read as a wrong type first: JSON that is none comes before all else.
    if std::str::from_utf8(bytes).is_err() {
        return malformed(error.inner());
    }
    if let Err(e) = serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        return malformed(&e);
    }
    if error.inner().is_syntax() {
        // A number where one of several words belongs is an error of syntax to serde_json; half a character is one to
        // everybody.
        return match error.inner().to_string().starts_with("expected value") {
            true => Fault::field(pointer_of_path(error.path()), "wrong_type", "This must be text."),
            false => malformed(error.inner()),
        };
    }
    let mut pointer = pointer_of_path(error.path());
    let text = error.into_inner().to_string();
    // serde_json adds where in the text it was; the pointer says that better.
    let text = text.split(" at line ").next().unwrap_or_default();
    let named = |begin: &str| text.strip_prefix(begin).and_then(|rest| rest.split('`').next());
    if let Some(field) = named("missing field `") {
        pointer.push('/');
        pointer.push_str(&escaped(field));
        return Fault::field(pointer, "required", "This field is required.");
    }
    if let Some(field) = named("duplicate field `") {
        pointer.push('/');
        pointer.push_str(&escaped(field));
        return Fault::field(pointer, "duplicate", "This field is there twice.");
    }
    let expected = text.split("expected ").nth(1).unwrap_or_default();
    // What was sent is not repeated: it may be a password that stood in the wrong place.
    if text.starts_with("unknown variant") {
        return Fault::field(pointer, "unknown_value", format!("One of these: {}.", words(expected)));
    }
    if text.starts_with("invalid type") || text.starts_with("invalid value") {
        return Fault::field(pointer, "wrong_type", format!("This must be {}.", kind_of(expected)));
    }
    Fault::field(pointer, "invalid", "This cannot be read.")
}

/// What serde expected, in a client's words.
fn kind_of(expected: &str) -> &'static str {
    let first = expected.split([' ', ',']).next().unwrap_or_default();
    match first {
        "struct" | "map" => "an object",
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" | "isize" => {
            "a whole number within range"
        }
        "f32" | "f64" => "a number",
        _ if expected.contains("map") => "an object",
        _ if expected.contains("sequence") => "a list",
        _ if expected.contains("string") || expected.contains("variant") => "a text",
        _ if expected.contains("boolean") => "true or false",
        _ => "of another type",
    }
}

/// The values of an enum, out of "one of `a`, `b`".
fn words(expected: &str) -> String {
    expected.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", ")
}

fn pointer_of_path(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path.iter() {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&escaped(key)),
            Segment::Enum { variant } => pointer.push_str(&escaped(variant)),
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

fn pointer_of_ignored(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}/{index}", pointer_of_ignored(parent)),
        Path::Map { parent, key } => format!("{}/{}", pointer_of_ignored(parent), escaped(key)),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            pointer_of_ignored(parent)
        }
    }
}

/// As RFC 6901 has it. A key that a client made up is cut, so that an answer stays small.
fn escaped(key: &str) -> String {
    key.chars().take(100).collect::<String>().replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Cash,
    }

    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code)]
    struct Inner {
        minutes: Option<i32>,
        method: Option<Word>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code)]
    struct Outer {
        name: String,
        policies: Option<Inner>,
    }

    fn fault(json: &str) -> (Code, Vec<(String, &'static str)>) {
        let fault = parse::<Outer>(json.as_bytes()).expect_err("it is wrong");
        (fault.code, fault.fields.into_iter().map(|f| (f.pointer, f.code)).collect())
    }

    #[test]
    fn each_kind_of_wrong_body_is_told_apart() {
        let field = |p: &str, c| vec![(p.to_owned(), c)];
        assert_eq!(fault("{"), (Code::Malformed, vec![]));
        assert_eq!(fault(r#"{"name":3"#), (Code::Malformed, vec![]));
        assert_eq!(fault(r#"{"name":"a"} x"#), (Code::Malformed, vec![]));
        assert_eq!(fault("\"\u{feff}"), (Code::Malformed, vec![]));
        assert_eq!(fault(""), (Code::InvalidFields, field("/name", "required")));
        assert_eq!(fault("[]"), (Code::InvalidFields, field("", "wrong_type")));
        assert_eq!(fault(r#"["a",null]"#), (Code::InvalidFields, field("", "wrong_type")));
        assert_eq!(
            fault(r#"{"name":"a","policies":[5]}"#),
            (Code::InvalidFields, field("/policies", "wrong_type"))
        );
        assert_eq!(fault(r#"{"name":"\ud800"}"#), (Code::Malformed, vec![]));
        assert_eq!(fault(r#"{"name":3}"#), (Code::InvalidFields, field("/name", "wrong_type")));
        assert_eq!(fault(r#"{"name":"a","name":"b"}"#), (Code::InvalidFields, field("/name", "duplicate")));
        assert_eq!(
            fault(r#"{"name":"a","role":"admin"}"#),
            (Code::UnknownField, field("/role", "unknown_field"))
        );
        assert_eq!(
            fault(r#"{"name":"a","policies":{"minutes":1,"a/b":2}}"#),
            (Code::UnknownField, field("/policies/a~1b", "unknown_field"))
        );
        assert_eq!(
            fault(r#"{"name":"a","policies":{"minutes":1e99}}"#),
            (Code::InvalidFields, field("/policies/minutes", "wrong_type"))
        );
        assert_eq!(
            fault(r#"{"name":"a","policies":{"method":5}}"#),
            (Code::InvalidFields, field("/policies/method", "wrong_type"))
        );
        assert_eq!(
            fault(r#"{"name":"a","policies":{"method":"gold"}}"#),
            (Code::InvalidFields, field("/policies/method", "unknown_value"))
        );
    }

    #[test]
    fn what_was_sent_and_how_it_is_read_is_not_told() {
        for json in
            [r#""my secret""#, r#"{"name":12345}"#, r#"{"name":"a","policies":{"minutes":"my secret"}}"#]
        {
            let fault = parse::<Outer>(json.as_bytes()).expect_err("it is wrong");
            let told = format!("{fault:?}");
            for word in ["secret", "12345", "struct", "i32", "Outer"] {
                assert!(!told.contains(word), "{told}");
            }
        }
        let mut raw = br#"{"name":""#.to_vec();
        raw.extend([0xff, b'"', b'}']);
        assert_eq!(parse::<Outer>(&raw).expect_err("no UTF-8").code, Code::Malformed);
    }

    #[test]
    fn what_nests_without_end_is_refused() {
        assert_eq!(fault(&"[".repeat(100_000)).0, Code::Malformed);
    }
}
