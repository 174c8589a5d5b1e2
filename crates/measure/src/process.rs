//! What the system reports about a process. Only Linux does; elsewhere all figures are zero.

use std::fs;

/// Clock ticks a second, in `/proc`: the same on every Linux that this program runs on.
const TICKS: u64 = 100;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Processor time, in microseconds.
    pub cpu_us: u64,
    /// Bytes that it has caused to be written to disk.
    pub written: u64,
    /// Number of times one of its threads gave up its processor.
    pub switches: u64,
}

impl Usage {
    /// The usage of this process; zero if there is none.
    pub fn of(pid: u32) -> Usage {
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

/// What the whole machine has done so far.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// The processor time of all processes together, and the idle time, in microseconds.
    busy_us: u64,
    idle_us: u64,
    /// The processor time of this process.
    pub own_us: u64,
}

impl Machine {
    /// The usage by now.
    pub fn now() -> Machine {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let all = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
        let ticks: Vec<u64> = all.take(8).filter_map(|it| it.parse().ok()).collect();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        let tick_us = 1_000_000 / TICKS;
        Machine {
            busy_us: (ticks.iter().sum::<u64>() - idle) * tick_us,
            idle_us: idle * tick_us,
            own_us: Usage::of(std::process::id()).cpu_us,
        }
    }

    /// The share of the machine's time since then that was used by other programs, where ours used
    /// `known_us`: from 0 to 1.
    pub fn share_of_others(&self, before: &Machine, known_us: u64) -> f64 {
        let busy = self.busy_us.saturating_sub(before.busy_us);
        let all = busy + self.idle_us.saturating_sub(before.idle_us);
        busy.saturating_sub(known_us) as f64 / all.max(1) as f64
    }
}

/// The memory of a process, in bytes: now, and at its peak.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// What it holds now.
    pub now: u64,
    /// The most that it has held.
    pub peak: u64,
}

impl Memory {
    /// The memory of this process; zero if there is none.
    pub fn of(pid: u32) -> Memory {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        Memory { now: number(&status, "VmRSS:") << 10, peak: number(&status, "VmHWM:") << 10 }
    }
}

/// The number after this name, at the beginning of a line.
fn number(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}
