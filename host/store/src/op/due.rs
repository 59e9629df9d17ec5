//! The index of what is due: what comes next, and whose it is.

use crate::key::{Due, Key, KeyRange, RevisionKey};
use crate::record::DueEntry;
use crate::store::{Read, StoreError, Write};
use sandglass_core::job::{Job, Revision};
use sandglass_core::{Instant, JobId, Span};
use std::ops::Bound;

/// While no place is free, an occurrence waits in the index so long before it is made a run that waits: most
/// find a place sooner, and what is written at once is written once.
pub(crate) const PATIENCE: Span = Span::from_secs(5);

/// When there is something to claim, where attempts may begin or may not.
pub fn next(read: &dyn Read, room: bool) -> Result<Option<Instant>, StoreError> {
    let first = |range: KeyRange| -> Result<Option<Instant>, StoreError> {
        Ok(read.list::<DueEntry>(&range, false, 1)?.first().map(|(key, _)| key.at))
    };
    let occurrence = first(Due::occurrences(Instant::MAX))?;
    let check = first(Due::checks(Instant::MAX))?;
    let (occurrence, attempt) = if room {
        (occurrence, first(Due::attempts(Instant::MAX))?)
    } else {
        (occurrence.map(|at| at.plus(PATIENCE)), None)
    };
    Ok([occurrence, check, attempt].into_iter().flatten().min())
}

/// What comes next over all jobs, in order: the next occurrence of each.
pub fn upcoming(read: &dyn Read, until: Instant, limit: usize) -> Result<Vec<(Instant, JobId)>, StoreError> {
    let entries = read.list::<DueEntry>(&Due::occurrences(until), false, limit)?;
    Ok(entries
        .into_iter()
        .filter_map(|(key, _)| match key.what {
            Due::Occurrence { job, .. } => Some((key.at, job)),
            Due::Attempt(_) | Due::Check(_) => None,
        })
        .collect())
}

/// The schedule that an entry belongs to, and when its reign ended if it did.
pub(crate) fn owner(
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
