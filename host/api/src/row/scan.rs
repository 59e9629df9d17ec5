//! The rows of a table within one look, as a query wants them: one after the other, and not without end.

use crate::problem::Refusal;
use sandglass_core::Name;
use sandglass_core::row::{Row, RowId};
use sandglass_store::{Read, op};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Rows in the order of their ids. Ends with an error where it would look at more rows than it may.
pub(super) struct Rows<'a> {
    read: &'a dyn Read,
    table: &'a Name,
    after: Option<RowId>,
    at_once: usize,
    ahead: VecDeque<Row>,
    ended: bool,
    left: u64,
    most: u64,
}

const AT_ONCE_MAX: usize = 512;

impl<'a> Rows<'a> {
    /// From the row after `after` on, at most `most` of them. `at_once` of them are likely enough.
    pub(super) fn new(
        read: &'a dyn Read,
        table: &'a Name,
        after: Option<RowId>,
        at_once: usize,
        most: u64,
    ) -> Rows<'a> {
        let at_once = at_once.clamp(1, AT_ONCE_MAX);
        Rows { read, table, after, at_once, ahead: VecDeque::new(), ended: false, left: most, most }
    }

    fn fill(&mut self) -> Result<(), Refusal> {
        op::table::rows_after(self.read, self.table, self.after.as_ref(), |row| {
            self.ahead.push_back(row);
            if self.ahead.len() < self.at_once { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        self.ended = self.ahead.len() < self.at_once;
        self.after = self.ahead.back().map(|row| row.id.clone());
        self.at_once = AT_ONCE_MAX;
        Ok(())
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, Refusal>;

    fn next(&mut self) -> Option<Result<Row, Refusal>> {
        if self.ahead.is_empty()
            && !self.ended
            && let Err(refusal) = self.fill()
        {
            self.ended = true;
            return Some(Err(refusal));
        }
        let row = self.ahead.pop_front()?;
        let Some(left) = self.left.checked_sub(1) else {
            (self.ended, self.ahead) = (true, VecDeque::new());
            return Some(Err(too_many(self.most)));
        };
        self.left = left;
        Some(Ok(row))
    }
}

/// What is told of a request that would look at too much.
pub(super) fn too_many(most: u64) -> Refusal {
    let message = format!(
        "this would look at more than {most} rows, the limit (rows_scanned) of one request: read them page by \
         page without an order and with fewer conditions, or export the table"
    );
    Refusal::invalid_at("", message)
}
