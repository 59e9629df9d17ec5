//! Jobs and their revisions.

use crate::key::{Due, DueKey, Key, KeyRange, RevisionKey, SkipKey};
use crate::op::{OpError, epoch, pause, run, turn};
use crate::record::{Component, DueEntry, Meta, NameOf};
use crate::space::Space;
use crate::store::{Read, StoreError, Write};
use sandglass_core::job::{Job, Revision, Skip, Status};
use sandglass_core::limit::fixed;
use sandglass_core::run::{Event, State};
use sandglass_core::spec::Specification;
use sandglass_core::{Instant, JobId, Name, Problem, Span};
use std::ops::{Bound, ControlFlow};

const MILLISECOND: Span = Span::from_millis(1);

/// What the caller expects of the job that it is about to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Anything,
    /// `If-None-Match: *`: no such job.
    Absent,
    /// `If-Match`: the job in this version.
    Version(u64),
}

/// A job with its newest revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    pub job: Job,
    pub revision: Revision,
}

pub fn find(read: &dyn Read, name: &Name) -> Result<Job, OpError> {
    let id = read.load::<NameOf>(name)?;
    let job = match id {
        Some(NameOf(id)) => read.load::<Job>(&id)?,
        None => None,
    };
    job.ok_or_else(|| OpError::NotFound(format!("there is no job `{name}`")))
}

pub fn current(read: &dyn Read, name: &Name) -> Result<Current, OpError> {
    let job = find(read, name)?;
    let revision = newest(read, &job)?;
    Ok(Current { job, revision })
}

pub fn newest(read: &dyn Read, job: &Job) -> Result<Revision, StoreError> {
    let key = revision_key(job.id, job.revision);
    read.load(&key)?
        .ok_or_else(|| StoreError::Damaged(format!("job {} lacks its revision {}", job.name, job.revision)))
}

pub fn status(read: &dyn Read, job: JobId) -> Result<Status, StoreError> {
    Ok(read.load(&job)?.unwrap_or_default())
}

/// Jobs after `after`, in the order of their names.
pub fn list(read: &dyn Read, after: Option<&Name>, limit: usize) -> Result<Vec<Job>, StoreError> {
    let from = after.map_or(Bound::Unbounded, |name| Bound::Excluded(name.to_bytes()));
    let names = read.list::<NameOf>(&KeyRange { from, to: Bound::Unbounded }, false, limit)?;
    let mut jobs = Vec::with_capacity(names.len());
    for (_, NameOf(id)) in names {
        jobs.extend(read.load::<Job>(&id)?);
    }
    Ok(jobs)
}

/// The revisions that are kept, newest first.
pub fn revisions(read: &dyn Read, job: JobId) -> Result<Vec<Revision>, StoreError> {
    let range = KeyRange::prefix(job.to_bytes());
    Ok(read.list::<Revision>(&range, true, usize::MAX)?.into_iter().map(|(_, revision)| revision).collect())
}

/// What was skipped, newest first.
pub fn skips(
    read: &dyn Read,
    job: JobId,
    before: Option<SkipKey>,
    limit: usize,
) -> Result<Vec<(SkipKey, Skip)>, StoreError> {
    let mut range = KeyRange::prefix(job.to_bytes());
    if let Some(before) = before {
        range.to = Bound::Excluded(before.to_bytes());
    }
    read.list::<Skip>(&range, true, limit)
}

/// Adds a revision to the job of this name, which it makes where there is none. A specification that is the
/// same as the newest one adds none.
pub fn put(
    write: &mut dyn Write,
    name: &Name,
    spec: Specification,
    expect: Expect,
    now: Instant,
) -> Result<Current, OpError> {
    if write.load::<Component>(&spec.component)?.is_none() {
        let message = format!("there is no component {}: upload it first", spec.component);
        return Err(OpError::Invalid(vec![Problem::new("/component", message)]));
    }
    match find(write.as_read(), name) {
        Ok(job) => {
            check(&job, expect)?;
            let before = newest(write.as_read(), &job)?;
            if before.spec == spec {
                return Ok(Current { job, revision: before });
            }
            revise(write, job, &before, spec, now)
        }
        Err(OpError::NotFound(message)) => match expect {
            Expect::Version(_) => Err(OpError::Stale(message)),
            _ => create(write, name, spec, now),
        },
        Err(error) => Err(error),
    }
}

pub fn check(job: &Job, expect: Expect) -> Result<(), OpError> {
    match expect {
        Expect::Anything => Ok(()),
        Expect::Version(version) if version == job.version => Ok(()),
        Expect::Version(version) => Err(OpError::Stale(format!(
            "job `{}` is at version {}, not {version}: read it again",
            job.name, job.version
        ))),
        Expect::Absent => Err(OpError::Stale(format!("job `{}` is there already", job.name))),
    }
}

fn create(write: &mut dyn Write, name: &Name, spec: Specification, now: Instant) -> Result<Current, OpError> {
    let mut meta = write.load::<Meta>(&())?.unwrap_or_default();
    meta.newest_job =
        meta.newest_job.checked_add(1).ok_or_else(|| OpError::Limit("no job number is left".into()))?;
    let id = JobId(meta.newest_job);
    if meta.jobs >= fixed::JOBS {
        return Err(OpError::Limit(format!("{} jobs, and the limit is {}", meta.jobs, fixed::JOBS)));
    }
    meta.jobs += 1;
    write.save(&(), &meta);
    let revision = Revision::following(None, spec, now);
    let version = write.sequence();
    let job =
        Job { id, name: name.clone(), revision: 1, created_at: now, version, paused: None, owned_to: None };
    write.save(name, &NameOf(id));
    write.save(&id, &job);
    write.save(&RevisionKey { job: id, number: 1 }, &revision);
    await_next(write, &job, &revision, now)?;
    Ok(Current { job, revision })
}

fn revise(
    write: &mut dyn Write,
    mut job: Job,
    before: &Revision,
    spec: Specification,
    now: Instant,
) -> Result<Current, OpError> {
    let revision = Revision::following(Some(before), spec, now);
    if revision.schedule_since != before.schedule_since {
        if job.paused.is_some() {
            let epoch = run::epoch(write.as_read())?;
            pause::record(write, &mut job, before, epoch, now)?;
        } else {
            forget_next(write, &mut job, before, now)?;
            await_next(write, &job, &revision, now)?;
        }
    }
    job.revision = revision.number;
    job.version = write.sequence();
    write.save(&job.id, &job);
    write.save(&revision_key(job.id, revision.number), &revision);
    // The policy may let another run go on now.
    turn::settle(write, job.id, &revision.spec.policy, now)?;
    if let Some(number) = revision.number.checked_sub(fixed::REVISIONS).filter(|number| *number > 0) {
        write.remove::<Revision>(&RevisionKey { job: job.id, number });
    }
    Ok(Current { job, revision })
}

/// Adds a copy of an older revision.
pub fn roll_back(
    write: &mut dyn Write,
    name: &Name,
    number: u32,
    expect: Expect,
    now: Instant,
) -> Result<Current, OpError> {
    let job = find(write.as_read(), name)?;
    check(&job, expect)?;
    let key = RevisionKey { job: job.id, number };
    let old = write
        .load::<Revision>(&key)?
        .ok_or_else(|| OpError::NotFound(format!("job `{name}` has no revision {number}, or no longer")))?;
    let before = newest(write.as_read(), &job)?;
    revise(write, job, &before, old.spec, now)
}

/// Deletes a job: what waits is cancelled, what runs goes on to its end, its history stays.
pub fn delete(write: &mut dyn Write, name: &Name, expect: Expect, now: Instant) -> Result<(), OpError> {
    let Current { mut job, revision } = current(write.as_read(), name)?;
    check(&job, expect)?;
    if job.paused.is_none() {
        forget_next(write, &mut job, &revision, now)?;
    }
    for live in turn::all(write.as_read(), job.id)? {
        // Ending one may have changed the next.
        if let Some(run) = turn::live(write.as_read(), live.id)?
            && !matches!(run.state, State::Running { .. })
        {
            run::advance(write, &run, Event::Cancel, now, 0)?;
        }
    }
    let mut meta = write.load::<Meta>(&())?.unwrap_or_default();
    meta.jobs = meta.jobs.saturating_sub(1);
    write.save(&(), &meta);
    write.remove::<NameOf>(name);
    write.remove::<Job>(&job.id);
    write.remove::<Status>(&job.id);
    for space in [Space::Revision, Space::Skip] {
        let mut keys = Vec::new();
        write.scan(space, &KeyRange::prefix(job.id.to_bytes()), false, &mut |key, _| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        })?;
        for key in keys {
            write.delete(space, key);
        }
    }
    Ok(())
}

/// Puts the first occurrence after `after` into the index that was not dealt with.
pub(crate) fn await_next(
    write: &mut dyn Write,
    job: &Job,
    revision: &Revision,
    after: Instant,
) -> Result<(), StoreError> {
    if let Some((key, nominal)) = next_due(job, revision, after) {
        let epoch = run::epoch(write.as_read())?;
        write.save(&key, &DueEntry { nominal: Some(nominal), epoch, ..DueEntry::default() });
    }
    Ok(())
}

/// Takes it out again: the reign of the schedule ends. An occurrence that is due and not yet dealt with is
/// another one, and stays: it is the old schedule's, up to now, and its entry says so. Where the clock was set
/// back, occurrences were dealt with that lie ahead of it, and the old schedule owns the instants up to the last
/// of them.
pub(crate) fn forget_next(
    write: &mut dyn Write,
    job: &mut Job,
    revision: &Revision,
    now: Instant,
) -> Result<(), StoreError> {
    let next = next_due(job, revision, now);
    job.owned_to = job.owned_to.max(Some(now));
    let Some((key, first)) = next else {
        return Ok(());
    };
    let epoch = epoch::current(write.as_read())?;
    let is_awaited = |entry: &DueEntry| entry.epoch == epoch.number && entry.until.is_none();
    if write.load::<DueEntry>(&key)?.is_some_and(|entry| is_awaited(&entry)) {
        write.remove::<DueEntry>(&key);
        return Ok(());
    }
    let schedule = revision.schedule();
    let before = schedule.last_until(Instant::MIN, first.minus(MILLISECOND));
    let before = before.map(|nominal| DueKey { at: schedule.jittered(job.id, nominal), what: key.what });
    if let Some(before) = before
        && let Some(entry) = write.load::<DueEntry>(&before)?.filter(is_awaited)
    {
        write.save(&before, &DueEntry { until: Some(now), ..entry });
        return Ok(());
    }
    // Nobody can tell where its entry is: the index is searched, which takes a set clock and a change of the job.
    let mut found = None;
    write.as_read().each::<DueEntry>(&Due::occurrences(Instant::MAX), false, |key, entry| {
        let is_it = key.what == Due::Occurrence { job: job.id, revision: revision.schedule_since };
        if is_it && is_awaited(&entry) {
            found = Some((key, entry.nominal.unwrap_or(key.at), entry));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    let dealt_to = match found {
        Some((key, nominal, entry)) if nominal < first => {
            write.save(&key, &DueEntry { until: Some(now), ..entry });
            return Ok(());
        }
        Some((key, nominal, _)) => {
            write.remove::<DueEntry>(&key);
            nominal.minus(MILLISECOND)
        }
        // The last one of the schedule was dealt with.
        None => epoch.latest(),
    };
    job.owned_to = job.owned_to.max(schedule.last_until(first.minus(MILLISECOND), dealt_to));
    Ok(())
}

fn next_due(job: &Job, revision: &Revision, after: Instant) -> Option<(DueKey, Instant)> {
    let schedule = revision.schedule();
    let nominal = schedule.next_after(job.owned_to.map_or(after, |owned_to| after.max(owned_to)))?;
    let what = Due::Occurrence { job: job.id, revision: revision.schedule_since };
    Some((DueKey { at: schedule.jittered(job.id, nominal), what }, nominal))
}

pub(crate) fn revision_key(job: JobId, number: u32) -> RevisionKey {
    RevisionKey { job, number }
}
