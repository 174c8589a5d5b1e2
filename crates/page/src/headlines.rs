//! The headlines: the text about each episode, and the record from which it applies. A page that shows a
//! moment of the past shows the text that applied then.

use serde::Serialize;
use std::collections::{BTreeSet, VecDeque};
use trace::{Episodes, Record};

/// Maximum number of times that the text of an episode changes at once; after that, only once per interval.
const AT_ONCE: usize = 30;
/// That interval, in microseconds.
const WHILE: u64 = 250_000;

/// Maximum number of headlines that are kept.
const MOST: usize = 4_000;

/// The text about an episode, from a certain record on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Headline {
    /// The number of the record after which it applies. A later headline of the same episode replaces it.
    pub after: u64,
    /// The number of the episode.
    pub episode: u64,
    /// The number of the record with which the episode began.
    pub first: u64,
    /// When the episode began: microseconds since the cluster's start.
    pub t: u64,
    /// A sentence or two.
    pub text: String,
    /// Did a server ask for votes?
    pub is_election: bool,
    /// Was a leader elected?
    pub is_won: bool,
    /// Was a promise of Raft broken?
    pub is_violation: bool,
}

/// The headlines of a run so far.
#[derive(Debug, Default)]
pub struct Headlines {
    episodes: Episodes,
    /// In the order in which they were added.
    said: VecDeque<Said>,
    /// The episodes whose text has changed.
    unsaid: BTreeSet<u64>,
}

#[derive(Debug)]
struct Said {
    headline: Headline,
    /// When it was added, in microseconds, and the number of headlines of its episode before it.
    at: u64,
    times: usize,
}

impl Headlines {
    /// Processes the record with this number.
    pub fn observe(&mut self, number: u64, record: &Record) {
        let changed = self.episodes.observe(record);
        let is_new = changed.is_some_and(|episode| self.latest_of(episode).is_none());
        let due = std::mem::take(&mut self.unsaid);
        for episode in due.into_iter().chain(changed).collect::<BTreeSet<u64>>() {
            if is_new || self.is_due(episode, record.t) {
                self.say(episode, number, record.t);
            } else {
                self.unsaid.insert(episode);
            }
        }
    }

    /// Adds what is left to add after the last record, which has this number.
    pub fn end(&mut self, number: u64) {
        for episode in std::mem::take(&mut self.unsaid) {
            self.say(episode, number, 0);
        }
    }

    /// Those added after the record with the one number, and no later than after the one with the other.
    pub fn between(&self, after: u64, up_to: u64) -> impl Iterator<Item = &Headline> {
        let first = self.said.partition_point(|said| said.headline.after <= after);
        let later = self.said.range(first..).map(|said| &said.headline);
        later.take_while(move |headline| headline.after <= up_to)
    }

    fn latest_of(&self, episode: u64) -> Option<&Said> {
        self.said.iter().rev().find(|said| said.headline.episode == episode)
    }

    /// The end of an election is added at once, and so is anything that does not change too often.
    fn is_due(&self, episode: u64, t: u64) -> bool {
        let Some(Said { headline, at, times }) = self.latest_of(episode) else { return true };
        let is_won = self.episodes.get(episode).is_some_and(|episode| episode.winner().is_some());
        *times < AT_ONCE || t.saturating_sub(*at) >= WHILE || is_won != headline.is_won
    }

    fn say(&mut self, number: u64, after: u64, at: u64) {
        let Some(episode) = self.episodes.get(number) else { return };
        let text = episode.to_string();
        let before = self.latest_of(number);
        if text.is_empty() || before.is_some_and(|before| before.headline.text == text) {
            return;
        }
        let headline = Headline {
            after,
            episode: number,
            first: before.map_or(after, |before| before.headline.first),
            t: episode.t,
            text,
            is_election: episode.is_election(),
            is_won: episode.winner().is_some(),
            is_violation: episode.is_violation(),
        };
        let times = before.map_or(1, |before| before.times + 1);
        self.said.push_back(Said { headline, at, times });
        if self.said.len() > MOST {
            self.forget();
        }
    }

    /// Drops a quarter: headlines that were replaced later, then the oldest, elections and broken promises
    /// last.
    fn forget(&mut self) {
        let mut surplus = MOST / 4;
        let mut said_later = BTreeSet::new();
        let mut is_outdated: VecDeque<bool> = VecDeque::new();
        for Said { headline, .. } in self.said.iter().rev() {
            is_outdated.push_front(!said_later.insert(headline.episode));
        }
        self.drop_first(&mut surplus, |_| is_outdated.pop_front().unwrap_or(false));
        self.drop_first(&mut surplus, |headline| !headline.is_election && !headline.is_violation);
        self.drop_first(&mut surplus, |_| true);
    }

    /// Drops the first ones for which this holds, while there is a surplus.
    fn drop_first(&mut self, surplus: &mut usize, mut holds: impl FnMut(&Headline) -> bool) {
        self.said.retain(|said| {
            let is_dropped = holds(&said.headline) && *surplus > 0;
            *surplus -= usize::from(is_dropped);
            !is_dropped
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::event::{Decision, What};
    use consensus::{Index, NodeId, RoleKind, Rule, Term};
    use trace::{Event, Laboratory};

    fn record(t: u64, event: Event) -> Record {
        Record { t, node: NodeId(1), life: 1, seq: None, cause: None, term: Term(1), content: None, event }
    }

    fn done(t: u64, laboratory: Laboratory) -> Record {
        record(t, Event::Laboratory(laboratory))
    }

    fn decided(t: u64, what: What) -> Record {
        record(t, Event::Decision(Decision::new(Some(Rule::CandidateIncrementsTerm), what)))
    }

    /// A leader that commits an entry each millisecond.
    fn under_load(entries: u64) -> Headlines {
        let mut headlines = Headlines::default();
        headlines.observe(1, &decided(0, What::Role { role: RoleKind::Leader, was: None }));
        for index in 1..=entries {
            headlines.observe(index + 1, &decided(1000 * index, What::Committed { index: Index(index) }));
        }
        headlines
    }

    fn texts(headlines: &Headlines, after: u64, up_to: u64) -> Vec<&str> {
        headlines.between(after, up_to).map(|headline| &*headline.text).collect()
    }

    #[test]
    fn each_version_is_known_from_its_record_on() {
        let mut headlines = Headlines::default();
        headlines.observe(1, &decided(0, What::Heartbeat));
        headlines.observe(
            2,
            &done(
                1,
                Laboratory::Died {
                    signal: Some(9),
                    status: None,
                    power_cut: None,
                    last_words: String::new(),
                },
            ),
        );
        headlines.observe(3, &decided(2, What::Term { was: Term(0) }));
        headlines
            .observe(4, &decided(3, What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) }));
        let all: Vec<&Headline> = headlines.between(0, 9).collect();
        let said: Vec<(u64, u64, u64, bool)> =
            all.iter().map(|said| (said.after, said.episode, said.first, said.is_won)).collect();
        assert_eq!(said, [(2, 1, 2, false), (3, 1, 2, false), (4, 1, 2, true)]);
        assert_eq!(texts(&headlines, 0, 2), ["n1 was killed."]);
        assert!(texts(&headlines, 3, 4)[0].ends_with("and leads term 1."), "{all:?}");
        assert_eq!(texts(&headlines, 4, 9), [""; 0]);
    }

    #[test]
    fn under_load_a_headline_comes_only_once_in_a_while_and_the_last_one_always() {
        let mut headlines = under_load(10_000);
        let count = headlines.said.len();
        assert!((40..100).contains(&count), "{count}");
        headlines.end(20_000);
        assert_eq!(*texts(&headlines, 0, u64::MAX).last().unwrap(), "n1 committed entries 2 to 10000.");
        assert_eq!(headlines.said.len(), count + 1);
        assert!(headlines.said.iter().is_sorted_by_key(|said| said.headline.after));
    }

    #[test]
    fn what_waited_is_said_when_something_new_begins() {
        let mut headlines = under_load(1000);
        headlines.observe(2000, &done(1_000_001, Laboratory::LinksHealed));
        let last: Vec<&str> = texts(&headlines, 1999, 2000);
        assert_eq!(last.len(), 2, "{last:?}");
        assert_eq!(last[0], "n1 committed entries 2 to 1000.");
    }

    #[test]
    fn a_long_run_keeps_its_newest_headlines_and_elections_longest() {
        let mut headlines = Headlines::default();
        headlines.observe(1, &decided(0, What::Term { was: Term(0) }));
        headlines.observe(2, &decided(0, What::Role { role: RoleKind::Leader, was: None }));
        for number in 3..50_000 {
            headlines.observe(number, &done(number, Laboratory::LinksHealed));
            assert!(headlines.said.len() <= MOST);
        }
        let said: Vec<&Headline> = headlines.between(0, u64::MAX).collect();
        assert!(said[0].is_won, "{:?}", said[0]);
        assert_eq!(
            said.iter().filter(|headline| headline.episode == 1).count(),
            1,
            "its last version is left"
        );
        assert_eq!(said.last().unwrap().after, 49_999);
    }
}
