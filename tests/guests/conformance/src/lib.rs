//! Every call of the contract, and what came of each, a line for each: the same lines in every language.

use sandglass::serde_json::{json, Value};
use sandglass::{log, Context, Error, Failure, Instant, Op, Result};
use std::fmt::{Display, Write as _};
use std::time::Duration;

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}={value}");
    }

    fn code<T>(&mut self, name: &str, result: Result<T>) {
        match result {
            Ok(_) => self.add(name, "ok"),
            Err(Error { code, .. }) => self.add(name, code),
        }
    }
}

fn maybe(value: Option<impl Display>) -> String {
    value.map_or("none".into(), |value| value.to_string())
}

#[sandglass::job]
fn run(ctx: Context) -> Result<String, Failure> {
    if let Some(progress) = ctx.progress() {
        return Ok(format!("{progress}attempt={}", ctx.attempt()));
    }
    let mut lines = Lines::default();
    this_run(&ctx, &mut lines)?;
    rows(&ctx, &mut lines)?;
    queries(&ctx, &mut lines)?;
    others(&ctx, &mut lines)?;
    ctx.checkpoint(Some(&lines.0));
    lines.add("kept", ctx.progress().as_ref() == Some(&lines.0));
    ctx.checkpoint(Some(&lines.0));
    Err(Failure::retry("again"))
}

fn this_run(ctx: &Context, lines: &mut Lines) -> Result<()> {
    lines.add("job", ctx.job());
    lines.add("run-id", ctx.run_id().len());
    lines.add("attempt", ctx.attempt());
    lines.add("trigger", ctx.trigger());
    lines.add("scheduled-for", ctx.scheduled_for() <= ctx.now());
    lines.add("last-success", maybe(ctx.last_success()));
    lines.add("deadline", ctx.deadline() > ctx.now());
    lines.add("setting", maybe(ctx.setting("CITY")));
    lines.add("no-setting", maybe(ctx.setting("NOTHING")));
    lines.add("input", maybe(ctx.input::<Value>()?));
    lines.add("progress", maybe(ctx.progress()));
    log::trace!("trace ü");
    log::debug!("debug ü");
    log::info!("info ü");
    log::warn!("warn ü");
    log::error!("error ü");
    println!("printed ü");
    Ok(())
}

fn rows(ctx: &Context, lines: &mut Lines) -> Result<()> {
    let items = ctx.table::<Value>("items")?;
    let at = Instant::from_millis(1_769_848_200_123);
    let row = json!({"n": 9_007_199_254_740_993_i64, "text": "Grüße 🌍", "at": at});
    lines.code("insert", items.insert_with_id("a", &row));
    lines.code("insert-again", items.insert_with_id("a", &row));
    lines.add("insert-made", !items.insert(&json!({"n": 1}))?.is_empty());
    let row = items.get("a")?.expect("it was inserted");
    lines.add(
        "get",
        format_args!(
            "{} {} {}",
            row.fields["n"],
            row.fields["text"].as_str().unwrap_or_default(),
            row.fields["at"].as_str().unwrap_or_default()
        ),
    );
    lines.add("get-version", row.version);
    lines.add("get-instants", row.created_at == row.updated_at && row.created_at <= ctx.now());
    lines.add("get-missing", maybe(items.get("nobody")?.map(|row| row.id)));
    lines.code("update", items.update("a", &json!({"extra": true, "text": null})));
    let row = items.get("a")?.expect("it was updated");
    lines.add("updated", format_args!("{} {}", row.fields["extra"], row.fields.get("text").is_some()));
    lines.code("update-missing", items.update("nobody", &json!({})));
    lines.code("update-version", items.update_if("a", 7, &json!({})));
    lines.code("put", items.put("b", &json!({"n": 2})));
    let bytes = ctx.setting_or("LARGE", 0)?;
    items.put("large", &json!({"text": "x".repeat(bytes)}))?;
    let large = items.get("large")?.expect("it was put");
    lines.add("large", large.fields["text"].as_str().unwrap_or_default().len());
    lines.code("too-large", items.put("large", &json!({"text": "x".repeat(300_000)})));
    lines.code("delete-version", items.delete_if("b", 7));
    lines.add("delete", items.delete("b")?);
    lines.add("delete-again", items.delete("b")?);
    Ok(())
}

fn queries(ctx: &Context, lines: &mut Lines) -> Result<()> {
    let items = ctx.table::<Value>("items")?;
    for n in 0..5 {
        items.put(&format!("q{n}"), &json!({"n": n, "kind": "q"}))?;
    }
    let of_kind = || items.query().filter("kind", Op::Eq, "q");
    let page = of_kind().filter("n", Op::Ge, 1).order_by_descending("n").limit(2).page()?;
    let ids =
        |rows: &[sandglass::Row<Value>]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>().join(",");
    lines.add("page", format_args!("{} {}", ids(&page.rows), page.next.is_some()));
    let cursor = page.next.unwrap_or_default();
    let page = of_kind().filter("n", Op::Ge, 1).order_by_descending("n").limit(2).after(cursor).page()?;
    lines.add("page-after", ids(&page.rows));
    let rows = of_kind()
        .filter("n", Op::Lt, 1)
        .or()
        .filter("n", Op::Gt, 3)
        .filter("kind", Op::Eq, "q")
        .order_by("id");
    let rows = rows.iter().collect::<Result<Vec<_>>>()?;
    lines.add("or", ids(&rows));
    lines.add("first", ids(&of_kind().order_by_descending("id").limit(1).page()?.rows));
    lines.add("in", of_kind().filter("n", Op::In, [0, 2]).count()?);
    lines.add("exists", items.query().filter("kind", Op::Exists, true).count()?);
    lines.add("starts-with", items.query().filter("id", Op::StartsWith, "q").count()?);
    let later = Instant::from_millis(1_769_848_200_124);
    lines.add("instant", items.query().filter("at", Op::Lt, later).count()?);
    lines.code("bad-value", items.query().filter("n", Op::In, 5).count());
    lines.add("delete-up-to", of_kind().delete_up_to(2)?);
    lines.add("delete-where", of_kind().delete()?);
    many(ctx, lines)?;
    lines.code("denied-table", ctx.table::<Value>("others"));
    let read_only = ctx.table::<Value>("readonly")?;
    lines.add("read-only", read_only.query().count()?);
    lines.code("denied-write", read_only.insert(&json!({})));
    Ok(())
}

/// More rows than a page has, where the test says so.
fn many(ctx: &Context, lines: &mut Lines) -> Result<()> {
    let items = ctx.table::<Value>("items")?;
    for n in 0..ctx.setting_or("MANY", 0)? {
        items.put(&format!("m{n}"), &json!({"n": n, "kind": "m", "text": "x".repeat(1_000)}))?;
    }
    let of_kind = || items.query().filter("kind", Op::Eq, "m");
    let (mut count, mut sum) = (0, 0);
    for row in of_kind().order_by("n").iter() {
        count += 1;
        sum += row?.fields["n"].as_u64().unwrap_or_default();
    }
    lines.add("many", format_args!("{count} {sum}"));
    lines.add("many-gone", of_kind().delete()?);
    Ok(())
}

fn others(ctx: &Context, lines: &mut Lines) -> Result<()> {
    let message =
        || ctx.email().subject("Grüße 🌍").text("Hello").html("<p>Hello").reply_to("ops@example.com");
    lines.code("email-denied", message().to("somebody@example.org").send());
    lines.code("email-invalid", message().send());
    let id = message()
        .to("Team <team@example.com>")
        .cc("team@example.com")
        .bcc("team@example.com")
        .attach("a.txt", "text/plain", "ü")
        .send()?;
    lines.add("email", !id.is_empty());
    lines.code("email-quota", message().to("team@example.com").send());
    lines.add("secret", ctx.secret("API_KEY")?.len());
    lines.code("secret-denied", ctx.secret("OTHER_KEY"));
    let request = ctx.http("POST", "http://denied.example/").header("x-a", "b").body("ü");
    lines.code("http-denied", request.send());
    let echo = ctx.setting("ECHO").unwrap_or_default();
    let answer =
        ctx.http("POST", echo).header("x-a", "b").body("ü").timeout(Duration::from_secs(10)).send()?;
    let (header, text) = (answer.header("x-a").unwrap_or_default(), answer.text()?);
    lines.add("http", format_args!("{} {header} {text}", answer.status));
    lines.code("http-unavailable", ctx.http("GET", ctx.setting("GONE").unwrap_or_default()).send());
    Ok(())
}
