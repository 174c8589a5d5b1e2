//! What is done to the servers in a round: the seed chooses it, and the clock makes it happen.

mod disks;

use crate::TortureArguments;
use crate::clients::RECOVERY;
use crate::shared::Shared;
use crate::violation::Violation;
use cluster::{Action, Cluster, Links};
use consensus::event::{Decision, What};
use consensus::{CannotChange, Membership, NodeId, Quorum};
use disks::Loss;
use fastrand::Rng;
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};
use trace::{Condition, Event, Laboratory};

/// How long it waits for records of the servers before it looks at the clock again.
const TICK: Duration = Duration::from_millis(5);
/// How long a server may take to list the members, before it is asked again.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// Something that is done in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    Strike(Whom, Blow),
    Change(Whom, Change),
    Lose(Whom, Loss),
}

/// Something that is done to servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// SIGKILL; started again after this time.
    Kill(Duration),
    /// SIGSTOP; SIGCONT after this time.
    Pause(Duration),
    /// No message passes between it and the other servers; after this time they do again.
    Isolate(Duration),
}

/// A change that the leader is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// A new server becomes a voter.
    Add,
    /// This one is removed.
    Remove,
    /// A new server becomes a voter in this one's place.
    Replace,
    /// This one becomes leader.
    HandOver,
}

/// The servers that it is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whom {
    Leader,
    /// Those at these places in the list of servers. If it has become shorter, counting continues at its
    /// beginning.
    These(Vec<usize>),
}

/// What must happen in a round, with the time after its beginning.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    deeds: Vec<(Duration, Deed)>,
    /// When the trouble is over.
    end: Duration,
    /// Are copies kept of the folders of killed servers?
    keeps_copies: bool,
}

impl Plan {
    /// Draws some deeds, which sometimes overlap.
    pub(crate) fn draw(random: &mut Rng, servers: usize, arguments: &TortureArguments) -> Plan {
        let mut at = millis(random, 200..600);
        let mut deeds = Vec::new();
        for _ in 0..random.u32(1..=5) {
            let deed = if arguments.lose_disks && random.u8(..3) == 0 {
                Loss::draw(random, servers)
            } else if arguments.members && random.u8(..5) < 2 {
                Change::draw(random, servers)
            } else {
                Blow::draw(random, servers)
            };
            deeds.push((at, deed));
            at += millis(random, 20..1200);
        }
        Plan { deeds, end: at, keeps_copies: arguments.lose_disks }
    }
}

impl Blow {
    fn draw(random: &mut Rng, servers: usize) -> Deed {
        let whom = match random.u8(..10) {
            0..5 => Whom::Leader,
            5..8 => Whom::These(vec![random.usize(..servers)]),
            8 => Whom::These(random.choose_multiple(0..servers, servers.div_ceil(2))),
            _ => Whom::These((0..servers).collect()),
        };
        let blow = match random.u8(..12) {
            // Started again at once, or when the others have moved on.
            0..3 => Blow::Kill(millis(random, 0..50)),
            3..6 => Blow::Kill(millis(random, 200..1500)),
            // For less than an election timeout, or for a whole election.
            6 => Blow::Pause(millis(random, 20..200)),
            7..10 => Blow::Pause(millis(random, 300..1500)),
            _ => Blow::Isolate(millis(random, 300..1500)),
        };
        Deed::Strike(whom, blow)
    }
}

impl Change {
    fn draw(random: &mut Rng, servers: usize) -> Deed {
        let one = vec![random.usize(..servers)];
        let whom = if random.u8(..3) == 0 { Whom::Leader } else { Whom::These(one) };
        let changes = [Change::Add, Change::Remove, Change::Replace, Change::HandOver];
        Deed::Change(whom, changes[random.usize(..changes.len())])
    }
}

fn millis(random: &mut Rng, range: Range<u64>) -> Duration {
    Duration::from_millis(random.u64(range))
}

/// Marks the leader.
fn star(leads: bool) -> &'static str {
    if leads { "★" } else { "" }
}

/// Number of deeds of each kind.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Deeds {
    pub(crate) kills: u64,
    pub(crate) pauses: u64,
    pub(crate) isolations: u64,
    pub(crate) handovers: u64,
    /// Servers whose data folder was emptied.
    pub(crate) disks_emptied: u64,
    /// Servers whose data folder was replaced by an older copy.
    pub(crate) disks_set_back: u64,
    /// Servers that were members at the end of a round, but not at its beginning.
    pub(crate) joined: u64,
    /// The reverse.
    pub(crate) left: u64,
}

impl Deeds {
    pub(crate) fn add(&mut self, more: Deeds) {
        let Deeds { kills, pauses, isolations, handovers, disks_emptied, disks_set_back, joined, left } =
            more;
        self.kills += kills;
        self.pauses += pauses;
        self.isolations += isolations;
        self.handovers += handovers;
        self.disks_emptied += disks_emptied;
        self.disks_set_back += disks_set_back;
        self.joined += joined;
        self.left += left;
    }
}

/// The part of the torture that makes servers fail.
pub(crate) struct Nemesis<'a> {
    cluster: &'a mut Cluster,
    shared: &'a Shared,
    /// Number of servers with which the run began: there are always about as many.
    usual: usize,
    /// The current servers.
    servers: Vec<NodeId>,
    /// What must be repaired, and when.
    to_mend: Vec<(Instant, Action)>,
    /// The servers that lost their data, with the time, on the cluster's clock.
    lost: BTreeMap<NodeId, u64>,
    /// The only running server that has acknowledged some writes, and when it lost them. Nobody can lead
    /// until others run.
    only_witness_lost: Option<(NodeId, u64)>,
    keeps_copies: bool,
    random: Rng,
    /// Why a leader last refused a change.
    refusal: Option<CannotChange>,
    pub(crate) deeds: Deeds,
    /// What was done, for people.
    pub(crate) story: Story,
}

/// What was done in a round, in words.
#[derive(Debug, Default)]
pub(crate) struct Story(Vec<String>);

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl<'a> Nemesis<'a> {
    pub(crate) fn new(
        cluster: &'a mut Cluster,
        shared: &'a Shared,
        usual: usize,
        servers: &[NodeId],
        random: Rng,
    ) -> Nemesis<'a> {
        Nemesis {
            cluster,
            shared,
            usual,
            servers: servers.to_vec(),
            to_mend: Vec::new(),
            lost: BTreeMap::new(),
            only_witness_lost: None,
            keeps_copies: false,
            random,
            refusal: None,
            deeds: Deeds::default(),
            story: Story::default(),
        }
    }

    /// Carries out the plan, and repairs everything at the end. `is_interrupted` ends it early. Returns the
    /// members at that time.
    pub(crate) fn act(&mut self, plan: &Plan, is_interrupted: impl Fn() -> bool) -> Vec<NodeId> {
        let begin = Instant::now();
        self.keeps_copies = plan.keeps_copies;
        let mut deeds = plan.deeds.iter().peekable();
        while begin.elapsed() < plan.end && !is_interrupted() && !self.shared.has_complaint() {
            while let Some((_, deed)) = deeds.next_if(|(at, _)| *at <= begin.elapsed()) {
                match deed {
                    Deed::Strike(whom, blow) => self.strike(whom, *blow),
                    Deed::Change(whom, change) => self.change(whom, *change),
                    Deed::Lose(whom, loss) => self.lose(whom, *loss),
                }
            }
            self.mend(Instant::now());
            self.watch();
        }
        self.mend_all();
        self.let_the_lost_in_again();
        self.let_strangers_go();
        std::mem::take(&mut self.servers)
    }

    /// Repairs everything, and waits until all servers run and all changes have ended.
    fn mend_all(&mut self) {
        while let Some(latest) = self.to_mend.iter().map(|(due, _)| *due).max() {
            // A restarted server may just have been chosen to be killed once more.
            self.mend(latest);
            self.watch();
        }
        self.wait_until("a server does not start", |nemesis| {
            nemesis.servers.iter().all(|&id| nemesis.condition(id) == Some(Condition::Running))
        });
        self.wait_until("a server does not become a member", |nemesis| !nemesis.cluster.is_joining());
        self.wait_until("a membership change does not finish", |nemesis| nemesis.is_settled());
    }

    fn condition(&self, id: NodeId) -> Option<Condition> {
        self.cluster.view().server(id).map(|server| server.condition)
    }

    fn wait_until(&mut self, else_what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + RECOVERY;
        while !is_so(self) && !self.shared.has_complaint() {
            if Instant::now() > deadline {
                let what = format!("{else_what}: {}", self.cluster.view());
                let servers = self.cluster.view().servers().filter(|(id, _)| self.servers.contains(id));
                let lines = servers.map(|(id, server)| {
                    let members = server.membership.as_ref();
                    let members = members.map_or(String::new(), |(at, it)| format!(", entry {at}: {it}"));
                    format!(
                        "{id}: {:?}, {:?} in term {}{members}\n",
                        server.condition, server.role, server.term
                    )
                });
                let refusal = self.refusal.iter().map(|why| format!("last refused: {why}\n"));
                let picture = lines.chain(refusal).collect();
                return self.shared.complain(Violation { picture, ..Violation::new(what) });
            }
            self.watch();
        }
    }

    /// The leader, as far as it was seen.
    fn leader(&self) -> NodeId {
        self.shared.leader().filter(|leader| self.servers.contains(leader)).unwrap_or(self.servers[0])
    }

    fn these(&self, whom: &Whom) -> Vec<NodeId> {
        match whom {
            Whom::Leader => vec![self.leader()],
            Whom::These(places) => {
                let at = |&place: &usize| self.servers[place % self.servers.len()];
                let them: BTreeSet<NodeId> = places.iter().map(at).collect();
                them.into_iter().collect()
            }
        }
    }

    fn strike(&mut self, whom: &Whom, blow: Blow) {
        let leader = self.leader();
        for id in self.these(whom) {
            self.strike_one(id, blow, id == leader);
        }
    }

    fn strike_one(&mut self, id: NodeId, blow: Blow, leads: bool) {
        let links = || Links::Of(id);
        let (action, mending, after) = match blow {
            Blow::Kill(after) => (Action::Kill { node: id }, Action::Restart { node: id }, after),
            Blow::Pause(after) => (Action::Pause { node: id }, Action::Resume { node: id }, after),
            Blow::Isolate(after) => (Action::Cut { links: links() }, Action::Mend { links: links() }, after),
        };
        // Dead servers can't be struck; paused ones can only be killed.
        let is_down = self.condition(id) != Some(Condition::Running);
        if (is_down && matches!(blow, Blow::Pause(_))) || self.cluster.perform(&action).is_err() {
            return;
        }
        let (done, count) = match blow {
            Blow::Kill(_) => ("killed", &mut self.deeds.kills),
            Blow::Pause(_) => ("paused", &mut self.deeds.pauses),
            Blow::Isolate(_) => ("isolated", &mut self.deeds.isolations),
        };
        *count += 1;
        self.story.0.push(format!("{done} {id}{}", star(leads)));
        if matches!(blow, Blow::Kill(_)) && self.keeps_copies {
            self.keep_copy(id);
        }
        // A server that was killed while it was paused must not be resumed.
        let is_moot = |other: &Action| {
            *other == mending || (matches!(blow, Blow::Kill(_)) && *other == Action::Resume { node: id })
        };
        self.to_mend.retain(|(_, other)| !is_moot(other));
        self.to_mend.push((Instant::now() + after, mending));
    }

    /// Asks for a change. Whether it happens is seen at the end.
    fn change(&mut self, whom: &Whom, change: Change) {
        let Some(&node) = self.these(whom).first() else { return };
        // If a healthy member left, the lost ones might be no minority.
        if !self.lost.is_empty() && change != Change::HandOver {
            return;
        }
        let members = self.cluster.view().membership().members().len();
        let change = match change {
            Change::Add if members > self.usual + 1 => Change::Remove,
            Change::Remove if members <= self.usual.min(2) => Change::Add,
            change => change,
        };
        let action = match change {
            Change::Add => Action::AddServer,
            Change::Remove => Action::RemoveServer { node },
            Change::Replace => Action::ReplaceServer { node },
            Change::HandOver => Action::Transfer { to: node },
        };
        // A server that was removed already would be dismissed, perhaps while it is down.
        let is_member = self.cluster.view().membership().contains(node);
        if !is_member || self.cluster.perform(&action).is_err() {
            return;
        }
        let latest = self.cluster.latest();
        let named = format!("{node}{}", star(node == self.leader()));
        self.story.0.push(match change {
            Change::Add => format!("added {latest}"),
            Change::Remove => format!("removed {named}"),
            Change::Replace => format!("replaced {named} by {latest}"),
            Change::HandOver => format!("made {node} the leader"),
        });
        self.deeds.handovers += u64::from(change == Change::HandOver);
        if matches!(change, Change::Add | Change::Replace) {
            self.servers.push(latest);
        }
    }

    /// Repairs what is due by then.
    fn mend(&mut self, by: Instant) {
        let (due, later) = std::mem::take(&mut self.to_mend).into_iter().partition(|(due, _)| *due <= by);
        self.to_mend = later;
        let due: Vec<(Instant, Action)> = due;
        for (_, mending) in due {
            if let Err(refusal) = self.cluster.perform(&mending) {
                self.shared.complain(Violation::new(refusal));
            }
            // Sometimes it dies again while it is still recovering.
            if let Action::Restart { node } = mending
                && self.random.u8(..4) == 0
            {
                std::thread::sleep(millis(&mut self.random, 1..60));
                self.strike_one(node, Blow::Kill(Duration::ZERO), false);
            }
        }
    }

    /// Is the leader's configuration committed, and not a joint one, and does the view know it?
    fn is_settled(&self) -> bool {
        let Some(node) = self.cluster.view().leader().and_then(|id| self.shared.node(id)) else {
            return false;
        };
        node.members(ASK_TIMEOUT).is_ok_and(|told| {
            told.is_committed
                && matches!(told.membership.voters, Quorum::Simple(_))
                && is_same(&told.membership, self.cluster.view().membership())
        })
    }

    /// Ends the servers that are no longer members.
    fn let_strangers_go(&mut self) {
        let membership = self.cluster.view().membership().clone();
        let (members, strangers): (Vec<NodeId>, Vec<NodeId>) =
            self.servers.iter().partition(|&&id| membership.contains(id));
        for id in strangers {
            if let Err(refusal) = self.cluster.perform(&Action::RemoveServer { node: id }) {
                self.shared.complain(Violation::new(refusal));
            }
            self.shared.forget(id);
        }
        self.servers = members;
    }

    /// Reads what the servers' processes report. None of them may end by itself.
    pub(crate) fn watch(&mut self) {
        for record in self.cluster.news(TICK) {
            match &record.event {
                Event::Laboratory(Laboratory::Died { signal, status, last_words, .. })
                    if *signal != Some(Signal::KILL.as_raw()) =>
                {
                    let how = status.map_or("a signal".to_owned(), |status| format!("status {status}"));
                    let what = format!("{} exited by itself, with {how}", record.node);
                    let picture = last_words.clone();
                    self.shared.complain(Violation { picture, ..Violation::new(what) });
                }
                _ if record.comes_to_lead() => {
                    self.shared.record_leader(record.term.0, record.node);
                    self.check_new_leader(record.node, record.t);
                }
                Event::Decision(Decision { what: What::ChangeRefused { reason }, .. }) => {
                    self.refusal = Some(reason.clone());
                }
                _ => {}
            }
        }
        for &id in &self.servers {
            let server = self.cluster.view().server(id);
            if let Some(address) = server.and_then(|server| server.address.as_ref()) {
                self.shared.set_address(id, address);
            }
        }
    }
}

/// The same members. (A server that has just started does not report the data folders that its cluster was
/// founded with.)
fn is_same(one: &Membership, other: &Membership) -> bool {
    (&one.voters, &one.learners) == (&other.voters, &other.learners)
}
