//! What the adapter of core modules asks of the host, see `adapt/system.wit`: arguments, environment, stdin, stdout,
//! stderr, clocks, random numbers, waiting and leaving.

use crate::bindings::system::sandglass::preview1::system;
use crate::log::Stream;
use crate::state::State;
use rand::Rng as _;
use std::time::{Duration, Instant};
use wasmtime_wasi::I32Exit;

/// What preview 1 shows to one attempt. Made by the first call that needs it.
pub(crate) struct System {
    /// Texts, each with a NUL.
    arguments: Vec<u8>,
    environment: Vec<u8>,
    stdin: Vec<u8>,
    /// What of stdin was taken last.
    taken: std::ops::Range<usize>,
    /// Where the clock that never goes back begins.
    began: Instant,
}

const ARGUMENTS: u32 = 0;
const ENVIRONMENT: u32 = 1;
const STDIN: u32 = 2;
const STDERR: u32 = 2;

impl System {
    fn of(state: &State) -> System {
        let texts = |texts: Vec<String>| -> Vec<u8> {
            // A NUL within one would pass for its end.
            texts.iter().flat_map(|text| text.bytes().filter(|byte| *byte != 0).chain([0])).collect()
        };
        let environment = state.environment().into_iter().map(|(name, value)| format!("{name}={value}"));
        System {
            arguments: texts(vec![state.context.job.to_string()]),
            environment: texts(environment.collect()),
            stdin: state.stdin().into_bytes(),
            taken: 0..0,
            began: Instant::now(),
        }
    }

    fn source(&self, source: u32) -> &[u8] {
        match source {
            ARGUMENTS => &self.arguments,
            ENVIRONMENT => &self.environment,
            STDIN => &self.stdin[self.taken.clone()],
            _ => &[],
        }
    }
}

impl State {
    fn system(&mut self) -> &mut System {
        if self.system.is_none() {
            self.system = Some(Box::new(System::of(self)));
        }
        // Made just now where there was none.
        self.system.as_mut().unwrap_or_else(|| unreachable!("the system of an attempt"))
    }
}

impl system::Host for State {
    fn size(&mut self, source: u32) -> wasmtime::Result<u64> {
        let bytes = self.system().source(source);
        let texts = bytes.split(|byte| *byte == 0).count() - 1;
        Ok((texts as u64) << 32 | bytes.len() as u64)
    }

    fn bytes(&mut self, source: u32, at: u32) -> wasmtime::Result<u64> {
        self.meter.charge_bytes(8);
        if source > STDIN {
            return Ok(self.random().next_u64());
        }
        let bytes = self.system().source(source);
        let rest = bytes.get(at as usize..).unwrap_or_default();
        let mut word = [0; 8];
        let len = rest.len().min(word.len());
        word[..len].copy_from_slice(&rest[..len]);
        Ok(u64::from_le_bytes(word))
    }

    fn read(&mut self, bytes_max: u32) -> wasmtime::Result<u32> {
        let system = self.system();
        let begins = system.taken.end;
        let len = (system.stdin.len() - begins).min(bytes_max as usize);
        system.taken = begins..begins + len;
        Ok(len as u32)
    }

    fn write(&mut self, output: u32, bytes: Vec<u8>) -> wasmtime::Result<()> {
        let stream = if output == STDERR { Stream::Stderr } else { Stream::Stdout };
        // It is charged for when the attempt is next judged, as all that is printed.
        self.log.print(stream, &bytes);
        Ok(())
    }

    fn now(&mut self, clock: u32) -> wasmtime::Result<u64> {
        if clock == 0 {
            return Ok((State::now(self).millis().max(0) as u64).saturating_mul(1_000_000));
        }
        // Go takes 0 for a clock that does not work.
        Ok(u64::try_from(self.system().began.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1))
    }

    async fn sleep(&mut self, nanoseconds: u64) -> wasmtime::Result<()> {
        self.meter.check()?;
        self.meter.wait();
        tokio::time::sleep(Duration::from_nanos(nanoseconds)).await;
        self.meter.waited();
        Ok(())
    }

    fn exit(&mut self, status: u32) -> wasmtime::Result<()> {
        Err(I32Exit(status as i32).into())
    }
}
