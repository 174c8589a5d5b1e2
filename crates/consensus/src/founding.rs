//! How a cluster begins.
//!
//! The paper's servers are given their configuration. Ours are given each other's numbers, and first exchange
//! which data folder each of them has ([`Rule::FoundTogether`]):
//!
//! 1. A founder asks all others for their folders until it knows them all, and saves the list: it is the
//!    first configuration, and the cluster's id is computed from it.
//! 2. It keeps asking until all others have saved the same list. Only then may it start elections.
//!
//! So before anything is committed, the disks of *all* founders name the same folders. If one of them loses
//! its disk later, the others know. If fewer were enough, a founder that has learned nothing yet could found
//! the cluster once more with the server that came back empty, and what clients were told would be lost.

use crate::event::{Problem, What};
use crate::{
    ClusterId, Found, Incarnation, Instant, Memory, Message, Node, NodeId, Origin, Output, Rule, Rules,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Number of election timeouts after which a refused server asks again, in case its operator has fixed
/// something.
const RARELY: u32 = 10;

/// A cluster that is being founded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Founding {
    /// The founders, each with its folder once it is known.
    folders: BTreeMap<NodeId, Option<Incarnation>>,
    /// The servers that have saved the same list as this one.
    saved_by: BTreeSet<NodeId>,
    /// Do the others know that this server has saved it?
    is_told: bool,
}

impl Founding {
    pub(crate) fn new(founders: &BTreeSet<NodeId>) -> Founding {
        let folders = founders.iter().map(|id| (*id, None)).collect();
        Founding { folders, saved_by: BTreeSet::new(), is_told: false }
    }

    /// Is this server one of the founders?
    pub(crate) fn is_one(&self, id: NodeId) -> bool {
        self.folders.contains_key(&id)
    }

    /// All folders, if all are known.
    fn all_folders(&self) -> Option<BTreeMap<NodeId, Incarnation>> {
        self.folders.iter().map(|(id, incarnation)| Some((*id, (*incarnation)?))).collect()
    }
}

impl<R: Rules> Node<R> {
    /// If this server is founding a cluster: the others that it waits for.
    pub fn awaited_founders(&self) -> Option<Vec<NodeId>> {
        let founding = self.founding.as_ref()?;
        let waits = |id: &NodeId| *id != self.id() && !founding.saved_by.contains(id);
        Some(founding.folders.keys().copied().filter(waits).collect())
    }

    /// Begins to found a cluster, or continues after a restart.
    pub(crate) fn begin_founding(&mut self, output: &mut Output) {
        let credentials = &self.config.credentials;
        let Some(own) = credentials.start.map(|start| start.incarnation) else { return };
        match self.memory.founding_folders() {
            // It crashed before it knew that all others had saved the list.
            Some(folders) if !self.memory.is_founded => {
                let mut founding = Founding::new(&folders.keys().copied().collect());
                founding.folders = self.memory.founders.clone();
                self.founding = Some(founding);
            }
            None if self.memory.founders.is_empty() && !credentials.founders.is_empty() => {
                let mut founding = Founding::new(&credentials.founders);
                founding.folders.insert(self.id(), Some(own));
                self.founding = Some(founding);
                self.save_founders_once_known(output);
            }
            _ => {}
        }
        self.end_founding(Instant::START, output);
    }

    /// Asks all others which folders they have, and whether they have saved the list.
    pub(crate) fn ask_founders(&mut self, now: Instant, output: &mut Output) {
        let Some(founding) = &self.founding else { return };
        for &to in founding.folders.keys().filter(|id| **id != self.id()) {
            self.send(to, self.found_message(false), output);
        }
        // A refused server need not ask again at once.
        let timing = &self.config.timing;
        let is_refused = !self.refused_by.is_empty();
        let pause =
            if is_refused { RARELY * timing.election_timeout_max() } else { timing.heartbeat_interval() };
        self.set_election_deadline(now + pause);
    }

    /// Something was saved. If it was the list, the others learn that at once.
    pub(crate) fn go_on_founding(&mut self, now: Instant, output: &mut Output) {
        let has_saved = self.founding.is_some() && self.has_saved_founders();
        let Some(founding) = self.founding.as_mut().filter(|_| has_saved) else { return };
        if !std::mem::replace(&mut founding.is_told, true) {
            self.ask_founders(now, output);
        }
        self.end_founding(now, output);
    }

    /// Is the whole list of founders on this server's disk?
    fn has_saved_founders(&self) -> bool {
        self.is_memory_persisted() && self.memory.founding_folders().is_some()
    }

    fn found_message(&self, is_reply: bool) -> Message {
        let founders = match &self.founding {
            Some(founding) => founding.folders.clone(),
            None => self.memory.founders.clone(),
        };
        let is_saved = self.has_saved_founders();
        Message::Found(Found { founders: founders.into_iter().collect(), is_saved, is_reply })
    }

    /// Another server wants to found a cluster with this one, or replies to this server's request.
    pub(crate) fn receive_found(
        &mut self,
        now: Instant,
        from: NodeId,
        origin: Origin,
        found: &Found,
        output: &mut Output,
    ) {
        let Some(start) = origin.start else { return };
        if let Some(problem) = self.problem_with_founder(from, start.incarnation, found) {
            return self.refuse(now, from, origin, problem, output);
        }
        if let Some(founding) = &mut self.founding {
            let own = self.memory.founding_folders();
            if own.is_none() {
                founding.folders.insert(from, Some(start.incarnation));
                if found.is_saved {
                    founding.folders.extend(found.founders.iter().copied());
                }
            }
            if found.is_saved {
                founding.saved_by.insert(from);
            }
            self.save_founders_once_known(output);
        }
        if !found.is_reply {
            self.send(from, self.found_message(true), output);
        }
        self.end_founding(now, output);
    }

    /// Why the two can't belong to one cluster.
    fn problem_with_founder(&self, from: NodeId, folder: Incarnation, found: &Found) -> Option<Problem> {
        let theirs: BTreeMap<NodeId, Option<Incarnation>> = found.founders.iter().copied().collect();
        let own = match &self.founding {
            Some(founding) => &founding.folders,
            None => &self.memory.founders,
        };
        if own.is_empty() {
            // This server has joined a cluster that others founded, or waits to be added to one.
            return Some(Problem::OtherFounders);
        }
        // The sender must be one of them.
        if !own.contains_key(&from) || !theirs.keys().eq(own.keys()) {
            return Some(Problem::OtherFounders);
        }
        let is_settled = self.memory.founding_folders().is_some() || self.founding.is_none();
        if is_settled && own[&from] != Some(folder) {
            return Some(Problem::OtherData);
        }
        if found.is_saved {
            let incarnation = self.config.credentials.start.map(|start| start.incarnation);
            if theirs[&self.id()] != incarnation {
                return Some(Problem::OtherFounders);
            }
            if is_settled && theirs != *own {
                return Some(Problem::OtherFounders);
            }
        }
        None
    }

    /// Once all folders are known, saves them as the first configuration.
    fn save_founders_once_known(&mut self, output: &mut Output) {
        let Some(folders) = self.founding.as_ref().and_then(Founding::all_folders) else { return };
        if self.memory.founding_folders().is_some() {
            return;
        }
        let cluster = ClusterId::of_founders(&folders);
        let founders = folders.into_iter().map(|(id, incarnation)| (id, Some(incarnation))).collect();
        self.set_memory(Memory { cluster: Some(cluster), founders, ..self.memory.clone() }, output);
        let first = Arc::new(self.memory.first_configuration());
        self.begin_with(first, output);
    }

    /// Once all have saved the list, the cluster is founded.
    pub(crate) fn end_founding(&mut self, now: Instant, output: &mut Output) {
        let Some(founding) = &self.founding else { return };
        let is_saved = self.has_saved_founders();
        let others = founding.folders.keys().filter(|id| **id != self.id());
        let all_have = others.clone().all(|id| founding.saved_by.contains(id));
        if is_saved && self.rules.allow(Rule::FoundTogether, all_have) {
            self.become_founded(now, output);
        }
    }

    /// All founders have saved the list: this server has seen it, or received a message that proves it.
    pub(crate) fn become_founded(&mut self, now: Instant, output: &mut Output) {
        if self.founding.take().is_none() {
            return;
        }
        self.set_memory(Memory { is_founded: true, ..self.memory.clone() }, output);
        let cluster = self.memory.cluster.expect("what is founded has an id");
        let founders = self.memory.founders.keys().copied().collect();
        output.decided(Rule::FoundTogether, What::Founded { cluster, founders });
        self.restart_election_timer(now, Rule::RandomisedTimeout, output);
        if self.asks_eagerly() {
            let interval = self.config.timing.heartbeat_interval();
            let timeout_us = self.shorten_timer_to(now, interval, 2 * interval);
            output.decided(Rule::PreVote, What::Timer { timeout_us });
        }
    }
}
