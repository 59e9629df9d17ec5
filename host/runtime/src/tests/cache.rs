//! Artifacts: made once, loaded only where they are what was made.

use super::guest::{OK, job};
use super::{Host, compile, ending};
use crate::cache::LoadError;
use crate::engine;
use crate::runtime::{Runtime, Settings};
use sandglass_core::Digest;
use sandglass_core::spec::Specification;

fn is_needs_compile<T>(result: &Result<T, LoadError>) -> bool {
    matches!(result, Err(LoadError::NeedsCompile(_)))
}

#[test]
fn the_two_engines_make_the_same_machine_code() {
    let folder = tempfile::tempdir().unwrap();
    let running = engine::for_running(&Settings { attempts_max: 1, ..Settings::new(folder.path()) }).unwrap();
    let compiling = engine::for_compiling().unwrap();
    assert_eq!(engine::key(&running), engine::key(&compiling));
}

#[tokio::test]
async fn an_artifact_outlives_the_runtime_that_kept_it() {
    let Host { runtime, store, folder } = Host::new();
    let bytes = wat::parse_str(job(OK)).unwrap();
    let component = Digest::of(&bytes);
    let kept = runtime.keep(component, compile(&bytes).unwrap().0).await.unwrap();
    drop(runtime);
    let settings = Settings { attempts_max: 8, ..Settings::new(folder.path()) };
    let host = Host { runtime: Runtime::new(&settings).unwrap(), store, folder };
    let ready = host.runtime.load(component, kept.digest).await.unwrap();
    let attempt = host.attempt(Specification::new(component));
    assert_eq!(ending(host.runtime.run(ready, attempt).await).result, Ok(None));
    host.runtime.forget(component).await.unwrap();
    assert!(is_needs_compile(&host.runtime.load(component, kept.digest).await));
}

#[tokio::test]
async fn a_file_that_is_missing_changed_or_not_ours_is_compiled_again() {
    let host = Host::new();
    let bytes = wat::parse_str(job(OK)).unwrap();
    let component = Digest::of(&bytes);
    let (artifact, _) = compile(&bytes).unwrap();
    assert!(is_needs_compile(&host.runtime.load(component, Digest::of(&artifact)).await));

    let kept = host.runtime.keep(component, artifact.clone()).await.unwrap();
    let file =
        std::fs::read_dir(host.folder.path().join("artifacts")).unwrap().next().unwrap().unwrap().path();
    let mut changed = artifact.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &changed).unwrap();
    assert!(is_needs_compile(&host.runtime.load(component, kept.digest).await));
    std::fs::write(&file, b"not machine code").unwrap();
    assert!(is_needs_compile(&host.runtime.load(component, Digest::of(b"not machine code")).await));

    // Made again, it is loaded; and what another engine left is gone at the next start.
    host.runtime.keep(component, artifact).await.unwrap();
    assert!(host.runtime.load(component, kept.digest).await.is_ok());
    let stray = file.with_file_name(format!("{component}-0000000000000000.cwasm"));
    std::fs::write(&stray, b"").unwrap();
    let settings = Settings { attempts_max: 1, ..Settings::new(host.folder.path()) };
    Runtime::new(&settings).unwrap();
    assert!(!stray.exists() && file.exists());
}

#[tokio::test]
async fn only_so_many_components_stay_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { attempts_max: 1, ready_max: 1, ..Settings::new(folder.path()) };
    let runtime = Runtime::new(&settings).unwrap();
    let mut kept = Vec::new();
    for body in ["(i32.const 16)", "(i32.const 32)"] {
        let bytes = wat::parse_str(job(body)).unwrap();
        let component = Digest::of(&bytes);
        let artifact = runtime.keep(component, compile(&bytes).unwrap().0).await.unwrap();
        kept.push((component, artifact.digest, runtime.load(component, artifact.digest).await.unwrap()));
    }
    let (component, artifact, first) = &kept[0];
    let again = runtime.load(*component, *artifact).await.unwrap();
    assert!(!std::sync::Arc::ptr_eq(first, &again));
    let again_yet = runtime.load(*component, *artifact).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&again, &again_yet));
}
