//! The crate `raft`, driven as its documentation says.

use super::{Cluster, FORGET_AFTER};
use hyper::body::Bytes;
use raft::eraftpb::{Entry, Message, MessageType};
use raft::storage::MemStorage;
use raft::{Config, RawNode, Storage};
use std::collections::VecDeque;

/// Index of the server that leads.
const LEADER: usize = 0;

/// Three servers with the core of raft-rs.
pub struct RaftRs {
    nodes: Vec<RawNode<MemStorage>>,
    network: VecDeque<Message>,
    proposing: Proposing,
    command: Bytes,
}

/// How commands are passed to the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proposing {
    /// One by one, before the servers communicate. The library puts them in one message (`batch_append`).
    Singly,
    /// All in one message: the least work for the library.
    Together,
}

impl RaftRs {
    /// Three servers, one of which leads. Commands will have `size` bytes.
    pub fn start(proposing: Proposing, size: usize) -> RaftRs {
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let node = |id| {
            let storage = MemStorage::new_with_conf_state((vec![1, 2, 3], vec![]));
            // As for `consensus`: the limits of a message, and that followers learn of a commit with the next
            // one.
            let config = Config {
                id,
                election_tick: 10,
                heartbeat_tick: 1,
                max_size_per_msg: 256 << 10,
                max_inflight_msgs: 64,
                skip_bcast_commit: true,
                batch_append: proposing == Proposing::Singly,
                ..Config::default()
            };
            RawNode::new(&config, storage, &logger).expect("the configuration is valid")
        };
        let (nodes, command) = ((1..=3).map(node).collect(), vec![7; size].into());
        let mut cluster = RaftRs { nodes, network: VecDeque::new(), proposing, command };
        cluster.nodes[LEADER].campaign().expect("a follower may run");
        cluster.settle(LEADER);
        cluster.talk();
        assert_eq!(cluster.nodes[LEADER].raft.leader_id, 1);
        cluster
    }

    fn propose(&mut self, batch: usize) {
        let leader = &mut self.nodes[LEADER];
        let commands = (0..batch).map(|_| self.command.clone());
        match self.proposing {
            // It needs a vector: the command is copied.
            Proposing::Singly => commands.for_each(|command| {
                leader.propose(Vec::new(), command.into()).expect("the leader takes proposals");
            }),
            Proposing::Together => {
                let entry = |data: Bytes| {
                    let mut entry = Entry::new();
                    entry.set_data(data);
                    entry
                };
                let mut proposal = Message::new();
                proposal.set_msg_type(MessageType::MsgPropose);
                proposal.set_from(1);
                proposal.set_entries(commands.map(entry).collect());
                leader.raft.step(proposal).expect("the leader takes proposals");
            }
        }
    }
}

impl Cluster for RaftRs {
    fn commit(&mut self, batch: usize) -> u64 {
        if batch > 0 {
            self.propose(batch);
            self.settle(LEADER);
            self.talk();
        }
        self.forget();
        self.nodes[LEADER].raft.raft_log.committed
    }
}

impl RaftRs {
    /// Does what a server asks for, until there is nothing left. Saves count as done at once.
    fn settle(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        while node.has_ready() {
            let mut ready = node.ready();
            self.network.extend(ready.take_messages());
            ready.take_committed_entries();
            let mut store = node.store().wl();
            if !ready.entries().is_empty() {
                store.append(ready.entries()).expect("the entries follow those that are there");
            }
            if let Some(hard_state) = ready.hs() {
                store.set_hardstate(hard_state.clone());
            }
            drop(store);
            self.network.extend(ready.take_persisted_messages());
            let mut light = node.advance(ready);
            if let Some(commit) = light.commit_index() {
                node.store().wl().mut_hard_state().commit = commit;
            }
            self.network.extend(light.take_messages());
            light.take_committed_entries();
            node.advance_apply();
        }
    }

    fn talk(&mut self) {
        while let Some(message) = self.network.pop_front() {
            let place = message.to as usize - 1;
            self.nodes[place].step(message).expect("the servers know each other");
            self.settle(place);
        }
    }

    fn forget(&mut self) {
        for node in &mut self.nodes {
            let (committed, store) = (node.raft.raft_log.committed, node.store());
            let first = store.first_index().expect("it is in memory");
            if committed + 1 - first >= FORGET_AFTER {
                store.wl().compact(committed).expect("what is committed is there");
            }
        }
    }
}
