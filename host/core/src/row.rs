//! One row of a table: a JSON object with an id, a version and two times. Knows nothing of where rows are kept.

use crate::limit::Bytes;
use crate::time::{Instant, brief};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;

/// The members of a row's object.
pub type Fields = Map<String, Value>;

/// How deep objects and arrays may be nested in a row, the row's own object being the first level. Low enough
/// that a reader with the usual limit of 128 still reads rows within lists within documents.
pub const DEPTH_MAX: usize = 64;

/// Names that no member may have, since a row over HTTP shows id, version and times beside its members. The
/// spellings of the guest's side are kept free too: a filter could not tell them apart.
pub const RESERVED: [&str; 6] = ["id", "version", "created-at", "updated-at", "created_at", "updated_at"];

/// Names a row within its table: 1 to 255 bytes of UTF-8, no control characters. Sorts by its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RowId(Box<str>);

impl RowId {
    pub const BYTES_MAX: usize = 255;

    /// Where ids begin that sort at these bytes or behind them. Not an id itself, and never shown.
    pub(crate) fn bound(bytes: &[u8]) -> RowId {
        // Intervals of ids begin at an id, at the beginning of one, or behind one: all of them are text.
        RowId(String::from_utf8_lossy(bytes).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RowId {
    type Err = String;

    fn from_str(text: &str) -> Result<RowId, String> {
        if text.is_empty() || text.len() > Self::BYTES_MAX || text.chars().any(char::is_control) {
            return Err(format!(
                "`{}` is not a row's id: use 1 to {} bytes and no control characters",
                brief(text),
                Self::BYTES_MAX
            ));
        }
        Ok(RowId(text.into()))
    }
}

impl TryFrom<String> for RowId {
    type Error = String;

    fn try_from(text: String) -> Result<RowId, String> {
        text.parse()
    }
}

impl From<RowId> for String {
    fn from(id: RowId) -> String {
        id.0.into()
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A row as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub id: RowId,
    /// The commit that wrote it; 0 while it is not committed.
    pub version: u64,
    /// When it was inserted.
    pub created_at: Instant,
    /// When it was last written.
    pub updated_at: Instant,
    pub fields: Fields,
}

impl Row {
    /// What the row counts for in a page, in bytes: about its length as JSON text over HTTP.
    pub fn bytes(&self) -> usize {
        /// The names and values of version and times, and the punctuation.
        const BESIDE: usize = 128;
        BESIDE + self.id.0.len() + fields_bytes(&self.fields)
    }
}

/// The length of `fields` as JSON text without blanks.
pub fn fields_bytes(fields: &Fields) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Cannot fail: names are strings, and the writer takes everything.
    serde_json::to_writer(&mut count, fields).ok();
    count.0
}

/// Reads a row's object, or a patch of one, from JSON text of at most `bytes_max` bytes, and checks it as
/// [`check_fields`] does. Of members with the same name the last one counts. Errors say what is allowed.
pub fn parse_fields(text: &str, bytes_max: usize) -> Result<Fields, String> {
    if text.len() > bytes_max {
        return Err(too_large(text.len(), bytes_max));
    }
    let fields = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(other) => {
            return Err(format!("a row is a JSON object, and this is {}", kind_with_article(&other)));
        }
        Err(error) => return Err(format!("a row is a JSON object, and this is not JSON: {error}")),
    };
    check_fields(&fields, bytes_max)?;
    Ok(fields)
}

/// Whether `fields` may be a row's, for objects that were read some other way or merged: no reserved names,
/// at most [`DEPTH_MAX`] levels, at most `bytes_max` bytes as JSON text.
pub fn check_fields(fields: &Fields, bytes_max: usize) -> Result<(), String> {
    if let Some(name) = RESERVED.iter().find(|name| fields.contains_key(**name)) {
        return Err(format!(
            "a row has no member `{name}` of its own: id, version, created_at and updated_at (with _ or -) \
             are set beside its members; use another name"
        ));
    }
    if !fields.values().all(|value| is_within_depth(value, DEPTH_MAX - 1)) {
        return Err(format!("a row is nested at most {DEPTH_MAX} levels deep, and this one goes deeper"));
    }
    match fields_bytes(fields) {
        bytes if bytes > bytes_max => Err(too_large(bytes, bytes_max)),
        _ => Ok(()),
    }
}

/// Merges `patch` into `target` by RFC 7396: null removes a member, objects merge, all else replaces.
///
/// Goes as deep as `patch` does, and never makes a document deeper than the deeper of the two.
pub fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if let Value::Object(target) = target {
        merge_fields(target, patch);
        return;
    }
    let mut fields = Fields::new();
    merge_fields(&mut fields, patch);
    *target = Value::Object(fields);
}

/// [`merge`], for two objects.
pub fn merge_fields(target: &mut Fields, patch: Fields) {
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Stops one level below the limit, however deep the value is.
fn is_within_depth(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_within_depth(item, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|item| is_within_depth(item, levels - 1)),
        _ => true,
    }
}

fn too_large(bytes: usize, bytes_max: usize) -> String {
    format!("a row has at most {} as JSON text, and this one has {bytes} bytes", Bytes(bytes_max as u64))
}

fn kind_with_article(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn ids() {
        let longest = "é".repeat(127) + "a";
        for good in [" ", "a", "日本", "../x", "a/b?c", longest.as_str()] {
            assert_eq!(good.parse::<RowId>().unwrap().as_str(), good);
        }
        let too_long = "a".repeat(256);
        for bad in ["", "a\n", "\0", "\u{7f}", "\u{85}", too_long.as_str()] {
            assert!(bad.parse::<RowId>().is_err(), "{bad:?}");
            assert!(serde_json::from_value::<RowId>(json!(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn objects_are_read_and_all_else_is_refused() {
        let deep = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        let (deepest, too_deep, far_too_deep) = (deep(DEPTH_MAX), deep(DEPTH_MAX + 1), deep(100_000));
        for good in ["{}", " {\"a\": null} ", "{\"Id\":1,\"_id\":2}", deepest.as_str()] {
            assert!(parse_fields(good, 1000).is_ok(), "{good}");
        }
        for (bad, message) in [
            ("", "not JSON"),
            ("{", "not JSON"),
            ("{} {}", "not JSON"),
            ("{\"a\":1e999}", "not JSON"),
            ("[]", "this is an array"),
            ("null", "this is null"),
            ("{\"id\":\"x\"}", "no member `id`"),
            ("{\"a\":1,\"created-at\":null}", "no member `created-at`"),
            ("{\"updated_at\":0}", "no member `updated_at`"),
            (too_deep.as_str(), "64 levels"),
            (far_too_deep.as_str(), "not JSON"),
        ] {
            let error = parse_fields(bad, 1 << 20).unwrap_err();
            assert!(error.contains(message), "{bad:.40}: {error}");
        }
        let error = parse_fields("{\"a\":\"long\"}", 4).unwrap_err();
        assert_eq!(error, "a row has at most 4B as JSON text, and this one has 12 bytes");
    }

    #[test]
    fn merging_is_as_the_appendix_of_rfc_7396_has_it() {
        for (target, patch, merged) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            let mut target = target;
            merge(&mut target, patch);
            assert_eq!(target, merged);
        }
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(
            target in crate::query::tests::object(),
            patch in crate::query::tests::object(),
        ) {
            let mut once = target;
            merge_fields(&mut once, patch.clone());
            let mut twice = once.clone();
            merge_fields(&mut twice, patch);
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn the_bytes_of_a_row_are_those_of_its_text(fields in crate::query::tests::object()) {
            let text = serde_json::to_string(&fields).unwrap();
            prop_assert_eq!(fields_bytes(&fields), text.len());
            prop_assert!(check_fields(&fields, text.len()).is_ok());
            prop_assert!(check_fields(&fields, text.len() - 1).is_err());
        }

        #[test]
        fn reading_strange_text_never_panics(text in ".{0,60}") {
            drop((parse_fields(&text, 100), text.parse::<RowId>()));
        }
    }
}
