//! The outbox, and the delivery of what is in it.
//!
//! A message is three records. The message itself is written once; how far it has come ([`Delivery`]) is small and
//! changes with each attempt; and while it is to be delivered it stands in an index by the instant of its next
//! attempt, so that an outbox with nothing to do costs nothing, however much is in it.

use crate::key::{Key, KeyRange, PieceKey};
use crate::op::OpError;
use crate::post::{Post, PostKey};
use crate::record::Meta;
use crate::store::{Read, StoreError, Write};
use sandglass_core::Instant;
use sandglass_core::delivery::{Answer, Delivery, Patience, State};
use sandglass_core::email::Email;
use std::ops::{Bound, ControlFlow};

/// A message's place in the outbox: the commit, and its number in it.
pub type Place = PieceKey<u64>;

/// A message, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub place: Place,
    pub email: Email,
    pub delivery: Delivery,
}

/// Messages that one page of a listing looks at before it ends, whatever it found.
const LOOKED_AT_MAX: usize = 10_000;

/// A page of a listing, newest first, and the place after which the next one begins.
#[derive(Debug, Default)]
pub struct Page {
    pub entries: Vec<Entry>,
    pub next: Option<Place>,
}

/// Puts a message in the outbox.
pub(crate) fn put(write: &mut dyn Write, place: Place, email: &Email) {
    write.save(&place, email);
    post(write, place, &Delivery::new(&email.message, email.queued_at));
}

fn post(write: &mut dyn Write, place: Place, delivery: &Delivery) {
    write.save(&place, delivery);
    if let Some(key) = key_of(place, delivery) {
        write.save(&key, &Post {});
    }
}

/// Where a message stands in the index, while it does.
fn key_of(place: Place, delivery: &Delivery) -> Option<PostKey> {
    let waits = match delivery.state {
        State::Queued => true,
        State::Sending => false,
        State::Sent | State::Failed => return None,
    };
    Some(PostKey { waits, at: delivery.due_at, place })
}

/// Changes how far a message has come, if it is there and as `of` wants it.
fn change(
    write: &mut dyn Write,
    place: Place,
    of: State,
    change: impl FnOnce(&mut Delivery),
) -> Result<Option<Delivery>, StoreError> {
    let Some(mut delivery) = write.load::<Delivery>(&place)?.filter(|delivery| delivery.state == of) else {
        return Ok(None);
    };
    if let Some(key) = key_of(place, &delivery) {
        write.remove::<Post>(&key);
    }
    change(&mut delivery);
    post(write, place, &delivery);
    Ok(Some(delivery))
}

/// The place of the next message of a commit.
pub(crate) fn free_place(read: &dyn Read, commit: u64) -> Result<Place, StoreError> {
    let last = read.list::<Email>(&KeyRange::prefix(commit.to_bytes()), true, 1)?;
    Ok(PieceKey { of: commit, number: last.first().map_or(0, |(place, _)| place.number + 1) })
}

pub fn get(read: &dyn Read, place: Place) -> Result<Option<Entry>, StoreError> {
    let Some(email) = read.load::<Email>(&place)? else {
        return Ok(None);
    };
    let delivery = read.load::<Delivery>(&place)?;
    let delivery = delivery.unwrap_or_else(|| Delivery::new(&email.message, email.queued_at));
    Ok(Some(Entry { place, email, delivery }))
}

/// How far a message has come, without the message.
pub fn delivery(read: &dyn Read, place: Place) -> Result<Option<Delivery>, StoreError> {
    read.load(&place)
}

/// Messages in a state, or in any, newest first, from before `before`.
pub fn list(
    read: &dyn Read,
    state: Option<State>,
    before: Option<Place>,
    limit: usize,
) -> Result<Page, StoreError> {
    let to = before.map_or(Bound::Unbounded, |place| Bound::Excluded(place.to_bytes()));
    let mut page = Page::default();
    let mut looked_at = 0;
    let mut failed = None;
    let mut is_all = true;
    read.each::<Delivery>(&KeyRange { from: Bound::Unbounded, to }, true, |place, delivery| {
        looked_at += 1;
        if looked_at > LOOKED_AT_MAX || page.entries.len() == limit {
            is_all = false;
            return ControlFlow::Break(());
        }
        page.next = Some(place);
        if state.is_some_and(|state| state != delivery.state) {
            return ControlFlow::Continue(());
        }
        match read.load::<Email>(&place) {
            Ok(Some(email)) => {
                page.entries.push(Entry { place, email, delivery });
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if is_all {
        page.next = None;
    }
    failed.map_or(Ok(page), Err)
}

/// When the next message is to be tried.
pub fn next(read: &dyn Read) -> Result<Option<Instant>, StoreError> {
    let first = read.list::<Post>(&PostKey::due(Instant::MAX), false, 1)?;
    Ok(first.first().map(|(key, _)| key.at))
}

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claimed {
    /// To be sent now. They stay so until their answers come, or the next start.
    pub places: Vec<Place>,
    /// Given up, since they were too old.
    pub expired: Vec<Place>,
}

/// Due messages that one claim looks at.
pub const CLAIM_MAX: usize = 100;

/// Takes messages that are due, at most `limit`, in the order in which they are. Those that are too old are given up
/// instead, and take no place.
pub fn claim(
    write: &mut dyn Write,
    limit: usize,
    patience: &Patience,
    now: Instant,
) -> Result<Claimed, StoreError> {
    let mut claimed = Claimed::default();
    for (key, _) in write.as_read().list::<Post>(&PostKey::due(now), false, CLAIM_MAX)? {
        let mut is_old = false;
        let delivery = change(write, key.place, State::Queued, |delivery| {
            is_old = patience.has_expired(delivery.queued_at, now);
            if is_old {
                delivery.expire(patience, now);
            } else if claimed.places.len() < limit {
                delivery.state = State::Sending;
            }
        })?;
        match delivery {
            // Of a message that is gone.
            None => write.remove::<Post>(&key),
            Some(_) if is_old => claimed.expired.push(key.place),
            Some(delivery) if delivery.state == State::Sending => claimed.places.push(key.place),
            Some(_) => {}
        }
    }
    Ok(claimed)
}

/// A server has answered for a message that was claimed.
pub fn answered(
    write: &mut dyn Write,
    place: Place,
    answers: &[Answer],
    patience: &Patience,
    now: Instant,
    random: u64,
) -> Result<Option<Delivery>, StoreError> {
    change(write, place, State::Sending, |delivery| delivery.answered(answers, patience, now, random))
}

/// No server could be asked about a message that was claimed.
pub fn put_off(
    write: &mut dyn Write,
    place: Place,
    reason: &str,
    patience: &Patience,
    now: Instant,
) -> Result<Option<Delivery>, StoreError> {
    change(write, place, State::Sending, |delivery| delivery.put_off(reason, patience, now))
}

/// A message that was claimed cannot be sent at all.
pub fn refuse(
    write: &mut dyn Write,
    place: Place,
    reason: &str,
    now: Instant,
) -> Result<Option<Delivery>, StoreError> {
    change(write, place, State::Sending, |delivery| delivery.refuse(reason, now))
}

/// Queues messages that were being sent when the host stopped, at most `limit`, and says how many there were.
/// Their servers may have taken them: they get them once more, with the same Message-ID.
pub fn recover(write: &mut dyn Write, limit: usize) -> Result<usize, StoreError> {
    let sending = write.as_read().list::<Post>(&PostKey::sending(), false, limit)?;
    for (key, _) in &sending {
        let known = change(write, key.place, State::Sending, |delivery| delivery.state = State::Queued)?;
        if known.is_none() {
            write.remove::<Post>(key);
        }
    }
    Ok(sending.len())
}

/// Puts a copy of a message in the outbox, with a Message-ID of its own, for those who have not got it; where all
/// have, for all.
///
/// # Errors
/// `NotFound`, and `Conflict` while the message is still on its way.
pub fn resend(write: &mut dyn Write, place: Place, now: Instant) -> Result<Place, OpError> {
    let entry = get(write.as_read(), place)?.ok_or_else(|| not_found(place))?;
    if !entry.delivery.state.is_end() {
        let message = "it is on its way already: only an email that was sent or has failed is sent again";
        return Err(OpError::Conflict(message.into()));
    }
    let commit = write.sequence();
    let copy = free_place(write.as_read(), commit)?;
    let (local, domain) =
        entry.email.message_id.rsplit_once('@').unwrap_or((&entry.email.message_id, "sandglass"));
    // The commit's number, which is never used twice, in place of that of an earlier copy.
    let original = local.split_once(".again-").map_or(local, |(original, _)| original);
    let message_id = format!("{original}.again-{commit}@{domain}");
    write.save(&copy, &Email { message_id, queued_at: now, ..entry.email });
    post(write, copy, &entry.delivery.again(now));
    Ok(copy)
}

/// Takes a message out of the outbox. One that waits is not sent.
///
/// # Errors
/// `NotFound`, and `Conflict` while a server is being told.
pub fn remove(write: &mut dyn Write, place: Place) -> Result<(), OpError> {
    let delivery = get(write.as_read(), place)?.ok_or_else(|| not_found(place))?.delivery;
    if delivery.state == State::Sending {
        return Err(OpError::Conflict("it is being sent at this moment: try again when it was".into()));
    }
    drop_records(write, place, &delivery);
    Ok(())
}

fn drop_records(write: &mut dyn Write, place: Place, delivery: &Delivery) {
    if let Some(key) = key_of(place, delivery) {
        write.remove::<Post>(&key);
    }
    write.remove::<Delivery>(&place);
    write.remove::<Email>(&place);
}

fn not_found(place: Place) -> OpError {
    OpError::NotFound(format!("there is no email {}-{}", place.of, place.number))
}

/// Drops at most `limit` messages that were put in the outbox before `before`, but for those that are still on their
/// way where there is a way (`delivers`). Says how many there were.
pub fn prune(
    write: &mut dyn Write,
    before: Instant,
    delivers: bool,
    limit: usize,
) -> Result<usize, StoreError> {
    let mut old = Vec::new();
    // Places follow each other as commits do, so about as instants do: where enough new ones are in a row, all that
    // come after them are.
    let mut new = 0;
    write.as_read().each::<Delivery>(&KeyRange::all(), false, |place, delivery| {
        if delivery.queued_at >= before {
            new += 1;
        } else if delivery.state.is_end() || !delivers {
            old.push((place, delivery));
            new = 0;
        }
        if old.len() < limit && new < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    for (place, delivery) in &old {
        drop_records(write, *place, delivery);
    }
    Ok(old.len())
}

/// Gives messages of earlier versions, which knew no delivery, what they lack: at most `limit` of those after
/// `after`. Says where to go on; none when all is done.
pub fn adopt(write: &mut dyn Write, after: Option<Place>, limit: usize) -> Result<Option<Place>, StoreError> {
    let mut meta = write.load::<Meta>(&())?.unwrap_or_default();
    if meta.deliveries {
        return Ok(None);
    }
    let from = after.map_or(Bound::Unbounded, |place| Bound::Excluded(place.to_bytes()));
    let emails = write.as_read().list::<Email>(&KeyRange { from, to: Bound::Unbounded }, false, limit)?;
    for (place, email) in &emails {
        if write.load::<Delivery>(place)?.is_none() {
            post(write, *place, &Delivery::new(&email.message, email.queued_at));
        }
    }
    if let (Some((last, _)), true) = (emails.last(), emails.len() == limit) {
        return Ok(Some(*last));
    }
    meta.deliveries = true;
    write.save(&(), &meta);
    Ok(None)
}
