//! What a job of each language costs: its size, from the upload to where it can run beside what wasmtime alone takes to
//! compile the same bytes, and its first and later runs after a start of the host.
//!
//! The host is the real binary, asked over HTTP. Wasmtime alone is a process of its own, too, of the same low priority,
//! so that what else goes on at this machine is the same for both; one is measured right after the other, several times.

use crate::process::Process;
use anyhow::{Context, Result, ensure};
use sandglass_runtime::{Runtime, Settings};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use wasmtime::Module;
use wasmtime::component::Component;

/// Compilations of each component, each way.
const ROUNDS: usize = 5;
/// Starts of the host.
const STARTS: usize = 3;
/// Runs after the first of each start.
const RUNS: usize = 20;
/// The priority of the host's compiling process.
const NICE: i32 = 15;

/// The argument by which this program compiles what else it is given, and says how long that took.
pub const ALONE: &str = "compile-alone";

/// Medians.
pub struct Figures {
    pub bytes: usize,
    /// Wasmtime alone, under the host's settings, from bytes in memory to an artifact in memory.
    pub alone: Duration,
    /// From the first byte of the upload to its answer.
    pub ready: Duration,
    /// Of each round the second over the first.
    pub ratio: f64,
    /// The first run after a start of the host, from the request to the answer with its outcome.
    pub first: Duration,
    /// Those after it.
    pub later: Duration,
}

/// Measures one component, which may touch the table `greetings`.
pub fn measure(path: &Path) -> Result<Figures> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let mut host = Process::start()?;
    let (mut alone, mut ready, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut component = serde_json::Value::Null;
    for round in 0..ROUNDS {
        // The host compiles nothing twice.
        let upload = with_section(&bytes, round as u8);
        let compiled = compile_in_child(path)?;
        host.reconnect()?;
        let began = Instant::now();
        component = host.upload(&upload)?;
        let uploaded = began.elapsed();
        alone.push(compiled);
        ready.push(uploaded);
        ratios.push(uploaded.as_secs_f64() / compiled.as_secs_f64());
    }
    let job = json!({"component": component, "grants": {"tables": {"greetings": "read-write"}}});
    host.put("/v1/jobs/greet", &job)?;
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        host = host.restart()?;
        // Something else first: what is measured is the job's first run, and not the host's first answer.
        host.get("/v1/jobs")?;
        for run in 0..=RUNS {
            let began = Instant::now();
            host.run_well("greet")?;
            if run == 0 { &mut first } else { &mut later }.push(began.elapsed());
        }
    }
    ratios.sort_by(f64::total_cmp);
    Ok(Figures {
        bytes: bytes.len(),
        alone: median(alone),
        ready: median(ready),
        ratio: ratios[ratios.len() / 2],
        first: median(first),
        later: median(later),
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The same component under another digest: with a section that nobody reads, as components and core modules may have.
fn with_section(bytes: &[u8], number: u8) -> Vec<u8> {
    const CUSTOM: u8 = 0;
    [bytes, &[CUSTOM, 6, 4, b'r', b'o', b'u', b'n', number]].concat()
}

fn compile_in_child(path: &Path) -> Result<Duration> {
    let output = Command::new(std::env::current_exe()?).arg(ALONE).arg(path).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(Duration::from_micros(String::from_utf8_lossy(&output.stdout).trim().parse()?))
}

/// What the child does.
pub fn compile_alone(path: &Path) -> Result<()> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let folder = tempfile::tempdir()?;
    let runtime = Runtime::new(&Settings { attempts_max: 1, ..Settings::new(folder.path()) })?;
    // Its threads are made by the compilation, and take the priority over.
    rustix::process::setpriority_process(None, NICE)?;
    let is_module = bytes.get(4) == Some(&1);
    let began = Instant::now();
    let artifact = if is_module {
        Module::new(runtime.engine(), &bytes).and_then(|module| module.serialize())
    } else {
        Component::new(runtime.engine(), &bytes).and_then(|component| component.serialize())
    };
    let took = began.elapsed();
    artifact.map_err(|error| anyhow::anyhow!("{error:#}"))?;
    println!("{}", took.as_micros());
    Ok(())
}
