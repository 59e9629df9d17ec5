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
use sandglass_core::index::{Declaration, Entry, Index, IndexId, State, problems};
use sandglass_core::query::{
    Condition, Field, Filter, Interval, Order, Part, Query, Source, Step, Walk, page,
};
use sandglass_core::row::{Row, RowId, check_fields, fields_bytes, merge_fields, parse_fields};
use std::collections::BTreeMap;
use std::convert::Infallible;

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

/// A table in memory, with its indexes.
struct Table {
    rows: BTreeMap<RowId, Row>,
    entries: Vec<BTreeMap<Vec<u8>, Entry>>,
}

impl Table {
    fn new(rows: &[Row], indexes: &[Index]) -> Table {
        let entries = |index: &Index| {
            let entries = rows.iter().map(|row| index.entry(row));
            entries.map(|entry| (entry.to_bytes(), entry)).collect()
        };
        let rows = rows.iter().map(|row| (row.id.clone(), row.clone())).collect();
        Table { rows, entries: indexes.iter().map(entries).collect() }
    }
}

/// The first so many of what lies in an interval, and the rest of it.
fn part<'a, T: Clone + 'a>(
    all: impl DoubleEndedIterator<Item = (&'a [u8], &'a T)>,
    within: &Interval,
    backwards: bool,
    most: usize,
) -> Part<T> {
    let mut inside: Vec<_> = all.filter(|(key, _)| within.contains(key)).collect();
    if backwards {
        inside.reverse();
    }
    let is_all = inside.len() <= most;
    inside.truncate(most);
    let rest = inside
        .last()
        .filter(|_| !is_all)
        .map(|(key, _)| if backwards { within.clone().before(key) } else { within.clone().after(key) });
    Part { items: inside.into_iter().map(|(_, item)| item.clone()).collect(), rest }
}

impl Source for Table {
    type Error = Infallible;

    fn rows(&mut self, ids: &Interval, most: usize) -> Result<Part<Row>, Infallible> {
        Ok(part(self.rows.iter().map(|(id, row)| (id.as_str().as_bytes(), row)), ids, false, most))
    }

    fn entries(
        &mut self,
        index: IndexId,
        within: &Interval,
        backwards: bool,
        most: usize,
    ) -> Result<Part<Entry>, Infallible> {
        let entries = self.entries[index.0 as usize].iter().map(|(key, entry)| (key.as_slice(), entry));
        Ok(part(entries, within, backwards, most))
    }

    fn row(&mut self, id: &RowId) -> Result<Option<Row>, Infallible> {
        Ok(self.rows.get(id).cloned())
    }
}

/// An index over the field of the condition, and one over that of the order, where they may be declared.
fn indexes(fields: [&str; 2]) -> Vec<Index> {
    let declared = fields.map(|field| Declaration { fields: vec![Field::new(field)], unique: false });
    let declared = declared.into_iter().filter(|one| problems(std::slice::from_ref(one), "").is_empty());
    let index = |(number, declared)| Index { id: IndexId(number as u32), declared, state: State::Ready };
    declared.enumerate().map(index).collect()
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
        let mut rows = Table::new(&all, &indexes);
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let query = Query::new(&table, filter.clone(), order.clone(), 3, cursor.as_deref());
            let query = query.expect("a cursor goes on with its own query");
            let Ok(page) = page(&mut rows, &query, Walk::of(&query, &indexes));
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
