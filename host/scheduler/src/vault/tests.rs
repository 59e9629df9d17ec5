//! A vault over a store in memory, with its key in a file or handed over.

use super::key::nonce;
use super::*;
use sandglass_core::Instant;
use sandglass_core::limit::fixed;
use sandglass_store::Read;
use sandglass_store::memory::Memory;
use std::fs;

/// A data folder, and the store that belongs to it.
struct Place {
    store: Arc<Memory>,
    folder: tempfile::TempDir,
}

fn name(text: &str) -> SecretName {
    text.parse().unwrap()
}

fn value(text: &str) -> SecretValue {
    SecretValue::new(text.into()).unwrap()
}

fn ring(keys: &[&Key]) -> Keyring {
    keys.iter().rev().fold(Keyring::default(), |ring, key| ring.begun_with((*key).clone()))
}

impl Place {
    fn new() -> Place {
        Place { store: Arc::new(Memory::new()), folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("secret.key")
    }

    fn source(&self) -> KeySource {
        KeySource::File(self.path())
    }

    /// The vault as a start of the host finds it.
    fn open(&self, source: KeySource) -> Vault {
        Vault::open(self.store.clone(), Arc::new(|| Instant::EPOCH), source).unwrap()
    }

    fn vault(&self) -> Vault {
        self.open(self.source())
    }

    fn records(&self) -> Vec<(SecretName, Secret)> {
        self.store.read(|read: &dyn Read| secret::list(read, None, 2_000)).unwrap()
    }

    /// Whether all secrets are sealed under this key.
    fn all_under(&self, key: &str) -> bool {
        self.records().iter().all(|(_, secret)| secret.sealed.key == key)
    }
}

async fn set(vault: &Vault, named: &str, text: &str) -> Result<(Secret, bool), SecretError> {
    vault.set(name(named), value(text), |_| Ok(())).await
}

#[track_caller]
fn is_key_error<T: std::fmt::Debug>(result: Result<T, SecretError>, words: &str) {
    match result {
        Err(SecretError::Key(message)) => assert!(message.contains(words), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_secret_is_kept_until_it_is_set_anew_or_deleted() {
    let place = Place::new();
    let vault = place.vault();
    assert!(!place.path().exists());
    assert_eq!(vault.get(&name("A")).unwrap(), None);
    let (first, new) = set(&vault, "A", "one two").await.unwrap();
    assert!(new && place.path().exists());
    assert_eq!(vault.get(&name("A")).unwrap(), Some(value("one two")));
    let (second, new) = set(&vault, "A", "three").await.unwrap();
    assert!(!new && second.version > first.version);
    assert_eq!(place.vault().get(&name("A")).unwrap(), Some(value("three")));

    let known = second.version;
    let stale = vault.set(name("A"), value("four"), move |version| {
        assert_eq!(version, Some(known));
        Err(OpError::Stale("no".into()))
    });
    assert!(matches!(stale.await, Err(SecretError::Op(OpError::Stale(_)))));
    assert_eq!(vault.get(&name("A")).unwrap(), Some(value("three")));
    vault.delete(name("A"), |_| Ok(())).await.unwrap();
    assert_eq!(vault.get(&name("A")).unwrap(), None);
    let gone = vault.delete(name("A"), |_| Ok(())).await;
    assert!(matches!(gone, Err(SecretError::Op(OpError::NotFound(_)))));
}

#[tokio::test]
async fn another_key_opens_nothing_and_loses_nothing() {
    let place = Place::new();
    set(&place.vault(), "A", "one two").await.unwrap();
    let kept = fs::read(place.path()).unwrap();

    // A key that is another one.
    let other = Keyring::default().begun_with(Key::random().unwrap());
    file::replace(&place.path(), &other).unwrap();
    let vault = place.vault();
    let words = format!("sealed under the key {}", place.records()[0].1.sealed.key);
    is_key_error(vault.get(&name("A")), &words);
    is_key_error(vault.rotate().await, "these secrets cannot be opened");
    assert_eq!(file::read(&place.path()).unwrap(), Some(other));

    // A key that is gone: none is made in its place while something needs it.
    fs::remove_file(place.path()).unwrap();
    let vault = place.vault();
    is_key_error(vault.get(&name("A")), "which this host does not have");
    is_key_error(set(&vault, "B", "three").await, "there is no key");
    assert!(!place.path().exists());

    // The right one, put back while the host runs.
    fs::write(place.path(), kept).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(place.path(), mode).unwrap();
    set(&vault, "B", "three").await.unwrap();
    for vault in [vault, place.vault()] {
        assert_eq!(vault.get(&name("A")).unwrap(), Some(value("one two")));
        assert_eq!(vault.get(&name("B")).unwrap(), Some(value("three")));
    }
}

#[tokio::test]
async fn secrets_whose_key_is_lost_can_be_deleted_and_set_anew() {
    let place = Place::new();
    set(&place.vault(), "A", "one two").await.unwrap();
    fs::remove_file(place.path()).unwrap();
    let vault = place.vault();
    vault.delete(name("A"), |_| Ok(())).await.unwrap();
    set(&vault, "A", "three").await.unwrap();
    assert_eq!(vault.get(&name("A")).unwrap(), Some(value("three")));
}

#[tokio::test]
async fn a_new_key_seals_everything_anew_and_changes_no_value() {
    let place = Place::new();
    let vault = place.vault();
    is_key_error(vault.rotate().await, "there is no key yet");
    for number in 0..=(RESEALED_AT_ONCE * 2) {
        set(&vault, &format!("S{number}"), &format!("value {number}")).await.unwrap();
    }
    let before = place.records();
    let done = vault.rotate().await.unwrap();
    assert_eq!(done.secrets, before.len());
    assert!(place.all_under(&done.key) && before[0].1.sealed.key != done.key);
    let versions = |records: &[(SecretName, Secret)]| -> Vec<u64> {
        records.iter().map(|(_, secret)| secret.version).collect()
    };
    assert_eq!(versions(&place.records()), versions(&before));
    assert_eq!(file::read(&place.path()).unwrap().unwrap().ids(), std::slice::from_ref(&done.key));
    for vault in [&vault, &place.vault()] {
        for number in 0..before.len() {
            let found = vault.get(&name(&format!("S{number}"))).unwrap();
            assert_eq!(found, Some(value(&format!("value {number}"))));
        }
    }
    // No number used once is used twice.
    assert!(
        place
            .records()
            .iter()
            .zip(&before)
            .all(|(now, then)| now.1.sealed.text[..32] != then.1.sealed.text[..32])
    );
}

/// Stops a change of the key after each of its steps, and starts the host again.
#[tokio::test]
async fn a_change_of_the_key_that_was_interrupted_is_finished_at_the_next_start() {
    const SECRETS: usize = 5;
    for resealed in 0..=SECRETS {
        let place = Place::new();
        let vault = place.vault();
        for number in 0..SECRETS {
            set(&vault, &format!("S{number}"), &format!("value {number}")).await.unwrap();
        }
        let both = vault.keys().begun_with(Key::random().unwrap());
        file::replace(&place.path(), &both).unwrap();
        let (keys, source) = (both.clone(), place.source());
        let part = place.store.write(move |write| {
            secret::reseal::<SecretError>(write, None, resealed, |name, secret| {
                reseal(&keys, &source, name, secret, Some(nonce().unwrap()))
            })
        });
        assert_eq!(part.await.unwrap().1, resealed);
        drop(vault);

        let vault = place.vault();
        // What is set before it is finished is under the new key already.
        set(&vault, "NEW", "four").await.unwrap();
        assert_eq!(vault.get(&name("S0")).unwrap(), Some(value("value 0")));
        vault.settle().await.unwrap();
        let first = both.first_alone();
        assert_eq!(file::read(&place.path()).unwrap(), Some(first.clone()));
        assert!(place.all_under(&first.ids()[0]));
        let vault = place.vault();
        vault.settle().await.unwrap();
        for number in 0..SECRETS {
            let found = vault.get(&name(&format!("S{number}"))).unwrap();
            assert_eq!(found, Some(value(&format!("value {number}"))));
        }
    }
}

#[tokio::test]
async fn keys_that_were_handed_over_are_changed_by_handing_over_two() {
    let place = Place::new();
    let (old, new) = (Key::random().unwrap(), Key::random().unwrap());
    let vault = place.open(KeySource::Given(ring(&[&old])));
    set(&vault, "A", "one two").await.unwrap();
    is_key_error(vault.rotate().await, "SANDGLASS_SECRET_KEY=new,old");
    assert!(!place.path().exists());

    let vault = place.open(KeySource::Given(ring(&[&new, &old])));
    vault.settle().await.unwrap();
    assert!(place.all_under(new.id()));
    let vault = place.open(KeySource::Given(ring(&[&new])));
    assert_eq!(vault.get(&name("A")).unwrap(), Some(value("one two")));
    is_key_error(place.open(KeySource::Given(ring(&[&old]))).get(&name("A")), "SANDGLASS_SECRET_KEY");
    is_key_error(set(&place.open(KeySource::None), "B", "three").await, "started without a key");
}

/// Readers and writers beside changes of the key see every value, and lose none.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_of_the_key_disturbs_nobody() {
    const ROUNDS: usize = 20;
    let place = Place::new();
    let vault = Arc::new(place.vault());
    set(&vault, "READ", "never changes").await.unwrap();
    let work = |each: fn(Arc<Vault>, usize) -> sandglass_runtime::BoxFuture<'static, ()>| {
        let vault = vault.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                each(vault.clone(), round).await;
            }
        })
    };
    let tasks = [
        work(|vault, _| Box::pin(async move { drop(vault.rotate().await.unwrap()) })),
        work(|vault, _| {
            Box::pin(async move {
                for _ in 0..50 {
                    assert_eq!(vault.get(&name("READ")).unwrap(), Some(value("never changes")));
                }
            })
        }),
        work(|vault, round| {
            Box::pin(async move {
                set(&vault, "WRITTEN", &format!("value {round}")).await.unwrap();
                assert_eq!(vault.get(&name("WRITTEN")).unwrap(), Some(value(&format!("value {round}"))));
            })
        }),
    ];
    for task in tasks {
        task.await.unwrap();
    }
    let vault = place.vault();
    assert_eq!(vault.get(&name("WRITTEN")).unwrap(), Some(value(&format!("value {}", ROUNDS - 1))));
    assert_eq!(vault.get(&name("READ")).unwrap(), Some(value("never changes")));
}

#[tokio::test]
async fn what_is_stored_shows_no_value_and_is_limited_in_number() {
    let place = Place::new();
    let vault = place.vault();
    set(&vault, "A", "correct horse battery staple").await.unwrap();
    let stored = serde_json::to_string(&place.records()[0].1).unwrap();
    assert!(!stored.contains("horse"));
    for number in 1..fixed::SECRETS {
        set(&vault, &format!("S{number}"), "value").await.unwrap();
    }
    match set(&vault, "ONE_MORE", "value").await {
        Err(SecretError::Op(OpError::Limit(message))) => {
            assert_eq!(message, "1000 secrets, and the limit is 1000 (limit secrets)");
        }
        other => panic!("{other:?}"),
    }
    set(&vault, "A", "may be set anew").await.unwrap();
}

#[tokio::test]
async fn a_key_that_cannot_be_written_is_told_and_nothing_is_stored() {
    let place = Place::new();
    let nowhere = place.folder.path().join("none/secret.key");
    let vault = place.open(KeySource::File(nowhere));
    assert!(matches!(set(&vault, "A", "one two").await, Err(SecretError::File(_))));
    assert!(place.records().is_empty());
}
