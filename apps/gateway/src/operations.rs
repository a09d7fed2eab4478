//! What to say where no route answers: nothing is there, or not with this method.

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::Documented;

/// Every path with its methods, as the OpenAPI document has them. (actix routes by path and method together, and
/// cannot tell the one from the other afterwards.)
pub(crate) struct Operations(Vec<(Vec<String>, String)>);

impl Operations {
    pub(crate) fn of(document: &Documented) -> Operations {
        let operation = |(path, methods): (&str, Vec<String>)| (segments(path), methods.join(", "));
        Operations(document.operations().map(operation).collect())
    }

    /// The methods of a path, if there is such a path.
    fn methods(&self, path: &str) -> Option<&str> {
        let path = segments(path);
        let fits = |pattern: &[String]| {
            pattern.len() == path.len()
                && pattern.iter().zip(&path).all(|(p, s)| p == s || p.starts_with('{'))
        };
        self.0.iter().find(|(pattern, _)| fits(pattern)).map(|(_, methods)| methods.as_str())
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

/// Answers whatever no route answers.
pub(crate) async fn nothing_here(req: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    let Some(methods) = operations.methods(req.path()) else {
        return Fault::new(Code::NotFound, "There is nothing under this path.").error_response();
    };
    let detail = format!("This path exists, but not with {}; it has {methods}.", req.method());
    let mut response = Fault::new(Code::MethodNotAllowed, detail).error_response();
    if let Ok(methods) = HeaderValue::from_str(methods) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}
