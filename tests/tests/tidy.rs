//! Holds ARCHITECTURE.md and the documentation to the code, by reading both as text.

use sandglass_tests::workspace;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository.
struct Source {
    /// From the repository's folder, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The lines that are no comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }
}

/// All files with one of these endings, but for what is built or fetched, and this file, which is full of what it
/// looks for.
fn sources(endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    walk(workspace(), &mut |path| {
        let name = path.strip_prefix(workspace()).unwrap().to_string_lossy().into_owned();
        if endings.iter().any(|ending| name.ends_with(ending)) && name != "tests/tests/tidy.rs" {
            found.push(Source { path: name, text: fs::read_to_string(path).unwrap() });
        }
    });
    assert!(!found.is_empty(), "no files of {endings:?} in {}", workspace().display());
    found
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy();
        if !path.is_dir() {
            visit(&path);
        } else if name != "target" && name != "node_modules" && !name.starts_with('.') {
            walk(&path, visit);
        }
    }
}

/// Whether a line of code names something: not as a part of a longer name.
fn names(line: &str, what: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(what).any(|(at, _)| {
        !line[..at].ends_with(is_part)
            && (what.ends_with(['(', ':']) || !line[at + what.len()..].starts_with(is_part))
    })
}

#[track_caller]
fn none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

/// Where code outside of `folders` names one of `words`.
fn strays(sources: &[Source], words: &[&str], folders: &[&str]) -> Vec<String> {
    let outside = sources.iter().filter(|source| !source.is_in(folders));
    let stray = |source: &Source| {
        let lines = source.code().filter(|(_, line)| words.iter().any(|word| names(line, word)));
        lines.map(|(at, line)| format!("{}:{at}: {}", source.path, line.trim())).collect::<Vec<_>>()
    };
    outside.flat_map(stray).collect()
}

/// A crate's folder, and the packages that its `Cargo.toml` asks for, those of its tests aside.
fn dependencies() -> Vec<(String, BTreeSet<String>)> {
    let manifests = sources(&["/Cargo.toml"]).into_iter().map(|source| {
        let manifest: toml::Table =
            source.text.parse().unwrap_or_else(|error| panic!("{}: {error}", source.path));
        let asked = manifest.get("dependencies").and_then(toml::Value::as_table);
        let folder = source.path.strip_suffix("/Cargo.toml").unwrap().to_string();
        (folder, asked.into_iter().flat_map(toml::Table::keys).cloned().collect())
    });
    manifests.collect()
}

#[test]
fn crates_know_each_other_as_the_architecture_says() {
    let houses: [(&str, &[&str]); 14] = [
        ("host/core", &[]),
        ("host/store", &["core"]),
        ("host/store-sled", &["core", "store"]),
        ("host/runtime", &["core", "outbound", "store"]),
        ("host/outbound", &["core"]),
        ("host/mail", &["core"]),
        ("host/scheduler", &["core", "store", "runtime", "outbound", "mail"]),
        ("host/portal", &[]),
        ("host/api", &["core", "store", "runtime", "scheduler", "portal"]),
        ("host/cli", &["core", "store", "store-sled", "runtime", "outbound", "mail", "scheduler", "api"]),
        ("benches", &["core", "store", "store-sled", "runtime", "scheduler", "api"]),
        ("fuzz", &["core", "store", "outbound", "runtime"]),
        ("tests", &[]),
        ("xtask", &[]),
    ];
    let mut findings = Vec::new();
    for (folder, asked) in dependencies() {
        let own = asked.iter().filter_map(|name| name.strip_prefix("sandglass-"));
        let allowed = houses.iter().find(|(house, _)| *house == folder);
        for name in own {
            if !allowed.is_some_and(|(_, allowed)| allowed.contains(&name)) && !folder.starts_with("sdk/") {
                findings.push(format!("{folder} asks for sandglass-{name}"));
            }
        }
        if allowed.is_none() && folder.starts_with("host/") {
            findings.push(format!("{folder} is not in the list of this test"));
        }
    }
    none(&findings, "ARCHITECTURE.md, who may know whom");
}

#[test]
fn each_of_the_great_libraries_has_one_room() {
    let rooms: [(&str, &[&str], &[&str]); 4] = [
        ("wasmtime", &["host/runtime", "benches"], &["host/runtime/", "benches/"]),
        ("sled", &["host/store-sled", "benches"], &["host/store-sled/", "benches/"]),
        ("cron", &["host/core"], &["host/core/src/schedule/"]),
        ("lettre", &["host/mail"], &["host/mail/"]),
    ];
    let code = sources(&[".rs"]);
    for (library, crates, folders) in rooms {
        let family = |name: &&String| **name == library || name.starts_with(&format!("{library}-"));
        let mut findings: Vec<String> = dependencies()
            .iter()
            .filter(|(folder, asked)| {
                !crates.contains(&folder.as_str()) && asked.iter().any(|name| family(&name))
            })
            .map(|(folder, _)| format!("{folder}/Cargo.toml"))
            .collect();
        let paths = ["", "_wasi", "_wasi_io", "_wasi_http"].map(|rest| format!("{library}{rest}::"));
        findings.extend(strays(&code, &paths.each_ref().map(String::as_str), folders));
        none(&findings, &format!("only {crates:?} may name {library}"));
    }
}

#[test]
fn only_the_api_knows_status_codes() {
    none(&strays(&sources(&[".rs"]), &["StatusCode"], &["host/api/"]), "only host/api may name StatusCode");
}

#[test]
fn the_core_reads_no_clock_draws_no_numbers_and_does_no_io() {
    let core: Vec<Source> =
        sources(&[".rs"]).into_iter().filter(|source| source.is_in(&["host/core/src/"])).collect();
    let words = [
        "SystemTime",
        "Instant::now(",
        "Timestamp::now(",
        "Zoned::now(",
        "std::env",
        "std::fs",
        "std::net",
        "std::process",
        "std::thread",
        "getrandom",
        "rand::",
    ];
    none(&strays(&core, &words, &[]), "the core is pure: time and randomness are arguments");
}

#[test]
fn client_commands_know_the_public_api_and_nothing_else_of_the_host() {
    let serve = [
        "host/cli/src/serve/",
        "host/cli/src/command/serve.rs",
        "host/cli/src/main.rs",
        // An attempt here needs what executes it.
        "host/cli/src/trial/",
    ];
    let cli: Vec<Source> =
        sources(&[".rs"]).into_iter().filter(|source| source.is_in(&["host/cli/src/"])).collect();
    let host = ["store", "store_sled", "runtime", "scheduler", "api"].map(|name| format!("sandglass_{name}"));
    none(
        &strays(&cli, &host.each_ref().map(String::as_str), &serve),
        "the CLI's client commands use the public API",
    );
}

#[test]
fn files_can_be_read_in_one_sitting() {
    const LINES_MAX: usize = 500;
    let long = |source: &Source| {
        let lines = source.text.lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines", source.path))
    };
    let findings: Vec<String> = sources(&[".rs", ".ts", ".tsx"]).iter().filter_map(long).collect();
    none(&findings, &format!("a file has at most {LINES_MAX} lines"));
}

#[test]
fn nothing_is_left_undone_or_for_debugging() {
    none(
        &strays(&sources(&[".rs"]), &["todo!(", "unimplemented!(", "dbg!("], &[]),
        "not in what is committed",
    );
}

fn read(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first word after each `start`, up to a character that no name has.
fn words_after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let pieces = text.split(start).skip(1);
    let word = |piece: &'a str| piece.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').next();
    pieces.filter_map(word).filter(|word| !word.is_empty()).collect()
}

#[test]
fn every_limit_stands_in_the_documentation() {
    let (source, docs) = (read("host/core/src/limit.rs"), read("docs/limits.md"));
    let (_, fixed) = source.split_once("pub mod fixed {").expect("the host's own limits");
    let constants = words_after(fixed, "pub const ");
    let (_, limits) = source.split_once("pub struct Limits {").expect("a specification's limits");
    let members = words_after(limits.split('}').next().unwrap(), "pub ");
    assert!(constants.len() > 20 && members.len() > 8, "{constants:?} {members:?}");
    let missing =
        |name: &String| (!docs.contains(&format!("`{name}`"))).then(|| format!("`{name}` is missing"));
    let wanted =
        constants.iter().map(ToString::to_string).chain(members.iter().map(|name| format!("Limits::{name}")));
    let findings: Vec<String> = wanted.filter_map(|name| missing(&name)).collect();
    none(&findings, "docs/limits.md has every limit of core::limit");
}

#[test]
fn every_error_code_has_a_page_and_every_page_a_code() {
    /// A status without a document: there is no request yet that it could be of.
    const BEFORE_A_REQUEST: &str = "headers-too-large";
    let source = read("host/api/src/problem.rs");
    let codes: BTreeSet<&str> = words_after(&source, " => (\"").into_iter().collect();
    assert!(codes.len() > 10, "{codes:?}");
    let folder = fs::read_dir(workspace().join("docs/errors")).expect("docs/errors");
    let pages: BTreeSet<String> = folder
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".md").map(str::to_string))
        .filter(|name| name != "README")
        .collect();
    let mut findings: Vec<String> = codes
        .iter()
        .filter(|code| !pages.contains(**code))
        .map(|code| format!("{code} has no page"))
        .collect();
    findings.extend(
        pages
            .iter()
            .filter(|page| !codes.contains(page.as_str()) && *page != BEFORE_A_REQUEST)
            .map(|page| format!("{page}.md has no code")),
    );
    none(&findings, "docs/errors has a page for every code of the API");
}

#[test]
fn every_command_stands_in_the_documentation() {
    let (source, docs) = (read("host/cli/src/cli.rs"), read("docs/cli.md"));
    let (_, commands) = source.split_once("enum Command {").expect("the commands");
    let commands = commands.split("\n}").next().unwrap();
    let names: Vec<String> =
        words_after(commands, "command::").into_iter().map(|name| name.replace('_', "-")).collect();
    assert!(names.len() > 15, "{names:?}");
    let missing = |name: &&String| {
        ![format!("`{name}"), format!("sandglass {name}")].iter().any(|use_| docs.contains(use_))
    };
    let findings: Vec<String> =
        names.iter().filter(missing).map(|name| format!("{name} is missing")).collect();
    none(&findings, "docs/cli.md has every command");
}

#[test]
fn the_architecture_names_folders_that_exist_and_all_of_them() {
    let page = read("ARCHITECTURE.md");
    let (_, rooms) = page.split_once("| folder |").expect("the table of rooms");
    let rooms: BTreeSet<String> = words_of_the_first_column(rooms);
    let mut findings: Vec<String> = rooms
        .iter()
        .filter(|room| !workspace().join(room).is_dir())
        .map(|room| format!("{room} is no folder"))
        .collect();
    for (folder, _) in dependencies() {
        // Those of guests, and parts of a room, belong to the room around them.
        let is_named = rooms.iter().any(|room| format!("{folder}/").starts_with(room.as_str()));
        if !is_named {
            findings.push(format!("{folder} is not in the table"));
        }
    }
    none(&findings, "ARCHITECTURE.md, the rooms");
}

/// What stands in backquotes at the beginning of each row of a table, up to the table's end.
fn words_of_the_first_column(table: &str) -> BTreeSet<String> {
    let rows = table.lines().take_while(|line| !line.is_empty() || line.starts_with('|'));
    let first = |row: &str| Some(row.strip_prefix("| `")?.split('`').next()?.to_string());
    rows.filter_map(first).collect()
}
