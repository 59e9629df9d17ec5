//! Uploads that nobody wrote: generated ones, and real ones that were damaged. Whatever they are, the host answers
//! that it takes them or why not, the compiler's process never panics, and nothing of them stays in memory.
//!
//! `cargo xtask test uploads` sends 1,000, and with `--full` 100,000. `SANDGLASS_SEED` repeats a run, and with
//! `SANDGLASS_UPLOADS=1` beside it a single upload.

mod damage;
mod source;

use sandglass_tests::{Client, Footprint, Host, fill_caches, guest, is_full, said};
use source::{Source, Upload};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Clients that send at one time. The host compiles one after the other.
const CLIENTS: usize = 3;

/// What became of them: how many by what the host said.
#[derive(Default)]
struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// Counts an answer, and gives what is wrong with it.
    fn count(&mut self, host: &Client, upload: &Upload) -> Option<String> {
        let answer = host.post("components").bytes("application/wasm", upload.bytes.clone()).send();
        let wrong = |what: &str| Some(format!("SANDGLASS_SEED={} {what}: {}", upload.seed, answer.text()));
        match answer.status {
            200 | 201 => self.add("taken"),
            422 => {
                let said = said(&answer.refusal(422, "invalid-component"));
                if said.contains("crashed") {
                    return wrong("the compiler panicked");
                }
                self.add(kind(&said));
            }
            // Damage may leave nothing at all.
            400 if upload.bytes.is_empty() => self.add("nothing to read"),
            status => return wrong(&format!("was answered with {status}")),
        }
        None
    }

    fn add(&mut self, kind: &str) {
        *self.0.entry(kind.to_owned()).or_default() += 1;
    }
}

/// Of a refusal, what tells it from those of another kind.
fn kind(said: &str) -> &'static str {
    let kinds = [
        "cut short",
        "not WebAssembly",
        "of a version",
        "it exports neither",
        "not a valid module",
        "not a valid component",
        "more than a job is given",
        "limit compile",
        "which this host does not have",
        "and this host has",
        "does not export",
        "no interface",
        "no function `run`",
        "wrong type",
        "does not fit",
        "nobody here could give it any",
    ];
    kinds.into_iter().find(|kind| said.contains(kind)).unwrap_or("something else")
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn whatever_is_uploaded_is_answered() {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let seed = number("SANDGLASS_SEED").unwrap_or_else(clock);
    let count = number("SANDGLASS_UPLOADS").unwrap_or(if is_full() { 100_000 } else { 1_000 });
    println!("SANDGLASS_SEED={seed} repeats the uploads");
    let host = Host::start();
    fill_caches(&host, &guest("trivial"));
    let source = Mutex::new(Source::new(seed, count));
    let tally = Mutex::new(Tally::default());
    let began = Instant::now();
    let send = |most: u64| {
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    loop {
                        let next = {
                            let mut source = source.lock().expect("nobody panics with it");
                            if source.given() >= most { None } else { source.next() }
                        };
                        let Some(upload) = next else { return };
                        let mut own = Tally::default();
                        if let Some(wrong) = own.count(&host, &upload) {
                            panic!("{wrong}");
                        }
                        let mut tally = tally.lock().expect("nobody panics with it");
                        own.0
                            .iter()
                            .for_each(|(kind, count)| *tally.0.entry(kind.clone()).or_default() += count);
                    }
                });
            }
        });
    };
    // A part of them first: what is loaded once is loaded then.
    send(count / 4);
    let before = Footprint::of(host.pid());
    send(count);
    let after = Footprint::of(host.pid());
    let took = began.elapsed();
    println!(
        "{count} uploads in {:.0} s, {:.1} ms each; {} KiB resident before, {} after",
        took.as_secs_f64(),
        took.as_secs_f64() * 1e3 / count as f64,
        before.kib,
        after.kib
    );
    for (kind, count) in &tally.lock().expect("nobody panics with it").0 {
        println!("{count:>8}  {kind}");
    }
    // Of a single one, nothing can be said.
    if count >= 1_000 {
        assert!(after.kib * 100 <= before.kib * 105, "it grows: {before:?} {after:?}");
    }
    assert!(!host.stderr().contains("panicked"), "{}", host.stderr());
    // And it goes on as ever.
    host.deploy("job", "trivial", serde_json::json!({}));
    host.run_well("job", &serde_json::Value::Null);
}
