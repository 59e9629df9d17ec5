//! The API's answers, as far as they are shown to people. With `--json` the documents go out as they came in.

use sandglass_core::{Instant, Span};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) revision: u64,
    pub(crate) revised_at: Instant,
    pub(crate) state: String,
    pub(crate) paused: Option<Pause>,
    pub(crate) specification: Value,
    pub(crate) schedule_words: String,
    #[serde(default)]
    pub(crate) next: Vec<Instant>,
    #[serde(default)]
    pub(crate) live_runs: u64,
    pub(crate) last_success: Option<Instant>,
    pub(crate) last_run: Option<RunEnd>,
    #[serde(default)]
    pub(crate) recent: Vec<RunEnd>,
    #[serde(default)]
    pub(crate) counters: Counters,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Pause {
    pub(crate) since: Instant,
    pub(crate) reason: Option<String>,
}

/// How a run ended, in brief.
#[derive(Debug, Deserialize)]
pub(crate) struct RunEnd {
    pub(crate) id: String,
    pub(crate) outcome: String,
    pub(crate) cause: Option<String>,
    pub(crate) ended_at: Instant,
    pub(crate) duration_ms: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Counters {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) skipped: u64,
    pub(crate) missed: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Revision {
    pub(crate) number: u64,
    pub(crate) committed_at: Instant,
    pub(crate) specification: Value,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) job: String,
    pub(crate) trigger: String,
    /// `queued`, `running`, `retrying`, `succeeded`, `failed` or `cancelled`.
    pub(crate) state: String,
    pub(crate) outcome: Option<String>,
    pub(crate) cause: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) created_at: Instant,
    pub(crate) started_at: Option<Instant>,
    pub(crate) ended_at: Option<Instant>,
    pub(crate) next_attempt_at: Option<Instant>,
    #[serde(default)]
    pub(crate) attempt: u64,
    pub(crate) revision: Option<u64>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) usage: Option<Usage>,
    pub(crate) result: Option<String>,
    pub(crate) progress: Option<String>,
    pub(crate) backtrace: Option<String>,
    pub(crate) last_error: Option<String>,
    #[serde(default)]
    pub(crate) exchanges: Vec<Exchange>,
    #[serde(default)]
    pub(crate) attempts: Vec<Attempt>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) number: u64,
    pub(crate) outcome: String,
    pub(crate) cause: Option<String>,
    pub(crate) message: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Usage {
    pub(crate) fuel: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) wall_micros: u64,
    pub(crate) host_call_micros: u64,
    pub(crate) host_calls: u64,
    pub(crate) rows_read: u64,
    pub(crate) rows_written: u64,
    pub(crate) emails: u64,
    pub(crate) log_bytes: u64,
    pub(crate) http_calls: u64,
    pub(crate) http_sent: u64,
    pub(crate) http_received: u64,
}

/// A request to another host.
#[derive(Debug, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) scheme: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
    pub(crate) duration: Span,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LogLine {
    pub(crate) at: Instant,
    pub(crate) attempt: u64,
    pub(crate) level: String,
    pub(crate) source: String,
    pub(crate) message: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Skip {
    pub(crate) reason: String,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    pub(crate) count: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Component {
    pub(crate) digest: String,
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) language: Option<String>,
    #[serde(default)]
    pub(crate) adapted: Vec<String>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Upcoming {
    pub(crate) at: Instant,
    pub(crate) job: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Preview {
    pub(crate) occurrences: Vec<Instant>,
    pub(crate) words: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) created_at: Instant,
    #[serde(default)]
    pub(crate) indexes: Vec<Index>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Index {
    pub(crate) fields: Vec<String>,
    pub(crate) unique: bool,
    /// `building`, `ready` or `failed`.
    pub(crate) state: String,
    /// Rows that have their entries, while it is being built.
    pub(crate) rows: Option<u64>,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) right: String,
    pub(crate) created_at: Instant,
    pub(crate) expires_at: Option<Instant>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AuditEntry {
    pub(crate) at: Instant,
    pub(crate) token: String,
    pub(crate) session: bool,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) created_at: Instant,
    pub(crate) updated_at: Instant,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Email {
    pub(crate) id: String,
    pub(crate) message_id: String,
    pub(crate) job: String,
    /// None for a notification about the job itself.
    pub(crate) run: Option<String>,
    pub(crate) state: String,
    pub(crate) queued_at: Instant,
    #[serde(default)]
    pub(crate) attempts: u32,
    pub(crate) next_attempt_at: Option<Instant>,
    pub(crate) ended_at: Option<Instant>,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) recipients: Vec<Recipient>,
    #[serde(default)]
    pub(crate) to: Vec<String>,
    #[serde(default)]
    pub(crate) cc: Vec<String>,
    #[serde(default)]
    pub(crate) bcc: Vec<String>,
    pub(crate) reply_to: Option<String>,
    pub(crate) subject: String,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    #[serde(default)]
    pub(crate) attachments: Vec<Attachment>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Recipient {
    pub(crate) address: String,
    pub(crate) state: String,
    pub(crate) reply: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) file_name: String,
    pub(crate) content_type: String,
    pub(crate) size: u64,
}
