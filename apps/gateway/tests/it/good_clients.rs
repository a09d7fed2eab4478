//! What no client loses to the limits that are there for slow ones.

use std::net::{Shutdown, TcpStream};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use muster_gateway::server::ConnectionLimits;

use crate::raw_http::{Client, JSON, LATE, LONG, Running, SHORT, all_short, limits, request};

#[test]
fn a_handler_may_take_longer_than_every_limit() {
    let server = Running::start(all_short());
    let mut client = server.connect();
    assert!(client.get("/slow/1500").ends_with("slow"));
    assert!(client.get("/slow/1500").ends_with("slow"));
}

#[test]
fn a_connection_in_good_use_outlives_every_limit() {
    let server = Running::start(all_short());
    let mut client = server.connect();
    let began = Instant::now();
    while began.elapsed() < SHORT * 6 {
        assert!(client.get("/").ends_with("hello"));
        sleep(SHORT / 6);
    }
}

#[test]
fn a_websocket_outlives_every_limit() {
    let server = Running::start(all_short());
    let mut client = server.connect();
    client.upgrade();
    for text in ["one", "two", "three"] {
        sleep(SHORT * 3);
        client.send_text(text);
        assert_eq!(client.text(), text);
    }
    // A close frame, which is answered; then the connection ends.
    client.send([0x88, 0x80, 0, 0, 0, 0]);
    let rest = client.rest();
    assert_eq!(rest.first(), Some(&0x88));
}

#[test]
fn pipelined_requests_are_all_answered() {
    let server = Running::start(limits());
    let mut client = server.connect();
    client.send(request("GET /slow/300", &[]).repeat(2) + &request("GET /", &[]).repeat(10));
    // One whose head comes in two pieces, the first of them while another request is in flight.
    client.send("GET / HT");
    sleep(Duration::from_millis(100));
    client.send("TP/1.1\r\nhost: test\r\n\r\n");
    for _ in 0..2 {
        assert!(client.response().ends_with("slow"));
    }
    for _ in 0..11 {
        assert!(client.response().ends_with("hello"));
    }
}

#[test]
fn far_more_pipelined_requests_than_are_read_ahead_are_all_answered() {
    let server = Running::start(limits());
    let mut client = server.connect();
    client.send(request("GET /slow/500", &[]));
    let count = 5_000;
    let began = Instant::now();
    let mut sender = Client(client.0.try_clone().expect("a second handle"));
    let sending = thread::spawn(move || {
        for _ in 0..count / 100 {
            sender.send(request("GET /", &[]).repeat(100));
        }
    });
    assert!(client.response().ends_with("slow"));
    for _ in 0..count {
        assert!(client.response().ends_with("hello"));
    }
    sending.join().expect("all was sent");
    assert!(began.elapsed() < LONG / 2, "it took a timer to go on");
}

#[test]
fn a_request_in_flight_is_finished_before_the_server_stops() {
    let mut server = Running::start(limits());
    let mut idle = server.connect();
    assert!(idle.get("/").ends_with("hello"));
    let mut client = server.connect();
    client.send(request("GET /slow/1000", &[]));
    sleep(Duration::from_millis(200));
    let began = Instant::now();
    server.stop(true);
    // Idle connections do not hold it up.
    assert_eq!(idle.rest(), b"");
    assert!(client.response().ends_with("slow"));
    server.join();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn an_application_sees_both_addresses_of_a_connection() {
    let server = Running::start(limits());
    let mut client = server.connect();
    let expected = format!("{} {}", client.0.local_addr().expect("an address"), server.address);
    assert!(client.get("/address").ends_with(&expected));
}

#[test]
fn a_client_that_sends_no_more_still_gets_its_response() {
    let server = Running::start(all_short());
    let mut client = server.connect();
    client.send(request("GET /slow/1000", &[]));
    client.0.shutdown(Shutdown::Write).expect("an open connection");
    assert!(client.response().ends_with("slow"));
    assert_eq!(client.rest(), b"");
}

#[test]
fn a_client_that_asks_may_send_its_body_after_100_continue() {
    let server = Running::start(limits());
    let mut client = server.connect();
    client.send(request("POST /json", &["expect: 100-continue", JSON, "content-length: 14"]));
    assert!(client.response().starts_with("HTTP/1.1 100 "));
    client.send(r#"{"name":"Bea"}"#);
    assert!(client.response().ends_with("hello Bea"));
}

#[test]
fn a_client_whose_body_nobody_reads_still_gets_to_see_the_answer() {
    let server = Running::start(limits());
    let mut client = server.connect();
    let length = 4 << 20;
    client.send(request("POST /unread", &[&format!("content-length: {length}")]));
    sleep(Duration::from_millis(50));
    client.send(vec![b'x'; length]);
    assert!(client.response().ends_with("unread"));
}

#[test]
fn a_body_that_nobody_reads_and_that_comes_late_costs_no_connection() {
    let server = Running::start(limits());
    let mut client = server.connect();
    for _ in 0..20 {
        client.send(request("POST /unread", &["content-length: 2"]));
        sleep(Duration::from_millis(2));
        client.send("{}");
        assert!(client.response().ends_with("unread"));
    }
    assert!(client.get("/").ends_with("hello"));
}

#[test]
fn a_body_that_nobody_reads_may_be_followed_by_another_request() {
    let server = Running::start(limits());
    let mut client = server.connect();
    client.send(request("POST /unread", &["transfer-encoding: chunked"]));
    assert!(client.response().ends_with("unread"));
    client.send("1\r\n \r\n0\r\n\r\n");
    assert!(client.get("/").ends_with("hello"));
}

#[test]
fn a_body_is_not_too_slow_because_the_handler_reads_it_late() {
    let server = Running::start(ConnectionLimits { body: LATE - SHORT, ..all_short() });
    let mut client = server.connect();
    client.send(request("POST /late", &["content-length: 100000"]));
    client.send(vec![b'x'; 99_999]);
    // The last byte is waited for, if only for a moment.
    sleep(LATE + SHORT / 3);
    client.send("x");
    assert!(client.response().ends_with("xxxx"));
}

#[test]
fn a_later_head_has_its_time_from_its_own_first_byte() {
    let server = Running::start(ConnectionLimits { head: SHORT * 2, ..limits() });
    let mut client = server.connect();
    for _ in 0..3 {
        assert!(client.get("/").ends_with("hello"));
        sleep(SHORT * 3);
        // In two pieces, so that the server gets to wait in between.
        client.send("GET / HT");
        sleep(Duration::from_millis(50));
        client.send("TP/1.1\r\nhost: test\r\n\r\n");
        assert!(client.response().ends_with("hello"));
    }
}
