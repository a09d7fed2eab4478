//! What is known of every operation before it is reached: which methods a path has, and which query parameters.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::{Caller, Documented, Operation, unknown_parameters};

/// Every operation, as the OpenAPI document has them. (actix routes by path and method together, and cannot tell
/// the one from the other afterwards.)
pub(crate) struct Operations(Vec<Known>);

struct Known {
    pattern: Vec<String>,
    operation: Operation,
}

impl Operations {
    pub(crate) fn of(document: &Documented) -> Operations {
        let mut known: Vec<_> = document.operations();
        known.extend(["/api/openapi.json", "/api/docs", "/api/docs/problems"].map(Operation::get));
        known.extend(crate::pages::paths().map(Operation::get));
        let known =
            known.into_iter().map(|operation| Known { pattern: segments(&operation.path), operation });
        Operations(known.collect())
    }

    /// The operations of a path, one for each method.
    fn at(&self, path: &str) -> impl Iterator<Item = &Operation> {
        let path = segments(path);
        let fits = move |pattern: &[String]| {
            pattern.len() == path.len() && pattern.iter().zip(&path).all(|(p, s)| p == s || is_filled(p, s))
        };
        self.0.iter().filter(move |known| fits(&known.pattern)).map(|known| &known.operation)
    }
}

/// Whether a segment is one of `{…}`, or of `{…}.ics`.
fn is_filled(pattern: &str, segment: &str) -> bool {
    let end = pattern.strip_prefix('{').and_then(|pattern| pattern.split_once('}'));
    end.is_some_and(|(_, end)| segment.ends_with(end))
}

fn segments(path: &str) -> Vec<String> {
    path.trim_end_matches('/').split('/').map(str::to_owned).collect()
}

/// Answers whatever no route answers: nothing is there, or not with this method.
pub(crate) async fn nothing_here(req: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    let methods: Vec<_> = operations.at(req.path()).map(|operation| operation.method.as_str()).collect();
    if methods.is_empty() {
        return Fault::new(Code::NotFound, "There is nothing under this path.").error_response();
    }
    let methods = methods.join(", ");
    let detail = format!("This path exists, but not with {}; it has {methods}.", req.method());
    let mut response = Fault::new(Code::MethodNotAllowed, detail).error_response();
    if let Ok(methods) = HeaderValue::from_str(&methods) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

/// Refuses query parameters that an operation does not have, whether it reads any or not. Whoever is not signed
/// in hears of that first.
///
/// # Errors
/// Those of the services inside.
pub(crate) async fn refuse_unknown_parameters<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if let Some(fault) = fault_in_query(&req) {
        return Ok(req.error_response(fault).map_into_right_body());
    }
    Ok(next.call(req).await?.map_into_left_body())
}

fn fault_in_query(req: &ServiceRequest) -> Option<Fault> {
    if req.query_string().is_empty() {
        return None;
    }
    let operations = req.app_data::<web::Data<Operations>>()?;
    let operation = operations.at(req.path()).find(|operation| operation.method == req.method().as_str())?;
    let known_caller = req.request().extensions().get::<Caller>().is_some();
    if !operation.public && !known_caller {
        return None;
    }
    unknown_parameters(req.query_string(), &operation.parameters)
}
