//! WASI 0.2 as jobs have it: a command line without files and without a network.
//!
//! Linked interface by interface, so that nothing of sockets is even there. The environment is the
//! specification's (a program's has more, and a stdin, see `program`), stdout and stderr are the run's log, and there are no folders.

use crate::log::{Log, Stream};
use crate::meter::tariff;
use crate::state::{Host, State};
use crate::verdict::Ended;
use bytes::Bytes;
use rand::Rng as _;
use sandglass_core::run::Cause;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliCtxView};
use wasmtime_wasi::clocks::{HostWallClock, WasiClocks, WasiClocksCtxView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, async_trait};
use wasmtime_wasi_io::bindings::wasi::io;

/// Random bytes in one call. What asks for more is no seed.
const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// Bytes that stdout and stderr take in one call.
const WRITE_BYTES_MAX: usize = 64 << 10;

pub(crate) fn link(l: &mut Linker<State>) -> wasmtime::Result<()> {
    io::error::add_to_linker::<State, Handles>(l, |state| &mut state.enter().handles)?;
    io::streams::add_to_linker::<State, Handles>(l, |state| &mut state.enter().handles)?;
    io::poll::add_to_linker::<State, Host>(l, State::enter)?;
    random::random::add_to_linker::<State, Host>(l, State::enter)?;
    random::insecure::add_to_linker::<State, Host>(l, State::enter)?;
    random::insecure_seed::add_to_linker::<State, Host>(l, State::enter)?;
    cli::environment::add_to_linker::<State, Host>(l, State::enter)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, clocks_of)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, clocks_of)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, files_of)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(l, files_of)?;
    cli::exit::add_to_linker::<State, WasiCli>(l, cli_of)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, cli_of)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, cli_of)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, cli_of)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, cli_of)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, cli_of)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, cli_of)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, cli_of)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, cli_of)
}

struct Handles;

impl HasData for Handles {
    type Data<'a> = &'a mut ResourceTable;
}

fn clocks_of(state: &mut State) -> WasiClocksCtxView<'_> {
    let (ctx, table) = enter(state);
    WasiClocksCtxView { ctx: ctx.clocks(), table }
}

fn files_of(state: &mut State) -> WasiFilesystemCtxView<'_> {
    let (ctx, table) = enter(state);
    WasiFilesystemCtxView { ctx: ctx.filesystem(), table }
}

fn cli_of(state: &mut State) -> WasiCliCtxView<'_> {
    let (ctx, table) = enter(state);
    WasiCliCtxView { ctx: ctx.cli(), table }
}

fn enter(state: &mut State) -> (&mut WasiCtx, &mut ResourceTable) {
    state.meter.enter();
    // Where it is there already, nobody asks for it.
    let stdin = if state.wasi.is_none() { state.stdin() } else { String::new() };
    let State { context, wasi, handles, log, .. } = state;
    let ctx = wasi.get_or_insert_with(|| {
        let mut builder = WasiCtxBuilder::new();
        builder.stdin(MemoryInputPipe::new(stdin));
        builder.stdout(Printed { log: Arc::clone(log), stream: Stream::Stdout });
        builder.stderr(Printed { log: Arc::clone(log), stream: Stream::Stderr });
        builder.wall_clock(WallClock(Arc::clone(&context.clock)));
        Box::new(builder.build())
    });
    (ctx, handles)
}

/// The host's clock, which counts milliseconds.
struct WallClock(crate::attempt::Clock);

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis((self.0)().millis().max(0) as u64)
    }
}

impl cli::environment::Host for State {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        let env = self.environment();
        self.meter.charge_bytes(env.iter().map(|(name, value)| name.len() + value.len()).sum());
        Ok(env)
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(vec![self.context.job.to_string()])
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

impl State {
    fn random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > RANDOM_BYTES_MAX {
            let message =
                format!("{len} random bytes asked for in one call, and at most {RANDOM_BYTES_MAX} are given");
            return Err(Ended::new(Cause::Quota, message).into());
        }
        let mut bytes = vec![0; len as usize];
        self.meter.charge_bytes(bytes.len());
        self.random().fill_bytes(&mut bytes);
        Ok(bytes)
    }
}

impl random::random::Host for State {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random().next_u64())
    }
}

impl random::insecure::Host for State {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random().next_u64())
    }
}

impl random::insecure_seed::Host for State {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.random().next_u64(), self.random().next_u64()))
    }
}

/// Waiting is time inside a host call too.
impl io::poll::Host for State {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        self.meter.check()?;
        self.meter.charge((pollables.len() as u64).saturating_mul(tariff::POLLABLE));
        self.meter.wait();
        let ready = io::poll::Host::poll(&mut self.handles, pollables).await;
        self.meter.waited();
        ready
    }
}

impl io::poll::HostPollable for State {
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        io::poll::HostPollable::ready(&mut self.handles, pollable).await
    }

    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.meter.wait();
        let done = io::poll::HostPollable::block(&mut self.handles, pollable).await;
        self.meter.waited();
        done
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        io::poll::HostPollable::drop(&mut self.handles, pollable)
    }
}

/// Stdout or stderr: what is printed becomes lines of the log at once, so nothing is ever waited for, and
/// nothing is kept but the line that has not ended.
struct Printed {
    log: Arc<Log>,
    stream: Stream,
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only what is not WASI 0.2 asks for it, and that is not linked.
        Box::new(tokio::io::empty())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Printed { log: Arc::clone(&self.log), stream: self.stream })
    }
}

#[async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(StreamError::trap("more was written than check-write allowed"));
        }
        self.log.print(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}
