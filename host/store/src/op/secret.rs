//! Secrets, sealed. What seals and opens them is the caller's: here it is a function that is handed in.

use crate::key::{Key, KeyRange};
use crate::op::OpError;
use crate::record::{Sealed, Secret};
use crate::space::Space;
use crate::store::{Read, StoreError, Write};
use sandglass_core::limit::fixed;
use sandglass_core::{Instant, SecretName};
use std::ops::{Bound, ControlFlow};

pub fn get(read: &dyn Read, name: &SecretName) -> Result<Option<Secret>, StoreError> {
    read.load(name)
}

/// Secrets after `after`, in the order of their names.
pub fn list(
    read: &dyn Read,
    after: Option<&SecretName>,
    limit: usize,
) -> Result<Vec<(SecretName, Secret)>, StoreError> {
    let from = after.map_or(Bound::Unbounded, |name| Bound::Excluded(name.to_bytes()));
    read.list::<Secret>(&KeyRange { from, to: Bound::Unbounded }, false, limit)
}

pub fn is_set(read: &dyn Read, name: &SecretName) -> Result<bool, StoreError> {
    Ok(read.get(Space::Secret, &name.to_bytes())?.is_some())
}

/// Whether there is any.
pub fn any(read: &dyn Read) -> Result<bool, StoreError> {
    Ok(read.count(Space::Secret, &KeyRange::all(), 1)? > 0)
}

/// Sets a secret, and says whether there was none of that name. `expect` judges the version of the one that is
/// there. `seal` gets the version that the secret will have.
///
/// # Errors
/// [`OpError::Limit`] where there are as many secrets as there may be.
pub fn put<E: From<OpError> + From<StoreError>>(
    write: &mut dyn Write,
    name: &SecretName,
    expect: impl FnOnce(Option<u64>) -> Result<(), OpError>,
    now: Instant,
    seal: impl FnOnce(u64) -> Result<Sealed, E>,
) -> Result<(Secret, bool), E> {
    let current = write.load::<Secret>(name)?;
    expect(current.as_ref().map(|secret| secret.version))?;
    let new = current.is_none();
    if new {
        let count = write.as_read().count(Space::Secret, &KeyRange::all(), fixed::SECRETS)?;
        if count >= fixed::SECRETS {
            let message = format!("{count} secrets, and the limit is {} (limit secrets)", fixed::SECRETS);
            return Err(OpError::Limit(message).into());
        }
    }
    let version = write.sequence();
    let created_at = current.map_or(now, |secret| secret.created_at);
    let secret = Secret { version, created_at, updated_at: now, sealed: seal(version)? };
    write.save(name, &secret);
    Ok((secret, new))
}

/// Deletes a secret, whose version `expect` judges.
pub fn delete(
    write: &mut dyn Write,
    name: &SecretName,
    expect: impl FnOnce(Option<u64>) -> Result<(), OpError>,
) -> Result<(), OpError> {
    let current = write.load::<Secret>(name)?;
    expect(current.as_ref().map(|secret| secret.version))?;
    if current.is_none() {
        return Err(OpError::NotFound(format!("there is no secret `{name}`")));
    }
    write.remove::<Secret>(name);
    Ok(())
}

/// Has `reseal` look at secrets after `after`, at most `limit` of them, and keeps what it makes of those that it
/// seals anew. Gives the last one that was looked at, none at the end, and how many were sealed anew.
pub fn reseal<E: From<StoreError>>(
    write: &mut dyn Write,
    after: Option<&SecretName>,
    limit: usize,
    mut reseal: impl FnMut(&SecretName, &Secret) -> Result<Option<Sealed>, E>,
) -> Result<(Option<SecretName>, usize), E> {
    let secrets = list(write.as_read(), after, limit)?;
    let last = secrets.last().map(|(name, _)| name.clone());
    let mut count = 0;
    for (name, secret) in secrets {
        if let Some(sealed) = reseal(&name, &secret)? {
            write.save(&name, &Secret { sealed, ..secret });
            count += 1;
        }
    }
    Ok((last, count))
}

/// The names of all secrets that are sealed under none of `keys`, as far as `most` of them.
pub fn sealed_under_others(
    read: &dyn Read,
    keys: &[String],
    most: usize,
) -> Result<Vec<SecretName>, StoreError> {
    let mut names = Vec::new();
    read.each::<Secret>(&KeyRange::all(), false, |name, secret| {
        if !keys.contains(&secret.sealed.key) {
            names.push(name);
        }
        if names.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(names)
}
