//! What a restart costs, and what it trusts: nothing is compiled twice, and nothing is loaded that this host did
//! not make.

use sandglass_tests::{Host, guest, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The compiled components: a file that is written again has another inode or another time.
fn artifacts(host: &Host) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let folder = fs::read_dir(host.folder().join("artifacts")).expect("a folder of artifacts");
    let entry = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        (entry.path(), (metadata.ino(), metadata.mtime(), metadata.mtime_nsec()))
    };
    folder.map(entry).collect()
}

/// Processor time in ticks of the processes that this one has started and seen the end of: the compiler's.
fn children_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a system with /proc");
    // The name before it may have blanks in it. See proc(5): cutime and cstime are 16 and 17.
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    [13, 14].iter().map(|at| fields[*at].parse::<u64>().unwrap()).sum()
}

/// A host with two jobs of the same component, and one of another.
fn furnished() -> Host {
    let host = Host::start();
    for (job, name) in [("a", "probe"), ("b", "probe"), ("c", "trivial")] {
        host.deploy(job, name, json!({"schedule": {"every": "1h"}, "env": {"SCRIPT": "[]"}}));
        host.run_well(job, &Value::Null);
    }
    host
}

#[test]
fn no_upload_is_compiled_twice() {
    let host = furnished();
    let before = artifacts(&host);
    assert_eq!(before.len(), 2, "{before:?}");
    let ticks = children_ticks(host.pid());
    assert!(ticks > 0, "the compiler is a process of its own");
    for _ in 0..3 {
        assert_eq!(host.post("components").bytes("application/wasm", guest("probe")).send().status, 200);
    }
    let again = host.put("jobs/d/component").bytes("application/wasm", guest("probe")).send();
    assert_eq!(again.status, 201);
    host.run_well("d", &json!([]));
    assert_eq!(artifacts(&host), before);
    assert_eq!(children_ticks(host.pid()), ticks, "something was compiled");
}

#[test]
fn a_restart_compiles_nothing_and_changes_nothing() {
    let mut host = furnished();
    let before = artifacts(&host);
    let jobs = host.list("jobs");
    let runs = host.list("runs");
    for gently in [true, false] {
        if gently {
            host.stop();
        }
        host.restart();
        assert_eq!(host.list("jobs"), jobs);
        assert_eq!(host.list("runs"), runs);
        assert_eq!(artifacts(&host), before);
    }
    for job in ["a", "b", "c"] {
        host.run_well(job, &Value::Null);
    }
    assert_eq!(artifacts(&host), before);
    assert_eq!(children_ticks(host.pid()), 0, "something was compiled");
    assert!(!host.stderr().contains("compiling again"), "{}", host.stderr());
}

#[test]
fn after_a_start_components_are_ready_before_a_run_wants_them() {
    let mut host = furnished();
    host.restart();
    // They are mapped into its memory, so that the files are needed no more.
    let maps = format!("/proc/{}/maps", host.pid());
    until("both components", || {
        let maps = fs::read_to_string(&maps).expect("a system with /proc");
        artifacts(&host).keys().all(|path| maps.contains(&*path.to_string_lossy())).then_some(())
    });
    for path in artifacts(&host).keys() {
        fs::remove_file(path).unwrap();
    }
    for job in ["a", "b", "c"] {
        host.run_well(job, &Value::Null);
    }
    assert_eq!(artifacts(&host).len(), 0, "none was made again");
}

/// Does something to the artifact of the probe while the host is down, and finds it made again.
fn with_another_artifact(change: impl FnOnce(&Path)) {
    let mut host = furnished();
    let digest = host.read("jobs/a")["specification"]["component"].as_str().unwrap().to_string();
    host.stop();
    let before = artifacts(&host);
    let path = before
        .keys()
        .find(|path| path.to_string_lossy().contains(&digest))
        .expect("the probe's artifact")
        .clone();
    let made = fs::read(&path).unwrap();
    change(&path);
    host.restart();
    let answers = host.answers("a", &json!([{"info": null}]));
    assert_eq!(answers[0]["ok"]["job"], "a", "it runs all the same");
    assert!(children_ticks(host.pid()) > 0, "it was made again");
    assert_eq!(fs::read(&path).unwrap().len(), made.len());
    host.restart();
    host.run_well("b", &json!([]));
    assert_eq!(children_ticks(host.pid()), 0, "once is enough");
}

#[test]
fn a_changed_artifact_is_made_again_and_never_loaded() {
    with_another_artifact(|path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    });
}

#[test]
fn another_components_artifact_in_its_place_is_not_loaded() {
    with_another_artifact(|path| {
        let folder = path.parent().unwrap();
        let other = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|other| other != path)
            .unwrap();
        fs::copy(other, path).unwrap();
    });
}

#[test]
fn an_artifact_that_is_gone_is_made_again() {
    with_another_artifact(|path| fs::remove_file(path).unwrap());
}

#[test]
fn only_one_host_works_on_a_folder_and_its_token_stays() {
    let mut host = furnished();
    let token = host.token().to_string();
    let second = std::process::Command::new(sandglass_tests::binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(host.folder())
        .output()
        .unwrap();
    assert!(!second.status.success(), "a second host on the same folder");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains(&host.folder().display().to_string()), "it does not name the folder: {said}");
    host.run_well("a", &json!([]));
    host.restart();
    assert_eq!(host.token(), token);
    host.read("jobs");
}

#[test]
fn a_host_that_is_told_to_stop_lets_a_run_end_first() {
    let mut host = Host::start();
    host.put("tables/t").send().json(201);
    host.deploy("probe", "probe", json!({"grants": {"tables": {"t": "write"}}}));
    let script = json!([
        {"log": {"level": "info", "message": "begun"}},
        {"sleep_ms": 500},
        {"insert": {"table": "t", "id": "done", "fields": {}}, "must": true},
    ]);
    let run = host.start("probe", &script);
    host.follow(&run).wait_for("begun");
    host.stop();
    host.restart();
    let run = host.read(format!("runs/{run}"));
    assert_eq!((&run["outcome"], &run["attempt"]), (&json!("succeeded"), &json!(1)), "{run:#}");
    assert_eq!(host.count("t", &[]), 1);
}
