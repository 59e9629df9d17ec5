//! Keys of the store: bytes are no key, or exactly one; rows of one table never lie among those of another; and what
//! rows are ordered by sorts as they do.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sandglass_core::query::{Condition, Cursor, Order, Query, Step};
use sandglass_core::row::RowId;
use sandglass_core::{Digest, Instant, JobId, Name, RunId, SecretName};
use sandglass_store::key::{
    DueKey, Key, KeyRange, LiveKey, NoticeKey, OnceKey, PieceKey, RevisionKey, RowPlace, SkipKey,
};

fuzz_target!(|data: &[u8]| {
    once::<()>(data);
    once::<u64>(data);
    once::<Digest>(data);
    once::<JobId>(data);
    once::<Name>(data);
    once::<SecretName>(data);
    once::<RunId>(data);
    once::<Instant>(data);
    once::<RevisionKey>(data);
    once::<LiveKey>(data);
    once::<SkipKey>(data);
    once::<DueKey>(data);
    once::<NoticeKey>(data);
    once::<OnceKey>(data);
    once::<PieceKey<RunId>>(data);
    once::<PieceKey<Digest>>(data);
    once::<RowPlace>(data);

    let parts: Vec<&[u8]> = data.splitn(4, |byte| *byte == 0xff).collect();
    if let [prefix, key, ..] = parts[..] {
        let range = KeyRange::prefix(prefix.to_vec());
        assert_eq!(range.contains(key), key.starts_with(prefix));
    }
    let texts: Vec<&str> = parts.iter().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    if let [table, other, id, text] = texts[..] {
        rows(table, other, id);
        cursor(table, other, id, text);
    }
});

/// The bytes of a key are the only ones that it has.
fn once<K: Key>(bytes: &[u8]) {
    if let Some(key) = K::decode(bytes) {
        assert_eq!(key.to_bytes(), bytes, "another key's bytes are read as this one's");
    }
}

fn rows(table: &str, other: &str, id: &str) {
    let (Ok(table), Ok(other), Ok(id)) = (table.parse::<Name>(), other.parse::<Name>(), id.parse::<RowId>())
    else {
        return;
    };
    let place = RowPlace { table: table.clone(), id }.to_bytes();
    assert!(KeyRange::prefix(RowPlace::prefix(&table)).contains(&place));
    assert_eq!(KeyRange::prefix(RowPlace::prefix(&other)).contains(&place), other == table);
}

/// A cursor is a stranger's: it belongs to its query, or is refused.
fn cursor(table: &str, field: &str, value: &str, cursor: &str) {
    let Ok(table) = table.parse::<Name>() else { return };
    let step = Step { field: sandglass_core::query::Field::new(field), descending: value.len() % 2 == 0 };
    let Ok(order) = Order::new(vec![step]) else { return };
    let filter = Condition::parse(field, "ge", value)
        .and_then(|condition| sandglass_core::query::Filter::new(vec![vec![condition]]));
    let Ok(filter) = filter else { return };
    assert!(
        cursor.len() <= Cursor::TEXT_BYTES_MAX
            || Query::new(&table, filter.clone(), order.clone(), 1, Some(cursor)).is_err()
    );
    if let Ok(query) = Query::new(&table, filter, order, 1, Some(cursor)) {
        assert!(query.cursor().is_some());
    }
}
