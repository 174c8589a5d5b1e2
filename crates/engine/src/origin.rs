//! Where logs come from, and whether an entry in them can be lost.

use crate::response::{ClaimTold, OriginTold, Refused, RunTold};
use consensus::{Index, Term};
use simulator::claim::{self, Claim, Verdict};
use simulator::origin::{Answer, Search, parse_log};

/// The search for the origin of logs.
#[derive(Debug)]
pub(crate) struct Origin {
    logs: Vec<String>,
    servers: u64,
    search: Search,
}

impl Origin {
    pub(crate) fn new(logs: Vec<String>, servers: Option<u64>) -> Result<Origin, Refused> {
        let servers = servers.unwrap_or(logs.len() as u64);
        let search = Search::new(&terms(&logs)?, servers).map_err(Refused::new)?;
        Ok(Origin { logs, servers, search })
    }

    /// Is it about these logs?
    pub(crate) fn is_about(&self, logs: &[String], servers: Option<u64>) -> bool {
        self.logs == logs && self.servers == servers.unwrap_or(logs.len() as u64)
    }

    pub(crate) fn advance(&mut self, moments: u64) -> OriginTold {
        self.search.advance(usize::try_from(moments).unwrap_or(usize::MAX));
        match self.search.answer() {
            None => OriginTold::Open,
            Some(Answer::Run(run)) => OriginTold::Run(RunTold::of(run, simulator::origin::PROSE)),
            Some(Answer::Impossible(why)) => OriginTold::Impossible { why: why.clone() },
            Some(Answer::Undecided(bound)) => OriginTold::Undecided { bound: bound.clone() },
        }
    }
}

/// Can the entry at this index be lost?
pub(crate) fn examine(logs: &[String], index: Index, term: Option<Term>) -> Result<ClaimTold, Refused> {
    let claim = claim::examine(&terms(logs)?, index, term).map_err(Refused::new)?;
    let title = claim.title();
    let Claim { entry, holders, verdict } = claim;
    let (why, can_be_lost, run) = match verdict {
        Verdict::Refuted(why, run) => {
            let run = RunTold::of(&run, &format!("{title}\n\n{why}"));
            (why, Some(true), Some(run))
        }
        Verdict::Safe(why) => (why, Some(false), None),
        Verdict::NotRefuted(bound) => (bound, None, None),
    };
    Ok(ClaimTold { term: entry.term, holders, why, can_be_lost, run })
}

fn terms(logs: &[String]) -> Result<Vec<Vec<Term>>, Refused> {
    logs.iter().map(|log| parse_log(log)).collect::<Result<_, _>>().map_err(Refused::new)
}
