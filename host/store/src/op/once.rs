//! Requests that are done once, however often they are sent: idempotency keys.
//!
//! What a request did and what it was answered are committed together, so that a repeated one finds the
//! answer wherever the host died in between.

use crate::key::{Key, KeyRange, OnceKey};
use crate::op::{OpError, epoch};
use crate::record::Once;
use crate::space::Space;
use crate::store::{StoreError, Write};
use sandglass_core::{Digest, Instant, Problem, Span};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::{Bound, ControlFlow};

/// How long an answer is kept.
pub const KEPT: Span = Span::from_secs(24 * 3_600);

const HOUR_MILLIS: i64 = 3_600_000;

/// What a request is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Of who asks, for what, under which key.
    pub id: Digest,
    /// Of its body.
    pub body: Digest,
}

/// Does `work`, or gives what it gave the first time. A refusal is not kept: it may go better another time.
///
/// # Errors
/// `Invalid` where the key was used with another body, and what `work` gives.
pub fn once<T: Serialize + DeserializeOwned>(
    write: &mut dyn Write,
    request: Option<Request>,
    now: Instant,
    work: impl FnOnce(&mut dyn Write) -> Result<T, OpError>,
) -> Result<T, OpError> {
    let Some(request) = request else {
        return work(write);
    };
    let first = hour(now).saturating_sub(24);
    // The clock may have been set back since it was done.
    let last = hour(epoch::current(write.as_read())?.latest()).clamp(hour(now), hour(now) + 25);
    for hour in (first..=last).rev() {
        let key = OnceKey { hour, request: request.id };
        let Some(once) = write.load::<Once>(&key)?.filter(|once| now.since(once.at) < KEPT) else {
            continue;
        };
        if once.body != request.body {
            let message =
                "this Idempotency-Key was used with another body before: use a new key for a new request";
            return Err(OpError::Invalid(vec![Problem::new("", message)]));
        }
        let answer = serde_json::from_value(once.answer);
        return answer.map_err(|error| StoreError::Damaged(format!("an answer: {error}")).into());
    }
    let done = work(write)?;
    let answer = serde_json::to_value(&done).map_err(|error| StoreError::Failed(error.to_string()))?;
    write.save(
        &OnceKey { hour: hour(now), request: request.id },
        &Once { at: now, body: request.body, answer },
    );
    Ok(done)
}

/// Drops at most `limit` answers that are older than they are kept, and says how many there were.
pub fn prune(write: &mut dyn Write, now: Instant, limit: usize) -> Result<usize, StoreError> {
    let first = OnceKey { hour: hour(now).saturating_sub(25), request: Digest([0; 32]) };
    let range = KeyRange { from: Bound::Unbounded, to: Bound::Excluded(first.to_bytes()) };
    let mut keys = Vec::new();
    write.scan(Space::Once, &range, false, &mut |key, _| {
        keys.push(key.to_vec());
        if keys.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let count = keys.len();
    for key in keys {
        write.delete(Space::Once, key);
    }
    Ok(count)
}

fn hour(now: Instant) -> u32 {
    (now.millis().max(0) / HOUR_MILLIS) as u32
}
