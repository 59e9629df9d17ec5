use super::*;
use crate::id::JobId;

const NOW: Instant = Instant::EPOCH;

fn queued() -> Run {
    Run::queued(RunId::new(JobId(1), NOW, 0), "a".parse().unwrap(), Trigger::Schedule, NOW, 0)
}

fn running() -> Run {
    apply(&queued(), Event::Start { revision: 1 }).unwrap()
}

fn retrying() -> Run {
    apply(&running(), failed(1, Cause::HostError)).unwrap()
}

fn ended() -> Run {
    apply(&queued(), Event::Cancel).unwrap()
}

fn apply(run: &Run, event: Event) -> Result<Run, Refused> {
    step(run, event, &Retry::default(), NOW, 0)
}

fn ending(result: Result<Option<String>, Failure>) -> Box<Ending> {
    Box::new(Ending { result, traces: Traces::default() })
}

fn failed(attempt: u32, cause: Cause) -> Event {
    Event::End { attempt, ending: ending(Err(Failure::new(cause, "m"))) }
}

/// Every (state, event) pair, and what the run says of itself afterwards.
#[test]
fn every_event_in_every_state() {
    let start = || Event::Start { revision: 7 };
    let succeed = |attempt| Event::End { attempt, ending: ending(Ok(Some("done".into()))) };
    let table: Vec<(Run, Event, Result<&str, Refused>)> = vec![
        (queued(), start(), Ok("running")),
        (queued(), succeed(1), Err(Refused::Stale)),
        (queued(), Event::Cancel, Ok("cancelled")),
        (queued(), Event::Expire, Ok("skipped")),
        (queued(), Event::Lose, Err(Refused::Stale)),
        (running(), start(), Err(Refused::Running)),
        (running(), succeed(1), Ok("succeeded")),
        (running(), succeed(2), Err(Refused::Stale)),
        (running(), failed(1, Cause::Trap), Ok("failed")),
        (running(), failed(1, Cause::HostError), Ok("retrying")),
        (running(), failed(0, Cause::HostError), Err(Refused::Stale)),
        (running(), Event::Cancel, Ok("cancelled")),
        (running(), Event::Expire, Err(Refused::Begun)),
        (running(), Event::Lose, Ok("retrying")),
        (retrying(), start(), Ok("running")),
        (retrying(), succeed(1), Err(Refused::Stale)),
        (retrying(), Event::Cancel, Ok("cancelled")),
        (retrying(), Event::Expire, Err(Refused::Begun)),
        (retrying(), Event::Lose, Err(Refused::Stale)),
        (ended(), start(), Err(Refused::Ended)),
        (ended(), succeed(1), Err(Refused::Ended)),
        (ended(), Event::Cancel, Err(Refused::Ended)),
        (ended(), Event::Expire, Err(Refused::Ended)),
        (ended(), Event::Lose, Err(Refused::Ended)),
    ];
    for (run, event, expected) in table {
        let told = format!("{} on {event:?}", run.status());
        assert_eq!(apply(&run, event).map(|run| run.status()), expected, "{told}");
    }
}

/// Which cause is tried again, with and without the policy's naming it.
#[test]
fn causes_and_retries() {
    for cause in Cause::ALL {
        let by_itself = matches!(cause, Cause::HostError | Cause::Conflict | Cause::Lost);
        let run = apply(&running(), failed(1, cause)).unwrap();
        assert_eq!(run.status(), if by_itself { "retrying" } else { "failed" }, "{cause:?}");
        let named = Retry { on: vec![cause], ..Retry::default() };
        let run = step(&running(), failed(1, cause), &named, NOW, 0).unwrap();
        assert_eq!(run.status(), "retrying", "{cause:?} named");
    }
    let failure = Failure { retry: true, ..Failure::new(Cause::Error, "later") };
    let run = apply(&running(), Event::End { attempt: 1, ending: ending(Err(failure)) }).unwrap();
    assert_eq!(run.status(), "retrying");
}

fn fail_until_ended(cause: Cause) -> Run {
    let mut run = queued();
    for _ in 0..100 {
        run = apply(&run, Event::Start { revision: 1 }).unwrap();
        run = apply(&run, failed(run.attempts_begun(), cause)).unwrap();
        if run.outcome().is_some() {
            return run;
        }
    }
    panic!("never ended");
}

#[test]
fn retries_end() {
    for (cause, attempts) in
        [(Cause::HostError, 3), (Cause::Conflict, 21), (Cause::Lost, 4), (Cause::Trap, 1)]
    {
        let run = fail_until_ended(cause);
        assert_eq!(run.attempts_begun(), attempts, "{cause:?}");
        assert_eq!(run.outcome(), Some(Outcome::Failed(cause)));
        assert!(run.attempts.len() <= Run::ATTEMPTS_KEPT);
    }
}

#[test]
fn conflicts_end_after_ten_seconds() {
    let run = apply(&running(), failed(1, Cause::Conflict)).unwrap();
    let run = apply(&run, Event::Start { revision: 1 }).unwrap();
    let later = NOW.plus(Span::from_millis(10_001));
    let run = step(&run, failed(2, Cause::Conflict), &Retry::default(), later, 0).unwrap();
    assert_eq!(run.outcome(), Some(Outcome::Failed(Cause::Conflict)));
}

#[test]
fn an_attempt_is_recorded_with_what_it_told() {
    let usage = Usage { fuel: 9, ..Usage::default() };
    let told = Ending {
        result: Ok(Some("x".into())),
        traces: Traces { last_error: Some("denied".into()), usage, ..Traces::default() },
    };
    let run = apply(&running(), Event::End { attempt: 1, ending: Box::new(told) }).unwrap();
    assert_eq!(run.result.as_deref(), Some("x"));
    assert_eq!((run.attempts[0].number, run.attempts[0].usage.fuel), (1, 9));
    let text = serde_json::to_string(&run).unwrap();
    assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), run);
}
