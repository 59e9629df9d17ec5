//! Two jobs that change one row at once.

use sandglass_tests::{Host, is_full};
use serde_json::json;

#[test]
fn no_increment_of_two_jobs_is_lost() {
    let runs = if is_full() { 1_000 } else { 150 };
    let host = Host::start();
    host.put("tables/counters/rows/c").json(&json!({"n": 0})).send().json(201);
    let jobs = ["one", "other"];
    for job in jobs {
        host.deploy(job, "probe", json!({"grants": {"tables": {"counters": "read-write"}}}));
    }
    let script = json!([{"increment": {"table": "counters", "id": "c", "field": "n"}, "must": true}]);
    std::thread::scope(|scope| {
        for job in jobs {
            let (host, script) = (host.client(), &script);
            scope.spawn(move || (0..runs).for_each(|_| drop(host.run_well(job, script))));
        }
    });
    let attempts = |job: &str| {
        let runs = host.list(&format!("jobs/{job}/runs"));
        runs.iter().filter_map(|run| run["attempt"].as_u64()).sum::<u64>()
    };
    let conflicts = attempts("one") + attempts("other") - 2 * runs;
    println!("{runs} runs of each of two jobs, and {conflicts} conflicts between them");
    assert_eq!(host.read("tables/counters/rows/c")["n"], 2 * runs);
}
