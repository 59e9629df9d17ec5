//! Where things are that were built beforehand.

use std::env;
use std::path::{Path, PathBuf};

/// The repository's folder.
pub fn workspace() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// The binary under test: `SANDGLASS_BIN`, or what cargo has put beside this test's own folder.
pub fn binary() -> PathBuf {
    let path = env::var_os("SANDGLASS_BIN").map_or_else(|| profile().join("sandglass"), PathBuf::from);
    assert!(
        path.is_file(),
        "there is no binary {}: build it with `cargo build --package sandglass-cli`, or name it in SANDGLASS_BIN",
        path.display()
    );
    path
}

/// The folder of cargo's profile, wherever the target folder is: tests run from its `deps`.
fn profile() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own file");
    let folder = test.parent().and_then(Path::parent);
    folder.expect("a test lies in a target folder").to_path_buf()
}

/// The folder of built components. They do not follow `CARGO_TARGET_DIR`: xtask builds them, not cargo alone.
pub(crate) fn guests() -> PathBuf {
    env::var_os("SANDGLASS_GUESTS").map_or_else(|| workspace().join("target/guests"), PathBuf::from)
}
