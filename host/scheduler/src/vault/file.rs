//! The file that holds the keys: its owner's alone, whole at any moment, and never written over but to rotate.

use super::key::Keyring;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A file that is larger is no file of keys.
const BYTES_MAX: u64 = 64 << 10;

/// Why the file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// What is wrong with the file, and what to do.
    #[error("{0}")]
    Refused(String),
    #[error("the key file {}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
}

/// The keys of the file, none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Keyring>, FileError> {
    let failed = |error| FileError::Io(path.into(), error);
    let refused = |what: String| Err(FileError::Refused(format!("the key file {} {what}", path.display())));
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return refused("is not a file".into());
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return refused(format!(
            "has the mode {mode:o}, so that others than its owner can get at it: `chmod 600` it. If somebody may have \
             read it, rotate the key with `sandglass secrets rotate-key`, and replace the secrets themselves"
        ));
    }
    if metadata.len() > BYTES_MAX {
        return refused(format!("has {} bytes, and holds no keys", metadata.len()));
    }
    let text = read_text(file, metadata.len()).map_err(failed)?;
    match Keyring::parse(&text) {
        Ok(keys) => Ok(Some(keys)),
        Err(wrong) => refused(format!("holds what is {wrong}. Put back the file as it was")),
    }
}

fn read_text(mut file: File, bytes: u64) -> io::Result<Zeroizing<String>> {
    // With room for all of it: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(bytes as usize + 1));
    io::Read::read_to_string(&mut file, &mut text)?;
    Ok(text)
}

/// Makes the file, durably.
///
/// # Errors
/// Where there is one: it is not touched.
pub(super) fn create(path: &Path, keys: &Keyring) -> Result<(), FileError> {
    let made = unfinished(path, keys).and_then(|new| {
        // Unlike renaming, a link takes nobody's place.
        let linked = fs::hard_link(&new, path);
        fs::remove_file(&new)?;
        linked?;
        sync_folder(path)
    });
    made.map_err(|error| FileError::Io(path.into(), error))
}

/// Puts `keys` in place of the file's, durably: at any moment the file holds either these or those.
pub(super) fn replace(path: &Path, keys: &Keyring) -> Result<(), FileError> {
    let replaced = unfinished(path, keys).and_then(|new| {
        fs::rename(&new, path)?;
        sync_folder(path)
    });
    replaced.map_err(|error| FileError::Io(path.into(), error))
}

/// Writes the keys beside the file.
fn unfinished(path: &Path, keys: &Keyring) -> io::Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    // Of an interrupted attempt; whatever its mode is, it is not written to.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(keys.to_text().as_bytes())?;
    file.sync_all()?;
    Ok(new)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::key::Key;
    use super::*;

    fn keys(count: usize) -> Keyring {
        (0..count).fold(Keyring::default(), |ring, _| ring.begun_with(Key::random().unwrap()))
    }

    #[test]
    fn the_file_is_its_owners_alone_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        assert_eq!(read(&path).unwrap(), None);
        fs::write(folder.path().join("secret.key.new"), "half").unwrap();
        let (first, second) = (keys(1), keys(2));
        create(&path, &first).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(create(&path, &second), Err(FileError::Io(..))));
        assert_eq!(read(&path).unwrap(), Some(first));
        replace(&path, &second).unwrap();
        assert_eq!(read(&path).unwrap(), Some(second));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_can_read_or_that_holds_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        create(&path, &keys(1)).unwrap();
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match read(&path) {
                Ok(_) => assert!(good, "{mode:o}"),
                Err(error) => {
                    let words = error.to_string();
                    assert!(!good && words.contains(&format!("has the mode {mode:o}")), "{words}");
                }
            }
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for text in [String::new(), "hunter2".into(), "x".repeat(BYTES_MAX as usize + 1)] {
            fs::write(&path, &text).unwrap();
            let words = read(&path).unwrap_err().to_string();
            assert!(words.starts_with("the key file ") && !words.contains("hunter2"), "{words}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(read(&path).is_err());
    }
}
