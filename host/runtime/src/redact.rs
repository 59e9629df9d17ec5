//! Takes the secrets that an attempt was handed out of what is kept of it: its log, its result, its failure, the
//! last error that it got.
//!
//! What is looked for is a secret's text without the white space around it, each line of one that has several (a
//! log is written line by line), and both as JSON and Rust escape them. A job that writes a secret in another form, in
//! base64 or in two halves, has it logged: this keeps accidents from spreading, and not a job from telling.

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};
use sandglass_core::limit::fixed;
use sandglass_core::{SecretName, SecretValue};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What stands where a quoted text was cut.
const CUT: char = '…';

/// Bytes that a quoted text has at most: 60 characters, each of which may be escaped.
const QUOTED_BYTES_MAX: usize = 60 * "\\u{10ffff}".len();

/// The secrets that an attempt was handed, in the values that it was handed: one that is set anew meanwhile is
/// the next attempt's.
#[derive(Default)]
pub(crate) struct Handed {
    values: BTreeMap<SecretName, SecretValue>,
    redactor: Option<Arc<Redactor>>,
}

impl Handed {
    pub(crate) fn get(&self, name: &SecretName) -> Option<&SecretValue> {
        self.values.get(name)
    }

    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> usize {
        self.values.values().map(|value| value.expose().len()).sum()
    }

    /// Adds one, before the guest gets it, and gives what takes it out of what the guest writes from now on.
    pub(crate) fn add(&mut self, name: SecretName, value: SecretValue) -> Result<Arc<Redactor>, BuildError> {
        self.values.insert(name, value);
        let redactor = Arc::new(Redactor::new(&self.values)?);
        self.redactor = Some(redactor.clone());
        Ok(redactor)
    }

    /// `text` without secrets.
    pub(crate) fn redact(&self, text: String) -> String {
        let end = text.len();
        self.redact_to(text, end)
    }

    /// What is before `end` of `text`, which is a character's, without secrets: one that begins before it is taken
    /// out as a whole.
    pub(crate) fn redact_to(&self, mut text: String, end: usize) -> String {
        let Some(redactor) = &self.redactor else {
            text.truncate(end);
            return text;
        };
        if let Some(bytes) = redactor.redact(text.as_bytes(), end) {
            // Secrets are whole characters, and so is what is left without them.
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        text.truncate(end);
        text
    }

    /// What the host says of something that the guest handed over, without secrets. It quotes no more than the
    /// beginning of a long text, and puts a mark where it cut: so a part of a secret before such a mark goes too.
    pub(crate) fn redact_quotes(&self, message: String) -> String {
        let Some(redactor) = &self.redactor else { return message };
        let mut message = self.redact(message);
        let marks: Vec<usize> = message.rmatch_indices(CUT).map(|(at, _)| at).collect();
        for mark in marks {
            if let Some((start, name)) = redactor.cut_off(&message[..mark]) {
                message.replace_range(start..mark, &format!("[secret {name}]"));
            }
        }
        message
    }

    /// Whether there is a secret in `text`.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.redactor.as_ref().is_some_and(|redactor| redactor.automaton.is_match(text))
    }
}

/// Finds secrets in one pass.
pub(crate) struct Redactor {
    automaton: AhoCorasick,
    /// For each pattern, the secret that it is of.
    owners: Vec<usize>,
    names: Vec<SecretName>,
    patterns: Vec<Zeroizing<String>>,
    longest: usize,
}

/// A part of a text that holds a secret, or several that overlap.
struct Span {
    start: usize,
    end: usize,
    owners: Vec<usize>,
}

impl Redactor {
    fn new(secrets: &BTreeMap<SecretName, SecretValue>) -> Result<Redactor, BuildError> {
        let mut patterns = Vec::new();
        let mut owners = Vec::new();
        for (owner, value) in secrets.values().enumerate() {
            patterns.extend(forms(value));
            owners.resize(patterns.len(), owner);
        }
        let longest = patterns.iter().map(|pattern| pattern.len()).max().unwrap_or(0);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            // The smallest: a log is not long, and every attempt has its own.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(patterns.iter().map(|pattern| pattern.as_bytes()))?;
        Ok(Redactor { automaton, owners, names: secrets.keys().cloned().collect(), patterns, longest })
    }

    /// Bytes that something to be found has at most: who cuts a text, and wants no part of a secret at its end,
    /// hands over so much more of it.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// What is before `end` without secrets, none where it has none.
    pub(crate) fn redact(&self, bytes: &[u8], end: usize) -> Option<Vec<u8>> {
        // What begins before the end ends here, if it is a secret.
        let bytes = &bytes[..bytes.len().min(end + self.longest)];
        // Nearly always this is all.
        if !self.automaton.is_match(bytes) {
            return None;
        }
        let mut kept = Vec::with_capacity(end);
        let mut at = 0;
        for span in self.spans(bytes).into_iter().take_while(|span| span.start < end) {
            kept.extend_from_slice(&bytes[at..span.start]);
            let names: Vec<&str> = span.owners.iter().map(|owner| self.names[*owner].as_str()).collect();
            kept.extend_from_slice(format!("[secret {}]", names.join(", ")).as_bytes());
            at = span.end;
        }
        if at < end {
            kept.extend_from_slice(&bytes[at..end]);
        }
        Some(kept)
    }

    /// Where the beginning of a secret starts that `text` ends with, and whose it is.
    fn cut_off(&self, text: &str) -> Option<(usize, &SecretName)> {
        let found = self.patterns.iter().zip(&self.owners).filter_map(|(pattern, owner)| {
            let most = pattern.len().min(text.len()).min(QUOTED_BYTES_MAX);
            let mut lengths = (fixed::SECRET_MIN..=most).rev();
            let length = lengths.find(|length| text.as_bytes().ends_with(&pattern.as_bytes()[..*length]))?;
            Some((text.len() - length, &self.names[*owner]))
        });
        // A secret's first character is whole, so one begins here in the text too.
        found.min_by_key(|(start, _)| *start)
    }

    /// Where secrets are, in order. They may overlap each other, and themselves: nothing of any is left.
    fn spans(&self, bytes: &[u8]) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        // In the order of their ends.
        for found in self.automaton.find_overlapping_iter(bytes) {
            let owner = self.owners[found.pattern().as_usize()];
            let mut span = Span { start: found.start(), end: found.end(), owners: vec![owner] };
            while let Some(before) = spans.pop_if(|before| before.end > span.start) {
                span.start = span.start.min(before.start);
                span.owners.extend(before.owners);
            }
            span.owners.sort_unstable();
            span.owners.dedup();
            spans.push(span);
        }
        spans
    }
}

/// What of a secret is looked for.
fn forms(value: &SecretValue) -> Vec<Zeroizing<String>> {
    let text = value.expose().trim();
    let is_long_enough = |line: &&str| line.len() >= fixed::SECRET_MIN;
    let lines = text.lines().map(str::trim).filter(|line| *line != text).filter(is_long_enough);
    let plain: Vec<&str> = [text].into_iter().chain(lines).collect();
    let mut forms = Vec::new();
    for text in plain {
        let json = Zeroizing::new(serde_json::to_string(text).unwrap_or_default());
        let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(text);
        let debug: Zeroizing<String> = Zeroizing::new(text.chars().flat_map(char::escape_debug).collect());
        forms.push(Zeroizing::new(text.to_owned()));
        forms.extend((json != text).then(|| Zeroizing::new(json.to_owned())));
        forms.extend((*debug != text && *debug != json).then_some(debug));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn handed(secrets: &[(&str, &str)]) -> Handed {
        let mut handed = Handed::default();
        for (name, value) in secrets {
            let value = SecretValue::new((*value).to_owned()).unwrap();
            handed.add(name.parse().unwrap(), value).unwrap();
        }
        handed
    }

    #[test]
    fn secrets_are_taken_out_wherever_they_are() {
        let key = "-----BEGIN KEY-----\n  abcdefgh\n ij\n-----END KEY-----\n";
        let secrets =
            [("A", "hunter2"), ("B", "ter2000"), ("C", "a\"b\\c€"), ("KEY", key), ("SPACE", " blank \n")];
        let handed = handed(&secrets);
        for (text, expected) in [
            ("", ""),
            ("nothing here", "nothing here"),
            ("hunter2", "[secret A]"),
            ("pass=hunter2&x", "pass=[secret A]&x"),
            ("hunter2hunter2", "[secret A][secret A]"),
            ("Hunter2 hunter", "Hunter2 hunter"),
            // Where two overlap, nothing of either is left.
            ("<hunter2000>", "<[secret A, B]>"),
            ("a\"b\\c€", "[secret C]"),
            ("{\"x\":\"a\\\"b\\\\c€\"}", "{\"x\":\"[secret C]\"}"),
            ("€hunter2€", "€[secret A]€"),
            // A secret of several lines, as a whole and line by line.
            (key, "[secret KEY]\n"),
            ("-----BEGIN KEY-----", "[secret KEY]"),
            ("abcdefgh", "[secret KEY]"),
            (" ij", " ij"),
            ("\"-----BEGIN KEY-----\\n  abcdefgh\\n ij\\n-----END KEY-----\\n\"", "\"[secret KEY]\\n\""),
            ("it's \\'q\\' a'b'", "it's \\'q\\' a'b'"),
            ("'a\\\"b\\\\c€'", "'[secret C]'"),
            ("the blank one", "the [secret SPACE] one"),
        ] {
            assert_eq!(handed.redact(text.to_owned()), expected, "{text:?}");
            assert_eq!(handed.is_in(text), text != expected, "{text:?}");
        }
    }

    #[test]
    fn a_secret_that_overlaps_itself_is_taken_out_as_a_whole() {
        let handed = handed(&[("A", "aaaa"), ("AB", "abab")]);
        assert_eq!(handed.redact("aaaaaa b ababab aaab".into()), "[secret A] b [secret AB] aaab");
        assert_eq!(handed.redact("aaaabab".into()), "[secret A, AB]");
    }

    #[test]
    fn no_part_of_a_secret_is_left_at_a_cut() {
        let handed = handed(&[("A", "hunter2")]);
        let text = "one hunter2 two hunter2";
        for (end, expected) in [
            (0, ""),
            (4, "one "),
            (5, "one [secret A]"),
            (10, "one [secret A]"),
            (11, "one [secret A]"),
            (12, "one [secret A] "),
            (16, "one [secret A] two "),
            (17, "one [secret A] two [secret A]"),
            (23, "one [secret A] two [secret A]"),
        ] {
            assert_eq!(handed.redact_to(text.into(), end), expected, "{end}");
        }
        assert_eq!(Handed::default().redact_to(text.into(), 5), "one h");
    }

    #[test]
    fn a_part_of_a_secret_goes_where_the_host_cut_a_quote() {
        let handed = handed(&[("A", "hunter2000"), ("B", "terrible"), ("N", "two\nlines")]);
        for (text, expected) in [
            ("`hunt…` is none", "`[secret A]…` is none"),
            ("`hun…` is none", "`hun…` is none"),
            ("`x hunter2…`, `y`, `hunter20…`", "`x [secret A]…`, `y`, `[secret A]…`"),
            ("hunter2000…", "[secret A]…"),
            ("hunter2 and more…", "hunter2 and more…"),
            ("huntterr…", "hunt[secret B]…"),
            ("two\\nlin…", "[secret N]…"),
            ("€hunt……", "€[secret A]……"),
        ] {
            assert_eq!(handed.redact_quotes(text.to_owned()), expected, "{text:?}");
        }
        assert_eq!(Handed::default().redact_quotes("hunt…".into()), "hunt…");
    }

    proptest! {
        /// Over few letters, so that there is much to find, overlapping in all ways.
        #[test]
        fn nothing_that_was_handed_out_is_left(
            values in proptest::collection::vec("[ab\n\"]{4,9}", 1..4),
            text in "[ab\n\"é]{0,60}",
            cut in 0usize..60,
        ) {
            let mut handed = Handed::default();
            for (number, value) in values.into_iter().enumerate() {
                if let Ok(value) = SecretValue::new(value) {
                    handed.add(format!("S{number}").parse().unwrap(), value).unwrap();
                }
            }
            let forms: Vec<String> =
                handed.values.values().flat_map(forms).map(|form| form.to_string()).collect();
            let end = text.floor_char_boundary(cut.min(text.len()));
            let whole = handed.redact(text.clone());
            let part = handed.redact_to(text.clone(), end);
            // What stands in a secret's place holds letters of the text itself, so it is taken out first.
            for left in [&whole, &part] {
                for piece in left.split(['[', ']']).filter(|piece| !piece.starts_with("secret ")) {
                    for form in &forms {
                        prop_assert!(!piece.contains(form.as_str()), "{form:?} in {left:?}");
                    }
                }
            }
            // Without a secret nothing is changed.
            if !forms.iter().any(|form| text.contains(form.as_str())) {
                prop_assert_eq!(&whole, &text);
                prop_assert_eq!(&part, &text[..end]);
            }
        }
    }
}
