//! The rows of the demo: flights in the United States in the first three months of 2001, from the package
//! `vega-datasets`, which many charts on the web show. Where it cannot be had, rows of the same shape.

use crate::process::{is_installed, output, step};
use crate::target;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// The npm package, at the version whose file this was written for.
const PACKAGE: &str = "vega-datasets@3.2.1";
const FILE: &str = "package/data/flights-20k.json";

/// 2001-03-01, in days since 1970 began: what is before it goes, which is about two thirds.
const KEEP_SINCE_DAY: u64 = 11_382;

/// Rows, and how the job finds the old ones among them.
pub(super) struct DataSet {
    pub(super) description: String,
    pub(super) table: &'static str,
    pub(super) field: &'static str,
    pub(super) keep_days: u64,
    /// NDJSON.
    pub(super) rows: String,
}

pub(super) fn fetch() -> Result<DataSet> {
    let rule = "the job deletes those before March";
    let (rows, whence) = match flights() {
        Ok(rows) => (rows, format!("flights of the United States in early 2001, from {PACKAGE}")),
        Err(reason) => {
            println!("The data set cannot be had ({reason:#}): making rows up.");
            (made_up(), "flights that were made up".to_string())
        }
    };
    let today = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 86_400;
    Ok(DataSet {
        description: format!("{} {whence}; {rule}.", rows.lines().count()),
        table: "flights",
        field: "date",
        keep_days: today.saturating_sub(KEEP_SINCE_DAY),
        rows,
    })
}

fn flights() -> Result<String> {
    let folder = target().join("demo").join(PACKAGE);
    let file = folder.join(FILE);
    if !file.is_file() {
        download(&folder)?;
    }
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let flights: Vec<Value> = serde_json::from_str(&text)?;
    flights.iter().enumerate().map(|(number, flight)| row(number, flight)).collect()
}

/// Gets the package as npm would for a project, and takes the one file out of it.
fn download(folder: &Path) -> Result<()> {
    if !is_installed("npm") || !is_installed("tar") {
        bail!("it comes by npm and tar, which are not both installed");
    }
    fs::create_dir_all(folder)?;
    step(&format!("npm pack {PACKAGE} (18 MB)"), || {
        let mut pack = Command::new("npm");
        pack.args(["pack", PACKAGE, "--silent", "--fetch-retries=1", "--fetch-timeout=60000"]);
        output(pack.current_dir(folder))
    })?;
    let archive = archive(folder)?;
    output(Command::new("tar").arg("-xzf").arg(&archive).arg(FILE).current_dir(folder))?;
    Ok(fs::remove_file(archive)?)
}

fn archive(folder: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            return Ok(path);
        }
    }
    bail!("npm left no archive in {}", folder.display())
}

/// A line of NDJSON. The file's dates, `2001/01/14 21:55`, become RFC 3339: they are local times of nowhere in
/// particular, and are taken for UTC.
fn row(number: usize, flight: &Value) -> Result<String> {
    let mut row = flight.as_object().context("a flight is no object")?.clone();
    let date = row.get("date").and_then(Value::as_str).context("a flight has no date")?;
    let (day, minute) = date.split_once(' ').context("a flight's date has no time")?;
    let date = format!("{}T{minute}:00Z", day.replace('/', "-"));
    row.insert("date".to_string(), date.into());
    row.insert("id".to_string(), format!("flight-{number:05}").into());
    Ok(Value::Object(row).to_string() + "\n")
}

fn made_up() -> String {
    const AIRPORTS: [&str; 7] = ["ATL", "BOS", "DFW", "JFK", "LAX", "ORD", "SEA"];
    (0..20_000)
        .map(|n| {
            let (month, day) = (1 + n * 3 / 20_000, 1 + n * 84 / 20_000 % 28);
            let flight = json!({
                "id": format!("flight-{n:05}"),
                "date": format!("2001-{month:02}-{day:02}T{:02}:{:02}:00Z", n % 24, n % 60),
                "delay": n % 90 - 20,
                "distance": 200 + n * 7 % 2_500,
                "origin": AIRPORTS[n as usize % 7],
                "destination": AIRPORTS[(n as usize + 3) % 7],
            });
            flight.to_string() + "\n"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_becomes_a_row() {
        let flight = json!({ "date": "2001/01/14 21:55", "delay": 7, "origin": "BOS" });
        let row: Value = serde_json::from_str(&row(3, &flight).expect("a row")).expect("JSON");
        let expected =
            json!({ "id": "flight-00003", "date": "2001-01-14T21:55:00Z", "delay": 7, "origin": "BOS" });
        assert_eq!(row, expected);
        assert!(super::row(0, &json!({ "date": "yesterday" })).is_err());
    }

    #[test]
    fn made_up_rows_lie_on_both_sides_of_the_cut() {
        let rows = made_up();
        let dates = rows.lines().map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["date"].as_str().expect("text").to_string()
        });
        let old = dates.filter(|date| date.as_str() < "2001-03-01").count();
        assert!((13_000..14_000).contains(&old), "{old}");
    }
}
