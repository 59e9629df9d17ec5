//! Following a run's log as it is written: server-sent events, taken up again where a connection broke off
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use super::{Client, Request};
use crate::shape::LogLine;
use crate::stop::Stop;
use anyhow::Result;
use serde::Deserialize as _;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::time::Duration;

/// The host says something every 15 seconds, if only that it is there.
const SILENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_secs(1);
/// A host that is started again is back by then.
const PAUSES_MAX: u32 = 30;

impl Client {
    /// Hands each line to `show`, with its document, until the run ends: then gives the run's document.
    pub(crate) fn follow(&self, run: &str, show: impl FnMut(LogLine, &Value) -> Result<()>) -> Result<Value> {
        let mut follower = Follower { client: self, run, show, last: None, connected: false };
        let mut pauses = 0;
        loop {
            match follower.once() {
                Ok(ended) => return Ok(ended),
                Err(Broken::ForGood(error)) => return Err(error),
                Err(Broken::Away(error)) if pauses == PAUSES_MAX => return Err(error),
                Err(Broken::Away(_)) => pauses += 1,
                Err(Broken::Midway) => pauses = 0,
            }
            std::thread::sleep(PAUSE);
        }
    }
}

struct Follower<'a, S> {
    client: &'a Client,
    run: &'a str,
    show: S,
    /// The place of the newest line that was shown.
    last: Option<String>,
    connected: bool,
}

impl<S: FnMut(LogLine, &Value) -> Result<()>> Follower<'_, S> {
    /// Until the run or the connection ends.
    fn once(&mut self) -> Result<Value, Broken> {
        let path = format!("runs/{}/logs", self.run);
        let request = Request::get(path).header("accept", "text/event-stream").patience(SILENCE);
        let request = match &self.last {
            Some(place) => request.header("last-event-id", place.clone()),
            None => request,
        };
        let response = self.client.call(request).map_err(|error| match error.downcast_ref() {
            // A log that is followed outlives a restart of the host; but the first call must find the host.
            Some(Stop::Unreachable(_)) if self.connected => Broken::Away(error),
            _ => Broken::ForGood(error),
        })?;
        self.connected = true;
        let mut heard = false;
        for event in Events::new(BufReader::new(response.into_body().into_reader())) {
            let Ok(event) = event else { break };
            heard = true;
            if let Some(ended) = self.take(event).map_err(Broken::ForGood)? {
                return Ok(ended);
            }
        }
        if heard {
            return Err(Broken::Midway);
        }
        let run = self.run;
        let message = format!(
            "the log of {run} broke off before the run ended: `sandglass logs {run}` shows what is there"
        );
        Err(Broken::Away(Stop::Unreachable(message).into()))
    }

    /// Takes an event in, and gives the run if that is what it tells.
    fn take(&mut self, event: Event) -> Result<Option<Value>> {
        if event.name != "line" && event.name != "end" {
            return Ok(None);
        }
        let document: Value = serde_json::from_str(&event.data).map_err(|error| nonsense(&error))?;
        if event.name == "end" {
            return Ok(Some(document));
        }
        let line = LogLine::deserialize(&document).map_err(|error| nonsense(&error))?;
        (self.show)(line, &document)?;
        // Only what was shown is not asked for again.
        self.last = event.id.or(self.last.take());
        Ok(None)
    }
}

/// How following broke off.
enum Broken {
    ForGood(anyhow::Error),
    /// Nobody answers at the moment, or says anything.
    Away(anyhow::Error),
    /// After some events.
    Midway,
}

fn nonsense(error: &serde_json::Error) -> anyhow::Error {
    Stop::Unreachable(format!("the host answers what this version does not understand: {error}")).into()
}

/// One event of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Event {
    name: String,
    data: String,
    id: Option<String>,
}

/// The events that a stream brings, in the order of their coming.
struct Events<R> {
    lines: std::io::Lines<R>,
}

impl<R: BufRead> Events<R> {
    fn new(reader: R) -> Events<R> {
        Events { lines: reader.lines() }
    }
}

impl<R: BufRead> Iterator for Events<R> {
    type Item = std::io::Result<Event>;

    fn next(&mut self) -> Option<std::io::Result<Event>> {
        let mut event = Event::default();
        let mut data = None::<String>;
        loop {
            let line = match self.lines.next()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            if line.is_empty() {
                // An event without data is none; so is one that the stream's end cuts off.
                if let Some(data) = data.take() {
                    return Some(Ok(Event { data, ..event }));
                }
                event = Event::default();
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut event.name),
                "id" => event.id = Some(value.to_owned()),
                "data" => match &mut data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => data = Some(value.to_owned()),
                },
                // A comment, which keeps the connection alive, or something newer.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_the_standard_says() {
        let stream = ": here\n\nevent: line\nid: 0.1\ndata: {\"a\":\ndata: 1}\n\nid: 5\n\nevent:end\ndata:x\nretry: 5\n\ndata: cut";
        let events: Vec<Event> = Events::new(stream.as_bytes()).map(Result::unwrap).collect();
        let event = |name: &str, data: &str, id: Option<&str>| Event {
            name: name.into(),
            data: data.into(),
            id: id.map(Into::into),
        };
        assert_eq!(events, [event("line", "{\"a\":\n1}", Some("0.1")), event("end", "x", None)]);
    }
}
