//! `raft torture`: real servers fail at random, and every response is checked.

mod clients;
mod nemesis;
mod remains;
mod replicas;
mod report;
mod shared;
mod violation;

use clap::Args;
use clients::{Client, RECOVERY};
use cluster::{Cluster, ClusterError, Options};
use command::{Failure, duration, end_at_second_signal, ended_by, this_program, written};
use consensus::{Lease, NodeId, Profile, Timing};
use driver::Speed;
use fastrand::Rng;
use linearizability::{Answer, History, Outcome, Request, Verdict, check};
use nemesis::{Deeds, Nemesis, Plan};
use remains::Remains;
use report::{Progress, Summary};
use shared::Shared;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use violation::Violation;

/// Number of keys in a round: few, so that clients get in each other's way.
const KEYS: usize = 6;
/// Number of bytes after which logs are shortened: so few that snapshots are taken, sent and restored all the
/// time.
const SNAPSHOT_AFTER: usize = 64 << 10;
/// All servers read the same clock here: a lease need not allow for much, and the less it does the sooner a
/// mistake shows.
const LEASE: Lease = Lease { clock_drift_percent: 1 };

/// Make real servers fail at random while clients use them, and check every response
///
/// In each round clients write and read some keys, while a seed decides which servers are killed (SIGKILL)
/// and started again, paused (SIGSTOP), or cut off from the others. Then all responses are checked: could
/// they come from a single store (docs/linearizability.md)? Is every acknowledged write there? Are all
/// replicas equal? If not, the run stops and keeps all data.
///
/// With --members, the members change too: servers are added, removed and replaced, leaders included, and
/// leaders hand over.
///
/// With --lose-disks, servers also come back with an empty data folder, or an older copy of it. They must
/// take no part until they are removed and added again.
///
/// With even seeds, leaders have leases, and half of the reads use them (--lease-reads in `raft node`).
///
/// A seed gives the same rounds again, but not the same run: real processes do not repeat their timing.
#[derive(Debug, Args)]
pub struct TortureArguments {
    /// The number of rounds, of some seconds each [default: 100; with --for, as many as there is time for]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    rounds: Option<u64>,

    /// Run for this long, for example 30m
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,

    /// The number of servers
    #[arg(long, short, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u64).range(1..=15))]
    nodes: u64,

    /// Change the members meanwhile: there are --nodes servers at first, and about as many later
    #[arg(long)]
    members: bool,

    /// Make servers lose their data meanwhile, never more than a minority at a time
    #[arg(long)]
    lose_disks: bool,

    /// The number of clients
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u64).range(1..=1000))]
    clients: u64,

    /// The seed of the faults and of the clients' requests [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,

    /// The folder for the servers' data, which is kept [default: a temporary folder, kept only if something
    /// is found]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Print the summary as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Makes servers fail, round by round, and reports the result.
///
/// # Errors
/// If something is found, or the servers can't be started.
pub fn run(arguments: TortureArguments) -> Result<ExitCode, Failure> {
    let signal = Arc::new(AtomicUsize::new(0));
    end_at_second_signal(&[SIGINT, SIGTERM])
        .and_then(|()| {
            [SIGINT, SIGTERM].into_iter().try_for_each(|number| {
                flag::register_usize(number, signal.clone(), number as usize).map(drop)
            })
        })
        .map_err(|error| Failure::of(format_args!("can't listen for signals: {error}"), ""))?;
    let seed = arguments.seed.unwrap_or_else(|| u64::from(server::monotonic_now().subsec_nanos()));
    let data = DataFolder::open(arguments.data.clone())?;
    let mut torture = Torture::new(&arguments, seed, signal.clone());
    let started =
        start(&arguments, seed, this_program()?, data.path(), || signal.load(Ordering::Relaxed) != 0);
    let violation = match started {
        Err(ClusterError::Unwanted) => None,
        started => torture.run(started?),
    };
    let kept = match &violation {
        Some(violation) => Some(data.keep(violation)?),
        None => None,
    };
    let summary = torture.summary();
    let text = if arguments.json { summary.json(violation.as_ref()) } else { summary.text() };
    written(io::stdout().write_all(text.as_bytes()))?;
    match (violation, signal.load(Ordering::Relaxed)) {
        (Some(violation), _) => Err(report::failure(&violation, &kept.expect("it was kept"), seed)),
        (None, 0) => Ok(ExitCode::SUCCESS),
        (None, signal) => Ok(ended_by(signal as i32)),
    }
}

fn start(
    arguments: &TortureArguments,
    seed: u64,
    program: PathBuf,
    data: &Path,
    is_unwanted: impl FnMut() -> bool,
) -> Result<Cluster, ClusterError> {
    let options = Options {
        program,
        servers: (1..=arguments.nodes).map(NodeId).collect(),
        timing: Timing::default(),
        seed,
        speed: Speed::REAL_TIME,
        latency: Duration::ZERO,
        snapshot_after: SNAPSHOT_AFTER,
        data: Some(data.to_owned()),
        base_port: None,
        tells_steps: false,
        is_quiet: true,
        is_listed: false,
        profile: Profile::PRODUCTION,
        lease: has_leases(seed).then_some(LEASE),
    };
    Cluster::start_unless(options, is_unwanted)
}

/// Do leaders have leases in the run of this seed?
fn has_leases(seed: u64) -> bool {
    seed.is_multiple_of(2)
}

/// The folder of the servers' data.
enum DataFolder {
    Named(PathBuf),
    Temporary(tempfile::TempDir),
}

impl DataFolder {
    /// The keys of an earlier run would be taken for those of this one, so the folder must be new or empty.
    fn open(named: Option<PathBuf>) -> Result<DataFolder, Failure> {
        let Some(path) = named else {
            let temporary = tempfile::Builder::new().prefix("raft-torture-").tempdir();
            let temporary = temporary.map_err(|error| {
                Failure::of(format_args!("can't create a temporary folder: {error}"), "name one with --data")
            })?;
            return Ok(DataFolder::Temporary(temporary));
        };
        if fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()) {
            let problem = format!("the folder {} is not empty", path.display());
            return Err(Failure::of(problem, "name a new folder with --data: each run starts without data"));
        }
        Ok(DataFolder::Named(path))
    }

    fn path(&self) -> &Path {
        match self {
            DataFolder::Named(path) => path,
            DataFolder::Temporary(temporary) => temporary.path(),
        }
    }

    /// Keeps the folder, with the history of what the clients did.
    fn keep(self, violation: &Violation) -> Result<PathBuf, Failure> {
        let path = match self {
            DataFolder::Named(path) => path,
            DataFolder::Temporary(temporary) => temporary.keep(),
        };
        if let Some(history) = &violation.history {
            let file = path.join(report::HISTORY);
            File::create(&file).and_then(|file| history.write(BufWriter::new(file))).map_err(|error| {
                Failure::of(format_args!("can't write {}: {error}", file.display()), "make room there")
            })?;
        }
        Ok(path)
    }
}

/// A run.
struct Torture<'a> {
    arguments: &'a TortureArguments,
    /// The members.
    servers: Vec<NodeId>,
    random: Rng,
    clients: Vec<Client>,
    /// Reads at the end of each round.
    last_reader: Client,
    shared: Shared,
    remains: Vec<Remains>,
    begin: Instant,
    signal: Arc<AtomicUsize>,
    rounds: u64,
    deeds: Deeds,
    /// How long the clients worked.
    load: Duration,
    /// Number of keys for which the checker gave up.
    undecided: u64,
    seed: u64,
}

impl<'a> Torture<'a> {
    fn new(arguments: &'a TortureArguments, seed: u64, signal: Arc<AtomicUsize>) -> Torture<'a> {
        Torture {
            arguments,
            random: Rng::with_seed(seed),
            clients: (1..=arguments.clients).map(|id| Client::new(id, seed)).collect(),
            last_reader: Client::new(0, seed),
            servers: (1..=arguments.nodes).map(NodeId).collect(),
            shared: Shared::new(),
            remains: Vec::new(),
            begin: Instant::now(),
            signal,
            rounds: 0,
            deeds: Deeds::default(),
            load: Duration::ZERO,
            undecided: 0,
            seed,
        }
    }

    /// Runs round after round, until something is found, or the end is reached.
    fn run(&mut self, mut cluster: Cluster) -> Option<Violation> {
        let progress = Progress::new(self.arguments.rounds(), self.arguments.time);
        let mut found = None;
        while found.is_none() && !self.is_enough() {
            found = self.round(&mut cluster, &progress).err();
        }
        if found.is_none() {
            found = self.nothing_is_lost().err();
        }
        progress.end();
        cluster.stop();
        found
    }

    fn is_enough(&self) -> bool {
        self.is_interrupted()
            || self.arguments.rounds().is_some_and(|rounds| self.rounds >= rounds)
            || self.arguments.time.is_some_and(|time| self.begin.elapsed() >= time)
    }

    fn is_interrupted(&self) -> bool {
        self.signal.load(Ordering::Relaxed) != 0
    }

    /// Trouble under load, and then the question whether any client got a wrong answer.
    ///
    /// Each round has keys of its own, and a single store's promise holds for each key by itself. So it can
    /// be checked once the clients have finished: no client will use these keys again, except for the one
    /// read at the end of the run that [`Remains`] prepares. An operation of which it is unknown whether it
    /// happened may still happen later. That changes nothing about the earlier answers.
    fn round(&mut self, cluster: &mut Cluster, progress: &Progress) -> Result<(), Violation> {
        self.rounds += 1;
        let keys: Vec<String> = (0..KEYS).map(|key| format!("round{}/key{key}", self.rounds)).collect();
        let plan = Plan::draw(&mut self.random, self.servers.len(), self.arguments);
        let began = Instant::now();
        let random = self.random.fork();
        let usual = self.arguments.nodes as usize;
        let mut nemesis = Nemesis::new(cluster, &self.shared, usual, &self.servers, random);
        nemesis.watch();
        self.shared.begin_round();
        let (shared, signal) = (&self.shared, &self.signal);
        let members = std::thread::scope(|scope| {
            for client in &mut self.clients {
                scope.spawn(|| client.work(&keys, shared));
            }
            let members = nemesis.act(&plan, || signal.load(Ordering::Relaxed) != 0);
            shared.end_round();
            members
        });
        self.load += began.elapsed();
        let story = std::mem::take(&mut nemesis.story);
        self.deeds.add(nemesis.deeds);
        self.record_members(members);

        let is_well = !self.shared.has_complaint();
        let could_read = is_well && keys.iter().all(|key| self.last_reader.read_at_last(key, &self.shared));
        let history = self.shared.take_history();
        progress.report_round(self.rounds, &story, &history, self.begin.elapsed());
        self.check(&history)?;
        if let Some(violation) = self.shared.take_violation() {
            return Err(violation);
        }
        if !could_read {
            let seconds = RECOVERY.as_secs();
            return Err(Violation::new(format!(
                "{seconds} s after the last fault, no server answers a read"
            )));
        }
        self.remains.extend(keys.iter().map(|key| Remains::of(key, &history)));
        let compared = replicas::compare(&self.servers, &self.shared);
        // If a server has died meanwhile, that says more.
        Nemesis::new(cluster, &self.shared, usual, &self.servers, Rng::new()).watch();
        self.shared.take_violation().map_or(compared, Err)
    }

    fn record_members(&mut self, members: Vec<NodeId>) {
        self.deeds.joined += members.iter().filter(|id| !self.servers.contains(id)).count() as u64;
        self.deeds.left += self.servers.iter().filter(|id| !members.contains(id)).count() as u64;
        self.servers = members;
    }

    fn check(&mut self, history: &History) -> Result<(), Violation> {
        match check(history) {
            Verdict::Ok => Ok(()),
            Verdict::Violation(bad) => Err(Violation::of_history(&bad, history.clone())),
            Verdict::Undecided { .. } => {
                self.undecided += 1;
                Ok(())
            }
        }
    }

    /// What was there at the end of each round is there at the end of all.
    fn nothing_is_lost(&mut self) -> Result<(), Violation> {
        for remains in std::mem::take(&mut self.remains) {
            if !self.last_reader.read_at_last(&remains.key, &self.shared) {
                return Err(Violation::new("at the end of the run, no server answers a read"));
            }
            let history = remains.history_with(last_answer(&self.shared.take_history()));
            self.check(&history)?;
        }
        Ok(())
    }

    fn summary(&self) -> Summary<'_> {
        Summary {
            seed: self.seed,
            servers: self.arguments.nodes,
            clients: self.clients.len(),
            rounds: self.rounds,
            took: self.begin.elapsed(),
            load: self.load,
            deeds: self.deeds,
            undecided: self.undecided,
            shared: &self.shared,
        }
    }
}

impl TortureArguments {
    /// The number of rounds, if that decides about the end.
    fn rounds(&self) -> Option<u64> {
        self.rounds.or(self.time.is_none().then_some(100))
    }
}

/// The answer to the read, the only one that was answered.
fn last_answer(history: &History) -> Answer {
    let mut answers = history.operations().iter().filter_map(|operation| match &operation.outcome {
        Outcome::Returned { answer, .. } if operation.request == Request::Read => Some(answer.clone()),
        _ => None,
    });
    answers.next_back().expect("a read was answered")
}
