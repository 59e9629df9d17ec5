//! One attempt, from an empty store to its ending.

use crate::attempt::{AttemptContext, Finished};
use crate::bindings::exports::sandglass::job::run::Failure as Told;
use crate::cache::Ready;
use crate::engine::TICK;
use crate::inspect::Entry;
use crate::program;
use crate::redact::Handed;
use crate::state::State;
use crate::verdict::{self, Ended};
use futures_util::FutureExt as _;
use sandglass_core::effect::Effects;
use sandglass_core::limit::Limits;
use sandglass_core::run::{Cause, Ending, Failure, Traces, Usage};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;
use wasmtime::component::{ComponentExportIndex, InstancePre};
use wasmtime::{AsContextMut as _, Store, StoreContextMut, UpdateDeadline};

/// About ten milliseconds of computing.
const FUEL_TOLD: u64 = 10_000_000;

/// What the guest returned, or the error that ended it.
type Returned = wasmtime::Result<Result<Option<String>, Told>>;

/// Why the guest is no longer executed.
enum Stopped {
    Returned(Returned),
    Panicked(String),
    Late,
    Cancelled,
}

/// Executes an attempt. Whatever the guest does, this returns soon after its timeout or its cancellation.
pub(crate) async fn execute(ready: &Ready, context: AttemptContext) -> Finished {
    let began = Instant::now();
    let cancel = context.cancel.clone();
    let mut store = Store::new(ready.entry.engine(), State::new(context, began, ready.entry.is_program()));
    let stopped = match prepare(&mut store) {
        Ok(()) => {
            let ends_at = store.data().ends_at;
            let mut call = pin!(AssertUnwindSafe(invoke(&mut store, ready)).catch_unwind());
            // Most guests are done before they first yield: no timer is made for those.
            let done = match futures_util::poll!(call.as_mut()) {
                Poll::Ready(done) => Some(done),
                Poll::Pending => tokio::select! {
                    biased;
                    () = cancel.cancelled() => None,
                    done = call.as_mut() => Some(done),
                    () = tokio::time::sleep_until(ends_at.into()) => last_words(call).await,
                },
            };
            match done {
                Some(Ok(returned)) => Stopped::Returned(returned),
                Some(Err(panic)) => Stopped::Panicked(words(&*panic)),
                None if cancel.is_cancelled() => Stopped::Cancelled,
                None => Stopped::Late,
            }
        }
        Err(error) => Stopped::Returned(Err(error)),
    };
    finish(store, stopped, began)
}

/// Its time is over. A guest that computes is ended by the next tick, which knows where it was; whatever else comes
/// in that time is too late.
async fn last_words<T>(call: impl Future<Output = Result<Returned, T>>) -> Option<Result<Returned, T>> {
    match tokio::time::timeout(2 * TICK, call).await {
        Ok(Ok(Err(error))) => Some(Ok(Err(error))),
        Ok(Err(panic)) => Some(Err(panic)),
        Ok(Ok(Ok(_))) | Err(_) => None,
    }
}

/// An ending that is the host's fault, where there is no attempt to tell of.
pub(crate) fn host_error(message: String) -> Finished {
    let ending = Ending { result: Err(Failure::new(Cause::HostError, message)), traces: Traces::default() };
    Finished::Ended { ending, effects: Effects::default() }
}

/// Sets the store's limits.
fn prepare(store: &mut Store<State>) -> wasmtime::Result<()> {
    store.limiter(|state| &mut state.limiter);
    let limits = &store.data().context.spec.limits;
    let (fuel, call, handles) = (limits.fuel, limits.call.0 as usize, limits.handles as usize);
    store.set_fuel(fuel)?;
    // Also how often compiled code tells how much fuel it has burnt.
    store.fuel_async_yield_interval(Some(FUEL_TOLD))?;
    store.set_hostcall_fuel(call);
    store.set_max_component_handles(handles);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(tick);
    Ok(())
}

/// What happens to a computing guest at every tick of the epoch: it is ended where its time or its fuel is
/// over, and it lets others go on.
fn tick(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    judge(&mut store)?;
    let state = store.data();
    if Instant::now() >= state.ends_at {
        return Err(Ended(state.late()).into());
    }
    // Tokio's own yield, and not wasmtime's, lets it look at timers first.
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
}

/// Whether the guest is within the limits of its fuel and its calls.
fn judge(store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
    let left = store.get_fuel()?;
    let state = store.data_mut();
    let printed = state.log.take_printed();
    state.charge_logged(printed);
    if let Some(requests) = &mut state.requests {
        state.meter.charge(requests.take_charged());
    }
    Ok(state.meter.check_with(left)?)
}

async fn invoke(store: &mut Store<State>, ready: &Ready) -> Returned {
    match &ready.entry {
        Entry::Job(pre) => {
            let job = pre.instantiate_async(&mut *store).await?;
            let input = store.data_mut().context.input.take();
            let returned = job.sandglass_job_run().call_run(&mut *store, input.as_deref()).await?;
            // Since the last tick it may have passed a limit that ticks look at.
            judge(&mut store.as_context_mut())?;
            Ok(returned)
        }
        Entry::Program(pre, run) => {
            let status = program::status(call_program(store, pre, run).await)?;
            judge(&mut store.as_context_mut())?;
            let state = store.data();
            program::outcome(status, state.log.take_printout(), state.context.spec.limits.result)
        }
    }
}

async fn call_program(
    store: &mut Store<State>,
    pre: &InstancePre<State>,
    run: &ComponentExportIndex,
) -> wasmtime::Result<Result<(), ()>> {
    let instance = pre.instantiate_async(&mut *store).await?;
    let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, run)?;
    let (returned,) = run.call_async(&mut *store, ()).await?;
    Ok(returned)
}

fn finish(store: Store<State>, stopped: Stopped, began: Instant) -> Finished {
    let left = store.get_fuel().unwrap_or(0);
    let mut state = store.into_data();
    let log_bytes = state.log.finish();
    let limits = &state.context.spec.limits;
    state.meter.waited();
    let mut usage = Usage {
        fuel: state.meter.burnt(left).min(limits.fuel),
        memory_bytes: state.limiter.memory_peak(),
        wall_micros: micros(began.elapsed()),
        host_call_micros: micros(state.meter.inside()),
        host_calls: state.meter.calls(),
        rows_read: state.meter.rows_read,
        rows_written: state.meter.rows_written,
        emails: state.emails,
        log_bytes,
        ..Usage::default()
    };
    // What is kept of the attempt is kept without the secrets that it was handed.
    let secrets = std::mem::take(&mut state.secrets);
    let (mut exchanges, mut last_error) = (Vec::new(), state.last_error.take());
    if let Some(requests) = &mut state.requests {
        exchanges = requests.account(&mut usage);
        last_error = requests.take_refusal().or(last_error).or_else(|| requests.last_fault());
    }
    for exchange in &mut exchanges {
        exchange.method = secrets.redact(std::mem::take(&mut exchange.method));
        exchange.host = secrets.redact(std::mem::take(&mut exchange.host));
    }
    let last_error = last_error.map(|error| secrets.redact_quotes(error));
    let traces = Traces { usage, last_error, exchanges };
    let result = match stopped {
        Stopped::Cancelled => return Finished::Cancelled(traces),
        Stopped::Late => Err(state.late()),
        Stopped::Panicked(message) => {
            let message = secrets.redact(message);
            tracing::error!(run = %state.context.run, job = %state.context.job, message, "a host function panicked");
            Err(Failure::new(Cause::HostError, format!("a defect of the host: {message}")))
        }
        Stopped::Returned(Ok(Ok(result))) => within(result, limits)
            // What stands in a secret's place may be longer than it.
            .and_then(|result| within(result.map(|text| secrets.redact(text)), limits)),
        Stopped::Returned(Ok(Err(told))) => Err(told_failure(told, limits, &secrets)),
        Stopped::Returned(Err(error)) => {
            // A commit that was refused because the run was cancelled.
            if state.context.cancel.is_cancelled() {
                return Finished::Cancelled(traces);
            }
            let mut failure = verdict::failure(&error, limits);
            failure.message = secrets.redact_quotes(failure.message);
            failure.backtrace = failure.backtrace.map(|text| secrets.redact(text));
            Err(failure)
        }
    };
    let mut effects = if result.is_ok() { state.workspace.take() } else { Effects::default() };
    effects.ids_are_secret = effects.rows.keys().any(|key| secrets.is_in(key.id.as_str()));
    Finished::Ended { ending: Ending { result, traces }, effects }
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn within(result: Option<String>, limits: &Limits) -> Result<Option<String>, Failure> {
    let bytes = result.as_ref().map_or(0, String::len);
    if bytes as u64 > limits.result.0 {
        let message = format!("the result has {bytes} bytes, and at most {} (limit result)", limits.result);
        return Err(Failure::new(Cause::Quota, message));
    }
    Ok(result)
}

/// The guest's own failure. A message that is too long is cut: that it failed stays the cause.
fn told_failure(told: Told, limits: &Limits, secrets: &Handed) -> Failure {
    const CUT: &str = " … [cut]";
    let end = told.message.floor_char_boundary(limits.result.0 as usize);
    let is_cut = end < told.message.len();
    let mut message = secrets.redact_to(told.message, end);
    if is_cut || message.len() as u64 > limits.result.0 {
        message.truncate(message.floor_char_boundary(limits.result.0 as usize));
        message.push_str(CUT);
        message.shrink_to_fit();
    }
    Failure { retry: told.retry, ..Failure::new(Cause::Error, message) }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
}
