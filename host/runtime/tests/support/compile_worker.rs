//! The compiling process alone.

fn main() -> std::process::ExitCode {
    sandglass_runtime::worker_main()
}
