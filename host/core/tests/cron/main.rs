//! Cron schedules against two implementations that are not ours, and against their definition: around every
//! transition of every zone from 1970 to 2037.
//!
//! `cargo xtask test cron` runs it. `SANDGLASS_CRON_SEED` is the seed of all that is random here;
//! `SANDGLASS_FULL=1` compares several times as much. docs/cron.md says what the rules are about.

mod case;
mod comparison;
mod cost;
mod croner;
mod cronsim;
mod definition;
mod example;
mod expression;
mod grammar;
mod zone;

use case::{Case, Size};
use comparison::{Oracle, Tally};
use cronsim::Cronsim;
use sandglass_core::Instant;
use sandglass_core::schedule::{DstGap, DstRepeat, Schedule, ScheduleSpec};
use zone::{Zone, datetime};

fn seed() -> u64 {
    let given = std::env::var("SANDGLASS_CRON_SEED").ok();
    given.map_or(1970, |seed| seed.parse().expect("SANDGLASS_CRON_SEED is a whole number"))
}

fn is_full() -> bool {
    std::env::var_os("SANDGLASS_FULL").is_some_and(|full| full == "1")
}

fn size() -> Size {
    if is_full() {
        Size { for_each_transition: 32, for_each_zone: 400, crossed: true }
    } else {
        Size { for_each_transition: 4, for_each_zone: 40, crossed: false }
    }
}

fn said_of(zones: &[Zone]) -> String {
    let transitions: usize = zones.iter().map(|zone| zone.transitions.len()).sum();
    format!("seed {}, {} zones with {transitions} transitions", seed(), zones.len())
}

fn compare<O: Oracle>(mut oracle: O) {
    let zones = zone::all();
    let mut tally = Tally::default();
    for example in
        example::EXAMPLES.iter().filter(|example| O::RULES.iter().any(|rule| rule.name == example.0))
    {
        let case = example::case(&zones, *example);
        let answer = oracle.ask(std::slice::from_ref(&case)).remove(0);
        tally.compare::<O>(&case, &answer);
        assert!(tally.has(example.0), "{} is no example of {}", comparison::described(&case), example.0);
    }
    for zone in &zones {
        let cases: Vec<Case> = case::of_zone(zone, seed(), size());
        for (case, answer) in cases.iter().zip(oracle.ask(&cases)) {
            tally.compare::<O>(case, &answer);
        }
    }
    println!("\n{}\n{}\n", said_of(&zones), tally.report::<O>());
    assert!(tally.comparisons >= 100_000);
    assert_eq!(tally.unexplained_count, 0, "differences that no rule explains are listed above");
}

#[test]
#[ignore = "a suite of its own: cargo xtask test cron"]
fn croner_finds_the_same() {
    compare(croner::Croner);
}

#[test]
#[ignore = "a suite of its own: cargo xtask test cron"]
fn cronsim_finds_the_same() {
    compare(Cronsim::start());
}

#[test]
#[ignore = "a suite of its own: cargo xtask test cron"]
fn the_zones_of_cronsim_are_ours() {
    let mut cronsim = Cronsim::start();
    let mut instants = 0;
    for zone in zone::all() {
        let around = zone.transitions.iter().flat_map(|at| [at - 1, *at, at + 43_200]).collect::<Vec<_>>();
        let ours: Vec<i64> = around.iter().map(|at| zone.offset(*at)).collect();
        let release = &cronsim.release;
        let wrong = format!("{}: requirements.txt has release {release}; which one has jiff?", zone.name);
        assert_eq!(cronsim.offsets(&zone, &around), ours, "{wrong}");
        instants += around.len();
    }
    println!("time zone database {}: the same offsets at {instants} instants", cronsim.release);
}

#[test]
#[ignore = "a suite of its own: cargo xtask test cron"]
fn ours_is_as_it_is_defined() {
    let zones = zone::all();
    let mut compared = (0, 0);
    for zone in &zones {
        let mut source = expression::Source::new(seed() ^ zone.transitions.len() as u64);
        for at in &zone.transitions {
            for _ in 0..size().for_each_transition {
                compared.1 += is_as_defined(zone, *at, &mut source);
                compared.0 += 1;
            }
        }
    }
    println!(
        "{}: {} windows with {} occurrences as they are defined",
        said_of(&zones),
        compared.0,
        compared.1
    );
}

/// Of a random expression in a window around a transition, all ways to ask; and how many occurrences it has.
fn is_as_defined(zone: &Zone, at: i64, source: &mut expression::Source) -> u64 {
    /// Of which each is asked for.
    const EACH: usize = 100;
    let change = zone.change_until(at).expect("it is one of them");
    let wall = datetime(case::wall_near(change, source));
    let expression = source.expression(wall);
    let gap = [DstGap::Shift, DstGap::Skip][source.number(0..=1) as usize];
    let repeat = [DstRepeat::First, DstRepeat::Last, DstRepeat::Both][source.number(0..=2) as usize];
    let reach = if source.once_in(8) { 30 * 3600 } else { change.skipped().abs() + 5400 };
    let (from, to) = (at - source.number(1..=reach), at + source.number(0..=reach));
    let shown = format!("`{expression}` in {} from {from} to {to}, {gap:?} {repeat:?}", zone.name);

    let schedule = case::schedule(&expression, zone, (gap, repeat));
    assert_eq!(schedule.is_some(), expression.is_possible(), "{shown}");
    let Some(schedule) = schedule else { return 0 };
    let defined = definition::occurrences(&expression, zone, (gap, repeat), from, to);
    let (before, until) = (case::instant(from - 1), case::instant(to));
    let found: Vec<i64> = case::after(&schedule, from - 1).take_while(|at| *at <= to).take(EACH).collect();
    assert_eq!(found, defined[..defined.len().min(EACH)], "{shown}");
    assert_eq!(schedule.count(before, until), defined.len() as u64, "{shown}");
    assert_eq!(schedule.last_until(before, until), defined.last().map(|at| case::instant(*at)), "{shown}");
    defined.len() as u64
}

#[test]
#[ignore = "a suite of its own: cargo xtask test cron"]
fn each_reads_what_the_documentation_says() {
    let mut cronsim = Cronsim::start();
    for (text, expected) in grammar::TEXTS {
        let spec = ScheduleSpec { cron: Some((*text).to_owned()), ..ScheduleSpec::default() };
        let ours = Schedule::new(&spec, Instant::EPOCH).is_ok();
        let found = [ours, croner::parse(text).is_some(), cronsim.reads(text)];
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
#[ignore = "a suite of its own: cargo xtask test cron"]
fn the_documentation_has_every_rule_and_example() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cron.md");
    let page = std::fs::read_to_string(page).expect("docs/cron.md");
    for rule in croner::Croner::RULES.iter().chain(Cronsim::RULES) {
        let example = example::EXAMPLES.iter().find(|example| example.0 == rule.name);
        let (name, zone, expression, start) =
            example.unwrap_or_else(|| panic!("{} has no example", rule.name));
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("docs/cron.md has no row for {name}"));
        for part in [*zone, *expression, &*start.replace('T', " ").replace(":00Z", "")] {
            assert!(row.contains(part), "docs/cron.md, {name}: {part}");
        }
    }
    for (text, _) in grammar::TEXTS {
        assert!(page.contains(&format!("`{text}`")), "docs/cron.md, what is read: {text}");
    }
}

#[test]
#[ignore = "a suite of its own: cargo xtask test cron"]
fn costs() {
    println!("\n{}\n", cost::table());
}
