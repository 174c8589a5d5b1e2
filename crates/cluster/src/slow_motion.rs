//! Slow motion where it matters: during an election, and while an entry spreads, the servers' clocks run
//! slowly, so that one can watch.

use crate::{Action, Links};
use consensus::NodeId;
use serde::Serialize;
use trace::{Episodes, Event, Laboratory, Record};

/// How fast the servers' clocks run in slow motion, as a multiple of real time.
pub const SLOW: f64 = 0.05;
/// How long a new leader is watched, or an entry on its way, in microseconds.
const AFTERWARDS: u64 = 2_000_000;
/// How long an election is waited for, in microseconds: several of the longest timeouts, in slow motion.
const LONGEST_WAIT: u64 = 15_000_000;

/// The state of slow motion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SlowMotionState {
    /// Is what a person does slowed down?
    pub is_wanted: bool,
    /// Is it on now?
    pub is_on: bool,
}

/// When the servers' clocks must run slowly. It only says so: the caller sets the speed.
#[derive(Debug)]
pub struct SlowMotion {
    is_wanted: bool,
    now: Option<Watching>,
    speed: f64,
    episodes: Episodes,
}

/// A time of slow motion.
#[derive(Debug)]
struct Watching {
    since: u64,
    /// The speed before and after it.
    usual: f64,
    /// Number of elections won when it began; `None` if an entry is watched.
    elections: Option<usize>,
    /// When the election was won.
    won_at: Option<u64>,
}

impl SlowMotion {
    /// For servers whose clocks run at this speed.
    pub fn new(is_wanted: bool, speed: f64) -> SlowMotion {
        SlowMotion { is_wanted, now: None, speed, episodes: Episodes::default() }
    }

    /// The current state.
    pub fn state(&self) -> SlowMotionState {
        SlowMotionState { is_wanted: self.is_wanted, is_on: self.now.is_some() }
    }

    /// Processes a record.
    pub fn observe(&mut self, record: &Record) {
        self.episodes.observe(record);
        if let Event::Laboratory(Laboratory::Speed { millionths }) = record.event {
            self.speed = millionths as f64 / 1e6;
        }
    }

    /// The servers start. Returns the speed to set, if it is another one: the first election is worth
    /// watching too.
    pub fn begin_at_start(&mut self, now: u64) -> Option<f64> {
        let elections = self.episodes.elections_won();
        if elections == 0 { self.begin(now, Some(elections)) } else { None }
    }

    /// The speed to set before a person puts a value.
    pub fn begin_before_put(&mut self, now: u64) -> Option<f64> {
        // If an election is being watched, it is watched to its end.
        let is_free = self.now.as_ref().is_none_or(|watching| watching.elections.is_none());
        if is_free { self.begin(now, None) } else { None }
    }

    /// The speed to set before a person does this, so that the effects can be watched.
    pub fn begin_before(&mut self, action: &Action, leader: Option<NodeId>, now: u64) -> Option<f64> {
        match action {
            Action::SetSpeed { .. } => {
                // A speed that a person has chosen stays.
                self.stop();
                None
            }
            action if action.brings_election(leader) => self.begin(now, Some(self.episodes.elections_won())),
            _ => None,
        }
    }

    fn begin(&mut self, now: u64, elections: Option<usize>) -> Option<f64> {
        if !self.is_wanted {
            return None;
        }
        let usual = self.now.as_ref().map_or(self.speed, |watching| watching.usual);
        if usual <= SLOW {
            return None;
        }
        let was_on = self.now.is_some();
        self.now = Some(Watching { since: now, usual, elections, won_at: None });
        (!was_on).then_some(SLOW)
    }

    /// The speed to set once what is watched is over, or has not happened.
    pub fn end(&mut self, now: u64) -> Option<f64> {
        let watching = self.now.as_mut()?;
        let is_electing = self.episodes.is_electing();
        if watching.elections.is_some_and(|before| self.episodes.elections_won() > before) && !is_electing {
            watching.won_at.get_or_insert(now);
        }
        let (since, lasts) = match watching {
            Watching { won_at: Some(won_at), .. } => (*won_at, AFTERWARDS),
            Watching { elections: None, since, .. } => (*since, AFTERWARDS),
            Watching { since, .. } => (*since, LONGEST_WAIT),
        };
        let is_over = now.saturating_sub(since) >= lasts && (watching.won_at.is_some() || !is_electing);
        is_over.then(|| self.stop()).flatten()
    }

    /// Switches it on or off. Returns the speed to set, if it is another one.
    pub fn want(&mut self, is_wanted: bool) -> Option<f64> {
        self.is_wanted = is_wanted;
        if is_wanted { None } else { self.stop() }
    }

    /// Ends it, and returns the usual speed if that is not the speed now.
    pub fn stop(&mut self) -> Option<f64> {
        self.now.take().map(|watching| watching.usual)
    }
}

impl Action {
    /// May this cause an election, if this server leads?
    fn brings_election(&self, leader: Option<NodeId>) -> bool {
        match self {
            Action::KillLeader | Action::AlignTimers | Action::ForceTimeout { .. } => true,
            // Nothing comes of asking the leader itself.
            Action::Transfer { to } => leader != Some(*to),
            Action::Kill { node } | Action::Pause { node } | Action::Cut { links: Links::Of(node) } => {
                leader == Some(*node)
            }
            Action::Cut { links: Links::All | Links::Between(_) } => leader.is_some(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::event::{Decision, What};
    use consensus::{RoleKind, Rule, Term};

    /// A server does this at this time, in this term.
    fn decided(slow: &mut SlowMotion, term: u64, rule: Rule, what: What) {
        let event = Event::Decision(Decision::new(Some(rule), what));
        let (node, term) = (NodeId(1), Term(term));
        slow.observe(&Record { t: 0, node, life: 1, seq: None, cause: None, term, content: None, event });
    }

    fn election_begins(slow: &mut SlowMotion, term: u64) {
        decided(slow, term, Rule::CandidateIncrementsTerm, What::Term { was: Term(term - 1) });
    }

    fn leader_is_elected(slow: &mut SlowMotion, term: u64) {
        let role = What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
        decided(slow, term, Rule::MajorityWins, role);
    }

    #[test]
    fn it_lasts_until_a_new_leader_has_been_watched() {
        let mut slow = SlowMotion::new(true, 1.0);
        let kill = Action::KillLeader;
        assert_eq!(slow.begin_before(&kill, None, 1_000_000), Some(SLOW));
        assert_eq!(slow.begin_before(&kill, None, 2_000_000), None, "it is on");
        election_begins(&mut slow, 2);
        assert_eq!(slow.end(3_000_000), None);
        leader_is_elected(&mut slow, 2);
        assert_eq!(slow.end(4_000_000), None);
        assert_eq!(slow.end(5_999_999), None);
        assert_eq!(slow.end(6_000_000), Some(1.0));
        assert!(!slow.state().is_on);
        assert_eq!(slow.begin_at_start(7_000_000), None, "the first election is over");
    }

    #[test]
    fn it_ends_where_no_election_comes_and_not_while_one_goes_on() {
        let mut slow = SlowMotion::new(true, 2.0);
        assert_eq!(slow.begin_at_start(0), Some(SLOW));
        election_begins(&mut slow, 1);
        assert_eq!(slow.end(LONGEST_WAIT), None);
        let mut slow = SlowMotion::new(true, 2.0);
        assert_eq!(slow.begin_at_start(0), Some(SLOW));
        assert_eq!(slow.end(LONGEST_WAIT), Some(2.0));
        assert_eq!(slow.end(2 * LONGEST_WAIT), None);
    }

    #[test]
    fn it_is_not_for_those_who_are_slow_already_or_do_not_want_it() {
        assert_eq!(SlowMotion::new(false, 1.0).begin_at_start(0), None);
        assert_eq!(SlowMotion::new(true, 0.02).begin_at_start(0), None);
    }

    #[test]
    fn an_entry_is_watched_for_a_while_unless_an_election_is() {
        let mut slow = SlowMotion::new(true, 1.0);
        assert_eq!(slow.begin_before_put(0), Some(SLOW));
        assert_eq!(slow.begin_before_put(1_000_000), None, "it is on");
        assert_eq!(slow.end(2_999_999), None);
        assert_eq!(slow.end(3_000_000), Some(1.0));
        slow.begin_before(&Action::KillLeader, None, 4_000_000);
        slow.begin_before_put(5_000_000);
        assert_eq!(slow.end(8_000_000), None);
    }

    #[test]
    fn only_what_may_bring_an_election_is_slowed_down() {
        let leader = Some(NodeId(2));
        let is_slowed =
            |action: Action| SlowMotion::new(true, 1.0).begin_before(&action, leader, 0).is_some();
        assert!(is_slowed(Action::Kill { node: NodeId(2) }));
        assert!(is_slowed(Action::Cut { links: Links::Between(vec![NodeId(2)]) }));
        assert!(is_slowed(Action::Transfer { to: NodeId(1) }));
        assert!(!is_slowed(Action::Transfer { to: NodeId(2) }));
        assert!(!is_slowed(Action::Kill { node: NodeId(1) }));
        assert!(!is_slowed(Action::Restart { node: NodeId(2) }));
        assert!(!is_slowed(Action::Cut { links: Links::Of(NodeId(1)) }));
    }

    #[test]
    fn a_speed_that_is_chosen_by_hand_stays() {
        let mut slow = SlowMotion::new(true, 1.0);
        slow.begin_before(&Action::KillLeader, None, 0);
        assert_eq!(slow.begin_before(&Action::SetSpeed { multiple: 0.5 }, None, 1), None);
        assert!(!slow.state().is_on);
        assert_eq!(slow.end(10 * LONGEST_WAIT), None);
        slow.begin_before(&Action::KillLeader, None, 0);
        assert_eq!(slow.want(false), Some(1.0), "the usual speed comes back at once");
    }
}
