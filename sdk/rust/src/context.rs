//! The run that is going on, as its job sees it.

use crate::bindings::sandglass::job::this_run;
use crate::http::Request;
use crate::{secret, Email, Error, Instant, Result, Table, Trigger};
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::fmt::Display;
use std::str::FromStr;

/// The run that is going on, and what its job may do: the one argument of a job.
#[derive(Debug)]
pub struct Context {
    input: Option<String>,
}

/// What is known of the run.
impl Context {
    pub(crate) fn new(input: Option<String>) -> Self {
        Self { input }
    }

    /// The job's name.
    pub fn job(&self) -> String {
        this_run::job()
    }

    /// The run's id, a UUID, the same for every attempt of it: an idempotency key for the outside world.
    pub fn run_id(&self) -> String {
        this_run::run_id()
    }

    /// 1 for the first attempt.
    pub fn attempt(&self) -> u32 {
        this_run::attempt()
    }

    /// What asked for the run.
    pub fn trigger(&self) -> Trigger {
        Trigger::from_host(this_run::trigger())
    }

    /// The occurrence that this run stands for; for a manual or webhook run, when it was asked for.
    pub fn scheduled_for(&self) -> Instant {
        Instant::from_millis(this_run::scheduled_for())
    }

    /// The occurrence of the newest run that succeeded, none before the first.
    pub fn last_success(&self) -> Option<Instant> {
        this_run::last_success().map(Instant::from_millis)
    }

    /// The host's wall clock. It can jump: measure durations with [`std::time::Instant`].
    pub fn now(&self) -> Instant {
        Instant::from_millis(this_run::now())
    }

    /// When the attempt will be ended as a timeout.
    pub fn deadline(&self) -> Instant {
        Instant::from_millis(this_run::deadline())
    }

    /// What the caller of a manual or webhook run sent, none for a scheduled one. It has up to 256 KiB.
    ///
    /// [`Code::Invalid`](crate::Code::Invalid) where it is not of the type `T`.
    pub fn input<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let Some(text) = &self.input else { return Ok(None) };
        serde_json::from_str(text)
            .map(Some)
            .map_err(|error| Error::invalid(format!("the run's input is not what this job takes: {error}")))
    }

    /// A value of the specification's `[env]`, none where it has no such name.
    pub fn setting(&self, name: &str) -> Option<String> {
        this_run::setting(name)
    }

    /// A setting as a number, an address, or whatever else is made of text; none where there is no such
    /// name. [`Code::Invalid`](crate::Code::Invalid) where it does not parse.
    ///
    /// ```no_run
    /// # fn f(ctx: sandglass::Context) -> Result<(), sandglass::Failure> {
    /// let limit = ctx.setting_as::<u32>("LIMIT")?;
    /// # Ok(()) }
    /// ```
    pub fn setting_as<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>> {
        self.setting(name).map(|value| parse_setting(name, &value)).transpose()
    }

    /// As [`setting_as`](Self::setting_as), with a value for when there is no such name.
    pub fn setting_or<T: FromStr<Err: Display>>(&self, name: &str, default: T) -> Result<T> {
        Ok(self.setting_as(name)?.unwrap_or(default))
    }
}

/// How far the run has come.
impl Context {
    /// What the newest checkpoint of this run left, in this attempt or one before it.
    pub fn progress(&self) -> Option<String> {
        this_run::progress()
    }

    /// As [`progress`](Self::progress), of a checkpoint made by
    /// [`checkpoint_json`](Self::checkpoint_json). [`Code::Invalid`](crate::Code::Invalid) where it is not
    /// of the type `T`.
    pub fn progress_json<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let Some(text) = self.progress() else {
            return Ok(None);
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Error::invalid(format!("the run's progress `{text}` is not as expected: {error}"))
        })
    }

    /// Commits what the attempt wrote so far, and its emails, together with `progress`. It returns once that
    /// is durable, whatever becomes of the rest: the next attempt of the run starts from here.
    ///
    /// The text replaces the one before, and `None` leaves none. Where the commit cannot be had (a conflict,
    /// a cancelled run), this call does not return, and the attempt ends with that cause.
    pub fn checkpoint(&self, progress: Option<&str>) {
        this_run::checkpoint(progress);
    }

    /// As [`checkpoint`](Self::checkpoint), with the JSON of `progress`.
    /// [`Code::Invalid`](crate::Code::Invalid) where it has none.
    pub fn checkpoint_json(&self, progress: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(progress)
            .map_err(|error| Error::invalid(format!("this progress has no JSON: {error}")))?;
        self.checkpoint(Some(&text));
        Ok(())
    }
}

/// What the job was granted.
impl Context {
    /// Opens a table of rows of type `T`; `serde_json::Value` takes whatever they are. It may not exist yet:
    /// the first insert makes it. [`Code::Denied`](crate::Code::Denied) where the job has no grant for it,
    /// [`Code::Invalid`](crate::Code::Invalid) where no table can have the name.
    pub fn table<T>(&self, name: &str) -> Result<Table<T>> {
        Table::open(name)
    }

    /// Begins a message, see [`Email`].
    pub fn email(&self) -> Email {
        Email::default()
    }

    /// Begins a request, see [`Request`]: the method (`GET`, `POST`, ...) and an absolute URL.
    pub fn http(&self, method: impl Into<String>, url: impl Into<String>) -> Request {
        Request::new(method, url)
    }

    /// A secret's newest value, see [`secret::get`].
    pub fn secret(&self, name: &str) -> Result<String> {
        secret::get(name)
    }
}

fn parse_setting<T: FromStr<Err: Display>>(name: &str, value: &str) -> Result<T> {
    value.trim().parse().map_err(|error| {
        let kind = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
        Error::invalid(format!("the setting {name} is `{value}`, which is no {kind}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_what_the_job_takes_or_an_error_that_says_so() {
        assert_eq!(Context::new(None).input::<u8>().expect("none"), None);
        assert_eq!(
            Context::new(Some("[1,2]".to_string())).input::<Vec<u8>>().expect("it fits"),
            Some(vec![1, 2])
        );
        let error = Context::new(Some("\"x\"".to_string())).input::<u8>().expect_err("no number");
        assert_eq!(error.code, crate::Code::Invalid);
        assert!(error.message.contains("expected u8"), "{}", error.message);
    }

    #[test]
    fn a_setting_that_does_not_parse_is_named_with_its_value() {
        assert_eq!(parse_setting::<u32>("KEEP_DAYS", " 30 "), Ok(30));
        let error = parse_setting::<u32>("KEEP_DAYS", "a month").expect_err("no number");
        assert_eq!(
            error.message,
            "the setting KEEP_DAYS is `a month`, which is no u32: invalid digit found in string"
        );
    }
}
