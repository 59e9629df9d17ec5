//! `sandglass rows`: a query in the manner of `PostgREST`.

use crate::cli::Context;
use crate::client::{LONG, Request};
use crate::render::table::{Listing, cell};
use crate::render::text;
use crate::stop::Stop;
use anyhow::Result;
use sandglass_core::Name;
use serde_json::{Map, Value, json};

/// Show rows of a table
///
/// Conditions are those of the API: 'status=eq.done' 'created_at=lt.2026-01-01T00:00:00Z' 'or=(a.eq.1,b.gt.2)'.
#[derive(Debug, clap::Args)]
pub(crate) struct Rows {
    table: Name,
    /// Conditions, which must all hold
    #[arg(value_name = "FIELD=OP.VALUE", value_parser = condition)]
    conditions: Vec<(String, String)>,
    /// Such as `created_at.desc,name`
    #[arg(long, value_name = "STEPS")]
    order: Option<String>,
    /// At most so many
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print how many there are instead
    #[arg(long)]
    count: bool,
    /// Print which index serves the first page, and how much is read for it, instead
    #[arg(long, conflicts_with = "count")]
    explain: bool,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

fn condition(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, condition)) if !field.is_empty() => Ok((field.to_owned(), condition.to_owned())),
        _ => Err("write a field, =, an operator, a dot and a value, such as status=eq.done".into()),
    }
}

impl Rows {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        if self.count {
            let request =
                self.request("rows").query("limit", "1").header("prefer", "count=exact").patience(LONG);
            let page: Value = client.json(request)?;
            let count = page.get("count").filter(|count| count.is_u64());
            let count = count.ok_or_else(|| Stop::Unreachable("the host does not count rows".into()))?;
            let printed = if self.json { json!({ "count": count }).to_string() } else { count.to_string() };
            return context.print(&format!("{printed}\n"));
        }
        if self.explain {
            let request = self.request("explain").query("limit", self.limit.to_string()).patience(LONG);
            let way: Value = client.json(request)?;
            return if self.json { context.print_json(&way) } else { context.print(&explained(&way)) };
        }
        let rows = client.list(Some(self.limit as usize), || self.request("rows"))?;
        context.print_list(self.json, rows, "there are no such rows", |rows, _| listing(rows))
    }

    fn request(&self, what: &str) -> Request<'static> {
        let request = Request::get(format!("tables/{}/{what}", self.table));
        let conditions = self.conditions.iter();
        let request = conditions.fold(request, |request, (field, condition)| request.query(field, condition));
        request.query_some("order", self.order.clone())
    }
}

fn explained(way: &Value) -> String {
    let order = if way["in_order"] == true { "in the order asked for" } else { "then sorted" };
    let index = match way["index"].as_str() {
        Some(index) => format!("by the index {}, {order}", text::plain(index)),
        None => format!("by the ids of rows, {order}"),
    };
    let (keys, rows, returned) = (&way["keys_read"], &way["rows_read"], &way["rows_returned"]);
    format!("{index}\n{keys} keys of the index and {rows} rows read, {returned} rows returned\n")
}

/// What the store adds to every row, and nobody asks for first.
const ADDED: [&str; 3] = ["version", "created_at", "updated_at"];
const CHARACTERS_MAX: usize = 40;

/// The id, and a column for every field that a row here has.
fn listing(rows: &[Map<String, Value>]) -> String {
    let mut columns = vec!["id"];
    for name in rows.iter().flat_map(Map::keys) {
        if !ADDED.contains(&name.as_str()) && !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let headings: Vec<_> = columns.iter().map(|name| text::brief(name, CHARACTERS_MAX)).collect();
    let headings: Vec<_> = headings.iter().map(String::as_str).collect();
    let mut listing = Listing::new(&headings);
    for row in rows {
        let value = |name: &&str| match row.get(*name) {
            None => cell(""),
            Some(Value::String(text)) => cell(text::brief(text, CHARACTERS_MAX)),
            Some(value) => cell(text::brief(&value.to_string(), CHARACTERS_MAX)),
        };
        listing.row(columns.iter().map(value).collect());
    }
    listing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;

    #[test]
    fn rows_of_several_forms_share_a_table() {
        let rows = [
            json!({"id": "1", "version": 5, "created_at": "x", "name": "Ann\u{1b}", "done": true}),
            json!({"id": "2", "version": 6, "created_at": "x", "tags": ["a"], "name": null}),
        ];
        let rows: Vec<Map<String, Value>> =
            rows.into_iter().map(|row| row.as_object().unwrap().clone()).collect();
        let text = strip_str(&listing(&rows)).to_string();
        let expected = "id  done  name       tags\n1   true  Ann\\u{1b}\n2         null       [\"a\"]\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_way_is_explained() {
        let way =
            json!({"index": "a,b", "in_order": true, "keys_read": 3, "rows_read": 3, "rows_returned": 2});
        let expected = "by the index a,b, in the order asked for\n3 keys of the index and 3 rows read, 2 rows returned\n";
        assert_eq!(explained(&way), expected);
        assert!(explained(&json!({"in_order": false})).starts_with("by the ids of rows, then sorted\n"));
    }

    #[test]
    fn conditions_have_a_field_and_an_operator() {
        assert_eq!(condition("a=eq.b=c").unwrap(), ("a".into(), "eq.b=c".into()));
        assert!(condition("a").is_err() && condition("=eq.1").is_err());
    }
}
