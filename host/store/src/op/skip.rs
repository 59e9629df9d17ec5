//! The record of what was skipped: occurrences in a row, for one reason, are one record.

use crate::key::{Key, KeyRange, SkipKey};
use crate::record::Skipping;
use crate::store::{Read, StoreError, Write};
use sandglass_core::job::Skip;
use sandglass_core::limit::fixed;
use sandglass_core::{Instant, JobId};

/// Adds to the skips in a row, or begins a new record.
pub(crate) fn record(
    write: &mut dyn Write,
    job: JobId,
    skip: &Skip,
    before: Option<Skipping>,
) -> Result<Skipping, StoreError> {
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
    let key = free_key(write.as_read(), job, skip.from)?;
    write.save(&key, skip);
    drop_oldest(write, job)?;
    Ok(Skipping { reason: skip.reason, from: key.from, number: key.number })
}

/// A key for a skip that begins at `from`, after those that began there before the clock stepped back.
pub(crate) fn free_key(read: &dyn Read, job: JobId, from: Instant) -> Result<SkipKey, StoreError> {
    let mut prefix = job.to_bytes();
    from.encode(&mut prefix);
    let last = read.list::<Skip>(&KeyRange::prefix(prefix), true, 1)?;
    let number = last.first().map_or(0, |(key, _)| key.number + 1);
    Ok(SkipKey { job, from, number })
}

/// Keeps a job's records within their limit: the oldest goes.
fn drop_oldest(write: &mut dyn Write, job: JobId) -> Result<(), StoreError> {
    let range = KeyRange::prefix(job.to_bytes());
    if write.as_read().count(crate::Space::Skip, &range, fixed::SKIPS + 1)? > fixed::SKIPS {
        for (key, _) in write.as_read().list::<Skip>(&range, false, 1)? {
            write.remove::<Skip>(&key);
        }
    }
    Ok(())
}
