//! The data folder: made for its owner's eyes only, and known to be writable before anything depends on it.

use anyhow::{Context, Result, bail};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

/// Makes the folder where there is none, and makes sure that this process can write in it.
pub(crate) fn prepare(folder: &Path) -> Result<()> {
    let named = || format!("the data folder {}", folder.display());
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{} cannot be made", named()))?;
    let metadata = fs::metadata(folder).with_context(named)?;
    if !metadata.is_dir() {
        bail!("{} is not a folder", folder.display());
    }
    // Whoever made it before us may have had reasons to let others read it.
    let mode = metadata.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(folder = %folder.display(), "other users of this machine may look into the data folder: `chmod 700` keeps them out");
    }
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    fs::write(&probe, b"")
        .with_context(|| format!("{} cannot be written: give it to the user that runs the host", named()))?;
    fs::remove_file(&probe).with_context(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/data");
        prepare(&data).unwrap();
        for made in [&data, &folder.path().join("a")] {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
        prepare(&data).unwrap();
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_its_place_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        fs::write(&path, "").unwrap();
        let message = format!("{:#}", prepare(&path).unwrap_err());
        assert!(
            message.starts_with(&format!("the data folder {} cannot be made", path.display())),
            "{message}"
        );
    }
}
