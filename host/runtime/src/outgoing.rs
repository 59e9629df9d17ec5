//! What an attempt asks of other hosts, whichever of its two interfaces it speaks: counted, held to the job's grants and
//! limits, and recorded.

use crate::attempt::AttemptContext;
use crate::meter::tariff;
use sandglass_core::Span;
use sandglass_core::exchange::Exchange;
use sandglass_core::limit::fixed;
use sandglass_core::run::Usage;
use sandglass_core::spec::Specification;
use sandglass_outbound::{Client, Error, Incoming, Ledger, Limits, Request, Response};
use sandglass_store::{Store, StoreError};
use std::sync::Arc;
use std::time::Instant;

/// The requests of one attempt.
pub(crate) struct Requests {
    client: Option<Arc<Client>>,
    store: Arc<dyn Store>,
    spec: Arc<Specification>,
    /// When the attempt's time is over.
    ends_at: Instant,
    calls: u32,
    ledgers: Vec<Ledger>,
    /// Fuel that calls cost and that the meter does not know of yet.
    charged: u64,
    /// What the last call was refused for, where nobody told the guest yet.
    refused: Option<String>,
}

/// How long a guest would wait, where it says so: for the head of an answer, and for all of it.
#[derive(Clone, Copy)]
pub(crate) struct Waits {
    pub(crate) head: Option<Span>,
    pub(crate) all: Option<Span>,
}

/// A request that may be sent: everything of it that does not wait has been looked at.
pub(crate) struct Call {
    client: Arc<Client>,
    store: Arc<dyn Store>,
    spec: Arc<Specification>,
    limits: Limits,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failed {
    Call(Error),
    /// Storage has stopped: the host does not go on.
    Store(StoreError),
}

impl Requests {
    pub(crate) fn new(context: &AttemptContext, ends_at: Instant) -> Requests {
        Requests {
            client: context.outbound.clone(),
            store: Arc::clone(&context.store),
            spec: Arc::clone(&context.spec),
            ends_at,
            calls: 0,
            ledgers: Vec::new(),
            charged: 0,
            refused: None,
        }
    }

    /// Counts a call, and says whether there may be one more.
    pub(crate) fn admit(&mut self, waits: Waits) -> Result<Call, Error> {
        self.calls = self.calls.saturating_add(1);
        self.charged = self.charged.saturating_add(tariff::HTTP_CALL);
        let limits = &self.spec.limits;
        if u64::from(self.calls) > limits.http_calls {
            let message = format!("more than {} requests to other hosts", limits.http_calls);
            return Err(Error::Quota {
                limit: "http_calls",
                message: format!("{message} (limit http_calls)"),
            });
        }
        let unavailable = |message: &str| Error::unavailable(sandglass_outbound::Cause::Timeout, message);
        // A guest that computes is left a moment after its time is over, in which nothing of it counts any more.
        if Instant::now() >= self.ends_at {
            return Err(unavailable("the attempt's time is over"));
        }
        let Some(client) = self.client.clone() else {
            return Err(unavailable("this host makes no requests to others"));
        };
        let limits = Limits {
            request: limits.http_request,
            response: limits.http_response,
            time: limits.http_time,
            asked: waits.all,
            asked_for_head: waits.head,
        };
        Ok(Call { client, store: Arc::clone(&self.store), spec: Arc::clone(&self.spec), limits })
    }

    /// Has the request among those that are recorded.
    pub(crate) fn record<B>(&mut self, request: &Request<B>) {
        self.ledgers.push(request.ledger());
    }

    /// What calls have cost since this was last asked.
    pub(crate) fn take_charged(&mut self) -> u64 {
        std::mem::take(&mut self.charged)
    }

    /// Notes a call that was refused before it began, where the interface cannot say why.
    pub(crate) fn refuse(&mut self, error: &Error) {
        self.refused = Some(words(error));
    }

    /// The last such refusal since this was last asked.
    pub(crate) fn take_refusal(&mut self) -> Option<String> {
        self.refused.take()
    }

    /// What went wrong with the last request with which something did.
    pub(crate) fn last_fault(&self) -> Option<String> {
        self.ledgers.iter().rev().find_map(Ledger::error).map(|error| words(&error))
    }

    /// Adds what the requests came to, and gives the records of the first ones.
    pub(crate) fn account(&self, usage: &mut Usage) -> Vec<Exchange> {
        usage.http_calls = self.calls;
        let mut exchanges = Vec::with_capacity(self.ledgers.len().min(fixed::EXCHANGES_KEPT));
        for ledger in &self.ledgers {
            let exchange = ledger.exchange();
            usage.http_sent = usage.http_sent.saturating_add(exchange.sent);
            usage.http_received = usage.http_received.saturating_add(exchange.received);
            if exchanges.len() < fixed::EXCHANGES_KEPT {
                exchanges.push(exchange);
            }
        }
        exchanges
    }
}

impl Call {
    /// Sends the request once everything that the guest could have seen is on disk, and waits for the answer's head.
    pub(crate) async fn start<B>(self, request: Request<B>) -> Result<Response<Incoming>, Failed>
    where
        B: http_body::Body<Data = bytes::Bytes, Error: std::fmt::Display> + Send + 'static,
    {
        self.store.settled().await.map_err(Failed::Store)?;
        let started = self.client.start(&self.spec.grants.http, self.limits, request).await;
        started.map_err(|failure| Failed::Call(failure.error))
    }
}

fn words(error: &Error) -> String {
    format!("{}: {error}", error.code())
}
