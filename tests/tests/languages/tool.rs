//! Compilers, and the components that they make.

use sandglass_tests::{Cli, Host, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// What `sandglass build` makes of a folder of the repository.
#[track_caller]
pub(crate) fn built(folder: &str) -> Vec<u8> {
    let folder = workspace().join(folder);
    let cli = Cli::with("http://127.0.0.1:1", "").with_tools();
    let built = cli.run(&["build", folder.to_str().expect("UTF-8"), "--json"]).json();
    let component = built["component"].as_str().expect("a build names its component");
    std::fs::read(component).unwrap_or_else(|error| panic!("{component}: {error}"))
}

/// When each compiled component was written.
pub(crate) fn artifacts(host: &Host) -> Vec<SystemTime> {
    let folder = std::fs::read_dir(host.folder().join("artifacts")).expect("artifacts");
    folder
        .map(|entry| entry.expect("an entry").metadata().expect("a file").modified().expect("a time"))
        .collect()
}

/// What a compiler makes of a file below `tests/languages/programs`, as it makes it.
#[track_caller]
pub(crate) fn compiled(
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
    place: &str,
) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out: PathBuf = folder.path().join("out.wasm");
    let mut command = Command::new(program);
    let place = workspace().join("tests/languages/programs").join(place);
    command.args(arguments).arg("-o").arg(&out).current_dir(&place);
    command.envs(environment.iter().copied());
    run(&mut command, &place);
    std::fs::read(&out).expect("the compiler wrote it")
}

#[track_caller]
fn run(command: &mut Command, place: &Path) {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?} does not start ({error}): `cargo xtask test languages` installs it")
    });
    assert!(
        output.status.success(),
        "{command:?} in {}: {}{}",
        place.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The compiler of Rust for WebAssembly.
pub(crate) fn rustc() -> String {
    std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into())
}

#[test]
fn the_javascript_sdk_reads_and_writes_text_as_others_do() {
    let tests = workspace().join("sdk/javascript/test");
    run(Command::new("node").arg("--test").arg(&tests), &tests);
}

/// What a job may write, and, line by line, what it may not.
#[test]
fn the_javascript_sdk_has_the_types_that_it_says() {
    let folder = workspace().join("tests/languages/typescript");
    let options =
        ["--noEmit", "--strict", "--target", "es2023", "--module", "es2022", "--moduleResolution", "bundler"];
    run(Command::new("tsc").args(options).args(["job.ts", "wrong.ts"]).current_dir(&folder), &folder);
}

#[test]
fn the_go_sdk_compiles_where_jobs_are_written_too() {
    let folder = workspace().join("sdk/go");
    run(Command::new("go").args(["build", "./..."]).current_dir(&folder), &folder);
}
