//! `wasi:http/outgoing-handler`, for code that speaks it: wasmtime's types and streams above the policy of
//! [`Requests`].

use crate::outgoing::{Failed, Requests, Waits};
use crate::state::State;
use http_body_util::BodyExt as _;
use sandglass_core::Span;
use sandglass_core::limit::Bytes;
use sandglass_outbound::{Cause, Error as Outbound, Request};
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::{LinkOptions, http};
use wasmtime_wasi_http::{
    Error, RequestOptions, Result, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
};

/// Bytes of a request's body that the host holds until the other side takes them. A guest may have a body for each of
/// its handles.
const CHUNK: Bytes = Bytes::kib(16);

/// Headers in the host's memory, of which a guest may have some for each of its handles.
const FIELDS: Bytes = Bytes::kib(32);

pub(crate) fn link(l: &mut Linker<State>) -> wasmtime::Result<()> {
    http::outgoing_handler::add_to_linker::<State, WasiHttp>(l, http_of)?;
    http::types::add_to_linker::<State, WasiHttp>(l, &LinkOptions::default().into(), http_of)
}

pub(crate) fn context() -> WasiHttpCtx {
    let mut context = WasiHttpCtx::new();
    context.set_field_size_limit(FIELDS.0 as usize);
    context
}

fn http_of(state: &mut State) -> WasiHttpCtxView<'_> {
    state.meter.enter();
    let State { context, ends_at, requests, handles, wasi_http, meter, last_error, .. } = state;
    let hooks = requests.get_or_insert_with(|| Box::new(Requests::new(context, *ends_at)));
    meter.charge(hooks.take_charged());
    if let Some(refusal) = hooks.take_refusal() {
        *last_error = Some(refusal);
    }
    WasiHttpCtxView { hooks: &mut **hooks, table: handles, ctx: wasi_http }
}

type Ended = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Requests {
    fn send_request(
        &mut self,
        request: ::http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _ended: Ended,
    ) -> Box<dyn Future<Output = Result<(::http::Response<WasiBody>, Ended)>> + Send> {
        let waits = Waits { head: options.and_then(time), all: None };
        let call = self.admit(waits).and_then(|call| Ok((call, outbound(request)?)));
        match &call {
            Ok((_, request)) => self.record(request),
            Err(error) => self.refuse(error),
        }
        Box::new(async move {
            let (call, request) = call.map_err(|error| told(&error))?;
            let answer = call.start(request).await.map_err(|failed| match failed {
                Failed::Call(error) => told(&error),
                Failed::Store(error) => Error::InternalError(Some(error.to_string())),
            })?;
            let body = answer.body.map_err(|error| told(&error));
            let mut response = ::http::Response::new(body.boxed_unsync());
            // It came as one.
            *response.status_mut() = answer.status.try_into().map_err(|_| Error::HttpProtocolError)?;
            *response.headers_mut() = answer.headers;
            Ok((response, Box::new(std::future::ready(Ok(()))) as Ended))
        })
    }

    /// The client sets it, to what was granted and connected to.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK.0 as usize
    }
}

/// How long a guest would wait for the answer's head: for the connection, and then for the first byte. What it would
/// wait between bytes is not heeded, since the limit of the whole call bounds that too.
fn time(options: RequestOptions) -> Option<Span> {
    let connect = options.connect_timeout.unwrap_or_default();
    options.first_byte_timeout.map(|first| Span::from_std(connect.saturating_add(first)))
}

/// The request as the client takes it.
fn outbound(request: ::http::Request<WasiBody>) -> Result<Request<WasiBody>, Outbound> {
    let (head, body) = request.into_parts();
    let mut built = Request::new(head.method.as_str(), &head.uri.to_string())?;
    for (name, value) in &head.headers {
        built = built.header(name.as_str(), value.as_bytes())?;
    }
    Ok(built.body(body))
}

/// The nearest of the errors that `wasi:http` knows.
fn told(error: &Outbound) -> Error {
    match error {
        Outbound::Denied(_) => Error::HttpRequestDenied,
        Outbound::Invalid(_) => Error::HttpRequestUriInvalid,
        Outbound::Unavailable { cause: Cause::Resolve, message } => {
            Error::DnsError { rcode: Some(message.clone()), info_code: None }
        }
        Outbound::Unavailable { cause: Cause::Connect, .. } => Error::ConnectionRefused,
        Outbound::Unavailable { cause: Cause::Tls, .. } => Error::TlsProtocolError,
        Outbound::Unavailable { cause: Cause::Timeout, .. } => Error::ConnectionTimeout,
        Outbound::Unavailable { cause: Cause::Protocol, .. } => Error::HttpProtocolError,
        Outbound::Quota { message, .. } => Error::InternalError(Some(message.clone())),
    }
}
