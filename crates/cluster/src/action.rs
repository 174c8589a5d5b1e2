//! What a person can do to a running cluster.

use consensus::NodeId;

/// Something done to the servers from outside, to see what they make of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    /// Kill the current leader's process (SIGKILL): a crash.
    KillLeader,
    /// Kill a server's process (SIGKILL).
    Kill(NodeId),
    /// Start a dead server again; a living one is killed first.
    Restart(NodeId),
    /// Halt a server's process (SIGSTOP).
    Pause(NodeId),
    /// Let a halted process go on (SIGCONT).
    Resume(NodeId),
    /// Let a server's election timer run out now.
    ForceTimeout(NodeId),
    /// Let all election timers run out at the same moment, the leader's place included: a split vote
    /// on purpose.
    AlignTimers,
    /// Let the servers' clocks run at this multiple of real time.
    SetSpeed(f64),
}
