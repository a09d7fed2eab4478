//! The HTTP server: runs an actix-web application on connections that a slow client cannot hold.
//!
//! actix-http's own head timer covers only the first request of a connection, and nothing in it
//! limits how long a body may trickle in or how long a peer may refuse to take the bytes of a
//! response. A handful of clients could therefore hold every connection slot of a worker for as
//! long as they like. [`ConnectionLimits`] says how long they may instead.
//!
//! `actix_web::HttpServer` hands the accepted sockets to actix-http as they are and leaves no place
//! to put a stream of one's own between the two. So [`serve`] does by hand what `HttpServer` does,
//! with a guarded stream in between. actix-http's own timers are switched off: the guard does what
//! they do, and more, with a single timer.
//!
//! | in `server/` | |
//! |---|---|
//! | `limits` | how slow is too slow |
//! | `state` | what is known about one connection, and which limit runs; begin here |
//! | `guarded` | the stream below actix-http: sees the bytes, and cuts the connection off |
//! | `track` | the service above it: sees requests begin and end |
//! | `timed_body` | a request's body that runs out of patience |
//! | `timer` | the one timer that each of them has |
//! | `room` | how many connections there can be |
//!
//! Absent on purpose: a limit for a handler, which may take as long as it likes, and for a
//! WebSocket, which has its own heartbeat.

mod guarded;
mod limits;
mod room;
mod state;
mod timed_body;
mod timer;
mod track;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::{HttpServiceBuilder, KeepAlive, Request, Response};
use actix_server::Server;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _};
use actix_service::{fn_service, map_config};
use actix_web::Error;
use actix_web::dev::AppConfig;
use tokio::net::{TcpSocket, TcpStream};

pub use limits::ConnectionLimits;
pub use timed_body::is_body_timeout;

use guarded::Guarded;
use track::TrackRequests;

/// actix-server panics when asked for more.
const MAX_WORKERS: usize = 512;

/// How to run the server, apart from its limits.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The number of threads that handle connections; from 1 to 512.
    pub workers: usize,
    /// How many seconds requests in flight have to finish once the server is told to stop.
    pub shutdown_timeout: u64,
    /// The name that links are made with when a request does not say what host it is meant for.
    /// Without one, the listener's address is used.
    pub host: Option<String>,
    /// Whether clients speak HTTPS, to a proxy in front of this server.
    pub secure: bool,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            workers: available_parallelism().map_or(2, |count| count.get()),
            shutdown_timeout: 30,
            host: None,
            secure: false,
        }
    }
}

/// Binds a listener on which `backlog` connections may wait to be accepted.
///
/// The standard library's `TcpListener::bind` does not let one choose the backlog. Must be called
/// within a Tokio runtime. Fails when the address is taken or is not this machine's.
pub fn bind(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Or a restart would have to wait for the last run's connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)?.into_std()
}

/// Starts a server for an application, which is given the way `HttpServer::new` takes it.
///
/// The server does not listen for signals; it is stopped through its handle. Like `HttpServer`, it
/// must be started within a Tokio runtime and polled. Fails without a listener, or when one of them
/// cannot be made ready to accept.
pub fn serve<F, I, S, B>(
    listeners: Vec<TcpListener>,
    limits: ConnectionLimits,
    options: ServeOptions,
    app: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Future: 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    if listeners.is_empty() {
        // actix-server would panic.
        let problem = "there is no listener to serve";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    let workers = options.workers.clamp(1, MAX_WORKERS);
    let mut builder = Server::build()
        .workers(workers)
        .disable_signals()
        .shutdown_timeout(options.shutdown_timeout)
        // actix-server counts for each worker separately.
        .max_concurrent_connections(limits.max_connections.div_ceil(workers).max(1));

    for listener in listeners {
        let address = listener.local_addr()?;
        let host = options.host.clone().unwrap_or_else(|| address.to_string());
        let secure = options.secure;
        let app = app.clone();
        let limits = limits.clone();
        let stopping = builder.graceful_shutdown_signal();

        builder = builder.listen(format!("http-{address}"), listener, move || {
            // Once per worker: what follows stays on that worker's thread.
            let limits = Rc::new(limits.clone());
            let host = host.clone();
            let stopping = stopping.clone();

            let application =
                app().into_factory().map_err(|error| error.into().error_response()).map(Into::into);
            // `AppConfig::new` is private to actix-web. This one does the same; it is hidden from
            // the documentation and exempt from semver. We use it because no other constructor
            // tells an application its own host, scheme and address, which links and
            // `ConnectionInfo` are made from. Should an update take it away, this line stops
            // compiling and nothing goes wrong in silence, so no version is pinned for it.
            let application =
                map_config(application, move |()| AppConfig::__priv_test_new(secure, host.clone(), address));
            let http = HttpServiceBuilder::default()
                // Or idle connections would hold up a stop for as long as they may idle.
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                // Connections are kept, but how long for is the guard's business.
                .keep_alive(KeepAlive::Os)
                .client_request_timeout(Duration::ZERO)
                .client_disconnect_timeout(limits.linger)
                .local_addr(address)
                .on_connect_ext(|stream: &Guarded, extensions| {
                    extensions.insert(stream.state());
                    extensions.insert(stream.last_call());
                })
                .h1(TrackRequests::new(application));

            fn_service(move |stream: TcpStream| {
                let limits = Rc::clone(&limits);
                async move {
                    // Failing costs speed and nothing else.
                    let _ = stream.set_nodelay(true);
                    let peer = stream.peer_addr().ok();
                    Ok::<_, DispatchError>((Guarded::new(stream, limits), peer))
                }
            })
            .and_then(http)
        })?;
    }
    Ok(builder.run())
}
