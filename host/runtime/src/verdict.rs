//! Why an attempt ended, told from the error that wasmtime gave.

use crate::backtrace::backtrace;
use sandglass_core::limit::{Limits, fixed};
use sandglass_core::run::{Cause, Failure};
use wasmtime::component::ResourceTableError;
use wasmtime::{Error, PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

/// The host ended the attempt, and knows why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.message)]
pub(crate) struct Ended(pub(crate) Failure);

impl Ended {
    pub(crate) fn new(cause: Cause, message: impl Into<String>) -> Ended {
        Ended(Failure::new(cause, message))
    }
}

/// What wasmtime says where a guest hands over more than `Store::set_hostcall_fuel` allows, and where it holds
/// more than `Store::set_max_component_handles`. The errors have no types of their own.
const CALL_TOO_LARGE: &str = "fuel allocated for hostcalls has been exhausted";
const TOO_MANY_HANDLES: &str = "store handle limit exceeded";

/// The failure that `error`, which ended an attempt under `limits`, stands for.
pub(crate) fn failure(error: &Error, limits: &Limits) -> Failure {
    let mut failure = cause(error, limits);
    failure.backtrace = error.downcast_ref::<WasmBacktrace>().and_then(backtrace);
    failure
}

fn cause(error: &Error, limits: &Limits) -> Failure {
    if let Some(Ended(failure)) = error.downcast_ref::<Ended>() {
        return failure.clone();
    }
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        // WASI tells success from failure, and no more of the code.
        let how = if *code == 0 { "success" } else { "failure" };
        let message = format!(
            "the guest left by calling exit, as a {how}, before `run` returned: return from `run`, with a failure \
             where the work failed"
        );
        return Failure::new(Cause::Error, message);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::OutOfFuel => out_of_fuel(limits.fuel),
            Trap::StackOverflow => {
                let message = format!("the guest's stack outgrew its {} (limit stack)", fixed::STACK);
                Failure::new(Cause::StackOverflow, message)
            }
            trap => Failure::new(Cause::Trap, trap.to_string()),
        };
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Failure::new(Cause::HostError, "the host has no slot left for the component's instances");
    }
    let message = error.root_cause().to_string();
    if message.contains(CALL_TOO_LARGE) {
        let message = format!("one call handed the host more than {} (limit call)", limits.call);
        return Failure::new(Cause::Quota, message);
    }
    if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) || message.contains(TOO_MANY_HANDLES) {
        let message =
            format!("more than {} resource handles held at one time (limit handles)", limits.handles);
        return Failure::new(Cause::Quota, message);
    }
    if is_of_the_host(error) {
        return Failure::new(Cause::HostError, format!("the host could not go on: {message}"));
    }
    // What is left broke the rules of the component model or of a WASI call: the guest trapped at the border.
    Failure::new(Cause::Trap, message)
}

/// Whether the system refused the host something, memory as a rule.
pub(crate) fn is_of_the_host(error: &Error) -> bool {
    error.is::<wasmtime::OutOfMemory>() || error.chain().any(<dyn std::error::Error>::is::<std::io::Error>)
}

pub(crate) fn out_of_fuel(limit: u64) -> Failure {
    Failure::new(Cause::OutOfFuel, format!("all {limit} units of fuel are burnt (limit fuel)"))
}
