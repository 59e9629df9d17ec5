//! Uploads, as the compiling process sees them: each is refused in words that its author can read, or accepted, and then
//! it is accepted again. What debug information it carries tells places, or none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sandglass_runtime::{Answer, Inspector, Place, Report, locate};
use std::sync::LazyLock;

static INSPECTOR: LazyLock<Inspector> = LazyLock::new(|| Inspector::new().expect("an engine"));

/// Characters of what is told of one problem.
const WORDS_MAX: usize = 4_000;

fuzz_target!(|data: &[u8]| {
    if let Some(report) = inspect(data) {
        assert_eq!(inspect(data).as_ref(), Some(&report));
        assert!(["component", "module", "command"].contains(&report.kind.as_str()));
        // An upload that is adapted was no component.
        assert!(report.adapted.is_empty() || report.kind != "component", "{report:?}");
    }
    let offsets: Vec<u64> = (0..data.len() as u64).step_by(7).collect();
    for Place { inlined, file, .. } in locate(data, &offsets).values().flatten() {
        assert!(!file.is_empty() && inlined.as_ref().is_none_or(|function| function.len() < WORDS_MAX));
    }
});

fn inspect(data: &[u8]) -> Option<Report> {
    let (answer, artifact) = INSPECTOR.inspect(data).expect("machine code can be written down");
    match answer {
        Answer::Accepted(report) => {
            assert!(!artifact.is_empty());
            Some(report)
        }
        Answer::Refused(problems) => {
            assert!(artifact.is_empty() && !problems.is_empty());
            for problem in problems {
                let message = problem.message;
                assert!(!message.is_empty() && message.len() < WORDS_MAX, "{message}");
            }
            None
        }
        Answer::OutOfMemory => None,
    }
}
