//! Debian packages without installing any: an apt with a configuration of its own, which knows one release's packages
//! and nothing of what is installed here, downloads them, and they are unpacked into a folder.

use crate::process::{output, run};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Whether packages can be got here at all.
pub(crate) fn check() -> Result<()> {
    if (std::env::consts::OS, std::env::consts::ARCH) != ("linux", "x86_64") {
        bail!("they are got for Linux on x86_64 only");
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

/// An apt that knows one release, and nothing of what is installed here. The system's own settings, such as a
/// proxy, still hold.
pub(crate) struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

impl Apt {
    /// An apt in a folder of `parent`, for such sources as [`sources`] gives.
    pub(crate) fn new(parent: &Path, sources: &str) -> Result<Self> {
        let folder = parent.join("apt");
        fs::create_dir_all(folder.join("lists/partial"))?;
        fs::create_dir_all(folder.join("cache/archives/partial"))?;
        fs::write(folder.join("status"), "")?;
        fs::write(folder.join("debian.sources"), sources)?;
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

    pub(crate) fn get(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        command.args(&self.options).args(arguments);
        command
    }

    pub(crate) fn cache(&self, arguments: &[&str]) -> Result<String> {
        output(Command::new("apt-cache").args(&self.options).args(arguments))
    }

    /// The names of a package and of all that it needs, as far as `wanted` says.
    pub(crate) fn with_needed(&self, package: &str, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let only_needed = ["conflicts", "breaks", "replaces", "enhances", "recommends", "suggests"];
        let mut arguments = vec!["depends".to_string(), "--recurse".to_string(), "--important".to_string()];
        arguments.extend(only_needed.iter().map(|kind| format!("--no-{kind}")));
        arguments.push(package.to_string());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Ok(package_names(&self.cache(&arguments)?).into_iter().filter(|name| wanted(name)).collect())
    }

    /// Downloads packages, each by its name with or without a version, and unpacks them into a folder.
    pub(crate) fn unpack(&self, packages: &[String], folder: &Path) -> Result<()> {
        let downloads = self.folder.join("downloads");
        fs::create_dir_all(&downloads)?;
        output(self.get(&["download"]).args(packages).current_dir(&downloads))?;
        for package in fs::read_dir(&downloads)? {
            run(Command::new("dpkg-deb").arg("-x").arg(package?.path()).arg(folder))?;
        }
        Ok(fs::remove_dir_all(&downloads)?)
    }

    pub(crate) fn forget(self) -> Result<()> {
        Ok(fs::remove_dir_all(self.folder)?)
    }
}

/// This system's release, such as `bookworm`.
pub(crate) fn own_release() -> Result<String> {
    let os = fs::read_to_string("/etc/os-release").context("which system this is")?;
    let own = os.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(own.context("/etc/os-release names no release: packages are got on Debian only")?.to_string())
}

/// A release's packages, from where this system gets its own: whichever mirror that is.
pub(crate) fn sources(release: &str) -> Result<String> {
    let own = own_release()?;
    let targets = output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
    ]))?;
    let sources: Vec<String> = mirrors(&targets, &own, release)
        .iter()
        .map(|(uri, suite)| {
            format!("Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\nSigned-By: {KEYRING}\n\n")
        })
        .collect();
    if sources.is_empty() {
        bail!("apt knows no mirror of {own}, from which {release} could be had too");
    }
    Ok(sources.concat())
}

/// The same with its backports.
pub(crate) fn sources_with_backports(release: &str) -> Result<String> {
    let sources = sources(release)?;
    let plain = format!("Suites: {release}\n");
    let backports: String = sources
        .split_inclusive("\n\n")
        .filter(|source| source.contains(&plain))
        .map(|source| source.replace(&plain, &format!("Suites: {release}-backports\n")))
        .collect();
    Ok(format!("{sources}{backports}"))
}

/// Of `uri suite component` lines, those of this system's release, with the wanted release in its place.
fn mirrors<'a>(targets: &'a str, own: &str, release: &str) -> BTreeSet<(&'a str, String)> {
    targets
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (uri, suite, component) = (words.next()?, words.next()?, words.next()?);
            let rest = suite.strip_prefix(own)?;
            let wanted = component == "main" && matches!(rest, "" | "-updates" | "-security");
            wanted.then(|| (uri, format!("{release}{rest}")))
        })
        .collect()
}

/// The versions in `package | version | where` lines, newest first, as apt lists them.
pub(crate) fn versions(madison: &str) -> Vec<String> {
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
        let found: Vec<_> = mirrors(targets, "bookworm", "trixie").into_iter().collect();
        let expected = [("http://a/debian/", "trixie"), ("http://b/security/", "trixie-security")];
        assert_eq!(found, expected.map(|(uri, suite)| (uri, suite.to_string())));
    }

    #[test]
    fn packages_stand_at_the_beginning_of_lines() {
        let dependencies = "libstd-rust-1.85\n  Depends: libc6\n  PreDepends: <libgcc1>\nlibc6\n<libgcc1>\n";
        assert_eq!(package_names(dependencies), ["libstd-rust-1.85", "libc6"]);
    }
}
