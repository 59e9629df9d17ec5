//! Guests by hand: a component of the world `job` around pieces of WebAssembly text.
//!
//! A guest has everything at hand that a piece may want to call: the functions that [`API`] imports. Its memory is
//! that of a core module of its own, `$libc`, which has nothing else but `realloc`; `$main` holds `run`.

/// What a guest is made of. What is not said does nothing.
pub struct Wat {
    pages: u32,
    realloc: String,
    before: String,
    with: String,
    module: String,
    run: String,
    post_return: String,
}

/// Returns ok without text: at 16 nothing is ever written.
pub const OK: &str = "(i32.const 16)";

/// Hands out one piece of memory after the other, and never looks at where memory ends.
const BUMP: &str = "
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at)";

/// A guest whose `run` has this body. Locals: `$in` (0 without input), `$at` and `$len` of the input. It returns
/// the address of a result.
pub fn run(body: &str) -> Wat {
    Wat {
        pages: 2,
        realloc: BUMP.into(),
        before: String::new(),
        with: String::new(),
        module: String::new(),
        run: body.into(),
        post_return: String::new(),
    }
}

/// A guest that does this again and again, for ever.
pub fn forever(step: &str) -> Wat {
    run(&format!("(loop $again {step} (br $again)) (unreachable)"))
}

/// A guest that does this so many times. Local: `$n`, from 0.
pub fn times(count: u32, step: &str) -> Wat {
    run(&format!(
        "(local $n i32)
        (loop $again
          {step}
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $n) (i32.const {count}))))
        {OK}"
    ))
}

/// One piece for each number, in their order.
pub fn for_each(numbers: std::ops::Range<usize>, piece: impl Fn(usize) -> String) -> String {
    numbers.fold(String::new(), |text, number| text + &piece(number))
}

impl Wat {
    /// Pages of its first memory. The result is at 16, and what `realloc` gives begins at 4096.
    pub fn pages(self, pages: u32) -> Wat {
        Wat { pages, ..self }
    }

    /// The body of `realloc`. Parameters: `$old`, `$old_size`, `$align`, `$size`.
    pub fn realloc(self, body: &str) -> Wat {
        Wat { realloc: body.into(), ..self }
    }

    /// What stands in the component before the module that runs, and how it is given to it.
    pub fn before(self, component: &str, with: &str) -> Wat {
        Wat { before: component.into(), with: with.into(), ..self }
    }

    /// What stands in the module that runs, beside `run`. Imports first.
    pub fn module(self, module: &str) -> Wat {
        Wat { module: module.into(), ..self }
    }

    /// What is done once the result was read. Parameter: `$result`.
    pub fn post_return(self, body: &str) -> Wat {
        Wat { post_return: body.into(), ..self }
    }

    pub fn text(self) -> String {
        let Wat { pages, realloc, before, with, module, run, post_return } = self;
        format!(
            r#"
(component
  {API}
  (core module $libc
    (memory (export "memory") {pages})
    (global $heap (mut i32) (i32.const 4096))
    (func $realloc (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
      (result i32)
      {realloc}))
  (core instance $libc (instantiate $libc))
  {LOWERED}
  {before}
  (core module $main
    (import "libc" "memory" (memory $memory 1))
    {SIGNATURES}
    {module}
    (func $run (export "run") (param $in i32) (param $at i32) (param $len i32) (result i32)
      {run})
    (func $post (export "post") (param $result i32)
      {post_return}))
  (core instance $main (instantiate $main (with "libc" (instance $libc)) (with "env" (instance $env)) {with}))
  {EXPORT})
"#
        )
    }

    pub fn bytes(self) -> Vec<u8> {
        let text = self.text();
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// The component's side of what a guest can call.
const API: &str = r#"
  (import "sandglass:job/types@0.1.0" (instance $types
    (type $e (record (field "code" string) (field "message" string)))
    (export "error" (type (eq $e)))))
  (alias export $types "error" (type $error))
  (import "sandglass:job/this-run@0.1.0" (instance $this
    (export "now" (func (result s64)))
    (export "setting" (func (param "name" string) (result (option string))))
    (export "checkpoint" (func (param "progress" (option string))))))
  (import "sandglass:job/log@0.1.0" (instance $log
    (type $l (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $l)))
    (export "write" (func (param "level" $level) (param "message" string)))))
  (import "sandglass:job/table@0.1.0" (instance $table
    (alias outer 1 $error (type $e))
    (export "error" (type $error (eq $e)))
    (type $r (record (field "id" string) (field "version" u64) (field "created-at" s64) (field "updated-at" s64)
      (field "fields" string)))
    (export "row" (type $row (eq $r)))
    (export "table" (type $t (sub resource)))
    (export "[method]table.get" (func (param "self" (borrow $t)) (param "id" string)
      (result (result (option $row) (error $error)))))
    (export "[method]table.insert" (func (param "self" (borrow $t)) (param "fields" string)
      (param "id" (option string)) (result (result string (error $error)))))
    (export "open" (func (param "name" string) (result (result (own $t) (error $error)))))))
  (alias export $table "table" (type $table_type))
  (import "wasi:io/error@0.2.0" (instance $io_error (export "error" (type (sub resource)))))
  (alias export $io_error "error" (type $io_error_type))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))
    (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable_type))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $io_error_type (type $e))
    (alias outer 1 $pollable_type (type $p))
    (export "error" (type $error (eq $e)))
    (type $s (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream_error (eq $s)))
    (export "output-stream" (type $out (sub resource)))
    (export "[method]output-stream.check-write" (func (param "self" (borrow $out))
      (result (result u64 (error $stream_error)))))
    (export "[method]output-stream.write" (func (param "self" (borrow $out)) (param "contents" (list u8))
      (result (result (error $stream_error)))))
    (export "[method]output-stream.subscribe" (func (param "self" (borrow $out)) (result (own $p))))))
  (alias export $streams "output-stream" (type $stream_type))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $stream_type (type $o))
    (export "output-stream" (type $out (eq $o)))
    (export "get-stdout" (func (result (own $out))))))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable_type (type $o))
    (export "pollable" (type $p (eq $o)))
    (export "now" (func (result u64)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))
    (export "get-random-u64" (func (result u64)))))
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))))
"#;

/// The same as core functions.
const LOWERED: &str = r#"
  (alias core export $libc "memory" (core memory $mem))
  (alias core export $libc "realloc" (core func $grow))
  (core func $now (canon lower (func $this "now")))
  (core func $setting (canon lower (func $this "setting") (memory $mem) (realloc $grow)))
  (core func $checkpoint (canon lower (func $this "checkpoint") (memory $mem)))
  (core func $write_log (canon lower (func $log "write") (memory $mem)))
  (core func $open (canon lower (func $table "open") (memory $mem) (realloc $grow)))
  (core func $get (canon lower (func $table "[method]table.get") (memory $mem) (realloc $grow)))
  (core func $insert (canon lower (func $table "[method]table.insert") (memory $mem) (realloc $grow)))
  (core func $drop_table (canon resource.drop $table_type))
  (core func $poll_list (canon lower (func $poll "poll") (memory $mem) (realloc $grow)))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $drop_pollable (canon resource.drop $pollable_type))
  (core func $get_stdout (canon lower (func $stdout "get-stdout")))
  (core func $check_write (canon lower (func $streams "[method]output-stream.check-write") (memory $mem)))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $mem)))
  (core func $subscribe_stream (canon lower (func $streams "[method]output-stream.subscribe")))
  (core func $drop_stream (canon resource.drop $stream_type))
  (core func $monotonic (canon lower (func $clock "now")))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $random_bytes (canon lower (func $random "get-random-bytes") (memory $mem) (realloc $grow)))
  (core func $random_u64 (canon lower (func $random "get-random-u64")))
  (core func $get_environment (canon lower (func $environment "get-environment") (memory $mem) (realloc $grow)))
  (core instance $env
    (export "now" (func $now)) (export "setting" (func $setting)) (export "checkpoint" (func $checkpoint))
    (export "log" (func $write_log))
    (export "open" (func $open)) (export "get" (func $get)) (export "insert" (func $insert))
    (export "drop-table" (func $drop_table))
    (export "poll" (func $poll_list)) (export "block" (func $block)) (export "drop-pollable" (func $drop_pollable))
    (export "stdout" (func $get_stdout)) (export "check-write" (func $check_write)) (export "write" (func $write))
    (export "subscribe-stream" (func $subscribe_stream)) (export "drop-stream" (func $drop_stream))
    (export "monotonic" (func $monotonic)) (export "subscribe" (func $subscribe))
    (export "random-bytes" (func $random_bytes)) (export "random-u64" (func $random_u64))
    (export "environment" (func $get_environment)))
"#;

/// What the module that runs calls them. The last parameter is where an answer is put that is no number.
const SIGNATURES: &str = r#"
    (import "env" "now" (func $now (result i64)))
    (import "env" "setting" (func $setting (param $name i32) (param $len i32) (param $answer i32)))
    (import "env" "checkpoint" (func $checkpoint (param $is_some i32) (param $at i32) (param $len i32)))
    (import "env" "log" (func $log (param $level i32) (param $at i32) (param $len i32)))
    (import "env" "open" (func $open (param $name i32) (param $len i32) (param $answer i32)))
    (import "env" "get" (func $get (param $table i32) (param $id i32) (param $len i32) (param $answer i32)))
    (import "env" "insert" (func $insert (param $table i32) (param $fields i32) (param $fields_len i32)
      (param $is_some i32) (param $id i32) (param $id_len i32) (param $answer i32)))
    (import "env" "drop-table" (func $drop_table (param $table i32)))
    (import "env" "poll" (func $poll (param $list i32) (param $count i32) (param $answer i32)))
    (import "env" "block" (func $block (param $pollable i32)))
    (import "env" "drop-pollable" (func $drop_pollable (param $pollable i32)))
    (import "env" "stdout" (func $stdout (result i32)))
    (import "env" "check-write" (func $check_write (param $stream i32) (param $answer i32)))
    (import "env" "write" (func $write (param $stream i32) (param $at i32) (param $len i32) (param $answer i32)))
    (import "env" "subscribe-stream" (func $subscribe_stream (param $stream i32) (result i32)))
    (import "env" "drop-stream" (func $drop_stream (param $stream i32)))
    (import "env" "monotonic" (func $monotonic (result i64)))
    (import "env" "subscribe" (func $subscribe (param $nanoseconds i64) (result i32)))
    (import "env" "random-bytes" (func $random_bytes (param $count i64) (param $answer i32)))
    (import "env" "random-u64" (func $random_u64 (result i64)))
    (import "env" "environment" (func $environment (param $answer i32)))
"#;

/// `run` as an export of the world `job`.
pub const EXPORT: &str = r#"
  (type $failure (record (field "retry" bool) (field "message" string)))
  (type $run (func (param "input" (option string)) (result (result (option string) (error $failure)))))
  (func $lifted (type $run)
    (canon lift (core func $main "run") (memory (core memory $libc "memory"))
      (realloc (core func $libc "realloc")) (post-return (core func $main "post"))))
  (component $export
    (type $failure (record (field "retry" bool) (field "message" string)))
    (import "failure" (type $named (eq $failure)))
    (type $run (func (param "input" (option string)) (result (result (option string) (error $named)))))
    (import "run" (func $run (type $run)))
    (export $out "failure" (type $failure))
    (export "run" (func $run)
      (func (param "input" (option string)) (result (result (option string) (error $out))))))
  (instance $export (instantiate $export (with "failure" (type $failure)) (with "run" (func $lifted))))
  (export "sandglass:job/run@0.1.0" (instance $export))"#;
