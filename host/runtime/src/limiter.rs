//! Memory and tables of one attempt, summed over all that its component has.

use crate::verdict::{self, Ended};
use sandglass_core::limit::{Bytes, Limits};
use sandglass_core::run::{Cause, Failure};
use wasmtime::{Error, ResourceLimiter, Result};

/// Ends the attempt where it would pass a limit: a guest that is told -1 turns it into a trap at best.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory: u64,
    memory_peak: u64,
    memory_max: Bytes,
    elements: u64,
    elements_max: u64,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Limiter {
        Limiter {
            memory: 0,
            memory_peak: 0,
            memory_max: limits.memory,
            elements: 0,
            elements_max: limits.table_elements,
        }
    }

    /// The most memory that was allocated at one time. Memories never shrink.
    pub(crate) fn memory_peak(&self) -> u64 {
        self.memory_peak
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let memory = self.memory.saturating_add(desired.saturating_sub(current) as u64);
        if memory > self.memory_max.0 {
            return Err(out_of_memory(&format!(
                "asked for {memory} bytes of memory in all, and its limit is {} (limit memory)",
                self.memory_max
            )));
        }
        // Beyond the memory's own maximum, which is between the guest and itself: -1, as it expects.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.memory = memory;
        self.memory_peak = memory;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        // What was allowed above fails only where it is more than any memory can have, or than the host has.
        Err(not_grown("its memory", &error))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let elements = self.elements.saturating_add(desired.saturating_sub(current) as u64);
        if elements > self.elements_max {
            return Err(out_of_memory(&format!(
                "asked for {elements} table elements in all, and its limit is {} (limit table_elements)",
                self.elements_max
            )));
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.elements = elements;
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        Err(not_grown("a table of it", &error))
    }
}

fn not_grown(what: &str, error: &Error) -> Error {
    let cause = if verdict::is_of_the_host(error) { Cause::HostError } else { Cause::OutOfMemory };
    Ended::new(cause, format!("the job needs more than can be had: {what} could not grow: {error:#}")).into()
}

fn out_of_memory(message: &str) -> Error {
    Ended(Failure::new(Cause::OutOfMemory, format!("the job {message}"))).into()
}
