//! Where secrets are kept: sealed in the store, under a key that is not in it.
//!
//! Values leave it to jobs that were granted them, and to the host itself, which signs with them. Nothing gives
//! them to the API.

mod file;
mod key;
#[cfg(test)]
mod tests;

pub use file::FileError;
pub use key::{Key, Keyring};

use key::OpenError;
use parking_lot::RwLock;
use sandglass_core::{SecretName, SecretValue};
use sandglass_runtime::Clock;
use sandglass_store::op::{OpError, secret};
use sandglass_store::record::{Sealed, Secret};
use sandglass_store::{Store, StoreError, StoreExt};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the key comes from.
#[derive(Debug, Clone, Default)]
pub enum KeySource {
    /// From nowhere: this host keeps no secrets.
    #[default]
    None,
    /// A file of its owner's alone. Made with the first secret that is set.
    File(PathBuf),
    /// What the operator handed over: the first key seals, the others open what they sealed before.
    Given(Keyring),
}

/// Why something was not done with a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(transparent)]
    Op(#[from] OpError),
    /// The key is not the one that is needed, or what it sealed is damaged: for the operator to mend.
    #[error("{0}")]
    Key(String),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the operating system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

impl From<StoreError> for SecretError {
    fn from(error: StoreError) -> SecretError {
        SecretError::Op(error.into())
    }
}

/// What a change of the key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The name of the key that seals now.
    pub key: String,
    /// How many secrets were sealed anew.
    pub secrets: usize,
}

/// All secrets of the host.
pub struct Vault {
    store: Arc<dyn Store>,
    clock: Clock,
    source: KeySource,
    keys: Arc<RwLock<Arc<Keyring>>>,
    /// Whoever makes a key, or takes one's place, does so alone.
    changing: tokio::sync::Mutex<()>,
}

/// Secrets that one script seals anew.
const RESEALED_AT_ONCE: usize = 32;

/// Names that a message lists.
const NAMES_SHOWN: usize = 10;

impl Vault {
    /// Reads the key. One that is not the secrets' is no error: those that it does not open say so when they are
    /// asked for.
    pub(crate) fn open(store: Arc<dyn Store>, clock: Clock, source: KeySource) -> Result<Vault, SecretError> {
        let keys = match &source {
            KeySource::None => Keyring::default(),
            KeySource::File(path) => file::read(path)?.unwrap_or_default(),
            KeySource::Given(keys) => keys.clone(),
        };
        let keys = Arc::new(RwLock::new(Arc::new(keys)));
        let vault = Vault { store, clock, source, keys, changing: tokio::sync::Mutex::default() };
        if let Some(problem) = vault.unopenable()? {
            tracing::error!("{problem}");
        }
        Ok(vault)
    }

    /// Goes on with a change of the key that was interrupted, or that the operator asks for by handing over
    /// several.
    pub(crate) async fn settle(&self) -> Result<(), SecretError> {
        let _turn = self.changing.lock().await;
        if self.keys().len() > 1 {
            let Rotated { key, secrets } = self.finish_rotation().await?;
            tracing::info!(key, secrets, "all secrets are sealed under the first key: the others can go");
        }
        Ok(())
    }

    /// A secret's newest value, none where there is no such secret.
    pub fn get(&self, name: &SecretName) -> Result<Option<SecretValue>, SecretError> {
        loop {
            let keys = self.keys();
            let Some(secret) = self.store.read(|read| secret::get(read, name))? else { return Ok(None) };
            // The key may have changed between the two looks.
            if keys.has(&secret.sealed.key) || Arc::ptr_eq(&keys, &self.keys()) {
                return open(&keys, &self.source, name, &secret).map(Some);
            }
        }
    }

    fn keys(&self) -> Arc<Keyring> {
        self.keys.read().clone()
    }

    /// Sets a secret, and says whether there was none of that name. `expect` judges the version of the one that
    /// is there.
    pub async fn set(
        &self,
        name: SecretName,
        value: SecretValue,
        expect: impl FnOnce(Option<u64>) -> Result<(), OpError> + Send + 'static,
    ) -> Result<(Secret, bool), SecretError> {
        self.make_key().await?;
        let (nonce, keys, clock) = (key::nonce()?, self.keys.clone(), self.clock.clone());
        let set = self.store.write(move |write| {
            // The key of this moment: what a change of the key has sealed anew lies before this script or behind.
            secret::put(write, &name, expect, clock(), |version| {
                let sealed = keys.read().first().and_then(|key| key.seal(&name, version, &value, &nonce));
                sealed.ok_or_else(|| SecretError::Key(format!("secret `{name}` could not be sealed")))
            })
        });
        set.await
    }

    /// Deletes a secret, whose version `expect` judges. That needs no key.
    pub async fn delete(
        &self,
        name: SecretName,
        expect: impl FnOnce(Option<u64>) -> Result<(), OpError> + Send + 'static,
    ) -> Result<(), SecretError> {
        Ok(self.store.write(move |write| secret::delete(write, &name, expect)).await?)
    }

    /// Seals all secrets under a new key, and forgets the old one. The values stay what they are. Where the host
    /// stops halfway, it has both keys and goes on when it starts.
    pub async fn rotate(&self) -> Result<Rotated, SecretError> {
        let _turn = self.changing.lock().await;
        let KeySource::File(path) = &self.source else {
            return Err(SecretError::Key(
                "the key was handed to the host, which cannot put another one in its place: put a new key before the \
                 old one, as SANDGLASS_SECRET_KEY=new,old, and start the host again; then take the old one out"
                    .into(),
            ));
        };
        if let Some(problem) = self.unopenable()? {
            return Err(SecretError::Key(problem));
        }
        let keys = self.keys();
        match keys.len() {
            0 => return Err(SecretError::Key("there is no key yet: the first secret makes one".into())),
            1 => self.keep(path, keys.begun_with(Key::random()?)).await?,
            // A change was interrupted: its new key is there already.
            _ => {}
        }
        self.finish_rotation().await
    }

    /// Seals what other keys have sealed under the first one, and lets go of the others.
    async fn finish_rotation(&self) -> Result<Rotated, SecretError> {
        let keys = self.keys();
        let (mut after, mut secrets) = (None, 0);
        loop {
            let nonces = (0..RESEALED_AT_ONCE).map(|_| key::nonce()).collect::<Result<Vec<_>, _>>()?;
            let (keys, source) = (keys.clone(), self.source.clone());
            let (last, count) = self
                .store
                .write(move |write| {
                    let mut nonces = nonces.into_iter();
                    secret::reseal(write, after.as_ref(), RESEALED_AT_ONCE, |name, secret| {
                        reseal(&keys, &source, name, secret, nonces.next())
                    })
                })
                .await?;
            secrets += count;
            match last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        let first = keys.first().map(|key| key.id().to_owned()).unwrap_or_default();
        if let KeySource::File(path) = &self.source {
            self.keep(path, keys.first_alone()).await?;
        }
        Ok(Rotated { key: first, secrets })
    }

    /// Makes the first key, where there is none and nothing that needs another one.
    async fn make_key(&self) -> Result<(), SecretError> {
        let has_key = || self.keys().first().is_some();
        if has_key() {
            return Ok(());
        }
        let _turn = self.changing.lock().await;
        if has_key() {
            return Ok(());
        }
        let KeySource::File(path) = &self.source else {
            return Err(SecretError::Key("this host was started without a key, and keeps no secrets".into()));
        };
        // Somebody may have put it back.
        if let Some(keys) = file::read(path)? {
            *self.keys.write() = Arc::new(keys);
            return Ok(());
        }
        if let Some(problem) = self.unopenable()? {
            return Err(SecretError::Key(problem));
        }
        let keys = Keyring::default().begun_with(Key::random()?);
        let (path, made) = (path.clone(), keys.clone());
        on_disk(move || file::create(&path, &made)).await?;
        *self.keys.write() = Arc::new(keys);
        Ok(())
    }

    /// Has the file hold `keys`, and uses them from then on.
    async fn keep(&self, path: &std::path::Path, keys: Keyring) -> Result<(), SecretError> {
        let (path, kept) = (path.to_owned(), keys.clone());
        on_disk(move || file::replace(&path, &kept)).await?;
        *self.keys.write() = Arc::new(keys);
        Ok(())
    }

    /// What is to be said of secrets that no key of these opens.
    fn unopenable(&self) -> Result<Option<String>, StoreError> {
        let ids = self.keys().ids();
        let names = self.store.read(|read| secret::sealed_under_others(read, &ids, NAMES_SHOWN + 1))?;
        if names.is_empty() {
            return Ok(None);
        }
        let shown: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| format!("`{name}`")).collect();
        let more = if names.len() > NAMES_SHOWN { " and more" } else { "" };
        let (shown, place) = (shown.join(", "), place(&self.source));
        let which = if ids.is_empty() {
            format!("there is no key ({place})")
        } else {
            format!("the key ({place}) is another one")
        };
        Ok(Some(format!(
            "these secrets cannot be opened, because {which}: {shown}{more}. Nothing of them is lost: put back the key \
             that they were sealed with, and start the host again; or delete them"
        )))
    }
}

impl sandglass_runtime::Secrets for Vault {
    fn get(&self, name: &SecretName) -> Result<Option<SecretValue>, String> {
        Vault::get(self, name).map_err(|error| error.to_string())
    }
}

fn open(
    keys: &Keyring,
    source: &KeySource,
    name: &SecretName,
    secret: &Secret,
) -> Result<SecretValue, SecretError> {
    keys.open(name, secret.version, &secret.sealed).map_err(|error| {
        SecretError::Key(match error {
            OpenError::OtherKey => format!(
                "secret `{name}` cannot be opened: it is sealed under the key {}, which this host does not have ({}). Put \
                 that key back and start the host again, or set the secret anew",
                secret.sealed.key,
                place(source)
            ),
            OpenError::Damaged => {
                format!("secret `{name}` cannot be opened: what is stored of it is damaged. Set it anew")
            }
        })
    })
}

fn reseal(
    keys: &Keyring,
    source: &KeySource,
    name: &SecretName,
    secret: &Secret,
    nonce: Option<key::Nonce>,
) -> Result<Option<Sealed>, SecretError> {
    let Some((first, nonce)) = keys.first().zip(nonce).filter(|(first, _)| first.id() != secret.sealed.key)
    else {
        return Ok(None);
    };
    let value = open(keys, source, name, secret)?;
    let sealed = first.seal(name, secret.version, &value, &nonce);
    sealed.map(Some).ok_or_else(|| SecretError::Key(format!("secret `{name}` could not be sealed anew")))
}

/// Where the key is looked for, for people.
fn place(source: &KeySource) -> String {
    match source {
        KeySource::None => "the host was started without one".into(),
        KeySource::File(path) => path.display().to_string(),
        KeySource::Given(_) => "SANDGLASS_SECRET_KEY".into(),
    }
}

async fn on_disk(work: impl FnOnce() -> Result<(), FileError> + Send + 'static) -> Result<(), SecretError> {
    let done = tokio::task::spawn_blocking(work).await;
    match done.map_err(|error| SecretError::Key(error.to_string()))? {
        Err(FileError::Io(_, error)) if error.kind() == io::ErrorKind::StorageFull => {
            Err(StoreError::Full.into())
        }
        done => Ok(done?),
    }
}
