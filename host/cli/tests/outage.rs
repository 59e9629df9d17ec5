//! The binary on a folder that was left alone for a year, with jobs that are due every second.

mod host;

use host::{Host, output};
use sandglass_core::limit::Limits;
use sandglass_core::spec::Specification;
use sandglass_core::{Instant, Name, Span};
use sandglass_store::StoreExt as _;
use sandglass_store::op::{OpError, job};
use sandglass_store_sled::{Options, SledStore};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const YEAR: Span = Span::from_secs(365 * 86_400);
/// Runs that the job makes at most that catches up on all.
const ALL: u64 = 20;

/// A data folder, and the host on it.
struct Place {
    data: PathBuf,
    host: Host,
}

impl Place {
    fn json(&self, arguments: &[&str]) -> Value {
        let (status, out, err) = output(self.host.client(&self.data, arguments).arg("--json"));
        assert_eq!(status, Some(0), "{arguments:?}: {err}");
        serde_json::from_str(&out).unwrap()
    }

    /// How long a start takes, from the process to the line that says that it listens.
    fn start(data: &Path) -> (Place, Duration) {
        let began = std::time::Instant::now();
        let host = Host::start(data);
        (Place { data: data.to_owned(), host }, began.elapsed())
    }

    fn stop(self) {
        assert_eq!(self.host.stop("-TERM"), Some(0));
    }

    /// The job when it has dealt with what it missed.
    fn caught_up(&self, job: &str) -> Value {
        for _ in 0..1_200 {
            let shown = self.json(&["show", job]);
            let runs = self.json(&["runs", job, "--outcome", "succeeded", "--limit", "1000"]);
            if shown["counters"]["missed"] != 0
                && !runs.as_array().unwrap().is_empty()
                && shown["live_runs"] == 0
            {
                return shown;
            }
            // The host tells clients of a job's runs, but not of all.
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{job} never caught up: {:#}", self.json(&["show", job]));
    }
}

fn now() -> Instant {
    Instant::from_millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

fn millis(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<Instant>().unwrap().millis()
}

/// Uploads the component and gives its digest.
fn upload(place: &Place) -> String {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests/trivial.wasm");
    assert!(guest.is_file(), "{} is not there: build it with `cargo xtask guests`", guest.display());
    place.json(&["deploy", guest.to_str().unwrap(), "--name", "seed"]);
    place.json(&["show", "seed"])["specification"]["component"].as_str().unwrap().to_owned()
}

/// Deploys a job as it would have been then, with the host's own operations.
fn deploy(store: &SledStore, name: &str, document: Value, then: Instant) {
    let spec = Specification::from_json(document, &Limits::CEILING, then).unwrap();
    let name: Name = name.parse().unwrap();
    let put =
        store.write::<_, OpError, _>(move |write| job::put(write, &name, spec, job::Expect::Anything, then));
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(put).unwrap();
}

#[test]
fn a_year_later_the_host_starts_at_once_does_what_each_job_says_and_tells_how_many_it_missed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (place, _) = Place::start(&data);
    let component = upload(&place);
    place.stop();
    let (place, before) = Place::start(&data);
    place.stop();

    let then = now().minus(YEAR);
    let store = SledStore::open(&data.join("store"), &Options::default()).unwrap();
    let cases = [
        ("latest", json!("latest"), 1),
        ("none", json!("none"), 0),
        ("all", json!({"all": {"max": ALL, "window": "1h"}}), ALL),
    ];
    for (name, catch_up, _) in &cases {
        let policy = json!({ "catch_up": catch_up });
        let document = json!({"component": component, "schedule": {"every": "1s"}, "policy": policy});
        deploy(&store, name, document, then);
    }
    drop(store);
    let (place, after) = Place::start(&data);
    println!("started in {after:?} after a year, and in {before:?} after a moment");

    for (name, _, caught_up) in cases {
        let shown = place.caught_up(name);
        let skips = place.json(&["skips", name, "--limit", "1000"]);
        let missed: Vec<&Value> =
            skips.as_array().unwrap().iter().filter(|skip| skip["reason"] == "missed").collect();
        assert_eq!(missed.len(), 1, "{name}: a year of missed seconds is one record: {missed:?}");
        let (from, to, count) = (millis(&missed[0]["from"]), millis(&missed[0]["to"]), &missed[0]["count"]);
        assert_eq!(from, then.millis() + 1_000, "{name}: from the first on");
        assert_eq!(*count, (to - from) / 1_000 + 1, "{name}: {missed:?}");
        assert!(count.as_u64().unwrap() > YEAR.millis() / 1_000 - 100, "{name}: {missed:?}");
        assert_eq!(shown["counters"]["missed"], *count, "{name}: {shown:#}");
        let runs = place.json(&["runs", name, "--limit", "1000"]);
        let mut instants: Vec<i64> = runs
            .as_array()
            .unwrap()
            .iter()
            .filter(|run| run["trigger"] == "catch-up")
            .map(|run| millis(&run["scheduled_for"]))
            .collect();
        instants.sort_unstable();
        let expected: Vec<i64> = (1..=caught_up as i64).map(|n| to + n * 1_000).collect();
        assert_eq!(instants, expected, "{name}: the newest that were missed");
        let (_, told, _) = output(&mut place.host.client(&data, &["show", name]));
        assert!(told.contains(&format!("{} missed", count.as_u64().unwrap())), "{told}");
    }
    place.stop();
}
