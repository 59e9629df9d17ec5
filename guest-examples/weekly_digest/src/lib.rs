//! Sums up the seven days before a run, and mails them: as a table, and as a chart that goes with it.

mod digest;
mod page;

use digest::Digest;
use sandglass::log::info;
use sandglass::serde_json::Value;
use sandglass::{Context, Failure, Instant, Op};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

#[sandglass::job]
fn run(ctx: Context) -> Result<String, Failure> {
    let table_name = ctx.setting_or("TABLE", String::from("orders"))?;
    let at = ctx.setting_or("AT", String::from("placed_at"))?;
    let group = ctx.setting_or("GROUP", String::from("product"))?;
    let value = ctx.setting_or("VALUE", String::from("total"))?;
    let report_to = ctx.setting_or("REPORT_TO", String::from("team@example.com"))?;

    // Not `now`: every attempt of a run sums up the same days.
    let until = ctx.scheduled_for();
    let from = until - DAY * digest::DAYS as u32;
    let table = ctx.table::<Value>(&table_name)?;
    let rows = table.query().filter(&at, Op::Ge, from).filter(&at, Op::Lt, until);
    let mut digest = Digest::default();
    for row in rows.iter() {
        let fields = row?.fields;
        // The query has compared it as an instant, so it is one.
        let Some(placed) = fields[&at].as_str().and_then(|text| text.parse::<Instant>().ok()) else {
            continue;
        };
        let Some(since) = placed.since(from) else { continue };
        let day = (since.as_secs() / DAY.as_secs()) as usize;
        let name = fields[&group].as_str().unwrap_or("(none)");
        digest.add(name, fields[&value].as_f64().unwrap_or(0.0), day);
    }

    let days: Vec<String> = (0..digest::DAYS as u32).map(|day| date(from + DAY * day)).collect();
    let title = format!("{table_name}, {} to {}", date(from), date(until));
    let summary = format!("{} rows, {:.2} in all", digest.count(), digest.sum());
    info!("{title}: {summary}");
    ctx.email()
        .to(report_to)
        .subject(format!("{title}: {summary}"))
        .text(page::text(&title, &summary, &digest))
        .html(page::html(&title, &summary, &digest))
        .attach("days.svg", "image/svg+xml", page::chart(&days, digest.days()))
        .send()?;
    Ok(summary)
}

/// Such as `2026-01-31`.
fn date(at: Instant) -> String {
    at.to_rfc3339()[..10].to_string()
}
