//! Components that are made ready before somebody waits for them.
//!
//! An artifact is hashed when it is loaded, and those of large language runtimes have tens of megabytes: after a start
//! the first run of each would wait for that.

use crate::component::Components;
use sandglass_core::job::Job;
use sandglass_core::{Digest, Instant, JobId};
use sandglass_store::op::{component, due, job};
use sandglass_store::{Read, StoreError, StoreExt as _};
use std::collections::HashSet;

impl Components {
    /// Loads the artifacts of jobs' components, as many as are kept ready, those first that are due first. It compiles
    /// nothing, and what cannot be loaded is left to the run that needs it, which has somebody to tell.
    pub async fn warm(&self) {
        let (most, engine) = (self.runtime.ready_max(), self.runtime.engine_key());
        let found = self.store.read(|read| -> Result<_, StoreError> {
            let mut loads = Vec::new();
            for digest in wanted(read, most)? {
                loads.extend(component::artifact(read, digest, engine)?.map(|artifact| (digest, artifact)));
            }
            Ok(loads)
        });
        match found {
            Ok(loads) => {
                for (digest, artifact) in loads {
                    // A run that needs it says what is wrong with it.
                    let _ = self.runtime.load(digest, artifact.digest).await;
                }
            }
            Err(error) => tracing::warn!(%error, "components are loaded when they are needed"),
        }
    }
}

/// The components of up to `most` jobs, each once: of those that are due next, and then of the others.
fn wanted(read: &dyn Read, most: usize) -> Result<Vec<Digest>, StoreError> {
    let due = due::upcoming(read, Instant::MAX, most)?.into_iter().map(|(_, job)| job);
    let rest = job::list(read, None, most)?.into_iter().map(|job| job.id);
    let mut jobs = HashSet::new();
    let jobs: Vec<JobId> = due.chain(rest).filter(|job| jobs.insert(*job)).take(most).collect();
    let (mut seen, mut digests) = (HashSet::new(), Vec::new());
    for id in jobs {
        let Some(job) = read.load::<Job>(&id)? else { continue };
        let digest = job::newest(read, &job)?.spec.component;
        if seen.insert(digest) {
            digests.push(digest);
        }
    }
    Ok(digests)
}
