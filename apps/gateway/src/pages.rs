//! The small pages that the links in mails lead to, and the one for the first admin. They come with the program,
//! so that a club without a frontend of its own can do with them; one that has one serves the same paths itself.
//!
//! They are the same for everybody and hold no data: the script posts to the API what the person typed, and the
//! token that stands in the link behind `#`, where no server sees it.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use muster_kernel::http::Pages;
use utoipa_actix_web::service_config::ServiceConfig;

/// Where they are, and that they run nothing but their own script, which talks to nobody but this server.
pub(crate) const PAGES: Pages = Pages {
    below: "/account",
    policy: "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; \
             base-uri 'none'; frame-ancestors 'none'",
    keep_slash: false,
};

const HTML: &str = "text/html; charset=utf-8";

/// Path, type and content.
const FILES: [(&str, &str, &str); 7] = [
    ("/account/verify", HTML, include_str!("../pages/verify.html")),
    ("/account/reset", HTML, include_str!("../pages/reset.html")),
    ("/account/invitation", HTML, include_str!("../pages/invitation.html")),
    ("/account/forgot", HTML, include_str!("../pages/forgot.html")),
    ("/account/setup", HTML, include_str!("../pages/setup.html")),
    ("/account/account.js", "text/javascript; charset=utf-8", include_str!("../pages/account.js")),
    ("/account/account.css", "text/css; charset=utf-8", include_str!("../pages/account.css")),
];

/// The paths of the pages and of what belongs to them.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(path, ..)| *path)
}

/// Mounts the pages.
pub(crate) fn mount(config: &mut ServiceConfig<'_>) {
    for (path, kind, content) in FILES {
        config.route(path, web::get().to(move || async move { served(kind, content) }));
    }
}

fn served(kind: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        // Short, so that a page and its script soon fit together again after an update.
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .body(content)
}
