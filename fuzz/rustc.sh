#!/bin/sh
# Cargo calls this in place of the compiler (RUSTC_WRAPPER): it has this project's own crates tell libFuzzer where
# they have been, and leaves all others as they are. These are cargo-fuzz's flags, which a stable compiler takes too.
case " $* " in
*" --crate-name sandglass_"* | *"fuzz_targets/"*)
    exec "$@" --cfg fuzzing -Cpasses=sancov-module \
        -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$@"
