//! The binary as a shell sees it: exit status, standard output, standard error; and the host's start and end.

mod host;

use host::{Host, output, sandglass};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

#[test]
fn a_schedule_is_tried_out_without_a_host() {
    let line = ["next", "--cron", "30 2 * * *", "--time-zone", "Europe/Zurich", "-n", "2"];
    let (status, out, err) = output(sandglass(&line).args(["--after", "2026-03-28T12:00:00Z"]));
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("at 02:30 every day, Europe/Zurich"));
    assert!(lines.next().unwrap().starts_with("UTC"), "{out}");
    assert!(
        lines.next().unwrap().starts_with("2026-03-29 01:00:00 UTC  2026-03-29 03:00:00 +02:00 CEST"),
        "{out}"
    );
    assert!(
        lines.next().unwrap().starts_with("2026-03-30 00:30:00 UTC  2026-03-30 02:30:00 +02:00 CEST"),
        "{out}"
    );
}

#[test]
fn the_status_says_what_kind_of_failure_it_was() {
    // Nothing listens on the discard port of a machine that tests run on.
    let nobody = ["--url", "http://127.0.0.1:9", "jobs"];
    for (line, expected, says) in [
        (&["--version"][..], 0, ""),
        (&["build", "/no/such/folder"], 1, "there is no /no/such/folder"),
        (&["fly"], 2, "unrecognized subcommand 'fly'"),
        (&["next", "--cron", "61 * * * *"], 2, "--cron: "),
        (&["--url", "nonsense", "jobs"], 2, "is not a host's URL"),
        (&["run", "a", "--input", "{"], 2, "the input is not JSON"),
        (&nobody, 3, "Start one with `sandglass serve`"),
    ] {
        let (status, _, err) = output(&mut sandglass(line));
        assert_eq!(status, Some(expected), "{line:?}: {err}");
        assert!(err.contains(says), "{line:?}: {err}");
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (status, out, _) = output(&mut sandglass(&["completions", shell]));
        assert!(status == Some(0) && out.contains("rollback") && !out.contains("compile-worker"), "{shell}");
    }
}

#[test]
fn a_first_start_makes_a_folder_and_a_token_and_the_next_one_uses_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let host = Host::start(&data);
    let token = fs::read_to_string(data.join("token")).unwrap();
    assert!(host.words.contains(token.trim_end()), "{}", host.words);
    for (path, mode) in [(data.clone(), 0o700), (data.join("token"), 0o600)] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
    assert_eq!(output(&mut host.client(&data, &["jobs", "--json"])), (Some(0), "[]\n".into(), String::new()));
    let (status, _, err) = output(host.client(&data, &["show", "nightly"]).env("NO_COLOR", "1"));
    assert_eq!(status, Some(3));
    assert!(
        err.starts_with("error: ") && err.contains("nightly") && err.contains("`sandglass jobs`"),
        "{err}"
    );
    let (status, _, err) = output(&mut host.client(folder.path(), &["jobs"]));
    assert!(status == Some(3) && err.contains("no token to send"), "{err}");
    assert_eq!(host.stop("-TERM"), Some(0));

    let host = Host::start(&data);
    assert!(host.words.contains("token") && !host.words.contains("sgl_"), "{}", host.words);
    assert_eq!(output(&mut host.client(&data, &["jobs"])).0, Some(0));
    assert_eq!(host.stop("-INT"), Some(0));
}

#[test]
fn a_start_that_fails_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let host = Host::start(&data);
    let address = host.url.strip_prefix("http://").unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, "port = 1").unwrap();
    let other = folder.path().join("other");
    let path = |path: &Path| path.display().to_string();
    for (line, says) in [
        (
            vec!["serve".into(), "--data".into(), path(&data), "--listen".into(), "127.0.0.1:0".into()],
            "uses the folder",
        ),
        (
            vec!["serve".into(), "--data".into(), path(&other), "--listen".into(), address.into()],
            "listens on",
        ),
        (vec!["serve".into(), "--data".into(), path(&config.join("x"))], "cannot be made"),
        (vec!["serve".into(), "--config".into(), path(&config)], "unknown field `port`"),
    ] {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let (status, out, err) = output(&mut sandglass(&line));
        assert_eq!((status, out.as_str()), (Some(1), ""), "{line:?}");
        assert!(err.contains(says), "{line:?}: {err}");
    }
}
