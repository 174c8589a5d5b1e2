//! Why no order explains a few operations, in a sentence for a beginner.

use crate::register::{ABSENT, Content, Demand, Register};
use crate::words::{deed, in_brackets, known_version, label, name, printable, sentence, value_or_nothing};
use std::collections::{BTreeMap, BTreeSet};

/// The kind of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An answer that no register gives to such a request.
    Nonsense,
    /// A client found a value that nobody ever wrote.
    NeverWritten,
    /// A client found a value before anyone had asked to write it.
    TooEarly,
    /// A compare-and-swap succeeded twice where it could only once.
    SwappedTwice,
    /// A client found nothing after a write had been acknowledged, and nobody deleted what it wrote.
    LostWrite,
    /// A client found a value that had been overwritten before.
    Stale,
    /// A client found a value, and later a client found an older one.
    BackInTime,
    /// A value was written once, and it was there, was gone, and was there again.
    TookEffectTwice,
    /// One client saw two values in one order, and another saw them in the other order.
    DifferentOrders,
    /// Two writes were given the same version.
    SameVersion,
    /// A write was given a lower version than one before it.
    VersionsFall,
    /// A write changed a version that was no longer the latest.
    LostUpdate,
    /// None of these.
    Other,
}

/// Why an old value came before a new one. A witness is an operation that set or found the new one.
#[derive(Clone, Copy)]
enum Earlier {
    /// The old one is "no value", as at first.
    AtFirst,
    /// Everything that set the old one, `last` being the latest of them, had ended before the witness began.
    Set { last: usize, witness: usize },
    /// The old one was set once, and this operation swapped it for the new one.
    Swapped { witness: usize },
    /// The old one was set once, and a client had found it before the witness began.
    Found { finder: usize, witness: usize },
    /// The new one has a higher version.
    Version { newer: u64 },
}

/// The kind of violation that these operations are, and why no order explains them. `unexplained` is the
/// first whose answer no order explains.
pub(crate) fn explain(register: &Register<'_>, unexplained: usize) -> (Kind, String) {
    let story = Story(register);
    let (kind, text) = story
        .nonsense()
        .or_else(|| story.never_written())
        .or_else(|| story.too_early())
        .or_else(|| story.same_version())
        .or_else(|| story.versions_fall())
        .or_else(|| story.lost_update())
        .or_else(|| story.swapped_twice())
        .or_else(|| story.there_and_back(unexplained))
        .unwrap_or_else(|| story.other(unexplained));
    (kind, sentence(&text))
}

struct Story<'a>(&'a Register<'a>);

/// Can they be the same, as far as they are known?
fn agree(one: Content, other: Content) -> bool {
    one.is(other) || other.is(one)
}

impl Story<'_> {
    fn nonsense(&self) -> Option<(Kind, String)> {
        let place = self.places().find(|&place| self.0.steps[place].demand == Demand::Impossible)?;
        Some((
            Kind::Nonsense,
            format!("no register answers that: {}", label(self.0.operations[place], false)),
        ))
    }

    fn never_written(&self) -> Option<(Kind, String)> {
        let possible = self.possible_contents();
        let impossible = self.findings().find(|(_, found)| !possible.contains(found));
        let (place, why) = impossible
            .map(|(place, found)| (place, self.why_never(place, found)))
            .or_else(|| Some((self.untraced()?, "nobody ever wrote that version".to_owned())))?;
        Some((Kind::NeverWritten, format!("{}, but {why}", self.deed(place))))
    }

    /// Why this, which an operation found, was never there.
    fn why_never(&self, place: usize, found: Content) -> String {
        let value = self.value(found);
        let setter = |is_it: &dyn Fn(Content) -> bool| {
            self.places().find(|&other| other != place && self.sets(other).is_some_and(is_it))
        };
        if let Some(setter) = setter(&|set| set.is(found)) {
            let setter = self.name(setter);
            format!("{setter} can't have written {value}: what it expected was never there")
        } else if let Some(setter) = setter(&|set| set.version > 0 && set.version == found.version) {
            format!("version {} is that of {}", found.version, self.name(setter))
        } else if let Some(setter) = setter(&|set| set.version > 0 && set.value == found.value) {
            let told = known_version(self.0.operations[setter]).map_or("found as", |_| "given");
            let (setter, version) = (self.name(setter), self.0.steps[setter].version());
            format!("{setter} was {told} version {version}, and nobody wrote it again")
        } else {
            format!("nobody ever wrote {value}")
        }
    }

    /// An operation with a version that nobody can have written.
    fn untraced(&self) -> Option<usize> {
        let is_unversioned =
            |place: usize| self.sets(place).is_some_and(|set| set != ABSENT && set.version == 0);
        let is_untraced = |&place: &usize| self.0.steps[place].demand == Demand::IsUntraced;
        self.places().find(is_untraced).filter(|_| !self.places().any(is_unversioned))
    }

    /// Everything that the register may have held at some time, with and without its version.
    fn possible_contents(&self) -> BTreeSet<Content> {
        let mut possible = BTreeSet::from([ABSENT]);
        loop {
            let is_possible =
                |place: &usize| self.demands(*place).is_none_or(|value| possible.contains(&value));
            let set: Vec<Content> =
                self.places().filter(is_possible).filter_map(|place| self.sets(place)).collect();
            let known = possible.len();
            possible.extend(set.into_iter().flat_map(Content::tellings));
            if possible.len() == known {
                return possible;
            }
        }
    }

    fn too_early(&self) -> Option<(Kind, String)> {
        let is_early = |&(place, found): &(usize, Content)| {
            found != ABSENT && self.setters(found).all(|setter| self.is_before(place, setter))
        };
        let (place, found) = self.findings().find(is_early)?;
        let text = format!("{} before anybody had asked to write {}", self.deed(place), self.value(found));
        Some((Kind::TooEarly, text))
    }

    fn swapped_twice(&self) -> Option<(Kind, String)> {
        let changes = |&(place, found): &(usize, Content)| self.sets(place).is_some_and(|set| set != found);
        for (first, found) in self.findings().filter(changes).filter(|&(_, found)| self.comes_once(found)) {
            let is_second = |&(place, other): &(usize, Content)| place > first && agree(other, found);
            if let Some((second, _)) = self.findings().filter(changes).find(is_second) {
                let (first, second, value) = (self.deed(first), self.deed(second), self.value(found));
                let once = match found {
                    ABSENT => format!("nobody deleted {}", self.key()),
                    _ => format!("nobody wrote {value}"),
                };
                let text = format!(
                    "{first} and {second}, but {once} in between: only one of them can have found {value}"
                );
                return Some((Kind::SwappedTwice, text));
            }
        }
        None
    }

    fn same_version(&self) -> Option<(Kind, String)> {
        let mut writers = BTreeMap::new();
        let (one, other) = self.versions().find_map(|(place, version)| {
            let before = writers.insert(version, place)?;
            Some((before, place))
        })?;
        Some((
            Kind::SameVersion,
            format!("{} and {} have the same version", self.name(one), self.name(other)),
        ))
    }

    fn versions_fall(&self) -> Option<(Kind, String)> {
        let is_fall =
            |one: (usize, u64), other: (usize, u64)| one.1 > other.1 && self.is_before(one.0, other.0);
        let (one, other) = self.versions().find_map(|other| {
            let one = self.versions().find(|&one| is_fall(one, other))?;
            Some((one, other))
        })?;
        let text = format!(
            "{} comes after {}, but has the lower version, {}",
            self.name(other.0),
            self.name(one.0),
            other.1
        );
        Some((Kind::VersionsFall, text))
    }

    fn lost_update(&self) -> Option<(Kind, String)> {
        self.versions().find_map(|(place, version)| {
            let found = self.demands(place)?.version;
            let is_between = |&(_, other): &(usize, u64)| found > 0 && found < other && other < version;
            let (between, _) = self.versions().find(is_between)?;
            let text = format!(
                "{} and was given version {version}, but {} lies in between: version {found} was not the \
                 latest any more",
                self.deed(place),
                self.name(between),
            );
            Some((Kind::LostUpdate, text))
        })
    }

    /// The operations that wrote a version, each with that.
    fn versions(&self) -> impl Iterator<Item = (usize, u64)> {
        let version = |place: usize| self.0.steps[place].version();
        self.places().map(move |place| (place, version(place))).filter(|&(_, version)| version > 0)
    }

    /// One value came before another, and yet after it.
    fn there_and_back(&self, unexplained: usize) -> Option<(Kind, String)> {
        let mut stories = Vec::new();
        for (last, old) in self.findings() {
            for middle in self.places().filter(|&middle| self.is_before(middle, last)) {
                let new = self.sets(middle).or(self.finds(middle)).filter(|&new| !agree(new, old));
                if let Some(earlier) = new.and_then(|new| self.why_earlier(old, new, middle, last)) {
                    let story = self.explain_there_and_back(earlier, old, middle, last);
                    stories.push((last != unexplained, story));
                }
            }
        }
        // The best one ends with the answer that has the mark.
        stories.into_iter().min().map(|(_, story)| story)
    }

    /// Why the old value, which the last operation found, came before the new one, which the middle one
    /// shows.
    fn why_earlier(&self, old: Content, new: Content, middle: usize, last: usize) -> Option<Earlier> {
        let is_new = |content: Option<Content>| content.is_some_and(|content| agree(content, new));
        let shows_new = |place: usize| is_new(self.sets(place)) || is_new(self.finds(place));
        let others = self.places().filter(|&place| self.comes_once(new) && shows_new(place));
        let witnesses: Vec<usize> = std::iter::once(middle).chain(others).collect();
        let began_after =
            |place: usize| witnesses.iter().copied().find(|&witness| self.is_before(place, witness));

        let last_setter =
            self.setters(old).max_by_key(|&place| self.0.steps[place].returned.unwrap_or(u64::MAX));
        match last_setter {
            None if old == ABSENT => return Some(Earlier::AtFirst),
            None => return None,
            Some(last) => {
                if let Some(witness) = began_after(last) {
                    return Some(Earlier::Set { last, witness });
                }
            }
        }
        if (1..new.version).contains(&old.version) {
            return Some(Earlier::Version { newer: new.version });
        }
        if !self.comes_once(old) {
            return None;
        }
        let is_old = |content: Content| agree(content, old);
        let is_swap = |&place: &usize| self.demands(place).is_some_and(is_old) && is_new(self.sets(place));
        if let Some(witness) = witnesses.iter().copied().find(is_swap) {
            return Some(Earlier::Swapped { witness });
        }
        let mut finders = self.findings().filter(|&(place, found)| agree(found, old) && place != last);
        finders.find_map(|(finder, _)| Some(Earlier::Found { finder, witness: began_after(finder)? }))
    }

    fn explain_there_and_back(
        &self,
        earlier: Earlier,
        old: Content,
        middle: usize,
        last: usize,
    ) -> (Kind, String) {
        let (middle_deed, last_deed, value) = (self.deed(middle), self.deed(last), self.value(old));
        let because = match earlier {
            Earlier::AtFirst => format!("nobody deleted {}", self.key()),
            Earlier::Set { last, witness } => {
                format!("{} had ended before {} began", self.name(last), self.name(witness))
            }
            Earlier::Swapped { witness } => self.deed(witness),
            Earlier::Version { newer } => format!("version {} comes before version {newer}", old.version),
            Earlier::Found { finder, witness } if witness == middle => {
                let seen = format!("{}, after that {middle_deed}", self.deed(finder));
                let again =
                    format!("after that client {} found {value} again", self.0.operations[last].client);
                let text =
                    format!("{seen}, and {again}. It is as if the one write of {value} took effect twice");
                return (Kind::TookEffectTwice, text);
            }
            Earlier::Found { finder, witness } => {
                let one = format!("{} and after that {}", self.deed(finder), self.deed(witness));
                let other = format!("{middle_deed} and after that {last_deed}");
                let text = format!("{one}, but {other}. Nobody wrote either again in between");
                return (Kind::DifferentOrders, text);
            }
        };
        if self.sets(middle).is_none() {
            let text = match earlier {
                Earlier::AtFirst => format!("{middle_deed}, and after that {last_deed}, though {because}"),
                _ => format!("{middle_deed}, and after that {last_deed}, which is older: {because}"),
            };
            return (Kind::BackInTime, text);
        }
        let it = if self.sets(last).is_some() { "that" } else { "the read" };
        let overwritten = format!("{last_deed}, but {} had ended before {it} began", self.name(middle));
        let nothing_after = match old {
            ABSENT => format!("nobody deleted {} after it", self.key()),
            _ => format!("nothing wrote {value} after it"),
        };
        match earlier {
            Earlier::AtFirst => (Kind::LostWrite, format!("{overwritten}, and {because}: the write is lost")),
            Earlier::Set { witness, .. } | Earlier::Swapped { witness } if witness == middle => {
                let kind = if old == ABSENT { Kind::LostWrite } else { Kind::Stale };
                (kind, format!("{overwritten}, and {nothing_after}"))
            }
            _ => (Kind::Stale, format!("{overwritten}, and {nothing_after}: {because}")),
        }
    }

    fn other(&self, unexplained: usize) -> (Kind, String) {
        let text = format!(
            "no order of these {} operations explains all their answers. Those before {} can be explained, \
             but not its own",
            self.0.operations.len(),
            self.name(unexplained)
        );
        (Kind::Other, text)
    }

    fn places(&self) -> std::ops::Range<usize> {
        0..self.0.steps.len()
    }

    fn is_before(&self, one: usize, other: usize) -> bool {
        self.0.steps[one].returned.is_some_and(|returned| returned < self.0.steps[other].called)
    }

    fn sets(&self, place: usize) -> Option<Content> {
        self.0.steps[place].sets
    }

    /// The only value that the operation can have met.
    fn demands(&self, place: usize) -> Option<Content> {
        match self.0.steps[place].demand {
            Demand::Is(value) => Some(value),
            _ => None,
        }
    }

    /// The value that it found, as its answer says.
    fn finds(&self, place: usize) -> Option<Content> {
        self.0.steps[place].returned.and(self.demands(place))
    }

    /// The operations that found a value, each with the value.
    fn findings(&self) -> impl Iterator<Item = (usize, Content)> {
        self.places().filter_map(|place| Some((place, self.finds(place)?)))
    }

    fn setters(&self, content: Content) -> impl Iterator<Item = usize> {
        self.places().filter(move |&place| self.sets(place).is_some_and(|set| set.is(content)))
    }

    /// Can the register have held this only once, without a break?
    fn comes_once(&self, content: Content) -> bool {
        content.version > 0 || self.setters(content).count() <= usize::from(content != ABSENT)
    }

    fn name(&self, place: usize) -> String {
        name(self.0.operations[place])
    }

    fn deed(&self, place: usize) -> String {
        deed(self.0.operations[place])
    }

    fn key(&self) -> String {
        self.0.operations.first().map_or_else(String::new, |operation| printable(&operation.key))
    }

    fn value(&self, content: Content) -> String {
        let version = Some(content.version).filter(|&version| version > 0);
        value_or_nothing(self.0.values[content.value]) + &in_brackets(version)
    }
}
