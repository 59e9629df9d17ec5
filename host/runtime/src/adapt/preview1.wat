;; WASI preview 1 for core modules, on what `system.wit` offers.
;;
;; It has no memory, no stack and no state of its own. Runtimes such as Go's take every page that memory grows by for
;; theirs, so an adapter must not grow it; all it writes to is what it was handed for the purpose.
;;
;; A job has stdin, stdout and stderr, and no other file: whatever names another descriptor is told `badf`. Layouts
;; and numbers are those of the witx files of WASI snapshot 1.

(module
  (import "env" "memory" (memory 0))
  (import "sandglass:preview1/system@0.1.0" "size" (func $size (param i32) (result i64)))
  (import "sandglass:preview1/system@0.1.0" "bytes" (func $bytes (param i32 i32) (result i64)))
  (import "sandglass:preview1/system@0.1.0" "read" (func $read (param i32) (result i32)))
  (import "sandglass:preview1/system@0.1.0" "write" (func $write (param i32 i32 i32)))
  (import "sandglass:preview1/system@0.1.0" "now" (func $now (param i32) (result i64)))
  (import "sandglass:preview1/system@0.1.0" "sleep" (func $sleep (param i64)))
  (import "sandglass:preview1/system@0.1.0" "exit" (func $exit (param i32)))
  ;;program (import "__main_module__" "_start" (func $start))

  ;; Errors.
  (global $success i32 (i32.const 0))
  (global $badf i32 (i32.const 8))
  (global $inval i32 (i32.const 28))
  (global $notsup i32 (i32.const 58))
  (global $spipe i32 (i32.const 70))

  ;; Copies the first bytes of a source, a word at a time.
  (func $copy (param $source i32) (param $to i32) (param $len i32)
    (local $at i32) (local $word i64)
    (block $done
      (loop $words
        (br_if $done (i32.ge_u (local.get $at) (local.get $len)))
        (local.set $word (call $bytes (local.get $source) (local.get $at)))
        (if (i32.ge_u (i32.sub (local.get $len) (local.get $at)) (i32.const 8))
          (then
            (i64.store align=1 (i32.add (local.get $to) (local.get $at)) (local.get $word))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br $words)))
        (loop $rest
          (i64.store8 (i32.add (local.get $to) (local.get $at)) (local.get $word))
          (local.set $word (i64.shr_u (local.get $word) (i64.const 8)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $rest (i32.lt_u (local.get $at) (local.get $len)))))))

  ;; Writes how many texts a source holds, and the bytes that they take.
  (func $sizes (param $source i32) (param $count i32) (param $len i32) (result i32)
    (local $size i64)
    (local.set $size (call $size (local.get $source)))
    (i64.store32 (local.get $count) (i64.shr_u (local.get $size) (i64.const 32)))
    (i64.store32 (local.get $len) (local.get $size))
    (global.get $success))

  ;; Writes the texts of a source, and a pointer to each.
  (func $texts (param $source i32) (param $pointers i32) (param $to i32) (result i32)
    (local $end i32) (local $begins i32)
    (local.set $end (i32.wrap_i64 (call $size (local.get $source))))
    (call $copy (local.get $source) (local.get $to) (local.get $end))
    (local.set $end (i32.add (local.get $to) (local.get $end)))
    (local.set $begins (i32.const 1))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $to) (local.get $end)))
        (if (local.get $begins)
          (then
            (i32.store (local.get $pointers) (local.get $to))
            (local.set $pointers (i32.add (local.get $pointers) (i32.const 4)))))
        (local.set $begins (i32.eqz (i32.load8_u (local.get $to))))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br $next)))
    (global.get $success))

  (func (export "args_sizes_get") (param $count i32) (param $len i32) (result i32)
    (call $sizes (i32.const 0) (local.get $count) (local.get $len)))
  (func (export "args_get") (param $pointers i32) (param $to i32) (result i32)
    (call $texts (i32.const 0) (local.get $pointers) (local.get $to)))
  (func (export "environ_sizes_get") (param $count i32) (param $len i32) (result i32)
    (call $sizes (i32.const 1) (local.get $count) (local.get $len)))
  (func (export "environ_get") (param $pointers i32) (param $to i32) (result i32)
    (call $texts (i32.const 1) (local.get $pointers) (local.get $to)))

  (func (export "random_get") (param $to i32) (param $len i32) (result i32)
    (call $copy (i32.const 3) (local.get $to) (local.get $len))
    (global.get $success))

  ;; Clock 0 is the wall's. The others, of the processor's time, are taken for the one that only goes forward.
  (func $clock (param $id i32) (result i64)
    (call $now (i32.ne (local.get $id) (i32.const 0))))
  (func (export "clock_time_get") (param $id i32) (param $precision i64) (param $to i32) (result i32)
    (if (i32.gt_u (local.get $id) (i32.const 3)) (then (return (global.get $inval))))
    (i64.store (local.get $to) (call $clock (local.get $id)))
    (global.get $success))
  (func (export "clock_res_get") (param $id i32) (param $to i32) (result i32)
    (if (i32.gt_u (local.get $id) (i32.const 3)) (then (return (global.get $inval))))
    ;; The host's wall clock counts milliseconds.
    (i64.store (local.get $to)
      (select (i64.const 1) (i64.const 1000000) (local.get $id)))
    (global.get $success))

  ;; At most so much of a list of buffers is read or written at once; callers go on from where it ended.
  (global $once i32 (i32.const 65536))

  (func (export "fd_write") (param $fd i32) (param $list i32) (param $count i32) (param $done i32) (result i32)
    (local $total i32) (local $len i32) (local $part i32)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1)) (then (return (global.get $badf))))
    (block $full
      (loop $next
        (br_if $full (i32.eqz (local.get $count)))
        (local.set $len (i32.load offset=4 (local.get $list)))
        (local.set $part (i32.sub (global.get $once) (local.get $total)))
        (if (i32.lt_u (local.get $len) (local.get $part)) (then (local.set $part (local.get $len))))
        (if (local.get $part)
          (then (call $write (local.get $fd) (i32.load (local.get $list)) (local.get $part))))
        (local.set $total (i32.add (local.get $total) (local.get $part)))
        (br_if $full (i32.lt_u (local.get $part) (local.get $len)))
        (local.set $list (i32.add (local.get $list) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $done) (local.get $total))
    (global.get $success))

  (func (export "fd_read") (param $fd i32) (param $list i32) (param $count i32) (param $done i32) (result i32)
    (local $total i32) (local $len i32) (local $part i32)
    (if (local.get $fd) (then (return (global.get $badf))))
    (block $full
      (loop $next
        (br_if $full (i32.eqz (local.get $count)))
        (local.set $len (i32.load offset=4 (local.get $list)))
        (local.set $part (i32.sub (global.get $once) (local.get $total)))
        (if (i32.lt_u (local.get $len) (local.get $part)) (then (local.set $part (local.get $len))))
        (if (local.get $part)
          (then
            (local.set $part (call $read (local.get $part)))
            (call $copy (i32.const 2) (i32.load (local.get $list)) (local.get $part))))
        (local.set $total (i32.add (local.get $total) (local.get $part)))
        (br_if $full (i32.lt_u (local.get $part) (local.get $len)))
        (local.set $list (i32.add (local.get $list) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $done) (local.get $total))
    (global.get $success))

  ;; Whether it is one of the three that there are: success, or badf.
  (func $known (param $fd i32) (result i32)
    (select (global.get $badf) (global.get $success) (i32.gt_u (local.get $fd) (i32.const 2))))
  ;; What cannot be done with any of the three: $error, or badf.
  (func $never (param $fd i32) (param $error i32) (result i32)
    (select (global.get $badf) (local.get $error) (i32.gt_u (local.get $fd) (i32.const 2))))

  ;; A character device: C libraries then print line by line, and a crash loses no line.
  (global $device i32 (i32.const 2))
  (func (export "fd_fdstat_get") (param $fd i32) (param $to i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (global.get $badf))))
    (i64.store (local.get $to) (i64.extend_i32_u (global.get $device)))
    ;; The rights to read or write, and to be waited for.
    (i64.store offset=8 (local.get $to)
      (select (i64.const 0x8000040) (i64.const 0x8000002) (local.get $fd)))
    (i64.store offset=16 (local.get $to) (i64.const 0))
    (global.get $success))
  (func (export "fd_filestat_get") (param $fd i32) (param $to i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (global.get $badf))))
    (memory.fill (local.get $to) (i32.const 0) (i32.const 64))
    (i32.store8 offset=16 (local.get $to) (global.get $device))
    (global.get $success))

  (func (export "fd_close") (param $fd i32) (result i32) (call $known (local.get $fd)))
  (func (export "fd_sync") (param $fd i32) (result i32) (call $known (local.get $fd)))
  (func (export "fd_datasync") (param $fd i32) (result i32) (call $known (local.get $fd)))
  (func (export "fd_fdstat_set_flags") (param $fd i32) (param i32) (result i32) (call $known (local.get $fd)))
  (func (export "fd_fdstat_set_rights") (param $fd i32) (param i64 i64) (result i32) (call $known (local.get $fd)))
  (func (export "fd_seek") (param $fd i32) (param i64 i32 i32) (result i32)
    (call $never (local.get $fd) (global.get $spipe)))
  (func (export "fd_tell") (param $fd i32) (param i32) (result i32)
    (call $never (local.get $fd) (global.get $spipe)))
  (func (export "fd_pread") (param $fd i32) (param i32 i32 i64 i32) (result i32)
    (call $never (local.get $fd) (global.get $spipe)))
  (func (export "fd_pwrite") (param $fd i32) (param i32 i32 i64 i32) (result i32)
    (call $never (local.get $fd) (global.get $spipe)))
  (func (export "fd_advise") (param $fd i32) (param i64 i64 i32) (result i32)
    (call $never (local.get $fd) (global.get $spipe)))
  (func (export "fd_allocate") (param $fd i32) (param i64 i64) (result i32)
    (call $never (local.get $fd) (global.get $inval)))
  (func (export "fd_filestat_set_size") (param $fd i32) (param i64) (result i32)
    (call $never (local.get $fd) (global.get $inval)))
  (func (export "fd_filestat_set_times") (param $fd i32) (param i64 i64 i32) (result i32)
    (call $never (local.get $fd) (global.get $inval)))
  (func (export "fd_renumber") (param $fd i32) (param i32) (result i32)
    (call $never (local.get $fd) (global.get $notsup)))

  ;; Folders: there is none to begin from, so nothing can be named.
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (global.get $badf))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (global.get $badf))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (global.get $badf))
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (global.get $badf))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (global.get $badf))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (global.get $badf))

  ;; Sockets: none either.
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (global.get $badf))
  (func (export "sock_recv") (param i32 i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "sock_send") (param i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (global.get $badf))

  (func (export "sched_yield") (result i32) (global.get $success))
  (func (export "proc_exit") (param $status i32) (call $exit (local.get $status)) (unreachable))
  ;; As a shell tells of a signal.
  (func (export "proc_raise") (param $signal i32) (result i32)
    (call $exit (i32.add (i32.const 128) (local.get $signal)))
    (unreachable))

  ;; How long a subscription still has to wait, in nanoseconds: 0 unless it is for a clock.
  (func $wait (param $subscription i32) (param $wall i64) (param $monotonic i64) (result i64)
    (local $until i64) (local $now i64)
    (if (i32.load8_u offset=8 (local.get $subscription)) (then (return (i64.const 0))))
    (local.set $until (i64.load offset=24 (local.get $subscription)))
    (if (i32.eqz (i32.and (i32.load16_u offset=40 (local.get $subscription)) (i32.const 1)))
      (then (return (local.get $until))))
    (local.set $now
      (select (local.get $monotonic) (local.get $wall) (i32.load offset=16 (local.get $subscription))))
    (select
      (i64.sub (local.get $until) (local.get $now))
      (i64.const 0)
      (i64.gt_u (local.get $until) (local.get $now))))

  ;; Waits for the subscription that comes first, and tells of all that have come by then. What is read and written
  ;; here never has to be waited for.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $count i32) (param $told i32) (result i32)
    (local $wall i64) (local $monotonic i64) (local $least i64) (local $wait i64)
    (local $subscription i32) (local $end i32) (local $events i32)
    (if (i32.eqz (local.get $count)) (then (return (global.get $inval))))
    (local.set $wall (call $now (i32.const 0)))
    (local.set $monotonic (call $now (i32.const 1)))
    (local.set $end (i32.add (local.get $in) (i32.mul (local.get $count) (i32.const 48))))
    (local.set $least (i64.const -1))
    (local.set $subscription (local.get $in))
    (loop $next
      (local.set $wait (call $wait (local.get $subscription) (local.get $wall) (local.get $monotonic)))
      (if (i64.lt_u (local.get $wait) (local.get $least)) (then (local.set $least (local.get $wait))))
      (local.set $subscription (i32.add (local.get $subscription) (i32.const 48)))
      (br_if $next (i32.lt_u (local.get $subscription) (local.get $end))))
    (if (i64.ne (local.get $least) (i64.const 0)) (then (call $sleep (local.get $least))))
    (local.set $subscription (local.get $in))
    (loop $next
      (if (i64.le_u
            (call $wait (local.get $subscription) (local.get $wall) (local.get $monotonic))
            (local.get $least))
        (then
          (memory.fill (local.get $out) (i32.const 0) (i32.const 32))
          (i64.store (local.get $out) (i64.load (local.get $subscription)))
          (i32.store8 offset=10 (local.get $out) (i32.load8_u offset=8 (local.get $subscription)))
          (local.set $out (i32.add (local.get $out) (i32.const 32)))
          (local.set $events (i32.add (local.get $events) (i32.const 1)))))
      (local.set $subscription (i32.add (local.get $subscription) (i32.const 48)))
      (br_if $next (i32.lt_u (local.get $subscription) (local.get $end))))
    (i32.store (local.get $told) (local.get $events))
    (global.get $success))

  ;;program (func (export "wasi:cli/run@0.2.0#run") (result i32) (call $start) (i32.const 0))
)
