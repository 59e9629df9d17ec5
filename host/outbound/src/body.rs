//! Bodies on their way: what goes out is held to what was announced and allowed, what comes in to bytes and time.

use crate::error::{Cause, Error};
use crate::ledger::Ledger;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use sandglass_core::limit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep};
use tokio_util::task::AbortOnDropHandle;

/// The body of an answer. Dropping it closes the connection.
pub struct Incoming {
    pub(crate) body: hyper::body::Incoming,
    pub(crate) ledger: Ledger,
    /// When the call's time is over.
    pub(crate) deadline: Pin<Box<Sleep>>,
    pub(crate) late: Error,
    /// What drives the connection.
    pub(crate) _connection: AbortOnDropHandle<()>,
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if this.deadline.as_mut().poll(cx).is_ready() {
            let error = this.ledger.fault(this.late.clone());
            this.ledger.ended();
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
            Some(Err(error)) => {
                // At the deadline the connection is closed, and that may be seen before it.
                let is_late = Instant::now() >= this.deadline.deadline();
                let error = if is_late { this.late.clone() } else { of_hyper(&error, "the answer's body") };
                let error = this.ledger.fault(error);
                this.ledger.ended();
                Poll::Ready(Some(Err(error)))
            }
            None => {
                this.ledger.ended();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.ledger.ended();
    }
}

/// The body of a request. What would follow after the announced length is not asked for.
pub(crate) struct Outgoing<B> {
    body: Pin<Box<B>>,
    ledger: Ledger,
    /// What may still follow, and what that leaves of the limit.
    left: u64,
    most: limit::Bytes,
    /// What must still follow, where it was announced.
    announced: Option<u64>,
}

impl<B: Body<Data = Bytes>> Outgoing<B> {
    /// `head` is what the rest of the request takes of `most`.
    ///
    /// # Errors
    /// A body that says in advance that it is too large, or other than `announced`.
    pub(crate) fn new(
        body: B,
        announced: Option<u64>,
        head: u64,
        most: limit::Bytes,
        ledger: Ledger,
    ) -> Result<Outgoing<B>, Error> {
        let hint = body.size_hint();
        if let (Some(announced), Some(exact)) = (announced, hint.exact())
            && announced != exact
        {
            let message = format!("`content-length` says {announced}, and the body has {exact} bytes");
            return Err(Error::Invalid(message));
        }
        let least = announced.unwrap_or(hint.lower());
        match most.0.checked_sub(head) {
            Some(left) if least <= left => {
                Ok(Outgoing { body: Box::pin(body), ledger, left, most, announced })
            }
            _ => Err(too_large(most)),
        }
    }
}

fn too_large(most: limit::Bytes) -> Error {
    let message = format!("the request is larger than {most}, the limit http_request");
    Error::Quota { limit: "http_request", message }
}

impl<B> Body for Outgoing<B>
where
    B: Body<Data = Bytes, Error: std::fmt::Display>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        let checked = match frame {
            None if this.announced.is_none_or(|left| left == 0) => return Poll::Ready(None),
            None => Err(Error::Invalid("the body is shorter than `content-length` says".into())),
            Some(Err(error)) => Err(Error::Invalid(format!("the request's body failed: {error}"))),
            // Trailers would have to be announced, and few servers look at them.
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => this.take(data),
                Err(_) => Ok(Bytes::new()),
            },
        };
        Poll::Ready(Some(checked.map(Frame::data).map_err(|error| this.ledger.fault(error))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.announced.is_none_or(|left| left == 0)
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(|| self.body.size_hint(), SizeHint::with_exact)
    }
}

impl<B> Outgoing<B> {
    fn take(&mut self, data: Bytes) -> Result<Bytes, Error> {
        let count = data.len() as u64;
        self.left = self.left.checked_sub(count).ok_or_else(|| too_large(self.most))?;
        if let Some(announced) = &mut self.announced {
            *announced = announced
                .checked_sub(count)
                .ok_or_else(|| Error::Invalid("the body is longer than `content-length` says".into()))?;
        }
        Ok(data)
    }
}

/// What an error of the HTTP library means. `what` was being read.
pub(crate) fn of_hyper(error: &hyper::Error, what: &str) -> Error {
    use sandglass_core::limit::fixed::{HTTP_HEADER_BYTES, HTTP_HEADERS};
    if error.is_parse_too_large() {
        let message = format!(
            "{what} has a head beyond the limits HTTP_HEADERS, {HTTP_HEADERS}, and HTTP_HEADER_BYTES, {HTTP_HEADER_BYTES}"
        );
        return Error::Quota { limit: "HTTP_HEADER_BYTES", message };
    }
    let message = if error.is_incomplete_message() {
        format!("the connection ended before {what} did")
    } else {
        // The library's own words name a kind of error, and its source what happened.
        let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
        format!("{what} could not be read: {error}{source}")
    };
    Error::unavailable(Cause::Protocol, message)
}
