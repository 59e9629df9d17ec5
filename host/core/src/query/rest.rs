//! Queries as the parameters of a URL, in the manner of `PostgREST`.
//!
//! | parameter | meaning |
//! | --- | --- |
//! | `status=eq.done` | a condition on a member or on `id`, `version`, `created_at`, `updated_at`; all given ones hold, the same name more than once too |
//! | `or=(a.eq.1,b.lt.2)` | at least one of these holds, beside the conditions above; `and(...)` in the list holds several together. Once, and no deeper |
//! | `order=created_at.desc,name` | steps, most significant first; `.asc` or nothing is ascending |
//! | `limit=20` | rows in a page, from 1; above the limit of a page its limit counts |
//! | `cursor=...` | the `next` of the page before |
//!
//! Operators and values are those of [`super::notation`]. A member named `order`, `limit`, `cursor` or `or`
//! is written in double quotes: `"order"=eq.5`. Names and values come in as they are after the URL's own
//! decoding, where an unescaped + is a space.

use super::notation;
use super::{Condition, Filter, Order, Query, Step};
use crate::id::Name;
use crate::problem::Problem;
use crate::time::brief;

/// Parameters that are no conditions.
pub const RESERVED: [&str; 4] = ["order", "limit", "cursor", "or"];

/// Problems told at once.
const PROBLEMS_MAX: usize = 32;

/// Reads a query on `table` from decoded parameters. Gives every problem (of very many the first), each with its parameter as the
/// pointer: `/status`.
pub fn parse<'a>(
    table: &Name,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Query, Vec<Problem>> {
    let mut reading = Reading::default();
    for (name, text) in parameters {
        if reading.problems.len() == PROBLEMS_MAX {
            break;
        }
        if let Err(message) = reading.parameter(name, text) {
            reading.problems.push(Problem::new(pointer(name), message));
        }
    }
    reading.finish(table)
}

/// What was read up to now.
#[derive(Default)]
struct Reading<'a> {
    conditions: Vec<Condition>,
    alternatives: Option<Vec<Vec<Condition>>>,
    order: Option<Order>,
    limit: Option<u32>,
    cursor: Option<&'a str>,
    problems: Vec<Problem>,
}

impl<'a> Reading<'a> {
    fn parameter(&mut self, name: &str, text: &'a str) -> Result<(), String> {
        match name {
            "order" => once(&mut self.order, order(text)?),
            "limit" => once(&mut self.limit, limit(text)?),
            "cursor" => once(&mut self.cursor, text),
            "or" => once(&mut self.alternatives, alternatives(text)?),
            _ => {
                // Checked on the way, so that a long URL is not read in full before it is refused.
                if self.conditions.len() == Filter::CONDITIONS_MAX {
                    return Err(format!("there are more than {} conditions", Filter::CONDITIONS_MAX));
                }
                self.conditions.push(notation::condition(notation::field(name)?, text)?);
                Ok(())
            }
        }
    }

    fn finish(mut self, table: &Name) -> Result<Query, Vec<Problem>> {
        let filter = self.filter().map_err(|message| self.problems.push(Problem::new("/or", message)));
        let order = self.order.unwrap_or_default();
        let limit = self.limit.unwrap_or(0);
        if let (Ok(filter), true) = (filter, self.problems.is_empty()) {
            match Query::new(table, filter, order, limit, self.cursor) {
                Ok(query) => return Ok(query),
                Err(message) => self.problems.push(Problem::new("/cursor", message)),
            }
        }
        Err(self.problems)
    }

    /// The conditions together with each of the alternatives.
    fn filter(&mut self) -> Result<Filter, String> {
        let conditions = std::mem::take(&mut self.conditions);
        match self.alternatives.take() {
            None if conditions.is_empty() => Ok(Filter::default()),
            None => Filter::new(vec![conditions]),
            Some(mut groups) => {
                for group in &mut groups {
                    group.extend_from_slice(&conditions);
                }
                Filter::new(groups)
            }
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err("this may be given once".into()),
    }
}

fn order(text: &str) -> Result<Order, String> {
    let steps: Result<Vec<Step>, String> = notation::list(text)?.into_iter().map(notation::step).collect();
    Order::new(steps?)
}

fn limit(text: &str) -> Result<u32, String> {
    let number = text.parse::<u64>().ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| format!("`{}` is not a whole number from 1", brief(text)))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

fn alternatives(text: &str) -> Result<Vec<Vec<Condition>>, String> {
    let inner = notation::parenthesized(text)
        .filter(|inner| !inner.is_empty())
        .ok_or("alternatives are written as or=(status.eq.done,age.gt.5)")?;
    let alternatives = notation::list(inner)?;
    if alternatives.len() > Filter::GROUPS_MAX {
        let (most, given) = (Filter::GROUPS_MAX, alternatives.len());
        return Err(format!("at most {most} alternatives are allowed, and there are {given}"));
    }
    alternatives.into_iter().map(notation::group).collect()
}

/// A JSON pointer (RFC 6901) to the member `name`.
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
#[path = "rest_tests.rs"]
mod tests;
