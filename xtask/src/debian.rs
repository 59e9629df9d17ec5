//! Debian's Rust compiler with its standard library for WebAssembly, for where `rustup target add` does not
//! reach its server. It is unpacked into a folder and installs nothing: apt gets a configuration of its own
//! that knows the release, and the compiler is started through its own dynamic linker.

use crate::process::{output, run, step};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const RELEASE: &str = "trixie";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const COMPILER: &str = "rustc";
const STANDARD_LIBRARIES: [&str; 2] = ["libstd-rust-dev", "libstd-rust-dev-wasm32"];

/// Of the folder in which everything is.
const NAME: &str = "debian";

/// Whether `install` has nothing to get.
pub(crate) fn is_installed(folder: &Path) -> bool {
    folder.join(NAME).is_dir()
}

/// Unpacks the compiler into `folder`, unless it is there, and returns the program to start.
pub(crate) fn install(folder: &Path) -> Result<PathBuf> {
    let finished = folder.join(NAME);
    if !finished.is_dir() {
        check()?;
        // Unpacked aside and renamed: a folder of that name is whole.
        let partial = folder.join(NAME).with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        unpack(&partial).with_context(|| format!("getting Debian's {COMPILER} into {}", folder.display()))?;
        fs::rename(&partial, &finished)?;
    }
    let compiler = start_script(&finished)?;
    output(Command::new(&compiler).arg("--version")).with_context(|| {
        format!("Debian's {COMPILER} does not start; delete {} to get it anew", finished.display())
    })?;
    Ok(compiler)
}

fn check() -> Result<()> {
    if (std::env::consts::OS, std::env::consts::ARCH) != ("linux", "x86_64") {
        bail!("it is got for Linux on x86_64 only");
    }
    for tool in ["apt-get", "apt-cache", "dpkg-deb"] {
        if !crate::process::is_installed(tool) {
            bail!("{tool} is not installed");
        }
    }
    if !Path::new(KEYRING).is_file() {
        bail!("{KEYRING} is missing; it comes with the package debian-archive-keyring");
    }
    Ok(())
}

fn unpack(folder: &Path) -> Result<()> {
    let apt = Apt::new(folder)?;
    step(&format!("reading the package lists of Debian {RELEASE}"), || output(&mut apt.get(&["update"])))?;
    let version = apt.version()?;
    let packages = apt.packages(&version)?;
    let downloads = folder.join("downloads");
    fs::create_dir_all(&downloads)?;
    step(&format!("downloading {COMPILER} {version} (about 200 MB)"), || {
        output(apt.get(&["download"]).args(&packages).current_dir(&downloads))
    })?;
    step("unpacking it", || {
        for package in fs::read_dir(&downloads)? {
            run(Command::new("dpkg-deb").arg("-x").arg(package?.path()).arg(folder))?;
        }
        Ok(())
    })?;
    fs::remove_dir_all(&downloads)?;
    apt.forget()
}

/// The compiler wants the C library that it was built with. The script has the folder's own path in it, and
/// is therefore written anew: the repository may have been moved.
fn start_script(folder: &Path) -> Result<PathBuf> {
    let script = folder.join("start-rustc");
    let folder = folder.to_str().context("the path of the repository is not UTF-8")?;
    if folder.contains('\'') {
        bail!("the path of the repository has a quote in it, which the compiler's start script cannot have");
    }
    let text = format!(
        "#!/bin/sh\nexec '{folder}/usr/lib64/ld-linux-x86-64.so.2' \
         --library-path '{folder}/usr/lib/x86_64-linux-gnu' '{folder}/usr/bin/{COMPILER}' \"$@\"\n"
    );
    // Its time counts for cargo, which compiles everything anew for a compiler that has changed.
    if fs::read_to_string(&script).ok().as_ref() != Some(&text) {
        fs::write(&script, text)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    }
    Ok(script)
}

/// An apt that knows one release, and nothing of what is installed here. The system's own settings, such as a
/// proxy, still hold.
struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

impl Apt {
    fn new(parent: &Path) -> Result<Self> {
        let folder = parent.join("apt");
        fs::create_dir_all(folder.join("lists/partial"))?;
        fs::create_dir_all(folder.join("cache/archives/partial"))?;
        fs::write(folder.join("status"), "")?;
        fs::write(folder.join("debian.sources"), sources()?)?;
        let shown = folder.display();
        let options = [
            format!("Dir::Etc::SourceList={shown}/debian.sources"),
            "Dir::Etc::SourceParts=/dev/null".to_string(),
            "Dir::Etc::Preferences=/dev/null".to_string(),
            "Dir::Etc::PreferencesParts=/dev/null".to_string(),
            format!("Dir::State::Lists={shown}/lists"),
            format!("Dir::State::status={shown}/status"),
            format!("Dir::Cache={shown}/cache"),
            // Its own user could not read a folder in somebody's home.
            "APT::Sandbox::User=root".to_string(),
            "APT::Architecture=amd64".to_string(),
            // Descriptions of programs, which nobody reads here.
            "Acquire::Languages=none".to_string(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_string(),
        ];
        let options = options.into_iter().flat_map(|option| ["-o".to_string(), option]).collect();
        Ok(Self { folder, options })
    }

    fn get(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        command.args(&self.options).args(arguments);
        command
    }

    fn cache(&self, arguments: &[&str]) -> Result<String> {
        output(Command::new("apt-cache").args(&self.options).args(arguments))
    }

    /// The newest version that the compiler and its libraries have in common. Which that is changes with
    /// Debian's point releases, and old ones are not served.
    fn version(&self) -> Result<String> {
        let mut common = versions(&self.cache(&["madison", COMPILER])?);
        for package in STANDARD_LIBRARIES {
            let there = versions(&self.cache(&["madison", package])?);
            common.retain(|version| there.contains(version));
        }
        common
            .into_iter()
            .next()
            .with_context(|| format!("Debian {RELEASE} has no {COMPILER} of one version"))
    }

    /// The compiler, its libraries, and the shared libraries that it needs to start: but not the C compiler
    /// and its kin, which the package depends on, too.
    fn packages(&self, version: &str) -> Result<Vec<String>> {
        let runtime = runtime_package(version)?;
        let only_needed = ["conflicts", "breaks", "replaces", "enhances", "recommends", "suggests"];
        let mut arguments = vec!["depends".to_string(), "--recurse".to_string(), "--important".to_string()];
        arguments.extend(only_needed.iter().map(|kind| format!("--no-{kind}")));
        arguments.push(runtime.clone());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let needed = package_names(&self.cache(&arguments)?);

        let mut packages: Vec<String> = std::iter::once(COMPILER)
            .chain(STANDARD_LIBRARIES)
            .chain([runtime.as_str()])
            .map(|package| format!("{package}={version}"))
            .collect();
        packages.extend(needed.into_iter().filter(|package| *package != runtime));
        Ok(packages)
    }

    fn forget(self) -> Result<()> {
        Ok(fs::remove_dir_all(self.folder)?)
    }
}

/// The release's packages, from where this system gets its own: whichever mirror that is.
fn sources() -> Result<String> {
    let os = fs::read_to_string("/etc/os-release").context("which system this is")?;
    let own = os
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .context("/etc/os-release names no release: the compiler is got on Debian only")?;
    let targets = output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
    ]))?;
    let sources: Vec<String> = mirrors(&targets, own)
        .iter()
        .map(|(uri, suite)| {
            format!("Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\nSigned-By: {KEYRING}\n\n")
        })
        .collect();
    if sources.is_empty() {
        bail!("apt knows no mirror of {own}, from which {RELEASE} could be had too");
    }
    Ok(sources.concat())
}

/// Of `uri suite component` lines, those of this system's release, with the wanted release in its place.
fn mirrors<'a>(targets: &'a str, own: &str) -> BTreeSet<(&'a str, String)> {
    targets
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (uri, suite, component) = (words.next()?, words.next()?, words.next()?);
            let rest = suite.strip_prefix(own)?;
            let wanted = component == "main" && matches!(rest, "" | "-updates" | "-security");
            wanted.then(|| (uri, format!("{RELEASE}{rest}")))
        })
        .collect()
}

/// The package that holds the compiler's shared libraries: of 1.85.1+dfsg1-1 it is libstd-rust-1.85.
fn runtime_package(version: &str) -> Result<String> {
    let mut numbers = version.split('.');
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => Ok(format!("libstd-rust-{major}.{minor}")),
        _ => bail!("`{version}` is no version of {COMPILER}"),
    }
}

/// The versions in `package | version | where` lines, newest first, as apt lists them.
fn versions(madison: &str) -> Vec<String> {
    madison.lines().filter_map(|line| Some(line.split('|').nth(1)?.trim().to_string())).collect()
}

/// The packages in a list of dependencies: each stands at the beginning of a line once, with those that it
/// needs indented below. Names in angle brackets are virtual.
fn package_names(dependencies: &str) -> Vec<String> {
    dependencies.lines().filter(|line| !line.starts_with([' ', '<', '|'])).map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_as_apt_orders_them() {
        let madison = "     rustc | 1.85.1+dfsg1-1+deb13u1 | http://a trixie/main amd64 Packages\n     \
                       rustc | 1.85.0+dfsg3-1 | http://a trixie/main amd64 Packages\n";
        assert_eq!(versions(madison), ["1.85.1+dfsg1-1+deb13u1", "1.85.0+dfsg3-1"]);
        assert!(versions("").is_empty());
    }

    #[test]
    fn mirrors_are_those_of_this_systems_release() {
        let targets = "http://a/debian/ bookworm main\nhttp://a/debian/ bookworm main\n\
                       http://b/security/ bookworm-security main\nhttp://a/debian/ bookworm contrib\n\
                       http://c/ nodistro main\n";
        let found: Vec<_> = mirrors(targets, "bookworm").into_iter().collect();
        let expected = [("http://a/debian/", "trixie"), ("http://b/security/", "trixie-security")];
        assert_eq!(found, expected.map(|(uri, suite)| (uri, suite.to_string())));
    }

    #[test]
    fn the_runtime_follows_from_the_version() {
        assert_eq!(runtime_package("1.85.1+dfsg1-1+deb13u1").expect("a version"), "libstd-rust-1.85");
        assert!(runtime_package("unknown").is_err());
    }

    #[test]
    fn packages_stand_at_the_beginning_of_lines() {
        let dependencies = "libstd-rust-1.85\n  Depends: libc6\n  PreDepends: <libgcc1>\nlibc6\n<libgcc1>\n";
        assert_eq!(package_names(dependencies), ["libstd-rust-1.85", "libc6"]);
    }
}
