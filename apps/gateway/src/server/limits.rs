//! How slow is too slow.

use std::time::Duration;

/// How long a client may take, and how many of them there may be.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// From the connection's beginning (or the first byte of a later head) to the head's end.
    pub head: Duration,
    /// The time that reading a request's body may spend waiting for the client, all in all.
    pub body: Duration,
    /// From a response's end to the first byte of the next request.
    pub idle: Duration,
    /// How long a peer may take none of the bytes that are waiting to be written to it.
    pub write_stall: Duration,
    /// How long a connection that is being closed may still be read from, so that the client gets
    /// to see the last response before the connection is reset.
    pub linger: Duration,
    /// How many connections may be open at once, over all workers.
    pub max_connections: usize,
}

impl ConnectionLimits {
    /// The usual ones, with as many connections as the operating system lets this program have. It is asked for as many as
    /// there can be.
    pub fn with_all_the_room_there_is() -> Self {
        Self { max_connections: super::room::make(), ..Self::default() }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            write_stall: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            max_connections: 10_000,
        }
    }
}
