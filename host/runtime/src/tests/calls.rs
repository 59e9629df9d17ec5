//! Calls into the host, from guests by hand.

use super::guest::{OK, job_with};
use super::{Host, ending, failure, spec};
use crate::attempt::{BoxFuture, Committer, LogSink};
use parking_lot::Mutex;
use sandglass_core::effect::Effects;
use sandglass_core::limit::Bytes;
use sandglass_core::log::{Line, Source};
use sandglass_core::run::{Cause, Failure};
use sandglass_core::time::Span;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A guest that sleeps for an hour in WASI.
pub(super) fn sleeper() -> String {
    let component = r#"
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock
    (alias outer 1 $pollable (type $outer))
    (export "pollable" (type $p (eq $outer)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core instance $env (export "subscribe" (func $subscribe)) (export "block" (func $block)))"#;
    let module = r#"
    (import "env" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "env" "block" (func $block (param i32)))"#;
    let body = "(call $block (call $subscribe (i64.const 3600000000000))) (i32.const 16)";
    job_with(component, r#"(with "env" (instance $env))"#, module, body)
}

/// A guest that writes log lines: `$log` takes a level, an address and a length.
fn logger(body: &str) -> String {
    let component = r#"
  (import "sandglass:job/log@0.1.0" (instance $log
    (type $l (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $l)))
    (export "write" (func (param "level" $level) (param "message" string)))))
  (core module $memory (memory (export "memory") 20))
  (core instance $memory (instantiate $memory))
  (core func $write (canon lower (func $log "write") (memory (core memory $memory "memory"))))
  (alias core export $memory "memory" (core memory $shared))
  (core instance $env (export "log" (func $write)) (export "shared" (memory $shared)))"#;
    let module = r#"
    (import "env" "log" (func $log (param i32 i32 i32)))
    (import "env" "shared" (memory $shared 20))"#;
    // The module's own memory would come second: texts are in the shared one.
    job_with(component, r#"(with "env" (instance $env))"#, module, body)
        .replace(r#"(memory (export "memory") 1)"#, r#"(memory $own (export "memory") 1)"#)
        .replace("(data (i32.const", "(data $own_ (memory $own) (i32.const")
        .replacen("$own_", "$a", 1)
        .replacen("$own_", "$b", 1)
}

#[tokio::test]
async fn lines_are_kept_in_order_and_cut_where_they_are_too_long() {
    let host = Host::new();
    let body = "
        (memory.fill $shared (i32.const 0) (i32.const 97) (i32.const 20000))
        (call $log (i32.const 2) (i32.const 0) (i32.const 3))
        (call $log (i32.const 4) (i32.const 0) (i32.const 20000))
        (i32.const 16)";
    let (finished, lines) = host.run_with(&logger(body), |_| ()).await;
    let ending = ending(finished);
    assert_eq!(ending.result, Ok(None));
    assert_eq!(ending.traces.usage.host_calls, 2);
    let texts = lines.texts();
    assert_eq!(texts[0], "aaa");
    assert!(texts[1].starts_with("aaaa") && texts[1].ends_with("[cut: a line has at most 16KiB]"));
    assert!(texts[1].len() < 17 << 10);
    assert_eq!(lines.0.lock()[0].attempt, 2);
    assert!(ending.traces.usage.fuel > 40_000, "bytes cost fuel: {}", ending.traces.usage.fuel);
}

#[tokio::test]
async fn a_log_ends_with_one_mark_and_the_attempt_goes_on() {
    let body = "(local $n i32)
        (loop $again
            (call $log (i32.const 0) (i32.const 0) (i32.const 100))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 50))))
        (i32.const 16)";
    let spec = spec(|spec| spec.limits.log = Bytes(500));
    let host = Host::new();
    let (finished, lines) = host.run_with(&logger(body), |attempt| attempt.spec = Arc::new(spec)).await;
    let ending = ending(finished);
    assert_eq!(ending.result, Ok(None));
    let lines = lines.0.lock();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[4].source, Source::Host);
    assert_eq!(lines[4].message, "the log ends here: an attempt's log has at most 500B (limit log)");
    assert!(ending.traces.usage.log_bytes <= 500);
}

#[tokio::test]
async fn calls_and_their_bytes_are_limited() {
    let host = Host::new();
    let endless =
        "(loop $again (call $log (i32.const 0) (i32.const 0) (i32.const 0)) (br $again)) (unreachable)";
    let limited = spec(|spec| spec.limits.host_calls = 1_000);
    let (told, usage) = failure(host.run_as(&logger(endless), limited).await);
    assert_eq!(told.cause, Cause::Quota, "{told:?}");
    assert_eq!(told.message, "more than 1000 calls into the host (limit host_calls)");
    assert_eq!(usage.host_calls, 1_001);

    let large = "(call $log (i32.const 0) (i32.const 0) (i32.const 1000001)) (unreachable)";
    let limited = spec(|spec| spec.limits.call = Bytes(1_000_000));
    let (told, _) = failure(host.run_as(&logger(large), limited).await);
    assert_eq!(told.cause, Cause::Quota, "{told:?}");
    assert!(told.message.ends_with("(limit call)"), "{}", told.message);

    // Host calls burn fuel, though the guest itself hardly does; and none is forgotten from tick to tick.
    let limited = spec(|spec| spec.limits.fuel = 300_000_000);
    let (told, usage) = failure(host.run_as(&logger(endless), limited).await);
    assert_eq!(told.cause, Cause::OutOfFuel, "{told:?}");
    assert_eq!(usage.fuel, 300_000_000);
    assert!(usage.host_calls <= 300_001, "{usage:?}");
}

#[tokio::test]
async fn handles_are_limited() {
    let wat = sleeper().replace(
        "(call $block (call $subscribe (i64.const 3600000000000)))",
        "(loop $again (drop (call $subscribe (i64.const 1))) (br $again))",
    );
    let (told, _) = failure(Host::new().run(&wat).await);
    assert_eq!(told.cause, Cause::Quota, "{told:?}");
    assert_eq!(told.message, "more than 1000 resource handles held at one time (limit handles)");
}

#[tokio::test]
async fn a_call_into_what_jobs_are_not_given_is_denied_by_name() {
    let component = r#"
  (import "wasi:sockets/instance-network@0.2.0" (instance $net
    (export "network" (type $n (sub resource)))
    (export "instance-network" (func (result (own $n))))))
  (core func $network (canon lower (func $net "instance-network")))
  (core instance $env (export "network" (func $network)))"#;
    let module = r#"(import "env" "network" (func $network (result i32)))"#;
    let given = r#"(with "env" (instance $env))"#;
    let host = Host::new();
    assert_eq!(host.run(&job_with(component, given, module, OK)).await.result, Ok(None));
    let wat = job_with(component, given, module, "(drop (call $network)) (i32.const 16)");
    let (told, _) = failure(host.run(&wat).await);
    assert_eq!(told.cause, Cause::Denied, "{told:?}");
    assert!(
        told.message.contains("wasi:sockets/instance-network@0.2.0#instance-network"),
        "{}",
        told.message
    );
}

#[tokio::test]
async fn leaving_by_exit_is_an_error_of_the_guest() {
    let component = r#"
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
  (core func $exit (canon lower (func $exit "exit")))
  (core instance $env (export "exit" (func $exit)))"#;
    let module = r#"(import "env" "exit" (func $exit (param i32)))"#;
    let wat = job_with(
        component,
        r#"(with "env" (instance $env))"#,
        module,
        "(call $exit (i32.const 0)) (i32.const 16)",
    );
    let (told, _) = failure(Host::new().run(&wat).await);
    assert_eq!(told.cause, Cause::Error);
    assert!(
        told.message.starts_with("the guest left by calling exit, as a success, before `run`"),
        "{}",
        told.message
    );
}

/// A guest that makes a checkpoint without progress.
fn checkpointer() -> String {
    let component = r#"
  (import "sandglass:job/this-run@0.1.0" (instance $this
    (export "checkpoint" (func (param "progress" (option string))))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $checkpoint (canon lower (func $this "checkpoint") (memory (core memory $memory "memory"))))
  (core instance $env (export "checkpoint" (func $checkpoint)))"#;
    let module = r#"(import "env" "checkpoint" (func $checkpoint (param i32 i32 i32)))"#;
    let body = "(call $checkpoint (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 16)";
    job_with(component, r#"(with "env" (instance $env))"#, module, body)
}

/// Never done with a commit.
struct Never;

impl Committer for Never {
    fn checkpoint(&self, _: Effects, _: Option<String>) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_checkpoint_that_does_not_come_back_ends_with_the_attempts_time() {
    let host = Host::new();
    assert_eq!(host.run(&checkpointer()).await.result, Ok(None));
    let (finished, _) = host
        .run_with(&checkpointer(), |attempt| {
            attempt.spec = Arc::new(spec(|spec| spec.policy.timeout = Span::from_millis(50)));
            attempt.committer = Arc::new(Never);
        })
        .await;
    assert_eq!(failure(ending(finished)).0.cause, Cause::Timeout);
}

/// Counts commits.
#[derive(Default)]
struct Commits(AtomicUsize);

impl Committer for Commits {
    fn checkpoint(&self, _: Effects, _: Option<String>) -> BoxFuture<'_, Result<(), Failure>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test]
async fn what_a_guest_does_when_its_time_is_over_is_not_committed() {
    let component = r#"
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock
    (alias outer 1 $pollable (type $outer))
    (export "pollable" (type $p (eq $outer)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (import "sandglass:job/this-run@0.1.0" (instance $this
    (export "checkpoint" (func (param "progress" (option string))))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $checkpoint (canon lower (func $this "checkpoint") (memory (core memory $memory "memory"))))
  (core instance $env
    (export "subscribe" (func $subscribe)) (export "block" (func $block)) (export "checkpoint" (func $checkpoint)))"#;
    let module = r#"
    (import "env" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "env" "block" (func $block (param i32)))
    (import "env" "checkpoint" (func $checkpoint (param i32 i32 i32)))"#;
    // 55 ms of its 50.
    let body = "(call $block (call $subscribe (i64.const 55000000)))
        (call $checkpoint (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 16)";
    let wat = job_with(component, r#"(with "env" (instance $env))"#, module, body);
    let host = Host::new();
    for (timeout, expected) in [(50, 0), (60_000, 1)] {
        let commits = Arc::new(Commits::default());
        let committer = Arc::clone(&commits);
        let (finished, _) = host
            .run_with(&wat, |attempt| {
                attempt.spec = Arc::new(spec(|spec| spec.policy.timeout = Span::from_millis(timeout)));
                attempt.committer = committer;
            })
            .await;
        let result = ending(finished).result;
        assert_eq!(result.err().map(|failure| failure.cause), (expected == 0).then_some(Cause::Timeout));
        assert_eq!(commits.0.load(Ordering::Relaxed), expected);
    }
}

/// Panics on its thread, and says how that thread is scheduled.
struct Fuse(Mutex<Option<i32>>);

impl LogSink for Fuse {
    fn line(&self, _: Line) {
        *self.0.lock() = rustix::process::getpriority_process(Some(rustix::thread::gettid())).ok();
        panic!("the fuse is lit");
    }
}

#[tokio::test]
async fn a_panic_of_the_host_ends_one_attempt_on_a_thread_that_gives_way_to_others() {
    let host = Host::new();
    let fuse = Arc::new(Fuse(Mutex::new(None)));
    let sink = Arc::clone(&fuse);
    let wat = logger("(call $log (i32.const 0) (i32.const 0) (i32.const 1)) (i32.const 16)");
    let (finished, _) = host.run_with(&wat, |attempt| attempt.log = sink).await;
    let (told, usage) = failure(ending(finished));
    assert_eq!(
        (told.cause, told.message.as_str()),
        (Cause::HostError, "a defect of the host: the fuse is lit")
    );
    assert_eq!(usage.host_calls, 1);
    assert_eq!(*fuse.0.lock(), Some(10));
    assert_eq!(host.run(&wat).await.result, Ok(None));
}

#[tokio::test]
async fn waiting_counts_as_time_inside_a_call() {
    let wat = sleeper().replace("3600000000000", "30000000");
    let ending = Host::new().run(&wat).await;
    assert_eq!(ending.result, Ok(None));
    assert!((30_000..1_000_000).contains(&ending.traces.usage.host_call_micros), "{:?}", ending.traces.usage);
}
