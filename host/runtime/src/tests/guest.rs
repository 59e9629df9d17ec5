//! Guests by hand: the world `job` around the body of one core function.

/// A component whose `run` has this body. Locals: `$in` (0 without input), `$at` and `$len` of the input. It
/// returns the address of a result; [`OK`] is that of one without text.
pub(super) fn job(body: &str) -> String {
    job_with("", "", "", body)
}

/// The same, with imports of the component, imports of the core module and how they are given to it, and what
/// else stands in the module beside `run`.
pub(super) fn job_with(component: &str, given: &str, module: &str, body: &str) -> String {
    format!(
        r#"
(component
  {component}
  (core module $main
    {module}
    (memory (export "memory") 1)
    ;; At 16: ok(none). At 32: err(failure with retry and the message at 64).
    (data (i32.const 32) "\01\00\00\00\01\00\00\00\40\00\00\00\05\00\00\00")
    (data (i32.const 64) "sorry")
    (global $heap (mut i32) (i32.const 4096))
    (func $alloc (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
      (global.set $heap (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func $run (export "run") (param $in i32) (param $at i32) (param $len i32) (result i32)
      {body}))
  (core instance $main (instantiate $main {given}))
  (type $failure (record (field "retry" bool) (field "message" string)))
  (type $run (func (param "input" (option string)) (result (result (option string) (error $failure)))))
  (func $lifted (type $run)
    (canon lift (core func $main "run") (memory (core memory $main "memory"))
      (realloc (core func $main "realloc"))))
  (component $export
    (type $failure (record (field "retry" bool) (field "message" string)))
    (import "failure" (type $named (eq $failure)))
    (type $run (func (param "input" (option string)) (result (result (option string) (error $named)))))
    (import "run" (func $run (type $run)))
    (export $out "failure" (type $failure))
    (export "run" (func $run)
      (func (param "input" (option string)) (result (result (option string) (error $out))))))
  (instance $export (instantiate $export (with "failure" (type $failure)) (with "run" (func $lifted))))
  (export "sandglass:job/run@0.1.0" (instance $export)))
"#
    )
}

/// Returns ok without text.
pub(super) const OK: &str = "(i32.const 16)";

/// Returns a failure that is worth another attempt, with the message `sorry`.
pub(super) const SORRY: &str = "(i32.const 32)";

/// Returns the input as the result.
pub(super) const ECHO: &str = "
    (i32.store8 (i32.const 20) (local.get $in))
    (i32.store (i32.const 24) (local.get $at))
    (i32.store (i32.const 28) (local.get $len))
    (i32.const 16)";
