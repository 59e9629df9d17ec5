//! The plan that a seed makes.

use crate::plan::{Fault, Guest, Moment, Plan, Refusal, Step, What};
use crate::world::{digest, instant};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sandglass_core::limit::Bytes;
use sandglass_core::policy::{CatchUp, Missed, Overlap, Policy, Retry};
use sandglass_core::run::Cause;
use sandglass_core::schedule::{DstGap, DstRepeat, ScheduleSpec};
use sandglass_core::spec::Specification;
use sandglass_core::{Instant, Span};

struct Dice(StdRng);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound.max(1)
    }

    fn within(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// Small and large ones alike.
    fn scaled(&mut self, least: u64, most: u64) -> u64 {
        let ratio = (most.max(least + 1) as f64 / least.max(1) as f64).ln();
        let share = self.below(1 << 20) as f64 / f64::from(1 << 20);
        (least.max(1) as f64 * (ratio * share).exp()) as u64
    }

    fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }

    fn span(&mut self, least_ms: u64, most_ms: u64) -> Span {
        Span::from_millis(self.scaled(least_ms, most_ms))
    }
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Days on which clocks change, and others.
const BEGINNINGS: [&str; 8] = [
    "2026-03-28T20:11:07Z",
    "2026-10-24T19:00:00Z",
    "2026-03-07T23:59:59.500Z",
    "2026-11-01T03:30:00Z",
    "2026-04-04T12:00:00Z",
    "2026-01-01T00:00:00Z",
    "2028-02-28T22:45:10Z",
    "2026-12-31T23:50:00.001Z",
];

const ZONES: [&str; 6] =
    ["Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "UTC"];

pub fn plan(seed: u64) -> Plan {
    let mut dice = Dice(StdRng::seed_from_u64(seed ^ 0x5eed));
    let horizon = dice.scaled(10 * MINUTE, 21 * DAY);
    let jobs = dice.within(1, 6) as usize;
    // About how often something is due, over all jobs.
    let pace = horizon / dice.within(10, 160);
    let latency = if dice.is(25) { dice.scaled(1, 3_000.min(pace / 20 + 1)) } else { 0 };
    let mut plan = Plan {
        seed,
        began: instant(dice.pick(&BEGINNINGS)),
        horizon: Span::from_millis(horizon),
        look_every: Span::from_millis((horizon / 1_500).clamp(SECOND, 10 * MINUTE)),
        slots: dice.within(1, 4) as usize,
        memory: if dice.is(30) { Bytes::mib(dice.within(64, 256)) } else { Bytes(u64::MAX) },
        history: Span::from_millis(dice.scaled(DAY, 40 * DAY)),
        latency: Span::from_millis(latency),
        guests: Vec::new(),
        steps: Vec::new(),
        traced: false,
    };
    for job in 0..jobs {
        plan.guests.push(guest(&mut dice, pace));
        let at = if dice.is(70) { dice.below(pace) } else { dice.below(horizon / 2) };
        let spec = specification(&mut dice, &plan, pace * jobs as u64);
        plan.steps.push(Step { at: Span::from_millis(at), what: What::Deploy { job, spec } });
    }
    for _ in 0..dice.within(0, 40) {
        let at = Span::from_millis(dice.below(horizon));
        let what = what(&mut dice, &plan, pace * jobs as u64);
        if let What::Pause { job } = what
            && dice.is(50)
        {
            // Shorter than an occurrence is put off by its jitter, or than the host is busy.
            let at = Span::from_millis(at.millis() + dice.scaled(1, pace * jobs as u64 * 2));
            plan.steps.push(Step { at, what: What::Resume { job } });
        }
        plan.steps.push(Step { at, what });
    }
    plan.steps.sort_by_key(|step| step.at);
    plan
}

fn guest(dice: &mut Dice, pace: u64) -> Guest {
    let causes = [
        Fault { cause: Cause::Error, retry: true },
        Fault { cause: Cause::Error, retry: false },
        Fault { cause: Cause::Trap, retry: false },
        Fault { cause: Cause::Denied, retry: false },
        Fault { cause: Cause::OutOfFuel, retry: false },
        Fault { cause: Cause::OutOfMemory, retry: false },
        Fault { cause: Cause::StackOverflow, retry: false },
        Fault { cause: Cause::Quota, retry: false },
        Fault { cause: Cause::HostError, retry: false },
        Fault { cause: Cause::Timeout, retry: false },
    ];
    let failures = (0..dice.below(4)).map(|_| dice.pick(&causes)).collect();
    let most = if dice.is(20) { pace * 6 } else { pace / 2 };
    Guest {
        pace: dice.span(1, most.max(2)),
        steps: dice.within(1, 4) as u32,
        failing: dice.pick(&[5, 30, 60, 100]),
        failures,
        counts: dice.is(30),
        deaf: if dice.is(20) { 50 } else { 0 },
        logs: dice.is(15),
    }
}

fn specification(dice: &mut Dice, plan: &Plan, period: u64) -> Box<Specification> {
    let mut spec = Specification::new(digest());
    spec.schedule = schedule(dice, plan, period);
    spec.policy = policy(dice, period);
    if dice.is(30) {
        spec.limits.memory = Bytes::mib(dice.within(1, 300));
    }
    assert!(spec.policy.problems().is_empty(), "{:?}", spec.policy.problems());
    Box::new(spec)
}

fn schedule(dice: &mut Dice, plan: &Plan, period: u64) -> ScheduleSpec {
    let mut spec = ScheduleSpec::default();
    let period = dice.scaled(period / 2, period * 3).max(SECOND);
    let moment = |dice: &mut Dice| {
        let at = plan.began.plus(Span::from_millis(dice.below(plan.horizon.millis())));
        Instant::from_millis(at.millis() / SECOND as i64 * SECOND as i64)
    };
    match dice.below(20) {
        0..9 => spec.every = Some(every(period)),
        9..17 => spec.cron = Some(cron(dice, period)),
        17 | 18 => spec.at = Some(moment(dice)),
        _ => return spec,
    }
    if dice.is(60) {
        spec.time_zone = Some(dice.pick(&ZONES).into());
    }
    if spec.every.is_some() && dice.is(30) {
        spec.start = Some(moment(dice).minus(Span::from_millis(dice.below(3 * DAY))));
    }
    if spec.at.is_none() {
        if dice.is(15) {
            spec.not_before = Some(moment(dice));
        }
        if dice.is(15) {
            spec.not_after = Some(moment(dice).max(spec.not_before.unwrap_or(Instant::MIN)));
        }
        if dice.is(20) {
            spec.dst_gap = Some(dice.pick(&[DstGap::Shift, DstGap::Skip]));
            spec.dst_repeat = Some(dice.pick(&[DstRepeat::First, DstRepeat::Last, DstRepeat::Both]));
        }
    }
    if dice.is(25) {
        spec.jitter = Some(dice.span(1, period * 2));
    }
    spec
}

fn every(period: u64) -> String {
    const PERIODS: [(u64, &str); 20] = [
        (SECOND, "1s"),
        (2 * SECOND, "2s"),
        (5 * SECOND, "5s"),
        (10 * SECOND, "10s"),
        (30 * SECOND, "30s"),
        (MINUTE, "1m"),
        (2 * MINUTE, "2m"),
        (5 * MINUTE, "5m"),
        (7 * MINUTE, "7m"),
        (15 * MINUTE, "15m"),
        (30 * MINUTE, "30m"),
        (HOUR, "1h"),
        (2 * HOUR, "2h"),
        (5 * HOUR, "5h"),
        (12 * HOUR, "12h"),
        (DAY, "1d"),
        (2 * DAY, "2d"),
        (3 * DAY, "3d"),
        (7 * DAY, "1w"),
        (30 * DAY, "1mo"),
    ];
    let (_, text) = PERIODS.iter().find(|(length, _)| *length >= period).unwrap_or(&PERIODS[19]);
    (*text).into()
}

fn cron(dice: &mut Dice, period: u64) -> String {
    let (minute, hour) = (dice.below(60), dice.below(24));
    if period < MINUTE {
        format!("*/{} * * * * *", (period / SECOND).clamp(1, 59))
    } else if period < HOUR {
        match dice.below(3) {
            0 => format!("*/{} * * * *", (period / MINUTE).clamp(1, 59)),
            1 => format!("{}/{} * * * *", minute % 10, (period / MINUTE).clamp(1, 30)),
            _ => format!("*/{} {}-{} * * *", (period / MINUTE).clamp(1, 59), hour / 2, 12 + hour / 2),
        }
    } else if period < DAY {
        match dice.below(3) {
            0 => format!("{minute} */{} * * *", (period / HOUR).clamp(1, 23)),
            1 => format!("{minute} 0-{}/2 * * *", 2 + hour / 2),
            _ => format!("{minute} 1,2,3 * * *"),
        }
    } else {
        match dice.below(4) {
            0 => format!("{minute} {hour} * * *"),
            1 => format!("{minute} 2 * * *"),
            2 => format!("{minute} {hour} * * mon-fri"),
            _ => format!("{minute} {hour} */2 * 0"),
        }
    }
}

fn policy(dice: &mut Dice, period: u64) -> Policy {
    let overlap = dice.pick(&[Overlap::Skip, Overlap::Queue, Overlap::Allow, Overlap::Replace]);
    let catch_up = match dice.below(6) {
        0..3 => CatchUp::Latest,
        3 => CatchUp::None,
        _ => CatchUp::All(Missed { max: dice.within(1, 12) as u32, window: dice.span(SECOND, period * 20) }),
    };
    let initial = dice.span(1, (period / 4).clamp(2, DAY));
    let causes = [Cause::Trap, Cause::Timeout, Cause::OutOfFuel, Cause::Error, Cause::Quota];
    Policy {
        overlap,
        max_concurrency: if overlap == Overlap::Allow { dice.within(1, 3) as u32 } else { 1 },
        late_after: dice.span(SECOND, (period / 2).max(2 * SECOND)),
        catch_up,
        start_within: dice.is(25).then(|| dice.span(SECOND, (period * 3).max(2 * SECOND))),
        timeout: dice.span((period / 8).clamp(1, DAY), (period * 8).clamp(2, DAY)),
        retry: Retry {
            max_attempts: dice.within(1, 5) as u32,
            initial,
            max: Span::from_millis((initial.millis() * dice.within(1, 8)).min(DAY)),
            on: (0..dice.below(3)).map(|_| dice.pick(&causes)).collect(),
        },
        pause_after: if dice.is(20) { dice.within(1, 3) as u32 } else { 0 },
    }
}

fn what(dice: &mut Dice, plan: &Plan, period: u64) -> What {
    let job = dice.below(plan.guests.len() as u64) as usize;
    let pick = dice.below(100) as u32;
    let horizon = plan.horizon.millis();
    match dice.below(100) {
        0..15 => What::Deploy { job, spec: specification(dice, plan, period) },
        15..21 => What::Pause { job },
        21..30 => What::Resume { job },
        30..34 => What::RollBack { job, back: dice.within(1, 3) as u32 },
        34..37 => What::Delete { job },
        37..49 => What::Ask { job, key: dice.is(40).then(|| dice.below(3) as u8) },
        49..57 => What::Cancel { job, pick },
        57..60 => What::Again { job, pick },
        60..62 => What::Backfill { job, count: dice.within(1, 5) as u32 },
        62..74 => What::Clock { by_ms: step(dice) },
        74..86 => What::Crash {
            commits: dice.below(20) as u32,
            at: dice.pick(&MOMENTS),
            off: Span::from_millis(if dice.is(50) { dice.scaled(1, horizon / 5) } else { 1 }),
        },
        86 => What::Stop { commits: dice.below(20) as u32, at: dice.pick(&MOMENTS) },
        87..90 => What::Restart { grace: dice.span(1, MINUTE), off: dice.span(1, horizon / 5) },
        _ => {
            let with = dice.pick(&[Refusal::Full, Refusal::Full, Refusal::Failed, Refusal::Stopped]);
            let once = dice.is(50) && with != Refusal::Stopped;
            let during = if once { Span::ZERO } else { dice.span(1, horizon / 10) };
            What::Refuse { with, count: if once { dice.within(1, 4) as u32 } else { 0 }, during }
        }
    }
}

const MOMENTS: [Moment; 4] = [Moment::Before, Moment::After, Moment::Lost, Moment::Torn];

/// How far the wall clock is set.
fn step(dice: &mut Dice) -> i64 {
    let length = match dice.below(10) {
        0..3 => dice.scaled(1, MINUTE),
        3..6 => dice.scaled(MINUTE, 20 * HOUR),
        6 | 7 => dice.scaled(26 * HOUR, 60 * DAY),
        _ => dice.scaled(DAY, 3_650 * DAY),
    };
    if dice.is(50) { length as i64 } else { -(length as i64) }
}
