//! The command line as a client of a real host.

use sandglass_tests::{Cli, Host, guest, instants, ndjson, workspace};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The example as a user has it, but for its component, which is there already.
fn example(folder: &Path) {
    let source = workspace().join("guest-examples/cleanup_tables/sandglass.toml");
    let manifest = fs::read_to_string(source).unwrap();
    let component = manifest.lines().find(|line| line.starts_with("component = ")).unwrap();
    let manifest = manifest.replace(component, "component = \"out/job.wasm\"");
    fs::create_dir_all(folder.join("out")).unwrap();
    fs::write(folder.join("out/job.wasm"), guest("cleanup_tables")).unwrap();
    fs::write(folder.join("sandglass.toml"), manifest).unwrap();
}

#[test]
fn a_job_is_deployed_run_and_looked_at() {
    let host = Host::start();
    let cli = Cli::of(&host);
    example(&cli.path("cleanup_tables"));
    let row = |n| {
        let year = if n < 100 { 2020 } else { 2099 };
        json!({"id": format!("s{n:03}"), "last_seen": format!("{year}-01-01T00:00:00Z")})
    };
    fs::write(cli.path("rows.ndjson"), ndjson((0..300).map(row))).unwrap();

    let imported = cli.run(&["import", "sessions", "rows.ndjson"]).well();
    assert!(imported.contains("300"), "{imported}");
    let deployed = cli.run(&["deploy", "cleanup_tables", "--no-build"]).well();
    assert!(deployed.contains("cleanup_tables") && deployed.contains("every hour"), "{deployed}");
    let ran = cli.run(&["run", "cleanup_tables"]).well();
    assert!(ran.contains("deleting rows of sessions whose last_seen is before"), "the log: {ran}");
    assert!(ran.contains("succeeded") && ran.contains("deleted 100 of 300 rows"), "{ran}");

    let run = host.list("jobs/cleanup_tables/runs")[0].clone();
    let id = run["id"].as_str().unwrap();
    let runs = cli.run(&["runs", "cleanup_tables"]).well();
    assert!(runs.contains(id) && runs.contains("manual") && runs.contains("succeeded"), "{runs}");
    assert_eq!(cli.run(&["runs", "--json"]).json(), json!([run]));
    for subject in [id, "cleanup_tables"] {
        let log = cli.run(&["logs", subject]).well();
        assert!(log.contains("deleting rows of sessions"), "{log}");
    }
    let log = cli.run(&["logs", id, "--follow", "--json"]).well();
    assert_eq!(serde_json::from_str::<Value>(log.lines().next().unwrap()).unwrap()["attempt"], 1);
    let shown = cli.run(&["show", "cleanup_tables"]).well();
    assert!(
        shown.contains("every hour") && shown.contains("sessions") && shown.contains("ops@example.com"),
        "{shown}"
    );
    assert_eq!(cli.run(&["show", "cleanup_tables", "--json"]).json(), host.read("jobs/cleanup_tables"));
    assert_eq!(cli.run(&["jobs", "--json"]).json(), json!(host.list("jobs")));
    assert!(cli.run(&["jobs"]).well().contains("cleanup_tables"));

    assert_eq!(cli.run(&["rows", "sessions", "--count"]).well().trim(), "200");
    let listed = cli
        .run(&["rows", "sessions", "last_seen=gt.2020-01-01T00:00:00Z", "--order", "id.desc", "--limit", "2"])
        .well();
    assert!(listed.contains("s299") && listed.contains("s298") && !listed.contains("s297"), "{listed}");
    assert_eq!(cli.run(&["export", "sessions"]).well().lines().count(), 200);
    let emails = cli.run(&["emails"]).well();
    assert!(emails.contains("ops@example.com") && emails.contains("deleted 100 of 300 rows"), "{emails}");
    let emails = cli.run(&["emails", "--json"]).json();
    let email = cli.run(&["emails", emails[0]["id"].as_str().unwrap()]).well();
    assert!(email.contains(&format!("Run {id}")), "{email}");
}

#[test]
fn a_schedule_is_shown_before_and_after_it_is_deployed() {
    let host = Host::start();
    let cli = Cli::of(&host);
    fs::write(cli.path("tick.wasm"), guest("trivial")).unwrap();
    let next = ["next", "--cron", "30 2 * * *", "--time-zone", "Europe/Zurich", "-n", "3", "--json"];
    let tried = cli.run(&next).json();
    assert_eq!(tried["words"], "at 02:30 every day, Europe/Zurich");
    let deployed = cli
        .run(&["deploy", "tick.wasm", "--cron", "30 2 * * *", "--time-zone", "Europe/Zurich", "--json"])
        .json();
    assert_eq!((&deployed["name"], &deployed["next"]), (&json!("tick"), &tried["occurrences"]));
    assert_eq!(cli.run(&["next", "tick", "-n", "3", "--json"]).json()["occurrences"], tried["occurrences"]);
    let shown = cli.run(&["next", "tick"]).well();
    assert!(shown.starts_with("at 02:30 every day") && shown.lines().count() >= 10, "{shown}");
    let upcoming = cli.run(&["upcoming", "--within", "7d", "--json"]).json();
    assert_eq!(upcoming[0]["job"], "tick");
    assert_eq!(instants(&deployed["next"]).first(), Some(&sandglass_tests::instant(&upcoming[0]["at"])));

    // A file alone keeps the schedule, and an option changes it.
    fs::write(cli.path("tick.wasm"), guest("probe")).unwrap();
    let again = cli.run(&["deploy", "tick.wasm", "--json"]).json();
    assert_eq!((&again["revision"], &again["next"]), (&json!(2), &tried["occurrences"]));
    cli.run(&["deploy", "tick.wasm", "--every", "1h"]).well();
    let revisions = cli.run(&["show", "tick", "--revisions", "--json"]).json();
    assert_eq!(revisions.as_array().map(Vec::len), Some(3));
    cli.run(&["rollback", "tick", "1"]).well();
    assert_eq!(host.read("jobs/tick")["next"], tried["occurrences"]);
    cli.run(&["pause", "tick"]).well();
    assert_eq!(host.read("jobs/tick")["state"], "paused");
    assert!(cli.run(&["show", "tick"]).well().contains("paused"));
    cli.run(&["resume", "tick"]).well();
    assert_eq!(host.read("jobs/tick")["state"], "active");
    assert!(cli.run(&["deploy", "tick.wasm", "--paused"]).well().contains("sandglass resume tick"));
    assert_eq!(host.read("jobs/tick")["state"], "paused");
    cli.run(&["resume", "tick"]).well();
    cli.run(&["skips", "tick"]).well();
    cli.run(&["rm", "tick"]).well();
    assert_eq!(cli.run(&["jobs", "--json"]).json(), json!([]));
}

#[test]
fn rows_come_and_go_by_pipes() {
    let host = Host::start();
    let cli = Cli::of(&host);
    let imported = cli
        .run_with(&["import", "t", "-", "--json"], "{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\",\"n\":2}\n")
        .json();
    assert_eq!(imported, json!({"imported": 2}));
    assert_eq!(cli.run(&["tables", "--json"]).json()[0]["name"], "t");
    let rows = cli.run(&["rows", "t", "n=gte.2", "--json"]).json();
    assert_eq!((rows.as_array().map(Vec::len), &rows[0]["id"]), (Some(1), &json!("b")));
    let exported = cli.run(&["export", "t"]).well();
    let again = cli.run_with(&["import", "u", "-", "--json"], &exported).json();
    assert_eq!(again, json!({"imported": 2}));
    cli.run(&["export", "u", "u.ndjson"]).well();
    assert_eq!(fs::read_to_string(cli.path("u.ndjson")).unwrap().lines().count(), 2);
    cli.run_with(&["import", "t", "-"], "{\"id\":\"c\"}\nnonsense\n").badly(1, &["line 2"]);
}

#[test]
fn the_exit_status_says_how_it_went() {
    let host = Host::start();
    let cli = Cli::of(&host);
    host.deploy("probe", "probe", json!({"policy": {"retry": {"max_attempts": 1}}}));
    host.deploy("tick", "trivial", json!({}));

    cli.run(&["run", "tick"]).badly(0, &[]);
    let failed =
        cli.run(&["run", "probe", "--input", r#"[{"fail": {"message": "no such customer"}}]"#]).badly(1, &[]);
    assert!(
        failed.out.contains("failed: error") && failed.out.contains("no such customer"),
        "{}",
        failed.out
    );
    let failed = cli
        .run(&["run", "probe", "--json", "--input", r#"[{"trap": null}]"#])
        .badly(1, &["the script said so"]);
    assert_eq!(serde_json::from_str::<Value>(&failed.out).unwrap()["cause"], "trap");
    assert_eq!(cli.run(&["runs", "--failed", "--json"]).json().as_array().map(Vec::len), Some(2));
    let detached = cli.run(&["run", "tick", "--detach"]).well();
    assert_eq!(host.ended(detached.trim())["outcome"], "succeeded");

    for line in [
        &["fly"][..],
        &["show"],
        &["show", "NO!"],
        &["deploy", "--every", "1h", "--cron", "@daily"],
        &["run", "tick", "--input", "{"],
    ] {
        assert_eq!(cli.run(line).status, 2, "{line:?}");
    }
    cli.run(&["deploy", "nowhere"]).badly(1, &["nowhere"]);
    cli.run(&["show", "none"]).badly(3, &["none", "sandglass jobs"]);
    cli.run(&["rows", "none"]).badly(3, &["none", "sandglass tables"]);
    fs::write(cli.path("module.wasm"), wat::parse_str("(module)").unwrap()).unwrap();
    cli.run(&["deploy", "module.wasm"])
        .badly(3, &["neither `sandglass:job/run@0.1.0#run` nor a `main`", "core-module-abi.md"]);
    let stranger = Cli::with(host.url(), &format!("sgl_{}", "A".repeat(43)));
    stranger.run(&["jobs"]).badly(3, &["SANDGLASS_TOKEN"]);
    let nobody = Cli::with("http://127.0.0.1:1", host.token());
    nobody.run(&["jobs"]).badly(3, &["http://127.0.0.1:1", "sandglass serve"]);
    assert_eq!(cli.run(&["--version"]).status, 0);
    assert!(cli.run(&["completions", "bash"]).well().contains("sandglass"));
}
