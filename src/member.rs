//! `raft member` and `raft transfer`

use crate::servers::{ServersArguments, no_answer, not_done};
use api::MembersBody;
use clap::{Args, Subcommand};
use client::Cluster;
use command::{Failure, host_and_port, written};
use consensus::{Change, Membership, NodeId, Quorum};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use trace::shown;

/// Show and change the members of a cluster
///
/// Start a new server first, with `raft node --join`. It receives the log as a
/// learner, and votes once it has caught up.
///
///   raft node --join --id 4 --listen 127.0.0.1:4004 --data n4 &
///   raft member add 4=127.0.0.1:4004
///   raft member remove 2
///   raft member move 3=127.0.0.1:5003
///
/// Exit status: 0 done, 1 not done, 2 wrong usage, 3 uncertain (see `raft member
/// list`).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct MemberArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the members
    List(HowToAsk),
    /// Add a server, which votes once it has caught up
    Add {
        /// The new server and its address
        #[arg(value_name = "ID=HOST:PORT", value_parser = newcomer)]
        newcomer: (NodeId, String),
        /// Add it as a learner only: it receives the log and does not vote
        #[arg(long)]
        learner: bool,
        #[command(flatten)]
        how: HowToAsk,
    },
    /// Remove a server
    Remove {
        /// The number of the server
        #[arg(value_name = "ID", value_parser = id)]
        server: NodeId,
        #[command(flatten)]
        how: HowToAsk,
    },
    /// Replace a server with a new one, in one step, once the new one has caught up
    Replace {
        /// The number of the old server
        #[arg(value_name = "ID", value_parser = id)]
        server: NodeId,
        /// The new server and its address
        #[arg(value_name = "ID=HOST:PORT", value_parser = newcomer)]
        newcomer: (NodeId, String),
        #[command(flatten)]
        how: HowToAsk,
    },
    /// Tell the cluster the new address of a member
    Move {
        /// The member and its new address
        #[arg(value_name = "ID=HOST:PORT", value_parser = newcomer)]
        member: (NodeId, String),
        #[command(flatten)]
        how: HowToAsk,
    },
    /// Let a learner vote, once it has caught up
    Promote {
        /// The number of the learner
        #[arg(value_name = "ID", value_parser = id)]
        server: NodeId,
        #[command(flatten)]
        how: HowToAsk,
    },
}

/// Make another server the leader
///
/// The leader stops accepting writes, waits until the other server has its whole
/// log, and asks it to start an election at once: clients hardly notice. Do this
/// before you stop a leader.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct TransferArguments {
    /// The number of the server that should lead
    #[arg(value_name = "ID", value_parser = id)]
    to: NodeId,
    #[command(flatten)]
    how: HowToAsk,
}

#[derive(Debug, Args)]
struct HowToAsk {
    /// Print the members as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    servers: ServersArguments,
}

/// How often the servers are asked while waiting for something.
const PAUSE: Duration = Duration::from_millis(50);

fn id(text: &str) -> Result<NodeId, String> {
    let number = text.strip_prefix('n').unwrap_or(text).parse().ok().filter(|&number| number > 0);
    number.map(NodeId).ok_or_else(|| format!("\"{text}\" is not the number of a server; write one such as 4"))
}

fn newcomer(text: &str) -> Result<(NodeId, String), String> {
    let (server, address) = text.split_once('=').ok_or("write ID=HOST:PORT, such as 4=127.0.0.1:4004")?;
    Ok((id(server)?, host_and_port(address)?))
}

pub(crate) fn run(arguments: MemberArguments) -> Result<ExitCode, Failure> {
    match arguments.what {
        What::List(how) => {
            let told = how.servers.client()?.members(how.servers.timeout);
            how.print(&told.map_err(|why| no_answer(&why))?)
        }
        What::Add { newcomer: (id, address), learner, how } => {
            let mut asked = Asked::new(&how)?;
            asked.add(id, address)?;
            if !learner {
                asked.change(Change { promote: [id].into(), ..Change::default() })?;
            }
            let told = asked
                .until(|members| if learner { members.learners.contains(&id) } else { votes(members, id) })?;
            how.print(&told)
        }
        What::Remove { server, how } => {
            let mut asked = Asked::new(&how)?;
            asked.change(Change { remove: [server].into(), ..Change::default() })?;
            how.print(&asked.until(|members| !members.contains(server))?)
        }
        What::Replace { server, newcomer: (id, address), how } => {
            let mut asked = Asked::new(&how)?;
            asked.add(id, address)?;
            asked.change(Change { promote: [id].into(), remove: [server].into(), ..Change::default() })?;
            how.print(&asked.until(|members| votes(members, id) && !members.contains(server))?)
        }
        What::Move { member: (id, address), how } => {
            let mut asked = Asked::new(&how)?;
            asked.change(Change { relocate: [(id, address.clone())].into(), ..Change::default() })?;
            how.print(&asked.until(|members| members.addresses.get(&id) == Some(&address))?)
        }
        What::Promote { server, how } => {
            let mut asked = Asked::new(&how)?;
            asked.change(Change { promote: [server].into(), ..Change::default() })?;
            how.print(&asked.until(|members| votes(members, server))?)
        }
    }
}

pub(crate) fn transfer(arguments: TransferArguments) -> Result<ExitCode, Failure> {
    let TransferArguments { to, how } = arguments;
    let mut asked = Asked::new(&how)?;
    asked.cluster.transfer(to, asked.rest()).map_err(explain)?;
    loop {
        let told = asked.cluster.members(asked.rest()).map_err(|why| no_answer(&why))?;
        if told.leader == Some(to) {
            return if how.json { how.print(&told) } else { written(writeln!(io::stdout(), "{to} leads")) };
        }
        asked.pause(format_args!("{to} has not become the leader in time"))?;
    }
}

fn votes(members: &Membership, id: NodeId) -> bool {
    members.voters.contains(id)
}

fn explain(failure: client::Failure) -> Failure {
    match failure {
        client::Failure::NotDone(why) => not_done(&why),
        client::Failure::Uncertain(why) => Failure::uncertain(
            format_args!("the change may have begun, or may still begin ({why})"),
            "`raft member list` shows who the members are now",
        ),
    }
}

/// A cluster that is asked for something that takes several steps.
struct Asked {
    cluster: Cluster,
    deadline: Instant,
}

impl Asked {
    fn new(how: &HowToAsk) -> Result<Asked, Failure> {
        Ok(Asked { cluster: how.servers.client()?, deadline: Instant::now() + how.servers.timeout })
    }

    fn rest(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn pause(&self, what: std::fmt::Arguments<'_>) -> Result<(), Failure> {
        if self.rest() <= PAUSE {
            return Err(Failure::uncertain(
                what,
                "`raft member list` shows how far it is; --timeout gives it more time",
            ));
        }
        std::thread::sleep(PAUSE);
        Ok(())
    }

    /// Adds a learner, unless it is one already: the change before may have ended half-way.
    fn add(&mut self, id: NodeId, address: String) -> Result<(), Failure> {
        let told = self.cluster.members(self.rest()).map_err(|why| no_answer(&why))?;
        if told.membership.learners.contains(&id) {
            eprintln!("{id} is a learner already");
            return Ok(());
        }
        self.change(Change { add: [(id, address)].into(), ..Change::default() })?;
        eprintln!("{id} receives the log");
        Ok(())
    }

    fn change(&mut self, change: Change) -> Result<(), Failure> {
        self.cluster.change_members(&change, self.rest()).map(drop).map_err(explain)
    }

    /// Waits until a configuration as wanted is committed, and it is not a joint one.
    fn until(&mut self, is_wanted: impl Fn(&Membership) -> bool) -> Result<MembersBody, Failure> {
        loop {
            let told = self.cluster.members(self.rest()).map_err(|why| no_answer(&why))?;
            let is_simple = matches!(told.membership.voters, Quorum::Simple(_));
            if told.is_committed && is_simple && is_wanted(&told.membership) {
                return Ok(told);
            }
            self.pause(format_args!("the change has begun, but has not finished in time"))?;
        }
    }
}

impl HowToAsk {
    fn print(&self, told: &MembersBody) -> Result<ExitCode, Failure> {
        if self.json {
            let json = serde_json::to_string(told).expect("members have a JSON");
            return written(writeln!(io::stdout(), "{json}"));
        }
        written(write!(io::stdout(), "{}", table(told)))
    }
}

/// A line for each member.
fn table(told: &MembersBody) -> String {
    let MembersBody { leader, membership, is_committed, troubles, .. } = told;
    let mut lines = String::new();
    for id in membership.members() {
        let part = match &membership.voters {
            _ if membership.learners.contains(&id) => "learns",
            Quorum::Joint { old, .. } if !old.contains(&id) => "joins",
            Quorum::Joint { new, .. } if !new.contains(&id) => "leaves",
            _ if *leader == Some(id) => "leads",
            _ => "votes",
        };
        let address = membership.addresses.get(&id).map_or("", String::as_str);
        let trouble = troubles.iter().find(|trouble| trouble.id == id);
        let trouble = trouble.map_or(String::new(), |trouble| format!("   {}", trouble.what));
        lines += shown(format!("{id:<5} {part:<7} {address}{trouble}").trim_end()).as_ref();
        lines.push('\n');
    }
    if !is_committed {
        lines += "not committed yet\n";
    }
    lines
}
