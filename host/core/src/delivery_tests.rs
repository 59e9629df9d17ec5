use super::*;
use proptest::prelude::*;

fn at(seconds: i64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

fn patience() -> Patience {
    Patience { initial: Span::from_secs(10), max: Span::from_secs(80), expire: Span::from_secs(1_000) }
}

fn delivery(addresses: &[&str]) -> Delivery {
    Delivery::to(addresses.iter().map(ToString::to_string), at(0))
}

fn answers(of: &[(&str, Taken)]) -> Vec<Answer> {
    let answer = |(address, state): &(&str, Taken)| Answer {
        address: (*address).into(),
        state: *state,
        reply: state.as_str().into(),
    };
    of.iter().map(answer).collect()
}

fn states(delivery: &Delivery) -> Vec<Taken> {
    delivery.recipients.iter().map(|to| to.state).collect()
}

#[test]
fn the_outcome_follows_from_what_was_said_of_each_recipient() {
    use Taken::{Accepted, Deferred, Refused};
    for (first, second, state) in [
        (Accepted, Accepted, State::Sent),
        (Accepted, Refused, State::Failed),
        (Refused, Refused, State::Failed),
        (Accepted, Deferred, State::Queued),
        (Refused, Deferred, State::Queued),
    ] {
        let mut delivery = delivery(&["a@x.y", "b@x.y"]);
        delivery.answered(&answers(&[("a@x.y", first), ("b@x.y", second)]), &patience(), at(1), 0);
        assert_eq!((delivery.state, states(&delivery)), (state, vec![first, second]));
        assert_eq!(delivery.ended_at, state.is_end().then_some(at(1)));
    }
}

#[test]
fn only_those_who_may_still_take_it_are_asked_again() {
    use Taken::{Accepted, Deferred, Refused};
    let mut delivery = delivery(&["a@x.y", "b@x.y", "c@x.y", "a@x.y"]);
    assert_eq!(delivery.recipients.len(), 3);
    let said = answers(&[("a@x.y", Accepted), ("b@x.y", Refused), ("c@x.y", Deferred)]);
    delivery.answered(&said, &patience(), at(1), 0);
    assert_eq!(delivery.wanting().collect::<Vec<_>>(), ["c@x.y"]);
    assert_eq!((delivery.attempts, delivery.due_at), (1, at(6)));
    // What a server says of those who were not asked changes nothing.
    let said = answers(&[("a@x.y", Refused), ("b@x.y", Accepted), ("c@x.y", Accepted)]);
    delivery.answered(&said, &patience(), at(9), 0);
    assert_eq!(states(&delivery), [Accepted, Refused, Accepted]);
    assert_eq!(delivery.state, State::Failed);
    let again = delivery.again(at(20));
    assert_eq!(again.wanting().collect::<Vec<_>>(), ["b@x.y"]);
    assert_eq!((again.attempts, again.due_at, again.state), (0, at(20), State::Queued));
}

#[test]
fn what_all_have_got_goes_to_all_once_more() {
    let mut delivery = delivery(&["a@x.y", "b@x.y"]);
    let said = answers(&[("a@x.y", Taken::Accepted), ("b@x.y", Taken::Accepted)]);
    delivery.answered(&said, &patience(), at(1), 0);
    assert_eq!(delivery.again(at(2)).wanting().count(), 2);
}

#[test]
fn whom_the_server_says_nothing_of_has_not_got_it() {
    let mut delivery = delivery(&["a@x.y"]);
    delivery.answered(&[], &patience(), at(1), 0);
    assert_eq!((delivery.state, states(&delivery)), (State::Queued, vec![Taken::Deferred]));
}

#[test]
fn it_is_given_up_when_it_is_too_old() {
    let said = answers(&[("a@x.y", Taken::Deferred)]);
    let mut late = delivery(&["a@x.y"]);
    late.answered(&said, &patience(), at(999), 0);
    assert_eq!(late.state, State::Queued);
    late.answered(&said, &patience(), at(1_000), 0);
    assert_eq!((late.state, late.reason.as_deref()), (State::Failed, Some("not delivered within 1000s")));

    let mut unreachable = delivery(&["a@x.y"]);
    unreachable.put_off("nobody\r\nthere", &patience(), at(999));
    assert_eq!((unreachable.state, unreachable.due_at, unreachable.attempts), (State::Queued, at(0), 0));
    unreachable.put_off("nobody there", &patience(), at(1_000));
    assert_eq!(unreachable.reason.as_deref(), Some("not delivered within 1000s: nobody there"));
    assert_eq!(unreachable.state, State::Failed);
    // Who was never reached may be asked again by hand.
    assert_eq!(unreachable.again(at(2_000)).wanting().count(), 1);
}

#[test]
fn a_strangers_words_are_one_line_within_their_limit() {
    assert_eq!(words("550 5.1.1\r\n no\u{0} such\u{1b}[31m user "), "550 5.1.1 no such [31m user");
    let long = words(&"ü".repeat(10_000));
    assert!(long.ends_with('…') && long.len() <= fixed::EMAIL_REPLY.0 as usize + '…'.len_utf8());
}

#[test]
fn waits_double_up_to_their_limit() {
    for (failed, from, to) in
        [(1, 5, 10), (2, 10, 20), (3, 20, 40), (4, 40, 80), (5, 40, 80), (u32::MAX, 40, 80)]
    {
        let spans = [0, 1, 777, u64::MAX].map(|random| patience().delay(failed, random));
        for span in spans {
            assert!((from * 1_000..=to * 1_000).contains(&span.millis()), "{failed}: {span}");
        }
    }
}

proptest! {
    #[test]
    fn no_minute_has_more_than_the_pace_and_a_second_of_it(
        per_minute in 1u32..2_000,
        steps in prop::collection::vec((0i64..5_000, 0usize..50), 1..200),
    ) {
        let mut now = 0;
        let mut pace = Pace::new(per_minute, at(0));
        let mut left: Vec<(i64, usize)> = Vec::new();
        for (passed, wanted) in steps {
            now += passed;
            let count = wanted.min(pace.room(Instant::from_millis(now)));
            pace.take(count);
            left.push((now, count));
            let wait = pace.wait(Instant::from_millis(now));
            let mut later = pace.clone();
            prop_assert!(later.room(Instant::from_millis(now).plus(wait)) >= 1);
        }
        for (at, _) in &left {
            let within: usize = left.iter().filter(|(other, _)| other >= at && *other < at + 60_000).map(|(_, count)| count).sum();
            prop_assert!(within <= per_minute as usize + (per_minute as usize / 60).max(1));
        }
    }

    #[test]
    fn a_clock_that_is_set_back_lets_nothing_more_out(per_minute in 1u32..100, back in 1i64..1_000_000) {
        let mut pace = Pace::new(per_minute, at(0));
        let room = pace.room(at(0));
        pace.take(room);
        prop_assert_eq!(pace.room(at(-back)), 0);
    }
}
