use super::{Breach, Moment, Promise, Property, Step, changes_state};
use crate::watched::{Testable, Watched};
use consensus::NodeId;
use std::fmt;
use std::sync::Arc;

/// Says what is wrong with the states of the servers, if anything is.
pub(crate) type Check<M> = dyn Fn(&[(NodeId, &M)]) -> Result<(), String> + Send + Sync;

/// What an application promises itself.
pub(crate) struct OwnInvariant<M> {
    pub(crate) promise: Promise,
    pub(crate) check: Arc<Check<M>>,
}

impl<M> Clone for OwnInvariant<M> {
    fn clone(&self) -> OwnInvariant<M> {
        OwnInvariant { promise: self.promise, check: self.check.clone() }
    }
}

impl<M> fmt::Debug for OwnInvariant<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnInvariant").field("promise", &self.promise).finish_non_exhaustive()
    }
}

impl<M: Testable> Property<Watched<M>> for OwnInvariant<M> {
    fn promise(&self) -> Promise {
        self.promise
    }

    fn check(&mut self, moment: &Moment<'_, Watched<M>>, step: &Step<'_>) -> Option<Breach> {
        let done = step.last(changes_state)?;
        let states = moment.servers.iter().filter_map(|(&id, server)| Some((id, &server.machine()?.inner)));
        let states: Vec<(NodeId, &M)> = states.collect();
        let what_happened = (self.check)(&states).err()?;
        Some(Breach::by(Some(done), what_happened))
    }
}
