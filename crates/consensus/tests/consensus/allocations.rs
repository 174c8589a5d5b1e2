//! How much memory a step allocates, once the buffers have grown as large as they need to be.

use allocation_counter::measure;
use consensus::{
    EveryRule, HardState, Input, Instant, Log, Membership, Message, Node, NodeId, Origin, Output, ReadBy,
};
use std::sync::Arc;
use std::time::Duration;

const LEADER: NodeId = NodeId(1);
const FOLLOWER: NodeId = NodeId(2);

/// Two servers, of which one leads, and buffers that are reused.
struct Pair {
    now: Instant,
    leader: Node,
    follower: Node,
    output: Output,
}

/// The message for the other server that a step leaves, if any.
fn said(output: &mut Output, to: NodeId) -> Option<Message> {
    let place = output.messages.iter().position(|outgoing| outgoing.to == to)?;
    let outgoing = output.messages.swap_remove(place);
    output.messages.clear();
    Some(outgoing.message)
}

fn save(now: Instant, node: &mut Node, output: &mut Output) {
    if output.save.hard_state.take().is_some() | output.save.append.take().is_some() {
        let saved = Input::Persisted { memory: 0, hard_state: node.hard_state(), log: node.log().last() };
        node.step(now, saved, output);
    }
    output.decisions.clear();
    output.reads.clear();
}

impl Pair {
    fn start() -> Pair {
        let mut output = Output::default();
        let mut node = |id| {
            let config = crate::common::config(id, Membership::of_voters([LEADER, FOLLOWER]));
            Node::start(config, HardState::default(), Log::default(), EveryRule, &mut output)
        };
        let (leader, follower) = (node(LEADER), node(FOLLOWER));
        let mut pair = Pair { now: Instant::START, leader, follower, output };
        pair.step_leader(Input::SetElectionTimer { deadline: Instant::START });
        let request = pair.step_leader(Input::Tick);
        pair.exchange(request);
        assert_eq!(pair.follower.leader(), Some(LEADER));
        // Buffers grow to their size.
        for _ in 0..100 {
            pair.let_heartbeat_pass();
            pair.read();
        }
        pair
    }

    /// Gives the leader an input. Returns its message to the follower.
    fn step_leader(&mut self, input: Input) -> Option<Message> {
        self.leader.step(self.now, input, &mut self.output);
        save(self.now, &mut self.leader, &mut self.output);
        said(&mut self.output, FOLLOWER)
    }

    fn step_follower(&mut self, message: Message) -> Option<Message> {
        self.follower.step(
            self.now,
            Input::Message { from: LEADER, origin: Origin::default(), message },
            &mut self.output,
        );
        save(self.now, &mut self.follower, &mut self.output);
        said(&mut self.output, LEADER)
    }

    /// From this message of the leader until there is nothing more to send.
    fn exchange(&mut self, message: Option<Message>) {
        let mut request = message;
        while let Some(reply) = request.take().and_then(|request| self.step_follower(request)) {
            request = self.step_leader(Input::Message {
                from: FOLLOWER,
                origin: Origin::default(),
                message: reply,
            });
        }
    }

    fn let_heartbeat_pass(&mut self) {
        self.now = self.now + Duration::from_millis(15);
        let heartbeat = self.step_leader(Input::Tick);
        assert!(matches!(heartbeat, Some(Message::AppendEntries(_))));
        self.exchange(heartbeat);
    }

    fn read(&mut self) {
        let question = self.step_leader(Input::Read { id: 1, by: ReadBy::Round });
        self.exchange(question);
    }
}

#[test]
fn heartbeats_and_their_answers_allocate_nothing() {
    let mut pair = Pair::start();
    assert_eq!(measure(|| pair.let_heartbeat_pass()).count_total, 0);
}

#[test]
fn a_read_allocates_nothing() {
    let mut pair = Pair::start();
    assert_eq!(measure(|| pair.read()).count_total, 0);
}

/// What is to be saved, and what is sent to a follower, leaves the core in a vector of its own. Nothing else
/// is allocated, however many commands there are: a follower saves the very vector that it received.
#[test]
fn commands_allocate_only_what_carries_them_out() {
    for batch in [1, 64] {
        let mut pair = Pair::start();
        let commands = |batch: usize| vec![Arc::<[u8]>::from([7; 256]); batch];
        for _ in 0..100 {
            let request = pair.step_leader(Input::Propose { commands: commands(batch) });
            pair.exchange(request);
        }
        // The log itself grows now and then: to twice its size.
        let least = (0..20).map(|_| {
            let commands = commands(batch);
            let proposed = measure(|| {
                let request = pair.step_leader(Input::Propose { commands });
                pair.exchange(request);
            });
            proposed.count_total
        });
        assert_eq!(least.min(), Some(2), "{batch} at a time");
    }
}
