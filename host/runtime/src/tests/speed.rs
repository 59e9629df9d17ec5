//! What an attempt costs beside its guest. Not a test: `cargo test -p sandglass-runtime --lib speed -- --ignored
//! --nocapture`.

use super::guest::{OK, job};
use super::{Host, compile, ending, spec};
use crate::execute::execute;
use crate::runtime::Settings;
use std::sync::Arc;
use std::time::Instant;

const ATTEMPTS: u32 = 20_000;

fn report(what: &str, attempts: u32, began: Instant) {
    let each = began.elapsed() / attempts;
    println!("{what}: {each:?} each, {:.0} a second", 1.0 / each.as_secs_f64());
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    tokio.block_on(async {
        let host = Arc::new(Host::new());
        println!("guest threads: {}", Settings::new(host.folder.path()).guest_threads);
        let mut guests = vec![("three instructions", job(OK).into_bytes())];
        if let Ok(probe) =
            std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests/probe.wasm"))
        {
            guests.push(("probe", probe));
        }
        for (name, source) in guests {
            let bytes = wat::parse_bytes(&source).unwrap().into_owned();
            let began = Instant::now();
            let (artifact, _) = compile(&bytes).unwrap();
            println!(
                "{name}: compiled in {:?}, {} -> {} bytes",
                began.elapsed(),
                bytes.len(),
                artifact.len()
            );
            let component = sandglass_core::Digest::of(&bytes);
            let kept = host.runtime.keep(component, artifact).await.unwrap();
            let began = Instant::now();
            let ready = host.runtime.load(component, kept.digest).await.unwrap();
            println!("{name}: loaded in {:?}", began.elapsed());
            let spec = Arc::new(spec(|_| ()));
            let attempt = {
                let (host, spec) = (Arc::clone(&host), Arc::clone(&spec));
                move || {
                    let mut attempt = host.attempt((*spec).clone());
                    attempt.spec = Arc::clone(&spec);
                    attempt
                }
            };
            let began = Instant::now();
            for _ in 0..ATTEMPTS {
                std::hint::black_box(attempt());
            }
            report(&format!("{name}: context alone"), ATTEMPTS, began);
            for _ in 0..2 {
                let began = Instant::now();
                for _ in 0..ATTEMPTS {
                    drop(execute(&ready, attempt()).await);
                }
                report(&format!("{name}: executed on one thread"), ATTEMPTS, began);
            }
            let began = Instant::now();
            for _ in 0..ATTEMPTS {
                drop(ending(host.runtime.run(ready.clone(), attempt()).await));
            }
            report(&format!("{name}: one after the other through the runtime"), ATTEMPTS, began);
            let began = Instant::now();
            let tasks: Vec<_> = (0..16)
                .map(|_| {
                    let (host, ready, attempt) = (Arc::clone(&host), ready.clone(), attempt.clone());
                    tokio::spawn(async move {
                        for _ in 0..ATTEMPTS / 16 {
                            drop(ending(host.runtime.run(ready.clone(), attempt()).await));
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            report(&format!("{name}: sixteen at a time through the runtime"), ATTEMPTS, began);
        }
    });
}
