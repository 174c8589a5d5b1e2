//! One failure of a leader.

use super::client::{Acknowledgement, Client};
use super::setting::Setting;
use crate::failed;
use crate::servers::{PAUSE, await_calm, servers_of, start_with, wait_for};
use api::Status;
use cluster::{Action, Cluster};
use command::{Failure, StorageArguments};
use consensus::{NodeId, RoleKind, Term};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trace::Record;

/// Minimum number of writes that are acknowledged before the leader fails; the maximum is twice that: so it
/// fails at no special moment.
const WRITES_BEFORE: usize = 100;

/// Number of writes that are acknowledged after it, so that a repeated election is seen too.
const WRITES_AFTER: usize = 100;

/// How a leader fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// SIGKILL: the system closes its connections.
    Kill,
    /// SIGSTOP: its connections stay open, but nothing answers.
    Freeze,
}

impl Fault {
    /// The action that causes it.
    fn strikes(self, node: NodeId) -> Action {
        match self {
            Fault::Kill => Action::Kill { node },
            Fault::Freeze => Action::Pause { node },
        }
    }

    /// The action that repairs it.
    fn is_repaired(self, node: NodeId) -> Action {
        match self {
            Fault::Kill => Action::Restart { node },
            Fault::Freeze => Action::Resume { node },
        }
    }
}

/// The result of one failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    /// The longest time without an acknowledged write, of those that end after the failure.
    pub(super) gap: Duration,
    /// From the failure until a server reported that it leads.
    pub(super) leads_after: Duration,
    /// Number of terms begun.
    pub(super) elections: u64,
    /// The longest time without an acknowledged write before the failure.
    pub(super) gap_before: Duration,
}

/// A cluster that is measured in turn with others. It is halted while they are measured.
pub(super) struct Subject {
    pub(super) setting: Setting,
    cluster: Cluster,
    ids: Vec<NodeId>,
}

impl Subject {
    pub(super) fn start(
        setting: Setting,
        nodes: u64,
        storage: &StorageArguments,
        data: Option<PathBuf>,
    ) -> Result<Subject, Failure> {
        let options = setting.options(nodes, storage, data)?;
        let ids = options.servers.clone();
        let mut subject = Subject { setting, cluster: start_with(options)?, ids };
        subject.halt()?;
        Ok(subject)
    }

    pub(super) fn data_folder(&self) -> &Path {
        self.cluster.data_folder()
    }

    pub(super) fn stop(self) {
        self.cluster.stop();
    }

    /// Makes the leader fail once, and repairs it. If another server became leader just before that, the
    /// trial is void, and another one is made.
    pub(super) fn measure(&mut self, fault: Fault, probing_interval: Duration) -> Result<Trial, Failure> {
        self.go_on()?;
        let trial = loop {
            self.await_calm()?;
            if let Some(trial) = self.try_once(fault, probing_interval)? {
                break trial;
            }
        };
        self.halt()?;
        Ok(trial)
    }

    fn try_once(&mut self, fault: Fault, probing_interval: Duration) -> Result<Option<Trial>, Failure> {
        let servers = servers_of(&mut self.cluster, &self.ids)?;
        let addresses = servers.iter().map(|(&id, server)| (id, server.address.clone())).collect();
        let mut client = Client::start(addresses, probing_interval);
        let leader = client.await_writes(WRITES_BEFORE + fastrand::usize(..=WRITES_BEFORE), |_| true)?.by;
        let Status { role, term, .. } = servers[&leader].status().map_err(failed)?;
        if role != RoleKind::Leader {
            return Ok(None);
        }
        let (failed_at, failed_at_us) = (Instant::now(), self.cluster.now());
        self.perform(fault.strikes(leader))?;
        let is_by_another = |write: &Acknowledgement| write.at > failed_at && write.by != leader;
        let successor = client.await_writes(WRITES_AFTER, is_by_another)?.by;
        let term_after = servers[&successor].status().map_err(failed)?.term;
        let leads_at_us = self.await_leader_after(term)?;
        let [gap_before, gap] = client.longest_gaps_around(failed_at);
        drop(client);
        self.perform(fault.is_repaired(leader))?;
        Ok(leads_at_us.checked_sub(failed_at_us).map(|leads_after_us| Trial {
            gap,
            leads_after: Duration::from_micros(leads_after_us),
            elections: term_after.0.saturating_sub(term.0),
            gap_before,
        }))
    }

    /// Waits for the first leader of a later term than this, and returns when it became leader, in
    /// microseconds of the cluster's time.
    fn await_leader_after(&mut self, term: Term) -> Result<u64, Failure> {
        wait_for("no new leader reported itself", || {
            let leads = |record: &Record| record.term > term && record.comes_to_lead();
            self.cluster.news(PAUSE).iter().find(|record| leads(record)).map(|record| record.t)
        })
    }

    /// Waits until it has been calm for as long as servers without a leader would have needed to elect one.
    fn await_calm(&mut self) -> Result<(), Failure> {
        let long = 2 * self.setting.timing().election_timeout_max();
        await_calm(&mut self.cluster, &self.ids, long, |_| ()).map(drop)
    }

    fn halt(&mut self) -> Result<(), Failure> {
        self.ids.clone().into_iter().try_for_each(|node| self.perform(Action::Pause { node }))
    }

    fn go_on(&mut self) -> Result<(), Failure> {
        self.ids.clone().into_iter().try_for_each(|node| self.perform(Action::Resume { node }))
    }

    fn perform(&mut self, action: Action) -> Result<(), Failure> {
        self.cluster.perform(&action).map(drop).map_err(failed)
    }
}
