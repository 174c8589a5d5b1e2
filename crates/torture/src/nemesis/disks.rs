//! Servers that lose their data, and restart under their old numbers: they must not count.

use super::{ASK_TIMEOUT, Blow, Deed, Nemesis, Whom, star};
use crate::clients::RECOVERY;
use crate::violation::Violation;
use cluster::Action;
use consensus::{Change, NodeId, Quorum, Timing};
use fastrand::Rng;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trace::Condition;

/// How long a server must be away until the leader has acknowledged something that it does not know.
const UNKNOWN_AFTER: Duration = Duration::from_millis(200);
/// Number of election timeouts after which servers that can elect a leader have elected one.
const TIMEOUTS: u32 = 10;

/// How a server loses its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// Its folder is empty.
    Emptied,
    /// Its folder is a copy from before one of its later starts.
    SetBack,
    /// Its folder is empty after it has acknowledged writes that the servers which start together with it do
    /// not know.
    OnlyWitness,
}

impl Loss {
    pub(super) fn draw(random: &mut Rng, servers: usize) -> Deed {
        let loss = match random.u8(..5) {
            0..2 => Loss::Emptied,
            2..4 => Loss::SetBack,
            _ => Loss::OnlyWitness,
        };
        let one = vec![random.usize(..servers)];
        let whom = if random.u8(..3) == 0 { Whom::Leader } else { Whom::These(one) };
        Deed::Lose(whom, loss)
    }
}

impl Nemesis<'_> {
    pub(super) fn lose(&mut self, whom: &Whom, loss: Loss) {
        let Some(&id) = self.these(whom).first() else { return };
        match loss {
            Loss::OnlyWitness => self.lose_only_witness(),
            _ if !self.can_spare(id) => {}
            Loss::Emptied => {
                self.empty(id);
                self.start_again(id);
            }
            Loss::SetBack if self.is_copy_outdated(id) => {
                let copy = self.copy_of(id);
                self.replace_folder(id, |folder| copy_folder(&copy, folder));
                self.deeds.disks_set_back += 1;
                self.story
                    .0
                    .push(format!("put an older copy on the disk of {id}{}", star(id == self.leader())));
                self.start_again(id);
            }
            // Then there is a copy for the next time.
            Loss::SetBack => self.strike_one(id, Blow::Kill(Duration::ZERO), id == self.leader()),
        }
    }

    /// Will a majority of the voters still have its data if this one loses its own, whatever else happens?
    fn can_spare(&self, id: NodeId) -> bool {
        let Quorum::Simple(voters) = &self.cluster.view().membership().voters else { return false };
        let lost = self.lost.len() + 1;
        voters.contains(&id)
            && !self.lost.contains_key(&id)
            && lost <= (voters.len() - 1) / 2
            && self.condition(id) == Some(Condition::Running)
            && !self.cluster.is_joining()
            && self.is_settled()
    }

    /// Has every other voter seen a later start of this server than the one before which its folder was
    /// copied? Then the copy must be refused. A start that was not seen has left no trace, and can't be
    /// noticed.
    fn is_copy_outdated(&self, id: NodeId) -> bool {
        let Ok(copy) = storage::inspect(&self.copy_of(id)) else { return false };
        let Some((incarnation, life)) = copy.incarnation.zip(copy.life) else { return false };
        let others = self.cluster.view().membership().voters.voters();
        others.into_iter().filter(|&other| other != id && !self.lost.contains_key(&other)).all(|other| {
            let seen = storage::inspect(&self.folder_of(other)).ok().and_then(|seen| seen.memory);
            let start = seen.and_then(|memory| memory.starts.get(&id).copied());
            start.is_some_and(|start| start.incarnation == incarnation && start.number > life)
        })
    }

    /// Keeps a copy of the folder of a server that has just been killed, and will be started again.
    pub(super) fn keep_copy(&mut self, id: NodeId) {
        let copy = self.copy_of(id);
        // Sometimes the copy becomes older.
        if self.lost.contains_key(&id) || (copy.exists() && self.random.bool()) {
            return;
        }
        if let Err(error) = copy_folder(&self.folder_of(id), &copy) {
            self.shared.complain(Violation::new(format!("can't copy the folder of {id}: {error}")));
        }
    }

    fn folder_of(&self, id: NodeId) -> PathBuf {
        self.cluster.data_folder().join(id.to_string())
    }

    fn copy_of(&self, id: NodeId) -> PathBuf {
        self.cluster.data_folder().join(format!("{id}.copy"))
    }

    fn empty(&mut self, id: NodeId) {
        self.replace_folder(id, |folder| fs::remove_dir_all(folder));
        self.deeds.disks_emptied += 1;
        self.story.0.push(format!("emptied the disk of {id}{}", star(id == self.leader())));
    }

    fn replace_folder(&mut self, id: NodeId, change: impl FnOnce(&Path) -> io::Result<()>) {
        if let Err(problem) = self.cluster.change_folder(id, change) {
            self.shared.complain(Violation::new(problem));
        }
        self.lost.insert(id, self.cluster.now());
    }

    fn start_again(&mut self, id: NodeId) {
        let restart = Action::Restart { node: id };
        self.to_mend.retain(|(_, mending)| *mending != restart && *mending != Action::Resume { node: id });
        if let Err(problem) = self.cluster.perform(&restart) {
            self.shared.complain(Violation::new(problem));
        }
    }

    /// A minority is away while the others acknowledge writes. Then all of those are killed, and one of them
    /// is emptied. It and the minority would be a majority, and know nothing of these writes: they must not
    /// elect a leader.
    fn lose_only_witness(&mut self) {
        self.mend_all();
        let leader = self.leader();
        let mut others: Vec<NodeId> = self.cluster.view().membership().voters.voters().into_iter().collect();
        others.retain(|&id| id != leader);
        self.random.shuffle(&mut others);
        let majority = others.len().div_ceil(2) + 1;
        let away = others.split_off((majority - 1).min(others.len()));
        let (Some(&witness), false) = (others.first(), away.is_empty()) else { return };
        if !self.lost.is_empty() || !self.can_spare(witness) {
            return;
        }
        away.iter().for_each(|&id| self.strike_one(id, Blow::Kill(Duration::ZERO), false));
        let (unknown, deadline) = (Instant::now() + UNKNOWN_AFTER, Instant::now() + RECOVERY);
        while self.shared.last_acknowledged() < unknown && !self.shared.has_complaint() {
            if Instant::now() > deadline {
                return self.shared.complain(Violation::new("no majority acknowledges a write"));
            }
            self.watch();
        }
        self.strike_one(leader, Blow::Kill(Duration::ZERO), true);
        others[1..].iter().for_each(|&id| self.strike_one(id, Blow::Kill(Duration::ZERO), false));
        self.empty(witness);
        self.only_witness_lost = Some((witness, self.cluster.now()));
        away.iter().for_each(|&id| self.start_again(id));
        self.start_again(witness);
        self.wait_until("a server that lost its data does not report it", |nemesis| {
            nemesis.is_in_trouble(witness)
        });
        let end = Instant::now() + Timing::default().election_timeout_max() * TIMEOUTS;
        while Instant::now() < end {
            self.watch();
        }
        self.only_witness_lost = None;
    }

    /// Does this server say that something is wrong with it, and does it send clients elsewhere?
    fn is_in_trouble(&self, id: NodeId) -> bool {
        let status = self.shared.node(id).and_then(|node| node.status(ASK_TIMEOUT).ok());
        status.is_some_and(|status| status.trouble.is_some() && status.not_ready.is_some())
    }

    /// A server that lost its data must not lead, nor elect one that lacks what it had acknowledged.
    pub(super) fn check_new_leader(&self, leader: NodeId, at: u64) {
        if self.lost.get(&leader).is_some_and(|lost_at| at > *lost_at) {
            self.shared.complain(Violation::new(format!("{leader} leads, although its data is lost")));
        }
        if let Some((witness, lost_at)) = self.only_witness_lost
            && at > lost_at
        {
            let what =
                format!("{leader} leads without what {witness} had acknowledged before it lost its data");
            self.shared.complain(Violation::new(what));
        }
    }

    /// Does what operators would do for servers that lost their data: each is removed, and added again with
    /// an empty folder.
    pub(super) fn let_the_lost_in_again(&mut self) {
        self.wait_until("a server that lost its data does not report it", |nemesis| {
            nemesis.lost.keys().all(|&id| nemesis.is_in_trouble(id))
        });
        while let Some(&id) = self.lost.keys().next()
            && !self.shared.has_complaint()
        {
            self.wait_until("a server that lost its data is not removed", |nemesis| {
                if nemesis.cluster.view().membership().contains(id) {
                    nemesis.ask_to_remove(id);
                    return false;
                }
                nemesis.is_settled()
            });
            self.lost.remove(&id);
            let _ = fs::remove_dir_all(self.copy_of(id));
            if !self.shared.has_complaint()
                && let Err(problem) = self.cluster.readmit(id)
            {
                self.shared.complain(Violation::new(problem));
            }
            self.mend_all();
        }
    }

    /// Whether it happens is seen in the members.
    fn ask_to_remove(&self, id: NodeId) {
        let others = self.servers.iter().filter(|other| !self.lost.contains_key(other));
        let nodes: Vec<_> = others.filter_map(|&other| self.shared.node(other)).collect();
        let change = Change { remove: [id].into(), ..Change::default() };
        let _ = client::Cluster::new(nodes).change_members(&change, ASK_TIMEOUT);
    }
}

/// Makes `to` a copy of the folder `from`, whatever was there.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
