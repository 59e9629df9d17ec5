//! From nothing to a run, in each language, as a user goes: `new`, `build`, `test`, `deploy`, `run`.

use crate::tool::artifacts;
use sandglass_tests::{Cli, Host, is_full};
use serde_json::{Value, json};

#[track_caller]
fn goes_all_the_way(language: &str) {
    let mut host = Host::start();
    let cli = Cli::of(&host).with_tools();
    let made = cli.run(&["new", "greet", "--lang", language]).well();
    assert!(made.contains("sandglass test"), "{made}");
    cli.run(&["new", "greet", "--lang", language]).badly(1, &["is there already"]);

    let built = cli.run(&["build", "greet", "--json"]);
    let again = cli.run(&["build", "greet", "--json"]);
    assert!(language == "rust" || again.err.contains("up to date"), "{}", again.err);
    assert_eq!(built.json(), again.json());

    std::fs::write(cli.path("rows.ndjson"), "{\"id\":\"Ada\",\"count\":2}\n").expect("a file");
    let line =
        ["test", "greet", "--json", "--input", "{\"name\":\"Ada\"}", "--table", "greetings=rows.ndjson"];
    let tried = cli.run(&[&line[..], &["--now", "2026-01-01T00:00:00Z"]].concat());
    assert!(tried.err.contains("greeting Ada for the 3. time"), "{}", tried.err);
    let tried = tried.json();
    assert_eq!((&tried["outcome"], &tried["result"]), (&json!("succeeded"), &json!("Hello, Ada!")));
    assert_eq!(tried["rows"], json!([{"table": "greetings", "id": "Ada", "fields": {"count": 3}}]));
    let shown = cli.run(&["test", "greet", "--no-build"]).well();
    assert!(shown.contains("Hello, world!") && shown.contains("+ greetings world {\"count\":1}"), "{shown}");
    assert!(host.list("tables").is_empty(), "a test touches no host");

    let deployed = cli.run(&["deploy", "greet"]).well();
    assert!(deployed.contains("every hour"), "{deployed}");
    let ran = cli.run(&["run", "greet", "--input", "{\"name\":\"Ada\"}"]).well();
    assert!(ran.contains("greeting Ada for the 1. time") && ran.contains("Hello, Ada!"), "{ran}");
    assert_eq!(host.rows("greetings")[0]["count"], 1);

    // A restart compiles nothing: the host loads what it compiled when it was uploaded.
    let before = artifacts(&host);
    assert!(!before.is_empty());
    for start in 0..if is_full() { 10 } else { 1 } {
        host.restart();
        let run: Value = host.run_well("greet", &json!({"name": "Ada"}));
        assert_eq!(run["result"], "Hello, Ada!");
        assert_eq!(host.rows("greetings")[0]["count"], 2 + start);
        assert_eq!(before, artifacts(&host), "nothing was compiled again");
    }
}

#[test]
fn rust() {
    goes_all_the_way("rust");
}

#[test]
fn javascript() {
    goes_all_the_way("javascript");
}

#[test]
fn typescript() {
    goes_all_the_way("typescript");
}

#[test]
fn a_wrong_type_is_found_before_anything_is_made() {
    let cli = Cli::with("http://127.0.0.1:1", "").with_tools();
    cli.run(&["new", "greet", "--lang", "typescript"]).well();
    let path = cli.path("greet/job.ts");
    let source = std::fs::read_to_string(&path).expect("the source");
    std::fs::write(&path, source.replace("before + 1 });", "'many' });")).expect("a file");
    let built = cli.run(&["build", "greet"]).badly(1, &["the build command of greet/sandglass.toml failed"]);
    assert!(built.err.contains("Type 'string' is not assignable to type 'number'"), "{}", built.err);
    assert!(!cli.path("greet/job.wasm").exists());
}

#[test]
fn python() {
    goes_all_the_way("python");
}

#[test]
fn c() {
    goes_all_the_way("c");
}

#[test]
fn go() {
    goes_all_the_way("go");
}

#[test]
fn a_missing_compiler_is_named_with_what_installs_it() {
    let cli = Cli::with("http://127.0.0.1:1", "").without_tools();
    for (language, words) in [
        ("javascript", "npm install"),
        ("typescript", "npm install --global typescript"),
        ("python", "pip install"),
        ("c", "apt install clang"),
    ] {
        let name = format!("job-{language}");
        let made = cli.run(&["new", &name, "--lang", language]);
        assert_eq!(made.status, 0, "{}", made.err);
        cli.run(&["build", &name]).badly(1, &["is not installed", words]);
    }
}

#[test]
fn dev_runs_a_job_again_when_a_file_changes() {
    let cli = Cli::with("http://127.0.0.1:1", "").with_tools();
    cli.run(&["new", "greet", "--lang", "c"]).well();
    let source = std::fs::read_to_string(cli.path("greet/job.c")).expect("the source");
    let path = cli.path("greet/job.c");
    let change = std::thread::spawn(move || {
        // It changes until somebody notices: the second run ends the command.
        for number in 0.. {
            if std::fs::write(&path, source.replace("Hello, %s!", &format!("Moin {number}, %s!"))).is_err() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_secs(2));
            if number > 60 {
                return;
            }
        }
    });
    let shown = cli.run(&["dev", "greet", "--runs", "2"]).well();
    assert_eq!(shown.matches("succeeded").count(), 2, "{shown}");
    assert!(shown.contains("Moin"), "{shown}");
    drop(cli);
    change.join().expect("it ends with the folder");
}
