//! Elections, and what reaches whom in them, as a run: with messages that arrive or are lost.

use crate::action::{Action, Kind, Selection};
use crate::elections::{Election, Fate, Possible};
use crate::scenario::Scenario;
use crate::script::{Script, comment};
use crate::world::{World, WorldOptions};
use consensus::{Index, Limits, NodeId, RoleKind, Term};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use trace::english::names;

/// An election, and what comes of it.
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) election: Election,
    /// The servers that the leader reaches, and up to which entry each has its log then.
    pub(crate) received: BTreeMap<NodeId, usize>,
    /// No entry of this term will be left.
    pub(crate) is_gone: bool,
}

/// A run that was constructed, election by election.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    script: Script,
    /// For each election a few words, and the number of actions that it takes.
    parts: Vec<(String, usize)>,
    /// The servers' logs at its end, as a table.
    logs: String,
}

impl Run {
    /// What is done in it.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// What happens in it, a paragraph for each election.
    pub fn story(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|(words, _)| words.as_str())
    }

    /// The servers' logs at its end, as a table.
    pub fn logs(&self) -> &str {
        &self.logs
    }

    /// The run as a scenario that begins with this prose, with what comes of each command.
    ///
    /// # Panics
    /// If its actions can't be done.
    pub fn to_scenario(&self, prose: &str) -> String {
        let mut text = comment(prose);
        let setup: String =
            self.script.setup_commands().iter().map(|command| format!("({command})\n")).collect();
        let before = if self.script.options.logs.is_empty() { "" } else { "logs\n" };
        let _ = write!(text, "\n{setup}{before}---\n");
        let mut actions = self.script.actions.iter();
        for (words, number) in &self.parts {
            let _ = write!(text, "\n{}\n", comment(words));
            for action in actions.by_ref().take(*number) {
                let _ = writeln!(text, "{action}");
            }
            text += "logs\n---\n";
        }
        text += "\nexpect no-violation\n---\n";
        goldenscript::generate(&mut Scenario::default(), &text).expect("what was done can be done again")
    }
}

/// What each election must bring to whom, so that servers have these fates.
pub(crate) fn acts(
    elections: &[(&Possible, &Election)],
    mut fates: BTreeMap<NodeId, Fate>,
    is_gone: impl Fn(Term) -> bool,
) -> Vec<Act> {
    let mut acts = Vec::new();
    for (before, election) in elections.iter().rev() {
        let mut received = BTreeMap::new();
        for (id, fate) in &mut fates {
            let earlier = before.before(election, *id, fate);
            if *id != election.leader && earlier.0 != fate.0 {
                received.insert(*id, fate.0.len());
            }
            *fate = earlier;
        }
        acts.push(Act { election: (*election).clone(), received, is_gone: is_gone(election.term) });
    }
    acts.reverse();
    acts
}

/// Plays the acts in a world, one after the other.
pub(crate) fn enact(options: WorldOptions, acts: &[Act]) -> Run {
    // With an entry in each message, each can be the last that arrives.
    let limits = Limits { entries_per_message: 1, ..options.limits };
    let mut stage = Stage::new(WorldOptions { limits, ..options });
    for act in acts {
        let begin = stage.actions.len();
        let words = stage.play(act);
        stage.parts.push((words, stage.actions.len() - begin));
    }
    Run { logs: stage.world.logs().to_string(), script: stage.script(), parts: stage.parts }
}

struct Stage {
    world: World,
    actions: Vec<Action>,
    parts: Vec<(String, usize)>,
    proposed: u64,
}

impl Stage {
    fn new(options: WorldOptions) -> Stage {
        Stage { world: World::new(options), actions: Vec::new(), parts: Vec::new(), proposed: 0 }
    }

    fn script(&self) -> Script {
        Script { options: self.world.options().clone(), actions: self.actions.clone() }
    }

    fn perform(&mut self, action: Action) {
        let messages = self.world.perform(&action).expect("an act of Raft can be played");
        self.world.drop_records();
        if action.is_about_messages() && messages == 0 {
            return;
        }
        match (&action, self.actions.last_mut()) {
            (Action::Deliver(now), Some(Action::Deliver(before))) if is_same_link(now, before) => {
                // What came one by one can come at once.
                before.count = before.count.zip(now.count).map(|(before, now)| before + now);
            }
            _ => self.actions.push(action),
        }
    }

    fn play(&mut self, act: &Act) -> String {
        let Act { election, received, .. } = act;
        let (leader, term) = (election.leader, election.term);
        let before = self.term(leader);
        self.perform(Action::Timeout(leader));
        while self.term(leader) < term.0 {
            self.perform(Action::Lose(Selection::default()));
            self.perform(Action::Timeout(leader));
        }
        self.perform(Action::Deliver(Selection { kind: Some(Kind::RequestVote), ..Selection::default() }));
        self.perform(Action::Deliver(Selection { kind: Some(Kind::Vote), ..Selection::default() }));
        assert_eq!(self.role(leader), Some(RoleKind::Leader), "{leader} has a majority in term {term}");
        for _ in election.had + 1..election.log.len() {
            self.proposed += 1;
            self.perform(Action::Propose(Some(leader), self.proposed));
        }
        for (follower, end) in received {
            while !self.has(*follower, &election.log[..*end]) {
                self.pass_on(leader, *follower);
            }
        }
        self.perform(Action::Lose(Selection::default()));
        words(act, before)
    }

    /// A message from the leader to the follower arrives or, where there is none, one from the follower to the leader.
    fn pass_on(&mut self, leader: NodeId, follower: NodeId) {
        let number = |from, to| {
            self.world.messages().iter().filter(|message| (message.from, message.to) == (from, to)).count()
        };
        let (from, to) = if number(leader, follower) > 0 { (leader, follower) } else { (follower, leader) };
        let in_flight = number(from, to);
        assert!(in_flight > 0, "{leader} and {follower} have something to say to each other");
        let count = (in_flight > 1).then_some(1);
        self.perform(Action::Deliver(Selection {
            from: Some(from),
            to: Some(to),
            count,
            ..Selection::default()
        }));
    }

    fn term(&self, id: NodeId) -> u64 {
        self.world.view().server(id).map_or(0, |server| server.term.0)
    }

    fn role(&self, id: NodeId) -> Option<RoleKind> {
        self.world.view().server(id).and_then(|server| server.role)
    }

    fn has(&self, id: NodeId, log: &[Term]) -> bool {
        let server = self.world.look_at(id).expect("it is one of this world").log();
        server.last().index == Index(log.len() as u64)
            && server.entries().zip(log).all(|((_, entry), term)| entry.term == *term)
    }
}

fn is_same_link(one: &Selection, other: &Selection) -> bool {
    one.from.is_some() && (one.from, one.to) == (other.from, other.to)
}

fn words(act: &Act, term_before: u64) -> String {
    let Act { election: Election { term, leader, had, log, .. }, received, is_gone } = act;
    let mut words = String::new();
    if term_before + 1 < term.0 {
        let _ = write!(words, "Requests for votes of {leader} are lost, until it asks in term {term}. ");
    }
    let own = log.len() - had;
    let entries = if own == 1 { "an entry".to_owned() } else { format!("{own} entries") };
    let _ = write!(words, "In term {term}, {leader} is elected, and appends {entries}.");
    let mut by_end: BTreeMap<usize, Vec<NodeId>> = BTreeMap::new();
    for (follower, end) in received {
        by_end.entry(*end).or_default().push(*follower);
    }
    for (end, followers) in &by_end {
        let verb = if followers.len() == 1 { "gets" } else { "get" };
        let _ = write!(words, " {} {verb} its log up to entry {end}.", names(followers));
    }
    if by_end.is_empty() {
        words += if own == 1 { " It reaches nobody." } else { " They reach nobody." };
    }
    if *is_gone {
        let _ = write!(words, " No entry of term {term} will be left.");
    }
    words
}
