//! What is counted and measured, by name. Whoever runs the process installs a recorder; without one nothing is
//! kept.
//!
//! Names follow the conventions of Prometheus (<https://prometheus.io/docs/practices/naming/>): base units, and
//! `_total` for what only grows. No label has a value of a job's or a stranger's: their number would have no
//! bound.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use sandglass_core::Span;
use sandglass_core::run::{Attempt, Outcome};

const OCCURRENCES: &str = "sandglass_occurrences_total";
const SKIPPED: &str = "sandglass_occurrences_skipped_total";
const LATENESS: &str = "sandglass_lateness_seconds";
const STARTED: &str = "sandglass_attempts_started_total";
const ENDED: &str = "sandglass_attempts_ended_total";
const DURATION: &str = "sandglass_attempt_duration_seconds";
const FUEL: &str = "sandglass_fuel_total";
const LOST: &str = "sandglass_attempts_lost_total";
const EXECUTING: &str = "sandglass_attempts_executing";
const MEMORY: &str = "sandglass_attempts_memory_bytes";
const WAITING: &str = "sandglass_runs_waiting";
const HISTORY_DAYS: &str = "sandglass_history_days_dropped_total";
const HISTORY_BYTES: &str = "sandglass_history_bytes";
const DELIVERIES: &str = "sandglass_webhook_deliveries_total";
const EMAILS: &str = "sandglass_emails_total";
const RECIPIENTS: &str = "sandglass_email_recipients_total";
const STORE_ERRORS: &str = "sandglass_store_errors_total";

/// Says what each of them is, to the recorder that is installed.
pub fn describe() {
    describe_counter!(OCCURRENCES, "Occurrences of schedules that were dealt with, one by one or in a row.");
    describe_counter!(SKIPPED, "Occurrences that were skipped: missed, or while another run was live.");
    describe_histogram!(LATENESS, Unit::Seconds, "From when an occurrence was due to when its run began.");
    describe_counter!(STARTED, "Attempts that began.");
    describe_counter!(ENDED, "Attempts that ended, by their outcome, or their cause where they failed.");
    describe_histogram!(DURATION, Unit::Seconds, "Wall time of attempts.");
    describe_counter!(FUEL, "Fuel that attempts used.");
    describe_counter!(LOST, "Attempts that were running when the host stopped.");
    describe_gauge!(EXECUTING, "Attempts that execute.");
    describe_gauge!(MEMORY, Unit::Bytes, "What the attempts that execute may take at most.");
    describe_gauge!(WAITING, "Runs that wait for their first attempt, as counted within the last seconds.");
    describe_counter!(HISTORY_DAYS, "Days of history that were dropped.");
    describe_gauge!(HISTORY_BYTES, Unit::Bytes, "What history takes on disk.");
    describe_counter!(DELIVERIES, "Deliveries of webhooks, by what came of them: taken, failed, given-up.");
    describe_counter!(EMAILS, "Emails that left the outbox, by what came of them: sent, failed, expired.");
    describe_counter!(
        RECIPIENTS,
        "Answers of the mail server, one for each recipient that it was asked about: accepted, deferred, refused."
    );
    describe_counter!(STORE_ERRORS, "Refusals of storage, by the loop that met them.");
}

pub(crate) fn claimed(occurrences: usize, skipped: u64) {
    counter!(OCCURRENCES).increment(occurrences as u64);
    counter!(SKIPPED).increment(skipped);
}

pub(crate) fn began(late: Option<Span>) {
    counter!(STARTED).increment(1);
    if let Some(late) = late {
        histogram!(LATENESS).record(late.to_std());
    }
}

pub(crate) fn ended(attempt: &Attempt) {
    let outcome = match attempt.outcome {
        Outcome::Failed(cause) => cause.as_str(),
        other => other.as_str(),
    };
    counter!(ENDED, "outcome" => outcome).increment(1);
    counter!(FUEL).increment(attempt.usage.fuel);
    histogram!(DURATION).record(attempt.usage.wall_micros as f64 / 1e6);
}

pub(crate) fn lost(attempts: usize) {
    counter!(LOST).increment(attempts as u64);
}

pub(crate) fn executing(attempts: usize, memory: u64) {
    gauge!(EXECUTING).set(attempts as f64);
    gauge!(MEMORY).set(memory as f64);
}

pub(crate) fn waiting(runs: usize) {
    gauge!(WAITING).set(runs as f64);
}

pub(crate) fn history(bytes: u64) {
    gauge!(HISTORY_BYTES).set(bytes as f64);
}

pub(crate) fn history_dropped(days: usize) {
    counter!(HISTORY_DAYS).increment(days as u64);
}

/// `taken`, `failed` or `given-up`.
pub(crate) fn delivery(came: &'static str) {
    counter!(DELIVERIES, "came" => came).increment(1);
}

/// `sent`, `failed` or `expired`.
pub(crate) fn emails(came: &'static str, count: usize) {
    counter!(EMAILS, "came" => came).increment(count as u64);
}

/// `accepted`, `deferred` or `refused`.
pub(crate) fn recipients(answer: &'static str, count: usize) {
    counter!(RECIPIENTS, "answer" => answer).increment(count as u64);
}

pub(crate) fn store_error(of: &'static str) {
    counter!(STORE_ERRORS, "loop" => of).increment(1);
}
