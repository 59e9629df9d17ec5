//! Rows by what they contain.

use crate::bindings::sandglass::job::table as host;
use crate::{Error, Result, Row, Table};
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::collections::VecDeque;

/// How a member of a row is compared with a value. RFC 3339 text compares as an instant where both sides are
/// such text. A member that is missing matches [`Op::Ne`] and [`Op::Exists`] of `false`, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op {
    /// It equals the value.
    Eq,
    /// It does not equal the value.
    Ne,
    /// It is less than the value.
    Lt,
    /// It is less than the value, or equals it.
    Le,
    /// It is greater than the value.
    Gt,
    /// It is greater than the value, or equals it.
    Ge,
    /// It is text that begins with the value.
    StartsWith,
    /// It equals one of the value, an array.
    In,
    /// It is there, or is not: the value is a boolean.
    Exists,
}

/// Which rows of a table, in which order.
///
/// Conditions that follow one another must all hold. [`or`](Self::or) begins another group of them, and a
/// row matches where one group does:
///
/// ```no_run
/// # use sandglass::{Op, Table};
/// # fn f(sessions: Table<sandglass::serde_json::Value>) -> Result<(), sandglass::Failure> {
/// // (user = u1 and last_seen < 2026) or closed = true, the latest first, ten of them
/// let rows = sessions
///     .query()
///     .filter("user", Op::Eq, "u1")
///     .filter("last_seen", Op::Lt, "2026-01-01T00:00:00Z")
///     .or()
///     .filter("closed", Op::Eq, true)
///     .order_by_descending("last_seen")
///     .limit(10);
/// for row in rows.iter() {
///     println!("{}", row?.id);
/// }
/// # Ok(()) }
/// ```
///
/// Without conditions it is every row. Each call that answers it may give
/// [`Code::Invalid`](crate::Code::Invalid) where a value has no JSON or does not fit its operator, and
/// [`Code::Quota`](crate::Code::Quota) where the attempt scanned too many rows (1 million).
#[derive(Debug)]
#[must_use = "a query does nothing until it is asked for rows"]
pub struct Query<'t, T> {
    table: &'t Table<T>,
    request: Request,
}

/// One page of a query's answer: one consistent view of the table.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Up to 1,000 rows, 4 MiB together.
    pub rows: Vec<Row<T>>,
    /// Where the next page begins, for [`Query::after`]; none after the last.
    pub next: Option<String>,
}

/// The rows of a query, fetched page by page. Each page is a view of its own: rows that change meanwhile may
/// be seen as they were or as they are.
#[derive(Debug)]
pub struct Rows<'q, T> {
    query: &'q Query<'q, T>,
    page: VecDeque<Row<T>>,
    cursor: Option<String>,
    /// How many rows may still be fetched; none is without end.
    left: Option<u32>,
    ended: bool,
}

impl<'t, T> Query<'t, T> {
    pub(crate) fn new(table: &'t Table<T>) -> Self {
        Self { table, request: Request::default() }
    }

    /// Only rows whose member compares so with a value. `field` names a member of the row's object, or `id`,
    /// `version`, `created-at` or `updated-at`.
    pub fn filter(mut self, field: impl Into<String>, operator: Op, value: impl Serialize) -> Self {
        self.request.filter(field.into(), operator, &value);
        self
    }

    /// Begins another group of conditions. A group without conditions does not count.
    pub fn or(mut self) -> Self {
        self.request.or();
        self
    }

    /// Orders by a member, smallest first; rows that are equal by it by the next one given, and at last by
    /// id. Without any, by id.
    pub fn order_by(mut self, field: impl Into<String>) -> Self {
        self.request.order.push(host::Order { field: field.into(), descending: false });
        self
    }

    /// As [`order_by`](Self::order_by), largest first.
    pub fn order_by_descending(mut self, field: impl Into<String>) -> Self {
        self.request.order.push(host::Order { field: field.into(), descending: true });
        self
    }

    /// At most so many rows, for [`page`](Self::page) and [`iter`](Self::iter).
    pub fn limit(mut self, rows: u32) -> Self {
        self.request.limit = Some(rows);
        self
    }

    /// Begins where a page of the same filter and order ended.
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.request.cursor = Some(cursor.into());
        self
    }

    /// How many rows match, whatever the limit.
    pub fn count(&self) -> Result<u64> {
        Ok(self.table.host.count(self.request.groups()?)?)
    }

    /// Deletes every row that matches, whatever the limit and order, and says how many.
    /// [`Code::Quota`](crate::Code::Quota) where they are more than one commit may write, which is 10,000:
    /// then [`delete_up_to`](Self::delete_up_to) and a checkpoint, again and again.
    pub fn delete(&self) -> Result<u64> {
        Ok(self.table.host.delete_where(self.request.groups()?, u32::MAX)?)
    }

    /// Deletes so many of the rows that match, in the order of their ids, and says how many it were. Fewer
    /// than asked means that no more match.
    pub fn delete_up_to(&self, rows: u32) -> Result<u64> {
        let groups = self.request.groups()?;
        // To the host, 0 is as many as it allows.
        if rows == 0 {
            return Ok(0);
        }
        Ok(self.table.host.delete_where(groups, rows)?)
    }
}

impl<T: DeserializeOwned> Query<'_, T> {
    /// One page of the rows that match. [`Code::Invalid`](crate::Code::Invalid), too, where a row is not a
    /// `T`.
    pub fn page(&self) -> Result<Page<T>> {
        self.fetch(self.request.cursor.clone(), self.request.limit)
    }

    /// The first row that matches, none where none does. It reads no more than that one where an index is in the
    /// query's order.
    pub fn first(&self) -> Result<Option<Row<T>>> {
        Ok(self.fetch(self.request.cursor.clone(), Some(1))?.rows.pop())
    }

    /// The rows that match, one by one. An error is the last item.
    pub fn iter(&self) -> Rows<'_, T> {
        Rows {
            query: self,
            page: VecDeque::new(),
            cursor: self.request.cursor.clone(),
            left: self.request.limit,
            ended: false,
        }
    }

    fn fetch(&self, cursor: Option<String>, limit: Option<u32>) -> Result<Page<T>> {
        let query = self.request.to_wit(cursor, limit)?;
        if limit == Some(0) {
            return Ok(Page { rows: Vec::new(), next: query.cursor });
        }
        let page = self.table.host.query(&query)?;
        let rows = page.rows.into_iter().map(|row| self.table.typed(row)).collect::<Result<_>>()?;
        Ok(Page { rows, next: page.next })
    }
}

impl<'q, T: DeserializeOwned> IntoIterator for &'q Query<'_, T> {
    type Item = Result<Row<T>>;
    type IntoIter = Rows<'q, T>;
    fn into_iter(self) -> Rows<'q, T> {
        self.iter()
    }
}

impl<T: DeserializeOwned> Iterator for Rows<'_, T> {
    type Item = Result<Row<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        // A page may be empty and not the last: it also ends where the host has scanned enough.
        while self.page.is_empty() && !self.ended && self.left != Some(0) {
            match self.query.fetch(self.cursor.take(), self.left) {
                Ok(page) => {
                    self.ended = page.next.is_none();
                    self.cursor = page.next;
                    self.page = page.rows.into();
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        let row = self.page.pop_front()?;
        self.left = self.left.map(|left| left - 1);
        Some(Ok(row))
    }
}

/// A query without its table, as it comes together.
#[derive(Debug, Default)]
struct Request {
    groups: Vec<Vec<host::Condition>>,
    /// `or` was called, and no condition since.
    begins_group: bool,
    order: Vec<host::Order>,
    limit: Option<u32>,
    cursor: Option<String>,
    /// Kept for the call to the host, so that a chain of calls needs one `?`.
    broken: Option<Error>,
}

impl Request {
    fn filter(&mut self, field: String, operator: Op, value: &impl Serialize) {
        let value = match serde_json::to_string(value) {
            Ok(value) => value,
            Err(error) => {
                let error =
                    Error::invalid(format!("the value that `{field}` is compared with has no JSON: {error}"));
                self.broken.get_or_insert(error);
                return;
            }
        };
        let condition = host::Condition { field, operator: operator.as_str().to_string(), value };
        // Groups are made by their first condition: an empty one would match every row, and a stray `or`
        // must not turn a deletion into one of the whole table.
        match self.groups.last_mut() {
            Some(group) if !self.begins_group => group.push(condition),
            _ => self.groups.push(vec![condition]),
        }
        self.begins_group = false;
    }

    fn or(&mut self) {
        self.begins_group = true;
    }

    fn groups(&self) -> Result<&[Vec<host::Condition>]> {
        match &self.broken {
            Some(error) => Err(error.clone()),
            None => Ok(&self.groups),
        }
    }

    fn to_wit(&self, cursor: Option<String>, limit: Option<u32>) -> Result<host::Query> {
        let (filter, order) = (self.groups()?.to_vec(), self.order.clone());
        Ok(host::Query { filter, order, limit: limit.unwrap_or(0), cursor })
    }
}

impl Op {
    fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::StartsWith => "starts-with",
            Self::In => "in",
            Self::Exists => "exists",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instant;

    /// Each group as `field operator value` joined by `and`.
    fn groups(request: &Request) -> Vec<String> {
        let condition = |c: &host::Condition| format!("{} {} {}", c.field, c.operator, c.value);
        let group =
            |group: &Vec<host::Condition>| group.iter().map(condition).collect::<Vec<_>>().join(" and ");
        request.groups().expect("no error").iter().map(group).collect()
    }

    #[test]
    fn conditions_gather_in_groups() {
        let mut request = Request::default();
        request.filter("last_seen".into(), Op::Lt, &Instant::from_millis(0));
        request.filter("user".into(), Op::In, &["a", "b"]);
        request.or();
        request.filter("closed".into(), Op::Exists, &true);
        assert_eq!(
            groups(&request),
            ["last_seen lt \"1970-01-01T00:00:00Z\" and user in [\"a\",\"b\"]", "closed exists true"]
        );
    }

    #[test]
    fn a_stray_or_matches_nothing_more() {
        let mut request = Request::default();
        request.or();
        request.filter("a".into(), Op::Eq, &1);
        request.or();
        request.or();
        assert_eq!(groups(&request), ["a eq 1"]);
    }

    #[test]
    fn a_value_without_json_is_told_by_the_call() {
        let mut request = Request::default();
        request.filter("a".into(), Op::Eq, &std::collections::BTreeMap::from([((1, 2), 3)]));
        request.filter("b".into(), Op::Eq, &1);
        let error = request.groups().expect_err("no JSON");
        assert!(error.message.contains("`a`"), "{}", error.message);
        assert!(request.to_wit(None, None).is_err());
    }
}
