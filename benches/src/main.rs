//! `cargo xtask bench`: what the claims of speed rest on; `cargo xtask bench rows`: imports and exports.
//!
//! Each figure stands beside its floor, measured in the same run: what wasmtime and sled alone would need for
//! the same work. The ratio is what to trust; the absolute numbers are the machine's. `cargo xtask bench hostile`
//! measures only how the host keeps its pace whatever guests do.

mod engine;
mod host;
mod hostile;
mod language;
mod measure;
mod outage;
mod process;
mod rows;
mod storage;

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Jobs that become due at one moment.
const JOBS: usize = 4_000;
/// How often all of them become due. The first time warms up and is not counted.
const ROUNDS: usize = 4;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("compile-worker") {
        return sandglass_runtime::worker_main();
    }
    let asked = std::env::args().nth(1);
    let measured = match asked.as_deref() {
        Some("hostile") => hostile(),
        Some("rows") => show_rows(),
        Some(language::ALONE) => match std::env::args_os().nth(2) {
            Some(path) => language::compile_alone(Path::new(&path)),
            None => Err(anyhow::anyhow!("{} wants a file", language::ALONE)),
        },
        Some("languages") => show_languages(&std::env::args().skip(2).collect::<Vec<_>>()),
        _ => run(),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let guest = guest("trivial")?;
    let cores = std::thread::available_parallelism()?;
    println!("{cores} cores; {JOBS} jobs of a trivial component, all due at once, {} times\n", ROUNDS - 1);

    let raw = engine::measure(&guest, JOBS * (ROUNDS - 1))?;
    println!("wasmtime alone: new store, instantiate, call, drop, under the host's settings");
    println!("  CPU            {:>9.1} µs a run, one thread", raw.cpu_micros);
    println!("  rate           {:>9.0} runs a second, {} threads", raw.per_second, raw.threads);

    let host = host::measure(&guest, JOBS, ROUNDS)?;
    println!("\nSandglass: from the claim of the occurrence to the committed outcome");
    println!("  CPU            {:>9.1} µs a run, all threads", host.cpu_micros);
    println!("  rate           {:>9.0} durable runs a second", host.per_second);
    println!(
        "  storage        {:>9.2} records a run, {:.0} bytes each, {:.1} records a sync",
        host.records_per_run, host.bytes_per_record, host.records_per_sync
    );

    let raw_store = storage::measure(&host)?;
    println!("\nsled alone: the same records in the same batches, written and synced");
    println!("  CPU            {:>9.1} µs a run", raw_store.cpu_micros);
    println!("  rate           {:>9.0} runs a second", raw_store.per_second);

    let floor = 1.0 / (1.0 / raw.per_second + 1.0 / raw_store.per_second);
    println!("\nratios");
    println!("  CPU a run, Sandglass over wasmtime                {:>6.2}", host.cpu_micros / raw.cpu_micros);
    println!(
        "  CPU a run, Sandglass over wasmtime and sled       {:>6.2}",
        host.cpu_micros / (raw.cpu_micros + raw_store.cpu_micros)
    );
    println!(
        "  durable runs a second, Sandglass over their floor {:>6.2}   (floor {floor:.0} a second: wasmtime's time and sled's, one after the other)",
        host.per_second / floor
    );
    show_outages(&guest)?;
    println!();
    hostile()
}

fn hostile() -> Result<()> {
    hostile::show(&guest("trivial")?, &guest("probe")?)
}

/// Rows that go in and out.
const ROWS: usize = 1_000_000;

fn show_rows() -> Result<()> {
    let rows::Figures { raw_insert, import, raw_read, export } = rows::measure(ROWS)?;
    println!("{ROWS} rows of about 150 bytes, rows a second");
    println!("  the store alone, 1,000 in a transaction  {raw_insert:>9.0}");
    println!("  import of NDJSON over HTTP               {import:>9.0}   ratio {:>5.2}", import / raw_insert);
    println!("  the store alone, read again              {raw_read:>9.0}");
    println!("  export of NDJSON over HTTP               {export:>9.0}   ratio {:>5.2}", export / raw_read);
    println!("  export over the store's insertion                    ratio {:>5.2}", export / raw_insert);
    Ok(())
}

/// The rows of the table in docs/languages.md, and what is promised of them. Each component is given as its language, how
/// long its build took in seconds, and its file.
fn show_languages(components: &[String]) -> Result<()> {
    println!("| | build | size | wasmtime alone | upload to ready | ratio | first run | later runs |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    let mut verdicts = Vec::new();
    for component in components {
        let mut parts = component.splitn(3, ',');
        let (Some(language), Some(build), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            anyhow::bail!("`{component}` is not LANGUAGE,SECONDS,FILE");
        };
        let figures = language::measure(Path::new(path))?;
        let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        let (first, later) = (millis(figures.first), millis(figures.later));
        println!(
            "| {language} | {build} s | {} KiB | {:.0} ms | {:.0} ms | {:.2} | {first:.1} ms | {later:.1} ms |",
            figures.bytes >> 10,
            millis(figures.alone),
            millis(figures.ready),
            figures.ratio,
        );
        if figures.bytes >= LARGE {
            verdicts
                .push((format!("{language}: ready within 1.1 times wasmtime's own"), figures.ratio <= 1.1));
        }
        verdicts
            .push((format!("{language}: first run at most 10 ms over later ones"), first - later <= 10.0));
    }
    println!("\nwhat is promised");
    for (promise, is_kept) in verdicts {
        println!("  {:<8} {promise}", if is_kept { "kept" } else { "BROKEN" });
    }
    Ok(())
}

/// Bytes from which on compiling is what takes the time of an upload.
const LARGE: usize = 10 << 20;

/// Jobs that are due every second while the host is off.
const OFF_JOBS: [usize; 2] = [1, 500];

fn show_outages(guest: &[u8]) -> Result<()> {
    println!("\na start of the host, with jobs that were due every second meanwhile");
    for jobs in OFF_JOBS {
        let outage::Figures { after_a_moment, after_a_year } = outage::measure(guest, jobs)?;
        let (moment, year) =
            (after_a_moment.ready.as_secs_f64() * 1e3, after_a_year.ready.as_secs_f64() * 1e3);
        println!(
            "  {jobs:>4} jobs, ready after a moment {moment:>7.1} ms, after a year {year:>7.1} ms, ratio {:>5.2}",
            year / moment
        );
        let (moment, year) = (after_a_moment.done.as_secs_f64() * 1e3, after_a_year.done.as_secs_f64() * 1e3);
        println!(
            "             done  after a moment {moment:>7.1} ms, after a year {year:>7.1} ms, ratio {:>5.2}",
            year / moment
        );
    }
    Ok(())
}

fn guest(name: &str) -> Result<Vec<u8>> {
    // target/debug/sandglass-benches stands beside target/guests.
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("the target folder")?;
    let folder = std::env::var_os("SANDGLASS_GUESTS").map_or_else(|| target.join("guests"), PathBuf::from);
    let path = folder.join(name).with_extension("wasm");
    std::fs::read(&path).with_context(|| format!("{}: `cargo xtask guests` builds it", path.display()))
}
