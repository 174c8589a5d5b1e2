//! The words for who is who: clusters, data folders and their starts.

use consensus::event::{Problem, What};
use consensus::{ClusterId, Found, NodeId, Refusal, Retirement};

/// A cluster has begun, or a server is not the one that it claims to be.
pub(super) fn identity_words(what: &What) -> String {
    match what {
        What::RefusedBy { by, problem } => {
            format!("{by} refuses my messages: {}", own_problem_words(*problem))
        }
        What::Founded { cluster, founders } => {
            let founders: Vec<String> = founders.iter().map(NodeId::to_string).collect();
            format!("{} saved the folder list: cluster {} begins", founders.join(" "), short(*cluster))
        }
        What::Joined { cluster } => format!("I belong to cluster {} from now on", short(*cluster)),
        What::LostEntries { follower, had, has } => {
            let has = if has.0 == 0 { "no entry".to_owned() } else { format!("only up to {has}") };
            format!("{follower} lost data: it acknowledged entry {had}, now has {has}")
        }
        What::Retired { retirement } => retirement_words(*retirement).to_owned(),
        _ => unreachable!("only what is about identities is passed here"),
    }
}

/// An id has 32 digits; eight are enough to distinguish clusters. The record has all of them.
fn short(cluster: ClusterId) -> String {
    cluster.to_string().chars().take(8).chain(['…']).collect()
}

fn retirement_words(retirement: Retirement) -> &'static str {
    match retirement {
        Retirement::LostEntries(_) => "my disk lost entries that I acknowledged: take no part",
        Retirement::OlderCopy => "my data folder is an older copy, or runs twice: take no part",
    }
}

/// Why another server does not listen to this one, in this server's words.
fn own_problem_words(problem: Problem) -> &'static str {
    match problem {
        Problem::OtherCluster => "it belongs to another cluster",
        Problem::OtherData => "its cluster knows me by another data folder",
        Problem::EarlierStart => "it has seen a later start of my data folder",
        Problem::LostEntries { .. } => "I lost entries that I acknowledged",
        Problem::OtherFounders => "its cluster was founded by others",
        other => super::problem_words(other),
    }
}

pub(super) fn found_words(found: &Found) -> String {
    let known = found.founders.iter().filter(|(_, incarnation)| incarnation.is_some()).count();
    let all = found.founders.len();
    let state = match (found.is_saved, known == all) {
        (true, _) => "I have saved the list of all data folders".to_owned(),
        (false, _) => format!("I know {known} of {all} data folders"),
    };
    let name = if found.is_reply { "Found reply" } else { "Found" };
    format!("{name}: {state}")
}

pub(super) fn refusal_words(refusal: &Refusal) -> String {
    let why = match refusal.problem {
        Problem::OtherCluster => "I belong to another cluster",
        Problem::OtherData => "my cluster knows you by another data folder",
        Problem::EarlierStart => "I have seen a later start of your data folder",
        Problem::LostEntries { .. } => "you lost entries that you acknowledged",
        Problem::OtherFounders => "my cluster was founded by others",
        other => super::problem_words(other),
    };
    format!("Refusal: {why}")
}
