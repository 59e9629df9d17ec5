//! The table interface, called as a guest's bindings call it.

use super::{Commits, Host, now, spec};
use crate::attempt::Committer as _;
use crate::bindings::sandglass::job::table::{Condition, Host as _, HostTable as _, Order, Query, Row};
use crate::capability::table::Opened;
use crate::state::{Answer, State};
use sandglass_core::effect::Expected;
use sandglass_core::grant::Access;
use sandglass_core::limit::{Limits, fixed};
use sandglass_store::{StoreError, StoreExt as _, op};
use std::sync::Arc;
use wasmtime::component::Resource;

/// A guest with the table `t`, opened with this access.
pub(super) struct Guest {
    pub(super) state: State,
    table: u32,
    pub(super) host: Host,
}

/// What came of a call: its value, or `code: message`.
fn told<T>(answer: Answer<T>) -> Result<T, String> {
    answer.unwrap().map_err(|error| format!("{}: {}", error.code, error.message))
}

impl Guest {
    pub(super) async fn with(access: Access, rows: usize, limits: Limits) -> Guest {
        let host = Host::new();
        let table: sandglass_core::Name = "t".parse().unwrap();
        if rows > 0 {
            let rows = (0..rows).map(|n| {
                let fields = serde_json::json!({"n": n}).as_object().unwrap().clone();
                (format!("r{n:03}").parse().unwrap(), fields)
            });
            let rows = rows.collect();
            let put = host.store.write(move |write| -> Result<_, op::OpError> {
                op::table::put(write, &table, rows, op::table::Existing::Refuse, now())
            });
            put.await.unwrap();
        }
        let spec = spec(|spec| {
            spec.limits = limits;
            spec.grants.tables.insert("t".parse().unwrap(), access);
        });
        let mut state = State::new(host.attempt(spec), std::time::Instant::now(), false);
        let table = told(state.open("t".into())).unwrap().rep();
        Guest { state, table, host }
    }

    async fn new(rows: usize) -> Guest {
        Guest::with(Access::ReadWrite, rows, Limits::default()).await
    }

    pub(super) fn t(&self) -> Resource<Opened> {
        Resource::new_borrow(self.table)
    }

    fn get(&mut self, id: &str) -> Result<Option<Row>, String> {
        told(self.state.get(self.t(), id.into()))
    }

    fn insert(&mut self, id: Option<&str>, fields: &str) -> Result<String, String> {
        told(self.state.insert(self.t(), fields.into(), id.map(Into::into)))
    }

    fn update(&mut self, id: &str, fields: &str, version: Option<u64>) -> Result<(), String> {
        told(self.state.update(self.t(), id.into(), fields.into(), version))
    }

    fn delete(&mut self, id: &str, version: Option<u64>) -> Result<bool, String> {
        told(self.state.delete(self.t(), id.into(), version))
    }

    fn ids(&mut self, filter: &[Vec<Condition>], order: &[Order], limit: u32) -> Result<Vec<String>, String> {
        let (mut ids, mut cursor) = (Vec::new(), None);
        loop {
            let query = Query { filter: filter.to_vec(), order: order.to_vec(), limit, cursor };
            let page = told(self.state.query(self.t(), query))?;
            ids.extend(page.rows.into_iter().map(|row| row.id));
            cursor = page.next;
            if cursor.is_none() {
                return Ok(ids);
            }
        }
    }

    fn count(&mut self, filter: Vec<Vec<Condition>>) -> Result<u64, String> {
        told(self.state.count(self.t(), filter))
    }

    fn delete_where(&mut self, filter: Vec<Vec<Condition>>, limit: u32) -> Result<u64, String> {
        told(self.state.delete_where(self.t(), filter, limit))
    }

    fn expected(&self, id: &str) -> Expected {
        let key = sandglass_core::effect::RowKey { table: "t".parse().unwrap(), id: id.parse().unwrap() };
        self.state.workspace.written(&key).unwrap().expected
    }

    pub(super) async fn commit(&mut self) {
        let effects = self.state.workspace.take();
        Commits { store: Arc::clone(&self.host.store) }.checkpoint(effects, None).await.unwrap();
    }
}

fn n(operator: &str, value: &str) -> Vec<Vec<Condition>> {
    vec![vec![Condition { field: "n".into(), operator: operator.into(), value: value.into() }]]
}

#[tokio::test]
async fn only_granted_tables_open_and_each_call_needs_its_share_of_the_grant() {
    let mut guest = Guest::with(Access::Read, 1, Limits::default()).await;
    let denied = told(guest.state.open("u".into())).map(|_| ()).unwrap_err();
    assert_eq!(denied, "denied: no grant of this job covers table `u`: add it to grants.tables");
    assert!(told(guest.state.open("No Name".into())).map(|_| ()).unwrap_err().starts_with("invalid: "));
    assert!(guest.get("r000").unwrap().is_some());
    let denied = guest.insert(None, "{}").unwrap_err();
    assert_eq!(
        denied,
        "denied: insert needs `write` on table `t`, and the job's grant is `read`: change grants.tables.t"
    );
    assert_eq!(guest.state.last_error.as_deref(), Some(denied.as_str()));

    let mut guest = Guest::with(Access::Write, 1, Limits::default()).await;
    assert!(guest.insert(Some("new"), "{}").is_ok() && guest.delete("r000", None).unwrap());
    for denied in [
        guest.get("r000").map(|_| ()),
        guest.update("r000", "{}", None),
        guest.count(vec![]).map(|_| ()),
        guest.delete_where(vec![], 0).map(|_| ()),
        guest.ids(&[], &[], 0).map(|_| ()),
    ] {
        assert!(denied.unwrap_err().starts_with("denied: "));
    }
}

#[tokio::test]
async fn a_row_is_inserted_read_updated_and_deleted() {
    let mut guest = Guest::new(0).await;
    assert_eq!(guest.insert(Some("a"), r#"{"n":1,"x":true}"#).unwrap(), "a");
    let row = guest.get("a").unwrap().unwrap();
    assert_eq!(
        (row.version, row.created_at, row.fields.as_str()),
        (0, now().millis(), r#"{"n":1,"x":true}"#)
    );
    assert_eq!(guest.insert(Some("a"), "{}").unwrap_err(), "conflict: table `t` has a row `a` already");
    guest.update("a", r#"{"n":2,"x":null}"#, Some(0)).unwrap();
    assert_eq!(guest.get("a").unwrap().unwrap().fields, r#"{"n":2}"#);
    let conflict = guest.update("a", "{}", Some(9)).unwrap_err();
    assert_eq!(conflict, "conflict: row `a` of table `t` is at version 0, not at 9: read it again");
    assert!(guest.delete("a", None).unwrap() && !guest.delete("a", None).unwrap());
    assert_eq!(guest.get("a").unwrap().map(|row| row.id), None);
    assert_eq!(guest.update("a", "{}", None).unwrap_err(), "not-found: table `t` has no row `a`");
    assert_eq!(guest.insert(Some("a"), "{}").unwrap(), "a");
    for (id, fields) in [("", "{}"), ("\n", "{}"), ("b", "[]"), ("b", "{"), ("b", r#"{"id":1}"#)] {
        assert!(guest.insert(Some(id), fields).unwrap_err().starts_with("invalid: "), "{id} {fields}");
    }
    let made = guest.insert(None, "{}").unwrap();
    assert_eq!((made.len(), made.as_bytes()[14]), (36, b'7'));
    assert_ne!(made, guest.insert(None, "{}").unwrap());
    assert_eq!(guest.state.meter.rows_written, 6);
}

#[tokio::test]
async fn what_was_read_is_expected_at_the_commit_and_what_was_not_is_not() {
    let mut guest = Guest::new(5).await;
    let version = guest.get("r000").unwrap().unwrap().version;
    assert!(version > 0);
    guest.update("r000", r#"{"n":10}"#, Some(version)).unwrap();
    assert_eq!(guest.expected("r000"), Expected::Version(version));
    told(guest.state.put(guest.t(), "r001".into(), "{}".into())).unwrap();
    assert_eq!(guest.expected("r001"), Expected::Anything);
    guest.insert(Some("new"), "{}").unwrap();
    assert_eq!(guest.expected("new"), Expected::Version(0));
    assert_eq!(guest.delete_where(n("ge", "4"), 0).unwrap(), 2);
    assert_eq!(guest.expected("r004"), Expected::Version(version));
    guest.commit().await;
    assert_eq!(guest.ids(&[], &[], 2).unwrap(), ["new", "r001", "r002", "r003"]);
    // Shown by the query, so it counts as read from now on.
    guest.delete("r003", None).unwrap();
    assert_eq!(guest.expected("r003"), Expected::Version(version));
}

#[tokio::test]
async fn queries_and_counts_see_the_attempts_own_writes_in_place() {
    let mut guest = Guest::new(200).await;
    assert_eq!(guest.count(vec![]).unwrap(), 200);
    guest.insert(Some("a"), r#"{"n":-1}"#).unwrap();
    guest.insert(Some("r0995"), r#"{"n":99.5}"#).unwrap();
    guest.insert(Some("z"), r#"{"n":1000}"#).unwrap();
    guest.delete("r100", None).unwrap();
    guest.update("r101", r#"{"n":-2}"#, None).unwrap();
    assert_eq!(guest.count(vec![]).unwrap(), 202);
    let by_n = |descending| vec![Order { field: "n".into(), descending }];
    assert_eq!(guest.ids(&n("lt", "2"), &by_n(false), 0).unwrap(), ["r101", "a", "r000", "r001"]);
    assert_eq!(guest.ids(&n("ge", "198"), &by_n(true), 1).unwrap(), ["z", "r199", "r198"]);
    let all = guest.ids(&[], &[], 7).unwrap();
    assert_eq!(
        (all.len(), all[0].as_str(), all[101].as_str(), all[102].as_str()),
        (202, "a", "r0995", "r101")
    );
    assert_eq!(guest.delete_where(n("lt", "2"), 3).unwrap(), 3);
    assert_eq!(guest.ids(&n("lt", "3"), &[], 0).unwrap(), ["r002", "r101"]);
    assert!(guest.ids(&n("like", "1"), &[], 0).unwrap_err().starts_with("invalid: "));
    assert_eq!(
        told(guest.state.query(
            guest.t(),
            Query { filter: vec![], order: vec![], limit: 0, cursor: Some("nonsense".into()) }
        ))
        .map(|_| ())
        .unwrap_err()
        .split(':')
        .next(),
        Some("invalid")
    );
}

#[tokio::test]
async fn limits_are_told_by_name_and_the_guest_may_go_on() {
    let mut guest =
        Guest::with(Access::ReadWrite, 10, Limits { rows_scanned: 25, ..Limits::default() }).await;
    assert_eq!(guest.count(vec![]).unwrap() + guest.count(vec![]).unwrap(), 20);
    let quota = "quota: more than 25 rows looked at by this attempt (limit rows_scanned)";
    assert_eq!(guest.count(vec![]).unwrap_err(), quota);
    assert!(guest.insert(None, "{}").is_ok());

    let mut guest = Guest::with(Access::ReadWrite, 10, Limits { rows_tracked: 3, ..Limits::default() }).await;
    assert!(guest.ids(&[], &[], 0).unwrap_err().contains("(limit rows_tracked)"));
    assert!(guest.delete_where(vec![], 0).is_err());
    assert_eq!(guest.state.workspace.counts().0, 0, "all of it or nothing");

    let mut guest = Guest::with(Access::ReadWrite, 0, Limits { handles: 2, ..Limits::default() }).await;
    assert!(told(guest.state.open("t".into())).is_ok());
    let quota = "quota: more than 2 resource handles held at one time (limit handles)";
    assert_eq!(told(guest.state.open("t".into())).map(|_| ()).unwrap_err(), quota);
}

#[tokio::test]
async fn a_commit_takes_so_many_rows_and_deletes_are_all_or_none() {
    let mut guest = Guest::new(3).await;
    for row in 0..fixed::COMMIT_ROWS - 2 {
        guest.insert(Some(&format!("new{row:05}")), "{}").unwrap();
    }
    let old =
        vec![vec![Condition { field: "id".into(), operator: "starts-with".into(), value: "\"r\"".into() }]];
    assert!(
        guest.delete_where(old.clone(), 0).unwrap_err().starts_with("quota: more than 10000 rows written")
    );
    assert_eq!(guest.delete_where(old, 2).unwrap(), 2);
    assert!(guest.insert(None, "{}").unwrap_err().starts_with("quota: "));
    // What it wrote itself is no further row of the commit.
    assert_eq!(
        guest.delete_where(vec![], fixed::COMMIT_ROWS as u32 - 2).unwrap(),
        fixed::COMMIT_ROWS as u64 - 2
    );
    guest.commit().await;
    assert_eq!(guest.ids(&[], &[], 0).unwrap(), ["r002"]);
}

#[tokio::test]
async fn rows_and_their_bytes_cost_fuel() {
    let mut guest = Guest::new(100).await;
    let burnt = |state: &State| state.meter.burnt(u64::MAX);
    let before = burnt(&guest.state);
    guest.get("r000").unwrap();
    let one = burnt(&guest.state) - before;
    guest.count(vec![]).unwrap();
    let hundred = burnt(&guest.state) - one;
    assert!(one > 4_000 && one < 6_000 && hundred > 99 * 4_000, "{one} {hundred}");
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(100_000));
    guest.insert(Some("large"), &large).unwrap();
    assert!(burnt(&guest.state) - hundred > 1_000_000);
}

#[tokio::test]
async fn a_store_that_fails_ends_the_attempt() {
    struct Broken;
    impl sandglass_store::Store for Broken {
        fn view(&self, look: &mut dyn FnMut(&dyn sandglass_store::Read)) {
            look(&Broken);
        }
        fn submit(&self, _: sandglass_store::store::Script, done: sandglass_store::store::Done) {
            done(Err(StoreError::Closed));
        }
        fn settled(&self) -> sandglass_store::Answer<()> {
            Box::pin(async { Err(StoreError::Closed) })
        }
        fn history(&self) -> Result<Vec<sandglass_core::retention::Period>, StoreError> {
            Err(StoreError::Closed)
        }
        fn bytes(&self) -> Result<u64, StoreError> {
            Err(StoreError::Closed)
        }
        fn forget_history(&self, _: sandglass_core::Instant) -> sandglass_store::Answer<usize> {
            Box::pin(async { Err(StoreError::Closed) })
        }
    }
    impl sandglass_store::Read for Broken {
        fn get(&self, _: sandglass_store::Space, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            Err(StoreError::Failed("the disk is gone".into()))
        }
        fn scan(
            &self,
            _: sandglass_store::Space,
            _: &sandglass_store::KeyRange,
            _: bool,
            _: &mut dyn FnMut(&[u8], &[u8]) -> std::ops::ControlFlow<()>,
        ) -> Result<(), StoreError> {
            Err(StoreError::Failed("the disk is gone".into()))
        }
    }
    let mut guest = Guest::new(0).await;
    guest.state.context.store = Arc::new(Broken);
    for error in [
        guest.state.get(guest.t(), "a".into()).map(|_| ()).unwrap_err(),
        guest.state.count(guest.t(), vec![]).map(|_| ()).unwrap_err(),
    ] {
        let failure = crate::verdict::failure(&error, &Limits::default());
        assert_eq!(failure.cause, sandglass_core::run::Cause::HostError);
        assert_eq!(failure.message, "the store failed: the disk is gone");
    }
}
