//! The data folder: who holds it, and what it is known to hold.

use sandglass_store::StoreError;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The layout that this code reads and writes. One more for each change that older code cannot read.
const FORMAT: u32 = 1;
const FORMAT_PREFIX: &str = "sandglass store ";

/// Why the store in a folder was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another sandglass uses the folder {}: stop it, or give this one a folder of its own", .0.display())]
    InUse(PathBuf),
    #[error(
        "the folder {} was written by a newer sandglass: its format is {found}, this one knows those up to {FORMAT}",
        .folder.display()
    )]
    Newer { folder: PathBuf, found: u32 },
    #[error("the store in {} is damaged: {what}", .folder.display())]
    Damaged { folder: PathBuf, what: String },
    #[error("no space is left for the store in {}", .0.display())]
    Full(PathBuf),
    #[error("cannot open {}: {why}", .path.display())]
    Failed { path: PathBuf, why: String },
}

impl OpenError {
    /// What a database of the folder said when it was opened.
    pub(crate) fn of_store(folder: &Path, error: StoreError) -> OpenError {
        let folder = folder.to_owned();
        match error {
            StoreError::Full => OpenError::Full(folder),
            StoreError::Damaged(what) => OpenError::Damaged { folder, what },
            other => OpenError::Failed { path: folder, why: other.to_string() },
        }
    }

    fn of_io(path: &Path, error: &io::Error) -> OpenError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full(path.to_owned()),
            _ => OpenError::Failed { path: path.to_owned(), why: error.to_string() },
        }
    }
}

/// Makes the folder where there is none, and takes it for this process for as long as the file lives.
///
/// A lock of our own stands before those of the databases, because it says clearly what is wrong, and because
/// it covers the moments between two databases.
pub(crate) fn claim(folder: &Path) -> Result<File, OpenError> {
    fs::create_dir_all(folder).map_err(|error| OpenError::of_io(folder, &error))?;
    let path = folder.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(|error| OpenError::of_io(&path, &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::of_io(&path, &error)),
    }
}

/// Checks that this code knows what is in the folder; in an empty one it writes what will be.
pub(crate) fn check_format(folder: &Path) -> Result<(), OpenError> {
    let path = folder.join("format");
    match fs::read_to_string(&path) {
        Ok(text) => {
            let found = text.strip_prefix(FORMAT_PREFIX).and_then(|rest| rest.trim_end().parse().ok());
            match found {
                Some(FORMAT) => Ok(()),
                Some(found) if found > FORMAT => Err(OpenError::Newer { folder: folder.to_owned(), found }),
                _ => Err(OpenError::Damaged {
                    folder: folder.to_owned(),
                    what: "its file `format` does not say which format it has".into(),
                }),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // The format is written before anything else is: what stands without it is not ours.
            if folder.join("state").exists() {
                return Err(OpenError::Damaged {
                    folder: folder.to_owned(),
                    what: "it holds records, but its file `format` is missing".into(),
                });
            }
            write_format(folder, &path).map_err(|error| OpenError::of_io(&path, &error))
        }
        Err(error) => Err(OpenError::of_io(&path, &error)),
    }
}

/// Through a rename, so that there is a whole one or none.
fn write_format(folder: &Path, path: &Path) -> io::Result<()> {
    let unfinished = folder.join("format.new");
    let mut file = File::create(&unfinished)?;
    writeln!(file, "{FORMAT_PREFIX}{FORMAT}")?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_folder(folder)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Bytes that this process may still write to the disk that holds the folder.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let held = claim(&folder.path().join("new/data")).unwrap();
        let refused = claim(&folder.path().join("new/data")).unwrap_err();
        assert!(matches!(refused, OpenError::InUse(_)), "{refused}");
        drop(held);
        claim(&folder.path().join("new/data")).unwrap();
    }

    #[test]
    fn formats_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("format");
        check_format(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "sandglass store 1\n");
        check_format(folder.path()).unwrap();
        fs::write(&path, "sandglass store 2\n").unwrap();
        let newer = check_format(folder.path()).unwrap_err();
        assert!(matches!(newer, OpenError::Newer { found: 2, .. }), "{newer}");
        for strange in ["", "1\n", "sandglass store x\n"] {
            fs::write(&path, strange).unwrap();
            assert!(matches!(check_format(folder.path()), Err(OpenError::Damaged { .. })), "{strange:?}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        assert!(matches!(check_format(folder.path()), Err(OpenError::Damaged { .. })));
    }
}
