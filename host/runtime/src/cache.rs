//! Compiled components: as files in a folder of this host alone, and ready to run in memory.
//!
//! A file is machine code that will be executed, so it is loaded only where its bytes have the digest that
//! the store has for it. A file that is missing, damaged, or of another engine is made again, never trusted.

use crate::inspect::{Entry, prepare};
use crate::state::State;
use parking_lot::Mutex;
use sandglass_core::Digest;
use sandglass_store::record::Artifact;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wasmtime::component::{Component, Linker};

/// A component that an attempt can begin with at once.
pub struct Ready {
    pub(crate) entry: Entry,
    memories: u32,
}

impl Ready {
    fn new(linker: &Linker<State>, component: &Component) -> wasmtime::Result<Ready> {
        let memories = component.resources_required().map_or(1, |needed| needed.num_memories);
        Ok(Ready { entry: prepare(linker, component)?, memories })
    }

    /// Linear memories that one instance needs.
    pub(crate) fn memories(&self) -> u32 {
        self.memories
    }
}

/// Why a component is not to be had, by what the caller can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// There is no artifact, or not the one that is expected: compile the component's bytes again, keep what
    /// comes of it, and record its digest.
    #[error("the component has to be compiled again: {0}")]
    NeedsCompile(String),
    #[error("no space is left on the disk that holds the artifacts")]
    Full,
    /// The host's trouble: try again.
    #[error("artifacts: {0}")]
    Failed(String),
}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> LoadError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LoadError::Full,
            _ => LoadError::Failed(error.to_string()),
        }
    }
}

pub(crate) struct Cache {
    shared: Arc<Shared>,
    /// Work on files is quick. One at a time keeps a crowd from loading the same component, and two from
    /// writing the same file.
    turn: tokio::sync::Mutex<()>,
}

struct Shared {
    folder: PathBuf,
    key: u64,
    linker: Linker<State>,
    ready: Mutex<Newest>,
}

/// Components by the time of their last use.
struct Newest {
    ready: HashMap<Digest, (Arc<Ready>, u64)>,
    uses: u64,
    most: usize,
}

impl Newest {
    fn get(&mut self, component: &Digest) -> Option<Arc<Ready>> {
        self.uses += 1;
        let (ready, used) = self.ready.get_mut(component)?;
        *used = self.uses;
        Some(Arc::clone(ready))
    }

    fn insert(&mut self, component: Digest, ready: Arc<Ready>) {
        self.uses += 1;
        self.ready.insert(component, (ready, self.uses));
        if self.ready.len() > self.most {
            // A walk over all of them costs less than the load that made it necessary.
            let oldest =
                self.ready.iter().min_by_key(|(_, (_, used))| *used).map(|(component, _)| *component);
            if let Some(oldest) = oldest {
                self.ready.remove(&oldest);
            }
        }
    }
}

impl Cache {
    pub(crate) fn open(linker: Linker<State>, key: u64, folder: &Path, most: usize) -> io::Result<Cache> {
        std::fs::create_dir_all(folder)?;
        let shared = Shared {
            folder: folder.to_path_buf(),
            key,
            linker,
            ready: Mutex::new(Newest { ready: HashMap::new(), uses: 0, most: most.max(1) }),
        };
        shared.remove_strays()?;
        Ok(Cache { shared: Arc::new(shared), turn: tokio::sync::Mutex::new(()) })
    }

    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        self.shared.linker.engine()
    }

    pub(crate) async fn load(&self, component: Digest, artifact: Digest) -> Result<Arc<Ready>, LoadError> {
        if let Some(ready) = self.shared.ready.lock().get(&component) {
            return Ok(ready);
        }
        let _turn = self.turn.lock().await;
        if let Some(ready) = self.shared.ready.lock().get(&component) {
            return Ok(ready);
        }
        let ready = self.blocking(move |shared| shared.load(component, artifact)).await?;
        self.shared.ready.lock().insert(component, Arc::clone(&ready));
        Ok(ready)
    }

    pub(crate) async fn keep(&self, component: Digest, artifact: Vec<u8>) -> Result<Artifact, LoadError> {
        let _turn = self.turn.lock().await;
        self.blocking(move |shared| shared.keep(component, &artifact)).await
    }

    pub(crate) async fn forget(&self, component: Digest) -> Result<(), LoadError> {
        let _turn = self.turn.lock().await;
        self.shared.ready.lock().ready.remove(&component);
        self.blocking(move |shared| match std::fs::remove_file(shared.path(component)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        })
        .await
    }

    /// Work on files, off the threads that must not block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, LoadError> + Send + 'static,
    ) -> Result<T, LoadError> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || work(&shared)).await;
        done.unwrap_or_else(|error| Err(LoadError::Failed(error.to_string())))
    }
}

impl Shared {
    fn path(&self, component: Digest) -> PathBuf {
        self.folder.join(format!("{component}-{:016x}.cwasm", self.key))
    }

    fn load(&self, component: Digest, artifact: Digest) -> Result<Arc<Ready>, LoadError> {
        let path = self.path(component);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LoadError::NeedsCompile("there is no artifact".into()));
            }
            Err(error) => return Err(error.into()),
        };
        if digest(file)? != artifact {
            return Err(LoadError::NeedsCompile("the artifact is not the one that was made".into()));
        }
        let loaded =
            load_file(&self.linker, &path).and_then(|component| Ready::new(&self.linker, &component));
        // Of this host's making, and yet not of this engine: it was made under other settings.
        loaded.map(Arc::new).map_err(|error| LoadError::NeedsCompile(format!("{error:#}")))
    }

    fn keep(&self, component: Digest, artifact: &[u8]) -> Result<Artifact, LoadError> {
        let path = self.path(component);
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        let written = file.write_all(artifact).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // Half a file only takes space that is short; it would be overwritten anyway.
            let _ = std::fs::remove_file(&new);
            return Err(error.into());
        }
        std::fs::rename(&new, &path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(Artifact { digest: Digest::of(artifact), size: artifact.len() as u64 })
    }

    /// Removes what another engine made and what a crash left half written.
    fn remove_strays(&self) -> io::Result<()> {
        let ours = format!("-{:016x}.cwasm", self.key);
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let digest = name.as_bytes().get(..64);
            let made = digest.is_some_and(|digest| digest.iter().all(u8::is_ascii_hexdigit));
            if made && !name.ends_with(&ours) {
                std::fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

fn digest(mut file: File) -> io::Result<Digest> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 128 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Digest(hash.finalize().into())),
            read => hash.update(&piece[..read]),
        }
    }
}

#[expect(unsafe_code, reason = "an artifact is machine code, and only its maker can vouch for it")]
fn load_file(linker: &Linker<State>, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: this host made the file, in a folder of its own: its digest is that which the store has for it,
    // and files there are replaced by renaming, never written again.
    unsafe { Component::deserialize_file(linker.engine(), path) }
}
