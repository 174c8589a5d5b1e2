//! Which steps may have seen what was set.

use crate::register::{Content, Demand, Step, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The steps that can say something about the value, by content.
pub(crate) struct Seen {
    /// Those that say that it was this one.
    seers: BTreeMap<Content, Seers>,
    /// Those that only say which one it was not. They may have seen any other.
    excluders: Seers,
    /// Contents that were seen in a version in which nobody set them: the version, and the value, if nobody
    /// set that in any version. The steps that set these belong to the story.
    puzzling_versions: BTreeSet<u64>,
    puzzling_values: BTreeSet<Value>,
}

/// Steps that look at the register, in the order of their calls.
#[derive(Default)]
struct Seers {
    /// Does any step set what they see?
    is_set: bool,
    /// For each of them: the latest call of the steps that had certainly set the register before it. It can't
    /// have seen what had ended by then.
    hidden_until: Vec<Option<u64>>,
    /// For each of them: when the last of it and of those before it returned.
    returned_by: Vec<u64>,
}

impl Seen {
    /// The steps must be in the order of their calls.
    pub(crate) fn by<'a>(steps: impl Iterator<Item = &'a Step> + Clone) -> Seen {
        let setters = steps.clone().filter(|step| step.sets.is_some());
        let is_excluder = |step: &&Step| step.demand.is_vague();
        let excluders = Seers::new(steps.clone().filter(is_excluder), setters.clone());
        let mut by_content: BTreeMap<Content, (Vec<&Step>, Vec<&Step>)> = BTreeMap::new();
        for step in steps {
            if let Demand::Is(content) = step.demand {
                by_content.entry(content).or_default().0.push(step);
            }
            for content in step.sets.into_iter().flat_map(Content::tellings) {
                by_content.entry(content).or_default().1.push(step);
            }
        }
        let is_set = |content| by_content.get(&content).is_some_and(|(_, setters)| !setters.is_empty());
        let puzzling = || by_content.keys().filter(|content| content.version > 0 && !is_set(**content));
        let is_unset = |content: &&Content| !is_set(Content { version: 0, ..**content });
        let puzzling_versions = puzzling().map(|content| content.version).collect();
        let puzzling_values = puzzling().filter(is_unset).map(|content| content.value).collect();
        let seers = by_content
            .into_iter()
            .filter(|(_, (seers, _))| !seers.is_empty())
            .map(|(content, (seers, setters))| (content, Seers::new(seers.into_iter(), setters.into_iter())));
        Seen { seers: seers.collect(), excluders, puzzling_versions, puzzling_values }
    }

    /// May one of them have seen what this step sets, or would one see a value that no other step sets?
    pub(crate) fn needs(&self, step: &Step) -> bool {
        let Some(content) = step.sets else { return false };
        let mut see_it = content.tellings().filter_map(|content| self.seers.get(&content));
        let is_seen = see_it.any(|seers| !seers.is_set || seers.may_see(step));
        is_seen
            || self.excluders.may_see(step)
            || self.puzzling_versions.contains(&content.version)
            || self.puzzling_values.contains(&content.value)
    }
}

impl Seers {
    fn new<'a>(seers: impl Iterator<Item = &'a Step>, setters: impl Iterator<Item = &'a Step>) -> Seers {
        let mut all = Seers::default();
        let mut ended = Vec::new();
        for setter in setters {
            all.is_set = true;
            ended.extend(setter.returned.map(|returned| (returned, setter.called)));
        }
        ended.sort_unstable();
        let mut ended = ended.into_iter().peekable();
        let (mut hidden_until, mut returned_by) = (None, 0);
        for seer in seers {
            while let Some((_, called)) = ended.next_if(|(returned, _)| *returned < seer.called) {
                hidden_until = hidden_until.max(Some(called));
            }
            returned_by = seer.returned.unwrap_or(u64::MAX).max(returned_by);
            all.hidden_until.push(hidden_until);
            all.returned_by.push(returned_by);
        }
        all
    }

    fn may_see(&self, step: &Step) -> bool {
        let end = Some(step.returned.unwrap_or(u64::MAX));
        let not_hidden = self.hidden_until.partition_point(|&hidden_until| hidden_until <= end);
        not_hidden > 0 && self.returned_by[not_hidden - 1] >= step.called
    }
}
