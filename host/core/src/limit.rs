//! What one attempt may use. Every limit has a name, a default and a ceiling, and stands in docs/limits.md.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;

use crate::problem::Problem;
use crate::time::{Span, brief};

/// A number of bytes, written as `64MiB`, `256KiB`, `1GiB` or a plain number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub u64);

impl Bytes {
    pub const fn kib(count: u64) -> Bytes {
        Bytes(count << 10)
    }

    pub const fn mib(count: u64) -> Bytes {
        Bytes(count << 20)
    }
}

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) =
            UNITS.iter().find(|(_, size)| self.0 != 0 && self.0.is_multiple_of(*size)).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Bytes, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let size = if unit.is_empty() { Some(1) } else { UNITS.iter().find(|u| u.0 == unit).map(|u| u.1) };
        let bytes = number.parse::<u64>().ok().zip(size).and_then(|(number, size)| number.checked_mul(size));
        bytes.map(Bytes).ok_or_else(|| {
            format!(
                "`{}` is not a size: write a whole number and KiB, MiB or GiB, such as 64MiB",
                brief(text)
            )
        })
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        match Form::deserialize(deserializer) {
            Ok(Form::Number(bytes)) => Ok(Bytes(bytes)),
            Ok(Form::Text(text)) => text.parse().map_err(D::Error::custom),
            Err(_) => Err(D::Error::custom("a size is a whole number of bytes, or text such as \"64MiB\"")),
        }
    }
}

/// The limits of one attempt that a specification may set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Units of fuel: about one per WebAssembly instruction, and the host calls' tariff. Instantiation
    /// counts.
    pub fuel: u64,
    /// Linear memory, summed over the component's memories.
    pub memory: Bytes,
    /// Elements of all tables (of functions and references), summed.
    pub table_elements: u64,
    /// Resource handles that the guest holds at one time.
    pub handles: u64,
    /// Calls into the host.
    pub host_calls: u64,
    /// Bytes that one call hands from guest to host.
    pub call: Bytes,
    /// The log of one attempt. What goes beyond is cut, with a mark.
    pub log: Bytes,
    /// The text that `run` returns, or its failure's message.
    pub result: Bytes,
    /// Rows whose version is remembered to find conflicts, between two commits.
    pub rows_tracked: u64,
    /// Rows that queries, counts and delete-where look at.
    pub rows_scanned: u64,
    /// Requests to other hosts, refused ones included.
    pub http_calls: u64,
    /// One request to another host, head and body.
    pub http_request: Bytes,
    /// Its answer as it comes over the wire: head, body and framing.
    pub http_response: Bytes,
    /// From looking the other host's name up to the answer's last byte.
    pub http_time: Span,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            fuel: 10_000_000_000,
            memory: Bytes::mib(64),
            table_elements: 20_000,
            handles: 1_000,
            host_calls: 1_000_000,
            call: Bytes::mib(8),
            log: Bytes::mib(1),
            result: Bytes::kib(64),
            rows_tracked: 100_000,
            rows_scanned: 1_000_000,
            http_calls: 50,
            http_request: fixed::HTTP_REQUEST,
            http_response: fixed::HTTP_RESPONSE,
            http_time: fixed::HTTP_TIME,
        }
    }
}

impl Limits {
    /// The most that a specification may ask for on this host.
    pub const CEILING: Limits = Limits {
        fuel: 1_000_000_000_000,
        memory: Bytes::mib(1024),
        table_elements: 200_000,
        handles: 10_000,
        host_calls: 100_000_000,
        call: Bytes::mib(64),
        log: Bytes::mib(64),
        result: Bytes::mib(1),
        rows_tracked: 1_000_000,
        rows_scanned: 100_000_000,
        http_calls: 1_000,
        http_request: Bytes::mib(64),
        http_response: Bytes::mib(64),
        http_time: Span::from_secs(600),
    };

    /// Each limit that is zero or above its ceiling, by name.
    pub fn problems(&self, ceiling: &Limits) -> Vec<Problem> {
        let count = |n: u64| n.to_string();
        let bytes = |n: u64| Bytes(n).to_string();
        let millis = |n: u64| Span::from_millis(n).to_string();
        let rows: [(&str, u64, u64, fn(u64) -> String); 14] = [
            ("fuel", self.fuel, ceiling.fuel, count),
            ("memory", self.memory.0, ceiling.memory.0, bytes),
            ("table_elements", self.table_elements, ceiling.table_elements, count),
            ("handles", self.handles, ceiling.handles, count),
            ("host_calls", self.host_calls, ceiling.host_calls, count),
            ("call", self.call.0, ceiling.call.0, bytes),
            ("log", self.log.0, ceiling.log.0, bytes),
            ("result", self.result.0, ceiling.result.0, bytes),
            ("rows_tracked", self.rows_tracked, ceiling.rows_tracked, count),
            ("rows_scanned", self.rows_scanned, ceiling.rows_scanned, count),
            ("http_calls", self.http_calls, ceiling.http_calls, count),
            ("http_request", self.http_request.0, ceiling.http_request.0, bytes),
            ("http_response", self.http_response.0, ceiling.http_response.0, bytes),
            ("http_time", self.http_time.millis(), ceiling.http_time.millis(), millis),
        ];
        rows.into_iter()
            .filter(|(_, value, most, _)| *value == 0 || value > most)
            .map(|(name, value, most, write)| {
                let message =
                    format!("{name} is {}, and must be from {} to {}", write(value), write(1), write(most));
                Problem::new(format!("/limits/{name}"), message)
            })
            .collect()
    }
}

/// Limits that are the host's, the same for every job.
pub mod fixed {
    use super::{Bytes, Span};

    /// Wall time of one attempt, when the policy does not say.
    pub const TIMEOUT: Span = Span::from_secs(60);
    pub const TIMEOUT_MAX: Span = Span::from_secs(24 * 3600);
    /// The stack of a guest, of every job.
    pub const STACK: Bytes = Bytes::mib(1);
    /// Instances, memories and tables in a component.
    pub const INSTANCES: u32 = 50;
    pub const MEMORIES: u32 = 8;
    pub const TABLES: u32 = 20;
    /// One line of a log. What goes beyond is cut, with a mark.
    pub const LOG_LINE: Bytes = Bytes::kib(16);
    /// The JSON text that a manual run brings.
    pub const INPUT: Bytes = Bytes::kib(256);
    /// One row's object, as JSON text.
    pub const ROW: Bytes = Bytes::kib(256);
    /// Indexes of one table, fields of one index, and the bytes of a field's name in it.
    pub const INDEXES: usize = 8;
    pub const INDEX_FIELDS: usize = 4;
    pub const INDEX_FIELD_NAME: usize = 255;
    /// Rows written by one commit, and the bytes of them.
    pub const COMMIT_ROWS: usize = 10_000;
    pub const COMMIT: Bytes = Bytes::mib(8);
    /// What a checkpoint keeps as progress.
    pub const PROGRESS: Bytes = Bytes::kib(64);
    /// Emails of one run, all attempts together, when the grant does not say, and at most.
    pub const EMAILS_PER_RUN: u32 = 20;
    pub const EMAILS_PER_RUN_MAX: u32 = 1_000;
    /// Emails of one job in the 24 hours before, when the grant does not say, and at most.
    pub const EMAILS_PER_DAY: u32 = 500;
    pub const EMAILS_PER_DAY_MAX: u32 = 100_000;
    /// One message, attachments included.
    pub const EMAIL: Bytes = Bytes::mib(5);
    /// What is kept of a mail server's words about one recipient.
    pub const EMAIL_REPLY: Bytes = Bytes(500);
    /// Connections to the mail server at one time.
    pub const EMAIL_CONNECTIONS: usize = 4;
    /// One step of a conversation with a mail server, and one message's delivery from its first step to its last.
    pub const EMAIL_STEP: Span = Span::from_secs(60);
    pub const EMAIL_DELIVERY: Span = Span::from_secs(600);
    /// Emails that leave within a minute, when the configuration does not say.
    pub const EMAILS_PER_MINUTE: u32 = 300;
    /// One request to another host, body and headers; one answer likewise, as it comes over the wire.
    pub const HTTP_REQUEST: Bytes = Bytes::mib(1);
    pub const HTTP_RESPONSE: Bytes = Bytes::mib(8);
    /// One exchange with another host, from looking its name up to the answer's last byte.
    pub const HTTP_TIME: Span = Span::from_secs(30);
    /// Headers of a request, of its answer, and of what comes after an answer's body; and the bytes of them.
    pub const HTTP_HEADERS: usize = 100;
    pub const HTTP_HEADER_BYTES: Bytes = Bytes::kib(64);
    /// Records of requests to other hosts that are kept of one attempt: its first ones.
    pub const EXCHANGES_KEPT: usize = 50;
    /// A URL.
    pub const HTTP_URL: Bytes = Bytes::kib(8);
    /// Runs of one job that wait, and of all jobs.
    pub const WAITING_PER_JOB: usize = 1_000;
    pub const WAITING: usize = 100_000;
    /// Revisions kept of one job.
    pub const REVISIONS: u32 = 50;
    pub const JOBS: u64 = 1_000_000;
    /// Values in a specification's `env`, and the bytes of one.
    pub const ENV: usize = 100;
    pub const ENV_VALUE: Bytes = Bytes::kib(32);
    /// Entries in one list of grants.
    pub const GRANTS: usize = 100;
    /// Missed occurrences that `catch_up = { all = ... }` makes runs of, after one outage.
    pub const CATCH_UP: u32 = 1_000;
    /// Tokens of the host.
    pub const TOKENS: usize = 1_000;
    /// Entries of the audit; the oldest go.
    pub const AUDIT: u64 = 100_000;
    /// Secrets of the host.
    pub const SECRETS: usize = 1_000;
    /// One secret's value. Shorter ones would be found everywhere in a log that they are taken out of.
    pub const SECRET: Bytes = Bytes::kib(64);
    pub const SECRET_MIN: usize = 4;
    /// Values of all secrets that one attempt is handed.
    pub const SECRETS_PER_ATTEMPT: Bytes = Bytes::kib(128);
    /// Runs live at one time under `overlap = "allow"`.
    pub const CONCURRENCY: u32 = 100;
    pub const ATTEMPTS: u32 = 100;
    /// Notifications of one job within 24 hours; what goes beyond is counted and not sent.
    pub const NOTICES_PER_DAY: u32 = 100;
    /// Addresses that a job's notifications go to.
    pub const NOTIFIED: usize = 20;
    /// Records of skips that are kept of one job; the oldest go.
    pub const SKIPS: usize = 1_000;
    /// Ends of runs that a job's own record keeps.
    pub const RECENT_ENDS: usize = 20;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_and_write() {
        for (text, bytes, back) in
            [("0", 0, "0B"), ("64MiB", 64 << 20, "64MiB"), ("1536KiB", 1536 << 10, "1536KiB"), ("7", 7, "7B")]
        {
            let size: Bytes = text.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, back));
        }
        for text in ["", "MiB", "64MB", "-1", "1.5GiB", "99999999999999GiB"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_beyond_its_ceiling_is_named_with_its_figure() {
        let limits = Limits { memory: Bytes::mib(2048), fuel: 0, ..Limits::default() };
        let problems = limits.problems(&Limits::CEILING);
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[1].to_string(), "/limits/memory: memory is 2GiB, and must be from 1B to 1GiB");
        assert!(Limits::default().problems(&Limits::CEILING).is_empty());
        assert!(Limits::CEILING.problems(&Limits::CEILING).is_empty());
    }
}
