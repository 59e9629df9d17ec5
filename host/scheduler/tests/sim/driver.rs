//! What happens to the host: the steps of the plan, each at its moment.

use crate::ghost;
use crate::oracle::{Asked, Fact};
use crate::plan::{Refusal, Step, What};
use crate::store::Falls;
use crate::world::{Death, World, name_of};
use sandglass_core::run::Trigger;
use sandglass_core::{Digest, Name, Span};
use sandglass_scheduler::Host;
use sandglass_store::op::{self, OpError, job::Expect, once};
use sandglass_store::{StoreExt, Write};
use std::sync::Arc;

/// One life of the host, from its start to its death, or to the end of the plan. `next` is the next step.
pub async fn live(world: &Arc<World>, next: &mut usize) -> Death {
    world.time.begin();
    let death = tokio::select! {
        biased;
        () = world.crashed.notified() => Death::Down { off: off(world, *next) },
        death = act(world, next) => death,
    };
    world.end_life();
    world.time.end();
    death
}

/// How long the host stays down after the step before `next`.
fn off(world: &World, next: usize) -> Span {
    let crash = world.plan.steps[..next].iter().rev().find_map(|step| match step.what {
        What::Crash { off, .. } => Some(off),
        _ => None,
    });
    crash.unwrap_or(Span::from_millis(1))
}

async fn act(world: &Arc<World>, next: &mut usize) -> Death {
    let Some(host) = world.start().await else {
        return Death::Down { off: Span::from_secs(1) };
    };
    let looking = world.clone();
    tokio::spawn(async move {
        // Not at the moments at which the host looks.
        let every = Span::from_millis(looking.plan.look_every.millis() * 7 + 311);
        loop {
            tokio::time::sleep(every.to_std()).await;
            looking.look();
        }
    });
    for (run, attempt) in world.take_ghosts() {
        tokio::spawn(ghost::haunt(world.clone(), host.clone(), run, attempt));
    }
    let broken = host.clone();
    tokio::select! {
        biased;
        () = broken.broken() => Death::Down { off: Span::from_secs(1) },
        death = steps(world, &host, next) => death,
    }
}

async fn steps(world: &Arc<World>, host: &Arc<Host>, next: &mut usize) -> Death {
    while let Some(step) = world.plan.steps.get(*next) {
        until(world, step.at).await;
        *next += 1;
        if let Some(death) = take(world, host, step).await {
            return death;
        }
    }
    until(world, world.plan.horizon).await;
    if !world.faults.lock().heal() {
        return Death::Down { off: Span::from_secs(1) };
    }
    come_to_rest(world, host).await;
    Death::Done
}

async fn until(world: &World, at: Span) {
    let wait = at.millis().saturating_sub(world.time.elapsed().millis());
    tokio::time::sleep(Span::from_millis(wait).to_std()).await;
}

/// Nothing happens any more: what waits has its turn, and what is left is looked at.
async fn come_to_rest(world: &Arc<World>, host: &Arc<Host>) {
    world.oracle.lock().disturbed(world.time.elapsed());
    world.rest();
    let patience = Span::from_millis(world.plan.look_every.millis() * 3 + 60_000);
    tokio::time::sleep(patience.to_std()).await;
    world.look();
    for job in 0..world.plan.guests.len() {
        pause(world, host, name_of(job)).await;
    }
    // The longest backoff and the longest timeout of a plan are shorter.
    for _ in 0..10_000 {
        if world.oracle.lock().unended() == 0 && world.oracle.lock().is_empty_of_guests() {
            break;
        }
        tokio::time::sleep(patience.to_std()).await;
    }
    world.look();
    world.memory.read(|read| world.oracle.lock().rest(read));
    world.compare();
    for job in 0..world.plan.guests.len() {
        resume(world, host, name_of(job)).await;
    }
}

/// Begins a step. Requests go on beside what follows; the end of the host is its end.
async fn take(world: &Arc<World>, host: &Arc<Host>, step: &Step) -> Option<Death> {
    let (beside, host) = (world.clone(), host.clone());
    match &step.what {
        What::Deploy { job, spec } => {
            let (name, spec) = (name_of(*job), spec.clone());
            tokio::spawn(async move {
                let fact = Fact::Deployed { job: name.clone(), spec: spec.clone() };
                let script = move |write: &mut dyn Write, name: &Name, now| {
                    op::job::put(write, name, *spec, Expect::Anything, now).map(drop)
                };
                change(&beside, &host, name, "deploy", fact, script).await;
            });
        }
        What::Pause { job } => {
            let name = name_of(*job);
            tokio::spawn(async move { pause(&beside, &host, name).await });
        }
        What::Resume { job } => {
            let name = name_of(*job);
            tokio::spawn(async move { resume(&beside, &host, name).await });
        }
        What::RollBack { job, back } => {
            let (name, back) = (name_of(*job), *back);
            tokio::spawn(async move { roll_back(&beside, &host, name, back).await });
        }
        What::Delete { job } => {
            let name = name_of(*job);
            tokio::spawn(async move {
                let fact = Fact::Deleted { job: name.clone() };
                let script = |write: &mut dyn Write, name: &Name, now| {
                    op::job::delete(write, name, Expect::Anything, now)
                };
                change(&beside, &host, name, "delete", fact, script).await;
            });
        }
        What::Ask { job, key } => {
            let (job, key, at) = (*job, *key, step.at);
            tokio::spawn(async move { ask(&beside, &host, job, key, at).await });
        }
        What::Cancel { job, pick } => {
            let live = world.oracle.lock().unended_of(&name_of(*job));
            let run = live.get(*pick as usize % live.len().max(1)).copied()?;
            tokio::spawn(async move {
                let asked = Asked::Cancel(run);
                beside.oracle.lock().ask(asked.clone(), beside.time.elapsed());
                let answer = host.cancel(run).await;
                beside.oracle.lock().answer_run(&asked, &answer);
            });
        }
        What::Again { job, pick } => {
            let ended = world.oracle.lock().ended_of(&name_of(*job));
            let run = ended.get(*pick as usize % ended.len().max(1)).copied()?;
            tokio::spawn(async move {
                let asked = Asked::Again(run);
                beside.oracle.lock().ask(asked.clone(), beside.time.elapsed());
                let answer = host.again(run, None).await;
                beside.oracle.lock().answer_run(&asked, &answer);
            });
        }
        What::Backfill { job, count } => {
            let (name, count) = (name_of(*job), *count);
            let (from, to) = world.oracle.lock().newest_instants(&name, count, world.time.wall())?;
            tokio::spawn(async move {
                let asked = Asked::Backfill { job: name.clone(), from, to };
                beside.oracle.lock().ask(asked.clone(), beside.time.elapsed());
                let answer = host.backfill(name, from, to, None).await;
                beside.oracle.lock().answer_runs(&asked, &answer);
            });
        }
        What::Clock { by_ms } => {
            world.time.set(*by_ms);
            world.oracle.lock().jumped(world.time.elapsed(), world.time.wall(), *by_ms);
        }
        What::Crash { commits, at, .. } => world.faults.lock().fall(*commits, *at, Falls::Host),
        What::Stop { commits, at } => world.faults.lock().fall(*commits, *at, Falls::Store),
        What::Restart { grace, off } => {
            let stopped = Span::from_millis(world.time.elapsed().millis() + grace.millis());
            world.oracle.lock().disturbed(stopped);
            host.stop(*grace).await;
            return Some(Death::Down { off: *off });
        }
        What::Refuse { with, count, during } => {
            let now = world.time.elapsed();
            let until = Span::from_millis(now.millis() + during.millis());
            world.faults.lock().refuse(*with, *count, until);
            world.oracle.lock().refused_for(until, *with == Refusal::Stopped);
        }
    }
    None
}

/// A change of a job that says what it does, when it does it.
async fn change<F>(
    world: &Arc<World>,
    host: &Arc<Host>,
    name: Name,
    what: &'static str,
    fact: Fact,
    script: F,
) where
    F: FnOnce(&mut dyn Write, &Name, sandglass_core::Instant) -> Result<(), OpError> + Send + 'static,
{
    let saying = world.clone();
    let changed = host.change(move |write, now| {
        let result = script(write, &name, now);
        saying.say(match &result {
            Ok(()) => fact,
            Err(error) => Fact::Refused { job: name, what, why: error.to_string() },
        });
        result
    });
    // A refusal was said by the script; storage's own are excused by what the plan did to it.
    drop(changed.await);
}

async fn pause(world: &Arc<World>, host: &Arc<Host>, name: Name) {
    let fact = Fact::Paused { job: name.clone() };
    let script = |write: &mut dyn Write, name: &Name, now| {
        op::pause::pause(write, name, "the plan says so", Expect::Anything, now).map(drop)
    };
    change(world, host, name, "pause", fact, script).await;
}

async fn resume(world: &Arc<World>, host: &Arc<Host>, name: Name) {
    let fact = Fact::Resumed { job: name.clone() };
    let script = |write: &mut dyn Write, name: &Name, now| {
        op::pause::resume(write, name, Expect::Anything, now).map(drop)
    };
    change(world, host, name, "resume", fact, script).await;
}

async fn roll_back(world: &Arc<World>, host: &Arc<Host>, name: Name, back: u32) {
    let saying = world.clone();
    let changed = host.change(move |write, now| {
        let number =
            op::job::find(write.as_read(), &name).map_or(1, |job| job.revision.saturating_sub(back).max(1));
        let result = op::job::roll_back(write, &name, number, Expect::Anything, now);
        saying.say(match &result {
            Ok(_) => Fact::RolledBack { job: name, number },
            Err(error) => Fact::Refused { job: name, what: "roll back", why: error.to_string() },
        });
        result
    });
    drop(changed.await);
}

async fn ask(world: &Arc<World>, host: &Arc<Host>, job: usize, key: Option<u8>, at: Span) {
    let name = name_of(job);
    let input = match key {
        Some(key) => format!("\"once {key}\""),
        None => format!("\"at {at}\""),
    };
    let request = key.map(|key| once::Request {
        id: Digest::of(format!("{name} {key}").as_bytes()),
        body: Digest::of(input.as_bytes()),
    });
    let asked = Asked::Run { job: name.clone(), input: input.clone(), once: key.is_some() };
    world.oracle.lock().ask(asked.clone(), world.time.elapsed());
    let answer = host.ask(name, Trigger::Manual, Some(input), request).await;
    world.oracle.lock().answer_run(&asked, &answer);
}
