//! What every backend must do, as cases that its tests run.
//!
//! A backend calls [`conformance!`](macro@crate::conformance) in a module of tests, and gets one test for each case.
//! A case is given an opener. Called the first time it opens a store that nothing was written to; called
//! again, after the store was dropped, it opens the same one.
//!
//! The cases know nothing of the backend, and nothing of what is stored.

pub mod commit;
pub mod history;
pub mod large;
pub mod many;
pub mod model;
pub mod scan;

use crate::key::KeyRange;
use crate::space::Space;
use crate::store::{Read, Store, StoreError, StoreExt, Verdict, Write};
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::{Arc, mpsc};

/// Opens the store that a case works on.
pub type Open<'a> = &'a mut dyn FnMut() -> Arc<dyn Store>;

/// One test for each case. The expression gives a new opener each time: a
/// `FnMut() -> Arc<dyn Store>`, see [`conformance`](mod@crate::conformance).
#[macro_export]
macro_rules! conformance {
    ($opener:expr) => {
        $crate::conformance!(@cases $opener;
            commit: puts_and_deletes, spaces_are_apart, scripts_read_their_own_writes, dropped_writes_are_gone,
            later_scripts_see_earlier_ones, a_panic_undoes_its_script_alone, done_comes_in_order,
            scripts_may_be_submitted_from_done, sequences_grow_and_are_never_used_twice,
            what_was_committed_is_there_after_opening_again, an_error_of_the_script_is_given_back;
            scan: ranges_in_both_directions, scans_end_when_told, scripts_scan_over_their_own_writes,
            prefixes_end_at_the_right_key;
            history: days_lie_in_the_order_of_keys, days_that_ended_are_forgotten, a_forgotten_day_can_come_back,
            history_commits_with_the_rest, reading_history_makes_no_days;
            large: values_of_every_size, large_values_shrink_grow_and_go, keys_that_continue_each_other,
            large_values_in_history, one_script_may_write_much;
            many: increments_are_not_lost, looks_see_whole_commits, what_was_seen_settles;
            model: random_work_equals_a_map);
    };
    (@cases $opener:expr; $($module:ident: $($case:ident),+);+) => {
        $($(
            #[test]
            fn $case() {
                $crate::conformance::$module::$case(&mut $opener);
            }
        )+)+
    };
}

/// Waits for a future of a store.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime for a test").block_on(future)
}

/// Commits a script and waits for it.
pub fn commit(store: &dyn Store, script: impl FnOnce(&mut dyn Write) + Send + 'static) {
    let result = submit(store, |write| {
        script(write);
        Verdict::Commit
    });
    assert_eq!(result.recv().expect("done is called"), Ok(()));
}

/// Submits a script; the answer comes through the channel.
fn submit(
    store: &dyn Store,
    script: impl FnOnce(&mut dyn Write) -> Verdict + Send + 'static,
) -> mpsc::Receiver<Result<(), StoreError>> {
    let (tell, told) = mpsc::channel();
    store.submit(Box::new(script), Box::new(move |result| tell.send(result).unwrap_or_default()));
    told
}

fn put(store: &dyn Store, space: Space, key: &[u8], value: &[u8]) {
    let (key, value) = (key.to_vec(), value.to_vec());
    commit(store, move |write| write.put(space, key, value));
}

fn delete(store: &dyn Store, space: Space, key: &[u8]) {
    let key = key.to_vec();
    commit(store, move |write| write.delete(space, key));
}

fn get(store: &dyn Store, space: Space, key: &[u8]) -> Option<Vec<u8>> {
    store.read(|read| read.get(space, key)).expect("a store that can be read")
}

type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// All records of a range, as a reader sees them.
fn scan(read: &dyn Read, space: Space, range: &KeyRange, backwards: bool) -> Records {
    let mut records = Records::new();
    read.scan(space, range, backwards, &mut |key, value| {
        records.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })
    .expect("a store that can be scanned");
    records
}

fn all(store: &dyn Store, space: Space) -> Records {
    store.read(|read| scan(read, space, &KeyRange::all(), false))
}

/// Numbers that look random and are the same each time (xorshift64*, Marsaglia 2003, Vigna 2016).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    /// Bytes that no compression makes smaller.
    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.next() >> 56) as u8).collect()
    }
}
