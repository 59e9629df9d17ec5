//! Claiming what is due: each occurrence is accounted for, and attempts begin where there is room.

use crate::key::{Due, DueKey, Key, KeyRange, LiveKey, RevisionKey, SkipKey};
use crate::op::job;
use crate::op::run::busy;
use crate::record::{DueEntry, Live, Skipping};
use crate::store::{Read, StoreError, Write};
use sandglass_core::job::{Job, Reason, Revision, Skip};
use sandglass_core::occurrence::{self, Decision};
use sandglass_core::policy::Overlap;
use sandglass_core::run::{Event, Run, step};
use sandglass_core::{Instant, JobId, RunId, Span};
use std::ops::Bound;

/// An attempt that has begun: the executor's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// In the state `running`.
    pub run: Run,
    pub revision: Revision,
    pub last_success: Option<Instant>,
    /// Emails of the job in the 24 hours before.
    pub emails_today: u32,
}

/// What a claim did.
#[derive(Debug, Default)]
pub struct Claimed {
    pub started: Vec<Started>,
    /// Occurrences that were dealt with.
    pub occurrences: usize,
    /// Whether more may be due than one claim takes.
    pub more: bool,
}

/// While no slot is free, an occurrence waits in the index so long before it is made a run that waits: most
/// find a slot sooner, and what is written at once is written once.
const PATIENCE: Span = Span::from_secs(5);

/// Occurrences and attempts that one claim looks at. It bounds how long other writers wait.
const CLAIM_MAX: usize = 128;

/// Deals with what is due at `now`, and begins at most `slots` attempts. `random` is drawn from for ids.
pub fn claim(
    write: &mut dyn Write,
    now: Instant,
    slots: usize,
    random: &mut dyn FnMut() -> u64,
) -> Result<Claimed, StoreError> {
    let mut claimed = Claimed::default();
    let attempts = write.as_read().list::<DueEntry>(&Due::attempts(now), false, slots.min(CLAIM_MAX))?;
    for (key, _) in &attempts {
        if let Due::Attempt(run) = key.what {
            begin_due(write, *key, run, now, &mut claimed)?;
        }
    }
    let occurrences = write.as_read().list::<DueEntry>(&Due::occurrences(now), false, CLAIM_MAX)?;
    for (key, entry) in &occurrences {
        if let Due::Occurrence { job, revision } = key.what {
            let room = claimed.started.len() < slots;
            if !room && now.since(key.at) < PATIENCE {
                break;
            }
            write.remove::<DueEntry>(key);
            claimed.occurrences += 1;
            deal_with(write, job, revision, key.at, entry, room, now, random, &mut claimed)?;
        }
    }
    claimed.more = attempts.len() == CLAIM_MAX || claimed.occurrences == CLAIM_MAX;
    Ok(claimed)
}

/// When there is something to claim with so many slots.
pub fn next(read: &dyn Read, slots: usize) -> Result<Option<Instant>, StoreError> {
    let first = |range: KeyRange| -> Result<Option<Instant>, StoreError> {
        Ok(read.list::<DueEntry>(&range, false, 1)?.first().map(|(key, _)| key.at))
    };
    let occurrence = first(Due::occurrences(Instant::MAX))?;
    if slots == 0 {
        return Ok(occurrence.map(|at| at.plus(PATIENCE)));
    }
    let attempt = first(Due::attempts(Instant::MAX))?;
    Ok([occurrence, attempt].into_iter().flatten().min())
}

/// Every run that waits for an attempt.
pub fn all_attempts() -> KeyRange {
    Due::attempts(Instant::MAX)
}

/// What comes next over all jobs, in order: the next occurrence of each.
pub fn upcoming(read: &dyn Read, until: Instant, limit: usize) -> Result<Vec<(Instant, JobId)>, StoreError> {
    let entries = read.list::<DueEntry>(&Due::occurrences(until), false, limit)?;
    Ok(entries
        .into_iter()
        .filter_map(|(key, _)| match key.what {
            Due::Occurrence { job, .. } => Some((key.at, job)),
            Due::Attempt(_) => None,
        })
        .collect())
}

/// The schedule that an entry belongs to, and when its reign ended if it did.
fn owner(
    write: &dyn Write,
    job: &Job,
    newest: &Revision,
    set_by: u32,
) -> Result<Option<(Revision, Option<Instant>)>, StoreError> {
    if newest.schedule_since == set_by {
        return Ok(Some((newest.clone(), job.paused.as_ref().map(|pause| pause.since))));
    }
    let range = KeyRange {
        from: Bound::Included(RevisionKey { job: job.id, number: set_by }.to_bytes()),
        to: Bound::Included(RevisionKey { job: job.id, number: job.revision }.to_bytes()),
    };
    let revisions = write.as_read().list::<Revision>(&range, false, usize::MAX)?;
    let old = revisions.iter().find(|(_, revision)| revision.schedule_since == set_by);
    let until = revisions.iter().find(|(_, revision)| revision.schedule_since > set_by);
    Ok(old.zip(until).map(|((_, old), (_, next))| (old.clone(), Some(next.committed_at))))
}

#[allow(clippy::too_many_arguments)] // One entry of the index, taken apart by its only caller.
fn deal_with(
    write: &mut dyn Write,
    id: JobId,
    set_by: u32,
    at: Instant,
    entry: &DueEntry,
    room: bool,
    now: Instant,
    random: &mut dyn FnMut() -> u64,
    claimed: &mut Claimed,
) -> Result<(), StoreError> {
    let Some(job) = write.load::<Job>(&id)? else {
        return Ok(());
    };
    let newest = job::newest(write.as_read(), &job)?;
    let Some((owner, until)) = owner(write, &job, &newest, set_by)? else {
        return Ok(());
    };
    let nominal = entry.nominal.unwrap_or(at);
    if until.is_some_and(|until| nominal > until) {
        return Ok(());
    }
    let policy = &newest.spec.policy;
    let schedule = owner.schedule();
    let live = job::live(write.as_read(), id, policy.max_concurrency.max(2) as usize)?;
    let Decision { run, skip, next } =
        occurrence::decide(id, &schedule, policy, nominal, live.len(), until, now);
    let mut skipping = None;
    if let Some(skip) = skip {
        let skipped = record_skip(write, id, &skip, entry.skipping)?;
        // A run after the skips ends their row.
        skipping = run.is_none().then_some(skipped);
    }
    if let Some(nominal) = next {
        let what = Due::Occurrence { job: id, revision: set_by };
        let key = DueKey { at: schedule.jittered(id, nominal), what };
        write.save(&key, &DueEntry { nominal: Some(nominal), skipping });
    }
    let Some((nominal, trigger)) = run else {
        return Ok(());
    };
    let run = Run::queued(RunId::new(id, now, random()), job.name.clone(), trigger, nominal, now);
    if !has_turn(&newest, busy(&live)) {
        // It waits for the end of the run before it, which puts it into the index.
        write.save(&LiveKey(run.id), &Live(run));
    } else if room {
        begin(write, &run, newest, now, claimed)?;
    } else {
        wait(write, &run, now);
        write.save(&LiveKey(run.id), &Live(run));
    }
    Ok(())
}

/// Whether one more run of the job may go on beside `busy` others.
fn has_turn(revision: &Revision, busy: usize) -> bool {
    let policy = &revision.spec.policy;
    let most = if policy.overlap == Overlap::Allow { policy.max_concurrency as usize } else { 1 };
    busy < most
}

/// Puts a run into the index of what is due.
pub(crate) fn wait(write: &mut dyn Write, run: &Run, at: Instant) {
    write.save(&DueKey { at, what: Due::Attempt(run.id) }, &DueEntry::default());
}

fn begin_due(
    write: &mut dyn Write,
    key: DueKey,
    id: RunId,
    now: Instant,
    claimed: &mut Claimed,
) -> Result<(), StoreError> {
    write.remove::<DueEntry>(&key);
    let Some(Live(run)) = write.load::<Live>(&LiveKey(id))? else {
        return Ok(());
    };
    if run.due() != Some(key.at) {
        return Ok(());
    }
    let Some(job) = write.load::<Job>(&id.job())? else {
        return Ok(());
    };
    let newest = job::newest(write.as_read(), &job)?;
    if run.attempts.is_empty() {
        let most = newest.spec.policy.max_concurrency as usize + 1;
        let others = job::live(write.as_read(), id.job(), most + WAITING_LOOKED_AT)?;
        if !has_turn(&newest, busy(&others)) {
            return Ok(());
        }
    }
    begin(write, &run, newest, now, claimed)
}

/// Live runs that are looked at beside the concurrent ones to find those that are going on.
const WAITING_LOOKED_AT: usize = sandglass_core::limit::fixed::WAITING_PER_JOB;

fn begin(
    write: &mut dyn Write,
    run: &Run,
    newest: Revision,
    now: Instant,
    claimed: &mut Claimed,
) -> Result<(), StoreError> {
    let event = Event::Start { revision: newest.number };
    let Ok(run) = step(run, event, &newest.spec.policy.retry, now, 0) else {
        return Ok(());
    };
    write.save(&LiveKey(run.id), &Live(run.clone()));
    let status = job::status(write.as_read(), run.id.job())?;
    claimed.started.push(Started {
        run,
        revision: newest,
        last_success: status.last_success,
        emails_today: status.emails_today(now),
    });
    Ok(())
}

/// Adds to the skips in a row, or begins a new record.
fn record_skip(
    write: &mut dyn Write,
    job: JobId,
    skip: &Skip,
    before: Option<Skipping>,
) -> Result<Skipping, StoreError> {
    let mut status = job::status(write.as_read(), job)?;
    match skip.reason {
        Reason::Missed => status.missed += skip.count,
        Reason::Overlap | Reason::Paused => status.skipped += skip.count,
    }
    write.save(&job, &status);
    let joined = before.filter(|before| before.reason == skip.reason).map(|before| SkipKey {
        job,
        from: before.from,
        number: before.number,
    });
    if let Some(key) = joined
        && let Some(mut record) = write.load::<Skip>(&key)?
    {
        record.to = skip.to;
        record.count += skip.count;
        write.save(&key, &record);
        return Ok(Skipping { reason: skip.reason, from: key.from, number: key.number });
    }
    let key = free_skip_key(write.as_read(), job, skip.from)?;
    write.save(&key, skip);
    Ok(Skipping { reason: skip.reason, from: key.from, number: key.number })
}

/// A key for a skip that begins at `from`, after those that began there before the clock stepped back.
pub(crate) fn free_skip_key(read: &dyn Read, job: JobId, from: Instant) -> Result<SkipKey, StoreError> {
    let mut prefix = job.to_bytes();
    from.encode(&mut prefix);
    let last = read.list::<Skip>(&KeyRange::prefix(prefix), true, 1)?;
    let number = last.first().map_or(0, |(key, _)| key.number + 1);
    Ok(SkipKey { job, from, number })
}
