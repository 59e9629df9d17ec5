//! Deletes the rows of a table that were not seen for a while, and mails what it did.

use sandglass::log::info;
use sandglass::serde_json::Value;
use sandglass::{Context, Failure, Op};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Half of what one commit may write.
const BATCH: u32 = 5_000;
const DAY: Duration = Duration::from_secs(86_400);

/// How far the run has come, for the attempt after a crash.
#[derive(Deserialize, Serialize)]
struct Progress {
    rows_before: u64,
    deleted: u64,
}

#[sandglass::job]
fn run(ctx: Context) -> Result<String, Failure> {
    let table_name = ctx.setting_or("TABLE", String::from("sessions"))?;
    let field = ctx.setting_or("FIELD", String::from("last_seen"))?;
    let keep_days: u32 = ctx.setting_or("KEEP_DAYS", 30)?;
    let report_to = ctx.setting_or("REPORT_TO", String::from("ops@example.com"))?;

    let table = ctx.table::<Value>(&table_name)?;
    // Not `now`: every attempt of a run deletes the same rows.
    let cutoff = ctx.scheduled_for() - DAY * keep_days;
    let old = table.query().filter(&field, Op::Lt, cutoff);
    let mut progress = match ctx.progress_json()? {
        Some(progress) => progress,
        None => Progress { rows_before: table.query().count()?, deleted: 0 },
    };
    info!("deleting rows of {table_name} whose {field} is before {cutoff}");

    loop {
        let deleted = old.delete_up_to(BATCH)?;
        progress.deleted += deleted;
        if deleted < u64::from(BATCH) {
            break;
        }
        info!("{} deleted so far", progress.deleted);
        ctx.checkpoint_json(&progress)?;
    }

    // Committed with the last rows: whoever gets this mail can rely on it.
    let summary = format!("deleted {} of {} rows", progress.deleted, progress.rows_before);
    ctx.email()
        .to(report_to)
        .subject(format!("{table_name}: {summary}"))
        .text(format!(
            "{summary} of {table_name}: their {field} was before {cutoff}.\n\nRun {}\n",
            ctx.run_id()
        ))
        .send()?;
    Ok(summary)
}
