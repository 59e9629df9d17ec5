//! Backtraces as people read them: a line per frame, and below it the lines of the source, where they are known.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use wasmtime::WasmBacktrace;

/// Bytes of a function's name that are shown, and up to which it is demangled: names are a stranger's text.
const NAME_BYTES_SHOWN: usize = 200;
const NAME_BYTES_DEMANGLED: usize = 1_000;

/// A line per frame, innermost first: `0: name (at 0x1f3)`, the offset being that in the component.
pub(crate) fn backtrace(trace: &WasmBacktrace) -> Option<String> {
    let frames = trace.frames().iter().map(|frame| {
        let name = match frame.func_name() {
            Some(name) if name.len() <= NAME_BYTES_DEMANGLED => {
                format!("{:#}", rustc_demangle::demangle(name))
            }
            Some(name) => name[..name.floor_char_boundary(NAME_BYTES_SHOWN)].to_string(),
            None => format!("function {}", frame.func_index()),
        };
        let mut text = plain(&name);
        if let Some(offset) = frame.module_offset() {
            let _ = write!(text, "{AT}{offset:#x})");
        }
        text
    });
    let text = fold(frames);
    (!text.is_empty()).then_some(text)
}

/// A stranger's text in one line: one with a line break in it would pass for another frame.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(NAME_BYTES_SHOWN).collect()
}

/// A place in the source that a frame stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The function that was inlined there; none for the frame's own.
    pub inlined: Option<String>,
    pub file: String,
    pub line: u32,
}

/// What stands before the offset of a frame.
const AT: &str = " (at ";

/// The offset that a line of a backtrace names.
fn offset(line: &str) -> Option<u64> {
    let (_, offset) = line.strip_suffix(')')?.rsplit_once(AT)?;
    u64::from_str_radix(offset.strip_prefix("0x")?, 16).ok()
}

/// The offsets that a backtrace names, each once.
pub(crate) fn offsets(backtrace: &str) -> Vec<u64> {
    let mut offsets: Vec<u64> = backtrace.lines().filter_map(offset).collect();
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

/// Functions inlined into each other that are told of one frame.
pub(crate) const PLACES_MAX: usize = 8;

/// The backtrace with each frame's places below it, innermost first.
pub(crate) fn with_places(backtrace: &str, places: &BTreeMap<u64, Vec<Place>>) -> String {
    let mut text = String::new();
    for line in backtrace.lines() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
        let of_frame = offset(line).and_then(|offset| places.get(&offset)).into_iter().flatten();
        for Place { inlined, file, line } in of_frame.take(PLACES_MAX) {
            let _ = write!(text, "\n   at {}:{line}", plain(file));
            if let Some(function) = inlined {
                let _ = write!(text, ", in {}", plain(function));
            }
        }
    }
    text
}

/// Numbered lines. Recursion fills a backtrace with one frame, which is shown once and counted.
fn fold(frames: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut before = None;
    let mut repeated = 0;
    for (number, frame) in frames.enumerate() {
        if before.as_ref() == Some(&frame) {
            if repeated > 0 {
                lines.pop();
            }
            repeated += 1;
            lines.push(format!("… {repeated} more of the same"));
        } else {
            lines.push(format!("{number}: {frame}"));
            repeated = 0;
            before = Some(frame);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Place, fold, offsets, with_places};

    #[test]
    fn recursion_is_shown_once_and_counted() {
        for (frames, text) in [
            ("", ""),
            ("a", "0: a"),
            ("ab", "0: a\n1: b"),
            ("abbbc", "0: a\n1: b\n… 2 more of the same\n4: c"),
            ("aab", "0: a\n… 1 more of the same\n2: b"),
            ("abab", "0: a\n1: b\n2: a\n3: b"),
        ] {
            assert_eq!(fold(frames.chars().map(String::from)), text, "{frames}");
        }
    }
    #[test]
    fn places_stand_below_the_frames_whose_offsets_they_are_of() {
        let backtrace =
            "0: a (at 0x2a)\n1: b (at (at 0x1f)\n… 2 more of the same\n4: c\n5: (at 0xq)\n6: a (at 0x2a)";
        assert_eq!(offsets(backtrace), [0x1f, 0x2a]);
        let place = |inlined: Option<&str>, line| Place {
            inlined: inlined.map(Into::into),
            file: "a.rs".into(),
            line,
        };
        let places = [(0x2a, vec![place(Some("x"), 7), place(None, 9)]), (0x1f, Vec::new())].into();
        let told = with_places(backtrace, &places);
        let expected = backtrace.replace("0x2a)", "0x2a)\n   at a.rs:7, in x\n   at a.rs:9");
        assert_eq!(told, expected);
        assert_eq!(offsets(&told), [0x1f, 0x2a]);
    }
}
