//! The accept loop: from a listening socket to requests.

use crate::app::{App, Backend};
use crate::connection::{Connection, Door};
use crate::options::Options;
use crate::router::router;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

/// What a connection reads ahead of a body; but a request's head has to have room in it.
const READ_BYTES_MAX: usize = 64 << 10;
/// After the system gave no connection: it lacks file descriptors or memory, and will for a while.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);

/// Answers requests that come in on `listener` until `shutdown` is cancelled. Then it takes no more
/// connections, lets requests that are being answered end for [`Options::shutdown_time_max`], and returns.
///
/// # Errors
/// Where the listener itself is broken. Connections that fail are nobody's concern but their clients'.
pub async fn serve(
    listener: TcpListener,
    backend: Backend,
    options: Options,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let door = Door::new(options.connections_max, options.connections_per_address_max);
    let grace = options.shutdown_time_max;
    let server = Server {
        protocol: protocol(&options),
        router: router(App::new(backend, options.clone(), shutdown.clone())),
        closing: shutdown.clone(),
        closed: CancellationToken::new(),
    };
    let connections = TaskTracker::new();
    let result = loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break Ok(()),
        };
        match accepted {
            Ok((stream, address)) => match door.enter(address.ip()) {
                Some(place) => {
                    // Answers are written in few pieces: none of them gains by waiting for the next.
                    let _ = stream.set_nodelay(true);
                    let connection = Connection::new(stream, options.body_idle_max, place);
                    connections.spawn(server.clone().answer(connection));
                }
                None => refuse(stream, address.ip()),
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) if is_broken(&error) => break Err(error),
            Err(error) => {
                tracing::error!(%error, "no connection can be taken; trying again");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    };
    drop(listener);
    shutdown.cancel();
    connections.close();
    if tokio::time::timeout(grace, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "closing connections whose requests have not ended");
        server.closed.cancel();
        connections.wait().await;
    }
    result
}

fn refuse(stream: TcpStream, address: std::net::IpAddr) {
    tracing::debug!(%address, "a connection was refused: there are too many");
    drop(stream);
}

/// The client has gone before it was taken.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// The socket is none, or none that listens: it will not be one later.
fn is_broken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotConnected)
}

fn protocol(options: &Options) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        // Without a timer the timeout is silently off.
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_time_max)
        .max_header_size(options.header_bytes_max)
        .max_buf_size(options.header_bytes_max.max(READ_BYTES_MAX));
    protocol
}

#[derive(Clone)]
struct Server {
    protocol: http1::Builder,
    router: Router,
    /// Connections end with the request that they are at.
    closing: CancellationToken,
    /// Connections end.
    closed: CancellationToken,
}

impl Server {
    async fn answer(self, connection: Connection) {
        let router = self.router;
        let service = service_fn(move |request: hyper::Request<Incoming>| router.clone().call(request));
        let mut connection = pin!(self.protocol.serve_connection(TokioIo::new(connection), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = self.closed.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection failed");
        }
    }
}
