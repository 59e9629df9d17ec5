//! What the compiling process takes from itself before it looks at a stranger's bytes: they may take over a parser.
//!
//! Limits of processor time, memory and files, and of system calls only those that computing in threads needs. Opening a
//! file, making a socket, starting a program and looking at another process are not among them, so that what is left is
//! the pipes that it began with.

use crate::compile::CompileLimits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};
use std::io;

/// Lower than the API's and the guests'.
const NICE: i32 = 15;

/// The calls of a process that computes, in threads, and reads and writes what it has open.
const ALLOWED: [libc::c_long; 34] = [
    // Memory.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Threads.
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    // Signals.
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // Time and chance.
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_nanosleep,
    // What is open already.
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    // The end.
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Lowers what this process may use and call, for good.
///
/// # Errors
/// What the system refused: without its confinement, this process reads nobody's bytes.
pub(crate) fn confine(limits: CompileLimits) -> io::Result<()> {
    // A sandbox may forbid it; the limits below bound the harm.
    let _ = rustix::process::setpriority_process(None, NICE);
    let seconds = limits.cpu_seconds();
    limit(Resource::Cpu, seconds, seconds + 5)?;
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Fsize, 0, 0)?;
    limit(Resource::Nofile, 16, 16)?;
    // Without /proc nobody can tell what is mapped; processor time still bounds what can be filled.
    if let Some(mapped) = mapped_bytes() {
        let most = mapped + limits.memory.0;
        limit(Resource::As, most, most)?;
    }
    calls().map_err(io::Error::other)
}

/// Lowers a limit; one that is lower already stays.
fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let limit = Rlimit { current: Some(soft.min(most)), maximum: Some(hard.min(most)) };
    Ok(setrlimit(resource, limit)?)
}

fn mapped_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    let kib: u64 = size.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// Leaves only [`ALLOWED`]. What else is called fails: a library's attempt to learn something of the machine is no
/// reason to die.
fn calls() -> Result<(), seccompiler::Error> {
    let arch = std::env::consts::ARCH.try_into().map_err(seccompiler::Error::Backend)?;
    // glibc falls back to `clone`, whose flags can be looked at, where there is no `clone3`.
    let without_clone3 = SeccompFilter::new(
        [(libc::SYS_clone3, Vec::new())].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
        arch,
    )?;
    let own_thread = SeccompRule::new(vec![flag(0, libc::CLONE_THREAD as u64)?])?;
    let own_name = SeccompRule::new(vec![equal(0, libc::PR_SET_NAME as u64)?])?;
    let own_signal = SeccompRule::new(vec![equal(0, std::process::id().into())?])?;
    // The limits of this process are read, and not changed: no new limit, and no other process.
    let read_limits = SeccompRule::new(vec![equal(0, 0)?, equal(2, 0)?])?;
    let conditional = [
        (libc::SYS_clone, vec![own_thread]),
        (libc::SYS_clone3, Vec::new()),
        (libc::SYS_prctl, vec![own_name]),
        (libc::SYS_prlimit64, vec![read_limits]),
        (libc::SYS_tgkill, vec![own_signal]),
    ];
    let allowed = ALLOWED.into_iter().map(|call| (call, Vec::new())).chain(conditional);
    let rest = SeccompFilter::new(
        allowed.collect(),
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        arch,
    )?;
    for filter in [without_clone3, rest] {
        let program: BpfProgram = filter.try_into()?;
        apply_filter_all_threads(&program)?;
    }
    Ok(())
}

fn flag(argument: u8, mask: u64) -> Result<SeccompCondition, seccompiler::Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(mask), mask)?)
}

fn equal(argument: u8, value: u64) -> Result<SeccompCondition, seccompiler::Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    /// What a process that confined itself says that it can still do. Run by the test below, in a process of its own.
    #[test]
    fn what_is_left() {
        // It takes from its process what other tests need.
        if std::env::var_os("SANDGLASS_CONFINED").is_none() {
            return;
        }
        let parent = rustix::process::getppid().unwrap();
        confine(CompileLimits::default()).unwrap();
        let can = |what: &str, done: bool| {
            if done {
                println!("left: {what}");
            }
        };
        can("open a file", File::open("/etc/passwd").is_ok());
        can("read its own", std::fs::read("/proc/self/environ").is_ok());
        can("make a file", File::create("/tmp/sandglass-confined").is_ok());
        can("list a folder", std::fs::read_dir("/").is_ok());
        can("listen", TcpListener::bind("127.0.0.1:0").is_ok());
        can("send", UdpSocket::bind("127.0.0.1:0").is_ok());
        can("make a pair of sockets", UnixStream::pair().is_ok());
        can("start a program", Command::new("/bin/true").status().is_ok());
        can("signal its parent", rustix::process::test_kill_process(parent).is_ok());
        can("raise a limit", limit(Resource::Core, 1, 1).is_ok());
        can("compute in threads", std::thread::spawn(|| vec![1_u8; 1 << 20].len()).join().is_ok());
    }

    #[test]
    fn a_process_that_is_confined_has_its_pipes_and_nothing_else() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "confine::tests::what_is_left", "--nocapture", "--test-threads=1"])
            .env("SANDGLASS_CONFINED", "1")
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&child.stdout);
        // The first one stands behind the name of the test.
        let left: Vec<&str> = out.lines().filter_map(|line| Some(line.split_once("left: ")?.1)).collect();
        assert_eq!(left, ["compute in threads"], "{out}{}", String::from_utf8_lossy(&child.stderr));
        assert!(child.status.success(), "{out}{}", String::from_utf8_lossy(&child.stderr));
    }
}
