//! Hostile guests, and guests that only err: each ends with its true cause.

use super::guest::{ECHO, OK, SORRY, job, job_with};
use super::{Host, ending, failure, spec};
use crate::attempt::Finished;
use sandglass_core::limit::Bytes;
use sandglass_core::run::Cause;
use sandglass_core::time::Span;
use std::time::{Duration, Instant};

const FOREVER: &str = "(loop $again (br $again)) (unreachable)";

#[tokio::test]
async fn a_guest_that_returns_succeeds() {
    let host = Host::new();
    let ending = host.run(&job(OK)).await;
    assert_eq!(ending.result, Ok(None));
    assert!(ending.traces.usage.fuel > 0 && ending.traces.usage.fuel < 10_000, "{:?}", ending.traces.usage);
    assert_eq!(ending.traces.usage.memory_bytes, 64 << 10);
    assert_eq!(ending.traces.usage.host_calls, 0);
}

#[tokio::test]
async fn input_and_result_are_text() {
    let host = Host::new();
    let (finished, _) = host.run_with(&job(ECHO), |attempt| attempt.input = Some("{\"ü\":1}".into())).await;
    assert_eq!(super::ending(finished).result, Ok(Some("{\"ü\":1}".into())));
    assert_eq!(host.run(&job(ECHO)).await.result, Ok(None));
}

#[tokio::test]
async fn a_failure_keeps_its_words_and_whether_it_is_worth_another_attempt() {
    let (failure, _) = failure(Host::new().run(&job(SORRY)).await);
    assert_eq!((failure.cause, failure.retry, failure.message.as_str()), (Cause::Error, true, "sorry"));
}

#[tokio::test]
async fn a_result_that_is_too_long_is_quota() {
    let wat = job(ECHO);
    let spec = spec(|spec| spec.limits.result = Bytes(4));
    let (finished, _) = Host::new()
        .run_with(&wat, |attempt| {
            attempt.input = Some("12345".into());
            attempt.spec = std::sync::Arc::new(spec);
        })
        .await;
    let (failure, _) = failure(ending(finished));
    assert_eq!(failure.cause, Cause::Quota);
    assert_eq!(failure.message, "the result has 5 bytes, and at most 4B (limit result)");
}

#[tokio::test]
async fn an_endless_loop_runs_out_of_fuel() {
    let spec = spec(|spec| spec.limits.fuel = 100_000_000);
    let (failure, usage) = failure(Host::new().run_as(&job(FOREVER), spec).await);
    assert_eq!(failure.cause, Cause::OutOfFuel, "{failure:?}");
    assert_eq!(failure.message, "all 100000000 units of fuel are burnt (limit fuel)");
    assert_eq!(usage.fuel, 100_000_000);
}

#[tokio::test]
async fn growing_memory_past_the_limit_ends_the_attempt() {
    let grow = "(loop $again (drop (memory.grow (i32.const 16))) (br $again)) (unreachable)";
    let (told, usage) = failure(Host::new().run(&job(grow)).await);
    assert_eq!(told.cause, Cause::OutOfMemory, "{told:?}");
    assert!(told.message.ends_with("its limit is 64MiB (limit memory)"), "{}", told.message);
    assert!(usage.memory_bytes > 63 << 20 && usage.memory_bytes <= 64 << 20);

    // More than any memory can have, at once.
    let all = "(drop (memory.grow (i32.const -1))) (unreachable)";
    assert_eq!(failure(Host::new().run(&job(all)).await).0.cause, Cause::OutOfMemory);
}

#[tokio::test]
async fn memories_are_summed_and_their_own_maximum_is_their_own_matter() {
    let host = Host::new();
    let body = "(drop (memory.grow 1 (i32.const 900))) (drop (memory.grow 0 (i32.const 200))) (unreachable)";
    let with = |memory: &str| {
        job_with("", "", "", body)
            .replace(r#"(memory (export "memory") 1)"#, &format!(r#"(memory (export "memory") 1) {memory}"#))
    };
    assert_eq!(failure(host.run(&with("(memory 1)")).await).0.cause, Cause::OutOfMemory);
    // The second memory refuses to grow by itself, which the guest may ask of it.
    assert_eq!(failure(host.run(&with("(memory 1 2)")).await).0.cause, Cause::Trap);
}

#[tokio::test]
async fn table_elements_are_limited_too() {
    let table = "(table $t 1 funcref)";
    let body = "(drop (table.grow $t (ref.null func) (i32.const 30000))) (unreachable)";
    let (failure, _) = failure(Host::new().run(&job_with("", "", table, body)).await);
    assert_eq!(failure.cause, Cause::OutOfMemory, "{failure:?}");
    assert!(failure.message.contains("(limit table_elements)"));
}

#[tokio::test]
async fn endless_recursion_overflows_the_stack() {
    let body = "(call $run (local.get $in) (local.get $at) (local.get $len))";
    let (failure, _) = failure(Host::new().run(&job(body)).await);
    assert_eq!(failure.cause, Cause::StackOverflow, "{failure:?}");
    assert_eq!(failure.message, "the guest's stack outgrew its 1MiB (limit stack)");
}

#[tokio::test]
async fn a_trap_names_its_functions_innermost_first() {
    let module = "(func $_ZN3job4deep17h0123456789abcdefE (unreachable))";
    let body = "(call $_ZN3job4deep17h0123456789abcdefE) (i32.const 16)";
    let (failure, _) = failure(Host::new().run(&job_with("", "", module, body)).await);
    assert_eq!(failure.cause, Cause::Trap);
    assert_eq!(failure.message, "wasm trap: wasm `unreachable` instruction executed");
    let backtrace = failure.backtrace.unwrap();
    let lines: Vec<&str> = backtrace.lines().collect();
    assert!(
        lines[0].starts_with("0: job::deep (at 0x") && lines[1].starts_with("1: run (at 0x"),
        "{backtrace}"
    );
}

#[tokio::test]
async fn a_guest_that_computes_is_ended_at_its_timeout_and_so_is_one_that_sleeps() {
    let host = Host::new();
    for (wat, fuel) in [(job(FOREVER), 1_000_000), (super::calls::sleeper(), 0)] {
        let spec = spec(|spec| {
            spec.policy.timeout = Span::from_millis(150);
            spec.limits.fuel = 1_000_000_000_000;
        });
        let ready = host.ready(&wat).await;
        let began = Instant::now();
        let (failure, usage) = failure(ending(host.runtime.run(ready, host.attempt(spec)).await));
        assert_eq!(failure.cause, Cause::Timeout, "{failure:?}");
        assert_eq!(failure.message, "not done within 150ms (policy timeout)");
        let named = failure.backtrace.as_ref().is_some_and(|backtrace| backtrace.starts_with("0: "));
        assert_eq!(named, usage.host_calls == 0, "where it computed: {failure:?}");
        assert!((150..1_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        assert!(usage.wall_micros >= 150_000 && usage.fuel > fuel, "{usage:?}");
        assert_eq!(
            usage.host_call_micros >= 140_000,
            usage.host_calls > 0,
            "waiting counts as a call: {usage:?}"
        );
    }
}

#[tokio::test]
async fn a_cancelled_attempt_ends_soon_wherever_it_is() {
    let host = Host::new();
    for wat in [job(FOREVER), super::calls::sleeper()] {
        let ready = host.ready(&wat).await;
        let attempt = host.attempt(spec(|spec| spec.limits.fuel = 1_000_000_000_000));
        let cancel = attempt.cancel.clone();
        let began = Instant::now();
        let (finished, ()) = tokio::join!(host.runtime.run(ready, attempt), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            cancel.cancel();
        });
        assert!(matches!(finished, Finished::Cancelled(_)), "{finished:?}");
        assert!(began.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_hostile_guest_does_not_keep_its_neighbours_waiting() {
    let host = Host::new();
    let (hostile, kind) = (host.ready(&job(FOREVER)).await, host.ready(&job(OK)).await);
    let attempts: Vec<_> =
        (0..4).map(|_| host.attempt(spec(|spec| spec.limits.fuel = 1_000_000_000_000))).collect();
    let cancels: Vec<_> = attempts.iter().map(|attempt| attempt.cancel.clone()).collect();
    let hostile = attempts.into_iter().map(|attempt| host.runtime.run(hostile.clone(), attempt));
    let hostile = futures_util::future::join_all(hostile);
    let neighbour = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let began = Instant::now();
        let finished = host.runtime.run(kind, host.attempt(spec(|_| ()))).await;
        assert_eq!(ending(finished).result, Ok(None));
        for cancel in &cancels {
            cancel.cancel();
        }
        began.elapsed()
    };
    let (_, waited) = tokio::join!(hostile, neighbour);
    assert!(waited < Duration::from_millis(500), "{waited:?}");
}

#[tokio::test]
async fn attempts_wait_for_a_place_before_their_clock_starts() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new();
    let settings = crate::Settings { attempts_max: 1, ..crate::Settings::new(folder.path()) };
    let host = Host { runtime: crate::Runtime::new(&settings).unwrap(), ..host };
    let (sleeper, kind) = (host.ready(&super::calls::sleeper()).await, host.ready(&job(OK)).await);
    let (first, mut second) = (host.attempt(spec(|_| ())), host.attempt(spec(|_| ())));
    second.spec = std::sync::Arc::new(spec(|spec| spec.policy.timeout = Span::from_millis(20)));
    let third = host.attempt(spec(|_| ()));
    let (done, cancelled) = (first.cancel.clone(), third.cancel.clone());
    let (first, second, third, ()) = tokio::join!(
        host.runtime.run(sleeper, first),
        host.runtime.run(kind.clone(), second),
        host.runtime.run(kind.clone(), third),
        async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            cancelled.cancel();
            tokio::time::sleep(Duration::from_millis(10)).await;
            done.cancel();
        }
    );
    assert!(matches!(first, Finished::Cancelled(_)), "{first:?}");
    assert_eq!(ending(second).result, Ok(None));
    assert!(
        matches!(third, Finished::Cancelled(traces) if traces.usage.wall_micros == 0),
        "cancelled as it waited"
    );
}

#[tokio::test]
async fn the_defaults_start_and_so_do_those_of_a_large_machine() {
    let folder = tempfile::tempdir().unwrap();
    let defaults = crate::Settings::new(folder.path());
    assert!(defaults.guest_threads >= 2 && defaults.ready_max > 0 && defaults.memory_max > Bytes::mib(256));
    drop(crate::Runtime::new(&defaults).unwrap());
    let large = crate::Settings { attempts_max: 64 * 64, ..defaults };
    drop(crate::Runtime::new(&large).unwrap());
}
