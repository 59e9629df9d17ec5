//! How an attempt without a host ended, and what it would have done.

use crate::render::paint::{self, paint};
use crate::render::table::Facts;
use crate::render::{amount, text, time};
use sandglass_core::effect::Effects;
use sandglass_core::email::Email;
use sandglass_core::exchange::Exchange;
use sandglass_core::run::{Failure, Usage};
use sandglass_runtime::Finished;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What came of an attempt.
pub(crate) struct Outcome {
    pub(crate) result: Result<Option<String>, Failure>,
    last_error: Option<String>,
    usage: Usage,
    /// The rows that were written, in the order of commits: table, id, and fields, none where it was deleted.
    rows: Vec<(String, String, Option<Value>)>,
    emails: Vec<Email>,
    requests: Vec<Exchange>,
    progress: Option<String>,
    warnings: Vec<String>,
}

impl Outcome {
    pub(super) fn of(
        finished: Finished,
        mut commits: Vec<Effects>,
        progress: Option<String>,
        warnings: Vec<String>,
    ) -> Outcome {
        let (result, traces) = match finished {
            Finished::Ended { ending, effects } => {
                commits.push(effects);
                (ending.result, ending.traces)
            }
            // Nobody cancels it.
            Finished::Cancelled(traces) => (Ok(None), traces),
        };
        let mut outcome = Outcome {
            result,
            last_error: traces.last_error,
            usage: traces.usage,
            rows: Vec::new(),
            emails: Vec::new(),
            requests: traces.exchanges,
            progress,
            warnings,
        };
        for commit in commits {
            outcome.rows.extend(commit.rows.into_iter().map(|(key, change)| {
                (key.table.to_string(), key.id.as_str().to_owned(), change.fields.map(Value::Object))
            }));
            outcome.emails.extend(commit.emails);
        }
        outcome
    }

    /// What a host would warn of when it is uploaded.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn json(&self) -> Value {
        let failure = self.result.as_ref().err();
        let addresses = |email: &Email| -> Vec<String> {
            email.message.recipients().map(|mailbox| mailbox.address.clone()).collect()
        };
        let usage = &self.usage;
        json!({
            "outcome": if failure.is_none() { "succeeded" } else { "failed" },
            "cause": failure.map(|failure| failure.cause.as_str()),
            "message": failure.map(|failure| &failure.message),
            "retry": failure.is_some_and(|failure| failure.retry),
            "backtrace": failure.and_then(|failure| failure.backtrace.as_ref()),
            "last_error": self.last_error,
            "result": self.result.as_ref().ok(),
            "progress": self.progress,
            "rows": self.rows.iter().map(|(table, id, fields)| json!({"table": table, "id": id, "fields": fields}))
                .collect::<Vec<_>>(),
            "emails": self.emails.iter().map(|email| json!({
                "to": addresses(email),
                "subject": email.message.subject,
                "text": email.message.text,
                "html": email.message.html,
                "attachments": email.message.attachments.iter().map(|file| &file.file_name).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "requests": self.requests.iter().map(|request| json!({
                "method": request.method,
                "host": request.host,
                "status": request.status,
                "error": request.error,
            })).collect::<Vec<_>>(),
            "warnings": self.warnings,
            "usage": {
                "fuel": usage.fuel,
                "memory_bytes": usage.memory_bytes,
                "wall_micros": usage.wall_micros,
                "host_calls": usage.host_calls,
                "rows_read": usage.rows_read,
                "rows_written": usage.rows_written,
                "emails": usage.emails,
                "http_calls": usage.http_calls,
                "log_bytes": usage.log_bytes,
            },
        })
    }

    /// For people: what it would have written and sent, and how it ended.
    pub(crate) fn text(&self) -> String {
        let mut shown = String::new();
        for (table, id, fields) in &self.rows {
            let (sign, fields) = match fields {
                Some(fields) => (paint(paint::GOOD, "+"), text::brief(&fields.to_string(), 120)),
                None => (paint(paint::BAD, "-"), String::new()),
            };
            let line = format!("{sign} {} {} {fields}", text::plain(table), text::plain(id));
            let _ = writeln!(shown, "{}", line.trim_end());
        }
        for email in &self.emails {
            let to: Vec<&str> = email.message.recipients().map(|mailbox| mailbox.address.as_str()).collect();
            let to = to.join(", ");
            let _ = writeln!(shown, "@ {}: {}", text::plain(&to), text::plain(&email.message.subject));
        }
        for request in &self.requests {
            let status = request.status.map(|status| status.to_string());
            let came = request.error.clone().or(status).unwrap_or_default();
            let line = format!("> {} {} {came}", request.method, request.host);
            let _ = writeln!(shown, "{}", text::plain(&line));
        }
        let mut facts = Facts::default();
        let head = match &self.result {
            Ok(result) => {
                facts
                    .add_some("result", result.as_ref().map(|result| text::plain_lines(result).into_owned()));
                paint(paint::GOOD.bold(), "succeeded")
            }
            Err(failure) => {
                facts.add("message", text::plain_lines(&failure.message).into_owned());
                let backtrace = failure.backtrace.as_ref();
                facts.add_some("backtrace", backtrace.map(|trace| text::plain_lines(trace).into_owned()));
                let error = self.last_error.as_ref();
                facts.add_some("last error", error.map(|error| text::plain_lines(error).into_owned()));
                paint(paint::BAD.bold(), format!("failed: {}", failure.cause.as_str()))
            }
        };
        facts.add_some("progress", self.progress.as_ref().map(|text| text::brief(text, 120)));
        facts.add("fuel", amount::count(self.usage.fuel));
        facts.add("memory", amount::bytes(self.usage.memory_bytes));
        facts.add("wall time", time::duration(self.usage.wall_micros));
        let _ = writeln!(shown, "{head}");
        for line in facts.finish().lines() {
            let _ = writeln!(shown, "  {line}");
        }
        shown
    }
}
