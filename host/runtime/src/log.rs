//! The log of one attempt: lines from its interface, from stdout and from stderr, in one order, cut at its
//! limits.
//!
//! Secrets are looked for in whole lines: what was printed in several writes is one line again by then.

use crate::attempt::{AttemptContext, Clock, LogSink};
use crate::redact::Redactor;
use parking_lot::Mutex;
use sandglass_core::limit::{Bytes, fixed};
use sandglass_core::log::{Level, Line, Source};
use std::fmt::Write as _;
use std::sync::Arc;

/// Shared by the attempt and the streams that it gave to its guest.
pub(crate) struct Log {
    sink: Arc<dyn LogSink>,
    clock: Clock,
    attempt: u32,
    bytes_max: Bytes,
    result_max: Bytes,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: u64,
    /// The mark that ends the log is written.
    is_full: bool,
    /// Bytes that were printed since somebody asked.
    printed: usize,
    /// Takes out the secrets that the attempt was handed so far.
    redactor: Option<Arc<Redactor>>,
    stdout: Tail,
    stderr: Tail,
    /// What a program printed; none for other guests.
    printout: Option<Printout>,
}

/// What is kept of all that a program printed, beside the log.
#[derive(Debug, Default)]
pub(crate) struct Printout {
    /// Up to the limit of a result.
    pub(crate) stdout: Vec<u8>,
    /// It printed more than that.
    pub(crate) is_cut: bool,
    /// The last line of stderr that is not empty.
    pub(crate) last_error: Option<String>,
}

/// What was written of a line that has not ended.
#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    /// The line is longer than what is kept of it.
    is_cut: bool,
}

/// One of the guest's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    fn level(self) -> Level {
        match self {
            Stream::Stdout => Level::Info,
            Stream::Stderr => Level::Warn,
        }
    }

    fn source(self) -> Source {
        match self {
            Stream::Stdout => Source::Stdout,
            Stream::Stderr => Source::Stderr,
        }
    }
}

impl State {
    fn tail(&mut self, stream: Stream) -> &mut Tail {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Adds a part of a line. More of it is kept than will be shown, so as to see whether a secret stands across
    /// the cut.
    fn printed(&mut self, stream: Stream, bytes: &[u8]) {
        let more = self.redactor.as_ref().map_or(0, |redactor| redactor.longest());
        self.tail(stream).push(bytes, fixed::LOG_LINE.0 as usize + more);
    }

    /// The beginning of a line, up to the limit of one, without secrets.
    fn redacted(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let end = bytes.len().min(fixed::LOG_LINE.0 as usize);
        self.redactor.as_ref()?.redact(bytes, end)
    }
}

/// What a line counts for beside its text, so that empty ones are bounded too: its time, level and source.
const LINE_BYTES: u64 = 16;

impl Log {
    pub(crate) fn new(context: &AttemptContext, is_program: bool) -> Log {
        let printout = is_program.then(Printout::default);
        Log {
            sink: Arc::clone(&context.log),
            clock: Arc::clone(&context.clock),
            attempt: context.attempt,
            bytes_max: context.spec.limits.log,
            result_max: context.spec.limits.result,
            state: Mutex::new(State { printout, ..State::default() }),
        }
    }

    /// Adds a line.
    pub(crate) fn line(&self, level: Level, mut message: String) {
        let cut = fixed::LOG_LINE.0 as usize;
        let is_cut = message.len() > cut;
        let mut state = self.state.lock();
        if let Some(bytes) = state.redacted(message.as_bytes()) {
            message = String::from_utf8_lossy(&bytes).into_owned();
        }
        self.push(&mut state, level, Source::Log, message, is_cut);
    }

    /// From now on, takes out what `redactor` finds.
    pub(crate) fn keep_out(&self, redactor: Arc<Redactor>) {
        self.state.lock().redactor = Some(redactor);
    }

    pub(crate) fn keeps_secrets_out(&self) -> bool {
        self.state.lock().redactor.is_some()
    }

    /// Takes what the guest printed, and adds each line that it ended.
    pub(crate) fn print(&self, stream: Stream, mut bytes: &[u8]) {
        let mut state = self.state.lock();
        state.printed += bytes.len();
        if let (Stream::Stdout, Some(printout)) = (stream, &mut state.printout) {
            let room = (self.result_max.0 as usize).saturating_sub(printout.stdout.len());
            printout.is_cut |= bytes.len() > room;
            printout.stdout.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            state.printed(stream, &bytes[..end]);
            bytes = &bytes[end + 1..];
            self.end_line(&mut state, stream);
        }
        state.printed(stream, bytes);
    }

    /// Bytes that were printed since this was last asked: a stream cannot charge for them itself.
    pub(crate) fn take_printed(&self) -> usize {
        std::mem::take(&mut self.state.lock().printed)
    }

    /// What a program printed so far, the lines that have not ended included.
    pub(crate) fn take_printout(&self) -> Printout {
        let mut state = self.state.lock();
        self.end_lines(&mut state);
        state.printout.take().unwrap_or_default()
    }

    /// Adds what was printed without an end of line. Bytes of all lines that were kept.
    pub(crate) fn finish(&self) -> u64 {
        let mut state = self.state.lock();
        self.end_lines(&mut state);
        state.bytes
    }

    fn end_lines(&self, state: &mut State) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !state.tail(stream).bytes.is_empty() {
                self.end_line(state, stream);
            }
        }
    }

    fn end_line(&self, state: &mut State, stream: Stream) {
        let tail = std::mem::take(state.tail(stream));
        let bytes = tail.bytes.strip_suffix(b"\r").unwrap_or(&tail.bytes);
        let is_cut = tail.is_cut || bytes.len() > fixed::LOG_LINE.0 as usize;
        let redacted = state.redacted(bytes);
        let message = String::from_utf8_lossy(redacted.as_deref().unwrap_or(bytes)).into_owned();
        if let (Stream::Stderr, Some(printout)) = (stream, &mut state.printout)
            && !message.trim().is_empty()
        {
            printout.last_error = Some(message.clone());
        }
        self.push(state, stream.level(), stream.source(), message, is_cut);
    }

    fn push(&self, state: &mut State, level: Level, source: Source, mut message: String, is_cut: bool) {
        if state.is_full {
            return;
        }
        if is_cut {
            message.truncate(message.floor_char_boundary(fixed::LOG_LINE.0 as usize));
            let _ = write!(message, " … [cut: a line has at most {}]", fixed::LOG_LINE);
            // What was cut off would stay in memory with the line.
            message.shrink_to_fit();
        }
        let at = (self.clock)();
        let bytes = message.len() as u64 + LINE_BYTES;
        if bytes > self.bytes_max.0 - state.bytes {
            state.is_full = true;
            let message =
                format!("the log ends here: an attempt's log has at most {} (limit log)", self.bytes_max);
            self.sink.line(Line {
                at,
                attempt: self.attempt,
                level: Level::Warn,
                source: Source::Host,
                message,
            });
            return;
        }
        state.bytes += bytes;
        self.sink.line(Line { at, attempt: self.attempt, level, source, message });
    }
}

impl Tail {
    fn push(&mut self, bytes: &[u8], bytes_max: usize) {
        let room = bytes_max.saturating_sub(self.bytes.len());
        self.is_cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}
