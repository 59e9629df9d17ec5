//! Notifications: mail that goes to the outbox with the commit that they tell of, and webhooks' messages that
//! wait for their delivery.

use crate::key::NoticeKey;
use crate::op::{email, job};
use crate::record::NameOf;
use crate::store::{Read, StoreError, Write};
use sandglass_core::email::Email;
use sandglass_core::job::{Job, Status};
use sandglass_core::limit::fixed;
use sandglass_core::notify::{News, Notice, Notify};
use sandglass_core::{Instant, RunId};

/// Tells everybody whom the job names, unless it has told too much today. The caller saves `status`.
pub(crate) fn tell(
    write: &mut dyn Write,
    job: &Job,
    notify: &Notify,
    status: &mut Status,
    news: &News,
    run: Option<RunId>,
    now: Instant,
) -> Result<(), StoreError> {
    if status.notices.today(now) >= fixed::NOTICES_PER_DAY {
        status.undelivered += 1;
        status.undelivered_reason =
            Some(format!("more than {} notifications within 24 hours", fixed::NOTICES_PER_DAY));
        return Ok(());
    }
    status.notices.add(1, now);
    let commit = write.sequence();
    if !notify.email.is_empty() {
        let place = email::free_place(write.as_read(), commit)?;
        // With the instant, since the same commit of another host tells the same person of something else.
        let message_id = format!("notice-{}-{commit}.{}@sandglass", now.millis(), place.number + 1);
        let message = news.message(notify);
        email::put(write, place, &Email { message_id, run, job: job.name.clone(), queued_at: now, message });
    }
    if let (Some(url), Some(secret)) = (&notify.webhook, &notify.secret) {
        let key = free_key(write.as_read(), now, commit)?;
        let notice = Notice {
            id: format!("msg_{commit}_{}", key.number),
            job: job.name.clone(),
            url: url.clone(),
            private: notify.private,
            secret: secret.clone(),
            body: news.body(now),
            made_at: now,
            failed: 0,
        };
        write.save(&key, &notice);
    }
    Ok(())
}

/// One script may tell more than once.
fn free_key(read: &dyn Read, at: Instant, commit: u64) -> Result<NoticeKey, StoreError> {
    let mut key = NoticeKey { at, commit, number: 0 };
    while read.load::<Notice>(&key)?.is_some() {
        key.number += 1;
    }
    Ok(key)
}

/// Messages whose delivery is due, oldest first.
pub fn due(read: &dyn Read, now: Instant, limit: usize) -> Result<Vec<(NoticeKey, Notice)>, StoreError> {
    read.list::<Notice>(&NoticeKey::up_to(now), false, limit)
}

/// When the next delivery is due.
pub fn next(read: &dyn Read) -> Result<Option<Instant>, StoreError> {
    let first = read.list::<Notice>(&NoticeKey::up_to(Instant::MAX), false, 1)?;
    Ok(first.first().map(|(key, _)| key.at))
}

/// A message was taken.
pub fn delivered(write: &mut dyn Write, key: NoticeKey) {
    write.remove::<Notice>(&key);
}

/// A delivery failed: there will be another one, or the message is given up and its job remembers why. Says
/// when the next one is.
pub fn failed(
    write: &mut dyn Write,
    key: NoticeKey,
    reason: &str,
    now: Instant,
) -> Result<Option<Instant>, StoreError> {
    let Some(mut notice) = write.load::<Notice>(&key)? else {
        return Ok(None);
    };
    write.remove::<Notice>(&key);
    notice.failed += 1;
    if let Some(delay) = notice.delay() {
        let key = NoticeKey { at: now.plus(delay), ..key };
        write.save(&key, &notice);
        return Ok(Some(key.at));
    }
    if let Some(NameOf(id)) = write.load::<NameOf>(&notice.job)? {
        let mut status = job::status(write.as_read(), id)?;
        status.undelivered += 1;
        status.undelivered_reason = Some(reason.to_owned());
        write.save::<Status>(&id, &status);
    }
    Ok(None)
}
