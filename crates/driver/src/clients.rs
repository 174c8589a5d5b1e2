//! Who waits for what: clients' requests, from the proposal to the answer.

use consensus::{CannotChange, CannotTransfer, Index, LogPosition, NodeId, Proposed, Rule, Rules, Term};
use std::collections::BTreeMap;
use trace::Answer;

/// A request's number, chosen by the driver's keeper; no two that wait at once have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What came of a client's request, of each kind what can come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<A> {
    /// Of a [proposal](crate::Driver::propose).
    Write(WriteOutcome<A>),
    /// Of a [read](crate::Driver::read).
    Read(ReadOutcome),
    /// Of a [change of the members](crate::Driver::change_membership).
    Change(ChangeOutcome),
    /// Of a [transfer of the leadership](crate::Driver::transfer_leadership): whether it has begun.
    Transfer(Result<(), CannotTransfer>),
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome<A> {
    /// It is committed at this index, and was applied.
    Applied {
        /// Where in the log.
        index: Index,
        /// What the state machine answers.
        answer: A,
    },
    /// It was in the log, and has gone from it: a later leader's entry has been committed in its place, or before it.
    /// It never takes effect: it may be proposed again.
    Replaced,
    /// A leader's snapshot covers its place, or this server was removed from the cluster. Whether it was committed
    /// can't be told here.
    Uncertain,
    /// Nothing was done: this server does not lead.
    NotLeader {
        /// Who does, as far as it knows.
        leader: Option<NodeId>,
    },
}

/// What came of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// It may take place now.
    Readable,
    /// This server does not lead, or no longer.
    NotLeader {
        /// Who does, as far as it knows.
        leader: Option<NodeId>,
    },
}

/// What came of a change of the members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The configuration with which it begins is committed at this index. If it is a joint one, the leader goes on by
    /// itself.
    Begun {
        /// Where in the log.
        index: Index,
    },
    /// As [`WriteOutcome::Replaced`].
    Replaced,
    /// As [`WriteOutcome::Uncertain`].
    Uncertain,
    /// It was refused.
    Refused(CannotChange),
}

/// What an entry came to.
#[derive(Debug)]
pub(crate) enum Applied<A> {
    /// The state machine has answered its command.
    Command(A),
    /// Its configuration is committed.
    Membership,
    /// It says nothing.
    Nothing,
}

impl<A> Outcome<A> {
    /// The outcome without what the state machine says, where it has applied all up to there.
    pub(crate) fn told(&self, applied: Index) -> Answer {
        match self {
            Outcome::Write(WriteOutcome::Applied { index, .. }) => Answer::Done { index: *index },
            Outcome::Change(ChangeOutcome::Begun { index }) => Answer::Changed { index: *index },
            Outcome::Write(WriteOutcome::Replaced) | Outcome::Change(ChangeOutcome::Replaced) => {
                Answer::Replaced
            }
            Outcome::Write(WriteOutcome::Uncertain) | Outcome::Change(ChangeOutcome::Uncertain) => {
                Answer::Uncertain
            }
            Outcome::Write(WriteOutcome::NotLeader { leader })
            | Outcome::Read(ReadOutcome::NotLeader { leader }) => Answer::NotLeader { leader: *leader },
            Outcome::Read(ReadOutcome::Readable) => Answer::MayRead { applied },
            Outcome::Change(ChangeOutcome::Refused(why)) => Answer::Refused { reason: why.to_string() },
            Outcome::Transfer(Ok(())) => Answer::HandsOver,
            Outcome::Transfer(Err(why)) => Answer::Refused { reason: why.to_string() },
        }
    }
}

/// A request that waits for its entry of the log.
#[derive(Debug)]
enum Proposal {
    Write(RequestId),
    Change(RequestId),
}

impl Proposal {
    /// Its entry is committed, and came to this.
    fn applied<A>(self, index: Index, applied: Option<Applied<A>>) -> (RequestId, Outcome<A>) {
        match (self, applied) {
            (Proposal::Write(id), Some(Applied::Command(answer))) => {
                (id, Outcome::Write(WriteOutcome::Applied { index, answer }))
            }
            (Proposal::Change(id), Some(Applied::Membership)) => {
                (id, Outcome::Change(ChangeOutcome::Begun { index }))
            }
            (other, _) => other.replaced(),
        }
    }

    fn replaced<A>(self) -> (RequestId, Outcome<A>) {
        match self {
            Proposal::Write(id) => (id, Outcome::Write(WriteOutcome::Replaced)),
            Proposal::Change(id) => (id, Outcome::Change(ChangeOutcome::Replaced)),
        }
    }

    fn uncertain<A>(self) -> (RequestId, Outcome<A>) {
        match self {
            Proposal::Write(id) => (id, Outcome::Write(WriteOutcome::Uncertain)),
            Proposal::Change(id) => (id, Outcome::Change(ChangeOutcome::Uncertain)),
        }
    }
}

/// The requests that wait.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// Who proposed the entry of this index and term. There may be several of one index: a server that
    /// leads again may not know yet what became of what it proposed before.
    proposals: BTreeMap<(Index, Term), Proposal>,
    /// The term of the last entry that was applied.
    applied_term: Term,
    /// Reads that wait until the state machine has come this far.
    reads: Vec<(Index, RequestId)>,
}

impl Clients {
    /// How many requests wait for what the log or the state machine will bring.
    pub(crate) fn waiting(&self) -> usize {
        self.proposals.len() + self.reads.len()
    }

    pub(crate) fn note_proposed<A>(
        &mut self,
        requests: Vec<RequestId>,
        proposed: Proposed,
        outcomes: &mut Vec<(RequestId, Outcome<A>)>,
    ) {
        match proposed {
            Proposed::At(LogPosition { index: first, term }) => {
                let places = (first.0..).map(|index| (Index(index), term));
                self.proposals.extend(places.zip(requests.into_iter().map(Proposal::Write)));
            }
            Proposed::NotLeader { leader } => {
                let outcome = |request| (request, Outcome::Write(WriteOutcome::NotLeader { leader }));
                outcomes.extend(requests.into_iter().map(outcome));
            }
        }
    }

    /// The core has decided about a change of the members: it has begun at this position, or not.
    pub(crate) fn note_change<A>(
        &mut self,
        request: RequestId,
        begun: Result<LogPosition, CannotChange>,
        outcomes: &mut Vec<(RequestId, Outcome<A>)>,
    ) {
        match begun {
            Ok(LogPosition { index, term }) => {
                self.proposals.insert((index, term), Proposal::Change(request));
            }
            Err(why) => outcomes.push((request, Outcome::Change(ChangeOutcome::Refused(why)))),
        }
    }

    /// The entry at this position was committed and, if it holds a command, applied: whoever proposed that
    /// very entry gets the answer ([`Rule::AnswerForThisEntry`]).
    pub(crate) fn note_applied<A>(
        &mut self,
        position: LogPosition,
        applied: Applied<A>,
        rules: &impl Rules,
        outcomes: &mut Vec<(RequestId, Outcome<A>)>,
    ) {
        let LogPosition { index, term } = position;
        let mut applied = Some(applied);
        while let Some(waiting) = self.proposals.first_entry().filter(|waiting| waiting.key().0 <= index) {
            let is_this = *waiting.key() == (index, term);
            let is_answered = rules.allow(Rule::AnswerForThisEntry, is_this);
            outcomes.push(waiting.remove().applied(index, applied.take_if(|_| is_answered)));
        }
        if rules.hold(Rule::AnswerForThisEntry) {
            self.give_up_older_than(term, outcomes);
        }
    }

    /// An entry of this term was committed. No entry of an older term can come behind it any more: every later
    /// leader has it (§5.4), and terms never fall along a log. Whoever proposed one need not wait.
    fn give_up_older_than<A>(&mut self, term: Term, outcomes: &mut Vec<(RequestId, Outcome<A>)>) {
        if term > self.applied_term {
            self.applied_term = term;
            let given_up = self.proposals.extract_if(.., |(_, proposed_in), _| *proposed_in < term);
            outcomes.extend(given_up.map(|(_, proposal)| proposal.replaced()));
        }
    }

    /// A snapshot has taken the place of all entries up to this one.
    pub(crate) fn note_installed<A>(
        &mut self,
        last_included: LogPosition,
        outcomes: &mut Vec<(RequestId, Outcome<A>)>,
    ) {
        let LogPosition { index, term } = last_included;
        while let Some(waiting) = self.proposals.first_entry().filter(|waiting| waiting.key().0 <= index) {
            outcomes.push(waiting.remove().uncertain());
        }
        self.give_up_older_than(term, outcomes);
    }

    /// This server is no member any more. What becomes of entries behind `committed`, it will never hear.
    pub(crate) fn note_removed<A>(&mut self, committed: Index, outcomes: &mut Vec<(RequestId, Outcome<A>)>) {
        let unknown = self.proposals.extract_if(.., |(index, _), _| *index > committed);
        outcomes.extend(unknown.map(|(_, proposal)| proposal.uncertain()));
    }

    /// The core has decided about a read.
    pub(crate) fn note_read<A>(
        &mut self,
        request: RequestId,
        outcome: consensus::ReadOutcome,
        last_applied: Index,
        rules: &impl Rules,
        outcomes: &mut Vec<(RequestId, Outcome<A>)>,
    ) {
        use consensus::ReadOutcome::{At, NotLeader};
        match outcome {
            NotLeader { leader } => {
                outcomes.push((request, Outcome::Read(ReadOutcome::NotLeader { leader })));
            }
            At(index) if rules.allow(Rule::ReadWaitsForApply, last_applied >= index) => {
                outcomes.push((request, Outcome::Read(ReadOutcome::Readable)));
            }
            At(index) => self.reads.push((index, request)),
        }
    }

    /// The state machine has come this far.
    pub(crate) fn note_readable<A>(&mut self, applied: Index, outcomes: &mut Vec<(RequestId, Outcome<A>)>) {
        let ready = self.reads.extract_if(.., |(index, _)| *index <= applied);
        outcomes.extend(ready.map(|(_, request)| (request, Outcome::Read(ReadOutcome::Readable))));
    }
}
