//! Ghosts: attempts that were executing when their process died, and are heard of in the next life of the host all
//! the same. Nothing of what they say may be taken.

use crate::guest::{EFFECTS, row_id};
use crate::world::World;
use sandglass_core::effect::{Change, Effects, Expected, RowKey};
use sandglass_core::run::{Ending, Traces};
use sandglass_core::{RunId, Span};
use sandglass_scheduler::Host;
use sandglass_store::op::attempt;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A step that no guest comes to.
const STEP: u32 = 99;
/// They appear within this time.
const WITHIN: Span = Span::from_secs(5);

/// Asks for a checkpoint, and reports a success.
pub async fn haunt(world: Arc<World>, host: Arc<Host>, run: RunId, number: u32) {
    tokio::time::sleep(world.random_span(WITHIN).to_std()).await;
    let wrote = effects(&world, run, number);
    let (step, end) = (wrote.clone(), wrote);
    let progress = Some(STEP.to_string());
    let kept = host.change(move |write, now| attempt::checkpoint(write, run, number, &step, progress, now));
    if kept.await.is_ok() {
        world.oracle.lock().heard_of_ghost(run, number, "a checkpoint");
    }
    let ending = Ending { result: Ok(None), traces: Traces::default() };
    let ended = host.change(move |write, now| attempt::end(write, run, number, ending, &end, now, 0));
    if let Ok(Some(_)) = ended.await {
        world.oracle.lock().heard_of_ghost(run, number, "the end");
    }
}

fn effects(world: &World, run: RunId, number: u32) -> Effects {
    let id = row_id(run, STEP, number).parse().expect("a row's id");
    let key = RowKey { table: EFFECTS.parse().expect("a table's name"), id };
    let fields = json!({"step": STEP}).as_object().cloned();
    let at = world.time.wall();
    let change = Change { fields, expected: Expected::Anything, at, created_at: None, size: 0 };
    Effects { rows: BTreeMap::from([(key, change)]), ..Effects::default() }
}
