//! The servers as a whole.

mod links;

use crate::Action;
use crate::chronicle::Chronicle;
use crate::folder::{Folder, FolderError, Whereabouts};
use crate::member::{Member, Report};
use consensus::event::What;
use consensus::{Change, Lease, NodeId, Profile, Quorum, Timing};
use driver::Speed;
use rustix::process::Signal;
use server::{Address, Command, Secret, monotonic_now};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use trace::{ClusterView, Condition, Event, Laboratory, Process, Record};

/// How long servers may take to start, and to shut down.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How often to check whether a start is still wanted.
const ATTENTION: Duration = Duration::from_millis(20);
/// Maximum number of reports that wait to be read. Beyond it the servers wait with theirs, and leave some
/// out.
const REPORTS: usize = 65_536;

/// The settings of a cluster.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program whose `node` command is a server: the `raft` command itself.
    pub program: PathBuf,
    /// The servers with which the cluster begins, at least one. Those that were added later start again too,
    /// if they have a data folder.
    pub servers: Vec<NodeId>,
    /// Their timeouts.
    pub timing: Timing,
    /// The seed of their randomness.
    pub seed: u64,
    /// The speed of their clocks at first.
    pub speed: Speed,
    /// The delay of each message, in the servers' own time.
    pub latency: Duration,
    /// The leaders' leases, if they have any.
    pub lease: Option<Lease>,
    /// The rules that the servers follow at first, beyond the paper's basic algorithm.
    pub profile: Profile,
    /// Approximate number of bytes of entries after which each takes a snapshot.
    pub snapshot_after: usize,
    /// The folder of their data; `None` for a temporary one.
    pub data: Option<PathBuf>,
    /// The first server's port, the others follow; `None` for free ports.
    pub base_port: Option<u16>,
    /// Do the servers report their steps too, so that the run can be replayed?
    pub tells_steps: bool,
    /// Do they report only their processes and their roles? Reporting more takes time.
    pub is_quiet: bool,
    /// Do commands that name no cluster find this one?
    pub is_listed: bool,
}

/// Why a cluster did not start.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// It can't have its data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A server's process can't be started.
    #[error("can't start a process for {id}: {source}")]
    Spawn {
        /// The server.
        id: NodeId,
        /// What the system said.
        source: io::Error,
    },
    /// A server ended while it started.
    #[error("{id} did not start: {last_words}")]
    Failed {
        /// The server.
        id: NodeId,
        /// The last line on its standard error.
        last_words: String,
    },
    /// The start was cancelled.
    #[error("the start was interrupted")]
    Unwanted,
    /// The system has no random bytes for the secret that the servers share.
    #[error("can't create a secret for the servers: {0}")]
    NoSecret(io::Error),
    /// The servers did not report in time.
    #[error("the servers did not start within {START_TIMEOUT:?}")]
    Silent,
}

/// A server that is joining the cluster.
#[derive(Debug, Default)]
struct Joining {
    /// The voter that it replaces.
    instead_of: Option<NodeId>,
    has_caught_up: bool,
    /// When the leader was last asked to add it.
    asked: Option<Instant>,
}

/// How long to wait before a leader is asked again for what it has refused.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// A cluster of server processes on this machine.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
    /// The servers with which the cluster began.
    founders: Vec<NodeId>,
    /// A secret that all servers share, so that no other program can impersonate one of them.
    secret: Secret,
    /// Servers that lost their data, and were admitted again under their old numbers.
    readmitted: BTreeSet<NodeId>,
    /// The highest number that any server has or had.
    latest: NodeId,
    /// The cluster's start on the monotonic clock: the zero of [`Record::t`].
    epoch: Duration,
    speed: Speed,
    /// The running processes.
    members: BTreeMap<NodeId, Member>,
    whereabouts: Whereabouts,
    /// Servers that were started to join the others, and have not become voters yet.
    joining: BTreeMap<NodeId, Joining>,
    view: ClusterView,
    chronicle: Chronicle,
    reports: (SyncSender<Report>, Receiver<Report>),
    /// Declared last: dropped, and removed if temporary, after everything else.
    folder: Folder,
}

impl Cluster {
    /// Starts all servers, and returns when each of them listens.
    ///
    /// # Errors
    /// If one can't be started. Then none is left running.
    pub fn start(options: Options) -> Result<Cluster, ClusterError> {
        Cluster::start_unless(options, || false)
    }

    /// The same, but cancelled as soon as `is_unwanted` says so, which is asked again and again.
    ///
    /// # Errors
    /// If a server can't be started, and [`ClusterError::Unwanted`]. Then none is left running.
    pub fn start_unless(
        mut options: Options,
        mut is_unwanted: impl FnMut() -> bool,
    ) -> Result<Cluster, ClusterError> {
        let mut folder = Folder::open(options.data.as_deref())?;
        let founders = options.servers.clone();
        folder.refuse_other_founders(&founders)?;
        if options.is_listed {
            folder.list();
        }
        let gone = folder.those_put_away();
        options.servers.extend(folder.servers().into_iter().filter(|id| !founders.contains(id)));
        options.servers.retain(|id| !gone.contains(id));
        let latest = options.servers.iter().copied().chain(gone).max().expect("there is a server, or was");
        let mut cluster = Cluster {
            epoch: monotonic_now(),
            speed: options.speed,
            members: BTreeMap::new(),
            whereabouts: Whereabouts::default(),
            joining: BTreeMap::new(),
            view: ClusterView::new(options.servers.iter().copied().filter(|id| founders.contains(id))),
            latest,
            founders,
            secret: Secret::draw().map_err(ClusterError::NoSecret)?,
            readmitted: BTreeSet::new(),
            chronicle: Chronicle::default(),
            reports: sync_channel(REPORTS),
            folder,
            options,
        };
        for id in cluster.options.servers.clone() {
            if is_unwanted() {
                return Err(ClusterError::Unwanted);
            }
            cluster.spawn(id).map_err(|source| ClusterError::Spawn { id, source })?;
        }
        cluster.await_start(is_unwanted)?;
        Ok(cluster)
    }

    /// The folder of the servers' data.
    pub fn data_folder(&self) -> &Path {
        self.folder.path()
    }

    /// Do commands that name no cluster find this one?
    pub fn is_listed(&self) -> bool {
        self.folder.is_listed()
    }

    /// What is known about the servers at the moment.
    pub fn view(&self) -> &ClusterView {
        &self.view
    }

    /// The server that was added last.
    pub fn latest(&self) -> NodeId {
        self.latest
    }

    /// Is a server joining that is not a voter yet?
    pub fn is_joining(&self) -> bool {
        !self.joining.is_empty()
    }

    /// Microseconds since the cluster's start.
    pub fn now(&self) -> u64 {
        micros(monotonic_now().saturating_sub(self.epoch))
    }

    /// What has happened since the last call, in order. Waits up to `timeout` for something to happen.
    pub fn news(&mut self, timeout: Duration) -> Vec<Record> {
        for report in waiting_reports(&self.reports.1, timeout) {
            self.take(report);
        }
        self.go_on_with_joining();
        self.chronicle.settled(self.now())
    }

    /// Does something to the servers, and says in a sentence what was done.
    ///
    /// # Errors
    /// If it can't be done: a sentence that says why. Then nothing was done.
    pub fn perform(&mut self, action: &Action) -> Result<String, String> {
        match action {
            Action::KillLeader => self.kill_leader(),
            Action::Kill { node } => self.kill(*node),
            Action::Restart { node } => self.restart(*node),
            Action::Pause { node } => self.pause(*node),
            Action::Resume { node } => self.resume(*node),
            Action::ForceTimeout { node } => self.force_timeout(*node),
            Action::AlignTimers => Ok(self.align_timers()),
            Action::SetSpeed { multiple } => self.set_speed(*multiple),
            Action::SetProfile { profile } => Ok(self.set_profile(*profile)),
            Action::Transfer { to } => self.transfer(*to),
            Action::AddServer => self.add_server(None),
            Action::ReplaceServer { node } => self.replace_server(*node),
            Action::RemoveServer { node } => self.remove_server(*node),
            Action::Cut { links } => self.cut(links),
            Action::Mend { links } => self.mend(links),
            Action::Delay { links, delay_us } => self.delay(links, *delay_us),
            Action::Lose { links, percent } => self.lose(links, *percent),
            Action::Heal => Ok(self.heal()),
        }
    }

    /// Kills a server if it runs, and calls `change` with the path of its data folder. What was known about
    /// the server is forgotten: its next start may have the number of an earlier one.
    ///
    /// # Errors
    /// If the folder can't be changed: a sentence that says why.
    pub fn change_folder(
        &mut self,
        id: NodeId,
        change: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), String> {
        if let Some(pid) = self.members.get(&id).map(Member::pid) {
            self.kill(id)?;
            self.hear_out(id, pid);
        }
        change(&self.folder.of(id)).map_err(|error| format!("can't change the folder of {id}: {error}"))?;
        self.view.forget(id);
        Ok(())
    }

    /// Starts a server that is not a member on an empty folder, under its old number. The leader adds it as a
    /// learner, and then makes it a voter.
    ///
    /// # Errors
    /// If it is a member, or can't be started: a sentence that says why.
    pub fn readmit(&mut self, id: NodeId) -> Result<String, String> {
        if self.view.membership().contains(id) {
            return Err(format!("{id} is a member: remove it first"));
        }
        self.change_folder(id, |folder| fs::remove_dir_all(folder))?;
        // The leader must not get its earlier address.
        self.whereabouts.addresses.remove(&id);
        self.readmitted.insert(id);
        self.spawn(id).map_err(|error| format!("can't start {id}: {error}"))?;
        self.joining.insert(id, Joining::default());
        Ok(format!("started {id} with an empty folder: it copies the log first, then it votes"))
    }

    /// Adds a record of something that was done to a server, or observed, and that it can't report itself.
    pub fn note(&mut self, id: NodeId, what: Laboratory) {
        self.report_of(id, Event::Laboratory(what));
    }

    /// Stops all servers, by force if necessary, and returns their last reports.
    pub fn stop(mut self) -> Vec<Record> {
        for member in self.members.values_mut() {
            // A halted process can't notice that it should stop. If it is gone already, so much the better.
            let _ = member.signal(Signal::CONT);
            member.send(&Command::Stop);
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !self.members.is_empty() {
            match self.reports.1.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(report) => self.take(report),
                Err(_) => self.kill_all(),
            }
        }
        self.chronicle.rest()
    }

    fn await_start(&mut self, mut is_unwanted: impl FnMut() -> bool) -> Result<(), ClusterError> {
        let deadline = Instant::now() + START_TIMEOUT;
        while self.whereabouts.addresses.len() < self.options.servers.len() {
            if is_unwanted() {
                return Err(ClusterError::Unwanted);
            }
            let timeout = deadline.saturating_duration_since(Instant::now());
            match self.reports.1.recv_timeout(timeout.min(ATTENTION)) {
                Ok(Report::Ended { id, .. }) => return Err(self.failure_of(id)),
                Ok(report) => self.take(report),
                Err(_) if timeout.is_zero() => return Err(ClusterError::Silent),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn failure_of(&mut self, id: NodeId) -> ClusterError {
        let ended = self.members.remove(&id).map(Member::wait);
        let last_words = match ended {
            Some(Ok((_, words))) => words,
            _ => String::new(),
        };
        ClusterError::Failed { id, last_words }
    }

    fn spawn(&mut self, id: NodeId) -> io::Result<()> {
        let member = Member::start(id, self.node_command(id), &self.secret, self.reports.0.clone())?;
        self.members.insert(id, member);
        Ok(())
    }

    /// The command line of one server.
    fn node_command(&self, id: NodeId) -> std::process::Command {
        let Options {
            program,
            timing,
            seed,
            latency,
            lease,
            profile,
            snapshot_after,
            base_port,
            tells_steps,
            is_quiet,
            ..
        } = &self.options;
        let port = base_port.map_or(0, |base| base.saturating_add(id.0 as u16 - 1));
        let (min, max) = (timing.election_timeout_min(), timing.election_timeout_max());
        let mut command = std::process::Command::new(program);
        // The environment is meant for this command, which has read it.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RAFT_")) {
            command.env_remove(name);
        }
        command.arg("node").arg("--laboratory").arg("--secret-on-stdin").arg("--json");
        command.args(["--id", &id.0.to_string()]);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        if self.founders.contains(&id) && !self.readmitted.contains(&id) {
            for peer in self.founders.iter().filter(|&&peer| peer != id) {
                command.args(["--peer", &peer.0.to_string()]);
            }
        } else {
            command.arg("--join");
        }
        command.args(["--cluster", &self.folder.cluster_name()]);
        command.arg("--data").arg(self.folder.of(id));
        command.args(["--election-timeout", &format!("{}ns..{}ns", min.as_nanos(), max.as_nanos())]);
        command.args(["--heartbeat", &format!("{}ns", timing.heartbeat_interval().as_nanos())]);
        command.args(["--latency", &format!("{}ns", latency.as_nanos())]);
        command.args(["--snapshot-after", &snapshot_after.to_string()]);
        command.args(["--seed", &seed.to_string()]);
        command.args(["--speed", &self.speed.to_string()]);
        command.args(["--epoch", &self.epoch.as_nanos().to_string()]);
        for (from, faults) in self.faulty_links_to(id) {
            let faults = serde_json::to_string(&faults).expect("faults have a JSON");
            command.args(["--link", &format!("{}={faults}", from.0)]);
        }
        if let Some(lease) = lease {
            command.args(["--lease-reads", &format!("{}%", lease.clock_drift_percent)]);
        }
        let Profile { pre_vote, check_quorum, eager_election } = profile;
        for (flag, is_on) in
            [("--pre-vote", pre_vote), ("--check-quorum", check_quorum), ("--eager-election", eager_election)]
        {
            command.args([flag, if *is_on { "on" } else { "off" }]);
        }
        if *tells_steps {
            command.arg("--steps");
        }
        if *is_quiet {
            command.arg("--quiet");
        }
        command
    }

    /// Processes a report of a server's process.
    fn take(&mut self, report: Report) {
        match report {
            Report::Record(record) => self.take_record(record),
            Report::Ended { id, pid } => {
                if let Some(member) = self.members.remove(&id) {
                    if member.pid() == pid {
                        self.bury(id, member.wait());
                    } else {
                        // The pipe of an earlier process: the server was started again already.
                        self.members.insert(id, member);
                    }
                }
            }
        }
    }

    fn take_record(&mut self, record: Record) {
        let is_new_life = self.view.server(record.node).is_none_or(|server| record.life > server.life);
        if let Event::Process(Process::Started { pid, address }) = &record.event
            && self.members.get(&record.node).is_some_and(|member| member.pid() == *pid)
        {
            self.introduce(record.node, address.clone());
        } else if is_new_life {
            // It was killed before its start was reported: for everyone else it never ran.
            return;
        }
        self.add(record);
    }

    fn add(&mut self, record: Record) {
        self.view.apply(&record);
        if let Event::Decision(decision) = &record.event
            && let What::CaughtUp { learner } = decision.what
            && let Some(joining) = self.joining.get_mut(&learner)
        {
            joining.has_caught_up = true;
        }
        self.chronicle.add(record);
    }

    /// Asks the leader to add the servers that are joining: first as learners, and once they have caught up,
    /// as voters. What it refuses, because another change is in progress, say, it is asked again.
    fn go_on_with_joining(&mut self) {
        let Some(leader) = self.view.leader() else { return };
        let membership = self.view.membership().clone();
        // In a joint configuration the change is not complete yet: it may still be truncated.
        let has_joined =
            |id: NodeId| matches!(&membership.voters, Quorum::Simple(voters) if voters.contains(&id));
        self.joining.retain(|&id, _| !has_joined(id));
        for (&id, joining) in &mut self.joining {
            let address = self.whereabouts.addresses.get(&id);
            let change = match (membership.learners.contains(&id), address) {
                (true, _) if joining.has_caught_up => {
                    let remove = joining.instead_of.filter(|&other| membership.contains(other));
                    Change { promote: [id].into(), remove: remove.into_iter().collect(), ..Change::default() }
                }
                (false, Some(address)) => Change { add: [(id, address.clone())].into(), ..Change::default() },
                _ => continue,
            };
            let is_time = joining.asked.is_none_or(|asked| asked.elapsed() > ASK_AGAIN);
            if let Some(member) = self.members.get_mut(&leader).filter(|_| is_time) {
                joining.asked = Some(Instant::now());
                member.send(&Command::ChangeMembership(change));
            }
        }
    }

    /// Adds a record of something that the servers themselves can't report.
    fn report_of(&mut self, id: NodeId, event: Event) {
        let (life, term) = self.view.server(id).map(|server| (server.life, server.term)).unwrap_or_default();
        self.add(Record {
            t: self.now(),
            node: id,
            life,
            seq: None,
            cause: None,
            term,
            event,
            content: None,
        });
    }

    /// Gives all servers the address of this one, and this one the addresses of all.
    fn introduce(&mut self, newcomer: NodeId, address: String) {
        let Ok(told) = address.parse::<Address>() else { return };
        let to_others = Command::Peer { id: newcomer, address: told };
        self.whereabouts.addresses.insert(newcomer, address);
        self.folder.publish(&self.whereabouts);
        for (&id, member) in &mut self.members {
            if id != newcomer {
                member.send(&to_others);
                continue;
            }
            for (&id, address) in &self.whereabouts.addresses {
                if let Ok(address) = address.parse() {
                    member.send(&Command::Peer { id, address });
                }
            }
        }
    }

    /// Records that a process has ended. One that shut down normally has reported it itself.
    fn bury(&mut self, id: NodeId, ended: io::Result<(ExitStatus, String)>) {
        let (status, last_words) = match ended {
            Ok((status, words)) => (Some(status), words),
            Err(error) => (None, error.to_string()),
        };
        if status.is_some_and(|status| status.success()) {
            let said_goodbye = self.view.server(id).is_some_and(|server| server.condition == Condition::Dead);
            if !said_goodbye {
                self.report_of(id, Event::Process(Process::Stopped));
            }
            return;
        }
        let signal = status.and_then(|status| status.signal());
        let status = status.and_then(|status| status.code());
        self.report_of(
            id,
            Event::Laboratory(Laboratory::Died { signal, status, power_cut: None, last_words }),
        );
    }

    fn member(&mut self, id: NodeId) -> Result<&mut Member, String> {
        self.members.get_mut(&id).ok_or_else(|| format!("{id} is not running: restart it first"))
    }

    fn kill_leader(&mut self) -> Result<String, String> {
        let leader = self.view.leader().ok_or("there is no leader at the moment: no server was killed")?;
        self.kill(leader)?;
        Ok(format!("killed the leader, {leader}"))
    }

    fn kill(&mut self, id: NodeId) -> Result<String, String> {
        self.member(id)?;
        if let Some(member) = self.members.remove(&id) {
            self.bury(id, member.kill());
        }
        Ok(format!("killed {id}"))
    }

    /// Reads everything that a killed process had reported.
    fn hear_out(&mut self, id: NodeId, pid: u32) {
        let is_end = |report: &Report| matches!(report, Report::Ended { id: its, pid: of } if (*its, *of) == (id, pid));
        while let Ok(report) = self.reports.1.recv_timeout(STOP_TIMEOUT) {
            let was_last = is_end(&report);
            self.take(report);
            if was_last {
                return;
            }
        }
    }

    fn kill_all(&mut self) {
        for id in self.options.servers.clone() {
            let _ = self.kill(id);
        }
    }

    fn restart(&mut self, id: NodeId) -> Result<String, String> {
        if !self.options.servers.contains(&id) {
            return Err(format!("{id} is not a server of this cluster: add a new one"));
        }
        if self.members.contains_key(&id) {
            self.kill(id)?;
        }
        self.spawn(id).map_err(|error| format!("can't restart {id}: {error}"))?;
        Ok(format!("restarted {id}, with what its disk remembers"))
    }

    fn pause(&mut self, id: NodeId) -> Result<String, String> {
        self.member(id)?.signal(Signal::STOP).map_err(|error| format!("can't pause {id}: {error}"))?;
        self.report_of(id, Event::Laboratory(Laboratory::Paused));
        Ok(format!("paused {id}"))
    }

    fn resume(&mut self, id: NodeId) -> Result<String, String> {
        self.member(id)?;
        // Recorded first: the server's later reports come after it.
        self.report_of(id, Event::Laboratory(Laboratory::Resumed));
        self.member(id)?.signal(Signal::CONT).map_err(|error| format!("can't resume {id}: {error}"))?;
        Ok(format!("resumed {id}"))
    }

    fn force_timeout(&mut self, id: NodeId) -> Result<String, String> {
        let at = self.now();
        self.member(id)?.send(&Command::ExpireElectionTimer { at });
        Ok(format!("made {id}'s election timer run out"))
    }

    fn align_timers(&mut self) -> String {
        let whole_timeout = self.options.timing.election_timeout_max().as_secs_f64();
        let wait = Duration::from_secs_f64(whole_timeout / self.speed.multiple());
        let at = self.now() + micros(wait);
        for member in self.members.values_mut() {
            member.send(&Command::ExpireElectionTimer { at });
        }
        format!("all election timers run out at once in {} ms", wait.as_millis())
    }

    fn set_profile(&mut self, profile: Profile) -> String {
        self.options.profile = profile;
        for member in self.members.values_mut() {
            member.send(&Command::Profile(profile));
        }
        match profile {
            Profile::PAPER => "all servers follow the paper's basic algorithm".to_owned(),
            Profile::PRODUCTION => "all servers have pre-vote, check-quorum and eager election".to_owned(),
            _ => "all servers follow the chosen rules".to_owned(),
        }
    }

    fn leading_member(&mut self) -> Result<(NodeId, &mut Member), String> {
        let leader = self.view.leader().ok_or("there is no leader at the moment to do it")?;
        Ok((leader, self.member(leader)?))
    }

    fn transfer(&mut self, to: NodeId) -> Result<String, String> {
        if !self.view.membership().voters.contains(to) {
            return Err(format!("{to} is not a voter, so it can't lead"));
        }
        let (leader, member) = self.leading_member()?;
        if leader == to {
            return Err(format!("{to} is already the leader"));
        }
        member.send(&Command::TransferLeadership { to });
        Ok(format!("asked {leader} to make {to} the leader"))
    }

    fn add_server(&mut self, instead_of: Option<NodeId>) -> Result<String, String> {
        // No number is used twice: its earlier server may be remembered somewhere.
        let id = NodeId(self.latest.0 + 1);
        self.latest = id;
        self.options.servers.push(id);
        self.spawn(id).map_err(|error| format!("can't start {id}: {error}"))?;
        self.joining.insert(id, Joining { instead_of, ..Joining::default() });
        let instead_of = instead_of.map_or(String::new(), |other| format!(" in place of {other}"));
        Ok(format!("started {id}: it copies the log first, then it votes{instead_of}"))
    }

    fn replace_server(&mut self, id: NodeId) -> Result<String, String> {
        if !self.view.membership().contains(id) {
            return Err(format!("{id} is not a member"));
        }
        self.joining.remove(&id);
        self.add_server(Some(id))
    }

    fn remove_server(&mut self, id: NodeId) -> Result<String, String> {
        let membership = self.view.membership();
        if !membership.contains(id) {
            return self.dismiss(id);
        }
        if membership.voters.voters() == [id].into() {
            return Err(format!("{id} is the last voter: add another server before you remove it"));
        }
        let (leader, member) = self.leading_member()?;
        member.send(&Command::ChangeMembership(Change { remove: [id].into(), ..Change::default() }));
        self.joining.remove(&id);
        Ok(format!("asked {leader} to remove {id}"))
    }

    /// Ends the process of a server that is not a member, and makes the others forget its address.
    fn dismiss(&mut self, id: NodeId) -> Result<String, String> {
        self.kill(id).map_err(|_| format!("{id} is not a member, and is not running"))?;
        self.joining.remove(&id);
        self.folder.put_away(id).map_err(|error| format!("can't set the data of {id} aside: {error}"))?;
        self.options.servers.retain(|&server| server != id);
        self.whereabouts.addresses.remove(&id);
        self.folder.publish(&self.whereabouts);
        Ok(format!("{id} is not a member: stopped its process"))
    }

    fn set_speed(&mut self, multiple: f64) -> Result<String, String> {
        if self.options.lease.is_some() {
            return Err("the clocks must keep their speed, because leases depend on them".to_owned());
        }
        self.speed = Speed::new(multiple).map_err(|error| error.to_string())?;
        for member in self.members.values_mut() {
            member.send(&Command::Speed { multiple });
        }
        let millionths = (multiple * 1e6).round() as u64;
        self.report_of(self.options.servers[0], Event::Laboratory(Laboratory::Speed { millionths }));
        Ok(format!("the servers' clocks run at {multiple}× real time"))
    }
}

impl Drop for Cluster {
    /// However a cluster ends, its servers end with it.
    fn drop(&mut self) {
        for (_, member) in std::mem::take(&mut self.members) {
            let _ = member.kill();
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The reports that wait, or the first one within `timeout`. Servers that report without a pause must not
/// keep the caller here.
fn waiting_reports(reports: &Receiver<Report>, timeout: Duration) -> Vec<Report> {
    let first = reports.recv_timeout(timeout).ok();
    first.into_iter().chain(reports.try_iter().take(REPORTS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_without_a_pause_keep_nobody() {
        let (sender, reports) = sync_channel(REPORTS);
        let ended = || Report::Ended { id: NodeId(1), pid: 1 };
        std::thread::spawn(move || while sender.send(ended()).is_ok() {});
        for _ in 0..10 {
            let taken = waiting_reports(&reports, Duration::from_secs(60)).len();
            assert!((1..=REPORTS + 1).contains(&taken), "{taken}");
        }
    }
}
