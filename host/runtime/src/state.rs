//! What an attempt's store holds: the guest's side of the host.
//!
//! Made anew for every attempt, so it is kept cheap: what a guest may never ask for is made when it asks.

use crate::attempt::AttemptContext;
use crate::bindings::sandglass::job::types;
use crate::limiter::Limiter;
use crate::log::Log;
use crate::meter::Meter;
use crate::outgoing::Requests;
use crate::preview1::System;
use crate::redact::Handed;
use crate::verdict::Ended;
use crate::wasi_http;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sandglass_core::Instant;
use sandglass_core::effect::{Quota, Workspace};
use sandglass_core::run::{Cause, Failure};
use sandglass_store::StoreError;
use std::sync::Arc;
use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi_http::WasiHttpCtx;

pub(crate) struct State {
    pub(crate) context: AttemptContext,
    /// When the attempt will be ended as a timeout, by the wall clock and by the one that only goes forward.
    pub(crate) deadline: Instant,
    pub(crate) ends_at: std::time::Instant,
    pub(crate) meter: Meter,
    pub(crate) limiter: Limiter,
    pub(crate) workspace: Workspace,
    /// Emails that this attempt sent, committed at a checkpoint or not yet.
    pub(crate) emails: u32,
    /// Bytes of those that are not committed yet.
    pub(crate) emails_bytes: u64,
    pub(crate) log: Arc<Log>,
    pub(crate) secrets: Handed,
    /// The last error that a host call gave.
    pub(crate) last_error: Option<String>,
    pub(crate) handles: ResourceTable,
    /// WASI's own state, from the first call that needs it.
    pub(crate) wasi: Option<Box<WasiCtx>>,
    pub(crate) wasi_http: WasiHttpCtx,
    /// Its requests to other hosts, from the first one.
    pub(crate) requests: Option<Box<Requests>>,
    /// The same of preview 1.
    pub(crate) system: Option<Box<System>>,
    /// The guest is a job by its `main`.
    pub(crate) is_program: bool,
    random: Option<Box<StdRng>>,
}

/// Tells wasmtime's bindings that the host's traits are implemented by [`State`].
pub(crate) struct Host;

impl HasData for Host {
    type Data<'a> = &'a mut State;
}

/// A host call does not do what it was asked.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The guest is told, and decides what that means to it.
    Tell(Code, String),
    /// No answer can carry it: the attempt ends.
    End(Ended),
}

/// The codes of `types.error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Denied,
    NotFound,
    Conflict,
    Invalid,
    Quota,
    Unavailable,
}

impl Code {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Code::Denied => "denied",
            Code::NotFound => "not-found",
            Code::Conflict => "conflict",
            Code::Invalid => "invalid",
            Code::Quota => "quota",
            Code::Unavailable => "unavailable",
        }
    }
}

impl From<Quota> for Stop {
    fn from(quota: Quota) -> Stop {
        Stop::Tell(Code::Quota, quota.to_string())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::End(Ended::new(Cause::HostError, error.to_string()))
    }
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Stop {
        Stop::End(ended)
    }
}

/// What a host function gives that can answer with an error: the outer error ends the attempt.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

impl State {
    pub(crate) fn new(context: AttemptContext, began: std::time::Instant, is_program: bool) -> State {
        let limits = &context.spec.limits;
        let timeout = context.spec.policy.timeout;
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(limits.handles as usize);
        State {
            deadline: (context.clock)().plus(timeout),
            ends_at: began + timeout.to_std(),
            meter: Meter::new(limits),
            limiter: Limiter::new(limits),
            workspace: Workspace::new(limits.rows_tracked),
            emails: 0,
            emails_bytes: 0,
            log: Arc::new(Log::new(&context, is_program)),
            secrets: Handed::default(),
            last_error: None,
            handles,
            wasi: None,
            wasi_http: wasi_http::context(),
            requests: None,
            system: None,
            is_program,
            random: None,
            context,
        }
    }

    /// Where every call into the host comes in.
    pub(crate) fn enter(&mut self) -> &mut State {
        self.meter.enter();
        self
    }

    /// Why it ends when its time is over.
    pub(crate) fn late(&self) -> Failure {
        let message = format!("not done within {} (policy timeout)", self.context.spec.policy.timeout);
        Failure::new(Cause::Timeout, message)
    }

    pub(crate) fn now(&self) -> Instant {
        (self.context.clock)()
    }

    pub(crate) fn random(&mut self) -> &mut StdRng {
        let seed = self.context.seed;
        self.random.get_or_insert_with(|| Box::new(StdRng::from_seed(seed)))
    }

    pub(crate) fn requests(&mut self) -> &mut Requests {
        let State { context, requests, ends_at, .. } = self;
        requests.get_or_insert_with(|| Box::new(Requests::new(context, *ends_at)))
    }

    /// Runs a host function that was handed `bytes` by the guest: charges for them, takes its time, and makes
    /// the answer of what came of it.
    pub(crate) fn call<T>(
        &mut self,
        bytes: usize,
        work: impl FnOnce(&mut State) -> Result<T, Stop>,
    ) -> Answer<T> {
        let began = std::time::Instant::now();
        self.meter.check()?;
        self.meter.charge_bytes(bytes);
        let done = work(self);
        self.meter.spent(began);
        self.tell(done)
    }

    /// The answer of what came of a host function.
    pub(crate) fn tell<T>(&mut self, done: Result<T, Stop>) -> Answer<T> {
        match done {
            Ok(value) => Ok(Ok(value)),
            Err(Stop::Tell(code, message)) => {
                let code = code.as_str();
                // A guest hands on what it is told.
                let message = self.secrets.redact_quotes(message);
                self.last_error = Some(format!("{code}: {message}"));
                Ok(Err(types::Error { code: code.into(), message }))
            }
            Err(Stop::End(ended)) => Err(ended.into()),
        }
    }
}
