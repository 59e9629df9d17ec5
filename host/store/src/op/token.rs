//! Tokens of the API, by their hash. Each has a name of its own.

use crate::key::KeyRange;
use crate::op::OpError;
use crate::record::Token;
use crate::space::Space;
use crate::store::{Read, StoreError, Write};
use sandglass_core::limit::fixed;
use sandglass_core::right::Right;
use sandglass_core::{Digest, Instant, Name};

/// The host's first token.
pub fn put(write: &mut dyn Write, hash: Digest, token: &Token) {
    write.save(&hash, token);
}

/// Adds a token under a name that no other one has.
pub fn add(write: &mut dyn Write, hash: Digest, token: &Token) -> Result<(), OpError> {
    let others = list(write.as_read())?;
    if others.iter().any(|(_, other)| other.name == token.name) {
        let message = format!("there is a token `{}` already: choose another name, or delete it", token.name);
        return Err(OpError::Conflict(message));
    }
    if others.len() >= fixed::TOKENS {
        let message = format!("{} tokens, and the limit is {} (limit tokens)", others.len(), fixed::TOKENS);
        return Err(OpError::Limit(message));
    }
    write.save(&hash, token);
    Ok(())
}

/// A token that has not expired.
pub fn get(read: &dyn Read, hash: Digest, now: Instant) -> Result<Option<Token>, StoreError> {
    Ok(read.load::<Token>(&hash)?.filter(|token| token.is_valid(now)))
}

/// All of them, by name.
pub fn list(read: &dyn Read) -> Result<Vec<(Digest, Token)>, StoreError> {
    let mut tokens = read.list::<Token>(&KeyRange::all(), false, usize::MAX)?;
    tokens.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
    Ok(tokens)
}

/// Removes a token, which ends the sessions that it began. The last one that may make others stays.
pub fn remove(write: &mut dyn Write, name: &Name, now: Instant) -> Result<(), OpError> {
    let tokens = list(write.as_read())?;
    let Some((hash, token)) = tokens.iter().find(|(_, token)| token.name == *name) else {
        return Err(OpError::NotFound(format!("there is no token `{name}`")));
    };
    let rules = |token: &Token| token.right == Right::Admin && token.is_valid(now);
    let is_last = rules(token) && tokens.iter().filter(|(_, token)| rules(token)).count() == 1;
    if is_last {
        let message = format!("`{name}` is the last token that may do everything: make another one first");
        return Err(OpError::Conflict(message));
    }
    write.remove::<Token>(hash);
    Ok(())
}

/// Whether there is any.
pub fn any(read: &dyn Read) -> Result<bool, StoreError> {
    Ok(read.count(Space::Token, &KeyRange::all(), 1)? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use crate::store::StoreExt as _;

    const NOW: Instant = Instant::EPOCH;

    fn token(name: &str, right: Right, expires_at: Option<Instant>) -> Token {
        Token { right, expires_at, ..Token::admin(name.parse().unwrap(), NOW) }
    }

    async fn add_one(store: &Memory, token: Token) -> Result<(), OpError> {
        store.write(move |write| add(write, Digest::of(token.name.as_str().as_bytes()), &token)).await
    }

    async fn remove_one(store: &Memory, name: &str, now: Instant) -> Result<(), OpError> {
        let name: Name = name.parse().unwrap();
        store.write(move |write| remove(write, &name, now)).await
    }

    #[tokio::test]
    async fn names_are_given_once_and_somebody_can_always_make_more() {
        let store = Memory::new();
        add_one(&store, token("first", Right::Admin, None)).await.unwrap();
        let again = add_one(&store, token("first", Right::Read, None)).await;
        assert!(matches!(again, Err(OpError::Conflict(_))));
        let soon = Instant::from_millis(1_000);
        add_one(&store, token("brief", Right::Admin, Some(soon))).await.unwrap();
        add_one(&store, token("reader", Right::Read, None)).await.unwrap();
        assert!(matches!(remove_one(&store, "nobody", NOW).await, Err(OpError::NotFound(_))));
        // One that has expired makes no others.
        assert!(matches!(remove_one(&store, "first", soon).await, Err(OpError::Conflict(_))));
        remove_one(&store, "first", NOW).await.unwrap();
        remove_one(&store, "reader", NOW).await.unwrap();
        let left = store.read(list).unwrap();
        assert_eq!(left.len(), 1);
        let hash = Digest::of(b"brief");
        assert!(store.read(|read| get(read, hash, NOW)).unwrap().is_some());
        assert!(store.read(|read| get(read, hash, soon)).unwrap().is_none());
    }
}
