//! Browsers that are signed in, by the hash of their secret.

use crate::key::KeyRange;
use crate::op;
use crate::record::{Session, Token};
use crate::store::{Read, StoreError, Write};
use sandglass_core::{Digest, Instant};

/// Sessions at one time. Another one takes the place of the oldest.
pub const SESSIONS_MAX: usize = 1_000;

/// Adds a session, and removes those that are over.
pub fn put(write: &mut dyn Write, hash: Digest, session: &Session, now: Instant) -> Result<(), StoreError> {
    let mut others = write.as_read().list::<Session>(&KeyRange::all(), false, SESSIONS_MAX)?;
    others.sort_by_key(|(_, other)| other.created_at);
    let too_many = (others.len() + 1).saturating_sub(SESSIONS_MAX);
    for (number, (hash, other)) in others.iter().enumerate() {
        if number < too_many || other.expires_at <= now {
            write.remove::<Session>(hash);
        }
    }
    write.save(&hash, session);
    Ok(())
}

/// The session and its token, while both last.
pub fn get(read: &dyn Read, hash: Digest, now: Instant) -> Result<Option<(Session, Token)>, StoreError> {
    let Some(session) = read.load::<Session>(&hash)?.filter(|session| session.expires_at > now) else {
        return Ok(None);
    };
    Ok(op::token::get(read, session.token, now)?.map(|token| (session, token)))
}

pub fn remove(write: &mut dyn Write, hash: Digest) {
    write.remove::<Session>(&hash);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use crate::store::StoreExt as _;

    fn at(millis: i64) -> Instant {
        Instant::from_millis(millis)
    }

    async fn add(store: &Memory, name: String, from: i64, to: i64) {
        let session = Session { token: Digest::of(b"token"), created_at: at(from), expires_at: at(to) };
        let added: Result<(), StoreError> =
            store.write(move |write| put(write, Digest::of(name.as_bytes()), &session, at(from))).await;
        added.unwrap();
    }

    fn holds(store: &Memory, name: &str, now: i64) -> bool {
        store.read(|read| get(read, Digest::of(name.as_bytes()), at(now))).unwrap().is_some()
    }

    #[tokio::test]
    async fn a_session_lasts_no_longer_than_its_time_and_its_token() {
        let store = Memory::new();
        add(&store, "a".into(), 0, 10).await;
        assert!(!holds(&store, "a", 5));
        let token = Token::admin("first".parse().unwrap(), at(0));
        let stored: Result<(), StoreError> = store
            .write(move |write| {
                op::token::put(write, Digest::of(b"token"), &token);
                Ok(())
            })
            .await;
        stored.unwrap();
        assert!(holds(&store, "a", 9) && !holds(&store, "a", 10) && !holds(&store, "b", 5));
        add(&store, "b".into(), 20, 30).await;
        let left = store.read(|read| read.list::<Session>(&KeyRange::all(), false, 10)).unwrap();
        assert_eq!(left.len(), 1);
    }

    #[tokio::test]
    async fn the_oldest_makes_room() {
        let store = Memory::new();
        for number in 0..=SESSIONS_MAX as i64 {
            add(&store, number.to_string(), number, 1_000_000).await;
        }
        let left = store.read(|read| read.list::<Session>(&KeyRange::all(), false, 2_000)).unwrap();
        assert_eq!(left.len(), SESSIONS_MAX);
        assert!(left.iter().all(|(_, session)| session.created_at > at(0)));
    }
}
