//! Whose instants are whose, and what became of each: every one has one outcome, in its turn, and the outcome
//! is the one that the policy says.

use super::books::{JobBook, Reign};
use super::{Oracle, Seen};
use sandglass_core::job::{Reason, Skip};
use sandglass_core::limit::fixed;
use sandglass_core::policy::{CatchUp, Overlap};
use sandglass_core::run::{Run, Trigger};
use sandglass_core::{Instant, JobId, RunId, Span};
use sandglass_store::record::Meta;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A clock that is set back by more begins a new epoch.
const DAY: Span = Span::from_secs(86_400);

/// What one commit did with some instants in a row.
#[derive(Debug, Clone)]
pub struct Dealt {
    pub job: JobId,
    pub epoch: u32,
    pub from: Instant,
    pub to: Instant,
    pub count: u64,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum How {
    Run(RunId),
    CaughtUp(RunId),
    Skipped(Reason),
}

impl Dealt {
    pub fn run(run: &Run) -> Option<Dealt> {
        let how = match run.trigger {
            Trigger::Schedule => How::Run(run.id),
            Trigger::CatchUp => How::CaughtUp(run.id),
            Trigger::Backfill | Trigger::Manual | Trigger::Webhook => return None,
        };
        let (from, to) = (run.scheduled_for, run.scheduled_for);
        Some(Dealt { job: run.id.job(), epoch: run.epoch, from, to, count: 1, how })
    }
}

const MILLISECOND: Span = Span::from_millis(1);

/// Beyond so many instants they are counted, not looked at one by one.
const ENUMERATED: u64 = 2_000;

impl Reign {
    pub fn owns(&self, at: Instant) -> bool {
        self.from < at && self.to.is_none_or(|to| at <= to)
    }

    /// The first instant without an outcome, and when it is due.
    pub fn next(&mut self, job: JobId) -> Option<(Instant, Instant)> {
        if self.released {
            return None;
        }
        if let Some(next) = self.next {
            return next;
        }
        let after = self.dealt.max(self.optional);
        let next = self.schedule.next_after(after).filter(|at| self.to.is_none_or(|to| *at <= to));
        let next = next.map(|at| (at, self.schedule.jittered(job, at))).filter(|(_, due)| *due <= self.owed);
        self.next = Some(next);
        next
    }

    fn close(&mut self, at: Instant) {
        self.to = Some(at);
        self.next = None;
    }

    /// Whether these are the instants whose turn it is.
    fn fits(&self, dealt: &Dealt) -> bool {
        let before = dealt.from.minus(MILLISECOND);
        let after = self.dealt.max(self.optional.min(before));
        !self.released
            && self.epoch == dealt.epoch
            && self.owns(dealt.from)
            && self.owns(dealt.to)
            && self.schedule.next_after(after) == Some(dealt.from)
            && self.schedule.last_until(before, dealt.to) == Some(dealt.to)
            && self.count(before, dealt.to) == dealt.count
    }

    fn count(&self, after: Instant, until: Instant) -> u64 {
        let mut at = after;
        for counted in 0..ENUMERATED {
            match self.schedule.next_after(at).filter(|next| *next <= until) {
                Some(next) => at = next,
                None => return counted,
            }
        }
        ENUMERATED + self.schedule.count(at, until)
    }
}

impl Oracle {
    /// A reign begins at the instant of this commit.
    pub(super) fn begin_reign(&mut self, id: JobId) {
        let (epoch, wall, high) = (self.epoch, self.wall, self.high);
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let newest = job.newest();
        let reign = Reign {
            epoch,
            schedule: newest.schedule(),
            paused: job.paused.is_some(),
            from: wall,
            to: None,
            dealt: wall,
            optional: if high > wall { high } else { Instant::MIN },
            owed: Instant::MAX,
            next: None,
            released: false,
        };
        job.reigns.retain(|reign| !reign.released || reign.epoch == epoch);
        job.reigns.push(reign);
    }

    pub(super) fn close_reign(&mut self, id: JobId) {
        let wall = self.wall;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if let Some(reign) = job.reigns.iter_mut().rfind(|reign| reign.to.is_none()) {
            reign.close(wall);
        }
    }

    /// A clock that was set back by more than a day has begun a new epoch.
    pub(super) fn look_for_epoch(&mut self) {
        let back = self.reached.since(self.wall);
        if back > DAY && self.is_calm_since(Span::ZERO) {
            self.fail("epoch", format!("the clock was set back by {back}, and its epoch goes on"));
        }
    }

    /// The clock's record has changed: a new epoch lets every schedule go on from what the clock shows.
    pub(super) fn tell_epoch(&mut self, meta: &Meta, seen: &Seen) {
        let reached = std::mem::replace(&mut self.reached, meta.epoch.reached);
        if meta.epoch.number == self.epoch {
            return;
        }
        let back = self.high.since(self.wall);
        if meta.epoch.number != self.epoch + 1 || back <= DAY {
            let text = format!("epoch {} after {}, {back} back", meta.epoch.number, self.epoch);
            self.fail("epoch", text);
        }
        self.tally.epochs += 1;
        (self.epoch, self.epoch_since) = (meta.epoch.number, self.commits);
        self.requests.forget_all();
        let high = std::mem::replace(&mut self.high, self.wall);
        for id in self.jobs.keys().copied().collect::<Vec<_>>() {
            self.follow_clock(id, high, reached, seen);
        }
    }

    /// The old clock had come to `high`, and had been seen at `reached` by who deals with occurrences.
    fn follow_clock(&mut self, id: JobId, high: Instant, reached: Instant, seen: &Seen) {
        let wall = self.wall;
        let Some(job) = self.jobs.get_mut(&id).filter(|job| !job.deleted) else { return };
        let mut lost = None;
        for reign in job.reigns.iter_mut().filter(|reign| reign.to.is_none()) {
            // Without room for it, an occurrence may wait some seconds.
            reign.owed = reached.minus(Span::from_secs(10));
            reign.close(high);
            if !reign.paused {
                lost = reign.next(id).filter(|(nominal, _)| *nominal > wall);
                reign.close(wall.max(reign.dealt));
                reign.owed = Instant::MAX;
            }
        }
        if let Some((nominal, due)) = lost {
            let text =
                format!("{}: {nominal}, due at {due}, has no outcome, and its clock is gone", job.name);
            return self.fail("lost", text);
        }
        for (key, revision) in &seen.revisions {
            let Some(revision) = revision.as_ref().filter(|_| key.job == id) else { continue };
            let (before, same) = (job.newest(), revision.spec == job.newest().spec);
            if !same || before.anchor <= wall || revision.anchor != wall {
                let text = format!("job {} has a new revision by a new epoch: {revision:?}", job.name);
                return self.fail("epoch", text);
            }
            job.revisions.push(revision.clone());
        }
        self.begin_reign(id);
    }

    /// Holds what a commit did with instants against whose they are and what the policies say.
    pub(super) fn deal(&mut self, seen: &Seen, mut dealt: Vec<Dealt>, counts: &BTreeMap<JobId, usize>) {
        for (key, skip) in &seen.skips {
            dealt.extend(self.skipped(key.job, key.from, key.number, skip.as_ref()));
        }
        dealt.sort_by_key(|dealt| (dealt.job, dealt.epoch, dealt.from, dealt.to));
        let mut made: BTreeMap<JobId, usize> = BTreeMap::new();
        for dealt in &dealt {
            let made = made.entry(dealt.job).or_default();
            let expired = Self::expired_in(seen, dealt.job);
            let queue = counts.get(&dealt.job).map_or(0, |count| count.saturating_sub(expired)) + *made;
            self.deal_with(dealt, queue, seen);
            *made += usize::from(!matches!(dealt.how, How::Skipped(_)));
        }
        let jobs: Vec<JobId> = self.jobs.keys().copied().collect();
        for id in jobs {
            self.check_pauses(id);
        }
    }

    /// Runs of the job that this commit gave up before it dealt with occurrences.
    fn expired_in(seen: &Seen, job: JobId) -> usize {
        let expired = |run: &&Run| run.status() == "skipped";
        let ended = seen.runs.iter().filter(|(id, _)| id.job() == job);
        ended.filter_map(|(_, places)| places.ended.as_ref()?.as_ref()).filter(expired).count()
    }

    /// How a record of skips has grown.
    fn skipped(&mut self, id: JobId, from: Instant, number: u32, skip: Option<&Skip>) -> Option<Dealt> {
        let job = self.jobs.get_mut(&id).filter(|job| !job.deleted)?;
        let Some(skip) = skip else {
            job.skips.remove(&(from, number));
            return None;
        };
        let before = job.skips.insert((from, number), (skip.to, skip.count));
        match skip.reason {
            Reason::Missed => job.counts.missed += skip.count - before.map_or(0, |(_, count)| count),
            _ => job.counts.skipped += skip.count - before.map_or(0, |(_, count)| count),
        }
        let (mut first, mut count) = (skip.from, skip.count);
        if let Some((to, counted)) = before {
            count -= counted;
            let reign = job.reigns.iter().rfind(|reign| reign.epoch == skip.epoch && reign.owns(skip.to))?;
            first = reign.schedule.next_after(to)?;
        }
        self.tally.skips += 1;
        self.tally.skipped = self.tally.skipped.saturating_add(count);
        let how = How::Skipped(skip.reason);
        Some(Dealt { job: id, epoch: skip.epoch, from: first, to: skip.to, count, how })
    }

    fn deal_with(&mut self, dealt: &Dealt, queue: usize, seen: &Seen) {
        let Some(mut job) = self.jobs.remove(&dealt.job) else {
            return self.fail("unasked", format!("{dealt:?} is of no job"));
        };
        let finding = self.judge(&mut job, dealt, queue, seen);
        self.jobs.insert(dealt.job, job);
        if let Err((check, text)) = finding {
            self.fail(check, text);
        }
    }

    #[allow(clippy::too_many_lines, reason = "the rules, one after the other")]
    fn judge(
        &self,
        job: &mut JobBook,
        dealt: &Dealt,
        queue: usize,
        seen: &Seen,
    ) -> Result<(), (&'static str, String)> {
        let name = job.name.clone();
        let Some(at) = job.reigns.iter().position(|reign| reign.fits(dealt)) else {
            return Err(misfit(job, dealt));
        };
        // A clock that was set back, and an edit: what both schedules ask for happens once all the same.
        let twice = |other: &Reign| {
            other.epoch == dealt.epoch
                && other.from < dealt.from
                && dealt.from <= other.dealt
                && dealt.from > other.optional
                && other.schedule.next_after(dealt.from.minus(MILLISECOND)) == Some(dealt.from)
        };
        if dealt.from <= job.reigns[at].optional
            && job.reigns.iter().enumerate().any(|(other, reign)| other != at && twice(reign))
        {
            return Err(("doubled", format!("{name}: {dealt:?} was dealt with by the schedule before")));
        }
        let policy = job.policy().clone();
        let id = job.id;
        let reign = &mut job.reigns[at];
        let late = |reign: &Reign, at: Instant| self.wall.since(reign.schedule.jittered(id, at));
        let missed = |reign: &Reign, at: Instant| late(reign, at) > policy.late_after;
        let newer_missed = |reign: &Reign, at: Instant| {
            let next = reign.schedule.next_after(at).filter(|next| reign.owns(*next));
            next.is_some_and(|next| missed(reign, next))
        };
        let wrong =
            |check, why: &str| Err((check, format!("{name}: {dealt:?} {why}; {policy:?}, {queue} live")));
        if dealt.how == How::Skipped(Reason::Paused) {
            if !reign.paused {
                return wrong("paused", "was not paused");
            }
        } else {
            if reign.paused {
                return wrong("paused", "was paused");
            }
            for instant in [dealt.from, dealt.to] {
                if self.wall < reign.schedule.jittered(id, instant) {
                    return wrong("early", "is still to come");
                }
            }
            let (_, due) = reign.next(id).unwrap_or((dealt.from, dealt.from));
            let waited = Span::from_millis(self.wall.since(due).millis().min(self.now.millis()));
            let since = Span::from_millis(self.now.millis() - waited.millis());
            if dealt.from > reign.optional && self.is_calm_since(since) {
                return wrong("late", &format!("was due {waited} ago"));
            }
        }
        let room = match policy.overlap {
            Overlap::Skip => 1,
            Overlap::Queue => 2,
            Overlap::Allow => policy.max_concurrency as usize,
            Overlap::Replace => usize::MAX,
        };
        let full = queue >= fixed::WAITING_PER_JOB;
        match dealt.how {
            How::Run(_) | How::Skipped(Reason::Overlap) if missed(reign, dealt.from) => {
                return wrong("missed", "was missed, and did not count as such");
            }
            How::Run(_) if queue >= room => return wrong("overlap", "runs, and had no room"),
            How::Skipped(Reason::Overlap) if queue < room => {
                return wrong("overlap", "was skipped, and had room");
            }
            How::CaughtUp(_) | How::Skipped(Reason::Missed) if !missed(reign, dealt.to) => {
                return wrong("missed", "was not missed");
            }
            How::CaughtUp(_) => match policy.catch_up {
                CatchUp::None => return wrong("catch-up", "is caught up"),
                CatchUp::Latest if newer_missed(reign, dealt.to) => {
                    return wrong("catch-up", "is caught up, and a newer one was missed");
                }
                CatchUp::Latest => {}
                CatchUp::All(all) => {
                    if dealt.to < self.wall.minus(all.window) {
                        return wrong("catch-up", "is caught up, and too old");
                    }
                }
            },
            How::Skipped(Reason::Missed) => match policy.catch_up {
                CatchUp::None => {}
                CatchUp::Latest if full || newer_missed(reign, dealt.to) => {}
                CatchUp::Latest => return wrong("catch-up", "is not caught up"),
                CatchUp::All(all) => {
                    let newer = reign.schedule.count(dealt.to, self.wall.minus(policy.late_after));
                    if dealt.to >= self.wall.minus(all.window) && newer < u64::from(all.max) && !full {
                        return wrong("catch-up", "is not caught up");
                    }
                }
            },
            _ => {}
        }
        if let How::Run(new) = dealt.how
            && policy.overlap == Overlap::Replace
        {
            let older = job.live.iter().chain(&job.waiting).filter(|run| **run != new);
            let mut older = older.filter(|run| {
                self.runs.get(run).is_some_and(|book| {
                    book.run.trigger == Trigger::Schedule
                        && book.born_at < self.now
                        && !seen.runs.contains_key(*run)
                })
            });
            if let Some(run) = older.next() {
                return wrong("replace", &format!("does not replace {run}"));
            }
        }
        let reign = &mut job.reigns[at];
        reign.dealt = dealt.to;
        reign.next = None;
        Ok(())
    }

    /// What a pause skipped is recorded when it ends.
    fn check_pauses(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let name = job.name.clone();
        let mut lost = None;
        for reign in job.reigns.iter_mut().filter(|reign| reign.paused && reign.to.is_some()) {
            if let Some((at, _)) = reign.next(id) {
                lost = Some(at);
            }
            reign.released = true;
        }
        if let Some(at) = lost {
            self.fail("lost", format!("{name}: the pause is over, and {at} is not among what it skipped"));
        }
    }

    /// What should have been dealt with long ago.
    pub(super) fn look_for_overdue(&mut self) {
        let (slack, wall) = (self.slack(), self.wall);
        if !self.is_calm_since(Span::ZERO) {
            return;
        }
        let calm = Span::from_millis(self.now.millis() - self.disturbed.millis());
        let mut overdue = None;
        for job in self.jobs.values_mut().filter(|job| !job.deleted) {
            for reign in job.reigns.iter_mut().filter(|reign| !reign.paused) {
                let Some((nominal, due)) = reign.next(job.id) else { continue };
                if due <= wall && wall.since(due).min(calm) > slack {
                    overdue = Some(format!("{}: {nominal}, due at {due}, has no outcome", job.name));
                }
            }
        }
        if let Some(text) = overdue {
            self.fail("lost", text);
        }
    }
}

/// Why something fits no reign.
fn misfit(job: &mut JobBook, dealt: &Dealt) -> (&'static str, String) {
    let (name, id) = (job.name.clone(), job.id);
    let owners: Vec<&mut Reign> =
        job.reigns.iter_mut().filter(|reign| reign.epoch == dealt.epoch && reign.from < dealt.to).collect();
    let mut text = format!("{name}: {dealt:?}");
    let mut check = "unasked";
    for reign in owners {
        let is_one = reign.schedule.next_after(dealt.from.minus(MILLISECOND)) == Some(dealt.from);
        if is_one && dealt.from <= reign.dealt {
            check = "doubled";
        } else if is_one && reign.owns(dealt.from) && check != "doubled" {
            check = "lost";
        }
        let next = reign.next(id).map(|(at, _)| at);
        let Reign { from, to, dealt, .. } = reign;
        let _ = write!(text, "; a schedule from {from} to {to:?} is at {dealt}, next {next:?}");
    }
    (check, text)
}
