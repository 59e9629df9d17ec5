//! Compiling in a child process, and what is told of one that does not come back with an answer.

use bytes::Bytes;
use sandglass_core::Digest;
use sandglass_runtime::{CompileError, CompileLimit, CompileLimits, Compiler, Runtime, Settings};

const JOB: &str = r#"(component
  (core module $m (func (export "run") (param i32 i32 i32) (result i32) unreachable)
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $m (instantiate $m))
  (type $failure (record (field "retry" bool) (field "message" string)))
  (func $run (param "input" (option string)) (result (result (option string) (error $failure)))
    (canon lift (core func $m "run") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
  (component $export
    (type $failure (record (field "retry" bool) (field "message" string)))
    (import "failure" (type $named (eq $failure)))
    (import "run" (func $run (param "input" (option string)) (result (result (option string) (error $named)))))
    (export $out "failure" (type $failure))
    (export "run" (func $run)
      (func (param "input" (option string)) (result (result (option string) (error $out))))))
  (instance $export (instantiate $export (with "failure" (type $failure)) (with "run" (func $run))))
  (export "sandglass:job/run@0.1.0" (instance $export)))"#;

fn compiler() -> Compiler {
    Compiler::with_program(env!("CARGO_BIN_EXE_compile-worker").into(), Vec::new())
}

/// A child that does what a shell script says.
fn script(script: &str) -> Compiler {
    Compiler::with_program("/bin/sh".into(), vec!["-c".into(), script.into()])
}

fn memory() -> CompileError {
    CompileError::Limit(CompileLimit::Memory(CompileLimits::default().memory))
}

fn bytes(wat: &str) -> Bytes {
    wat::parse_str(wat).unwrap().into()
}

#[tokio::test]
async fn what_the_child_compiles_the_runtime_loads() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new(&Settings { attempts_max: 1, ..Settings::new(folder.path()) }).unwrap();
    let bytes = bytes(JOB);
    let compiled = compiler().compile(bytes.clone()).await.unwrap();
    assert_eq!(compiled.report.exports, ["sandglass:job/run@0.1.0"]);
    let component = Digest::of(&bytes);
    let kept = runtime.keep(component, compiled.artifact).await.unwrap();
    runtime.load(component, kept.digest).await.unwrap();
}

#[tokio::test]
async fn a_component_that_is_wrong_is_refused_with_its_problems() {
    for (bytes, told) in
        [(Bytes::from_static(b"\0\x01\x02"), "not WebAssembly"), (bytes("(module)"), "it exports neither")]
    {
        match compiler().compile(bytes).await {
            Err(CompileError::Refused(problems)) => {
                assert!(problems[0].message.contains(told), "{problems:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_component_that_takes_too_much_memory_to_compile_is_told_so() {
    // One function of nearly four million instructions that all depend on each other: close to the most bytes that a
    // function may have, and well over what fits into the memory, which is not the same each time.
    let body = "(local.set 0 (i32.mul (local.get 0) (i32.add (local.get 0) (i32.load (local.get 0)))))"
        .repeat(560_000);
    let wat = JOB.replace(
        "(memory (export \"memory\") 1)",
        &format!("(memory (export \"memory\") 1) (func (param i32) {body})"),
    );
    let error = compiler().compile(bytes(&wat)).await.unwrap_err();
    assert_eq!(error, memory());
    let told = "compiling takes more than 2GiB of memory (limit compile_memory)";
    assert_eq!(error.to_string(), told);
}

#[tokio::test]
async fn how_a_child_ends_without_an_answer_says_whose_fault_it_is() {
    let component = Bytes::from_static(b"anything");
    let ends = |how: &'static str| {
        let component = component.clone();
        async move { script(how).compile(component).await.unwrap_err() }
    };
    let cpu = CompileError::Limit(CompileLimit::Cpu(CompileLimits::default().cpu));
    assert_eq!(cpu.to_string(), "compiling takes more than 1m of processor time (limit compile_cpu)");
    assert_eq!(ends("kill -XCPU $$").await, cpu);
    let aborted = "echo 'memory allocation of 8 bytes failed' >&2; kill -ABRT $$";
    assert_eq!(ends(aborted).await, memory());
    let panicked = "echo 'unhandled out-of-memory error: out of memory' >&2; exit 101";
    assert_eq!(ends(panicked).await, memory());
    assert!(matches!(ends("kill -SEGV $$").await, CompileError::Refused(_)));
    assert!(matches!(ends("exit 101").await, CompileError::Refused(_)));
    assert!(matches!(ends("kill -KILL $$").await, CompileError::Failed(_)));
    assert_eq!(
        ends("echo no luck >&2; exit 1").await,
        CompileError::Failed("exit status: 1: no luck".into())
    );
    assert!(matches!(ends("echo garbage").await, CompileError::Failed(_)));
    let nobody = Compiler::with_program("/nowhere/at-all".into(), Vec::new());
    assert!(matches!(nobody.compile(component.clone()).await, Err(CompileError::Failed(_))));
}

#[tokio::test]
async fn compilations_take_turns_and_one_that_nobody_waits_for_ends() {
    let compiler = script("sleep 60");
    let component = Bytes::from_static(b"anything");
    let given_up =
        tokio::time::timeout(std::time::Duration::from_millis(50), compiler.compile(component.clone()));
    assert!(given_up.await.is_err());
    // The turn is free again: the next one starts, and waits for itself alone.
    let again = tokio::time::timeout(std::time::Duration::from_millis(50), compiler.compile(component));
    assert!(again.await.is_err());
}
