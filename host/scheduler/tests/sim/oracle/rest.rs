//! Turns and rest: who may begin does begin, in the order in which they could, and nothing is left when all is
//! quiet.

use super::books::{Counts, Turn};
use super::{Oracle, Seen};
use sandglass_core::run::{Cause, Run, State};
use sandglass_core::{Instant, JobId, RunId, Span};
use sandglass_store::key::{Due, DueKey};
use sandglass_store::record::{DueEntry, Live, Waiting};
use sandglass_store::{KeyRange, Read, StoreError};
use std::collections::BTreeMap;

/// How a guest ended, as it saw it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GuestEnd {
    /// With the version of the counter that it had read, where it counted.
    Succeeded {
        counted: Option<u64>,
    },
    Failed {
        cause: Cause,
        retry: bool,
    },
    /// It heard that it was cancelled.
    Cancelled,
}

/// The guests that execute.
#[derive(Default)]
pub struct Presence {
    guests: BTreeMap<(RunId, u32), Guest>,
    /// Who could begin and for whom there is room, and since when.
    candidate: Option<(RunId, Span)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Guest {
    left: Option<Span>,
    end: Option<GuestEnd>,
}

impl Presence {
    pub fn end_of(&self, run: RunId, attempt: u32) -> Option<GuestEnd> {
        self.guests.get(&(run, attempt))?.end
    }

    fn present(&self) -> impl Iterator<Item = (RunId, u32)> {
        self.guests.iter().filter(|(_, guest)| guest.left.is_none()).map(|(of, _)| *of)
    }
}

impl Oracle {
    pub fn guest_enters(&mut self, run: RunId, attempt: u32) {
        let runs = self.runs.get(&run).and_then(|book| book.run.running_attempt());
        if runs != Some(attempt) && runs.is_some() {
            self.fail(
                "attempts",
                format!("attempt {attempt} of run {run} executes, and {runs:?} is running"),
            );
        }
        let guest = Guest::default();
        if self.presence.guests.insert((run, attempt), guest).is_some() {
            self.fail("attempts", format!("attempt {attempt} of run {run} is executed twice"));
        }
        let present = self.presence.present().count();
        if present > self.plan.slots {
            self.fail("slots", format!("{present} attempts execute, and {} may", self.plan.slots));
        }
    }

    /// The attempts that execute.
    pub fn executing(&self) -> Vec<(RunId, u32)> {
        self.presence.present().collect()
    }

    pub fn guest_ends(&mut self, run: RunId, attempt: u32, end: GuestEnd) {
        if let Some(guest) = self.presence.guests.get_mut(&(run, attempt)) {
            guest.end = Some(end);
        }
        let runs = self.runs.get(&run).and_then(|book| book.run.running_attempt());
        if runs != Some(attempt) {
            self.tally.stale += 1;
        }
    }

    pub fn guest_leaves(&mut self, now: Span, run: RunId, attempt: u32) {
        if let Some(guest) = self.presence.guests.get_mut(&(run, attempt)) {
            guest.left = Some(now);
        }
        self.now = self.now.max(now);
        self.look_for_stuck();
    }

    /// The host has started: no attempt of an earlier life may be running.
    pub fn started(&mut self, now: Span) {
        self.disturbed(now);
        self.now = self.now.max(now);
        let runs = |id: &&RunId| {
            self.runs
                .get(id)
                .is_some_and(|book| book.run.running_attempt().is_some() && book.life < self.life)
        };
        let running = self.jobs.values().flat_map(|job| &job.live).find(runs).copied();
        if let Some(run) = running {
            self.fail("recover", format!("run {run} is running, and the host that ran it is dead"));
        }
    }

    pub fn begin_life(&mut self, now: Span) {
        self.life += 1;
        self.disturbed(now);
        self.presence.candidate = None;
        for guest in self.presence.guests.values_mut() {
            guest.left.get_or_insert(now);
        }
    }

    /// Turns are taken in the order in which runs could have begun; of one job the oldest run goes first, and
    /// no more go on than its policy allows.
    pub(super) fn judge_turns(&mut self, seen: &Seen) {
        let mut begun = Vec::new();
        for id in seen.runs.keys() {
            let Some(book) = self.runs.get(id) else { continue };
            if book.run.running_attempt().is_none() || book.since != self.now || book.life != self.life {
                continue;
            }
            // Not a checkpoint in the same millisecond.
            if matches!(book.run.state, State::Running { since, .. } if since == self.wall)
                && book.run.progress.is_none()
            {
                begun.push(*id);
            }
        }
        for id in &begun {
            self.judge_turn(*id);
        }
        let mut touched: Vec<JobId> = seen.runs.keys().map(|id| id.job()).collect();
        touched.extend(seen.revisions.iter().map(|(key, _)| key.job));
        touched.dedup();
        let orderly = begun.iter().filter(|id| self.runs[*id].born_at > self.jumped);
        let newest = orderly.map(|id| (self.could_begin(*id), *id)).max();
        for id in touched {
            self.give_turn(id);
        }
        if let Some((could, id)) = newest
            && let Some((other, since)) = self.first_in_turn()
            && since < could
            && since > self.jumped
        {
            let text = format!(
                "run {id} could begin at {could} and does, and {other} could at {since} and does not"
            );
            self.fail("turns", text);
        }
    }

    fn judge_turn(&mut self, id: RunId) {
        let Some(job) = self.jobs.get(&id.job()) else { return };
        let book = &self.runs[&id];
        if !book.run.attempts.is_empty() {
            return;
        }
        if job.live.len() > job.concurrency() {
            let text = format!("{}: {} runs go on, and {} may", job.name, job.live.len(), job.concurrency());
            return self.fail("concurrency", text);
        }
        // One commit deals with occurrences as they are due: in the order of a schedule, but not of two of them.
        let in_order =
            |a: Instant, b: Instant| a < b && job.reigns.iter().any(|reign| reign.owns(a) && reign.owns(b));
        let older = job.waiting.iter().find(|other| {
            let other = &self.runs[*other];
            let is_older = other.born < book.born
                || other.born == book.born && in_order(other.run.scheduled_for, book.run.scheduled_for);
            is_older && other.born_at > self.reordered
        });
        if let Some(older) = older {
            let text = format!("{}: run {id} begins, and the older {older} waits", job.name);
            self.fail("order", text);
        }
    }

    /// Since when a run could begin, at the earliest.
    fn could_begin(&self, id: RunId) -> Span {
        let book = &self.runs[&id];
        if !book.run.attempts.is_empty() {
            return book.eligible.unwrap_or(book.since);
        }
        let turn = self.jobs.get(&id.job()).and_then(|job| job.turns.iter().find(|turn| turn.run == id));
        turn.map_or(self.now, |turn| turn.first.min(self.now))
    }

    fn give_turn(&mut self, id: JobId) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let free = job.live.len() < job.concurrency();
        let waiting = &job.waiting;
        job.turns.retain(|turn| waiting.contains(&turn.run));
        // Who had a turn keeps it, also where a clock that was set back puts another one before it.
        if let Some(head) = waiting.first().filter(|head| !job.turns.iter().any(|turn| turn.run == **head)) {
            job.turns.push(Turn { run: *head, since: Span::MAX, first: Span::MAX });
        }
        for turn in &mut job.turns {
            // Who waits again is behind those that waited on.
            turn.since = if free { turn.since.min(now) } else { Span::MAX };
            turn.first = if free { turn.first.min(now) } else { turn.first };
        }
    }

    /// Of the runs that can begin, the one that could first.
    fn first_in_turn(&self) -> Option<(RunId, Span)> {
        self.in_turn().min().map(|(since, run)| (run, since))
    }

    /// The runs that can begin, and since when.
    fn in_turn(&self) -> impl Iterator<Item = (Span, RunId)> {
        let turns = self.jobs.values().flat_map(|job| &job.turns).filter(|turn| turn.since != Span::MAX);
        let heads = turns.map(|turn| (turn.since, turn.run));
        let retrying = self.jobs.values().flat_map(|job| &job.live).filter_map(|id| {
            let book = &self.runs[id];
            matches!(book.run.state, State::Retrying { .. }).then_some((book.eligible?, *id))
        });
        heads.chain(retrying).filter(|(since, _)| *since <= self.now)
    }

    /// Keeps who could begin at once.
    pub(super) fn look_for_stuck(&mut self) {
        let first = self.first_in_turn();
        // Those that waited when the clock was set are in the order of new instants: each of them may be the first.
        let may_be_first = |(since, run): (Span, RunId)| match first {
            Some((_, first)) if first <= self.jumped => since <= self.jumped,
            first => first.is_some_and(|(first, _)| first == run),
        };
        let have_room =
            self.in_turn().filter(|one| may_be_first(*one)).all(|(_, run)| self.has_room_for(run));
        let candidate = first.map(|(run, _)| run).filter(|_| have_room);
        self.presence.candidate = match (candidate, self.presence.candidate) {
            (Some(run), Some((before, since))) if run == before => Some((run, since)),
            (Some(run), _) => Some((run, self.now)),
            (None, _) => None,
        };
    }

    fn has_room_for(&self, run: RunId) -> bool {
        let mut taken = 0;
        let mut memory = 0;
        for book in self.jobs.values().flat_map(|job| &job.live).map(|id| &self.runs[id]) {
            if book.run.running_attempt().is_some() {
                taken += 1;
                memory += book.memory;
            }
        }
        for (run, attempt) in self.presence.present() {
            let book = &self.runs[&run];
            if book.run.running_attempt() != Some(attempt) {
                taken += 1;
                memory += book.memory;
            }
        }
        let needed = self.jobs.get(&run.job()).map_or(0, |job| job.newest().spec.limits.memory.0);
        taken == 0 || (taken < self.plan.slots && memory + needed <= self.plan.memory.0)
    }

    /// A look from time to time: does what should happen happen?
    pub fn look(&mut self, now: Span, wall: Instant) {
        (self.now, self.wall) = (now, wall);
        self.look_for_overdue();
        self.look_for_epoch();
        if let Some((run, since)) = self.presence.candidate
            && self.is_calm_since(since)
        {
            self.fail("stuck", format!("run {run} could begin since {since}, and does not"));
        }
        let live: Vec<RunId> = self.jobs.values().flat_map(|job| job.live.iter().copied()).collect();
        for id in live {
            let book = &self.runs[&id];
            let Some(attempt) = book.run.running_attempt() else { continue };
            let gone = match self.presence.guests.get(&(id, attempt)) {
                Some(guest) => guest.left,
                None => Some(book.since),
            };
            if gone.is_some_and(|gone| self.is_calm_since(gone)) {
                self.fail("abandoned", format!("run {id} is running, and nobody executes it since {gone:?}"));
            }
        }
        let present: Vec<(RunId, u32)> = self.presence.present().collect();
        for (id, attempt) in present {
            let book = &self.runs[&id];
            let deaf = self.plan.guests[crate::world::job_number(&book.run.job)].deaf > 0;
            let cancelled = book.run.running_attempt().is_none() && self.is_calm_since(book.since);
            if cancelled && !deaf && self.presence.end_of(id, attempt).is_none() {
                self.fail(
                    "cancel",
                    format!("attempt {attempt} of run {id} goes on, and was never told of its cancel"),
                );
            }
        }
        for job in self.jobs.values().filter(|job| !job.deleted) {
            for id in &job.waiting {
                let late =
                    self.runs[id].run.start_by.is_some_and(|start_by| wall > start_by.plus(self.slack()));
                if late && self.is_calm_since(self.runs[id].born_at) {
                    return self.fail("start-within", format!("run {id} still waits"));
                }
            }
        }
    }

    /// Runs that have not ended.
    pub fn unended(&self) -> usize {
        self.jobs.values().map(super::books::JobBook::unended).sum()
    }

    pub fn is_empty_of_guests(&self) -> bool {
        self.presence.present().next().is_none()
    }

    /// All is quiet: what is stored is what the books say, and nothing is left to do.
    pub fn rest(&mut self, read: &dyn Read) {
        match self.left(read) {
            Ok(None) => {}
            Ok(Some(text)) => self.fail("rest", text),
            Err(error) => self.fail("records", error.to_string()),
        }
        let slack = self.slack();
        for job in self.jobs.values_mut().filter(|job| !job.deleted) {
            let due = job.reigns.iter_mut().filter(|reign| !reign.paused).find_map(|reign| {
                let (nominal, due) = reign.next(job.id)?;
                (due.plus(slack) <= self.wall && reign.to.is_some_and(|to| nominal <= to)).then_some(nominal)
            });
            if let Some(nominal) = due {
                let text = format!("{}: {nominal} has no outcome, and its schedule is over", job.name);
                return self.fail("lost", text);
            }
        }
    }

    fn left(&self, read: &dyn Read) -> Result<Option<String>, StoreError> {
        let all = KeyRange::all();
        let live: Vec<Run> =
            read.list::<Live>(&all, false, usize::MAX)?.into_iter().map(|(_, Live(run))| run).collect();
        let waiting = read.list::<Waiting>(&all, false, usize::MAX)?;
        if !live.is_empty() || !waiting.is_empty() {
            return Ok(Some(format!("{live:?} and {waiting:?} have not ended")));
        }
        for (DueKey { at, what }, entry) in read.list::<DueEntry>(&all, false, usize::MAX)? {
            let right = match what {
                Due::Attempt(_) => false,
                // What has just become due is still being dealt with.
                Due::Check(_) | Due::Occurrence { .. } => at.plus(self.slack()) > self.wall,
            };
            if !right {
                return Ok(Some(format!("{what:?} is due at {at}: {entry:?}")));
            }
        }
        for job in self.jobs.values().filter(|job| !job.deleted) {
            let status = sandglass_store::op::job::status(read, job.id)?;
            if Counts::of(&status) != job.counts {
                return Ok(Some(format!("{}: {status:?}, and the books say {:?}", job.name, job.counts)));
            }
        }
        Ok(None)
    }
}
