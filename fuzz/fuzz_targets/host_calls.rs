//! What a guest hands to the host's functions: rows and patches, conditions and orders, cursors, and mail. What is
//! refused is told why; what is taken stays within its limits, and pages of a query are the query.
//!
//! These are the decisions of the core that the runtime's host functions call. How arguments come out of a guest's
//! memory is wasmtime's, and has guests of its own in the suite `hostile`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sandglass_core::Instant;
use sandglass_core::Name;
use sandglass_core::email::{Mailbox, Message};
use sandglass_core::grant::EmailGrant;
use sandglass_core::index::{Declaration, Index, IndexId, State, problems};
use sandglass_core::query::{Condition, Field, Filter, Order, Query, Step, Walk, page};
use sandglass_core::row::{Row, RowId, check_fields, fields_bytes, merge_fields, parse_fields};
use sandglass_store::StoreExt as _;
use sandglass_store::conformance::commit;
use sandglass_store::index::{IndexEntry, IndexPlace};
use sandglass_store::key::RowPlace;
use sandglass_store::memory::Memory;
use sandglass_store::op::source::Committed;

const ROW_MAX: usize = 2048;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let parts: Vec<&str> = text.split('\n').collect();
    match kind % 3 {
        0 => rows(&parts),
        1 => pages(&parts, kind & 4 == 0),
        _ => mail(&parts),
    }
});

/// A row, and patches of it.
fn rows(parts: &[&str]) {
    let Ok(mut row) = parse_fields(parts[0], ROW_MAX) else { return };
    let written = serde_json::to_string(&row).expect("a row can be written");
    assert_eq!(written.len(), fields_bytes(&row));
    assert_eq!(parse_fields(&written, usize::MAX).as_ref(), Ok(&row), "what was read is read again");
    for patch in &parts[1..] {
        let Ok(patch) = parse_fields(patch, ROW_MAX) else { continue };
        merge_fields(&mut row, patch.clone());
        let once = row.clone();
        merge_fields(&mut row, patch);
        assert_eq!(row, once, "a patch twice is a patch");
    }
    let _ = check_fields(&row, ROW_MAX);
}

/// An index over the field of the condition, and one over that of the order, where they may be declared.
fn indexes(fields: [&str; 2]) -> Vec<Index> {
    let declared = fields.map(|field| Declaration { fields: vec![Field::new(field)], unique: false });
    let declared = declared.into_iter().filter(|one| problems(std::slice::from_ref(one), "").is_empty());
    let index = |(number, declared)| Index { id: IndexId(number as u32), declared, state: State::Ready };
    declared.enumerate().map(index).collect()
}

/// The rows of a table, with what its indexes say of them.
fn stored(table: &Name, rows: &[Row], indexes: &[Index]) -> Memory {
    let store = Memory::new();
    let (table, rows, indexes) = (table.clone(), rows.to_vec(), indexes.to_vec());
    commit(&store, move |write| {
        for row in rows {
            for index in &indexes {
                write.save(&IndexPlace { index: index.id, entry: index.entry(&row) }, &IndexEntry);
            }
            write.save(&RowPlace { table: table.clone(), id: row.id.clone() }, &row);
        }
    });
    store
}

/// A condition and an order, and rows that they are about: all pages together are the rows that match, in order, with
/// indexes and without.
fn pages(parts: &[&str], descending: bool) {
    let [field, operator, value, by, rest @ ..] = parts else { return };
    let Ok(condition) = Condition::parse(field, operator, value) else { return };
    let Ok(filter) = Filter::new(vec![vec![condition]]) else { return };
    let Ok(order) = Order::new(vec![Step { field: Field::new(by), descending }]) else { return };
    let at = Instant::from_millis(1_790_000_000_000);
    let all = rest.iter().enumerate().filter_map(|(number, text)| {
        let id: RowId = format!("r{number:03}").parse().ok()?;
        let fields = parse_fields(text, ROW_MAX).ok()?;
        Some(Row { id, version: number as u64, created_at: at, updated_at: at, fields })
    });
    let all: Vec<Row> = all.take(16).collect();
    let mut expected: Vec<&Row> = all.iter().filter(|row| filter.matches(row)).collect();
    expected.sort_by(|left, right| order.compare(left, right));
    let table: Name = "t".parse().expect("a name");
    for indexes in [Vec::new(), indexes([field, by])] {
        let store = stored(&table, &all, &indexes);
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let query = Query::new(&table, filter.clone(), order.clone(), 3, cursor.as_deref());
            let query = query.expect("a cursor goes on with its own query");
            let walk = Walk::of(&query, &indexes);
            let page = store.read(|read| page(&mut Committed { read, table: &table }, &query, walk));
            let page = page.expect("a store in memory is read");
            assert!(page.rows.len() <= 3);
            seen.extend(page.rows.into_iter().map(|row| row.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert!(seen.iter().eq(expected.iter().map(|row| &row.id)), "{seen:?} is not {expected:?}");
    }
}

fn mail(parts: &[&str]) {
    let boxes: Vec<Mailbox> = parts.iter().skip(1).filter_map(|text| text.parse().ok()).collect();
    for mailbox in &boxes {
        assert!(
            !mailbox.address.contains(|c: char| c.is_control() || c.is_whitespace() || "<>,;".contains(c))
        );
        assert!(!mailbox.name.chars().any(char::is_control));
        let written = format!("{} <{}>", mailbox.name, mailbox.address);
        assert_eq!(written.parse::<Mailbox>().as_ref(), Ok(mailbox), "written and read again");
        // A grant of everybody at one domain covers that domain alone.
        let grant = EmailGrant { to: vec!["*@example.com".into()], per_run: 1, per_day: 1 };
        let domain = mailbox.address.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
        assert_eq!(grant.allows(&mailbox.address), domain.as_deref() == Some("example.com"));
    }
    let message = Message {
        to: boxes,
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: None,
        subject: parts[0].to_owned(),
        text: Some("x".into()),
        html: None,
        attachments: Vec::new(),
    };
    if message.check().is_ok() {
        assert!(!message.subject.chars().any(char::is_control), "a subject is one line");
    }
}
