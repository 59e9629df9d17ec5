//! `http`: requests to other hosts, each with its whole answer.

use crate::bindings::sandglass::job::http;
use crate::outgoing::{Failed, Waits};
use crate::state::{Answer, Code, State, Stop};
use http_body_util::{BodyExt as _, Full};
use sandglass_core::Span;
use sandglass_outbound::{Error, Request};

impl http::Host for State {
    async fn send(&mut self, request: http::Request) -> Answer<http::Response> {
        let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let body = request.body.as_ref().map_or(0, Vec::len);
        self.meter.check()?;
        self.meter.charge_bytes(request.method.len() + request.url.len() + headers + body);
        self.meter.wait();
        let done = self.exchange(request).await;
        self.meter.waited();
        self.tell(done)
    }
}

impl State {
    async fn exchange(&mut self, request: http::Request) -> Result<http::Response, Stop> {
        let all = request.timeout_ms.map(|ms| Span::from_millis(ms.into()));
        let call = self.requests().admit(Waits { head: None, all });
        let charged = self.requests().take_charged();
        self.meter.charge(charged);
        let call = call?;
        let body = request.body.unwrap_or_default();
        let mut built = Request::new(&request.method, &request.url)?;
        for (name, value) in &request.headers {
            built = built.header(name, value.as_bytes())?;
        }
        self.requests().record(&built);
        let answer = call.start(built.body(Full::from(body))).await?;
        let body = answer.body.collect().await?.to_bytes();
        // Values are bytes, and nearly always text.
        let text = |value: &::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: Vec<_> =
            answer.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.meter.charge_bytes(bytes + body.len());
        Ok(http::Response { status: answer.status, headers, body: body.into() })
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        let code = match error {
            Error::Denied(_) => Code::Denied,
            Error::Invalid(_) => Code::Invalid,
            Error::Unavailable { .. } => Code::Unavailable,
            Error::Quota { .. } => Code::Quota,
        };
        Stop::Tell(code, error.to_string())
    }
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Stop {
        match failed {
            Failed::Call(error) => error.into(),
            Failed::Store(error) => error.into(),
        }
    }
}
