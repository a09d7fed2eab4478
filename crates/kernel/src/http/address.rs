//! Where a request really comes from.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::dev::RequestHead;

/// The proxies whose `X-Forwarded-For` counts: addresses, or networks as `10.0.0.0/8`.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<(IpAddr, u8)>);

impl Proxies {
    /// Reads a list; the error is the entry that is no address.
    ///
    /// # Errors
    /// When an entry is neither an address nor a network.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Proxies, String> {
        let mut list = Vec::new();
        for entry in entries.into_iter().map(str::trim).filter(|e| !e.is_empty()) {
            let (address, length) = entry.split_once('/').map_or((entry, None), |(a, l)| (a, Some(l)));
            let address: IpAddr = address.parse().map_err(|_| entry.to_owned())?;
            let full = if address.is_ipv4() { 32 } else { 128 };
            let length = match length {
                Some(length) => length.parse::<u8>().ok().filter(|l| *l <= full).ok_or(entry.to_owned())?,
                None => full,
            };
            list.push((address, length));
        }
        Ok(Proxies(list))
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|(network, length)| same_network(*network, address, *length))
    }
}

fn same_network(network: IpAddr, address: IpAddr, length: u8) -> bool {
    let leading = |a: u128, b: u128, bits: u8, width: u32| {
        let shift = width - u32::from(bits).min(width);
        shift == 128 || (a >> shift) == (b >> shift)
    };
    match (network, address.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            length == 0 || leading(u128::from(a.to_bits()), u128::from(b.to_bits()), length, 32)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => length == 0 || leading(a.to_bits(), b.to_bits(), length, 128),
        _ => false,
    }
}

/// The address that limits count by: an IPv6 network of 64 bits is one household, and counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The last address on the way in that is not a trusted proxy.
    pub fn of(head: &RequestHead, proxies: &Proxies) -> ClientAddress {
        let unknown = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let mut address = head.peer_addr.map_or(unknown, |peer| peer.ip());
        if proxies.trust(address) {
            let forwarded = head
                .headers()
                .get_all("x-forwarded-for")
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .map(|entry| entry.trim().parse::<IpAddr>())
                .collect::<Vec<_>>();
            for entry in forwarded.into_iter().rev() {
                // What cannot be read was not written by a proxy that is trusted.
                let Ok(entry) = entry else { break };
                address = entry;
                if !proxies.trust(address) {
                    break;
                }
            }
        }
        ClientAddress(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
            v4 => v4,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_a_trusted_proxy_can_say_where_a_request_comes_from() {
        let proxies = Proxies::parse(["10.0.0.0/8", "::1"]).expect("networks");
        for (peer, forwarded, expected) in [
            ("192.0.2.1:1", "198.51.100.7", "192.0.2.1"),
            ("10.1.2.3:1", "198.51.100.7", "198.51.100.7"),
            ("10.1.2.3:1", "203.0.113.9, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
            ("10.1.2.3:1", "nonsense", "10.1.2.3"),
            ("[2001:db8:1:2:3:4:5:6]:1", "", "2001:db8:1:2::"),
        ] {
            let req = TestRequest::default()
                .peer_addr(peer.parse().expect("an address"))
                .insert_header(("X-Forwarded-For", forwarded))
                .to_http_request();
            let expected: IpAddr = expected.parse().expect("an address");
            assert_eq!(ClientAddress::of(req.head(), &proxies).0, expected, "{peer} {forwarded}");
        }
        assert_eq!(Proxies::parse(["10.0.0.0/33"]).expect_err("too long"), "10.0.0.0/33");
    }
}
