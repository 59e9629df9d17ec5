//! What is wrong with something that somebody sent, and where.

use serde::{Deserialize, Serialize};
use serde_path_to_error::Segment;

/// One thing that is wrong, with its place. A bad specification gives a list of them, all at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A JSON pointer (RFC 6901) into what was sent: `/schedule/every`; empty for the whole of it.
    pub pointer: String,
    /// What is wrong, with what, and what is allowed.
    pub message: String,
}

impl Problem {
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { pointer: pointer.into(), message: message.into() }
    }

    /// The same problem, seen from a document that holds this one at `prefix`.
    #[must_use]
    pub fn under(self, prefix: &str) -> Problem {
        Problem { pointer: format!("{prefix}{}", self.pointer), message: self.message }
    }
}

/// The pointer to where an error is, as far as that is known.
pub fn pointer<'a>(path: impl Iterator<Item = &'a Segment>) -> String {
    let tokens = path.map_while(|segment| match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{}", escape(key))),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    tokens.collect()
}

/// A member's name as a reference token of a JSON pointer (RFC 6901, section 3).
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.pointer, self.message)
        }
    }
}
