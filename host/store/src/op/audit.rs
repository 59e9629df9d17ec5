//! Who changed what: an entry for each change of the host's configuration, numbered without gaps.

use crate::key::{Key, KeyRange};
use crate::record::AuditEntry;
use crate::store::{Read, StoreError, Write};
use sandglass_core::limit::fixed;
use std::ops::Bound;

/// Adds an entry. The oldest one goes where there are as many as are kept.
pub fn add(write: &mut dyn Write, entry: &AuditEntry) -> Result<(), StoreError> {
    let newest = write.as_read().list::<AuditEntry>(&KeyRange::all(), true, 1)?;
    let number = newest.first().map_or(1, |(number, _)| number + 1);
    if let Some(oldest) = number.checked_sub(fixed::AUDIT) {
        write.remove::<AuditEntry>(&oldest);
    }
    write.save(&number, entry);
    Ok(())
}

/// Entries before number `before`, newest first.
pub fn list(
    read: &dyn Read,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, AuditEntry)>, StoreError> {
    let to = before.map_or(Bound::Unbounded, |number| Bound::Excluded(number.to_bytes()));
    read.list(&KeyRange { from: Bound::Unbounded, to }, true, limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use crate::store::StoreExt as _;
    use sandglass_core::Instant;

    #[tokio::test]
    async fn entries_are_numbered_and_read_backwards() {
        let store = Memory::new();
        for at in 0..3 {
            let entry = AuditEntry {
                at: Instant::from_millis(at),
                token: "first".into(),
                session: false,
                method: "PUT".into(),
                path: "/jobs/a".into(),
                status: 201,
            };
            let added: Result<(), StoreError> = store.write(move |write| add(write, &entry)).await;
            added.unwrap();
        }
        let page = |before, limit| {
            let entries = store.read(|read| list(read, before, limit)).unwrap();
            entries.into_iter().map(|(number, entry)| (number, entry.at.millis())).collect::<Vec<_>>()
        };
        assert_eq!(page(None, 2), [(3, 2), (2, 1)]);
        assert_eq!(page(Some(2), 9), [(1, 0)]);
    }
}
