//! Frames as no good client sends them.

use std::time::Duration;

use muster_testkit::{Engine, Person, TestDb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::chat::phone::{PATIENCE, Phone};
use crate::support::TestApp;

/// A socket without a library.
struct Raw(TcpStream);

impl Raw {
    async fn open(app: &TestApp, person: &Person) -> Raw {
        let mut stream = TcpStream::connect(app.address).await.expect("a connection");
        let head = format!(
            "GET /api/chat/ws HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            person.token
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut raw = Raw(stream);
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(raw.0.read_u8().await.expect("an answer"));
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        let (first, hello) = raw.frame().await.expect("a greeting");
        assert_eq!((first, hello.starts_with(b"{")), (0x81, true));
        raw
    }

    async fn send(&mut self, bytes: &[u8]) {
        // It may be closed by now.
        let _ = self.0.write_all(bytes).await;
    }

    /// The next frame of the server: its first byte and what is in it. None at the end.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let read = async {
            let first = self.0.read_u8().await.ok()?;
            let length = match self.0.read_u8().await.ok()? {
                126 => usize::from(self.0.read_u16().await.ok()?),
                127 => usize::try_from(self.0.read_u64().await.ok()?).ok()?,
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.ok()?;
            Some((first, payload))
        };
        timeout(PATIENCE, read).await.expect("it answers or ends")
    }

    /// The code it is closed with, and that it ends then.
    async fn closed(&mut self) -> u16 {
        loop {
            match self.frame().await.expect("a goodbye") {
                (0x88, payload) => {
                    let code = u16::from_be_bytes([payload[0], payload[1]]);
                    assert_eq!(self.frame().await, None, "the connection ends");
                    return code;
                }
                (0x81 | 0x8a, _) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A frame, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | short as u8),
        medium => {
            bytes.push(0x80 | 126);
            bytes.extend((medium as u16).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

fn app() -> TestApp {
    TestApp::with(TestDb::new(Engine::Sqlite), &["--rate-limits", "off"])
}

#[test]
fn what_is_no_frame_of_a_client_ends_it_with_the_right_code() {
    muster_testkit::run(async {
        let app = app();
        let member = app.people.member().await;
        let text = |payload: &[u8]| frame(0x81, payload);
        let fragments = |count: usize| {
            let mut all = frame(0x01, b"");
            all.extend((0..count).flat_map(|_| frame(0x00, b"")));
            all
        };
        let huge = [vec![0x81, 0x80 | 127], (1u64 << 30).to_be_bytes().to_vec()].concat();
        for (name, bytes, code) in [
            ("a gibibyte declared", [huge.clone(), vec![0; 4]].concat(), 1009),
            ("a gibibyte in a fragment", [vec![0x01], huge[1..].to_vec(), vec![0; 4]].concat(), 1009),
            (
                "fragments that are too long together",
                [frame(0x01, &[b'x'; 9000]), frame(0x80, &[b'x'; 9000])].concat(),
                1009,
            ),
            ("empty fragments", fragments(100), 1008),
            ("bad UTF-8", text(&[0xff, 0xfe]), 1007),
            ("half a letter", text(&"ü".as_bytes()[..1]), 1007),
            ("bad UTF-8 in fragments", [frame(0x01, &[0xc3]), frame(0x80, &[0x28])].concat(), 1007),
            ("reserved bits", frame(0xc1, b"{}"), 1002),
            ("no mask", vec![0x81, 2, b'{', b'}'], 1002),
            ("an opcode that is none", frame(0x83, b"x"), 1002),
            ("a ping in fragments", frame(0x09, b"x"), 1002),
            ("a long ping", frame(0x89, &[b'x'; 126]), 1002),
            ("a fragment of nothing", frame(0x80, b"x"), 1002),
            ("a message in a message", [frame(0x01, b"x"), frame(0x81, b"x")].concat(), 1002),
            ("a goodbye of one byte", frame(0x88, b"x"), 1002),
            ("a goodbye that is none", frame(0x88, &999u16.to_be_bytes()), 1002),
            ("a goodbye that nobody sends", frame(0x88, &1005u16.to_be_bytes()), 1002),
            ("a length that could be shorter", vec![0x81, 0x80 | 126, 0, 1, 0, 0, 0, 0, b'x'], 1002),
            ("binary", frame(0x82, b"x"), 1003),
            ("no WebSocket", b"GET / HTTP/1.1\r\n\r\n".to_vec(), 1002),
        ] {
            let mut raw = Raw::open(&app, &member).await;
            raw.send(&bytes).await;
            assert_eq!(raw.closed().await, code, "{name}");
        }
        Phone::of(&app, &member).await.hears_nothing().await;
    });
}

#[test]
fn what_is_said_in_fragments_with_pings_between_is_heard() {
    muster_testkit::run(async {
        let app = app();
        let member = app.people.member().await;
        let mut raw = Raw::open(&app, &member).await;
        let whole =
            [frame(0x01, b"{\"type\":"), frame(0x89, b"?"), frame(0x00, b""), frame(0x80, b"\"ping\"}")]
                .concat();
        // However it arrives.
        for byte in &whole {
            raw.send(&[*byte]).await;
        }
        assert_eq!(raw.frame().await, Some((0x8a, b"?".to_vec())));
        assert_eq!(raw.frame().await, Some((0x81, b"{\"type\":\"pong\"}".to_vec())));
    });
}

#[test]
fn a_connection_that_breaks_off_is_let_go() {
    muster_testkit::run(async {
        let app = app();
        let member = app.people.member().await;
        // Eleven in a row: each of them has to be gone for the next but nine.
        for _ in 0..30 {
            let open = async {
                loop {
                    let bearer = format!("Bearer {}", member.token);
                    if let Ok(phone) =
                        crate::chat::phone::ask(&app, "/api/chat/ws", &[("authorization", &bearer)]).await
                    {
                        return phone;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            drop(timeout(PATIENCE, open).await.expect("room"));
        }
    });
}
