//! Records as bytes: a version, a checksum, and JSON.
//!
//! JSON, because a record outlives the code that wrote it; the version is there for the day when a form
//! changes. The checksum finds what a damaged disk or a damaged log of the backend left.

pub use crate::chunk::Chunk;
use crate::index::IndexTask;
use crate::key::{DueKey, Key, LiveKey, NoticeKey, OnceKey, PieceKey, RevisionKey, RowPlace, SkipKey};
use crate::post::{Post, PostKey};
use crate::space::Space;
use crate::store::StoreError;
use sandglass_core::delivery::Delivery;
use sandglass_core::email::Email;
use sandglass_core::epoch::Epoch;
use sandglass_core::grant::Grants;
use sandglass_core::index::{Index, IndexId};
use sandglass_core::job::{Job, Reason, Revision, Skip, Status};
use sandglass_core::notify::Notice;
use sandglass_core::right::{Right, Rights};
use sandglass_core::row::{Row, RowId};
use sandglass_core::run::Run;
use sandglass_core::{Digest, Instant, JobId, Name, RunId, SecretName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something that is stored under a key of its own type, in a space of its own.
pub trait Record: Sized {
    type Key: Key;
    const SPACE: Space;
    fn encode(&self) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Result<Self, StoreError>;
}

pub(crate) const VERSION: u8 = 1;

/// Puts the version and the checksum (CRC-32) before a record's body.
pub fn seal(body: &[u8]) -> Vec<u8> {
    seal_as(VERSION, body)
}

/// The same for a version of the record's own.
pub(crate) fn seal_as(version: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 5);
    bytes.push(version);
    bytes.extend_from_slice(&crc32fast::hash(body).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Checks them, and gives the body.
pub fn open(space: Space, bytes: &[u8]) -> Result<&[u8], StoreError> {
    open_as(space, bytes, &[VERSION]).map(|(_, body)| body)
}

/// The same for a record of one of these versions. Gives which, and the body.
pub(crate) fn open_as<'a>(
    space: Space,
    bytes: &'a [u8],
    versions: &[u8],
) -> Result<(u8, &'a [u8]), StoreError> {
    let damaged = |what: &str| Err(StoreError::Damaged(format!("a record of {space:?} {what}")));
    let Some((head, body)) = bytes.split_first_chunk::<5>() else {
        return damaged("is cut short");
    };
    if !versions.contains(&head[0]) {
        return damaged(&format!("has the unknown version {}", head[0]));
    }
    if crc32fast::hash(body).to_be_bytes() != head[1..] {
        return damaged("has a wrong checksum");
    }
    Ok((head[0], body))
}

fn to_json<T: Serialize>(record: &T) -> Vec<u8> {
    // Records are maps of plain values with text for keys: there is nothing that JSON cannot write.
    seal(&serde_json::to_vec(record).expect("a record is written as JSON"))
}

fn from_json<T: DeserializeOwned>(space: Space, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(open(space, bytes)?)
        .map_err(|error| StoreError::Damaged(format!("a record of {space:?} does not read: {error}")))
}

macro_rules! json_record {
    ($type:ty, $space:ident, $key:ty) => {
        impl Record for $type {
            type Key = $key;
            const SPACE: Space = Space::$space;

            fn encode(&self) -> Vec<u8> {
                to_json(self)
            }

            fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
                from_json(Space::$space, bytes)
            }
        }
    };
}

/// What there is once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// The number of the newest job.
    pub newest_job: u32,
    pub jobs: u64,
    /// The number of the newest index of a table.
    pub newest_index: u32,
    /// Which clock instants are read from.
    pub epoch: Epoch,
    /// Whether every message of the outbox has a [`Delivery`]: versions before it knew none.
    pub deliveries: bool,
}

/// A validated component. Its bytes are in [`Chunk`]s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    pub digest: Digest,
    pub size: u64,
    pub uploaded_at: Instant,
    /// `component`, `module` or `command`: what the upload was.
    pub kind: String,
    /// The language of its author, where it tells.
    #[serde(default)]
    pub language: Option<String>,
    /// The tools that made it, such as `rustc 1.95.0`.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Whether it carries the lines of its source, for backtraces.
    #[serde(default)]
    pub source_lines: bool,
    /// What the host did to make a component of it, for people.
    #[serde(default)]
    pub adapted: Vec<String>,
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    pub warnings: Vec<String>,
}

/// The machine code that this host made of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Of the file's bytes: a file that has another one is made again, never loaded.
    pub digest: Digest,
    pub size: u64,
}

/// An artifact depends on the component and on the engine: its version and its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArtifactKey {
    pub component: Digest,
    pub engine: u64,
}

impl Key for ArtifactKey {
    fn encode(&self, out: &mut Vec<u8>) {
        self.component.encode(out);
        self.engine.encode(out);
    }

    fn decode(bytes: &[u8]) -> Option<ArtifactKey> {
        let (component, engine) = bytes.split_first_chunk::<32>()?;
        Some(ArtifactKey { component: Digest(*component), engine: u64::decode(engine)? })
    }
}

/// Which job has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameOf(pub JobId);

/// What the index of due things says of one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DueEntry {
    /// For an occurrence, its nominal instant: the key has the jittered one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nominal: Option<Instant>,
    /// The skip that the occurrence before this one ended in: one more for the same reason joins it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipping: Option<Skipping>,
    /// For an occurrence, the clock's epoch. An older one reigns no longer than to the beginning of the next.
    #[serde(default)]
    pub epoch: u32,
    /// For an occurrence that was due when its schedule's reign ended, by an edit or a pause: that instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipping {
    pub reason: Reason,
    pub from: Instant,
    pub number: u32,
}

/// A run that has not begun, one that goes on, and one that has ended: the same record in three spaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Waiting(pub Run);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Live(pub Run);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ended(pub Run);

/// A piece of a run's log: lines as postcard writes them (<https://postcard.jamesmunns.com/wire-format>), in
/// one frame with one checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece(pub Vec<u8>);

/// What was answered to a request that is done once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Once {
    pub at: Instant,
    /// Of the request's body: another body under the same key is a mistake.
    pub body: Digest,
    pub answer: Value,
}

/// A table that came to exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub created_at: Instant,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
}

/// Who may call the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// No other token has it.
    pub name: Name,
    pub created_at: Instant,
    #[serde(default)]
    pub right: Right,
    /// For all but [`Right::Admin`], which needs none.
    #[serde(default)]
    pub grants: Grants,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

impl Token {
    /// One that may do everything, for as long as it is there.
    pub fn admin(name: Name, created_at: Instant) -> Token {
        Token { name, created_at, right: Right::Admin, grants: Grants::default(), expires_at: None }
    }

    pub fn rights(&self) -> Rights {
        Rights { right: self.right, grants: self.grants.clone() }
    }

    pub fn is_valid(&self, now: Instant) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// A change of the host's configuration, or an attempt at one that the caller may not make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Instant,
    /// The name of the caller's token.
    pub token: String,
    /// Whether the caller was a browser that had signed in with it.
    pub session: bool,
    pub method: String,
    /// Of the request, without its parameters.
    pub path: String,
    pub status: u16,
}

/// A secret, sealed: without the key, which is not in the store, it is noise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The commit that set the value. Sealed with it, so that no record passes for another one.
    pub version: u64,
    pub created_at: Instant,
    /// When the value was last set.
    pub updated_at: Instant,
    pub sealed: Sealed,
}

/// What a key made of a value. The store sees text, and knows nothing of ciphers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The name of the key.
    pub key: String,
    pub text: String,
}

/// A browser that is signed in with a token, for as long as there is that token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The token's hash.
    pub token: Digest,
    pub created_at: Instant,
    pub expires_at: Instant,
}

json_record!(Meta, Meta, ());
json_record!(Component, Component, Digest);
json_record!(Artifact, Artifact, ArtifactKey);
json_record!(Job, Job, JobId);
json_record!(NameOf, JobName, Name);
json_record!(Revision, Revision, RevisionKey);
json_record!(Status, Status, JobId);
json_record!(DueEntry, Due, DueKey);
json_record!(Waiting, Waiting, LiveKey);
json_record!(Live, Live, LiveKey);
json_record!(Notice, Notice, NoticeKey);
json_record!(Once, Once, OnceKey);
json_record!(Skip, Skip, SkipKey);
json_record!(Table, Table, Name);
json_record!(IndexTask, IndexTask, IndexId);
// By commit and place in it: the outbox in the order of its making.
json_record!(Email, Email, PieceKey<u64>);
json_record!(Delivery, Delivery, PieceKey<u64>);
json_record!(Post, Post, PostKey);
// Under the hash of the token, which is all that is kept of it.
json_record!(Token, Token, Digest);
json_record!(AuditEntry, Audit, u64);
json_record!(Secret, Secret, SecretName);
// Under the hash of its secret.
json_record!(Session, Session, Digest);
json_record!(Ended, Ended, RunId);

macro_rules! raw_record {
    ($type:ident, $space:ident, $key:ty) => {
        impl Record for $type {
            type Key = $key;
            const SPACE: Space = Space::$space;

            fn encode(&self) -> Vec<u8> {
                seal(&self.0)
            }

            fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
                open(Space::$space, bytes).map(|body| $type(body.to_vec()))
            }
        }
    };
}

raw_record!(LogPiece, Log, PieceKey<RunId>);

/// A row's three numbers stand before its object, so that most of a scan needs no more than them.
impl Record for Row {
    type Key = RowPlace;
    const SPACE: Space = Space::Row;

    fn encode(&self) -> Vec<u8> {
        encode_row(&self.id, self.version, self.created_at, self.updated_at, &self.fields)
    }

    fn decode(bytes: &[u8]) -> Result<Row, StoreError> {
        let damaged = || StoreError::Damaged("a row does not read".into());
        let body = open(Space::Row, bytes)?;
        let (version, rest) = body.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (created_at, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (updated_at, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
        let (id, fields) = rest.split_at_checked(u16::from_be_bytes(*length) as usize).ok_or_else(damaged)?;
        Ok(Row {
            id: std::str::from_utf8(id).ok().and_then(|id| id.parse().ok()).ok_or_else(damaged)?,
            version: u64::from_be_bytes(*version),
            created_at: Instant::from_millis(i64::from_be_bytes(*created_at)),
            updated_at: Instant::from_millis(i64::from_be_bytes(*updated_at)),
            fields: serde_json::from_slice(fields).map_err(|_| damaged())?,
        })
    }
}

/// What a row's record says before its object: its version, and when it was inserted.
pub fn row_head(bytes: &[u8]) -> Result<(u64, Instant), StoreError> {
    let body = open(Space::Row, bytes)?;
    let head = body.split_first_chunk::<8>().and_then(|(version, rest)| {
        let (created_at, _) = rest.split_first_chunk::<8>()?;
        Some((u64::from_be_bytes(*version), Instant::from_millis(i64::from_be_bytes(*created_at))))
    });
    head.ok_or_else(|| StoreError::Damaged("a row does not read".into()))
}

/// A row's record, of its parts.
pub fn encode_row(
    id: &RowId,
    version: u64,
    created_at: Instant,
    updated_at: Instant,
    fields: &Map<String, Value>,
) -> Vec<u8> {
    let mut body = Vec::with_capacity(128);
    body.extend_from_slice(&version.to_be_bytes());
    body.extend_from_slice(&created_at.millis().to_be_bytes());
    body.extend_from_slice(&updated_at.millis().to_be_bytes());
    body.extend_from_slice(&(id.as_str().len() as u16).to_be_bytes());
    body.extend_from_slice(id.as_str().as_bytes());
    serde_json::to_writer(&mut body, fields).expect("an object is written as JSON");
    seal(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_found() {
        let bytes = Meta { newest_job: 7, jobs: 1, ..Meta::default() }.encode();
        assert_eq!(Meta::decode(&bytes).unwrap().newest_job, 7);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(matches!(Meta::decode(&damaged), Err(StoreError::Damaged(_))), "byte {at}");
        }
        assert!(Meta::decode(&bytes[..3]).is_err());
    }

    #[test]
    fn rows_read_back() {
        let fields = serde_json::json!({"a": 9_007_199_254_740_993_u64, "b": "ü\n"});
        let row = Row {
            id: "x/y".parse().unwrap(),
            version: 3,
            created_at: Instant::from_millis(-5),
            updated_at: Instant::from_millis(5),
            fields: fields.as_object().unwrap().clone(),
        };
        assert_eq!(Row::decode(&row.encode()).unwrap(), row);
        assert_eq!(row_head(&row.encode()), Ok((row.version, row.created_at)));
        assert!(row_head(&seal(&[0; 15])).is_err());
    }
}
