//! Components: their bytes in pieces, and what was made of them.

use crate::key::{Key, KeyRange, PieceKey};
use crate::op::OpError;
use crate::record::{Artifact, ArtifactKey, Chunk, Component};
use crate::space::Space;
use crate::store::{Read, StoreError, Write};
use sandglass_core::Digest;
use std::ops::{Bound, ControlFlow};

/// Stores one piece of a component's bytes. Pieces alone are no component: [`put`] makes them one.
pub fn put_chunk(write: &mut dyn Write, digest: Digest, number: u32, chunk: &Chunk) {
    write.save(&PieceKey { of: digest, number }, chunk);
}

/// Stores what is known of a component whose chunks are stored, and its artifact.
pub fn put(write: &mut dyn Write, component: &Component, engine: u64, artifact: &Artifact) {
    write.save(&component.digest, component);
    put_artifact(write, component.digest, engine, artifact);
}

pub fn put_artifact(write: &mut dyn Write, component: Digest, engine: u64, artifact: &Artifact) {
    write.save(&ArtifactKey { component, engine }, artifact);
}

pub fn get(read: &dyn Read, digest: Digest) -> Result<Option<Component>, StoreError> {
    read.load(&digest)
}

pub fn artifact(read: &dyn Read, component: Digest, engine: u64) -> Result<Option<Artifact>, StoreError> {
    read.load(&ArtifactKey { component, engine })
}

/// Components after `after`, in the order of their digests.
pub fn list(read: &dyn Read, after: Option<Digest>, limit: usize) -> Result<Vec<Component>, StoreError> {
    let from = after.map_or(Bound::Unbounded, |digest| Bound::Excluded(digest.to_bytes()));
    let range = KeyRange { from, to: Bound::Unbounded };
    Ok(read.list::<Component>(&range, false, limit)?.into_iter().map(|(_, component)| component).collect())
}

/// A component's bytes, checked against its digest.
pub fn bytes(read: &dyn Read, digest: Digest) -> Result<Vec<u8>, OpError> {
    let component =
        get(read, digest)?.ok_or_else(|| OpError::NotFound(format!("there is no component {digest}")))?;
    let mut bytes = Vec::with_capacity(component.size as usize);
    let mut damage = None;
    read.each::<Chunk>(&KeyRange::prefix(digest.to_bytes()), false, |_, chunk| match chunk.bytes() {
        Ok(part) => {
            bytes.extend_from_slice(&part);
            ControlFlow::Continue(())
        }
        Err(error) => {
            damage = Some(error);
            ControlFlow::Break(())
        }
    })?;
    if let Some(error) = damage {
        return Err(error.into());
    }
    if Digest::of(&bytes) != digest {
        return Err(StoreError::Damaged(format!("component {digest} has lost bytes")).into());
    }
    Ok(bytes)
}

/// Drops the chunks of an upload that never became a component.
pub fn drop_chunks(write: &mut dyn Write, digest: Digest) -> Result<(), StoreError> {
    if write.load::<Component>(&digest)?.is_some() {
        return Ok(());
    }
    let mut keys = Vec::new();
    write.scan(Space::Chunk, &KeyRange::prefix(digest.to_bytes()), false, &mut |key, _| {
        keys.push(key.to_vec());
        ControlFlow::Continue(())
    })?;
    for key in keys {
        write.delete(Space::Chunk, key);
    }
    Ok(())
}
