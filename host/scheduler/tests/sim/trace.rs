//! Prints what a simulation does, commit by commit.

use crate::oracle::Commit;
use crate::store::Changes;
use sandglass_core::run::Run;
use sandglass_store::key::{DueKey, RowPlace};
use sandglass_store::record::{Ended, Live, Waiting};
use sandglass_store::{Key, Record, Space};

pub fn print(commit: &Commit) {
    if commit.changes.is_empty() && commit.facts.is_empty() {
        return;
    }
    println!("{} {}", commit.elapsed, commit.wall);
    for fact in &commit.facts {
        let text = format!("{fact:?}");
        println!("    {}", text.chars().take(120).collect::<String>());
    }
    for line in lines(&commit.changes) {
        println!("    {line}");
    }
}

fn lines(changes: &Changes) -> impl Iterator<Item = String> {
    changes.iter().map(|((space, key), value)| {
        let run = |run: Option<Run>| run.map_or("gone".into(), |run| run_in_brief(&run));
        let value = value.as_deref();
        let text = match space {
            Space::Waiting => {
                run(value.and_then(|value| Waiting::decode(value).ok()).map(|Waiting(run)| run))
            }
            Space::Live => run(value.and_then(|value| Live::decode(value).ok()).map(|Live(run)| run)),
            Space::Ended => run(value.and_then(|value| Ended::decode(value).ok()).map(|Ended(run)| run)),
            Space::Due => format!("{:?} {}", DueKey::decode(key), body(value)),
            Space::Row => RowPlace::decode(key).map_or_else(String::new, |row| row.id.to_string()),
            Space::Revision => "...".into(),
            _ => body(value),
        };
        format!("{space:?} {text}")
    })
}

/// A record's JSON.
fn body(value: Option<&[u8]>) -> String {
    let text = value.map(|value| String::from_utf8_lossy(&value[5.min(value.len())..]).into_owned());
    text.map_or("gone".into(), |text| text.chars().take(200).collect())
}

fn run_in_brief(run: &Run) -> String {
    let (trigger, last) = (run.trigger, run.attempts.last().map(|last| last.outcome));
    format!("{} {trigger:?} of {}: {:?}, after {last:?}", run.id, run.scheduled_for, run.state)
}
