//! What becomes of jobs: each change has a request, or failures, behind it, and their records say what the books
//! say.

use super::books::{Counts, JobBook};
use super::{Fact, Oracle, Seen};
use sandglass_core::job::{Pause, Revision};
use sandglass_core::run::{Outcome, Run};
use sandglass_core::spec::Specification;
use sandglass_core::{JobId, Name};
use std::collections::{BTreeMap, BTreeSet};

impl Oracle {
    pub(super) fn tell_fact(&mut self, fact: &Fact, seen: &Seen) {
        let wall = self.wall;
        match fact {
            Fact::Deployed { job, spec } => match self.names.get(job).copied() {
                Some(id) if self.jobs[&id].newest().spec == **spec => {}
                Some(id) => self.revise(id, (**spec).clone()),
                None => self.create(job, Revision::following(None, (**spec).clone(), wall), seen),
            },
            Fact::RolledBack { job, number } => {
                let Some(id) = self.names.get(job).copied() else {
                    return self.fail("refusal", format!("{job} was rolled back, and is not there"));
                };
                let old = self.jobs[&id].revisions.iter().find(|revision| revision.number == *number);
                match old.map(|revision| revision.spec.clone()) {
                    Some(spec) => self.revise(id, spec),
                    None => self.fail("refusal", format!("{job} was rolled back to {number}, which is none")),
                }
            }
            Fact::Paused { job } => {
                if let Some(id) = self.names.get(job).copied() {
                    self.pause(id);
                }
            }
            Fact::Resumed { job } => {
                let Some(id) = self.names.get(job).copied() else { return };
                if self.jobs[&id].paused.is_some() {
                    self.close_reign(id);
                    if let Some(job) = self.jobs.get_mut(&id) {
                        job.paused = None;
                        job.counts.failures_in_a_row = 0;
                    }
                    self.begin_reign(id);
                }
            }
            Fact::Deleted { job } => {
                let Some(id) = self.names.remove(job) else { return };
                let Some(job) = self.jobs.get_mut(&id) else { return };
                job.deleted = true;
                for reign in &mut job.reigns {
                    reign.released = true;
                }
            }
            Fact::Refused { job, what, why } => {
                let known = self.names.get(job).map(|id| &self.jobs[id]);
                let right = match *what {
                    "roll back" => known.is_none_or(|job| job.newest().number < 50),
                    "deploy" => false,
                    _ => known.is_none(),
                };
                if !right {
                    self.fail("refusal", format!("{what} {job} was refused: {why}"));
                }
            }
        }
    }

    fn create(&mut self, name: &Name, revision: Revision, seen: &Seen) {
        let id = seen.jobs.iter().find(|(_, job)| job.as_ref().is_some_and(|job| job.name == *name));
        let Some((id, _)) = id.filter(|(id, _)| !self.jobs.contains_key(id)) else {
            return self.fail("job", format!("{name} was deployed, and no new job has that name"));
        };
        let book = JobBook {
            id: *id,
            name: name.clone(),
            made_at: self.now,
            revisions: vec![revision],
            paused: None,
            reigns: Vec::new(),
            live: BTreeSet::new(),
            waiting: BTreeSet::new(),
            turns: Vec::new(),
            skips: BTreeMap::new(),
            counts: Counts::default(),
            ended_last: (0, Vec::new()),
            deleted: false,
        };
        self.jobs.insert(*id, book);
        self.names.insert(name.clone(), *id);
        self.begin_reign(*id);
    }

    fn revise(&mut self, id: JobId, spec: Specification) {
        let wall = self.wall;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let before = job.newest();
        let revision = Revision::following(Some(before), spec, wall);
        let same = before.spec.schedule == revision.spec.schedule;
        job.revisions.push(revision);
        if !same {
            self.close_reign(id);
            self.begin_reign(id);
        }
    }

    fn pause(&mut self, id: JobId) {
        let wall = self.wall;
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.paused.is_none()) else { return };
        job.paused = Some(wall);
        self.tally.pauses += 1;
        self.close_reign(id);
        self.begin_reign(id);
    }

    /// Keeps the job's counts of ends, and pauses it where it is to be.
    pub(super) fn count_end(&mut self, run: &Run, outcome: Outcome) {
        let (id, commit) = (run.id.job(), self.commits);
        let Some(job) = self.jobs.get_mut(&id).filter(|job| !job.deleted) else { return };
        if job.ended_last.0 != commit {
            job.ended_last = (commit, Vec::new());
        }
        job.ended_last.1.push((run.id, outcome));
        let counts = &mut job.counts;
        match outcome {
            Outcome::Succeeded => (counts.succeeded, counts.failures_in_a_row) = (counts.succeeded + 1, 0),
            Outcome::Failed(_) => {
                counts.failed += 1;
                counts.failures_in_a_row += 1;
            }
            Outcome::Cancelled => counts.cancelled += 1,
            Outcome::Skipped => counts.missed += 1,
        }
        counts.newest = Some((run.id, outcome));
        let most = job.policy().pause_after;
        if outcome.cause().is_some() && most > 0 && job.counts.failures_in_a_row >= most {
            self.pause(id);
        }
    }

    /// Holds the records of jobs against the books.
    pub(super) fn compare_jobs(&mut self, seen: &Seen) {
        for (id, job) in &seen.jobs {
            let book = self.jobs.get(id);
            let paused = |pause: &Option<Pause>| pause.as_ref().map(|pause| pause.since);
            let agrees = match (job, book) {
                (None, book) => book.is_none_or(|book| book.deleted),
                (Some(_), None) => false,
                (Some(job), Some(book)) => {
                    !book.deleted
                        && job.name == book.name
                        && job.revision == book.newest().number
                        && paused(&job.paused).is_some() == book.paused.is_some()
                }
            };
            if !agrees {
                let expected = book.map(|book| (&book.name, book.newest().number, book.paused, book.deleted));
                let text = format!("{job:?}, and the books say {expected:?}");
                self.fail("job", text);
            }
        }
        for (key, revision) in &seen.revisions {
            let (Some(revision), Some(book)) = (revision, self.jobs.get(&key.job)) else { continue };
            if revision != book.newest() {
                let text = format!("{revision:?}, and the books say {:?}", book.newest());
                self.fail("revision", text);
            }
        }
        for (id, status) in &seen.statuses {
            let (Some(status), Some(book)) = (status, self.jobs.get_mut(id)) else { continue };
            let counts = Counts::of(status);
            if counts.newest.is_some_and(|newest| book.ended_last.1.contains(&newest)) {
                book.counts.newest = counts.newest;
            }
            if counts != book.counts {
                let text = format!("{}: {counts:?}, and the books say {:?}", book.name, book.counts);
                self.fail("counts", text);
            }
        }
    }
}
