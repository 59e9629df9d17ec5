//! What a process holds of its machine.

use std::fs;

/// Of one process at one moment, as `/proc` tells it (see proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Resident memory, and the most that it was since the process began.
    pub kib: u64,
    pub peak_kib: u64,
    pub threads: u64,
    /// File descriptors that are open.
    pub files: usize,
}

impl Footprint {
    #[track_caller]
    pub fn of(pid: u32) -> Footprint {
        let status =
            fs::read_to_string(format!("/proc/{pid}/status")).expect("a process, and a system with /proc");
        let figure = |name: &str| -> u64 {
            let line =
                status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of /proc/PID/status");
            line.trim_start_matches(':')
                .split_whitespace()
                .next()
                .expect("a figure")
                .parse()
                .expect("a number")
        };
        let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("a process of one's own").count();
        Footprint { kib: figure("VmRSS"), peak_kib: figure("VmHWM"), threads: figure("Threads"), files }
    }
}
