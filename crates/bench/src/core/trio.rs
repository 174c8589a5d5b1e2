//! Three servers in one thread, without disk and network.

use consensus::{
    Config, Credentials, EveryRule, HardState, Input, Instant, Limits, Log, LogPosition, Membership, Message,
    Node, NodeId, Origin, Output, Profile, Timing,
};
use std::collections::VecDeque;
use std::sync::Arc;

const VOTERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
/// Index of the server that leads.
const LEADER: usize = 0;

/// Number of entries after which the beginnings of the logs are removed, as in a server with snapshots.
pub const FORGET_AFTER: u64 = 4096;

/// Three servers, one of which leads. Saves count as done at once, messages arrive at once and in order.
pub struct Trio {
    nodes: [Node; 3],
    output: Output,
    /// Messages in flight: sender, receiver, message.
    network: VecDeque<(NodeId, NodeId, Message)>,
}

impl Default for Trio {
    fn default() -> Trio {
        let mut output = Output::default();
        let node = |id: NodeId| {
            let config = Config {
                id,
                membership: Membership::of_voters(VOTERS).into(),
                credentials: Credentials::default(),
                timing: Timing::default(),
                limits: Limits { bytes_behind_snapshot: 0, ..Limits::default() },
                lease: None,
                profile: Profile::PAPER,
                seed: id.0,
            };
            Node::start(config, HardState::default(), Log::default(), EveryRule, &mut output)
        };
        let nodes = VOTERS.map(node);
        let mut cluster = Trio { nodes, output, network: VecDeque::new() };
        cluster.step(LEADER, Input::SetElectionTimer { deadline: Instant::START });
        cluster.step(LEADER, Input::Tick);
        cluster.talk();
        assert_eq!(cluster.nodes[LEADER].leader(), Some(VOTERS[LEADER]));
        cluster
    }
}

impl Trio {
    /// Proposes the commands together, and runs the servers until there is nothing left to send. Returns the
    /// number of entries that the leader has committed by then.
    pub fn commit(&mut self, commands: Vec<Arc<[u8]>>) -> u64 {
        if !commands.is_empty() {
            self.step(LEADER, Input::Propose { commands });
            self.talk();
        }
        self.forget();
        self.nodes[LEADER].commit_index().0
    }

    /// Gives a server an input. What it wants saved is saved at once.
    fn step(&mut self, place: usize, input: Input) {
        let (node, output) = (&mut self.nodes[place], &mut self.output);
        node.step(Instant::START, input, output);
        if output.save.hard_state.take().is_some() | output.save.append.take().is_some() {
            let saved = Input::Persisted { memory: 0, hard_state: node.hard_state(), log: node.log().last() };
            node.step(Instant::START, saved, output);
        }
        output.proposed = None;
        output.decisions.clear();
        let from = node.id();
        self.network.extend(output.messages.drain(..).map(|outgoing| (from, outgoing.to, outgoing.message)));
    }

    fn talk(&mut self) {
        while let Some((from, to, message)) = self.network.pop_front() {
            let place = VOTERS.iter().position(|&voter| voter == to).expect("all know each other");
            self.step(place, Input::Message { from, origin: Origin::default(), message });
        }
    }

    fn forget(&mut self) {
        for node in &mut self.nodes {
            let (log, index) = (node.log(), node.commit_index());
            if index.0 - log.begins_after().index.0 < FORGET_AFTER {
                continue;
            }
            let term = log.term_at(index).expect("what is committed is there");
            let taken = Input::SnapshotTaken { last_included: LogPosition { index, term } };
            node.step(Instant::START, taken, &mut self.output);
            self.output.save.begins_after = None;
            self.output.decisions.clear();
        }
    }
}
