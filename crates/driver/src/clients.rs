//! Who waits for what: clients' requests, from the proposal to the answer.

use consensus::{
    CannotChange, CannotTransfer, Index, LogPosition, NodeId, Proposed, ReadOutcome, Rule, Rules, Term,
};
use std::collections::BTreeMap;
use trace::Answer;

/// A request's number, chosen by the driver's keeper; no two that wait at once have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What came of a client's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<A> {
    /// Its command is committed at this index, and was applied.
    Applied {
        /// Where in the log.
        index: Index,
        /// What the state machine answers.
        answer: A,
    },
    /// Its command was in the log, and has gone from it: a later leader's entry has been committed in its place,
    /// or before it. It never takes effect: it may be proposed again.
    Replaced,
    /// A leader's snapshot covers the place of its command, or this server was removed from the cluster. Whether it
    /// was committed can't be told here.
    Uncertain,
    /// The read may take place now.
    Readable,
    /// Nothing was done: this server does not lead, or no longer.
    NotLeader {
        /// Who does, as far as it knows.
        leader: Option<NodeId>,
    },
    /// Its change of the members has begun: the configuration with which it does is committed at this index. If it
    /// is a joint one, the leader goes on by itself.
    Changed {
        /// Where in the log.
        index: Index,
    },
    /// Its change of the members was refused.
    CannotChange(CannotChange),
    /// The leader has begun to hand over.
    HandsOver,
    /// The leader does not hand over.
    CannotTransfer(CannotTransfer),
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
            Outcome::Changed { index } => Answer::Changed { index: *index },
            Outcome::CannotChange(why) => Answer::Refused { reason: why.to_string() },
            Outcome::HandsOver => Answer::HandsOver,
            Outcome::CannotTransfer(why) => Answer::Refused { reason: why.to_string() },
            Outcome::Applied { index, .. } => Answer::Done { index: *index },
            Outcome::Replaced => Answer::Replaced,
            Outcome::Uncertain => Answer::Uncertain,
            Outcome::Readable => Answer::MayRead { applied },
            Outcome::NotLeader { leader } => Answer::NotLeader { leader: *leader },
        }
    }
}

/// The requests that wait.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// Who proposed the entry of this index and term. There may be several of one index: a server that
    /// leads again may not know yet what became of what it proposed before.
    proposals: BTreeMap<(Index, Term), RequestId>,
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
                self.proposals.extend(places.zip(requests));
            }
            Proposed::NotLeader { leader } => {
                outcomes.extend(requests.into_iter().map(|request| (request, Outcome::NotLeader { leader })));
            }
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
            let outcome = match applied.take_if(|_| is_answered) {
                Some(Applied::Command(answer)) => Outcome::Applied { index, answer },
                Some(Applied::Membership) => Outcome::Changed { index },
                Some(Applied::Nothing) | None => Outcome::Replaced,
            };
            outcomes.push((waiting.remove(), outcome));
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
            outcomes.extend(given_up.map(|(_, request)| (request, Outcome::Replaced)));
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
            outcomes.push((waiting.remove(), Outcome::Uncertain));
        }
        self.give_up_older_than(term, outcomes);
    }

    /// This server is no member any more. What becomes of entries behind `committed`, it will never hear.
    pub(crate) fn note_removed<A>(&mut self, committed: Index, outcomes: &mut Vec<(RequestId, Outcome<A>)>) {
        let unknown = self.proposals.extract_if(.., |(index, _), _| *index > committed);
        outcomes.extend(unknown.map(|(_, request)| (request, Outcome::Uncertain)));
    }

    /// The core has decided about a read.
    pub(crate) fn note_read<A>(
        &mut self,
        request: RequestId,
        outcome: ReadOutcome,
        last_applied: Index,
        rules: &impl Rules,
        outcomes: &mut Vec<(RequestId, Outcome<A>)>,
    ) {
        match outcome {
            ReadOutcome::NotLeader { leader } => outcomes.push((request, Outcome::NotLeader { leader })),
            ReadOutcome::At(index) if rules.allow(Rule::ReadWaitsForApply, last_applied >= index) => {
                outcomes.push((request, Outcome::Readable));
            }
            ReadOutcome::At(index) => self.reads.push((index, request)),
        }
    }

    /// The state machine has come this far.
    pub(crate) fn note_readable<A>(&mut self, applied: Index, outcomes: &mut Vec<(RequestId, Outcome<A>)>) {
        let ready = self.reads.extract_if(.., |(index, _)| *index <= applied);
        outcomes.extend(ready.map(|(_, request)| (request, Outcome::Readable)));
    }
}
