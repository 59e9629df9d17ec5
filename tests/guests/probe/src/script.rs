//! What a script can say.

use sandglass::serde_json::{self, Map, Value};
use serde::Deserialize;

/// A step's one member. The comments say what its answer is; a step without one ends the attempt.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    /// `{job, run_id, attempt, trigger, scheduled_for, last_success, now, deadline}`
    Info,
    /// Its value or null.
    Setting(String),
    /// Text or null.
    Progress,
    /// Null.
    Checkpoint(Option<String>),
    /// Its value.
    Secret(String),

    /// Null.
    Log {
        level: Level,
        message: String,
    },
    /// Null.
    Print(String),
    /// Null.
    Eprint(String),

    /// The row's id.
    Insert(Fields),
    /// The row's id. The text need be no JSON.
    InsertText {
        table: String,
        id: Option<String>,
        text: String,
    },
    /// The row's id. Its one member is a `text` of so many bytes.
    InsertSized {
        table: String,
        id: Option<String>,
        bytes: usize,
    },
    /// A row `{id, version, created_at, updated_at, fields}`, or null.
    Get(Id),
    /// Null.
    Update {
        table: String,
        id: String,
        fields: Value,
        if_version: Option<u64>,
    },
    /// What is in the field then: one more than what was read there, in two calls.
    Increment {
        table: String,
        id: String,
        field: String,
    },
    /// Null.
    Put(Fields),
    /// Whether there was one.
    Delete {
        table: String,
        id: String,
        if_version: Option<u64>,
    },
    /// `{rows, next}`: one page, as the contract has it.
    Query(Query),
    /// An array of rows, over all pages.
    QueryAll(Query),
    /// How many.
    Count(Query),
    /// How many, of at most `limit`.
    DeleteWhere(Query),
    /// The row, once it is there.
    WaitForRow(Id),
    /// How many were open at once.
    HoldTables {
        table: String,
        count: usize,
    },

    /// The Message-ID.
    Email(Email),
    /// `{status, headers, body}`
    Http(Http),
    /// `"connected"`, which it never should be.
    Sockets,
    /// Its text.
    ReadFile(String),

    /// Null.
    SleepMs(u64),
    /// Null. The bytes are held until the attempt ends.
    Alloc(usize),
    Spin,
    Grow,
    Recurse,
    Trap,
    /// Traps too, and prints the text to stderr before.
    Panic(String),
    Exit(i32),

    /// `{done, error}`: it stops at the step's first error. `{i}` in its texts is the round, from 0.
    Repeat {
        times: u64,
        step: Value,
    },
    /// How many stages there are. Each does all of the steps, of which none may fail, and makes a checkpoint with
    /// the number of stages that are done: the next attempt goes on there. `{i}` in texts is the stage, from 0.
    Stages {
        count: u64,
        steps: Vec<Value>,
    },
    /// The attempt's number, from that one on.
    FailUntilAttempt(u32),
    Fail {
        #[serde(default)]
        retry: bool,
        #[serde(default)]
        message: String,
    },
    /// Ends with this text in place of the answers, or with none.
    Return(Option<String>),
    /// Ends with a text of so many bytes.
    BigResult(usize),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Id {
    pub(crate) table: String,
    pub(crate) id: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fields {
    pub(crate) table: String,
    pub(crate) id: Option<String>,
    pub(crate) fields: Value,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    pub(crate) table: String,
    /// Groups of `[field, operator, value]`.
    #[serde(default)]
    pub(crate) filter: Vec<Vec<(String, String, Value)>>,
    /// Pairs of `[field, descending]`.
    #[serde(default)]
    pub(crate) order: Vec<(String, bool)>,
    #[serde(default)]
    pub(crate) limit: u32,
    pub(crate) cursor: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Email {
    pub(crate) to: Vec<String>,
    pub(crate) cc: Vec<String>,
    pub(crate) bcc: Vec<String>,
    pub(crate) reply_to: Option<String>,
    pub(crate) subject: String,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    /// Triples of `[file name, content type, text]`.
    pub(crate) attachments: Vec<(String, String, String)>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    #[serde(default = "get")]
    pub(crate) method: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
    pub(crate) timeout_ms: Option<u64>,
}

fn get() -> String {
    "GET".to_string()
}

/// A step's action, and whether the script ends with its error.
pub(crate) fn parse(step: Value) -> Result<(Action, bool), serde_json::Error> {
    let mut members: Map<String, Value> = serde_json::from_value(step)?;
    let must = members.remove("must").is_some_and(|must| must == true);
    Ok((serde_json::from_value(Value::Object(members))?, must))
}

/// A step with `text` wherever `mark` stands in one of its texts.
pub(crate) fn with(step: &Value, mark: &str, text: &str) -> Value {
    let filled = with_texts(step, &|old| Ok(old.replace(mark, text)));
    filled.unwrap_or_else(|never: std::convert::Infallible| match never {})
}

/// A step with the values of secrets in place of `{secret NAME}`.
pub(crate) fn with_secrets<E>(step: &Value, secret: &dyn Fn(&str) -> Result<String, E>) -> Result<Value, E> {
    with_texts(step, &|text| {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, (name, after))) =
            rest.split_once("{secret ").and_then(|(before, named)| Some((before, named.split_once('}')?)))
        {
            filled = filled + before + &secret(name)?;
            rest = after;
        }
        Ok(filled + rest)
    })
}

/// A step with other texts.
fn with_texts<E>(step: &Value, change: &dyn Fn(&str) -> Result<String, E>) -> Result<Value, E> {
    Ok(match step {
        Value::String(text) => Value::String(change(text)?),
        Value::Array(items) => items.iter().map(|item| with_texts(item, change)).collect::<Result<_, _>>()?,
        Value::Object(members) => {
            let changed = members.iter().map(|(name, value)| Ok((name.clone(), with_texts(value, change)?)));
            Value::Object(changed.collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}
