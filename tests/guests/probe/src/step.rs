//! One step of a script.

use crate::hostile;
use crate::rows;
use crate::script::{self, Action, Level};
use sandglass::serde_json::{json, Value};
use sandglass::{log, Code, Context, Error, Failure, Result};
use std::time::Duration;

/// What came of a step that did not fail.
pub(crate) enum Outcome {
    Answer(Value),
    /// The script ends here.
    End(Result<Option<String>, Failure>),
}

pub(crate) fn perform(ctx: &Context, action: Action) -> Result<Outcome> {
    let answer = match action {
        Action::Fail { retry, message } => return Ok(Outcome::End(Err(Failure { retry, message }))),
        Action::FailUntilAttempt(first) if ctx.attempt() < first => {
            let message = format!("attempt {} of {first}", ctx.attempt());
            return Ok(Outcome::End(Err(Failure::retry(message))));
        }
        Action::FailUntilAttempt(_) => json!(ctx.attempt()),
        Action::Return(text) => return Ok(Outcome::End(Ok(text))),
        Action::BigResult(bytes) => return Ok(Outcome::End(Ok(Some("x".repeat(bytes))))),
        Action::Repeat { times, step } => repeat(ctx, times, &step)?,
        Action::Stages { count, steps } => stages(ctx, count, &steps)?,
        action @ (Action::Insert(_)
        | Action::InsertText { .. }
        | Action::InsertSized { .. }
        | Action::Get(_)
        | Action::Update { .. }
        | Action::Increment { .. }
        | Action::Put(_)
        | Action::Delete { .. }
        | Action::Query(_)
        | Action::QueryAll(_)
        | Action::Count(_)
        | Action::DeleteWhere(_)
        | Action::WaitForRow(_)
        | Action::HoldTables { .. }) => rows::perform(ctx, action)?,
        Action::Info => info(ctx),
        Action::Setting(name) => json!(ctx.setting(&name)),
        Action::Progress => json!(ctx.progress()),
        Action::Checkpoint(progress) => {
            ctx.checkpoint(progress.as_deref());
            Value::Null
        }
        Action::Secret(name) => json!(ctx.secret(&name)?),
        Action::Log { level, message } => {
            log::log!(log_level(level), "{message}");
            Value::Null
        }
        Action::Print(text) => {
            println!("{text}");
            Value::Null
        }
        Action::Eprint(text) => {
            eprintln!("{text}");
            Value::Null
        }
        Action::Email(email) => json!(send(ctx, email)?),
        Action::Http(request) => fetch(ctx, request)?,
        Action::Sockets => {
            std::net::TcpStream::connect("127.0.0.1:1").map_err(of_the_system)?;
            json!("connected")
        }
        Action::ReadFile(path) => json!(std::fs::read_to_string(path).map_err(of_the_system)?),
        Action::SleepMs(ms) => {
            std::thread::sleep(Duration::from_millis(ms));
            Value::Null
        }
        Action::Alloc(bytes) => {
            hostile::allocate(bytes);
            Value::Null
        }
        Action::Spin => hostile::spin(),
        Action::Grow => hostile::grow(),
        Action::Recurse => json!(hostile::recurse(0)),
        Action::Trap => panic!("the script said so"),
        Action::Panic(message) => panic!("{message}"),
        Action::Exit(code) => std::process::exit(code),
    };
    Ok(Outcome::Answer(answer))
}

fn info(ctx: &Context) -> Value {
    json!({
        "job": ctx.job(),
        "run_id": ctx.run_id(),
        "attempt": ctx.attempt(),
        "trigger": ctx.trigger().to_string(),
        "scheduled_for": ctx.scheduled_for(),
        "last_success": ctx.last_success(),
        "now": ctx.now(),
        "deadline": ctx.deadline(),
    })
}

/// Stands in a text for the number of the round or stage.
const ROUND: &str = "{i}";

fn repeat(ctx: &Context, times: u64, step: &Value) -> Result<Value> {
    for round in 0..times {
        let (action, _) = script::parse(script::with(step, ROUND, &round.to_string()))
            .map_err(|error| Error::new(Code::Invalid, format!("the step to repeat: {error}")))?;
        match perform(ctx, action) {
            Ok(Outcome::Answer(_)) => {}
            Ok(Outcome::End(_)) => {
                return Err(Error::new(Code::Invalid, "a step that ends cannot be repeated"))
            }
            Err(error) => {
                let error = json!({ "code": error.code.as_str(), "message": error.message });
                return Ok(json!({ "done": round, "error": error }));
            }
        }
    }
    Ok(json!({ "done": times, "error": null }))
}

fn stages(ctx: &Context, count: u64, steps: &[Value]) -> Result<Value> {
    let done = ctx.progress().and_then(|progress| progress.parse().ok()).unwrap_or(0);
    for stage in done..count {
        for step in steps {
            let (action, _) = script::parse(script::with(step, ROUND, &stage.to_string()))
                .map_err(|error| Error::new(Code::Invalid, format!("a step of a stage: {error}")))?;
            if let Outcome::End(_) = perform(ctx, action)? {
                return Err(Error::new(Code::Invalid, "a step that ends cannot be part of a stage"));
            }
        }
        ctx.checkpoint(Some(&(stage + 1).to_string()));
    }
    Ok(json!(count))
}

fn send(ctx: &Context, email: script::Email) -> Result<String> {
    let mut message = ctx.email().subject(email.subject);
    for address in email.to {
        message = message.to(address);
    }
    for address in email.cc {
        message = message.cc(address);
    }
    for address in email.bcc {
        message = message.bcc(address);
    }
    if let Some(address) = email.reply_to {
        message = message.reply_to(address);
    }
    if let Some(text) = email.text {
        message = message.text(text);
    }
    if let Some(html) = email.html {
        message = message.html(html);
    }
    for (file_name, content_type, content) in email.attachments {
        message = message.attach(file_name, content_type, content);
    }
    message.send()
}

fn fetch(ctx: &Context, http: script::Http) -> Result<Value> {
    let mut request = ctx.http(http.method, http.url);
    for (name, value) in http.headers {
        request = request.header(name, value);
    }
    if let Some(body) = http.body {
        request = request.body(body);
    }
    if let Some(ms) = http.timeout_ms {
        request = request.timeout(Duration::from_millis(ms));
    }
    let response = request.send()?;
    let body = String::from_utf8_lossy(&response.body);
    Ok(json!({ "status": response.status, "headers": response.headers, "body": body }))
}

/// An error that came through WASI and has no code of ours.
fn of_the_system(error: std::io::Error) -> Error {
    Error::new(Code::Other("io".to_string()), error.to_string())
}

fn log_level(level: Level) -> log::Level {
    match level {
        Level::Trace => log::Level::Trace,
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error => log::Level::Error,
    }
}
