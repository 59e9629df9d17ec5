//! What secrets are sealed with, and what keeps them out of the reach of others on this machine.

use anyhow::{Context, Result};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use sandglass_scheduler::{KeySource, Keyring};
use std::ffi::OsString;
use std::path::Path;
use zeroize::Zeroizing;

/// The variable with the key, in place of the file.
pub(crate) const VARIABLE: &str = "SANDGLASS_SECRET_KEY";
/// The file in the data folder with the key.
const FILE: &str = "secret.key";

/// The key that `variable` holds, else that of the file in the data folder.
pub(crate) fn key_source(variable: Option<OsString>, data: &Path) -> Result<KeySource> {
    let Some(value) = variable.filter(|value| !value.is_empty()) else {
        return Ok(KeySource::File(data.join(FILE)));
    };
    // What is no text is no key either, and the error must not show it.
    let text = Zeroizing::new(value.into_string().unwrap_or_default());
    let keys = Keyring::parse(&text).map_err(anyhow::Error::msg).context(VARIABLE)?;
    Ok(KeySource::Given(keys))
}

/// Has the system write no image of this process's memory, where secrets are, and let nobody but root look into
/// it. What a limit does not reach, a program that core files are piped to, the second does.
pub(crate) fn seclude() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    let secluded = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    if let Err(error) = limited.and(secluded) {
        tracing::warn!(%error, "where this process crashes, a core file with secrets in it may be left");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt as _;

    #[test]
    fn a_variable_goes_before_the_file() {
        let data = Path::new("/data");
        for unset in [None, Some(OsString::new())] {
            let source = key_source(unset, data).unwrap();
            assert!(matches!(source, KeySource::File(path) if path == Path::new("/data/secret.key")));
        }
        let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        assert!(matches!(key_source(Some(key.into()), data).unwrap(), KeySource::Given(_)));
        for bad in [OsString::from("hunter2"), OsString::from_vec(vec![0xff; 44])] {
            let message = format!("{:#}", key_source(Some(bad), data).unwrap_err());
            assert!(message.starts_with("SANDGLASS_SECRET_KEY: not a key for secrets"), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn no_image_of_the_process_is_written() {
        seclude();
        assert_eq!(rustix::process::getrlimit(Resource::Core).current, Some(0));
        let behaviour = rustix::process::dumpable_behavior().unwrap();
        assert!(matches!(behaviour, DumpableBehavior::NotDumpable));
    }
}
