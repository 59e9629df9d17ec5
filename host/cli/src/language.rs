//! The languages that `new` makes a job in: its files, its SDK's, how it is built, and what builds it.

use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    Rust,
    #[value(alias = "js")]
    Javascript,
    #[value(alias = "ts")]
    Typescript,
    #[value(alias = "py")]
    Python,
    C,
    Go,
}

/// A file of a new job: where it goes, and its text.
pub(crate) type File = (&'static str, &'static str);

macro_rules! files {
    ($from:literal, $to:literal, [$($path:literal),* $(,)?]) => {
        &[$((concat!($to, $path), include_str!(concat!("../../../", $from, $path)))),*]
    };
}

const MANIFEST: &str = include_str!("../templates/sandglass.toml");
const RUST: &[File] = &[
    ("Cargo.toml", include_str!("../templates/rust/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("../templates/rust/src/lib.rs")),
];
const RUST_SDK: &[File] = files!(
    "sdk/rust/",
    "sandglass/",
    [
        "Cargo.toml",
        "macros/Cargo.toml",
        "macros/src/lib.rs",
        "src/bindings.rs",
        "src/context.rs",
        "src/email.rs",
        "src/entry.rs",
        "src/error.rs",
        "src/failure.rs",
        "src/http.rs",
        "src/instant.rs",
        "src/lib.rs",
        "src/logger.rs",
        "src/query.rs",
        "src/secret.rs",
        "src/table.rs",
        "src/trigger.rs",
    ]
);
const RUST_WIT: &[File] = files!("wit/", "sandglass/wit/", ["job.wit"]);
const JAVASCRIPT: &[File] = files!("host/cli/templates/javascript/", "", ["job.js"]);
const TYPESCRIPT: &[File] = files!("host/cli/templates/typescript/", "", ["job.ts", "tsconfig.json"]);
const JAVASCRIPT_SDK: &[File] = files!(
    "sdk/javascript/",
    "sandglass/",
    ["index.d.ts", "index.js", "json.js", "package.json", "random.js", "utf8.js"]
);
const PYTHON: &[File] = files!("host/cli/templates/python/", "", ["app.py"]);
const PYTHON_SDK: &[File] = files!(
    "sdk/python/",
    "",
    [
        "sandglass/__init__.py",
        "sandglass/_context.py",
        "sandglass/_email.py",
        "sandglass/_entry.py",
        "sandglass/_error.py",
        "sandglass/_http.py",
        "sandglass/_json.py",
        "sandglass/_log.py",
        "sandglass/_table.py",
        "sandglass/py.typed",
    ]
);
const WIT: &[File] = files!("wit/", "wit/", ["job.wit"]);
const C: &[File] = files!("host/cli/templates/c/", "", ["job.c"]);
const C_SDK: &[File] = files!("sdk/c/", "sandglass/", ["sandglass.h", "sandglass_abi.h", "sandglass_impl.h"]);
const GO: &[File] = &[
    ("go.mod", include_str!("../templates/go/go.mod.txt")),
    ("main.go", include_str!("../templates/go/main.go")),
];
const GO_SDK: &[File] = files!(
    "sdk/go/",
    "sandglass/",
    ["abi.go", "abi_other.go", "context.go", "go.mod", "memory.go", "message.go", "sandglass.go", "table.go"]
);

impl Language {
    /// The files of a new job of this name.
    pub(crate) fn files(self, name: &str) -> Vec<(&'static str, String)> {
        let own: [&[File]; 3] = match self {
            Language::Rust => [RUST, RUST_SDK, RUST_WIT],
            Language::Javascript => [JAVASCRIPT, JAVASCRIPT_SDK, WIT],
            Language::Typescript => [TYPESCRIPT, JAVASCRIPT_SDK, WIT],
            Language::Python => [PYTHON, PYTHON_SDK, WIT],
            Language::C => [C, C_SDK, &[]],
            Language::Go => [GO, GO_SDK, &[]],
        };
        // A package's name cannot begin with a digit.
        let package =
            if name.starts_with(|c: char| c.is_ascii_digit()) { format!("job-{name}") } else { name.into() };
        let component = match self {
            Language::Rust => format!("target/wasm32-wasip2/release/{}.wasm", package.replace('-', "_")),
            _ => "job.wasm".into(),
        };
        let fill = |text: &str| {
            text.replace("{{name}}", name)
                .replace("{{package}}", &package)
                .replace("{{component}}", &component)
                .replace("{{build}}", self.build())
        };
        let mut files: Vec<(&str, String)> = vec![
            ("sandglass.toml", fill(MANIFEST)),
            (".gitignore", "/target/\n/node_modules/\n/job.wasm\n/.sandglass/\n__pycache__/\n".into()),
        ];
        for (path, text) in own.into_iter().flatten() {
            // The SDK's crate finds the contract beside it.
            let text = if *path == "sandglass/src/bindings.rs" {
                text.replace("../../wit", "wit")
            } else {
                fill(text)
            };
            files.push((path, text));
        }
        files
    }

    /// The command that builds a job.
    fn build(self) -> &'static str {
        match self {
            Language::Rust => "cargo build --release --target wasm32-wasip2",
            Language::Javascript => {
                "componentize-qjs --wit wit -n job --js job.js --sync --opt-size -o job.wasm"
            }
            // The types are checked first; what is left of them is put beside the SDK.
            Language::Typescript => {
                "tsc && cp -r sandglass target/ && componentize-qjs --wit wit -n job --js target/job.js --sync \
                 --opt-size -o job.wasm"
            }
            Language::Python => "componentize-py -d wit -w job componentize -p . app -o job.wasm",
            Language::C => {
                "clang --target=wasm32-wasi -mexec-model=reactor -O2 -gline-tables-only -Wall job.c -o job.wasm"
            }
            Language::Go => "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o job.wasm .",
        }
    }
}

/// What a build command needs and this machine lacks, with the command that installs it.
pub(crate) fn missing(command: &str) -> Option<String> {
    command.split("&&").find_map(missing_of_one)
}

/// The same of a command that is one program with its arguments.
fn missing_of_one(command: &str) -> Option<String> {
    let is_setting = |word: &&str| word.contains('=') && !word.starts_with('-');
    let program = command.split_whitespace().find(|word| !is_setting(word))?;
    let install = match program {
        "cargo" => "install Rust with https://rustup.rs",
        "componentize-qjs" => "npm install --global componentize-qjs",
        "componentize-js" => "npm install --global @bytecodealliance/componentize-js",
        "jco" => "npm install --global @bytecodealliance/jco",
        "tsc" => "npm install --global typescript",
        "componentize-py" => "pip install componentize-py (in a virtual environment, or by pipx)",
        "clang" => "apt install clang lld wasi-libc libclang-rt-dev-wasm32",
        "go" => "apt install golang (1.24 or newer), or see https://go.dev/dl",
        "npx" | "npm" | "node" => "apt install nodejs npm (Node 20 or newer)",
        _ => return None,
    };
    if !is_installed(program) {
        return Some(format!("{program} is not installed: {install}"));
    }
    let target = "wasm32-wasip2";
    let lacks_target = program == "cargo" && command.contains(target) && !has_target(target);
    lacks_target.then(|| format!("Rust cannot build for {target} here: rustup target add {target}"))
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether the compiler has a target's library. Where that cannot be told, cargo says what is wrong.
fn has_target(target: &str) -> bool {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(compiler)
        .args(["--print", "target-libdir", "--target", target])
        .stdin(Stdio::null())
        .output();
    asked.map_or(true, |answer| {
        !answer.status.success() || Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_dir()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_dir() {
                found.push(path);
            } else if !path.ends_with("__pycache__") && !path.ends_with("target") {
                walk(&path, found);
            }
        }
    }

    #[test]
    fn a_new_job_has_every_file_of_its_sdk() {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk");
        for language in Language::value_variants() {
            let name = match language {
                Language::Typescript => "javascript".to_owned(),
                language => language.to_possible_value().unwrap().get_name().to_owned(),
            };
            let files: BTreeSet<&str> = language.files("a").into_iter().map(|(path, _)| path).collect();
            let mut there = Vec::new();
            walk(&sdk.join(&name), &mut there);
            for path in there {
                let path = path.strip_prefix(sdk.join(&name)).unwrap().to_str().unwrap();
                // What is for publishing the package, and not for using it.
                if path == "pyproject.toml" || path.ends_with("tests.rs") || path.contains("test/") {
                    continue;
                }
                let goes = path.strip_prefix("sandglass/").unwrap_or(path);
                assert!(files.contains(format!("sandglass/{goes}").as_str()), "{name}: {path}");
            }
        }
    }

    #[test]
    fn nothing_is_left_to_be_filled_in() {
        for language in Language::value_variants() {
            for (path, text) in language.files("1a-b") {
                assert!(!text.contains("{{"), "{language:?}: {path}");
            }
        }
        let files = Language::Rust.files("1a-b");
        let text = |name: &str| files.iter().find(|(path, _)| *path == name).unwrap().1.as_str();
        assert!(text("sandglass.toml").contains("name = \"1a-b\""));
        assert!(text("sandglass.toml").contains("release/job_1a_b.wasm"));
        assert!(text("Cargo.toml").contains("name = \"job-1a-b\""));
        assert!(text("sandglass/src/bindings.rs").contains("path: \"wit\""));
    }

    #[test]
    fn what_is_unknown_is_left_to_the_shell() {
        assert_eq!(missing("make all"), None);
        assert_eq!(missing("A=1 B=2 make"), None);
        assert_eq!(missing(""), None);
    }
}
