//! Clients that do not take what they have asked for.

use std::io::{Read as _, Write as _};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use muster_gateway::server::ConnectionLimits;

use crate::raw_http::{LARGE, Running, SHORT, all_short, limits, request};

#[test]
fn a_reader_that_stops_reading_is_cut_off() {
    let server = Running::start(ConnectionLimits { write_stall: SHORT, ..limits() });
    let mut client = server.connect();
    client.send(request("GET /large", &[]));
    // There is no telling from this side when the server gave up, so it gets several times the
    // limit; that it did give up is seen from the response's not being complete.
    sleep(SHORT * 6);
    let received = client.rest().len();
    assert!(received < LARGE, "the response was sent in full");
}

#[test]
fn a_reader_that_is_slow_but_steady_gets_all_of_a_large_response() {
    let server = Running::start(all_short());
    let mut client = server.connect();
    client.send(request("GET /large", &["connection: close"]));
    let mut received = 0;
    let mut buf = vec![0; 1 << 20];
    let began = Instant::now();
    loop {
        match client.0.read(&mut buf).expect("more, or the end") {
            0 => break,
            count => received += count,
        }
        sleep(Duration::from_millis(1));
    }
    assert!(received > LARGE);
    assert!(began.elapsed() > SHORT, "too quick to prove anything");
}

#[test]
fn a_websocket_whose_peer_stops_reading_is_cut_off() {
    let server = Running::start(ConnectionLimits { write_stall: SHORT, ..limits() });
    let mut client = server.connect();
    client.upgrade();
    client.send_text("flood");
    // The server floods without end, so an end can only be its giving up.
    sleep(SHORT * 6);
    client.rest();
}

#[test]
fn a_websocket_that_is_told_to_end_is_cut_off_though_the_limits_are_long() {
    let server = Running::start(limits());
    let mut client = server.connect();
    client.upgrade();
    client.send_text("last call");
    // As above, the end can only be the server's giving up, and that is long before its limits.
    sleep(SHORT * 6);
    client.rest();
}

#[test]
fn a_client_that_sends_far_ahead_does_not_keep_a_worker_busy() {
    let slow = |millis: u64| request(&format!("GET /slow/{millis}"), &[]);
    let large_head = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(122_000));
    for ahead in [slow(1).repeat(100), slow(100).repeat(100), slow(1).repeat(100) + &large_head] {
        let server = Running::start(limits());
        let response = server.connect().get("/thread");
        let worker = response.rsplit("\r\n").next().expect("a body");
        let mut client = server.connect();
        // Has the worker find all of it at once.
        server.connect().send(request("GET /block", &[]));
        sleep(Duration::from_millis(50));
        client.send(slow(5000) + &ahead);
        sleep(Duration::from_millis(400));
        let mut sender = client.0.try_clone().expect("a second handle");
        thread::spawn(move || sender.write_all(&[b'x'; 8 << 20]));
        let before = computing_time(worker);
        sleep(Duration::from_millis(4000));
        let spent = computing_time(worker) - before;
        assert!(spent < Duration::from_millis(500), "{spent:?} of four seconds");
    }
}

/// The time that a thread has spent computing.
fn computing_time(thread: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{thread}/stat")).expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    // In user mode and in the kernel, in hundredths of a second.
    let ticks: u64 = fields[11..=12].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}
