//! Clients' requests, from the proposal to the outcome, and what each waits for.

use consensus::{CannotChange, CannotTransfer, Index, LogPosition, NodeId, Proposed, Rule, Rules, Term};
use std::collections::BTreeMap;
use trace::{Answer, RequestId};

/// The outcome of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome<A> {
    /// It was committed at this index, and applied.
    Applied {
        /// Its index in the log.
        index: Index,
        /// The state machine's answer.
        answer: A,
    },
    /// It was in the log, but was replaced: a later leader's entry was committed in its place, or before it.
    /// It will never take effect, and may be proposed again.
    Replaced,
    /// A leader's snapshot covers its place, or this server was removed from the cluster. This server can't
    /// know whether it was committed.
    Uncertain,
    /// Nothing was done: this server does not lead.
    NotLeader {
        /// The leader, if known.
        leader: Option<NodeId>,
    },
}

/// The outcome of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// It may take place now.
    Readable,
    /// This server does not lead, or does so no longer.
    NotLeader {
        /// The leader, if known.
        leader: Option<NodeId>,
    },
}

/// The outcome of a membership change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The configuration with which the change begins is committed at this index. If it is a joint one, the
    /// leader continues by itself.
    Begun {
        /// Its index in the log.
        index: Index,
    },
    /// As [`WriteOutcome::Replaced`].
    Replaced,
    /// As [`WriteOutcome::Uncertain`].
    Uncertain,
    /// The change was refused.
    Refused(CannotChange),
}

/// The outcomes of clients' requests, one list for each kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcomes<A> {
    /// Of commands ([`Input::Propose`](trace::Input::Propose)).
    pub writes: Vec<(RequestId, WriteOutcome<A>)>,
    /// Of reads ([`Input::Read`](trace::Input::Read)).
    pub reads: Vec<(RequestId, ReadOutcome)>,
    /// Of changes of the members ([`Input::ChangeMembership`](trace::Input::ChangeMembership)).
    pub changes: Vec<(RequestId, ChangeOutcome)>,
    /// Of leadership transfers ([`Input::TransferLeadership`](trace::Input::TransferLeadership)): whether
    /// they have begun.
    pub transfers: Vec<(RequestId, Result<(), CannotTransfer>)>,
}

impl<A> Default for Outcomes<A> {
    fn default() -> Outcomes<A> {
        Outcomes { writes: Vec::new(), reads: Vec::new(), changes: Vec::new(), transfers: Vec::new() }
    }
}

/// Outcomes of all kinds in the order in which they came, as the trace reports them: without the state
/// machine's answers.
#[derive(Debug, Default)]
pub(crate) struct Answers(pub(crate) Vec<(RequestId, Answer)>);

impl Answers {
    fn write<A>(&mut self, id: RequestId, outcome: WriteOutcome<A>, outcomes: &mut Outcomes<A>) {
        let answer = match &outcome {
            WriteOutcome::Applied { index, .. } => Answer::Done { index: *index },
            WriteOutcome::Replaced => Answer::Replaced,
            WriteOutcome::Uncertain => Answer::Uncertain,
            WriteOutcome::NotLeader { leader } => Answer::NotLeader { leader: *leader },
        };
        self.0.push((id, answer));
        outcomes.writes.push((id, outcome));
    }

    /// `applied`: the last index that the state machine has applied.
    fn read<A>(&mut self, id: RequestId, outcome: ReadOutcome, applied: Index, outcomes: &mut Outcomes<A>) {
        let answer = match outcome {
            ReadOutcome::Readable => Answer::MayRead { applied },
            ReadOutcome::NotLeader { leader } => Answer::NotLeader { leader },
        };
        self.0.push((id, answer));
        outcomes.reads.push((id, outcome));
    }

    fn change<A>(&mut self, id: RequestId, outcome: ChangeOutcome, outcomes: &mut Outcomes<A>) {
        let answer = match &outcome {
            ChangeOutcome::Begun { index } => Answer::Changed { index: *index },
            ChangeOutcome::Replaced => Answer::Replaced,
            ChangeOutcome::Uncertain => Answer::Uncertain,
            ChangeOutcome::Refused(why) => Answer::Refused { reason: why.to_string() },
        };
        self.0.push((id, answer));
        outcomes.changes.push((id, outcome));
    }

    fn transfer<A>(&mut self, id: RequestId, begun: Result<(), CannotTransfer>, outcomes: &mut Outcomes<A>) {
        let answer = match &begun {
            Ok(()) => Answer::HandsOver,
            Err(why) => Answer::Refused { reason: why.to_string() },
        };
        self.0.push((id, answer));
        outcomes.transfers.push((id, begun));
    }

    /// Ends a request: this is what happened to its entry.
    fn complete<A>(&mut self, proposal: Proposal, fate: Fate<A>, outcomes: &mut Outcomes<A>) {
        match proposal {
            Proposal::Write(id) => {
                let outcome = match fate {
                    Fate::Applied { index, applied: Applied::Command(answer) } => {
                        WriteOutcome::Applied { index, answer }
                    }
                    Fate::Applied { .. } | Fate::Replaced => WriteOutcome::Replaced,
                    Fate::Uncertain => WriteOutcome::Uncertain,
                };
                self.write(id, outcome, outcomes);
            }
            Proposal::Change(id) => {
                let outcome = match fate {
                    Fate::Applied { index, applied: Applied::Membership } => ChangeOutcome::Begun { index },
                    Fate::Applied { .. } | Fate::Replaced => ChangeOutcome::Replaced,
                    Fate::Uncertain => ChangeOutcome::Uncertain,
                };
                self.change(id, outcome, outcomes);
            }
        }
    }
}

/// The result of applying an entry.
#[derive(Debug)]
pub(crate) enum Applied<A> {
    /// The state machine's answer to a command.
    Command(A),
    /// Its configuration is committed.
    Membership,
    /// The entry was a no-op.
    Nothing,
}

/// A request that waits for its entry of the log.
#[derive(Debug)]
enum Proposal {
    Write(RequestId),
    Change(RequestId),
}

/// What happened to a proposed entry.
enum Fate<A> {
    /// It is committed.
    Applied { index: Index, applied: Applied<A> },
    /// It was removed from the log.
    Replaced,
    /// This server can't know.
    Uncertain,
}

/// The requests that wait.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// The request behind the entry of this index and term. There may be several with one index: a server
    /// that leads again may not know yet what happened to its earlier proposals.
    proposals: BTreeMap<(Index, Term), Proposal>,
    /// The term of the last entry that was applied.
    applied_term: Term,
    /// Reads that wait until the state machine has applied this index.
    reads: Vec<(Index, RequestId)>,
    /// Outcomes that are still to be recorded.
    pub(crate) answers: Answers,
}

impl Clients {
    /// Number of requests that wait for the log or the state machine.
    pub(crate) fn waiting(&self) -> usize {
        self.proposals.len() + self.reads.len()
    }

    /// The core's decision on a proposal.
    pub(crate) fn on_proposed<A>(
        &mut self,
        requests: Vec<RequestId>,
        proposed: Proposed,
        outcomes: &mut Outcomes<A>,
    ) {
        match proposed {
            Proposed::At(LogPosition { index: first, term }) => {
                let places = (first.0..).map(|index| (Index(index), term));
                self.proposals.extend(places.zip(requests.into_iter().map(Proposal::Write)));
            }
            Proposed::NotLeader { leader } => {
                for request in requests {
                    self.answers.write(request, WriteOutcome::NotLeader { leader }, outcomes);
                }
            }
        }
    }

    /// The core's decision on a membership change: begun at this position, or refused.
    pub(crate) fn on_change<A>(
        &mut self,
        request: RequestId,
        begun: Result<LogPosition, CannotChange>,
        outcomes: &mut Outcomes<A>,
    ) {
        match begun {
            Ok(LogPosition { index, term }) => {
                self.proposals.insert((index, term), Proposal::Change(request));
            }
            Err(why) => self.answers.change(request, ChangeOutcome::Refused(why), outcomes),
        }
    }

    /// The core's decision on a leadership transfer.
    pub(crate) fn on_transfer<A>(
        &mut self,
        request: RequestId,
        begun: Result<(), CannotTransfer>,
        outcomes: &mut Outcomes<A>,
    ) {
        self.answers.transfer(request, begun, outcomes);
    }

    /// The entry at this position was committed and, if it holds a command, applied: the request that
    /// proposed this very entry gets its outcome ([`Rule::AnswerForThisEntry`]).
    pub(crate) fn on_applied<A>(
        &mut self,
        position: LogPosition,
        applied: Applied<A>,
        rules: &impl Rules,
        outcomes: &mut Outcomes<A>,
    ) {
        let LogPosition { index, term } = position;
        let mut applied = Some(applied);
        while let Some(waiting) = self.proposals.first_entry().filter(|waiting| waiting.key().0 <= index) {
            let is_this = *waiting.key() == (index, term);
            let is_answered = rules.allow(Rule::AnswerForThisEntry, is_this);
            let fate = match applied.take_if(|_| is_answered) {
                Some(applied) => Fate::Applied { index, applied },
                None => Fate::Replaced,
            };
            self.answers.complete(waiting.remove(), fate, outcomes);
        }
        if rules.hold(Rule::AnswerForThisEntry) {
            self.give_up_older_than(term, outcomes);
        }
    }

    /// An entry of this term was committed. No entry of an older term can come after it any longer: every
    /// later leader has it (§5.4), and terms never decrease along a log. Requests with such entries need not
    /// wait.
    fn give_up_older_than<A>(&mut self, term: Term, outcomes: &mut Outcomes<A>) {
        if term > self.applied_term {
            self.applied_term = term;
            for (_, proposal) in self.proposals.extract_if(.., |(_, proposed_in), _| *proposed_in < term) {
                self.answers.complete(proposal, Fate::Replaced, outcomes);
            }
        }
    }

    /// A snapshot has replaced all entries up to this one.
    pub(crate) fn on_installed<A>(&mut self, last_included: LogPosition, outcomes: &mut Outcomes<A>) {
        let LogPosition { index, term } = last_included;
        while let Some(waiting) = self.proposals.first_entry().filter(|waiting| waiting.key().0 <= index) {
            self.answers.complete(waiting.remove(), Fate::Uncertain, outcomes);
        }
        self.give_up_older_than(term, outcomes);
    }

    /// This server is no longer a member. It will never learn what happened to entries after `committed`.
    pub(crate) fn on_removed<A>(&mut self, committed: Index, outcomes: &mut Outcomes<A>) {
        for (_, proposal) in self.proposals.extract_if(.., |(index, _), _| *index > committed) {
            self.answers.complete(proposal, Fate::Uncertain, outcomes);
        }
    }

    /// The core's decision on a read.
    pub(crate) fn on_read<A>(
        &mut self,
        request: RequestId,
        outcome: consensus::ReadOutcome,
        last_applied: Index,
        rules: &impl Rules,
        outcomes: &mut Outcomes<A>,
    ) {
        use consensus::ReadOutcome::{At, NotLeader};
        let outcome = match outcome {
            NotLeader { leader } => ReadOutcome::NotLeader { leader },
            At(index) if rules.allow(Rule::ReadWaitsForApply, last_applied >= index) => ReadOutcome::Readable,
            At(index) => return self.reads.push((index, request)),
        };
        self.answers.read(request, outcome, last_applied, outcomes);
    }

    /// The state machine has applied entries up to this index.
    pub(crate) fn on_readable<A>(&mut self, applied: Index, outcomes: &mut Outcomes<A>) {
        for (_, request) in self.reads.extract_if(.., |(index, _)| *index <= applied) {
            self.answers.read(request, ReadOutcome::Readable, applied, outcomes);
        }
    }
}
