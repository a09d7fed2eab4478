//! Sessions of web pages: two cookies that scripts cannot read, and the refusal of what other sites send with them.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::RequestHead;
use actix_web::http::header::{self, HeaderName};
use muster_kernel::fault::{Code, Fault};

use crate::sessions::{self, Tokens};
use crate::token;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How browsers reach this installation.
#[derive(Debug, Clone, Default)]
pub struct Site {
    https: bool,
    /// Its own origin is known.
    has_home: bool,
    /// Its own, where it is known, and those that the operator trusts.
    origins: Vec<String>,
}

impl Site {
    /// A site at this address, whose pages and those of these origins may act for whoever is signed in.
    pub fn new(home: Option<&str>, trusted: impl IntoIterator<Item = String>) -> Site {
        let own = home.map(|home| home.splitn(4, '/').take(3).collect::<Vec<_>>().join("/"));
        Site {
            https: home.is_some_and(|home| home.starts_with("https://")),
            has_home: home.is_some(),
            origins: own.into_iter().chain(trusted).map(|origin| origin.to_ascii_lowercase()).collect(),
        }
    }

    fn name(&self, cookie: &str) -> String {
        // The prefix keeps other hosts of the domain from setting it.
        if self.https { format!("__Host-muster_{cookie}") } else { format!("muster_{cookie}") }
    }

    fn cookie(&self, name: &str, value: String, same_site: SameSite, life: Duration) -> Cookie<'static> {
        Cookie::build(self.name(name), value)
            .path("/")
            .http_only(true)
            .secure(self.https)
            .same_site(same_site)
            .max_age(life)
            .finish()
    }

    /// The cookies of a session.
    pub(crate) fn signed_in(&self, tokens: &Tokens) -> [Cookie<'static>; 2] {
        let life = |life: chrono::TimeDelta| Duration::seconds(life.num_seconds());
        [
            self.cookie("access", tokens.access.clone(), SameSite::Lax, life(token::LIFE)),
            self.cookie("refresh", tokens.refresh.clone(), SameSite::Strict, life(sessions::IDLE)),
        ]
    }

    /// The cookies of nobody.
    pub(crate) fn signed_out(&self) -> [Cookie<'static>; 2] {
        ["access", "refresh"].map(|name| self.cookie(name, String::new(), SameSite::Strict, Duration::ZERO))
    }

    /// The access token that a page's requests come with.
    pub(crate) fn access(&self, req: &HttpRequest) -> Option<String> {
        req.cookie(&self.name("access")).map(|cookie| cookie.value().to_owned())
    }

    /// The refresh token that they come with.
    pub(crate) fn refresh(&self, req: &HttpRequest) -> Option<String> {
        req.cookie(&self.name("refresh")).map(|cookie| cookie.value().to_owned())
    }

    /// Refuses what another site's page sends. Browsers say where a request comes from; a program that says nothing
    /// is no browser, and nobody's cookies come with it unless it was given them.
    ///
    /// # Errors
    /// When it is a request that changes something, and comes from elsewhere.
    pub(crate) fn refuse_other_sites(&self, head: &RequestHead) -> Result<(), Fault> {
        if head.method.is_safe() || !self.is_from_elsewhere(head) {
            return Ok(());
        }
        Err(Fault::new(Code::CrossSite, "A page of another site must not act for whoever is signed in here."))
    }

    /// Refuses a socket that a page opens with its cookies, unless it is a page of this site or of a trusted one. No
    /// browser leaves out where a socket comes from, and nothing else keeps other sites from opening one.
    ///
    /// # Errors
    /// When it comes from elsewhere, or nothing says where from.
    pub fn refuse_sockets_of_other_sites(&self, head: &RequestHead) -> Result<(), Fault> {
        let origin = head.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        let is_known = |origin: &str| self.origins.contains(&origin.to_ascii_lowercase());
        // Where nobody said what the address is, the host that the request names has to do.
        let is_fine = |origin| is_known(origin) || (!self.has_home && !self.is_from_elsewhere(head));
        if origin.is_some_and(is_fine) {
            return Ok(());
        }
        let detail = "A page of another site must not open a socket with this site's cookies; take a ticket.";
        Err(Fault::new(Code::CrossSite, detail))
    }

    fn is_from_elsewhere(&self, head: &RequestHead) -> bool {
        let value = |name: HeaderName| head.headers.get(name).map(|v| v.to_str().unwrap_or("unreadable"));
        let origin = value(header::ORIGIN).map(str::to_ascii_lowercase);
        let trusted = origin.as_ref().is_some_and(|origin| self.origins.contains(origin));
        match (value(SEC_FETCH_SITE), &origin) {
            (Some("same-origin" | "none"), _) | (None, None) => false,
            (Some(_), _) => !trusted,
            (None, Some(origin)) => {
                let host = origin.split_once("://").map(|(_, host)| host);
                let same_host =
                    host.is_some() && host == value(header::HOST).map(str::to_ascii_lowercase).as_deref();
                !trusted && !same_host
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_pages_of_this_site_and_of_trusted_ones_change_anything() {
        let site = Site::new(Some("https://club.example/sub"), ["https://app.example".to_owned()]);
        for (fetch_site, origin, fine) in [
            (None, None, true),
            (Some("same-origin"), Some("https://club.example"), true),
            (Some("none"), None, true),
            (Some("cross-site"), Some("https://evil.example"), false),
            (Some("cross-site"), None, false),
            (Some("same-site"), Some("https://evil.club.example"), false),
            (Some("nonsense"), None, false),
            (Some("cross-site"), Some("https://app.example"), true),
            (None, Some("https://club.example"), true),
            (None, Some("https://App.Example"), true),
            (None, Some("https://inner.example:8080"), true),
            (None, Some("https://evil.example"), false),
            (None, Some("https://club.example.evil.example"), false),
            (None, Some("null"), false),
        ] {
            let head = |request: TestRequest| {
                let mut request = request.insert_header((header::HOST, "inner.example:8080"));
                for (name, value) in [(SEC_FETCH_SITE, fetch_site), (header::ORIGIN, origin)] {
                    if let Some(value) = value {
                        request = request.insert_header((name, value));
                    }
                }
                request.to_http_request()
            };
            let post = site.refuse_other_sites(head(TestRequest::post()).head());
            assert_eq!(post.is_ok(), fine, "{fetch_site:?} {origin:?}");
            let get = head(TestRequest::get());
            assert!(site.refuse_other_sites(get.head()).is_ok(), "reading is harmless");
            let is_listed = origin.is_some_and(|it| {
                ["https://club.example", "https://app.example"].contains(&it.to_ascii_lowercase().as_str())
            });
            assert_eq!(site.refuse_sockets_of_other_sites(get.head()).is_ok(), is_listed, "{origin:?}");
            let socket = Site::new(None, []).refuse_sockets_of_other_sites(get.head());
            let is_here = fetch_site == Some("same-origin") || origin == Some("https://inner.example:8080");
            assert_eq!(socket.is_ok(), is_here && origin.is_some(), "{fetch_site:?} {origin:?}");
        }
    }

    #[test]
    fn cookies_are_for_this_host_alone_over_https() {
        let tokens = Tokens { access: "a".into(), refresh: "r".into() };
        let [access, refresh] = Site::new(Some("https://club.example"), []).signed_in(&tokens);
        assert_eq!(
            access.to_string(),
            "__Host-muster_access=a; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600"
        );
        assert_eq!(
            refresh.to_string(),
            "__Host-muster_refresh=r; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=2592000"
        );
        let [access, _] = Site::new(None, []).signed_in(&tokens);
        assert_eq!(access.to_string(), "muster_access=a; HttpOnly; SameSite=Lax; Path=/; Max-Age=600");
    }
}
