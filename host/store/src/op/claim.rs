//! Claiming what is due: each occurrence is accounted for, and attempts begin where there is room.

use crate::key::{Due, DueKey, LiveKey};
use crate::op::due::{PATIENCE, owner};
use crate::op::{epoch, job, notice, run, skip, turn};
use crate::record::{DueEntry, Live, Skipping, Waiting};
use crate::store::{StoreError, Write};
use sandglass_core::epoch::Epoch;
use sandglass_core::job::{Job, Revision, Skip, Status};
use sandglass_core::limit::Bytes;
use sandglass_core::notify::Kind;
use sandglass_core::occurrence::{self, Decision};
use sandglass_core::run::{Event, Run, State, Trigger, step};
use sandglass_core::{Instant, JobId, RunId};

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

/// Where attempts may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub slots: usize,
    /// For their linear memories, counted by what each may take at most.
    pub memory: Bytes,
    /// Nothing executes: then one attempt may begin whatever memory it may take.
    pub idle: bool,
}

impl Room {
    pub const NONE: Room = Room { slots: 0, memory: Bytes(0), idle: false };

    /// Takes a place for an attempt, if there is one.
    fn take(&mut self, memory: Bytes) -> bool {
        if self.slots == 0 || (memory > self.memory && !self.idle) {
            return false;
        }
        self.slots -= 1;
        self.memory = Bytes(self.memory.0.saturating_sub(memory.0));
        self.idle = false;
        true
    }
}

/// What a claim did.
#[derive(Debug, Default)]
pub struct Claimed {
    pub started: Vec<Started>,
    /// Runs that ended without an attempt of theirs ending: replaced by a newer occurrence, or given up. An
    /// attempt that executes for one of them is to be told.
    pub ended: Vec<RunId>,
    /// Occurrences that were dealt with.
    pub occurrences: usize,
    /// Occurrences that were skipped.
    pub skipped: u64,
    /// Whether more may be due than one claim takes.
    pub more: bool,
}

/// Occurrences and attempts that one claim looks at. It bounds how long other writers wait.
const CLAIM_MAX: usize = 128;

/// Deals with what is due at `now`, and begins attempts as long as there is room. `random` is drawn from for
/// ids.
pub fn claim(
    write: &mut dyn Write,
    now: Instant,
    room: Room,
    random: &mut dyn FnMut() -> u64,
) -> Result<Claimed, StoreError> {
    let epoch = epoch::observe(write, now)?;
    let mut claim = Claim { now, room, epoch, random, crowded: false, claimed: Claimed::default() };
    let checks = write.as_read().list::<DueEntry>(&Due::checks(now), false, CLAIM_MAX)?;
    for (key, _) in &checks {
        claim.check(write, key)?;
    }
    let more_attempts = claim.attempts(write)?;
    let occurrences = write.as_read().list::<DueEntry>(&Due::occurrences(now), false, CLAIM_MAX)?;
    for (key, entry) in &occurrences {
        if !claim.occurrence(write, key, entry)? {
            break;
        }
    }
    let Claim { mut claimed, .. } = claim;
    // What began and was replaced in the same claim is not executed.
    let Claimed { started, ended, .. } = &mut claimed;
    started.retain(|started| !ended.contains(&started.run.id));
    claimed.more = more_attempts || checks.len() == CLAIM_MAX || claimed.occurrences == CLAIM_MAX;
    Ok(claimed)
}

/// One claim as it goes on.
struct Claim<'a> {
    now: Instant,
    room: Room,
    epoch: Epoch,
    random: &'a mut dyn FnMut() -> u64,
    /// An attempt that is due found no room: nothing that comes later goes before it, however little it takes.
    crowded: bool,
    claimed: Claimed,
}

/// An occurrence's job, the schedule that asks for it, and when that schedule's reign ended if it did.
struct Owned {
    job: Job,
    newest: Revision,
    owner: Revision,
    until: Option<Instant>,
}

impl Claim<'_> {
    /// Begins what is due, in its order, and says whether more of it may have room than one claim looks at. Some
    /// entries come to nothing: those behind them are looked at before any occurrence is, which would overtake them.
    fn attempts(&mut self, write: &mut dyn Write) -> Result<bool, StoreError> {
        let mut left = CLAIM_MAX;
        while self.room.slots > 0 && left > 0 {
            let most = self.room.slots.min(left);
            let due = write.as_read().list::<DueEntry>(&Due::attempts(self.now), false, most)?;
            for (key, _) in &due {
                if !self.begin_due(write, key)? {
                    self.crowded = true;
                    return Ok(false);
                }
            }
            left -= due.len();
            if due.len() < most {
                return Ok(false);
            }
        }
        self.crowded = true;
        Ok(self.room.slots > 0)
    }

    /// Looks at a run that may still wait.
    fn check(&mut self, write: &mut dyn Write, key: &DueKey) -> Result<(), StoreError> {
        write.remove::<DueEntry>(key);
        let Due::Check(id) = key.what else { return Ok(()) };
        let Some(Waiting(run)) = write.load::<Waiting>(&LiveKey(id))? else {
            return Ok(());
        };
        if self.expires(write, &run)? {
            return Ok(());
        }
        if let Some(job) = write.load::<Job>(&id.job())? {
            let newest = job::newest(write.as_read(), &job)?;
            let mut status = job::status(write.as_read(), job.id)?;
            let notify = &newest.spec.notify;
            if let Some(news) = status.news_of_waiting(notify, &run) {
                notice::tell(write, &job, notify, &mut status, &news, Some(id), self.now)?;
                write.save::<Status>(&job.id, &status);
            }
        }
        if let Some(at) = run.start_by {
            write.save(&DueKey { at, what: key.what }, &DueEntry::default());
        }
        Ok(())
    }

    /// Gives a run up that has not begun in time, and says whether it did.
    fn expires(&mut self, write: &mut dyn Write, run: &Run) -> Result<bool, StoreError> {
        if run.start_by.is_none_or(|start_by| self.now < start_by) {
            return Ok(false);
        }
        let ended = run::advance(write, run, Event::Expire, self.now, 0)?;
        self.claimed.ended.extend(ended.map(|run| run.id));
        Ok(true)
    }

    /// Begins the attempt that an entry stands for, and says whether there may be room for another.
    fn begin_due(&mut self, write: &mut dyn Write, key: &DueKey) -> Result<bool, StoreError> {
        let Due::Attempt(id) = key.what else { return Ok(true) };
        let run = turn::live(write.as_read(), id)?.filter(|run| run.due() == Some(key.at));
        let job = write.load::<Job>(&id.job())?;
        let (Some(mut run), Some(job)) = (run, job) else {
            write.remove::<DueEntry>(key);
            return Ok(true);
        };
        let newest = job::newest(write.as_read(), &job)?;
        if run.is_queued() {
            if self.expires(write, &run)? {
                return Ok(true);
            }
            if !turn::is_free(write.as_read(), job.id, &newest.spec.policy)? {
                // The policy has changed. The end of the run that goes on lets this one have its turn.
                write.remove::<DueEntry>(key);
                run.state = State::Queued { due: None };
                write.save(&LiveKey(id), &Waiting(run));
                return Ok(true);
            }
        }
        if !self.room.take(newest.spec.limits.memory) {
            return Ok(false);
        }
        write.remove::<DueEntry>(key);
        if !run.is_queued() {
            self.begin(write, &run, newest)?;
            return Ok(true);
        }
        write.remove::<Waiting>(&LiveKey(id));
        let policy = newest.spec.policy.clone();
        self.begin(write, &run, newest)?;
        turn::settle(write, job.id, &policy, self.now)?;
        Ok(true)
    }

    /// Deals with an occurrence that is due, and says whether to go on: it is left for later where it can
    /// hope for room.
    fn occurrence(
        &mut self,
        write: &mut dyn Write,
        key: &DueKey,
        entry: &DueEntry,
    ) -> Result<bool, StoreError> {
        let Due::Occurrence { job: id, revision: set_by } = key.what else { return Ok(true) };
        if self.room.slots == 0 && self.now.since(key.at) < PATIENCE {
            return Ok(false);
        }
        write.remove::<DueEntry>(key);
        self.claimed.occurrences += 1;
        let nominal = entry.nominal.unwrap_or(key.at);
        if let Some(owned) = self.owned(write, id, set_by, entry)?
            && owned.until.is_none_or(|until| nominal <= until)
        {
            self.deal_with(write, &owned, *key, nominal, entry)?;
        }
        Ok(true)
    }

    fn owned(
        &self,
        write: &dyn Write,
        id: JobId,
        set_by: u32,
        entry: &DueEntry,
    ) -> Result<Option<Owned>, StoreError> {
        let Some(job) = write.load::<Job>(&id)? else {
            return Ok(None);
        };
        let newest = job::newest(write.as_read(), &job)?;
        let Some((owner, until)) = owner(write, &job, &newest, set_by)? else {
            return Ok(None);
        };
        let ended = (entry.epoch < self.epoch.number).then_some(self.epoch.began);
        let until = [until, entry.until, ended].into_iter().flatten().min();
        Ok(Some(Owned { job, newest, owner, until }))
    }

    fn deal_with(
        &mut self,
        write: &mut dyn Write,
        owned: &Owned,
        key: DueKey,
        nominal: Instant,
        entry: &DueEntry,
    ) -> Result<(), StoreError> {
        let Owned { job, newest, owner, until } = owned;
        let policy = &newest.spec.policy;
        let schedule = owner.schedule();
        let queue = turn::queue(write.as_read(), job.id)?;
        let decision = occurrence::decide(job.id, &schedule, policy, nominal, queue, *until, self.now);
        let Decision { runs, trigger, replaces, skip, next } = decision;
        if trigger == Trigger::CatchUp {
            let skipped = skip.as_ref().map_or(0, |skip| skip.count);
            let last = runs.last().copied().or(skip.as_ref().map(|skip| skip.to)).unwrap_or(nominal);
            self.tell_missed(write, owned, skipped + runs.len() as u64, nominal, last)?;
        }
        let mut skipping = None;
        if let Some(mut skip) = skip {
            skip.epoch = entry.epoch;
            self.claimed.skipped += skip.count;
            let skipped = record_skip(write, job.id, &skip, entry.skipping)?;
            // A run after the skips ends their row.
            skipping = runs.is_empty().then_some(skipped);
        }
        if let Some(nominal) = next {
            let key = DueKey { at: schedule.jittered(job.id, nominal), what: key.what };
            let entry = DueEntry { nominal: Some(nominal), skipping, ..entry.clone() };
            write.save(&key, &entry);
        }
        if replaces {
            self.replace(write, job.id)?;
        }
        for nominal in runs {
            let id = turn::next_id(write.as_read(), job.id, self.now, (self.random)())?;
            let mut run = Run::queued(id, job.name.clone(), trigger, nominal, entry.epoch);
            let from = if trigger == Trigger::Schedule { key.at } else { self.now };
            run.start_by = policy.start_within.map(|most| from.plus(most));
            run.start_within = policy.start_within;
            self.take_turn(write, owned, run, key.at)?;
        }
        Ok(())
    }

    /// Begins a run at once, or lets it wait.
    fn take_turn(
        &mut self,
        write: &mut dyn Write,
        owned: &Owned,
        run: Run,
        due: Instant,
    ) -> Result<(), StoreError> {
        let spec = &owned.newest.spec;
        let in_time = run.start_by.is_none_or(|start_by| self.now < start_by);
        let job = run.id.job();
        if in_time
            && !self.crowded
            && !turn::is_awaited(write.as_read(), job)?
            && turn::is_free(write.as_read(), job, &spec.policy)?
            && self.room.take(spec.limits.memory)
        {
            return self.begin(write, &run, owned.newest.clone());
        }
        let tells = run.trigger == Trigger::Schedule && spec.notify.tells(Kind::Late);
        let late = tells.then(|| due.plus(spec.policy.late_after));
        let check = late.into_iter().chain(run.start_by).min();
        turn::enqueue(write, run, &spec.policy, check, self.now)
    }

    /// Cancels the older occurrences of a job.
    fn replace(&mut self, write: &mut dyn Write, job: JobId) -> Result<(), StoreError> {
        for older in turn::all(write.as_read(), job)? {
            // Ending one may have changed the next.
            if older.trigger == Trigger::Schedule
                && let Some(run) = turn::live(write.as_read(), older.id)?
            {
                let ended = run::advance(write, &run, Event::Cancel, self.now, 0)?;
                self.claimed.ended.extend(ended.map(|run| run.id));
            }
        }
        Ok(())
    }

    /// Tells of occurrences that were missed, caught up or not.
    fn tell_missed(
        &mut self,
        write: &mut dyn Write,
        owned: &Owned,
        count: u64,
        from: Instant,
        to: Instant,
    ) -> Result<(), StoreError> {
        let (job, notify) = (&owned.job, &owned.newest.spec.notify);
        if !notify.tells(Kind::Late) {
            return Ok(());
        }
        let mut status = job::status(write.as_read(), job.id)?;
        if let Some(news) = status.news_of_missed(notify, &job.name, count, from, to) {
            notice::tell(write, job, notify, &mut status, &news, None, self.now)?;
            write.save(&job.id, &status);
        }
        Ok(())
    }

    fn begin(&mut self, write: &mut dyn Write, run: &Run, newest: Revision) -> Result<(), StoreError> {
        let event = Event::Start { revision: newest.number };
        let Ok(begun) = step(run, event, &newest.spec.policy.retry, self.now, 0) else {
            return Ok(());
        };
        write.save(&LiveKey(run.id), &Live(begun.clone()));
        let status = job::status(write.as_read(), run.id.job())?;
        self.claimed.started.push(Started {
            run: begun,
            revision: newest,
            last_success: status.last_success,
            emails_today: status.emails.today(self.now),
        });
        Ok(())
    }
}

/// Counts what was skipped, and records it.
fn record_skip(
    write: &mut dyn Write,
    job: JobId,
    skip: &Skip,
    before: Option<Skipping>,
) -> Result<Skipping, StoreError> {
    let mut status = job::status(write.as_read(), job)?;
    status.record_skip(skip);
    write.save(&job, &status);
    skip::record(write, job, skip, before)
}
