//! Why a server did not become leader, and why it did not vote.

use super::{Obstacle, Past, WhyNot, tally};
use crate::english::{self, names};
use crate::record::{Event, Io, Record};
use consensus::event::What;
use consensus::{Message, NodeId, RoleKind, Rule};

impl<'a> Past<'a> {
    pub(super) fn why_no_leader(&self) -> WhyNot<'a> {
        let latest_role = self.own().rev().find_map(|(place, record)| match record.decision() {
            Some(What::Role { role, was }) => Some((place, record, *role, *was)),
            _ => None,
        });
        WhyNot::Because(match latest_role {
            Some((_, leads, RoleKind::Leader, _)) => return WhyNot::ItDid(leads),
            Some((_, _, RoleKind::Candidate | RoleKind::PreCandidate, _)) => self.election(),
            Some((place, steps_down, RoleKind::Follower, was)) => {
                let mut obstacles: Vec<Obstacle<'a>> = self.no_election().into_iter().collect();
                obstacles.extend(was.map(|was| {
                    let sentence = format!("{} stepped down from {was} {}", self.id, self.ago(steps_down));
                    Obstacle::shown_by(self.reason_of_stepping_down(steps_down), sentence)
                }));
                if let Some(RoleKind::Candidate | RoleKind::PreCandidate) = was {
                    let before = Past::new(&self.records[..place], self.resumed, self.id, steps_down.t);
                    obstacles.extend(before.election());
                }
                obstacles
            }
            None => vec![Obstacle::of(None, format!("no role of {} was recorded", self.id))],
        })
    }

    /// The decision, in the same step, because of which a server stepped down.
    fn reason_of_stepping_down(&self, steps_down: &'a Record) -> &'a Record {
        let is_reason = |record: &&Record| {
            let is_such = matches!(
                record.decision(),
                Some(
                    What::Term { .. } | What::QuorumLost { .. } | What::Leader { .. } | What::Removed { .. }
                )
            );
            is_such && (record.cause == steps_down.cause || record.id() == steps_down.cause)
        };
        let before = self.own().rev().map(|(_, record)| record).filter(|record| record.seq < steps_down.seq);
        let nearest = before.take_while(|record| record.t == steps_down.t);
        nearest.into_iter().find(is_reason).unwrap_or(steps_down)
    }

    /// Why a follower has not started an election.
    fn no_election(&self) -> Option<Obstacle<'a>> {
        let id = self.id;
        let latest = self.last_decision(|what| {
            matches!(
                what,
                What::Timer { .. }
                    | What::ConnectionLost { .. }
                    | What::ConnectionMade { .. }
                    | What::NoVoter
                    | What::Retired { .. }
                    | What::Removed { .. }
            )
        })?;
        let (ago, sentence) = (self.ago(latest), english::sentence(latest));
        Some(match (latest.decision()?, latest.rule()) {
            (What::Timer { timeout_us }, Some(Rule::ResetTimerOnLeader)) => {
                let leader = self.server().and_then(|server| server.leader);
                let leader = leader.map_or("a leader".to_owned(), |leader| leader.to_string());
                let timer = english::milliseconds(*timeout_us);
                Obstacle::shown_by(
                    latest,
                    format!("{id} heard from {leader} {ago}, so its election timer ({timer}) still runs"),
                )
            }
            (What::Timer { timeout_us }, Some(Rule::ResetTimerOnGrantOnly)) => {
                let timer = english::milliseconds(*timeout_us);
                Obstacle::shown_by(
                    latest,
                    format!("{id} granted a vote {ago}, so its election timer ({timer}) still runs"),
                )
            }
            (What::Timer { timeout_us }, rule) if rule != Some(Rule::FullDiskDoesNotLead) => {
                let timer = english::milliseconds(*timeout_us);
                Obstacle::shown_by(
                    latest,
                    format!("the election timer of {id} ({timer}) was set {ago} and still runs"),
                )
            }
            _ => Obstacle::shown_by(latest, format!("{id}, {ago}: \"{sentence}\"")),
        })
    }

    /// Why the current election of a candidate or pre-candidate has not been won.
    fn election(&self) -> Vec<Obstacle<'a>> {
        let is_start = |what: &What| {
            matches!(what, What::Role { role: RoleKind::Candidate | RoleKind::PreCandidate, .. })
        };
        let begun = self.own().rev().find(|(_, record)| {
            record.decision().is_some_and(|what| is_start(what) || matches!(what, What::Timeout { .. }))
        });
        let Some((begun, start)) = begun else { return Vec::new() };
        let election: Vec<&'a Record> = self.records[begun..].iter().collect();
        let own = election.iter().filter(|record| record.node == self.id);
        let tallies: Vec<(&'a Record, NodeId, bool)> = own
            .filter_map(|&record| match record.decision()? {
                What::Tally { voter, granted, .. } | What::PreTally { voter, granted, .. } => {
                    Some((record, *voter, *granted))
                }
                _ => None,
            })
            .collect();
        let Some((latest, ..)) = tallies.last() else {
            let sentence =
                format!("the vote of {} for itself is not on disk yet, so nobody counts it", self.id);
            let rule = Some(Rule::PersistBeforeAnswer);
            return vec![Obstacle { sentence, rule, evidence: Some(start) }];
        };
        let mut for_it: Vec<NodeId> =
            tallies.iter().filter(|(_, _, granted)| *granted).map(|(_, voter, _)| *voter).collect();
        for_it.dedup();
        let mut obstacles = Vec::new();
        if let Some(
            What::Tally { votes, needed, of_new, .. } | What::PreTally { votes, needed, of_new, .. },
        ) = latest.decision()
        {
            let counts = tally([(*votes, *needed)].into_iter().chain(*of_new));
            let needed_for = match latest.decision() {
                Some(What::PreTally { .. }) => "yes replies needed before it may run".to_owned(),
                _ => format!("votes needed in term {}", latest.term),
            };
            obstacles.push(Obstacle {
                sentence: format!("{} got {counts} {needed_for}, from {}", self.id, names(&for_it)),
                rule: Some(Rule::MajorityWins),
                evidence: Some(latest),
            });
        }
        let voters = self.view.membership().voters.voters();
        let others = voters.into_iter().filter(|voter| *voter != self.id && !for_it.contains(voter));
        obstacles.extend(others.map(|voter| self.lacking_vote(&election, voter)));
        obstacles
    }

    /// Why a candidate has not got this vote.
    fn lacking_vote(&self, election: &[&'a Record], voter: NodeId) -> Obstacle<'a> {
        let decided = election.iter().rev().find(|record| {
            let asked = match record.decision() {
                Some(What::Vote { candidate, .. } | What::PreVote { candidate, .. }) => *candidate,
                _ => return false,
            };
            record.node == voter && asked == self.id
        });
        match decided.map(|&record| (record, record.decision())) {
            Some((
                refused,
                Some(What::Vote { granted: false, .. } | What::PreVote { granted: false, .. }),
            )) => {
                let why = self.of(voter).reason_of_refusal(refused);
                Obstacle::shown_by(refused, format!("{voter} refused: \"{why}\""))
            }
            Some((granted, _)) => {
                let sentence = format!("{voter} granted its vote, but that reply has not come");
                Obstacle { sentence, rule: None, evidence: Some(granted) }
            }
            None => self.silence_of(voter),
        }
    }

    /// In the words of the server that refused a vote: the answer that was not Raft's, the condition that did not
    /// hold, or the refusal itself.
    fn reason_of_refusal(&self, refused: &'a Record) -> String {
        let is_other_answer = |record: &&Record| {
            record.id() == refused.cause && matches!(record.decision(), Some(What::OtherAnswer { .. }))
        };
        let is_check = |record: &&Record| {
            record.node == refused.node
                && record.cause == refused.cause
                && record.rule() == refused.rule()
                && matches!(record.decision(), Some(What::Check { holds: false, .. }))
        };
        let newest_first = || self.records.iter().rev();
        let reason = newest_first().find(is_other_answer).or_else(|| newest_first().find(is_check));
        english::sentence(reason.unwrap_or(refused))
    }

    pub(super) fn why_no_vote(&self) -> WhyNot<'a> {
        let id = self.id;
        let decided = self.last_decision(|what| match what {
            What::Vote { candidate, .. } | What::PreVote { candidate, .. } => *candidate != id,
            _ => false,
        });
        let Some((decided, what)) = decided.and_then(|record| Some((record, record.decision()?))) else {
            let sentence = format!("nobody has asked {id} for its vote since it started");
            return WhyNot::Because(vec![Obstacle::of(None, sentence)]);
        };
        let (What::Vote { candidate, granted } | What::PreVote { candidate, granted }) = what else {
            unreachable!("nothing else was looked for")
        };
        if *granted {
            let term = self.server().map_or(decided.term, |server| server.term);
            if matches!(what, What::Vote { .. }) && decided.term < term {
                let nobody = format!("nobody has asked {id} for its vote in term {term}");
                let earlier = format!("{id} voted for {candidate} in term {}", decided.term);
                let earlier = Obstacle { sentence: earlier, rule: None, evidence: Some(decided) };
                return WhyNot::Because(vec![Obstacle::of(None, nobody), earlier]);
            }
            if self.has_granted(*candidate, decided) {
                return WhyNot::ItDid(decided);
            }
            let sentence = format!("the vote of {id} for {candidate} is not on disk yet, so it can't reply");
            return WhyNot::Because(vec![Obstacle::shown_by(decided, sentence)]);
        }
        let why = self.reason_of_refusal(decided);
        let refusal = format!("{id} refused {candidate} its vote {}: \"{why}\"", self.ago(decided));
        let mut obstacles = vec![Obstacle::shown_by(decided, refusal)];
        match decided.rule() {
            Some(Rule::OneVotePerTerm) => obstacles.extend(self.earlier_vote(decided)),
            Some(Rule::LeaderStickiness) => obstacles.extend(self.no_election()),
            _ => {}
        }
        WhyNot::Because(obstacles)
    }

    /// Has the server sent its vote to this candidate?
    fn has_granted(&self, candidate: NodeId, decided: &Record) -> bool {
        let told = self.last(|record| match &record.event {
            Event::Io(Io::Sent { to, message: Message::RequestVoteReply(reply) }) => {
                *to == candidate && reply.vote_granted
            }
            Event::Io(Io::Sent { to, message: Message::PreVoteReply(reply) }) => {
                *to == candidate && reply.would_vote
            }
            _ => false,
        });
        told.is_some_and(|told| told.seq > decided.seq)
    }

    /// The vote that the server had given before in the term of this refusal.
    fn earlier_vote(&self, refused: &Record) -> Option<Obstacle<'a>> {
        let granted = self.last(|record| {
            record.term == refused.term && matches!(record.decision(), Some(What::Vote { granted: true, .. }))
        })?;
        let Some(What::Vote { candidate, .. }) = granted.decision() else { return None };
        let whom = if *candidate == self.id { "itself".to_owned() } else { candidate.to_string() };
        let sentence = format!("{} voted for {whom} in term {}", self.id, granted.term);
        Some(Obstacle { sentence, rule: Some(Rule::OneVotePerTerm), evidence: Some(granted) })
    }
}
