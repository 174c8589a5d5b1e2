use super::{Breach, Moment, Promise, Property, Step, changes_state};
use crate::watched::{Origin, Seen, Testable, Watched};
use consensus::{Index, NodeId};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// State machines that are given the same commands go through the same states.
#[derive(Debug)]
pub(crate) struct ReplicasAgree<A> {
    /// For each entry, the server that was the first to apply it, and the outcome there.
    first: BTreeMap<Index, (NodeId, Seen<A>)>,
    /// Up to where the states of each server were compared, and in which of its lives.
    compared: BTreeMap<NodeId, (u64, Index)>,
}

impl<A> Default for ReplicasAgree<A> {
    fn default() -> ReplicasAgree<A> {
        ReplicasAgree { first: BTreeMap::new(), compared: BTreeMap::new() }
    }
}

static PROMISE: Promise = Promise {
    name: "replicas agree (§2)",
    meaning: "State machines that are given the same commands go through the same states and give the same \
              answers, also if one of them has loaded a snapshot. Otherwise it matters which server leads. What \
              differs from server to server must not decide: the time, random numbers, the order of a HashMap, \
              what a snapshot does not contain.",
};

impl<M: Testable> Property<Watched<M>> for ReplicasAgree<M::Answer> {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, Watched<M>>, step: &Step<'_>) -> Option<Breach> {
        let done = step.last(changes_state)?;
        let id = step.id();
        let machine = moment.servers[&id].machine()?;
        let (life, before) = self.compared.get(&id).copied().unwrap_or_default();
        let before = if life == done.life { before } else { Index(0) };
        self.compared.insert(id, (done.life, machine.states.last()?.index));
        let from = machine.states.partition_point(|state| state.index <= before);
        machine.states[from..].iter().find_map(|state| {
            let (other, first) = self.first.entry(state.index).or_insert_with(|| (id, state.clone()));
            let what_happened = difference((id, state), (*other, first))?;
            Some(Breach::by(Some(done), what_happened))
        })
    }
}

/// How a state differs from the one that another server had after the same entry, if it does.
fn difference<A: Debug + PartialEq>(
    (id, own): (NodeId, &Seen<A>),
    (other, first): (NodeId, &Seen<A>),
) -> Option<String> {
    let index = own.index;
    let other = if id == other { "it had before".to_owned() } else { format!("{other} had") };
    match (&own.origin, &first.origin) {
        (Origin::Answered(answer), Origin::Answered(expected)) if answer != expected => Some(format!(
            "{id} answers the command of entry {index} with {answer:?}, where {other} answered {expected:?}"
        )),
        _ if own.hash == first.hash => None,
        (Origin::Loaded, _) => Some(format!(
            "{id} has loaded a snapshot of entries up to {index}, and its state is not the one that {other} after entry {index}"
        )),
        _ => Some(format!("the state of {id} after entry {index} is not the one that {other} after it")),
    }
}
