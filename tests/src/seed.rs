//! Random choices that can be made again.

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use std::time::{SystemTime, UNIX_EPOCH};

/// Random numbers from the seed in `SANDGLASS_SEED`, or from one that the clock gives. It is printed. It repeats
/// the choices of a test, though not what a machine makes of them.
pub fn seeded() -> StdRng {
    let given = std::env::var("SANDGLASS_SEED").ok();
    let seed = given.map_or_else(
        || SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs(),
        |text| text.parse().expect("SANDGLASS_SEED is a number"),
    );
    println!("SANDGLASS_SEED={seed} repeats the choices");
    StdRng::seed_from_u64(seed)
}
