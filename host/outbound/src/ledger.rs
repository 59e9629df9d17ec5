//! What one request has used so far, counted where the bytes pass.

use crate::error::Error;
use sandglass_core::Span;
use sandglass_core::exchange::Exchange;
use sandglass_core::limit::Bytes;
use sandglass_core::target::Target;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A view of one exchange while it goes on and after it.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Entries>);

#[derive(Debug)]
struct Entries {
    method: String,
    target: Target,
    begun: Instant,
    received_max: OnceLock<Bytes>,
    address: OnceLock<IpAddr>,
    status: OnceLock<u16>,
    /// The first thing that went wrong. What follows from it says less.
    fault: OnceLock<Error>,
    duration: OnceLock<Duration>,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Ledger {
    pub(crate) fn new(method: String, target: Target) -> Ledger {
        Ledger(Arc::new(Entries {
            method,
            target,
            begun: Instant::now(),
            received_max: OnceLock::new(),
            address: OnceLock::new(),
            status: OnceLock::new(),
            fault: OnceLock::new(),
            duration: OnceLock::new(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        }))
    }

    /// What is to be recorded, as it stands now: final once the body of the answer has ended or been dropped.
    pub fn exchange(&self) -> Exchange {
        let entries = &*self.0;
        let duration = entries.duration.get().copied().unwrap_or_else(|| entries.begun.elapsed());
        Exchange {
            method: entries.method.clone(),
            scheme: entries.target.scheme().to_owned(),
            host: entries.target.host.to_string(),
            port: entries.target.port,
            address: entries.address.get().map(ToString::to_string),
            status: entries.status.get().copied(),
            error: entries.fault.get().map(|fault| fault.code().to_owned()),
            duration: Span::from_std(duration),
            sent: entries.sent.load(Relaxed),
            received: entries.received.load(Relaxed),
        }
    }

    /// From now on an answer of more is not taken.
    pub(crate) fn bound(&self, received_max: Bytes) {
        let _ = self.0.received_max.set(received_max);
    }

    pub(crate) fn connected(&self, address: IpAddr) {
        let _ = self.0.address.set(address);
    }

    pub(crate) fn answered(&self, status: u16) {
        let _ = self.0.status.set(status);
    }

    /// Notes what went wrong, and gives what went wrong first.
    pub(crate) fn fault(&self, error: Error) -> Error {
        self.0.fault.get_or_init(|| error).clone()
    }

    /// What went wrong first.
    pub fn error(&self) -> Option<Error> {
        self.0.fault.get().cloned()
    }

    pub(crate) fn ended(&self) {
        self.0.duration.get_or_init(|| self.0.begun.elapsed());
    }

    /// Whether an answer of `bytes` in all may be taken.
    pub(crate) fn check_received(&self, bytes: u64) -> Result<(), Error> {
        let Some(most) = self.0.received_max.get().filter(|most| bytes > most.0) else {
            return Ok(());
        };
        let message = format!("the answer is larger than {most}, the limit http_response");
        Err(self.fault(Error::Quota { limit: "http_response", message }))
    }
}

/// A stream whose bytes are counted, and whose incoming ones are bounded.
pub(crate) struct Counted<S> {
    stream: S,
    ledger: Ledger,
}

impl<S> Counted<S> {
    pub(crate) fn new(stream: S, ledger: Ledger) -> Counted<S> {
        Counted { stream, ledger }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let count = (buf.filled().len() - before) as u64;
        let received = self.ledger.0.received.fetch_add(count, Relaxed) + count;
        Poll::Ready(self.ledger.check_received(received).map_err(io::Error::other))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.ledger.0.sent.fetch_add(count as u64, Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs))?;
        self.ledger.0.sent.fetch_add(count as u64, Relaxed);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
