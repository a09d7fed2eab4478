//! Reading from a request where it came from.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpRequest, web};

use super::RateLimits;
use crate::Client;

/// What a client calls itself is kept up to this length.
const MAX_USER_AGENT: usize = 200;

impl FromRequest for Client {
    type Error = Infallible;
    type Future = Ready<Result<Client, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Client { address: address(req), user_agent: user_agent(req) }))
    }
}

/// The limits know which proxies to believe.
fn address(req: &HttpRequest) -> Option<IpAddr> {
    let limits = req.app_data::<web::Data<RateLimits>>()?;
    Some(limits.address(req.head()).0).filter(|address| !address.is_unspecified())
}

fn user_agent(req: &HttpRequest) -> Option<String> {
    let sent = String::from_utf8_lossy(req.headers().get(USER_AGENT)?.as_bytes());
    let plain: String = sent.trim().chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect();
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Proxies;
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;

    async fn client(request: TestRequest) -> Client {
        let Ok(client) = Client::extract(&request.to_http_request()).await;
        client
    }

    #[actix_web::test]
    async fn a_client_is_known_by_the_address_that_limits_count() {
        let proxies = Proxies::parse(["10.0.0.0/8"]).expect("a network");
        let limits = web::Data::new(RateLimits::new(false, proxies));
        for (peer, address) in [
            ("10.1.2.3:1", "198.51.100.7"),
            ("192.0.2.1:1", "192.0.2.1"),
            ("[2001:db8:1:2:3:4:5:6]:1", "2001:db8:1:2::"),
        ] {
            let request = TestRequest::default()
                .app_data(limits.clone())
                .peer_addr(peer.parse().expect("an address"))
                .insert_header(("X-Forwarded-For", "198.51.100.7"));
            assert_eq!(client(request).await.address, Some(address.parse().expect("an address")), "{peer}");
        }
        assert_eq!(client(TestRequest::default().app_data(limits)).await, Client::default());
    }

    #[actix_web::test]
    async fn what_a_client_calls_itself_is_one_short_line() {
        for (sent, kept) in [
            ("Muster/1.2 (Grün)".to_owned(), Some("Muster/1.2 (Grün)".to_owned())),
            ("a\tb\u{85}c".to_owned(), Some("abc".to_owned())),
            ("ü".repeat(300), Some("ü".repeat(200))),
            (" \t".to_owned(), None),
        ] {
            let sent = HeaderValue::from_bytes(sent.as_bytes()).expect("a header");
            let request = TestRequest::default().insert_header((USER_AGENT, sent.clone()));
            assert_eq!(client(request).await.user_agent, kept, "{sent:?}");
        }
    }
}
