//! One request from its grant to its answer.

use crate::body::{Incoming, Outgoing, of_hyper};
use crate::canned::{self, Canned};
use crate::connect;
use crate::error::{Cause, Denial, Error};
use crate::ledger::{Counted, Ledger};
use crate::request::Request;
use crate::resolve::Resolver;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use sandglass_core::exchange::Exchange;
use sandglass_core::grant::HttpGrant;
use sandglass_core::limit::fixed;
use sandglass_core::{Span, limit};
use std::sync::Arc;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::either::Either;
use tokio_util::task::AbortOnDropHandle;

/// What one call may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The request, head and body.
    pub request: limit::Bytes,
    /// The answer, as it comes over the wire: head, body and its framing.
    pub response: limit::Bytes,
    /// From looking up the name to the last byte of the answer.
    pub time: Span,
    /// A shorter time that the caller asked for.
    pub asked: Option<Span>,
    /// The same, from looking up the name to the head of the answer.
    pub asked_for_head: Option<Span>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            request: fixed::HTTP_REQUEST,
            response: fixed::HTTP_RESPONSE,
            time: fixed::HTTP_TIME,
            asked: None,
            asked_for_head: None,
        }
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Response<B> {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: B,
    pub ledger: Ledger,
}

/// A call without an answer.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    pub error: Error,
    pub exchange: Exchange,
}

/// What makes the requests. Cheap to share, keeps nothing between two of them.
#[derive(Debug)]
pub struct Client(Way);

#[derive(Debug)]
enum Way {
    Network { resolver: Resolver, tls: Arc<ClientConfig> },
    Canned(Vec<Canned>),
}

impl Client {
    /// # Errors
    /// Settings of TLS that the library does not support.
    pub fn new(resolver: Resolver, roots: RootCertStore) -> Result<Client, rustls::Error> {
        Ok(Client(Way::Network { resolver, tls: Arc::new(connect::tls(roots)?) }))
    }

    /// One that sends nothing: to what is granted and has no answer here, there is none.
    pub fn canned(answers: Vec<Canned>) -> Client {
        Client(Way::Canned(answers))
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// See [`Error`]. The record of the call comes with it.
    pub async fn send(
        &self,
        grants: &[HttpGrant],
        limits: Limits,
        request: Request,
    ) -> Result<Response<Bytes>, Failure> {
        let Response { status, headers, body, ledger } =
            self.start(grants, limits, request.map(Full::new)).await?;
        match body.collect().await {
            Ok(body) => Ok(Response { status, headers, body: body.to_bytes(), ledger }),
            Err(error) => Err(Failure { error, exchange: ledger.exchange() }),
        }
    }

    /// Sends a request, whose body may still be growing, and answers as soon as the head of the answer is there.
    ///
    /// The time goes on until the answer's body has ended; reading it gives the errors that happen until then.
    ///
    /// # Errors
    /// See [`Error`]. The record of the call comes with it.
    pub async fn start<B>(
        &self,
        grants: &[HttpGrant],
        limits: Limits,
        request: Request<B>,
    ) -> Result<Response<Incoming>, Failure>
    where
        B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
    {
        let ledger = request.ledger();
        ledger.bound(limits.response);
        self.exchange(grants, limits, request, &ledger).await.map_err(|error| {
            let error = ledger.fault(error);
            ledger.ended();
            Failure { error, exchange: ledger.exchange() }
        })
    }

    async fn exchange<B>(
        &self,
        grants: &[HttpGrant],
        limits: Limits,
        request: Request<B>,
        ledger: &Ledger,
    ) -> Result<Response<Incoming>, Error>
    where
        B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
    {
        let target = request.target.clone();
        let reach = HttpGrant::reach(grants, &target)
            .ok_or_else(|| Error::Denied(Denial::Host { host: target.host.clone(), port: target.port }))?;
        let method = request.method.clone();
        let message = message(request, limits.request, ledger)?;
        let begun = Instant::now();
        let limit = Deadline { at: begun + limits.time.to_std(), span: limits.time, is_asked: false };
        let all = limit.or_asked(begun, limits.asked);
        let time = all.or_asked(begun, limits.asked_for_head);

        let stream = match &self.0 {
            Way::Network { resolver, tls } => {
                let addresses = connect::addresses(resolver, &target, reach);
                let addresses = time.within("its name was looked up", addresses).await?;
                let stream = time.within("a connection was made", connect::connect(&addresses)).await?;
                if let Ok(peer) = stream.peer_addr() {
                    ledger.connected(peer.ip());
                }
                Either::Left(if target.tls {
                    let handshake = connect::handshake(tls.clone(), &target.host, stream);
                    Either::Right(time.within("TLS was agreed on", handshake).await?)
                } else {
                    Either::Left(stream)
                })
            }
            Way::Canned(answers) => Either::Right(canned::connect(answers, &method, &target)?),
        };

        let (mut sender, connection) = http1::Builder::new()
            .max_headers(fixed::HTTP_HEADERS)
            .max_header_size(fixed::HTTP_HEADER_BYTES.0 as usize)
            .handshake(TokioIo::new(Counted::new(stream, ledger.clone())))
            .await
            .map_err(|error| of_hyper(&error, "the answer"))?;
        // Errors of the connection come out where the answer is awaited. At the deadline it is closed, whether or
        // not anybody still reads.
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            let _ = timeout_at(all.at, connection).await;
        }));
        let answer =
            async { sender.send_request(message).await.map_err(|error| of_hyper(&error, "the answer")) };
        let (head, body) = time.within("the head of an answer came", answer).await?.into_parts();
        let status = head.status.as_u16();
        if status < 200 {
            let message = format!("the answer's status is {status}, which no request asked for");
            return Err(Error::unavailable(Cause::Protocol, message));
        }
        ledger.answered(status);
        // A body that is announced as too large need not be read. Part of it may have come with the head.
        ledger.check_received(body.size_hint().lower())?;
        let body = Incoming {
            body,
            ledger: ledger.clone(),
            deadline: Box::pin(sleep_until(all.at)),
            late: all.late("the answer came in full"),
            _connection: connection,
        };
        Ok(Response { status, headers: head.headers, body, ledger: ledger.clone() })
    }
}

/// The message as it is written on the wire.
fn message<B: Body<Data = Bytes>>(
    request: Request<B>,
    most: limit::Bytes,
    ledger: &Ledger,
) -> Result<http::Request<Outgoing<B>>, Error> {
    let head = request.head_bytes();
    let authority = request.target.authority();
    let Request { method, path, headers, length, body, .. } = request;
    let mut message = http::Request::new(Outgoing::new(body, length, head, most, ledger.clone())?);
    *message.method_mut() = method;
    *message.uri_mut() = path;
    *message.headers_mut() = headers;
    let host = HeaderValue::try_from(authority).map_err(|error| Error::Invalid(error.to_string()))?;
    message.headers_mut().insert(header::HOST, host);
    message.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    if !message.headers().contains_key(header::USER_AGENT) {
        let agent = HeaderValue::from_static(concat!("sandglass/", env!("CARGO_PKG_VERSION")));
        message.headers_mut().insert(header::USER_AGENT, agent);
    }
    Ok(message)
}

#[derive(Clone, Copy)]
struct Deadline {
    at: Instant,
    span: Span,
    /// By the caller, or else it is the limit's.
    is_asked: bool,
}

impl Deadline {
    /// `what` is what should have happened.
    async fn within<T>(self, what: &str, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match timeout_at(self.at, step).await {
            // At the deadline the connection is closed, and that may be seen before it.
            Ok(Err(Error::Unavailable { .. })) if Instant::now() >= self.at => Err(self.late(what)),
            Ok(done) => done,
            Err(_) => Err(self.late(what)),
        }
    }

    /// The sooner of this, and what the caller asked for.
    fn or_asked(self, begun: Instant, asked: Option<Span>) -> Deadline {
        match asked {
            Some(span) if begun + span.to_std() < self.at => {
                Deadline { at: begun + span.to_std(), span, is_asked: true }
            }
            _ => self,
        }
    }

    fn late(self, what: &str) -> Error {
        let whose = if self.is_asked { "the time that the caller gave" } else { "the limit http_time" };
        let message = format!("{}, {whose}, were over before {what}", self.span);
        Error::unavailable(Cause::Timeout, message)
    }
}
