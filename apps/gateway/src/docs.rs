//! The documentation that the program serves about itself: the OpenAPI document, a page to read it with, and the
//! problems it can answer with. All of it works without the internet.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::{App, HttpRequest, HttpResponse, web};
use muster_kernel::fault::Code;
use muster_kernel::http::{Documented, Format, Pages, PermissionDoc, Problem, finish};
use muster_kernel::random;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "A backend for clubs: members, money, classes, coaches and chat.\n\n\
            Failures are `application/problem+json` with a stable `code`; what each means is listed under \
            [problems](/api/docs/problems). Every path answers with and without a slash at its end.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "auth", description = "Signing in and staying signed in"),
        (name = "users", description = "The people of the club"),
        (name = "members", description = "Memberships: approving, suspending, leaving; how members can be reached"),
        (name = "dues", description = "Plans, who is on which, and the runs that charge dues"),
        (name = "club", description = "The club's settings, its audit log, its jobs"),
        (name = "finance", description = "What members owe and pay, the ledger, its months and reports"),
        (name = "coaches", description = "Coaches, when they are there, what they teach, what they earn and are paid"),
        (name = "classes", description = "The timetable, series, attendance"),
        (name = "bookings", description = "Taking a place in a class, waiting for one, giving it back"),
        (name = "calendar", description = "The timetable and personal calendars, as iCalendar"),
        (name = "operations", description = "Signs of life"),
    ),
    components(schemas(Format, Problem))
)]
struct Base;

/// The whole document, made from the routes.
///
/// # Errors
/// When a route does not say who may use it, which is a defect.
pub fn openapi_document() -> Result<Documented, String> {
    let (_, document) = App::new()
        .into_utoipa_app()
        .openapi(base())
        .configure(crate::health::mount)
        .service(utoipa_actix_web::scope("/api").configure(crate::domains::mount))
        .split_for_parts();
    let permissions: Vec<_> = muster_auth::permissions::TABLE
        .iter()
        .map(|p| PermissionDoc {
            name: p.name,
            roles: p.grants.iter().map(|(role, scope)| (role.as_str(), scope.as_str())).collect(),
        })
        .collect();
    finish(&document, &permissions)
}

pub(crate) fn base() -> Document {
    Base::openapi()
}

/// Where the documentation is, and what it needs in a browser.
pub(crate) const PAGES: Pages = Pages {
    below: "/api/docs",
    policy: "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    keep_slash: true,
};

/// What the documentation routes serve, made once at start.
#[derive(Clone)]
pub(crate) struct Docs {
    document: Documented,
    bytes: web::Bytes,
    etag: String,
    problems: web::Bytes,
    page: Arc<utoipa_swagger_ui::Config<'static>>,
}

impl Docs {
    pub(crate) fn new() -> Result<Docs, String> {
        let document = openapi_document()?;
        let page = utoipa_swagger_ui::Config::new(["/api/openapi.json"])
            .validator_url("none")
            .try_it_out_enabled(true)
            .persist_authorization(false);
        Ok(Docs {
            bytes: document.compact().into(),
            document,
            // The document changes only with the program, so a tag for each start is precise enough.
            etag: format!("\"{}\"", random::hex(8)),
            problems: problems_page().into(),
            page: Arc::new(page),
        })
    }

    /// The OpenAPI document.
    pub(crate) fn document(&self) -> &Documented {
        &self.document
    }
}

/// Mounts the documentation. It has to come before the `/api` scope, which would answer 404.
pub(crate) fn mount(config: &mut ServiceConfig<'_>) {
    config
        .route("/api/openapi.json", web::get().to(document))
        .route("/api/docs", web::get().to(page))
        .route("/api/docs/problems", web::get().to(problems))
        .route("/api/docs/{file:.*}", web::get().to(page));
}

async fn document(req: HttpRequest, docs: web::Data<Docs>) -> HttpResponse {
    let seen = req.headers().get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == docs.etag.as_bytes());
    let mut response = if seen { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, docs.etag.clone()));
    if seen { response.finish() } else { response.content_type("application/json").body(docs.bytes.clone()) }
}

async fn problems(docs: web::Data<Docs>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(docs.problems.clone())
}

async fn page(req: HttpRequest, docs: web::Data<Docs>) -> HttpResponse {
    let file = req.match_info().query("file");
    let name = if file.is_empty() { "index.html" } else { file };
    match utoipa_swagger_ui::serve(name, docs.page.clone()) {
        Ok(Some(found)) => {
            let body = found.bytes.into_owned();
            let mut response = HttpResponse::Ok();
            response.content_type(found.content_type);
            if name == "index.html" {
                return response.body(with_absolute_links(body));
            }
            response.insert_header((CACHE_CONTROL, "public, max-age=86400")).body(body)
        }
        _ => HttpResponse::NotFound().finish(),
    }
}

/// The page is served with and without a slash at its end, so its links cannot be relative to it.
fn with_absolute_links(page: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(page) {
        Ok(text) => text
            .replace("href=\"./", "href=\"/api/docs/")
            .replace("src=\"./", "src=\"/api/docs/")
            .replace("href=\"index.css\"", "href=\"/api/docs/index.css\"")
            .replace("Swagger UI", "Muster API")
            .into_bytes(),
        Err(e) => e.into_bytes(),
    }
}

fn problems_page() -> String {
    let mut rows = String::new();
    for code in Code::ALL {
        let (name, status, title) = (code.as_str(), code.status(), code.title());
        rows.push_str(&format!(
            "<tr id=\"{name}\"><td><code>{name}</code></td><td>{status}</td><td>{title}</td></tr>\n"
        ));
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Problems</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}}\
         td{{padding:.2rem .8rem;border-top:1px solid #ccc}}tr:target{{background:#ffc}}</style>\
         <h1>Problems</h1><p>Every failure has one of these codes. They are stable and never translated.</p>\
         <table>{rows}</table>"
    )
}
