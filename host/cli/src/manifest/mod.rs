//! `sandglass.toml`: a job's specification beside its source, with the job's name, the component's file, and
//! the command that builds it.

mod cache;
mod convert;

use crate::language::missing;
use crate::stop::Stop;
use anyhow::{Context, Result, bail};
use cache::Cache;
use convert::{escape, key, to_json};
use sandglass_core::limit::Limits;
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, Name, Problem};
use serde_json::{Map, Value};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

pub(crate) const FILE: &str = "sandglass.toml";

/// A manifest that was read. Of its specification, only the component's digest is missing.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// The file itself, for messages.
    pub(crate) path: PathBuf,
    /// Where it lies: what paths in it are relative to.
    pub(crate) folder: PathBuf,
    pub(crate) name: Name,
    /// The component's file.
    pub(crate) component: PathBuf,
    pub(crate) build: Option<String>,
    /// What the build reads beside the folder.
    inputs: Vec<PathBuf>,
    pub(crate) specification: Map<String, Value>,
}

impl Manifest {
    /// Reads the manifest of a folder, or one that is itself named.
    pub(crate) fn read(place: &Path) -> Result<Manifest> {
        let path = if place.is_dir() { place.join(FILE) } else { place.to_owned() };
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => anyhow::anyhow!(
                "there is no {}: name the folder of a job, or a component's file (.wasm)",
                path.display()
            ),
            _ => anyhow::anyhow!("{} cannot be read: {error}", path.display()),
        })?;
        Manifest::parse(path.clone(), &text).with_context(|| path.display().to_string())
    }

    fn parse(path: PathBuf, text: &str) -> Result<Manifest> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| anyhow::anyhow!("{error}"))?;
        let mut problems = Vec::new();
        let mut members = Map::new();
        for (name, value) in table {
            let pointer = format!("/{}", escape(&name));
            if let Some(value) = to_json(value, &pointer, &mut problems) {
                members.insert(name, value);
            }
        }
        let mut text_of = |name: &str, what: Option<&str>| match (members.remove(name), what) {
            (Some(Value::String(text)), _) if !text.trim().is_empty() => Some(text),
            (None, None) => None,
            (None, Some(what)) => {
                problems.push(Problem::new(format!("/{name}"), format!("is missing: {what}")));
                None
            }
            (Some(_), _) => {
                problems.push(Problem::new(format!("/{name}"), "is text, and not empty"));
                None
            }
        };
        let name = text_of("name", Some("the job's name"));
        let component =
            text_of("component", Some("the component's file, such as target/wasm32-wasip2/release/job.wasm"));
        let build = text_of("build", None);
        let inputs = match members.remove("inputs") {
            None => Vec::new(),
            Some(inputs) => serde_json::from_value::<Vec<PathBuf>>(inputs).unwrap_or_else(|_| {
                problems.push(Problem::new("/inputs", "is a list of files and folders"));
                Vec::new()
            }),
        };
        let name = name.and_then(|name| {
            name.parse::<Name>().map_err(|message| problems.push(Problem::new("/name", message))).ok()
        });
        let (Some(name), Some(component), true) = (name, component, problems.is_empty()) else {
            bail!(refuse(&problems));
        };
        // An empty parent is the current folder.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.to_owned();
        let component = folder.join(component);
        let inputs = inputs.iter().map(|input| folder.join(input)).collect();
        Ok(Manifest { path, folder, name, component, build, inputs, specification: members })
    }

    /// Whether the specification would be taken, as far as that can be known before anything is built or sent:
    /// by the same rules as the host's.
    pub(crate) fn check(&self, now: Instant) -> Result<()> {
        let document = with_component(self.specification.clone(), &Digest([0; 32]).to_string());
        let read = Specification::from_json(document, &Limits::CEILING, now);
        read.map(drop)
            .map_err(|problems| anyhow::anyhow!(refuse(&problems)))
            .with_context(|| self.path.display().to_string())
    }

    /// Runs the build command, where there is one and its inputs have changed, and gives the component's bytes. What
    /// the build prints goes to standard error.
    pub(crate) fn build(&self, run: bool) -> Result<Vec<u8>> {
        let mut cache = None;
        if let Some(command) = self.build.as_deref().filter(|_| run) {
            cache = Cache::of(&self.folder, command, &self.component, &self.inputs);
            if let (Some(cache), Ok(bytes)) = (&cache, fs::read(&self.component))
                && cache.made(&bytes)
            {
                crate::cli::note(&format!("up to date: {}", self.component.display()));
                return Ok(bytes);
            }
            if let Some(missing) = missing(command) {
                bail!("{missing}");
            }
            crate::cli::note(&format!("building: {command}"));
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(command).current_dir(&self.folder).stdin(Stdio::null()).stdout(io::stderr());
            // The manifest says where the component lies, and it is not where other builds are told to put theirs.
            shell.env_remove("CARGO_TARGET_DIR");
            let status = shell.status().context("the build command cannot be run by sh")?;
            if !status.success() {
                bail!("the build command of {} failed ({status}): {command}", self.path.display());
            }
        }
        let bytes = read_component(&self.component).with_context(|| match &self.build {
            Some(command) if run => format!("after `{command}`"),
            Some(_) => "it was not built, because of --no-build".into(),
            None => format!("{} has no `build` command that would make it", self.path.display()),
        })?;
        if let Some(cache) = cache {
            cache.note(&bytes);
        }
        Ok(bytes)
    }

    /// When the files were last changed that a build reads, for who waits for that.
    pub(crate) fn state(&self) -> Vec<(PathBuf, Option<SystemTime>)> {
        let mut files = Vec::new();
        for place in std::iter::once(&self.folder).chain(&self.inputs) {
            // A folder that is too large, or not readable, is seen in part.
            let _ = cache::list(place, &self.component, &mut files);
        }
        let changed = |path: &PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        files.into_iter().map(|path| (path.clone(), changed(&path))).collect()
    }

    /// The specification with the digest of the component's bytes.
    pub(crate) fn specification(&self, component: &[u8], now: Instant) -> Result<Specification> {
        let document = with_component(self.specification.clone(), &Digest::of(component).to_string());
        let read = Specification::from_json(document, &Limits::CEILING, now);
        read.map_err(|problems| anyhow::anyhow!(refuse(&problems)))
    }
}

/// The bytes of a component's file.
pub(crate) fn read_component(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow::anyhow!("there is no file {}", path.display()),
        _ => anyhow::anyhow!("{} cannot be read: {error}", path.display()),
    })?;
    // The host says precisely what is wrong with a component; this only saves the upload of something else.
    if !bytes.starts_with(b"\0asm") {
        bail!("{} is not WebAssembly: it does not begin with \\0asm", path.display());
    }
    Ok(bytes)
}

/// A job's name made of its file's: `target/cleanup_tables.wasm` is of `cleanup_tables`.
pub(crate) fn name_of(path: &Path) -> Result<Name> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.parse().map_err(|message| Stop::Usage(format!("{message}. Name the job with --name")).into())
}

/// The specification with its component, as it goes over HTTP.
pub(crate) fn with_component(mut specification: Map<String, Value>, digest: &str) -> Value {
    specification.insert("component".into(), Value::String(digest.to_owned()));
    Value::Object(specification)
}

fn refuse(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| match key(&problem.pointer).as_str() {
        "" => format!("\n  {}", problem.message),
        key => format!("\n  {key}: {}", problem.message),
    });
    let what = if problems.len() == 1 { "this is wrong" } else { "these are wrong" };
    format!("{what}:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(text: &str) -> Result<Manifest> {
        Manifest::parse("jobs/a/sandglass.toml".into(), text)
    }

    const HEAD: &str = "name = \"a\"\ncomponent = \"out/a.wasm\"\n";

    #[test]
    fn a_whole_manifest_is_taken() {
        let manifest = parse(
            r#"
            name = "cleanup_tables"
            component = "../target/cleanup_tables.wasm"
            build = "cargo build --release"

            [schedule]
            every = "1h"
            start = 2026-01-31T08:30:00Z

            [policy]
            overlap = "allow"
            max_concurrency = 3
            retry = { max_attempts = 3, initial = "1s", max = "1m" }

            [limits]
            fuel = 1_000_000_000
            memory = "64MiB"

            [grants]
            tables = { sessions = "read-write" }
            email = { to = ["*@example.com"], per_run = 10 }

            [env]
            KEEP_DAYS = "30"
            "#,
        )
        .unwrap();
        manifest.check(Instant::EPOCH).unwrap();
        assert_eq!(manifest.name.as_str(), "cleanup_tables");
        assert_eq!(manifest.component, Path::new("jobs/a/../target/cleanup_tables.wasm"));
        assert_eq!(manifest.build.as_deref(), Some("cargo build --release"));
        assert_eq!(
            manifest.specification["schedule"],
            json!({"every": "1h", "start": "2026-01-31T08:30:00Z"})
        );
        assert_eq!(manifest.specification["limits"]["fuel"], 1_000_000_000);
        let sent = with_component(manifest.specification, "abc");
        assert_eq!((&sent["component"], sent.get("build")), (&json!("abc"), None));
    }

    #[test]
    fn every_problem_is_named_by_its_key() {
        for (text, lines) in [
            ("", &["name: is missing", "component: is missing"][..]),
            (
                "name = \"A b\"\ncomponent = \"\"",
                &["component: is text, and not empty", "name: `A b` is not a name"],
            ),
            ("name = 5\ncomponent = \"a\"", &["name: is text"]),
            ("name = \"a\"\ncomponent = \"a\"\nx = nan", &["x: is no number"]),
        ] {
            let message = format!("{:#}", parse(text).unwrap_err());
            for line in lines {
                assert!(message.contains(&format!("\n  {line}")), "{text}: {message}");
            }
            assert_eq!(message.lines().count(), lines.len() + 1, "{message}");
        }
    }

    #[test]
    fn what_the_host_would_refuse_is_refused_before_it_is_built() {
        for (text, line) in [
            ("polcy = {}", "polcy: `polcy` is not a member"),
            ("[schedule]\nevery = \"1 fortnight\"", "schedule.every: `1 fortnight` is not a period"),
            ("[schedule]\nhourly = true", "schedule.hourly: unknown field `hourly`"),
            ("[policy]\ntimeout = 30", "policy.timeout: "),
            ("[limits]\nmemory = \"2GiB\"", "limits.memory: memory is 2GiB"),
            ("[env]\n\"A/B=\" = \"x\"", "env.\"A/B=\": a name has"),
            ("[grants]\nemail = { to = [\"x\"] }", "grants.email.to.0: `x` is not a recipient"),
        ] {
            let manifest = parse(&format!("{HEAD}{text}")).unwrap();
            let message = format!("{:#}", manifest.check(Instant::EPOCH).unwrap_err());
            assert!(message.contains(&format!("\n  {line}")), "{text}: {message}");
            assert!(message.starts_with("jobs/a/sandglass.toml: this is wrong:"), "{message}");
        }
    }

    #[test]
    fn bad_toml_is_shown_at_its_line() {
        let message = format!("{:#}", parse("name = \"a\"\ncomponent = a.wasm").unwrap_err());
        assert!(message.contains("line 2"), "{message}");
    }

    #[test]
    fn a_file_names_its_job() {
        assert_eq!(name_of(Path::new("x/cleanup_tables.wasm")).unwrap().as_str(), "cleanup_tables");
        for path in ["Cleanup.wasm", "a b.wasm", ".."] {
            assert!(name_of(Path::new(path)).unwrap_err().to_string().ends_with("--name"), "{path}");
        }
    }

    #[test]
    fn a_component_is_read_where_it_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wasm");
        assert!(read_component(&path).unwrap_err().to_string().starts_with("there is no file"));
        fs::write(&path, "ELF").unwrap();
        assert!(read_component(&path).unwrap_err().to_string().contains("is not WebAssembly"));
        fs::write(&path, b"\0asm\x0d\0\x01\0").unwrap();
        assert_eq!(read_component(&path).unwrap().len(), 8);
    }

    #[test]
    fn nothing_is_built_twice_of_the_same_inputs() {
        let folder = tempfile::tempdir().unwrap();
        let beside = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let build = "cat source >> out.wasm; echo x >> .count";
        let inputs = beside.path().display();
        write(
            FILE,
            &format!("name = \"a\"\ncomponent = \"out.wasm\"\nbuild = '{build}'\ninputs = [\"{inputs}\"]\n"),
        );
        write("out.wasm", "\0asm");
        write("source", "1");
        let built = || {
            Manifest::read(folder.path()).unwrap().build(true).unwrap();
            fs::read_to_string(folder.path().join(".count")).unwrap().lines().count()
        };
        assert_eq!([built(), built()], [1, 1]);
        write("source", "2");
        assert_eq!([built(), built()], [2, 2]);
        fs::write(beside.path().join("sdk"), "3").unwrap();
        assert_eq!([built(), built()], [3, 3]);
        write("out.wasm", "\0asm of somebody else");
        assert_eq!([built(), built()], [4, 4]);
    }

    #[test]
    fn the_build_command_runs_in_the_manifests_folder() {
        let folder = tempfile::tempdir().unwrap();
        let write = |build: &str| {
            let text = format!("{HEAD}build = '{build}'\n");
            fs::write(folder.path().join(FILE), text).unwrap();
            Manifest::read(folder.path()).unwrap()
        };
        let manifest = write("mkdir -p out && printf \"\\\\0asm\" > out/a.wasm");
        assert!(format!("{:#}", manifest.build(false).unwrap_err()).contains("--no-build"));
        assert_eq!(manifest.build(true).unwrap(), b"\0asm");
        let message = format!("{:#}", write("exit 7").build(true).unwrap_err());
        assert!(message.contains("failed (exit status: 7): exit 7"), "{message}");
    }
}
