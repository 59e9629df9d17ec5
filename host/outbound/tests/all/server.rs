//! Servers that do as each test says, byte by byte.

use std::future::Future;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A listener that serves each connection by a function, and counts them.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// On a port of its own at 127.0.0.1.
    pub(crate) async fn new<F, R>(serve: F) -> Server
    where
        F: Fn(TcpStream) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Server::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), serve)
    }

    pub(crate) fn on<F, R>(listener: TcpListener, serve: F) -> Server
    where
        F: Fn(TcpStream) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, SeqCst);
                tokio::spawn(serve(stream));
            }
        });
        Server { address, connections, task }
    }

    /// One that reads the head of a request and answers with these bytes, then closes.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Server {
        let answer: Arc<[u8]> = answer.into().into();
        Server::new(move |mut stream| {
            let answer = answer.clone();
            async move {
                head(&mut stream).await;
                // The client may have seen enough before all of it is written.
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
                // Closing with unread bytes would reset the connection and take the answer with it.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            }
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads up to the empty line that ends a head.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => bytes.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Whoever listens on all addresses of this machine, in both families, where nobody may come.
pub(crate) struct Forbidden {
    listener: TcpListener,
    pub(crate) port: u16,
}

impl Forbidden {
    pub(crate) async fn new() -> Forbidden {
        let listener = match TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
        };
        let port = listener.local_addr().unwrap().port();
        Forbidden { listener, port }
    }

    /// Whether this machine has IPv6.
    pub(crate) fn has_v6(&self) -> bool {
        self.listener.local_addr().unwrap().is_ipv6()
    }

    /// How many have connected since the last time that it was asked.
    ///
    /// Connections are accepted in the order in which they were made, so those before one of our own are all.
    pub(crate) async fn visitors(&self) -> usize {
        let own = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let own = own.local_addr().unwrap();
        let mut count = 0;
        loop {
            let (_, peer) = self.listener.accept().await.unwrap();
            if peer.port() == own.port() && peer.ip().to_canonical() == own.ip() {
                return count;
            }
            count += 1;
        }
    }

    /// Takes one connection, and ends it.
    pub(crate) async fn turn_away(&self) {
        self.listener.accept().await.unwrap();
    }
}
