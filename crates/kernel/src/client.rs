//! Where a request came from.

use std::net::IpAddr;

/// What is known of the program at the other end. Services keep it with a session, so that people can tell theirs
/// from others; nothing is decided by it, for a client says of itself what it likes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// Its address as limits count it: of an IPv6 address the network.
    pub address: Option<IpAddr>,
    /// What it calls itself, in one line of at most 200 characters.
    pub user_agent: Option<String>,
}
