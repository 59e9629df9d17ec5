//! `/runs/{id}/logs`: lines as NDJSON, or as server-sent events (<https://html.spec.whatwg.org/#server-sent-events>).
//!
//! A log that is not followed is what is stored. One that is followed runs ahead of that: its newest lines may
//! be gone after a crash, which is all that a client sees before it is durable.

use crate::app::App;
use crate::parameter::Parameters;
use crate::path::At;
use crate::problem::{Code, Refusal};
use crate::run;
use crate::stream::{self, Parts, Stop};
use axum::extract::State;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sandglass_core::RunId;
use sandglass_core::log::{Level, Line, Source};
use sandglass_scheduler::{Followed, Follower, Place};
use sandglass_store::op;
use sandglass_store::{Read, StoreError};
use serde::Serialize;
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Serialize)]
struct View<'a> {
    /// Names the line within its run, and sorts: `<piece>.<line>`.
    place: String,
    at: sandglass_core::Instant,
    attempt: u32,
    level: Level,
    source: Source,
    message: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Ndjson,
    Events,
}

const NDJSON: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";
/// The id of the event that ends a log.
const END: &str = "end";

pub(crate) async fn get(
    State(app): State<App>,
    At(id): At<RunId>,
    mut parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let follow = parameters.flag("follow");
    parameters.finish()?;
    let run = run::find(&app, id)?;
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let format = if accepts.contains(EVENTS) { Format::Events } else { Format::Ndjson };
    let from = match headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default()) {
        None | Some("") => Place::default(),
        // The client has it all, and this is how it is told not to come again.
        Some(END) if run.outcome().is_some() => return Ok(StatusCode::NO_CONTENT.into_response()),
        Some(text) => after(text).ok_or_else(|| {
            Refusal::new(Code::BadRequest, "Last-Event-ID is not the place of a line, such as 0.17")
        })?,
    };
    let reading = app.clone();
    let log = Log { app: reading, run: id, format };
    Ok(match format {
        Format::Events => stream::respond(&app, EVENTS, |parts| log.follow(parts, from)),
        Format::Ndjson if follow => stream::respond(&app, NDJSON, |parts| log.follow(parts, from)),
        Format::Ndjson => stream::respond(&app, NDJSON, |parts| log.stored(parts, from)),
    })
}

/// The place after the one that is written here.
fn after(text: &str) -> Option<Place> {
    let (piece, line) = text.split_once('.')?;
    let line: u32 = line.parse().ok()?;
    Some(Place { piece: piece.parse().ok()?, line: line.checked_add(1)? })
}

/// A log on its way to a client.
struct Log {
    app: App,
    run: RunId,
    format: Format,
}

/// Lines that one look reads, about.
const LINES_AT_ONCE: usize = 2_000;
const HEARTBEAT: Duration = Duration::from_secs(15);
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(1);
const GATHER: Duration = Duration::from_millis(25);

impl Log {
    /// What is stored.
    async fn stored(self, parts: Parts, mut from: Place) -> Result<(), Stop> {
        loop {
            let id = self.run;
            let (lines, more) = self.app.scan(move |read| stored_lines(read, id, from)).await?;
            if let Some((place, _)) = lines.last() {
                from = Place { line: place.line + 1, ..*place };
                parts.send(self.written(&lines)).await?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// What is stored and what is not yet, until the run ends or the host does.
    async fn follow(self, parts: Parts, mut from: Place) -> Result<(), Stop> {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.tick().await;
        let mut follower = self.app.host.follower(self.run);
        loop {
            // Looked at before the log is: what an ended run logged is all there.
            let run = run::find(&self.app, self.run)?;
            let (host, id) = (self.app.host.clone(), self.run);
            let Followed { lines, next, caught_up } =
                self.app.block(move || host.log(id, from)).await?.map_err(Refusal::from)?;
            from = next;
            if !lines.is_empty() {
                parts.send_ahead(self.written(&lines)).await?;
            }
            if !caught_up {
                continue;
            }
            if run.outcome().is_some() {
                return self.end(&parts, run).await;
            }
            loop {
                tokio::select! {
                    grown = self.grown(&mut follower, from) => {
                        grown.map_err(Refusal::from)?;
                        break;
                    }
                    _ = heartbeat.tick() => self.beat(&parts).await?,
                    () = self.app.closing.cancelled() => return Ok(()),
                    () = parts.gone() => return Err(Stop::Gone),
                }
            }
        }
    }

    /// Ends when there may be more: at once for a line that comes alone, and not too often for many.
    async fn grown(&self, follower: &mut Follower, from: Place) -> Result<(), StoreError> {
        let begun = Instant::now();
        let grown = tokio::time::timeout(LOOK_AT_LEAST_EVERY, self.app.host.log_grown(follower, from)).await;
        tokio::time::sleep_until(begun + GATHER).await;
        grown.unwrap_or(Ok(()))
    }

    async fn beat(&self, parts: &Parts) -> Result<(), Stop> {
        match self.format {
            Format::Events => parts.send_ahead(": \n\n").await,
            // A reader of lines would take an empty one for a broken one.
            Format::Ndjson => Ok(()),
        }
    }

    async fn end(&self, parts: &Parts, run: sandglass_core::run::Run) -> Result<(), Stop> {
        if self.format == Format::Events {
            let run = json(&run::View::from(run));
            parts.send(format!("event: end\nid: {END}\ndata: {run}\n\n")).await?;
        }
        Ok(())
    }

    fn written(&self, lines: &[(Place, Line)]) -> String {
        let mut text = String::new();
        for (Place { piece, line: number }, line) in lines {
            let place = format!("{piece}.{number}");
            let Line { at, attempt, level, source, message } = line;
            let (at, attempt, level, source) = (*at, *attempt, *level, *source);
            let view = json(&View { place: place.clone(), at, attempt, level, source, message });
            match self.format {
                // JSON text has no line breaks: each is one line of data.
                Format::Events => text.extend(["event: line\nid: ", &place, "\ndata: ", &view, "\n\n"]),
                Format::Ndjson => text.extend([&view, "\n"]),
            }
        }
        text
    }
}

/// Lines of stored pieces from `from` on, and whether there may be more.
fn stored_lines(read: &dyn Read, run: RunId, from: Place) -> Result<(Vec<(Place, Line)>, bool), StoreError> {
    let mut found = Vec::new();
    let mut more = false;
    op::log::each(read, run, from.piece, |piece, lines| {
        let places = (0..).map(|line| Place { piece, line });
        found.extend(places.zip(lines).filter(|(place, _)| *place >= from));
        more = found.len() >= LINES_AT_ONCE;
        if more { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok((found, more))
}

fn json(value: &impl Serialize) -> String {
    // Views are plain values with text for keys: there is nothing that JSON cannot write.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_after_the_place_that_was_seen() {
        assert_eq!(after("0.0"), Some(Place { piece: 0, line: 1 }));
        assert_eq!(after("7.41"), Some(Place { piece: 7, line: 42 }));
        for text in ["", "7", "7.", ".1", "7.-1", "a.b", "1.4294967295", "1.2.3"] {
            assert_eq!(after(text), None, "{text}");
        }
    }
}
