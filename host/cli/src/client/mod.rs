//! The client of the host's public API: one place that knows where the host is, who we are, and what an answer
//! that is none looks like.

pub(crate) mod follow;
pub(crate) mod problem;
mod request;

pub(crate) use request::{LONG, Request};

use crate::folder::Token;
use crate::stop::Stop;
use anyhow::{Context, Result};
use problem::Refusal;
use request::Payload;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use ureq::http::{self, Response, Uri};
use ureq::{Agent, AsSendBody, Body, SendBody};

/// How the host is reached, the same for every command.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Connection {
    /// Where the host listens
    #[arg(
        long,
        global = true,
        env = "SANDGLASS_URL",
        hide_env_values = true,
        default_value = DEFAULT_URL,
        value_name = "URL",
        help_heading = "Connection"
    )]
    url: String,
    /// A file with the token, instead of `SANDGLASS_TOKEN` or the one that `serve` left
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    token_file: Option<PathBuf>,
}

pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8420";

const CONNECT: Duration = Duration::from_secs(10);
/// A page of rows may have 4 MiB; nothing that is read as a whole has more than this.
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;

pub(crate) struct Client {
    agent: Agent,
    /// Without a slash at its end.
    base: String,
    token: Token,
}

impl Client {
    pub(crate) fn new(connection: &Connection) -> Result<Client> {
        let base = connection.url.trim_end_matches('/').to_owned();
        let local = host_is_local(&base)?;
        let token = Token::find(connection.token_file.as_deref(), local)?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // The token is for this host, wherever it might send us.
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .timeout_resolve(Some(CONNECT))
            .user_agent(concat!("sandglass/", env!("CARGO_PKG_VERSION")));
        if local {
            // No proxy can reach this machine's own loopback.
            config = config.proxy(None);
        }
        Ok(Client { agent: config.build().new_agent(), base, token })
    }

    /// The answer's document.
    pub(crate) fn json<T: DeserializeOwned>(&self, request: Request<'_>) -> Result<T> {
        let response = self.call(request)?;
        self.document(response)
    }

    pub(crate) fn document<T: DeserializeOwned>(&self, mut response: Response<Body>) -> Result<T> {
        let read = response.body_mut().with_config().limit(DOCUMENT_BYTES_MAX).read_to_vec();
        let bytes = read.map_err(|error| self.unreachable(&error))?;
        let document = serde_json::from_slice(&bytes);
        document.map_err(|error| {
            Stop::Unreachable(format!("{} answers, but not as a host does: {error}", self.base)).into()
        })
    }

    /// All items of a listing, or the first `limit` of them; and whether there are more.
    pub(crate) fn list(
        &self,
        limit: Option<usize>,
        request: impl Fn() -> Request<'static>,
    ) -> Result<(Vec<Value>, bool)> {
        #[derive(serde::Deserialize)]
        struct Page {
            items: Vec<Value>,
            next: Option<String>,
        }
        const PAGE: usize = 1000;
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let wanted = limit.map_or(PAGE, |limit| (limit - items.len()).min(PAGE));
            let next = request().query("limit", wanted.to_string()).query_some("cursor", cursor.take());
            let page: Page = self.json(next)?;
            items.extend(page.items);
            match page.next {
                Some(next) if limit.is_none_or(|limit| items.len() < limit) => cursor = Some(next),
                next => return Ok((items, next.is_some())),
            }
        }
    }

    /// Sends a request, and gives the response if it is a success.
    pub(crate) fn call(&self, request: Request<'_>) -> Result<Response<Body>> {
        let response = self.answer(request)?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(response)) }
    }

    /// The same, where there may be nothing of that name: then it is none.
    pub(crate) fn call_maybe(&self, request: Request<'_>) -> Result<Option<Response<Body>>> {
        let response = self.answer(request)?;
        if response.status().is_success() {
            return Ok(Some(response));
        }
        match self.refusal(response) {
            // By its code: some other server, which knows nothing of us, answers 404 too.
            error if matches!(error.downcast_ref(), Some(Stop::Refused(refusal)) if refusal.code == "not-found") => {
                Ok(None)
            }
            error => Err(error),
        }
    }

    fn answer(&self, request: Request<'_>) -> Result<Response<Body>> {
        let streamed = matches!(request.body, Payload::Stream { .. });
        self.send(request).map_err(|error| match error {
            ureq::Error::Io(error) if is_ours(&error) => anyhow::anyhow!("{error}"),
            error if streamed && is_hang_up(&error) => Stop::Unreachable(format!(
                "the host closed the connection before it had taken everything ({error}): it has refused, or stopped"
            ))
            .into(),
            error => self.unreachable(&error),
        })
    }

    fn send(&self, request: Request<'_>) -> Result<Response<Body>, ureq::Error> {
        let uri = request.uri(&self.base);
        let Request { method, headers, body, patience, .. } = request;
        let mut builder = http::Request::builder().method(method).uri(uri);
        if let Some(token) = &self.token.value {
            builder = builder.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        match body {
            Payload::None => self.dispatch(builder, (), patience),
            Payload::Json(text) => {
                let builder = builder.header("content-type", "application/json");
                self.dispatch(builder, text, patience)
            }
            Payload::Stream { reader, kind } => {
                let builder = builder.header("content-type", kind);
                self.dispatch(builder, SendBody::from_reader(reader), patience)
            }
        }
    }

    fn dispatch(
        &self,
        builder: http::request::Builder,
        body: impl AsSendBody,
        patience: Duration,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = builder.body(body).map_err(ureq::Error::Http)?;
        let request = self.agent.configure_request(request).timeout_per_read(Some(patience)).build();
        self.agent.run(request)
    }

    /// Why a call that gave no answer did not.
    pub(crate) fn unreachable(&self, error: &ureq::Error) -> anyhow::Error {
        Stop::Unreachable(silence(&self.base, error)).into()
    }

    fn refusal(&self, mut response: Response<Body>) -> anyhow::Error {
        let status = response.status();
        let read = response.body_mut().with_config().limit(1 << 20).read_to_vec().unwrap_or_default();
        let document =
            serde_json::from_slice::<Refusal>(&read).ok().filter(|refusal| !refusal.code.is_empty());
        let Some(mut refusal) = document else {
            let base = &self.base;
            let message =
                format!("{base} answers with {status}, and not as a host does: is this its address?");
            return Stop::Unreachable(message).into();
        };
        refusal.status = status.as_u16();
        refusal.advise(&self.token);
        Stop::Refused(Box::new(refusal)).into()
    }
}

/// An error of the body's own reader, which is marked so that it is not taken for the network's.
fn is_ours(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<BodyError>)
}

/// What was wrong with the body while it was sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BodyError(pub(crate) String);

fn is_hang_up(error: &ureq::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, ureq::Error::Io(error)
        if matches!(error.kind(), BrokenPipe | ConnectionReset | ConnectionAborted | UnexpectedEof))
}

fn silence(base: &str, error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => format!(
            "no host answers at {base}.\nStart one with `sandglass serve`, or say where it is with SANDGLASS_URL or --url."
        ),
        ureq::Error::HostNotFound => format!("there is no machine of the name in {base}"),
        ureq::Error::Io(error) => format!("the host at {base} cannot be reached: {error}"),
        ureq::Error::Timeout(_) => format!("the host at {base} does not answer in time"),
        error => format!("the host at {base} cannot be reached: {error}"),
    }
}

/// Whether the URL is that of this machine's loopback. An error where it is no URL of a host.
fn host_is_local(base: &str) -> Result<bool> {
    let wrong = || Stop::Usage(format!("`{base}` is not a host's URL: write it as {DEFAULT_URL}"));
    let uri: Uri = base.parse().map_err(|_| wrong())?;
    let plain = uri.query().is_none() && matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().filter(|_| plain).ok_or_else(wrong).context("--url or SANDGLASS_URL")?;
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    Ok(host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_is_local() {
        for (url, local) in [
            (DEFAULT_URL, true),
            ("http://localhost:1", true),
            ("http://[::1]:8420", true),
            ("http://127.9.9.9", true),
            ("https://jobs.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost@example.com", false),
        ] {
            assert_eq!(host_is_local(url).unwrap(), local, "{url}");
        }
        for url in ["", "127.0.0.1:8420", "ftp://x", "http://", "http://h/?a"] {
            assert!(host_is_local(url).is_err(), "{url}");
        }
    }

    #[test]
    fn silence_says_what_to_do() {
        let refused = ureq::Error::Io(io::ErrorKind::ConnectionRefused.into());
        assert!(silence(DEFAULT_URL, &refused).contains("`sandglass serve`"));
        assert!(silence("http://nowhere", &ureq::Error::HostNotFound).contains("http://nowhere"));
    }
}
