//! Why a server did not commit its last entries.

use super::{Obstacle, Past, WhyNot, tally};
use crate::english::{self, names};
use crate::record::{Event, Io, Record};
use consensus::event::What;
use consensus::{Index, Message, NodeId, RoleKind, Rule};

impl<'a> Past<'a> {
    pub(super) fn why_no_commit(&self) -> WhyNot<'a> {
        let Some(server) = self.server() else { return WhyNot::Because(Vec::new()) };
        let (committed, last) = (server.log.commit_index(), server.log.last_index());
        if last.0 == 0 {
            let sentence = format!("the log of {} is empty: there is nothing to commit", self.id);
            return WhyNot::Because(vec![Obstacle::of(None, sentence)]);
        }
        if committed >= last
            && let Some(commit) = self.last_decision(|what| matches!(what, What::Committed { .. }))
        {
            return WhyNot::ItDid(commit);
        }
        WhyNot::Because(self.no_commit_of(committed.next()))
    }

    /// Why this entry, and so all after it, is not committed.
    pub(super) fn no_commit_of(&self, index: Index) -> Vec<Obstacle<'a>> {
        let answer = self.other_answer().map(|answer| {
            let sentence = format!("{}: \"{}\"", self.id, english::sentence(answer));
            Obstacle::shown_by(answer, sentence)
        });
        answer.into_iter().chain(self.no_commit_by_raft(index)).collect()
    }

    /// The last answer of this server about commits that was not Raft's.
    fn other_answer(&self) -> Option<&'a Record> {
        let rules = [Rule::CommitToLastNew, Rule::CommitByMajority, Rule::CommitCurrentTermOnly];
        self.last(|record| {
            matches!(record.decision(), Some(What::OtherAnswer { .. }))
                && record.rule().is_some_and(|rule| rules.contains(&rule))
        })
    }

    fn no_commit_by_raft(&self, index: Index) -> Vec<Obstacle<'a>> {
        let Some(server) = self.server() else { return Vec::new() };
        if server.role == Some(RoleKind::Leader) {
            return self.no_majority_for(index);
        }
        let rule = Some(Rule::CommitToLastNew);
        let Some(leader) = server.leader else {
            let sentence = format!(
                "{} is no leader and knows none: only a leader's word would mark entry {index} as committed",
                self.id
            );
            return vec![Obstacle::of(rule, sentence)];
        };
        let word = self.last(|record| {
            matches!(&record.event, Event::Io(Io::Received { message: Message::AppendEntries(_), .. }))
        });
        let mut obstacles = Vec::new();
        let says = word.and_then(|word| match &word.event {
            Event::Io(Io::Received { message: Message::AppendEntries(request), .. }) => {
                Some((word, request.leader_commit))
            }
            _ => None,
        });
        let Some((word, leader_commit)) = says else {
            let sentence = format!("{leader} leads, but has sent {} no entries yet", self.id);
            return vec![Obstacle::of(rule, sentence)];
        };
        let (id, ago) = (self.id, self.ago(word));
        let is_behind = leader_commit < index;
        let sentence = match (is_behind, leader_commit.0) {
            (true, 0) => format!("{leader} told {id} {ago} that no entries are committed yet"),
            (true, _) => format!("{leader} told {id} {ago} that entries up to {leader_commit} are committed"),
            (false, _) => format!(
                "{leader} told {id} {ago} that entries up to {leader_commit} are committed, but {id}'s log does not match \
                 that far"
            ),
        };
        obstacles.push(Obstacle { sentence, rule, evidence: Some(word) });
        let leaders = self.of(leader);
        if let Some(obstacle) = leaders.cant_act() {
            obstacles.push(obstacle);
        } else if is_behind && leaders.server().is_some_and(|it| it.role == Some(RoleKind::Leader)) {
            let commits = |what: &What| matches!(what, What::Committed { index: up_to } if *up_to >= index);
            obstacles.extend(match leaders.last_decision(commits) {
                Some(commit) => {
                    let sentence = format!("{leader} has committed entry {index} since");
                    vec![Obstacle { sentence, rule: None, evidence: Some(commit) }]
                }
                None => leaders.no_majority_for(index),
            });
        } else if let Some(mismatch) =
            self.last_decision(|what| matches!(what, What::Mismatch { .. })).filter(|_| !is_behind)
        {
            let sentence = format!("{}: \"{}\"", self.id, english::sentence(mismatch));
            obstacles.push(Obstacle::shown_by(mismatch, sentence));
        }
        obstacles
    }

    /// Why a leader has not committed this entry.
    fn no_majority_for(&self, index: Index) -> Vec<Obstacle<'a>> {
        let Some(server) = self.server() else { return Vec::new() };
        let (id, current, log) = (self.id, server.term, &server.log);
        if index > log.last_index() {
            return vec![Obstacle::of(None, format!("{id} leads, and has no entry {index}"))];
        }
        let Some(term) = log.term_at(index).filter(|term| *term < current) else {
            return self.holders_of(index);
        };
        let mut obstacles = Vec::new();
        let waits = self.last_decision(|what| matches!(what, What::Waits { .. }));
        let own =
            (index.0..=log.last_index().0).map(Index).find(|index| log.term_at(*index) == Some(current));
        let last_old = own.map_or(log.last_index(), Index::previous);
        let old = match last_old == index {
            true => format!(
                "entry {index} is from term {term}, and {id} leads term {current}: it commits such an entry only"
            ),
            false => format!(
                "entries {index} to {last_old} are from older terms, and {id} leads term {current}: it commits them only"
            ),
        };
        obstacles.push(Obstacle {
            sentence: format!("{old} together with one of its own term"),
            rule: Some(Rule::CommitCurrentTermOnly),
            evidence: waits,
        });
        obstacles.extend(match own {
            Some(own) => self.holders_of(own),
            None => vec![Obstacle::of(
                Some(Rule::NoOpOnElection),
                format!("{id} has no entry of term {current} yet"),
            )],
        });
        obstacles
    }

    /// The servers that have this entry, and why the others don't, as the leader knows.
    fn holders_of(&self, index: Index) -> Vec<Obstacle<'a>> {
        let Some(server) = self.server() else { return Vec::new() };
        let matched = |id: NodeId| {
            let progress = server.progress.get(&id).map(|progress| progress.match_index);
            if id == self.id { self.on_own_disk() } else { progress }
        };
        let has_it = |id: NodeId| matched(id).is_some_and(|up_to| up_to >= index);
        let voters = &self.view.membership().voters;
        let (holders, others): (Vec<NodeId>, Vec<NodeId>) =
            voters.voters().into_iter().partition(|id| has_it(*id));
        let counts = tally(voters.counts(has_it));
        let mut obstacles = vec![Obstacle {
            sentence: format!("entry {index} is on disk at {}: {counts} needed", names(&holders)),
            rule: Some(Rule::CommitByMajority),
            evidence: self.last_decision(|what| matches!(what, What::Matched { .. } | What::Appended { .. })),
        }];
        obstacles.extend(others.into_iter().map(|id| match id == self.id {
            true => Obstacle::of(
                Some(Rule::OwnDiskCountsWhenSynced),
                format!("entry {index} is not on the disk of {id} itself yet"),
            ),
            false => self.silence_of(id),
        }));
        obstacles
    }

    /// The index up to which the leader counts its own log.
    fn on_own_disk(&self) -> Option<Index> {
        let counted =
            self.last_decision(|what| matches!(what, What::Matched { follower, .. } if *follower == self.id));
        match counted?.decision() {
            Some(What::Matched { index, .. }) => Some(*index),
            _ => None,
        }
    }
}
