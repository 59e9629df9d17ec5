//! A client of one host's HTTP API.

use crate::answer::Answer;
use crate::follow::Followed;
use crate::guest;
use serde_json::{Value, json};
use std::time::Duration;
use ureq::http::{HeaderName, HeaderValue, Method, Request, Response};
use ureq::{Agent, Body};

/// Knows where the host listens and the token that it left in its folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    url: String,
    token: Option<String>,
}

/// A silence of the host that is longer is a failure: compiling is what takes longest.
const SILENCE: Duration = Duration::from_mins(2);
const BODY_BYTES_MAX: u64 = 256 << 20;

impl Client {
    pub(crate) fn new(url: &str, token: &str) -> Client {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            // A host that refuses a body unread closes the connection; the next call takes another anyway.
            .max_idle_connections(0)
            .timeout_per_read(Some(SILENCE));
        Client { agent: config.build().new_agent(), url: url.to_string(), token: Some(token.to_string()) }
    }

    /// The same host, asked with another token, or with none.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Client {
        Client { token: token.map(str::to_string), ..self.clone() }
    }

    /// Such as `http://127.0.0.1:8420`.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// `path` is below `/v1`, unless it begins with a slash.
    pub fn call(&self, method: &str, path: impl Into<String>) -> Call<'_> {
        let path = path.into();
        Call {
            client: self,
            method: method.parse().expect("a method"),
            path: if path.starts_with('/') { path } else { format!("/v1/{path}") },
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call("GET", path)
    }

    pub fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call("POST", path)
    }

    pub fn put(&self, path: impl Into<String>) -> Call<'_> {
        self.call("PUT", path)
    }

    pub fn patch(&self, path: impl Into<String>) -> Call<'_> {
        self.call("PATCH", path)
    }

    pub fn delete(&self, path: impl Into<String>) -> Call<'_> {
        self.call("DELETE", path)
    }

    /// The document at `path`.
    #[track_caller]
    pub fn read(&self, path: impl Into<String>) -> Value {
        self.get(path).send().json(200)
    }

    /// All items of a listing, page after page.
    #[track_caller]
    pub fn list(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut call = self.get(path).query("limit", "1000");
            if let Some(cursor) = &cursor {
                call = call.query("cursor", cursor);
            }
            let mut page = call.send().json(200);
            items.append(page["items"].as_array_mut().expect("a listing has items"));
            match page["next"].as_str() {
                Some(next) => cursor = Some(next.to_string()),
                None => return items,
            }
        }
    }

    /// One of the host's own metrics, by its name without labels.
    #[track_caller]
    pub fn metric(&self, name: &str) -> f64 {
        let metrics = self.get("/metrics").send();
        assert_eq!(metrics.status, 200, "{}", metrics.text());
        let text = metrics.text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.unwrap_or_else(|| panic!("there is no metric {name}: {text}"));
        value.parse().unwrap_or_else(|error| panic!("{name}: {error}: {value}"))
    }

    /// Uploads a component and gives its digest.
    #[track_caller]
    pub fn upload(&self, component: &[u8]) -> String {
        let answer = self.post("components").bytes("application/wasm", component).send();
        assert!(matches!(answer.status, 200 | 201), "the upload was refused: {}", answer.text());
        let document = answer.json(answer.status);
        document["digest"].as_str().expect("a component has a digest").to_string()
    }

    /// Uploads a guest and makes a job of it, with this specification but for the component. Gives the job.
    #[track_caller]
    pub fn deploy(&self, job: &str, name: &str, mut specification: Value) -> Value {
        specification["component"] = json!(self.upload(&guest(name)));
        let answer = self.put(format!("jobs/{job}")).json(&specification).send();
        assert!(matches!(answer.status, 200 | 201), "the job was refused: {}", answer.text());
        answer.json(answer.status)
    }

    /// Runs a job now, with this input, and gives the run when it has ended.
    #[track_caller]
    pub fn run(&self, job: &str, input: &Value) -> Value {
        let call = self.post(format!("jobs/{job}/runs")).query("wait", "60s");
        let run = call.json(&json!({ "input": input })).send().json(200);
        assert!(run["outcome"].is_string(), "the run has not ended: {run}");
        run
    }

    /// The same, for one that succeeds.
    #[track_caller]
    pub fn run_well(&self, job: &str, input: &Value) -> Value {
        let run = self.run(job, input);
        assert_eq!(run["outcome"], "succeeded", "{run:#}");
        run
    }

    /// The answers of a probe's steps, in a run that succeeds.
    #[track_caller]
    pub fn answers(&self, job: &str, script: &Value) -> Vec<Value> {
        answers(&self.run_well(job, script))
    }

    /// Asks for a run and gives its id at once.
    #[track_caller]
    pub fn start(&self, job: &str, input: &Value) -> String {
        let run = self.post(format!("jobs/{job}/runs")).json(&json!({ "input": input })).send().json(202);
        run["id"].as_str().expect("a run has an id").to_string()
    }

    /// The run when it has ended: its log, followed, ends with it.
    #[track_caller]
    pub fn ended(&self, run: &str) -> Value {
        self.follow(run).for_each(drop);
        let run = self.read(format!("runs/{run}"));
        assert!(run["outcome"].is_string(), "its log ended, and the run has not: {run}");
        run
    }

    /// The lines of a run's log, as they come, until the run ends.
    #[track_caller]
    pub fn follow(&self, run: &str) -> Followed {
        let call = self.get(format!("runs/{run}/logs")).query("follow", "true");
        let response = call.respond().expect("the host answers");
        assert_eq!(response.status(), 200, "following {run}");
        Followed::new(response.into_body().into_with_config().limit(BODY_BYTES_MAX).reader())
    }

    /// The rows of a table, all of them, in the order of their ids.
    #[track_caller]
    pub fn rows(&self, table: &str) -> Vec<Value> {
        self.get(format!("tables/{table}/export")).send().lines()
    }

    /// How many rows match.
    #[track_caller]
    pub fn count(&self, table: &str, filter: &[(&str, &str)]) -> u64 {
        let call = self.get(format!("tables/{table}/rows")).queries(filter).query("limit", "1");
        let page = call.header("prefer", "count=exact").send().json(200);
        page["count"].as_u64().unwrap_or_else(|| panic!("no count was given: {page}"))
    }
}

/// The answers of a probe's steps, as its result has them.
#[track_caller]
pub fn answers(run: &Value) -> Vec<Value> {
    let text = run["result"].as_str().unwrap_or_else(|| panic!("a run without a result: {run:#}"));
    let answers: Vec<Value> = serde_json::from_str(text).expect("a probe answers in JSON");
    answers
}

/// A request that is being put together.
#[must_use = "a call is made by `send`"]
pub struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Vec<u8>>,
}

impl Call<'_> {
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_string(), value.to_string()));
        self
    }

    pub fn queries(mut self, pairs: &[(&str, &str)]) -> Self {
        self.query.extend(pairs.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())));
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.headers.push((name.parse().expect("a header's name"), value));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string())
    }

    pub fn bytes(self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut call = self.header("content-type", kind);
        call.body = Some(body.into());
        call
    }

    /// The host answers, whatever it says.
    #[track_caller]
    pub fn send(self) -> Answer {
        let asked = Answer::asked(&self.method, &self.path);
        self.try_send().unwrap_or_else(|error| panic!("{asked}: {error}"))
    }

    /// For a host that may be gone.
    pub fn try_send(self) -> Result<Answer, ureq::Error> {
        let asked = Answer::asked(&self.method, &self.path);
        let (head, mut body) = self.respond()?.into_parts();
        let body = body.with_config().limit(BODY_BYTES_MAX).read_to_vec()?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body, asked })
    }

    fn respond(self) -> Result<Response<Body>, ureq::Error> {
        let mut request = Request::builder().method(&self.method).uri(self.uri());
        if let Some(token) = &self.client.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let takes_body = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        match self.body {
            None if !takes_body => self.client.agent.run(request.body(())?),
            body => self.client.agent.run(request.body(body.unwrap_or_default())?),
        }
    }

    fn uri(&self) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode as encode};
        let pair = |(name, value): &(String, String)| {
            format!("{}={}", encode(name, NON_ALPHANUMERIC), encode(value, NON_ALPHANUMERIC))
        };
        let query: Vec<String> = self.query.iter().map(pair).collect();
        let mark = match (query.is_empty(), self.path.contains('?')) {
            (true, _) => "",
            (false, true) => "&",
            (false, false) => "?",
        };
        format!("{}{}{mark}{}", self.client.url, self.path, query.join("&"))
    }
}
