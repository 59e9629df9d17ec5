//! The demo's folder: begun afresh each time, but never at the cost of somebody's data.

use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Lies in the folders that the demo made, and that it may therefore empty.
const MARK: &str = ".made-by-demo";

/// Makes the folder, or empties the one of the demo before.
pub(super) fn prepare(folder: &Path) -> Result<()> {
    if folder.join(MARK).is_file() {
        fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    // The host keeps its token in there.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("making {}", folder.display()))?;
    if fs::read_dir(folder)?.next().is_some() {
        bail!("{} has something in it that the demo did not make; give it another --data", folder.display());
    }
    fs::write(folder.join(MARK), "The next demo empties this folder.\n")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_folder_is_emptied() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("sandglass-demo-{}", std::process::id()));
        prepare(&folder)?;
        fs::write(folder.join("token"), "of the demo before")?;
        prepare(&folder)?;
        assert!(!folder.join("token").exists());

        fs::remove_file(folder.join(MARK))?;
        fs::write(folder.join("token"), "of somebody")?;
        assert!(prepare(&folder).is_err());
        assert!(folder.join("token").exists());
        Ok(fs::remove_dir_all(folder)?)
    }
}
