//! What the system says of a process. Only Linux does; elsewhere all is zero.

use std::fs;

/// Clock ticks a second, in `/proc`: the same on every Linux that this program runs on.
const TICKS: u64 = 100;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    /// Processor time, in microseconds.
    pub(super) cpu_us: u64,
    /// Bytes that it has caused to be written to disk.
    pub(super) written: u64,
    /// How often one of its threads gave up its processor.
    pub(super) switches: u64,
}

impl Usage {
    pub(super) fn of(pid: u32) -> Usage {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The second field, the name in parentheses, may hold anything.
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum();
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let switches = tasks.map(|task| {
            let path = task.path().join("status");
            let status = fs::read_to_string(path).unwrap_or_default();
            number(&status, "voluntary_ctxt_switches:") + number(&status, "nonvoluntary_ctxt_switches:")
        });
        Usage {
            cpu_us: ticks * (1_000_000 / TICKS),
            written: number(
                &fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default(),
                "write_bytes:",
            ),
            switches: switches.sum(),
        }
    }
}

/// The memory of a process, in bytes: what it holds, and the most that it has held.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    pub(super) now: u64,
    pub(super) peak: u64,
}

impl Memory {
    pub(super) fn of(pid: u32) -> Memory {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        Memory { now: number(&status, "VmRSS:") << 10, peak: number(&status, "VmHWM:") << 10 }
    }
}

/// The number behind this name, at the beginning of a line.
fn number(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}
