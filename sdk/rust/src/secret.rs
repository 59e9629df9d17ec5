//! Secrets that the job was granted.

use crate::bindings::sandglass::job::secret;
use crate::Result;

/// A secret's newest value. [`Code::Denied`](crate::Code::Denied) where it is not granted, or was never set.
pub fn get(name: &str) -> Result<String> {
    Ok(secret::get(name)?)
}
