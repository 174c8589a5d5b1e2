//! `raft recover`

use clap::Args;
use command::{Failure, written};
use consensus::NodeId;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use storage::{FolderDisk, Inspection, StorageError, found_anew, inspect};
use trace::shown_lines;

/// Start a new cluster from one server, after a majority was lost for good
///
/// A last resort, for when a majority of the members will never come back. If it
/// might, wait for it or repair it: then nothing is lost. Otherwise stop all
/// servers, and choose the one whose log is most up to date: `raft log DIR` shows
/// its last entry, and the later term wins, then the higher entry.
///
/// The server becomes the only member of a new cluster with a new id. Writes that
/// only the others had are lost, even acknowledged ones. Writes that were never
/// acknowledged may take effect. The former members can't join by accident: they
/// belong to the old cluster. Add new servers with `raft node --join` and empty
/// folders, and `raft member add`.
///
///   raft recover --data n2
///   raft node --id 2 --listen 127.0.0.1:4002 --data n2
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct RecoverArguments {
    /// The data folder of the chosen server
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// The chosen server, such as n2, to confirm it without being asked
    #[arg(long, value_name = "SERVER")]
    confirm: Option<String>,
}

pub(crate) fn run(arguments: RecoverArguments) -> Result<ExitCode, Failure> {
    let folder = &arguments.data;
    let seen = inspect(folder).map_err(|error| Failure::of(error, WHICH_FOLDER))?;
    let Some(identity) = &seen.identity else {
        let message = format_args!("{} is not the data folder of a server", folder.display());
        return Err(Failure::of(message, WHICH_FOLDER));
    };
    if let Some(damage) = seen.damage.first() {
        return Err(Failure::of(damage, "use the folder of another server, if one is undamaged"));
    }
    let server = identity.node;
    eprint!("{}", shown_lines(&warning(server, &seen)));
    confirm(server, arguments.confirm.as_deref())?;
    let failure = |error: StorageError| Failure::of(&error, error.help());
    let recovered = found_anew(FolderDisk::open(folder).map_err(failure)?).map_err(failure)?;
    let told = format!(
        "{server} is now the only member of cluster {}, with entries up to {}\n\
         start it without --peer: raft node --id {} --listen HOST:PORT --data {}",
        recovered.cluster,
        recovered.last,
        server.0,
        folder.display()
    );
    written(writeln!(io::stdout(), "{}", shown_lines(&told)))
}

const WHICH_FOLDER: &str = "name the data folder of one server: the --data of its `raft node`";

fn warning(server: NodeId, seen: &Inspection) -> String {
    let reached = seen.reached();
    format!(
        "{server} has entries up to {}, and is in term {}.\n\
         - Acknowledged writes that are not among these entries are lost.\n\
         - Writes among these entries that were never acknowledged may take effect.\n\
         - The former members can't rejoin: this will be another cluster.\n\
         If the log of another server is more up to date, recover that one instead.\n",
        reached.log_end, reached.hard_state.current_term
    )
}

/// Nobody must lose data because of a key pressed too quickly.
fn confirm(server: NodeId, given: Option<&str>) -> Result<(), Failure> {
    let expected = server.to_string();
    let answer = match given {
        Some(given) => given.to_owned(),
        None if !io::stdin().is_terminal() => {
            return Err(Failure::usage(
                "you must confirm this, but standard input is not a terminal",
                format!("add --confirm {expected} if you accept what may be lost"),
            ));
        }
        None => {
            eprint!("Type {expected} to go on: ");
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).map_err(|error| Failure::of(error, ""))?;
            line.trim().to_owned()
        }
    };
    if answer == expected {
        return Ok(());
    }
    Err(Failure::of(
        format_args!("nothing was changed: \"{answer}\" is not {expected}"),
        "check that this is the folder you mean",
    ))
}
