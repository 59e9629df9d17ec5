//! The scheduler in virtual time: seeds make plans, plans are carried out on the real loops over the store in
//! memory, and an oracle accounts for every occurrence. docs/simulation.md tells what is simulated and checked.
//!
//! `SANDGLASS_SIM_SEEDS` says how many seeds are tried, `SANDGLASS_SIM_SEED` which is the first; alone it is
//! the only one. `cargo xtask sim` sets them.

mod driver;
mod generate;
mod ghost;
mod guest;
mod oracle;
mod panic;
mod plan;
mod shrink;
mod store;
mod time;
mod trace;
mod world;

use oracle::Tally;
use plan::Plan;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Instant;
use world::{Report, simulate};

/// Tried where nobody says how many.
const SEEDS: u64 = 300;
/// One seed of so many is carried out twice.
const REPEATED: u64 = 20;

#[test]
fn every_occurrence_is_accounted_for_on_every_seed() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let (first, seeds) = (number("SANDGLASS_SIM_SEED"), number("SANDGLASS_SIM_SEEDS"));
    let seeds = seeds.unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let first = first.unwrap_or(1);
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get) as u64;
    let next = AtomicU64::new(first);
    let failed = AtomicU64::new(u64::MAX);
    let tried = AtomicU64::new(0);
    panic::listen();
    let goes_on = std::env::var_os("SANDGLASS_SIM_GO_ON").is_some();
    let began = Instant::now();
    let mut total = Tally::default();
    let mut elapsed = 0;
    std::thread::scope(|scope| {
        let work = || {
            let mut tally = Tally::default();
            let mut elapsed = 0;
            loop {
                let seed = next.fetch_add(1, SeqCst);
                if seed >= first + seeds || failed.load(SeqCst) < seed {
                    return (tally, elapsed);
                }
                tried.fetch_add(1, SeqCst);
                let report = try_seed(seed);
                if let Some(violation) = &report.violation {
                    if goes_on {
                        println!("seed {seed}: {}: {}", violation.check, violation.text);
                    } else {
                        failed.fetch_min(seed, SeqCst);
                    }
                }
                tally.add(&report.tally);
                elapsed += report.elapsed.millis();
            }
        };
        let threads: Vec<_> = (0..threads.min(seeds)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let (tally, millis) = thread.join().expect("a simulation does not panic");
            total.add(&tally);
            elapsed += millis;
        }
    });
    let took = began.elapsed().as_secs_f64();
    let hours = elapsed as f64 / 3_600_000.0;
    println!("{total:#?}");
    let tried = tried.load(SeqCst);
    println!("{tried} seeds, {hours:.0} simulated hours in {took:.1} s: {:.0} hours a second", hours / took);
    let failed = failed.load(SeqCst);
    if failed != u64::MAX {
        tell(failed);
        panic!("seed {failed} fails");
    }
}

/// One seed in a while is carried out twice: it must come out the same.
fn try_seed(seed: u64) -> Report {
    let plan = Arc::new(generate::plan(seed));
    let report = simulate(&plan);
    if seed.is_multiple_of(REPEATED) {
        let again = simulate(&plan);
        assert_eq!(report.trace, again.trace, "seed {seed} does not repeat");
    }
    report
}

/// Makes the plan of a seed that fails small, and prints it.
fn tell(seed: u64) {
    let plan = generate::plan(seed);
    let Some(violation) = simulate(&Arc::new(plan.clone())).violation else {
        println!("seed {seed} does not fail again");
        return;
    };
    println!(
        "seed {seed} fails at {} of {}: {}\n{}",
        violation.at, plan.horizon, violation.check, violation.text
    );
    if std::env::var_os("SANDGLASS_SIM_BRIEF").is_some() {
        return;
    }
    if std::env::var_os("SANDGLASS_SIM_WHOLE").is_some() {
        println!("{plan:#?}");
        return;
    }
    let (small, violation) = shrink::shrink(plan, violation);
    println!(
        "\nthe smallest plan that was found: after {}, {}\n{}",
        violation.at, violation.check, violation.text
    );
    println!("{small:#?}");
    let traced = Plan { traced: true, ..small };
    simulate(&Arc::new(traced));
    println!("cargo xtask sim --seed {seed}");
}
