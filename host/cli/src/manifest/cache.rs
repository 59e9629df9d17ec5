//! Whether a build would only make again what is there: by a hash of all that it reads.
//!
//! It reads its folder, and what the manifest's `inputs` name. Cargo knows better what it reads, and is asked.

use sandglass_core::Digest;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Beside the manifest. What begins with a dot is no input.
const FILE: &str = ".sandglass/built";
/// What tools leave behind.
const MADE: [&str; 3] = ["target", "node_modules", "__pycache__"];
/// Past so many files a folder is no job's source; then it is built every time.
const FILES_MAX: usize = 20_000;

/// What a build reads, and where it is noted what came of it.
#[derive(Debug)]
pub(super) struct Cache {
    file: PathBuf,
    inputs: String,
}

impl Cache {
    /// None where only the build itself can tell.
    pub(super) fn of(folder: &Path, command: &str, component: &Path, inputs: &[PathBuf]) -> Option<Cache> {
        if command.split_whitespace().any(|word| word == "cargo") {
            return None;
        }
        let mut hasher = Sha256::new();
        hasher.update(command);
        let mut files = Vec::new();
        for place in std::iter::once(folder).chain(inputs.iter().map(PathBuf::as_path)) {
            list(place, component, &mut files).ok()?;
        }
        for path in files {
            let bytes = fs::read(&path).ok()?;
            hasher.update(path.as_os_str().as_encoded_bytes());
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        Some(Cache { file: folder.join(FILE), inputs: Digest(hasher.finalize().into()).to_string() })
    }

    /// Whether these bytes are what the same inputs gave.
    pub(super) fn made(&self, component: &[u8]) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|there| there == self.line(component))
    }

    /// Notes what came of the inputs. Where that cannot be written, the next build is made again.
    pub(super) fn note(&self, component: &[u8]) {
        let made = self.file.parent().map_or(Ok(()), fs::create_dir_all);
        let _ = made.and_then(|()| fs::write(&self.file, self.line(component)));
    }

    fn line(&self, component: &[u8]) -> String {
        format!("{} {}\n", self.inputs, Digest::of(component))
    }
}

/// The files below a place, in an order that is the same every time.
pub(super) fn list(place: &Path, component: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !place.is_dir() {
        files.push(place.to_owned());
        return Ok(());
    }
    let mut paths = fs::read_dir(place)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || MADE.contains(&name.as_str()) || path == component {
            continue;
        }
        if files.len() >= FILES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        list(&path, component, files)?;
    }
    Ok(())
}
