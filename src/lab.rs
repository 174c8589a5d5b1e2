//! `raft lab`

use crate::link::{fragment_in, is_new_cluster};
use crate::replay::end_signals;
use crate::tape::Tape;
use clap::Args;
use command::{Failure, ended_by, page_address, say};
use signal_hook::iterator::Signals;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use web::{LabSite, SiteError};

/// Open the lab: simulated clusters in your browser
///
/// The page simulates a cluster itself, with the servers' own code, and no server
/// process runs: stop time, hold a message, split a vote, go back and try
/// something else, or switch a rule of Raft off.
///
///   raft lab
///   raft lab --servers 3
///   raft lab elections/first-election
///
/// To share it with people who don't have this program, see --lab and --site in
/// `raft export --help`.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(override_usage = "raft lab [OPTIONS] [SCENARIO|LINK]\n       raft lab [OPTIONS] --servers <N>")]
pub(crate) struct LabArguments {
    /// What to begin with: a scenario, by its name or its file, or a link of the page, in quotes [default: a new
    /// cluster]
    #[arg(value_name = "SCENARIO|LINK")]
    what: Option<PathBuf>,

    /// The number of servers of the new cluster, from 1 to 15 [default: 5]
    #[arg(long, short, value_name = "N", conflicts_with = "what")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=15))]
    servers: Option<u64>,

    /// The lab's address, on this machine; port 0 means any free port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", value_parser = page_address)]
    web: SocketAddr,

    /// Open it in the browser at once
    #[arg(long)]
    open: bool,
}

/// Serves the lab until a signal ends it.
pub(crate) fn run(arguments: LabArguments) -> Result<ExitCode, Failure> {
    let link = match (&arguments.what, arguments.servers) {
        (Some(what), _) => link_to(what)?,
        (None, Some(servers)) => format!("#lab=&servers={servers}"),
        (None, None) => String::new(),
    };
    Served { what: "lab", command: "raft lab", link: &link, fragment: "" }.at(arguments.web, arguments.open)
}

/// The page of a lab, for this machine.
pub(crate) struct Served<'a> {
    /// What it is called, and the command that serves it.
    pub(crate) what: &'a str,
    pub(crate) command: &'a str,
    /// What the lab begins with.
    pub(crate) link: &'a str,
    /// The place of the page that is shown, from `#` on.
    pub(crate) fragment: &'a str,
}

impl Served<'_> {
    /// Serves it at this address until a signal ends it. A browser is opened if `opens`.
    pub(crate) fn at(&self, address: SocketAddr, opens: bool) -> Result<ExitCode, Failure> {
        let signals = end_signals()?;
        let site = LabSite::open(address, self.link).map_err(|error| self.failure(&error))?;
        self.until_the_end(&site, signals, opens)
    }

    /// The same at this port, or at any free one if it is taken. Then `otherwise` says what follows from that.
    pub(crate) fn at_usual_port(&self, port: u16, otherwise: &str, opens: bool) -> Result<ExitCode, Failure> {
        let signals = end_signals()?;
        let at = |port| LabSite::open(([127, 0, 0, 1], port).into(), self.link);
        let site = at(port).or_else(|error| match error {
            SiteError::Listen { .. } => {
                say(otherwise);
                at(0)
            }
            _ => Err(error),
        });
        self.until_the_end(&site.map_err(|error| self.failure(&error))?, signals, opens)
    }

    fn failure(&self, error: &SiteError) -> Failure {
        let Served { what, command, .. } = self;
        match error {
            SiteError::Wide(address) => Failure::usage(
                format_args!("can't serve the {what} at {address}: `{command}` is for this machine only"),
                "for others, `raft export --site DIR` writes a folder that any web server can serve",
            ),
            _ => Failure::of(error, error.help()),
        }
    }

    fn until_the_end(&self, site: &LabSite, mut signals: Signals, opens: bool) -> Result<ExitCode, Failure> {
        let url = format!("{}{}", site.url(), self.fragment);
        say(format_args!("The {} is at {url}", self.what));
        say("Ctrl+C ends it.");
        if opens {
            say(terminal::open_page(&url).unwrap_or_else(|failure| failure));
        }
        Ok(signals.forever().next().map_or(ExitCode::SUCCESS, ended_by))
    }
}

/// The link with which a lab begins, the part of an address from `#` on: to a scenario, by its name or its file, or
/// where another link leads.
///
/// # Errors
/// If it leads nowhere: then the lab could only say so.
pub(crate) fn link_to(what: &Path) -> Result<String, Failure> {
    let fragment = what.to_str().and_then(fragment_in);
    if let Some(fragment) = fragment.filter(|fragment| is_new_cluster(fragment)) {
        return Ok(fragment.to_owned());
    }
    let tape = Tape::open_script(what)?;
    tape.begin()?;
    fragment.map_or_else(|| tape.fragment(), |fragment| Ok(fragment.to_owned()))
}
