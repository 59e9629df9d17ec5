//! The cases that every backend passes.

use sandglass_store::Store;
use sandglass_store_sled::{Options, SledStore};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Opens a store in a folder of its own; when it is done with, looks at what stands there.
struct Opener(TempDir);

impl Opener {
    fn new() -> Opener {
        Opener(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SledStore::open(self.0.path(), &Options::default()).unwrap())
    }
}

impl Drop for Opener {
    /// No case, however large its values, may make sled write a file that it neither syncs nor removes.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(blobs(self.0.path()), [""; 0], "sled made files of their own for large pages");
        }
    }
}

fn blobs(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        if entry.file_name() == "blobs" {
            found.extend(
                fs::read_dir(entry.path()).unwrap().map(|blob| blob.unwrap().path().display().to_string()),
            );
        } else {
            found.extend(blobs(&entry.path()));
        }
    }
    found
}

fn opener() -> impl FnMut() -> Arc<dyn Store> {
    let opener = Opener::new();
    move || opener.open()
}

sandglass_store::conformance!(opener());
