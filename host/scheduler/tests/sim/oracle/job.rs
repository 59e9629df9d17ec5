//! The records of jobs, held against the books.

use super::books::Counts;
use super::{Oracle, Seen};
use sandglass_core::job::Pause;

impl Oracle {
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
            let (Some(status), Some(book)) = (status, self.jobs.get(id)) else { continue };
            let counts = Counts::of(status);
            if counts != book.counts {
                let text = format!("{}: {counts:?}, and the books say {:?}", book.name, book.counts);
                self.fail("counts", text);
            }
        }
    }
}
