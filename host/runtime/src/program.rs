//! Programs: jobs by their `main`. What they are told of their run comes as environment and on stdin; what they print
//! to stdout is their result, and their exit status says how it went.

use crate::bindings::exports::sandglass::job::run::Failure as Told;
use crate::log::Printout;
use crate::state::State;
use crate::verdict::Ended;
use sandglass_core::Instant;
use sandglass_core::limit::Bytes;
use sandglass_core::run::Cause;
use serde_json::{Value, json};
use std::fmt::Write as _;
use wasmtime_wasi::I32Exit;

/// The exit status that asks for another attempt: `EX_TEMPFAIL` of sysexits.h.
const STATUS_RETRY: i32 = 75;

impl State {
    /// The environment of an attempt: the specification's, and for a program what there is to know of the run.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut environment: Vec<(String, String)> =
            self.context.spec.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if self.is_program {
            let facts = self.facts().into_iter().filter_map(|(name, value)| {
                let value = match value {
                    Value::Null => return None,
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                Some((format!("SANDGLASS_{}", name.to_ascii_uppercase()), value))
            });
            for (name, value) in facts {
                environment.retain(|(there, _)| *there != name);
                environment.push((name, value));
            }
        }
        environment
    }

    /// What an attempt reads on stdin: nothing, and for a program one line of JSON, an object of the facts and
    /// `input`.
    pub(crate) fn stdin(&self) -> String {
        if !self.is_program {
            return String::new();
        }
        let mut text = String::from("{");
        for (name, value) in self.facts() {
            let _ = write!(text, "\"{name}\":{value},");
        }
        // The input is JSON text as its caller wrote it: its numbers may have more digits than are kept here.
        let _ = writeln!(text, "\"input\":{}}}", self.context.input.as_deref().unwrap_or("null"));
        text
    }

    /// What there is to know of the run, by name.
    fn facts(&self) -> [(&'static str, Value); 8] {
        let context = &self.context;
        let instant = |instant: Instant| Value::String(instant.to_string());
        [
            ("job", json!(context.job.to_string())),
            ("run_id", json!(context.run.to_string())),
            ("attempt", json!(context.attempt)),
            ("trigger", json!(context.trigger.as_str())),
            ("scheduled_for", instant(context.scheduled_for)),
            ("last_success", context.last_success.map_or(Value::Null, instant)),
            ("deadline", instant(self.deadline)),
            ("progress", json!(context.progress)),
        ]
    }
}

/// The exit status of a program, or the error that ended it before it had one.
pub(crate) fn status(returned: wasmtime::Result<Result<(), ()>>) -> wasmtime::Result<i32> {
    match returned {
        Ok(Ok(())) => Ok(0),
        Ok(Err(())) => Ok(1),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(status)) => Ok(*status),
            None => Err(error),
        },
    }
}

/// What a program's exit status and its printout stand for.
pub(crate) fn outcome(
    status: i32,
    printout: Printout,
    result_max: Bytes,
) -> wasmtime::Result<Result<Option<String>, Told>> {
    if status != 0 {
        let mut message = format!("the program ended with exit status {status}");
        if let Some(line) = printout.last_error {
            message = format!("{message}: {line}");
        }
        return Ok(Err(Told { retry: status == STATUS_RETRY, message }));
    }
    if printout.is_cut {
        let message = format!(
            "it printed more than {result_max} to stdout, which is its result (limit result): print what is no result \
             to stderr"
        );
        return Err(Ended::new(Cause::Quota, message).into());
    }
    let mut text = String::from_utf8_lossy(&printout.stdout).into_owned();
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Ok((!text.is_empty()).then_some(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printout(stdout: &str) -> Printout {
        Printout { stdout: stdout.into(), is_cut: false, last_error: None }
    }

    #[test]
    fn a_status_says_how_it_went() {
        for (status, stdout, result) in [(0, "", None), (0, "a\n", Some("a")), (0, "a\n\n", Some("a\n"))] {
            let outcome = outcome(status, printout(stdout), Bytes(10)).unwrap().unwrap();
            assert_eq!(outcome.as_deref(), result);
        }
        for (status, retry) in [(1, false), (75, true), (255, false)] {
            let told = outcome(status, printout("x"), Bytes(10)).unwrap().unwrap_err();
            assert_eq!(
                (told.retry, told.message),
                (retry, format!("the program ended with exit status {status}"))
            );
        }
        let last = Printout { last_error: Some("no such table".into()), ..printout("") };
        let told = outcome(3, last, Bytes(10)).unwrap().unwrap_err();
        assert_eq!(told.message, "the program ended with exit status 3: no such table");
        let cut = Printout { is_cut: true, ..printout("xxxxxxxxxx") };
        assert!(outcome(0, cut, Bytes(10)).unwrap_err().to_string().contains("limit result"));
    }
}
