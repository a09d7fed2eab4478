//! A guarded server with an application made for the tests, and clients that speak to it byte by
//! byte.
//!
//! That something is cut off is proved by reading until the connection's end, with a timeout that
//! is far longer than the limit. That something is *not* cut off is proved by its outlasting the
//! limits several times over.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::middleware::Compress;
use actix_web::web::{self, Bytes};
use actix_web::{App, Error, HttpRequest, HttpResponse, error, rt};
use futures_util::stream;
use muster_gateway::server::{ConnectionLimits, ServeOptions, bind, is_body_timeout, serve};
use muster_kernel::http::LastCall;

/// The limit under test.
pub(crate) const SHORT: Duration = Duration::from_millis(300);
/// A limit that must play no part in a test, and how long to wait for something to happen.
pub(crate) const LONG: Duration = Duration::from_secs(20);
/// How long `/late` waits before it begins to read.
pub(crate) const LATE: Duration = Duration::from_millis(1200);
/// How much `/large` answers with.
pub(crate) const LARGE: usize = 256 << 20;
/// The header of a request to `/json` and `/own`.
pub(crate) const JSON: &str = "content-type: application/json";

/// Limits of which a test makes short the one that it is about.
pub(crate) fn limits() -> ConnectionLimits {
    ConnectionLimits {
        head: LONG,
        body: LONG,
        idle: LONG,
        write_stall: LONG,
        linger: SHORT,
        max_connections: 1000,
    }
}

/// Limits that would all hit soon, for tests in which none of them may.
pub(crate) fn all_short() -> ConnectionLimits {
    ConnectionLimits { head: SHORT, body: SHORT, idle: SHORT, write_stall: SHORT, ..limits() }
}

/// A request without its body.
pub(crate) fn request(what: &str, headers: &[&str]) -> String {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    format!("{what} HTTP/1.1\r\nhost: test\r\n{headers}\r\n")
}

/// A server on a thread of its own, with a single worker. Stops when dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(limits: ConnectionLimits) -> Self {
        let (started, start) = mpsc::channel();
        let thread = thread::spawn(move || {
            rt::System::new().block_on(async move {
                let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), 128).expect("a free port");
                let address = listener.local_addr().expect("an address");
                let options = ServeOptions { workers: 1, shutdown_timeout: 10, ..ServeOptions::default() };
                let app = || App::new().wrap(Compress::default()).configure(routes);
                let server = serve(vec![listener], limits, options, app).expect("a server");
                started.send((address, server.handle())).expect("somebody waits");
                server.await.expect("a server that stops in order");
            });
        });
        let (address, handle) = start.recv_timeout(LONG).expect("a started server");
        Self { address, handle, thread: Some(thread) }
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(LONG)).expect("a timeout");
        stream.set_write_timeout(Some(LONG)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Client(stream)
    }

    pub(crate) fn stop(&self, graceful: bool) {
        // Sends the command at once; waiting for it is left to the thread's end.
        drop(self.handle.stop(graceful));
    }

    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || thread::panicking(), "the server panicked");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop(false);
        self.join();
    }
}

/// One connection to the server.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the server takes it");
    }

    /// Sends the bytes one at a time, over and over, until the other side gives up. Returns what it
    /// said last.
    pub(crate) fn trickle(mut self, bytes: impl AsRef<[u8]>) -> String {
        let pause = Duration::from_millis(20);
        self.0.set_read_timeout(Some(pause)).expect("a timeout");
        let began = Instant::now();
        let mut answer = Vec::new();
        let mut buf = [0; 4096];
        for byte in bytes.as_ref().iter().cycle() {
            assert!(began.elapsed() < LONG, "the connection was never closed");
            // A failing write means that the connection is gone; the read below then says so too.
            let _ = self.0.write(&[*byte]);
            match self.0.read(&mut buf) {
                Ok(0) => break,
                Ok(count) => answer.extend_from_slice(&buf[..count]),
                Err(error) if is_not_yet(&error) => {}
                Err(error) if is_reset(&error) => break,
                Err(error) => panic!("{error}"),
            }
        }
        String::from_utf8(answer).expect("text")
    }

    /// Reads one response that has a `content-length` or no body.
    pub(crate) fn response(&mut self) -> String {
        let mut response = self.head();
        if let Some((_, rest)) = response.to_lowercase().split_once("content-length: ") {
            let length = rest.split("\r\n").next().and_then(|length| length.parse().ok()).expect("a length");
            response += &String::from_utf8(self.read(length)).expect("text");
        }
        response
    }

    pub(crate) fn get(&mut self, path: &str) -> String {
        self.send(request(&format!("GET {path}"), &[]));
        self.response()
    }

    /// Reads until the connection's end, however it comes about.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => rest,
            Err(error) if is_reset(&error) => rest,
            Err(error) => panic!("the connection was never closed: {error}"),
        }
    }

    /// Turns the connection into a WebSocket.
    pub(crate) fn upgrade(&mut self) {
        self.send(request(
            "GET /socket",
            &[
                "connection: upgrade",
                "upgrade: websocket",
                "sec-websocket-version: 13",
                "sec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==",
            ],
        ));
        assert!(self.head().starts_with("HTTP/1.1 101 "));
    }

    /// Sends a short text frame, masked with zeros.
    pub(crate) fn send_text(&mut self, text: &str) {
        let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
        frame.extend(text.as_bytes());
        self.send(frame);
    }

    /// Reads a short text frame.
    pub(crate) fn text(&mut self) -> String {
        let head = self.read(2);
        assert_eq!(head[0], 0x81);
        String::from_utf8(self.read(head[1].into())).expect("text")
    }

    fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.read(1));
        }
        String::from_utf8(head).expect("text")
    }

    fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).expect("so much of an answer");
        bytes
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn routes(app: &mut web::ServiceConfig) {
    let own_errors = web::JsonConfig::default().error_handler(|error, _| {
        let timeout = matches!(&error, error::JsonPayloadError::Payload(error) if is_body_timeout(error));
        error::ErrorImATeapot(format!("timeout: {timeout}"))
    });
    app.app_data(web::JsonConfig::default().limit(1 << 20))
        .route("/", web::get().to(async || "hello"))
        .route("/", web::head().to(async || "hello"))
        .route("/empty", web::get().to(HttpResponse::NoContent))
        .route("/fails", web::get().to(async || Err::<&str, _>(error::ErrorImATeapot("short and stout"))))
        .route("/address", web::get().to(addresses))
        .route("/block", web::get().to(block))
        .route("/thread", web::get().to(this_thread))
        .route("/slow/{millis}", web::get().to(slow))
        .route("/json", web::post().to(greet))
        .service(web::resource("/own").app_data(own_errors).route(web::post().to(greet)))
        .route("/late", web::post().to(echo_late))
        .route("/unread", web::post().to(async |_: web::Payload| "unread"))
        .route("/large", web::get().to(large))
        .route("/socket", web::get().to(socket));
}

#[derive(serde::Deserialize)]
struct Greeting {
    name: String,
}

async fn greet(greeting: web::Json<Greeting>) -> String {
    format!("hello {}", greeting.name)
}

async fn addresses(request: HttpRequest) -> String {
    let peer = request.peer_addr().expect("a client");
    format!("{peer} {}", request.app_config().local_addr())
}

async fn block() -> &'static str {
    thread::sleep(SHORT);
    "unblocked"
}

async fn this_thread() -> String {
    let thread = std::fs::read_link("/proc/thread-self").expect("Linux");
    thread.to_str().expect("text").to_owned()
}

async fn slow(millis: web::Path<u64>) -> &'static str {
    rt::time::sleep(Duration::from_millis(*millis)).await;
    "slow"
}

async fn echo_late(body: web::Payload) -> Bytes {
    rt::time::sleep(LATE).await;
    body.to_bytes().await.expect("a body in time")
}

async fn large() -> HttpResponse {
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let chunks = (0..LARGE / chunk.len()).map(move |_| Ok::<_, Error>(chunk.clone()));
    HttpResponse::Ok().streaming(stream::iter(chunks))
}

async fn socket(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    let last_call = request.conn_data::<Rc<LastCall>>().cloned().expect("every connection has one");
    rt::spawn(async move {
        while let Some(Ok(actix_ws::Message::Text(text))) = messages.recv().await {
            match text.as_ref() {
                "flood" => {}
                // Whoever does not take what comes now is cut off, whatever the limits say.
                "last call" => {
                    rt::spawn(async move {
                        rt::time::sleep(LATE).await;
                        last_call.within(SHORT);
                    });
                }
                _ => {
                    session.text(text).await.expect("an open socket");
                    continue;
                }
            }
            let frame = Bytes::from(vec![0; 64 * 1024]);
            while session.binary(frame.clone()).await.is_ok() {}
            return;
        }
        let _ = session.close(None).await;
    });
    Ok(response)
}
