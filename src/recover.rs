//! `raft recover`

use crate::failure::{Failure, written};
use clap::Args;
use consensus::NodeId;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use storage::{FolderDisk, Inspection, StorageError, found_anew, inspect};
use trace::shown_lines;

/// Begin a new cluster with the data of one server, after a majority was lost for good
///
/// A last resort, for when no majority of the members will ever come back. As
/// long as one might, wait for it, or bring it back: then nothing is lost. Stop
/// all servers first. Of those that are left, choose the one whose log reaches
/// farthest (`raft log DIR` of each tells: the later term, then the higher
/// entry).
///
/// The server becomes the only member of a new cluster with a new id. Writes that
/// only the others had are lost, although they were acknowledged; and writes that
/// were never acknowledged may count now. The former members can't join by
/// accident: they belong to the old cluster. New servers come with `raft node
/// --join` on empty folders, and `raft member add`.
///
///   raft recover --data n2
///   raft node --id 2 --listen 127.0.0.1:4002 --data n2
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct RecoverArguments {
    /// The data folder of the server that is to go on
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// Say which server goes on instead of being asked, such as n2
    #[arg(long, value_name = "SERVER")]
    confirm: Option<String>,
}

pub(crate) fn run(arguments: RecoverArguments) -> Result<ExitCode, Failure> {
    let folder = &arguments.data;
    let seen = inspect(folder).map_err(|error| Failure::of(error, WHICH_FOLDER))?;
    let Some(identity) = &seen.identity else {
        let message = format_args!("{} is no server's data folder", folder.display());
        return Err(Failure::of(message, WHICH_FOLDER));
    };
    if let Some(damage) = seen.damage.first() {
        return Err(Failure::of(
            damage,
            "recover from another server's folder, if there is one that is whole",
        ));
    }
    let server = identity.node;
    eprint!("{}", shown_lines(&warning(server, &seen)));
    confirm(server, arguments.confirm.as_deref())?;
    let failure = |error: StorageError| Failure::of(&error, error.help());
    let recovered = found_anew(FolderDisk::open(folder).map_err(failure)?).map_err(failure)?;
    let told = format!(
        "{server} is the only member of cluster {} now, with entries up to {}\n\
         start it without --peer: raft node --id {} --listen HOST:PORT --data {}",
        recovered.cluster,
        recovered.last,
        server.0,
        folder.display()
    );
    written(writeln!(io::stdout(), "{}", shown_lines(&told)))
}

const WHICH_FOLDER: &str = "name the folder of one server: what `raft node` has as --data";

fn warning(server: NodeId, seen: &Inspection) -> String {
    let reached = seen.reached();
    format!(
        "{server} has entries up to {} of the log, in term {}.\n\
         - Acknowledged writes that are not among them are lost.\n\
         - Entries among them that were never acknowledged may count from now on.\n\
         - The former members can't come back: this will be another cluster.\n\
         If another server's log reaches farther, recover that one instead.\n",
        reached.log_end, reached.hard_state.current_term
    )
}

/// Nobody loses data by a key pressed too quickly.
fn confirm(server: NodeId, given: Option<&str>) -> Result<(), Failure> {
    let expected = server.to_string();
    let answer = match given {
        Some(given) => given.to_owned(),
        None if !io::stdin().is_terminal() => {
            return Err(Failure::usage(
                "nobody is here to be asked",
                format!("say with --confirm {expected} that you know what may be lost"),
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
        "check that this is the folder that you mean",
    ))
}
