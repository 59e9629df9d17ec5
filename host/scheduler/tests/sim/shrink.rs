//! Makes a plan that fails smaller while it fails the same check.

use crate::oracle::Violation;
use crate::plan::{Guest, Plan};
use crate::world::simulate;
use sandglass_core::Span;
use sandglass_core::limit::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than this nobody waits.
const PATIENCE: Duration = Duration::from_mins(1);

pub fn shrink(plan: Plan, violation: Violation) -> (Plan, Violation) {
    let mut best = (plan, violation);
    let until = Instant::now() + PATIENCE;
    loop {
        let before = size(&best.0);
        let end = Span::from_millis(best.1.at.millis() + 1);
        attempt(&mut best, until, |plan| plan.horizon = plan.horizon.min(end));
        attempt(&mut best, until, |plan| plan.steps.retain(|step| step.at <= end));
        let mut length = best.0.steps.len().div_ceil(2);
        while length > 0 {
            let mut at = 0;
            while at < best.0.steps.len() {
                let to = (at + length).min(best.0.steps.len());
                if !attempt(&mut best, until, |plan| drop(plan.steps.drain(at..to))) {
                    at += length;
                }
            }
            length /= 2;
        }
        attempt(&mut best, until, |plan| plan.latency = Span::ZERO);
        attempt(&mut best, until, |plan| plan.memory = Bytes(u64::MAX));
        for guest in 0..best.0.guests.len() {
            let simple: [fn(&mut Guest); 6] = [
                |guest| guest.failures.clear(),
                |guest| guest.counts = false,
                |guest| guest.deaf = 0,
                |guest| guest.logs = false,
                |guest| guest.steps = 1,
                |guest| guest.pace = Span::from_millis(1),
            ];
            for make in simple {
                attempt(&mut best, until, |plan| make(&mut plan.guests[guest]));
            }
        }
        if size(&best.0) == before || Instant::now() > until {
            return best;
        }
    }
}

fn size(plan: &Plan) -> (usize, String) {
    (plan.steps.len(), format!("{:?}{:?}", plan.guests, plan.horizon))
}

/// Keeps a change if the plan still fails the same check.
fn attempt(best: &mut (Plan, Violation), until: Instant, change: impl FnOnce(&mut Plan)) -> bool {
    if Instant::now() > until {
        return false;
    }
    let mut plan = best.0.clone();
    change(&mut plan);
    match simulate(&Arc::new(plan.clone())).violation {
        Some(violation) if violation.check == best.1.check => {
            *best = (plan, violation);
            true
        }
        _ => false,
    }
}
