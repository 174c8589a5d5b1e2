//! Why a server did not reply to a client.

use super::{Obstacle, Past, WhyNot};
use crate::english;
use crate::record::{Answer, Event, Io, Record, Wish};
use consensus::event::What;
use consensus::{Index, Message, NodeId, Rule};

impl<'a> Past<'a> {
    pub(super) fn why_no_reply(&self) -> WhyNot<'a> {
        let id = self.id;
        let unanswered = self.own().find_map(|(_, record)| match &record.event {
            Event::Io(Io::Asked { wish, requests }) => {
                let place = requests.iter().position(|request| self.response_to(*request).is_none())?;
                Some((record, *wish, place, requests[place]))
            }
            _ => None,
        });
        if let Some((asked, wish, place, request)) = unanswered {
            return WhyNot::Because(match wish {
                Wish::Read => self.read_waits(asked, request),
                _ => self.entry_waits(asked, place, request),
            });
        }
        let response = self.last(|record| matches!(record.event, Event::Io(Io::Answered { .. })));
        let Some(response) = response else {
            let sentence = format!("no client has asked {id} for anything since it started");
            return WhyNot::Because(vec![Obstacle::of(None, sentence)]);
        };
        match &response.event {
            Event::Io(Io::Answered {
                answer:
                    Answer::Done { .. } | Answer::MayRead { .. } | Answer::Changed { .. } | Answer::HandsOver,
                ..
            }) => WhyNot::ItDid(response),
            // It did respond, but that did not help the client.
            _ => {
                let sentence = format!("{id}, {}: \"{}\"", self.ago(response), english::sentence(response));
                WhyNot::Because(vec![Obstacle::shown_by(response, sentence)])
            }
        }
    }

    fn response_to(&self, request: u64) -> Option<&'a Record> {
        self.last(
            |record| matches!(record.event, Event::Io(Io::Answered { request: it, .. }) if it == request),
        )
    }

    /// Why a request that needs an entry of the log has no response.
    fn entry_waits(&self, asked: &'a Record, place: usize, request: u64) -> Vec<Obstacle<'a>> {
        let id = self.id;
        let appended = self.own().find_map(|(_, record)| match record.decision()? {
            What::Appended { first, .. } if record.cause == asked.id() => Some((record, *first)),
            _ => None,
        });
        let Some((appended, first)) = appended else {
            let sentence = format!("{id} has begun nothing for request {request} yet");
            return vec![Obstacle { sentence, rule: None, evidence: Some(asked) }];
        };
        let index = Index(first.0 + place as u64);
        let Some(log) = self.server().map(|server| &server.log) else { return Vec::new() };
        if index <= log.commit_index() {
            let sentence = format!(
                "entry {index}, for request {request}, is committed, but applied are only entries up to {}",
                log.last_applied()
            );
            return vec![Obstacle { sentence, rule: Some(Rule::ApplyInOrderOnce), evidence: Some(appended) }];
        }
        let sentence = format!("entry {index}, for request {request}, is not committed");
        let rule = Some(Rule::AnswerForThisEntry);
        let mut obstacles = vec![Obstacle { sentence, rule, evidence: Some(appended) }];
        obstacles.extend(self.no_commit_of(log.commit_index().next()));
        obstacles
    }

    /// Why a client may not read yet.
    fn read_waits(&self, asked: &'a Record, request: u64) -> Vec<Obstacle<'a>> {
        let id = self.id;
        let latest = self.last(|record| {
            let is_about_reads = matches!(
                record.decision(),
                Some(
                    What::ReadWaits
                        | What::RoundBegun { .. }
                        | What::RoundWon { .. }
                        | What::LeaseRead { .. }
                )
            );
            is_about_reads && record.seq > asked.seq
        });
        let Some(log) = self.server().map(|server| &server.log) else { return Vec::new() };
        let by = |rule, sentence| Obstacle { sentence, rule: Some(rule), evidence: latest.or(Some(asked)) };
        match latest.and_then(Record::decision) {
            Some(What::RoundWon { index, .. } | What::LeaseRead { index }) => vec![by(
                Rule::ReadWaitsForApply,
                format!(
                    "read {request} must see entries up to {index}, but applied are only entries up to {}",
                    log.last_applied()
                ),
            )],
            Some(What::ReadWaits) => {
                let sentence =
                    format!("read {request} waits: {id} has committed no entry of its own term yet");
                let mut obstacles = vec![by(Rule::ReadAfterCommitInTerm, sentence)];
                obstacles.extend(self.no_commit_of(log.commit_index().next()));
                obstacles
            }
            _ => {
                let sentence =
                    format!("read {request} waits: no majority has confirmed yet that {id} still leads");
                let mut obstacles = vec![by(Rule::ReadConfirmsLeadership, sentence)];
                let confirms = |voter| latest.is_some_and(|round| self.has_confirmed(voter, round));
                let voters = self.view.membership().voters.voters();
                let silent = voters.into_iter().filter(|voter| *voter != id && !confirms(*voter));
                obstacles.extend(silent.map(|voter| self.silence_of(voter)));
                obstacles
            }
        }
    }

    /// Has this voter replied in a round that began with `begun`?
    fn has_confirmed(&self, voter: NodeId, begun: &Record) -> bool {
        let Some(What::RoundBegun { round, .. }) = begun.decision() else { return false };
        let reply = self.last(|record| match &record.event {
            Event::Io(Io::Received { from, message: Message::AppendEntriesReply(reply) }) => {
                *from == voter && reply.round >= *round && reply.term == begun.term
            }
            _ => false,
        });
        reply.is_some()
    }
}
