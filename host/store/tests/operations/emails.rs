//! The outbox: what is claimed, what becomes of it, and what is kept of it.

use crate::world::World;
use sandglass_core::delivery::{Answer, Delivery, Patience, State, Taken};
use sandglass_core::email::{Email, Message};
use sandglass_core::{Instant, Span};
use sandglass_store::op::email::{self, Claimed, Place};
use sandglass_store::op::{OpError, effect};
use sandglass_store::record::Meta;
use sandglass_store::{KeyRange, Space, StoreError, StoreExt};

const PATIENCE: Patience =
    Patience { initial: Span::from_secs(10), max: Span::from_secs(80), expire: Span::from_secs(1_000) };

fn mail(to: &[&str], at: Instant) -> Email {
    Email {
        message_id: format!("{}@sandglass", at.millis()),
        run: None,
        job: "j".parse().unwrap(),
        queued_at: at,
        message: Message {
            to: to.iter().map(|to| to.parse().unwrap()).collect(),
            cc: vec![],
            bcc: vec![],
            reply_to: None,
            subject: "s".into(),
            text: Some("t".into()),
            html: None,
            attachments: vec![],
        },
    }
}

/// Puts messages in the outbox by one commit, as an attempt's end does.
fn send(world: &World, emails: Vec<Email>) -> Vec<Place> {
    let count = emails.len() as u32;
    let of = world.write(move |write, now| {
        let effects = sandglass_core::effect::Effects { emails, ..Default::default() };
        assert!(effect::commit(write, &effects, now)?.is_ok());
        Ok::<_, StoreError>(write.sequence())
    });
    let of = of.unwrap();
    (0..count).map(|number| Place { of, number }).collect()
}

fn claim(world: &World, limit: usize) -> Claimed {
    world.write::<_, StoreError>(move |write, now| email::claim(write, limit, &PATIENCE, now)).unwrap()
}

fn answer(world: &World, place: Place, state: Taken) -> Delivery {
    let answered = world.write::<_, StoreError>(move |write, now| {
        let answer = Answer { address: "a@x.y".into(), state, reply: "said".into() };
        email::answered(write, place, &[answer], &PATIENCE, now, 0)
    });
    answered.unwrap().expect("it was claimed")
}

fn state(world: &World, place: Place) -> Option<State> {
    world.store.read(|read| email::get(read, place)).unwrap().map(|entry| entry.delivery.state)
}

fn next(world: &World) -> Option<Instant> {
    world.store.read(email::next).unwrap()
}

fn indexed(world: &World) -> usize {
    world.store.read(|read| read.count(Space::Post, &KeyRange::all(), 1_000)).unwrap()
}

#[test]
fn messages_are_claimed_as_they_are_due_and_once() {
    let mut world = World::new();
    let first = send(&world, vec![mail(&["a@x.y"], world.at(2))])[0];
    let second = send(&world, vec![mail(&["a@x.y"], world.at(1))])[0];
    let later = send(&world, vec![mail(&["a@x.y"], world.at(9))])[0];
    world.set_now(5);
    assert_eq!(claim(&world, 1).places, [second]);
    assert_eq!(claim(&world, 9).places, [first]);
    assert_eq!(claim(&world, 9), Claimed::default());
    assert_eq!((state(&world, first), state(&world, later)), (Some(State::Sending), Some(State::Queued)));
    assert_eq!(next(&world), Some(world.at(9)));
}

#[test]
fn what_was_not_taken_is_due_again_and_what_was_taken_never() {
    let mut world = World::new();
    let places = send(&world, vec![mail(&["a@x.y"], world.at(0)), mail(&["a@x.y"], world.at(0))]);
    world.set_now(1);
    assert_eq!(claim(&world, 9).places, places);
    assert_eq!(answer(&world, places[0], Taken::Accepted).state, State::Sent);
    assert_eq!(answer(&world, places[1], Taken::Deferred).state, State::Queued);
    assert_eq!((next(&world), indexed(&world)), (Some(world.at(6)), 1));
    world.set_now(6);
    assert_eq!(claim(&world, 9).places, [places[1]]);
    assert_eq!(answer(&world, places[1], Taken::Refused).state, State::Failed);
    assert_eq!((next(&world), indexed(&world)), (None, 0));
}

#[test]
fn a_message_that_nobody_could_be_asked_about_keeps_its_place() {
    let mut world = World::new();
    let place = send(&world, vec![mail(&["a@x.y"], world.at(0))])[0];
    world.set_now(500);
    claim(&world, 1);
    let put_off = world
        .write::<_, StoreError>(move |write, now| email::put_off(write, place, "no route", &PATIENCE, now));
    let delivery = put_off.unwrap().unwrap();
    assert_eq!((delivery.state, delivery.attempts), (State::Queued, 0));
    assert_eq!((delivery.reason.as_deref(), next(&world)), (Some("no route"), Some(world.at(0))));
}

#[test]
fn what_is_too_old_is_given_up_without_a_place_and_can_be_sent_again() {
    let mut world = World::new();
    let old = send(&world, vec![mail(&["a@x.y"], world.at(0))])[0];
    let new = send(&world, vec![mail(&["a@x.y"], world.at(999))])[0];
    world.set_now(1_000);
    assert_eq!(claim(&world, 1), Claimed { places: vec![new], expired: vec![old] });
    assert_eq!(state(&world, old), Some(State::Failed));
    let copy = world.write(move |write, now| email::resend(write, old, now)).unwrap();
    let (original, again) = world
        .store
        .read(|read| (email::get(read, old).unwrap().unwrap(), email::get(read, copy).unwrap().unwrap()));
    assert_ne!(original.email.message_id, again.email.message_id);
    assert_eq!((original.email.message, again.delivery.state), (again.email.message, State::Queued));
    assert_eq!(claim(&world, 9).places, [copy]);
    answer(&world, copy, Taken::Refused);
    // A copy of a copy has one mark and another number.
    let third = world.write(move |write, now| email::resend(write, copy, now)).unwrap();
    let third = world.store.read(|read| email::get(read, third)).unwrap().unwrap().email.message_id;
    assert!(third.matches(".again-").count() == 1 && third != again.email.message_id, "{third}");
}

#[test]
fn after_a_crash_what_was_being_sent_is_sent_again() {
    let mut world = World::new();
    let places = send(&world, (0..7).map(|_| mail(&["a@x.y"], world.at(0))).collect());
    world.set_now(1);
    claim(&world, 5);
    answer(&world, places[0], Taken::Accepted);
    let recovered = || world.write::<_, StoreError>(|write, _| email::recover(write, 3)).unwrap();
    assert_eq!((recovered(), recovered(), recovered()), (3, 1, 0));
    assert_eq!(claim(&world, 9).places, places[1..]);
}

#[test]
fn what_is_on_its_way_is_neither_sent_again_nor_removed() {
    let mut world = World::new();
    let place = send(&world, vec![mail(&["a@x.y"], world.at(0))])[0];
    world.set_now(1);
    let resend = || world.write(move |write, now| email::resend(write, place, now));
    let remove = || world.write(move |write, _| email::remove(write, place));
    assert!(matches!(resend(), Err(OpError::Conflict(_))));
    claim(&world, 1);
    assert!(matches!((resend(), remove()), (Err(OpError::Conflict(_)), Err(OpError::Conflict(_)))));
    answer(&world, place, Taken::Deferred);
    assert_eq!((remove(), state(&world, place), indexed(&world)), (Ok(()), None, 0));
    assert!(matches!((resend(), remove()), (Err(OpError::NotFound(_)), Err(OpError::NotFound(_)))));
}

#[test]
fn listings_show_one_state_and_go_on_where_they_ended() {
    let mut world = World::new();
    let places = send(&world, (0..6).map(|_| mail(&["a@x.y"], world.at(0))).collect());
    world.set_now(1);
    claim(&world, 4);
    answer(&world, places[1], Taken::Refused);
    answer(&world, places[3], Taken::Refused);
    let list = |state, before, limit| {
        let page = world.store.read(|read| email::list(read, state, before, limit)).unwrap();
        (page.entries.into_iter().map(|entry| entry.place).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(list(Some(State::Failed), None, 9), (vec![places[3], places[1]], None));
    let (first, next) = list(Some(State::Failed), None, 1);
    assert_eq!(first, [places[3]]);
    assert_eq!(list(Some(State::Failed), next, 9), (vec![places[1]], None));
    assert_eq!(list(None, Some(places[2]), 9).0, [places[1], places[0]]);
}

#[test]
fn old_messages_go_but_for_those_on_their_way() {
    let mut world = World::new();
    let places = send(&world, (0..3).map(|_| mail(&["a@x.y"], world.at(0))).collect());
    let new = send(&world, vec![mail(&["a@x.y"], world.at(500))])[0];
    world.set_now(1);
    claim(&world, 2);
    answer(&world, places[0], Taken::Accepted);
    answer(&world, places[1], Taken::Refused);
    let prune = |delivers| {
        let before = world.at(500);
        world.write::<_, StoreError>(move |write, _| email::prune(write, before, delivers, 100)).unwrap()
    };
    assert_eq!(prune(true), 2);
    assert_eq!(
        [places[0], places[1], places[2], new].map(|place| state(&world, place).is_some()),
        [false, false, true, true]
    );
    assert_eq!((prune(true), prune(false), indexed(&world)), (0, 1, 1));
    assert_eq!(world.store.read(|read| read.count(Space::Email, &KeyRange::all(), 9)).unwrap(), 1);
}

#[test]
fn messages_of_earlier_versions_are_read_and_delivered() {
    let mut world = World::new();
    let places: Vec<Place> = (0..5).map(|number| Place { of: 1, number }).collect();
    let (old, at) = (places.clone(), world.at(0));
    world
        .write::<_, StoreError>(move |write, _| {
            for place in old {
                write.save(&place, &mail(&["a@x.y"], at));
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(state(&world, places[0]), Some(State::Queued));
    let mut after = None;
    let mut scripts = 0;
    loop {
        after = world.write::<_, StoreError>(move |write, _| email::adopt(write, after, 2)).unwrap();
        scripts += 1;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((scripts, indexed(&world)), (3, 5));
    assert!(world.store.read(|read| read.load::<Meta>(&())).unwrap().unwrap().deliveries);
    world.set_now(1);
    assert_eq!(claim(&world, 9).places, places);
}
