//! Clients that are slow to send: a head, a body, or anything at all.

use std::time::Instant;

use muster_gateway::server::ConnectionLimits;

use crate::raw_http::{JSON, LONG, Running, SHORT, limits, request};

/// The beginning of a request that a client takes for ever to send.
const HEAD: &str = "GET / HTTP/1.1\r\nhost: test\r\nx-header: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[test]
fn a_first_head_that_trickles_in_is_answered_with_408_and_closed() {
    let server = Running::start(ConnectionLimits { head: SHORT, ..limits() });
    let began = Instant::now();
    let client = server.connect();
    let answer = cut_off_in_time(began, || client.trickle(HEAD));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn a_connection_on_which_nothing_is_ever_said_is_closed_without_an_answer() {
    let server = Running::start(ConnectionLimits { head: SHORT, ..limits() });
    let began = Instant::now();
    let mut client = server.connect();
    assert_eq!(cut_off_in_time(began, || client.rest()), b"");
}

#[test]
fn a_second_head_that_trickles_in_is_answered_with_408_and_closed() {
    let server = Running::start(ConnectionLimits { head: SHORT, ..limits() });
    let began = Instant::now();
    let mut client = server.connect();
    assert!(client.get("/").starts_with("HTTP/1.1 200 "));
    let answer = cut_off_in_time(began, || client.trickle(HEAD));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn a_body_that_trickles_in_is_answered_with_408_and_closed() {
    let server = Running::start(ConnectionLimits { body: SHORT, ..limits() });
    let began = Instant::now();
    let mut client = server.connect();
    client.send(request("POST /json", &[JSON, "content-length: 100000"]) + "{");
    let answer = cut_off_in_time(began, || client.trickle(b" "));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[test]
fn a_chunked_body_that_trickles_in_is_answered_with_408_and_closed() {
    let server = Running::start(ConnectionLimits { body: SHORT, ..limits() });
    let began = Instant::now();
    let mut client = server.connect();
    client.send(request("POST /json", &[JSON, "transfer-encoding: chunked"]));
    let answer = cut_off_in_time(began, || client.trickle(b"1\r\n \r\n"));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn an_error_handler_can_tell_a_body_that_was_too_slow_and_answer_as_it_likes() {
    let server = Running::start(ConnectionLimits { body: SHORT, ..limits() });
    let began = Instant::now();
    let mut client = server.connect();
    client.send(request("POST /own", &[JSON, "content-length: 100"]) + "{");
    let answer = cut_off_in_time(began, || client.response());
    assert!(answer.starts_with("HTTP/1.1 418 "), "{answer}");
    assert!(answer.ends_with("timeout: true"), "{answer}");
    assert_eq!(client.rest(), b"");
}

#[test]
fn a_chunked_body_that_nobody_reads_may_not_trickle_in_for_ever() {
    let server = Running::start(ConnectionLimits { body: SHORT, ..limits() });
    let began = Instant::now();
    let mut client = server.connect();
    client.send(request("POST /unread", &["transfer-encoding: chunked"]));
    assert!(client.response().ends_with("unread"));
    cut_off_in_time(began, || client.trickle(b"1\r\n \r\n"));
}

#[test]
fn an_idle_connection_is_closed() {
    let server = Running::start(ConnectionLimits { idle: SHORT, ..limits() });
    for path in ["/", "/empty", "/fails", "/nowhere"] {
        let began = Instant::now();
        let mut client = server.connect();
        assert!(client.get(path).starts_with("HTTP/1.1 "));
        assert_eq!(cut_off_in_time(began, || client.rest()), b"", "after {path}");
    }
    let began = Instant::now();
    let mut client = server.connect();
    client.send(request("HEAD /", &[]));
    assert!(cut_off_in_time(began, || client.rest()).ends_with(b"\r\n\r\n"));
    let began = Instant::now();
    let mut client = server.connect();
    client.send(request("POST /json", &[JSON, "content-length: 14"]) + r#"{"name":"Bea"}"#);
    assert!(client.response().ends_with("hello Bea"));
    assert_eq!(cut_off_in_time(began, || client.rest()), b"");
}

#[test]
fn others_are_served_while_slow_clients_are_waited_for() {
    let server = Running::start(ConnectionLimits { write_stall: SHORT, ..limits() });
    let mut slow = Vec::new();
    for start in [
        "",
        "GET / HT",
        &(request("POST /json", &[JSON, "content-length: 10"]) + "{"),
        &request("GET /large", &[]),
        &request("GET /slow/5000", &[]),
    ] {
        let mut client = server.connect();
        client.send(start);
        slow.push(client);
    }
    let began = Instant::now();
    for _ in 0..50 {
        assert!(server.connect().get("/").ends_with("hello"));
    }
    assert!(began.elapsed() < LONG / 4);
}

#[test]
fn others_are_served_beside_ten_thousand_idle_connections_and_these_are_closed() {
    // Both ends of each are in this process.
    let number = 10_000.min(ConnectionLimits::with_all_the_room_there_is().max_connections / 2);
    let idle = SHORT * 20;
    let server =
        Running::start(ConnectionLimits { idle, head: idle, max_connections: number + 10, ..limits() });
    let mut clients = Vec::new();
    for at in 0..number {
        let mut client = server.connect();
        // Every other one has said something once.
        if at % 2 == 0 {
            assert!(client.get("/").ends_with("hello"));
        }
        clients.push(client);
    }
    for _ in 0..50 {
        assert!(server.connect().get("/").ends_with("hello"));
    }
    for client in &mut clients {
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn a_slot_is_free_again_once_a_slow_client_has_been_closed() {
    let server = Running::start(ConnectionLimits { head: SHORT, max_connections: 2, ..limits() });
    let began = Instant::now();
    let _one = server.connect();
    let _other = server.connect();
    assert!(cut_off_in_time(began, || server.connect().get("/")).ends_with("hello"));
}

/// Runs something that should be cut off by `SHORT`; returns what it returned.
/// It began before anything was sent, so that a server whose clock starts first is not taken for a hasty one.
#[track_caller]
fn cut_off_in_time<T>(began: Instant, what: impl FnOnce() -> T) -> T {
    let outcome = what();
    let took = began.elapsed();
    assert!(took >= SHORT, "cut off too early: {took:?}");
    assert!(took < LONG / 4, "cut off too late: {took:?}");
    outcome
}
