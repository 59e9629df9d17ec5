//! Connections: how many there may be, and how one is written to and closed.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Counts connections, all of them and those from each address.
pub(crate) struct Door {
    most: usize,
    most_per_address: usize,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place, given back when it is dropped.
pub(crate) struct Place {
    door: Arc<Door>,
    address: IpAddr,
}

impl Door {
    pub(crate) fn new(most: usize, most_per_address: usize) -> Arc<Door> {
        Arc::new(Door { most, most_per_address, inside: Mutex::default() })
    }

    /// None where there is no room.
    pub(crate) fn enter(self: &Arc<Door>, address: IpAddr) -> Option<Place> {
        let address = household(address);
        let mut inside = self.inside.lock();
        let here = inside.by_address.get(&address).copied().unwrap_or(0);
        if inside.all >= self.most || here >= self.most_per_address {
            return None;
        }
        inside.all += 1;
        inside.by_address.insert(address, here + 1);
        Some(Place { door: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.door.inside.lock();
        inside.all -= 1;
        match inside.by_address.get_mut(&self.address) {
            Some(here) if *here > 1 => *here -= 1,
            _ => drop(inside.by_address.remove(&self.address)),
        }
    }
}

/// What counts as one address: of IPv6 a /64, which is what a single customer is given (RFC 6177).
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

/// A connection that does not wait for ever for a client that takes nothing, and that closes so that a client
/// which is still sending can read the answer that it got.
pub(crate) struct Connection {
    stream: TcpStream,
    stall_max: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    /// Set once the sending side is closed.
    lingering: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

/// How long a closed connection takes what still comes. To close with something unread resets the connection,
/// and the answer with it.
const LINGER_MAX: Duration = Duration::from_secs(2);

impl Connection {
    /// `stall_max`: how long a write may make no progress.
    pub(crate) fn new(stream: TcpStream, stall_max: Duration, place: Place) -> Connection {
        Connection { stream, stall_max, stalled: None, lingering: None, _place: place }
    }

    /// Fails a write that has waited too long.
    fn watch<T>(&mut self, cx: &mut Context<'_>, write: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.stalled = None;
            return write;
        }
        let stall_max = self.stall_max;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall_max)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }

    /// Reads and forgets what comes, until the client closes its side or the time is over.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = Instant::now() + LINGER_MAX;
        let over = self.lingering.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut scratch = [0; 8192];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        self.linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_household_and_given_back() {
        let door = Door::new(3, 2);
        let enter = |address: &str| door.enter(address.parse().unwrap());
        let first = enter("10.0.0.1").unwrap();
        let second = enter("::ffff:10.0.0.1").unwrap();
        assert!(enter("10.0.0.1").is_none());
        let third = enter("2001:db8::1").unwrap();
        assert!(enter("10.0.0.2").is_none());
        drop(first);
        let fourth = enter("2001:db8::2:1").unwrap();
        assert!(enter("10.0.0.1").is_none());
        drop((second, third, fourth));
        assert_eq!(door.inside.lock().by_address.len(), 0);
    }

    #[test]
    fn a_64_of_ipv6_is_one_address() {
        let same = |a: &str, b: &str| household(a.parse().unwrap()) == household(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("10.0.0.1", "10.0.0.2"));
    }
}
