//! The first token: made when the host has none, shown once, and left in a file for the clients of this machine.

use crate::folder::TOKEN_FILE;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

pub(crate) fn path(data: &Path) -> PathBuf {
    data.join(TOKEN_FILE)
}

/// Leaves the token in the data folder. At no moment can anybody but the owner read the file, or find half of
/// it; when this returns, it is on disk.
pub(crate) fn leave(data: &Path, token: &str) -> Result<PathBuf> {
    let path = path(data);
    let unfinished = data.join(format!("{TOKEN_FILE}.new"));
    let write = || {
        // Of an interrupted start; whatever its mode is, it is not written to.
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        writeln!(file, "{token}")?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(data)?.sync_all()
    };
    write().with_context(|| format!("the token cannot be written to {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token.new"), "half").unwrap();
        let path = leave(folder.path(), "sgl_a").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "sgl_a\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        leave(folder.path(), "sgl_b").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "sgl_b\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
