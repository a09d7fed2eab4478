//! Faults as `application/problem+json` (RFC 9457).

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;

use crate::fault::{Code, Fault, FieldFault};

/// A failure as clients see it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem<'a> {
    /// Where this kind of problem is explained.
    #[serde(rename = "type")]
    #[schema(example = "/api/docs/problems#not_found")]
    pub kind: String,
    /// What happened, in a few words.
    pub title: &'a str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened here and what to do about it.
    pub detail: &'a str,
    /// The path of the request.
    pub instance: &'a str,
    /// The stable code; never translated.
    #[schema(example = "not_found")]
    pub code: &'a str,
    /// The request, as it stands in the server's log.
    pub request_id: &'a str,
    /// The fields at fault.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Option<Vec<FieldFault>>)]
    pub errors: &'a [FieldFault],
}

impl<'a> Problem<'a> {
    /// The problem of a fault in a request.
    pub fn of(fault: &'a Fault, instance: &'a str, request_id: &'a str) -> Problem<'a> {
        Problem {
            kind: format!("/api/docs/problems#{}", fault.code.as_str()),
            title: fault.code.title(),
            status: fault.code.status(),
            detail: &fault.detail,
            instance,
            code: fault.code.as_str(),
            request_id,
            errors: &fault.fields,
        }
    }

    /// The whole answer.
    pub fn response(fault: &Fault, instance: &str, request_id: &str) -> HttpResponse {
        let problem = Problem::of(fault, instance, request_id);
        let mut response = HttpResponseBuilder::new(status(fault.code));
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = fault.retry_after {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if fault.code.status() == 401 {
            response.insert_header(("WWW-Authenticate", "Bearer"));
        }
        // Strings and numbers always have a JSON form.
        response.body(serde_json::to_vec(&problem).unwrap_or_default())
    }
}

pub(super) fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        status(self.code)
    }

    /// Only the fault itself: the envelope knows the request and makes the answer of it.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// The fault behind an answer that actix made by itself.
pub(super) fn of_status(status: StatusCode) -> Fault {
    let (code, detail) = match status.as_u16() {
        400 => (Code::Malformed, "The request cannot be read."),
        401 => (Code::Unauthenticated, "Sign in first."),
        403 => (Code::Forbidden, "You may not do this."),
        404 => (Code::NotFound, "There is nothing under this path."),
        405 => (
            Code::MethodNotAllowed,
            "This path exists, but not with this method; the Allow header says which.",
        ),
        408 => (Code::RequestTimeout, "The request did not arrive in time; send it again."),
        413 => (Code::TooLarge, "The request is larger than the server takes."),
        415 => (Code::UnsupportedMediaType, "Send the body as application/json in UTF-8."),
        429 => (Code::RateLimited, "Too many requests; wait a little."),
        503 => (Code::Unavailable, "Not available for the moment; try again shortly."),
        other if (402..500).contains(&other) => (Code::Malformed, "The request cannot be served."),
        _ => (Code::Internal, "The server could not finish this; nothing was changed."),
    };
    Fault::new(code, detail)
}
