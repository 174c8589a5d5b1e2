//! `raft status`

use crate::servers::running;
use api::Status;
use clap::Args;
use client::{Node, NotDone};
use command::{Failure, host_and_port, written};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use trace::shown;

/// A server that takes longer than this to answer is given up.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Show the servers of a running cluster
///
/// Without addresses it asks the servers that `raft up` runs on this machine.
///
/// More than a few rejected connections and messages mean that clusters were
/// mixed, or that a server has lost data.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct StatusArguments {
    /// The servers to ask
    #[arg(value_name = "HOST:PORT")]
    #[arg(value_parser = host_and_port)]
    addresses: Vec<String>,

    /// Ask the cluster that `raft up --data DIR` runs on this folder
    #[arg(long, value_name = "DIR", conflicts_with = "addresses")]
    data: Option<PathBuf>,

    /// Print one JSON object per server, each on a line, for programs
    #[arg(long)]
    json: bool,
}

/// A server's address and its answer.
type Answer = (String, Result<Status, NotDone>);

pub(crate) fn run(arguments: StatusArguments) -> Result<ExitCode, Failure> {
    let addresses = arguments.addresses()?;
    let answers = ask_all(addresses);
    let text: String = if arguments.json { answers.iter().map(as_json).collect() } else { table(&answers) };
    written(io::stdout().write_all(text.as_bytes()))?;
    if answers.iter().all(|(_, answer)| answer.is_err()) {
        return Err(Failure::of(
            "no server responds",
            "start a cluster with `raft up`, or check the addresses",
        ));
    }
    Ok(ExitCode::SUCCESS)
}

impl StatusArguments {
    fn addresses(&self) -> Result<Vec<String>, Failure> {
        if !self.addresses.is_empty() {
            return Ok(self.addresses.clone());
        }
        let running = running(self.data.as_deref())?;
        Ok(running.into_iter().flat_map(|cluster| cluster.whereabouts.addresses.into_values()).collect())
    }
}

fn ask_all(addresses: Vec<String>) -> Vec<Answer> {
    let asking: Vec<_> = addresses
        .into_iter()
        .map(|address| {
            std::thread::spawn(|| {
                let answer = Node::new(&address).status(TIMEOUT);
                (address, answer)
            })
        })
        .collect();
    asking.into_iter().map(|thread| thread.join().expect("asking does not panic")).collect()
}

fn table(answers: &[Answer]) -> String {
    let mut text = format!(
        "{:<7} {:<21} {:<10} {:>5}  {:<10} {:<7} {:>6} {:>9}\n",
        "server", "address", "role", "term", "voted for", "leader", "starts", "rejected"
    );
    for (address, answer) in answers {
        let address = shown(address);
        let _ = match answer {
            Ok(status) => writeln!(
                text,
                "{:<7} {address:<21} {:<10} {:>5}  {:<10} {:<7} {:>6} {:>9}",
                status.node.to_string(),
                status.role,
                status.term,
                or_dash(status.voted_for),
                or_dash(status.leader),
                status.life,
                status.rejected,
            ),
            Err(error) => writeln!(text, "{:<7} {address:<21} {}", "?", shown(&error.to_string())),
        };
        if let Ok(status) = answer {
            text += &troubles(status);
        }
    }
    text += "\nstarts: how often the server has started · rejected: connections and messages that it has rejected\n";
    let statuses = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok());
    for (node, slow) in statuses.filter_map(|status| Some((status.node, status.slow_disk?))) {
        let _ = write!(text, "warning: {node}: {slow}\nhelp: {}\n", slow.help());
    }
    text
}

/// What is wrong with a server, and with others according to it.
fn troubles(status: &Status) -> String {
    let mut text = String::new();
    match (&status.trouble, &status.not_ready) {
        (Some(trouble), _) => {
            let _ = writeln!(text, "        ! {}", shown(&trouble.what));
            let _ = writeln!(text, "          help: {}", shown(&trouble.help));
        }
        (None, Some(why)) => drop(writeln!(text, "        not ready: {}", shown(why))),
        (None, None) => {}
    }
    for peer in &status.peers {
        let _ = writeln!(text, "        {} reports about {}: {}", status.node, peer.id, shown(&peer.what));
    }
    text
}

fn or_dash(id: Option<consensus::NodeId>) -> String {
    id.map_or("-".to_owned(), |id| id.to_string())
}

fn as_json((address, answer): &Answer) -> String {
    let object = match answer {
        Ok(status) => serde_json::json!({"address": address, "status": status}),
        Err(error) => serde_json::json!({"address": address, "error": error.to_string()}),
    };
    format!("{object}\n")
}
