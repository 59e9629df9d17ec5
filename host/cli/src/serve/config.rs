//! What the operator may set. A flag goes before the environment, that before the configuration's file, and
//! that before the default.

use super::smtp::Smtp;
use crate::folder;
use anyhow::{Context, Result};
use sandglass_core::Span;
use sandglass_core::limit::Bytes;
use sandglass_core::retention::Retention;
use sandglass_runtime::CompileLimits;
use serde::Deserialize;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:8420";
const DEFAULT_STOP_GRACE: Span = Span::from_secs(10);

/// What one source says. The file is this, as TOML.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Layer {
    /// The data folder. In the file, relative to the file's own folder.
    pub(crate) data: Option<PathBuf>,
    /// An address and a port; port 0 takes any that is free.
    pub(crate) listen: Option<String>,
    /// How long ended runs and their logs are kept.
    pub(crate) history: Option<Span>,
    /// How much disk they may take; the oldest days go.
    pub(crate) history_max: Option<Bytes>,
    /// Attempts that execute at one time.
    pub(crate) attempts_max: Option<usize>,
    /// Memory of all attempts at one time.
    pub(crate) memory_max: Option<Bytes>,
    /// Threads that execute guests.
    pub(crate) guest_threads: Option<usize>,
    /// The largest component that may be uploaded.
    pub(crate) upload_max: Option<Bytes>,
    /// What compiling one may take.
    pub(crate) compile_cpu: Option<Span>,
    pub(crate) compile_memory: Option<Bytes>,
    /// Connections at one time, and those from one address.
    pub(crate) connections_max: Option<usize>,
    pub(crate) connections_per_address_max: Option<usize>,
    /// How long what runs has to end, when the host is told to stop.
    pub(crate) stop_grace: Option<Span>,
    /// Certificates, as PEM, of authorities that jobs' requests and webhooks trust beside those of the web. In the
    /// file, relative to the file's own folder.
    pub(crate) authorities: Option<PathBuf>,
    /// How mail leaves.
    pub(crate) smtp: Smtp,
}

/// Everything that is set. None: the part that it is for has a default of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    pub(crate) data: PathBuf,
    pub(crate) listen: String,
    pub(crate) history: Span,
    pub(crate) history_max: Bytes,
    pub(crate) attempts_max: Option<usize>,
    pub(crate) memory_max: Option<Bytes>,
    pub(crate) guest_threads: Option<usize>,
    pub(crate) upload_max: Option<Bytes>,
    pub(crate) compile: CompileLimits,
    pub(crate) connections_max: Option<usize>,
    pub(crate) connections_per_address_max: Option<usize>,
    pub(crate) stop_grace: Span,
    pub(crate) authorities: Option<PathBuf>,
    pub(crate) smtp: Smtp,
}

impl Layer {
    pub(crate) fn from_file(path: &Path) -> Result<Layer> {
        let named = || format!("the configuration {}", path.display());
        let text = fs::read_to_string(path).with_context(named)?;
        let mut layer: Layer = toml::from_str(&text).with_context(named)?;
        layer.check().with_context(named)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        layer.data = layer.data.map(|data| folder.join(data));
        layer.authorities = layer.authorities.map(|authorities| folder.join(authorities));
        layer.smtp = layer.smtp.in_folder(folder);
        Ok(layer)
    }

    /// From `SANDGLASS_DATA` and its kin. A variable that is empty says nothing.
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Result<Layer> {
        let variable = &|name: &str| variable(name).filter(|value| !value.is_empty());
        let layer = Layer {
            data: variable("SANDGLASS_DATA").map(PathBuf::from),
            listen: read("SANDGLASS_LISTEN", variable)?,
            history: read("SANDGLASS_HISTORY", variable)?,
            history_max: read("SANDGLASS_HISTORY_MAX", variable)?,
            attempts_max: read("SANDGLASS_ATTEMPTS_MAX", variable)?,
            authorities: variable("SANDGLASS_AUTHORITIES").map(PathBuf::from),
            smtp: Smtp::from_environment(variable)?,
            ..Layer::default()
        };
        layer.check().context("the environment")?;
        Ok(layer)
    }

    /// What is given must be something.
    pub(crate) fn check(&self) -> Result<()> {
        const DAY: Span = Span::from_secs(86_400);
        const SECOND: Span = Span::from_secs(1);
        const CPU_MAX: Span = Span::from_secs(120);
        const MEMORY_MIN: Bytes = Bytes::mib(64);
        const MEMORY_MAX: Bytes = Bytes::mib(64 << 10);
        for (name, value) in [
            ("attempts_max", self.attempts_max),
            ("guest_threads", self.guest_threads),
            ("connections_max", self.connections_max),
            ("connections_per_address_max", self.connections_per_address_max),
        ] {
            anyhow::ensure!(value != Some(0), "`{name}` is 0, and must be at least 1");
        }
        if let Some(history) = self.history {
            anyhow::ensure!(history >= DAY, "`history` is {history}, and must be at least {DAY}");
        }
        if let Some(cpu) = self.compile_cpu {
            anyhow::ensure!(
                (SECOND..=CPU_MAX).contains(&cpu) && cpu.to_std().subsec_nanos() == 0,
                "`compile_cpu` is {cpu}, and must be whole seconds from {SECOND} to {CPU_MAX}"
            );
        }
        if let Some(memory) = self.compile_memory {
            anyhow::ensure!(
                (MEMORY_MIN..=MEMORY_MAX).contains(&memory),
                "`compile_memory` is {memory}, and must be from {MEMORY_MIN} to {MEMORY_MAX}"
            );
        }
        if let Some(listen) = &self.listen {
            let port = listen.rsplit_once(':').map(|(_, port)| port.parse::<u16>().is_ok());
            anyhow::ensure!(
                port == Some(true),
                "`listen` is `{listen}`, which is not an address and a port, such as {DEFAULT_LISTEN} or [::]:8420"
            );
        }
        self.smtp.check()
    }

    /// What this says, and where it says nothing, what `other` says.
    pub(crate) fn or(self, other: Layer) -> Layer {
        Layer {
            data: self.data.or(other.data),
            listen: self.listen.or(other.listen),
            history: self.history.or(other.history),
            history_max: self.history_max.or(other.history_max),
            attempts_max: self.attempts_max.or(other.attempts_max),
            memory_max: self.memory_max.or(other.memory_max),
            guest_threads: self.guest_threads.or(other.guest_threads),
            upload_max: self.upload_max.or(other.upload_max),
            compile_cpu: self.compile_cpu.or(other.compile_cpu),
            compile_memory: self.compile_memory.or(other.compile_memory),
            connections_max: self.connections_max.or(other.connections_max),
            connections_per_address_max: self
                .connections_per_address_max
                .or(other.connections_per_address_max),
            stop_grace: self.stop_grace.or(other.stop_grace),
            authorities: self.authorities.or(other.authorities),
            smtp: self.smtp.or(other.smtp),
        }
    }

    pub(crate) fn resolve(self) -> Result<Config> {
        let compile = CompileLimits::default();
        Ok(Config {
            data: std::path::absolute(self.data.map_or_else(folder::default_data, Ok)?)
                .context("the data folder")?,
            listen: self.listen.unwrap_or_else(|| DEFAULT_LISTEN.into()),
            history: self.history.unwrap_or(Retention::default().age),
            history_max: self.history_max.unwrap_or(Retention::default().bytes),
            attempts_max: self.attempts_max,
            memory_max: self.memory_max,
            guest_threads: self.guest_threads,
            upload_max: self.upload_max,
            compile: CompileLimits {
                cpu: self.compile_cpu.unwrap_or(compile.cpu),
                memory: self.compile_memory.unwrap_or(compile.memory),
            },
            connections_max: self.connections_max,
            connections_per_address_max: self.connections_per_address_max,
            stop_grace: self.stop_grace.unwrap_or(DEFAULT_STOP_GRACE),
            authorities: self.authorities,
            smtp: self.smtp,
        })
    }
}

pub(super) fn read<T: FromStr<Err: Display>>(
    name: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<T>> {
    let value = variable(name).map(|value| value.to_string_lossy().parse::<T>());
    value.transpose().map_err(|error| anyhow::anyhow!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(set: &[(&str, &str)]) -> Result<Layer> {
        Layer::from_environment(|name| {
            set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).into())
        })
    }

    #[test]
    fn a_flag_goes_before_the_environment_and_that_before_the_file() {
        let flags = Layer { listen: Some("a:1".into()), ..Layer::default() };
        let environment = environment(&[
            ("SANDGLASS_LISTEN", "b:1"),
            ("SANDGLASS_DATA", "/b"),
            ("SANDGLASS_HISTORY", ""),
            ("SANDGLASS_ATTEMPTS_MAX", "7"),
        ]);
        let file: Layer = toml::from_str(
            "listen = 'c:1'\ndata = '/c'\nhistory = '7d'\nattempts_max = 9\nmemory_max = '1GiB'",
        )
        .unwrap();
        let config = flags.or(environment.unwrap()).or(file).resolve().unwrap();
        assert_eq!((config.listen.as_str(), config.data.as_path()), ("a:1", Path::new("/b")));
        assert_eq!((config.history, config.attempts_max), (Span::from_secs(7 * 86_400), Some(7)));
        assert_eq!((config.memory_max, config.stop_grace), (Some(Bytes::mib(1024)), DEFAULT_STOP_GRACE));
    }

    #[test]
    fn a_file_says_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandglass.toml");
        let missing = format!("{:#}", Layer::from_file(&path).unwrap_err());
        assert!(missing.starts_with("the configuration ") && missing.contains("No such file"), "{missing}");
        for (text, expected) in [
            ("port = 1", "unknown field `port`"),
            ("history = 30", "invalid type"),
            ("history = '1h'", "`history` is 1h, and must be at least 1d"),
            ("attempts_max = 0", "`attempts_max` is 0"),
            ("compile_cpu = '1500ms'", "`compile_cpu` is 1500ms, and must be whole seconds from 1s to 2m"),
            ("compile_memory = '1MiB'", "`compile_memory` is 1MiB, and must be from 64MiB to 64GiB"),
            ("listen = '8420'", "`listen` is `8420`"),
            ("listen = '::1:x'", "`listen` is"),
        ] {
            fs::write(&path, text).unwrap();
            let message = format!("{:#}", Layer::from_file(&path).unwrap_err());
            assert!(message.contains(expected), "{text}: {message}");
        }
        fs::write(&path, "data = 'data'").unwrap();
        assert_eq!(Layer::from_file(&path).unwrap().data, Some(folder.path().join("data")));
    }

    #[test]
    fn a_variable_that_is_wrong_is_named() {
        for name in ["SANDGLASS_HISTORY", "SANDGLASS_ATTEMPTS_MAX"] {
            let message = environment(&[(name, "many")]).unwrap_err().to_string();
            assert!(message.starts_with(&format!("{name}: ")), "{message}");
        }
    }
}
