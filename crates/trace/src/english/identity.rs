//! What servers say of who is who: of clusters, data folders and their starts.

use consensus::event::{Problem, What};
use consensus::{Found, NodeId, Refusal, Retirement};

/// A cluster has begun, or a server is not what it says it is.
pub(super) fn identity_words(what: &What) -> String {
    match what {
        What::RefusedBy { by, problem } => format!("{by} does not hear me: {}", own_problem_words(*problem)),
        What::Founded { cluster, founders } => {
            let founders: Vec<String> = founders.iter().map(NodeId::to_string).collect();
            format!("all of {} have saved who they are: cluster {cluster} begins", founders.join(" "))
        }
        What::Joined { cluster } => format!("I belong to cluster {cluster} from now on"),
        What::LostEntries { follower, had, has } => {
            let has = if has.0 == 0 { "no entry".to_owned() } else { format!("entries only up to {has}") };
            format!(
                "{follower} acknowledged entries up to {had}, and after its restart has {has}: it has lost data"
            )
        }
        What::Retired { retirement } => format!("{}: take no part any longer", retirement_words(*retirement)),
        _ => unreachable!("only what is about identities is passed here"),
    }
}

fn retirement_words(retirement: Retirement) -> String {
    match retirement {
        Retirement::LostEntries(had) => {
            format!("my disk has lost entries up to {had} that I had acknowledged")
        }
        Retirement::OlderCopy => "my data folder is an older copy of itself, or runs twice".to_owned(),
    }
}

/// What is wrong with a server that is not heard, as it says so of itself.
fn own_problem_words(problem: Problem) -> String {
    match problem {
        Problem::OtherCluster => "it belongs to another cluster".to_owned(),
        Problem::OtherData => "its cluster knows me by another data folder".to_owned(),
        Problem::EarlierStart => "it has seen a later start of my data folder".to_owned(),
        Problem::LostEntries { had } => format!("I have lost entries up to {had} that I had acknowledged"),
        Problem::OtherFounders => "its cluster was founded by others".to_owned(),
        other => super::problem_words(other),
    }
}

pub(super) fn found_words(found: &Found) -> String {
    let known = found.founders.iter().filter(|(_, incarnation)| incarnation.is_some()).count();
    let all = found.founders.len();
    let state = match (found.is_saved, known == all) {
        (true, _) => "I have saved the list of all folders".to_owned(),
        (false, _) => format!("I know {known} of {all} folders"),
    };
    let name = if found.is_reply { "Found reply" } else { "Found" };
    format!("{name}: {state}")
}

pub(super) fn refusal_words(refusal: &Refusal) -> String {
    let why = match refusal.problem {
        Problem::OtherCluster => "I belong to another cluster".to_owned(),
        Problem::OtherData => "my cluster knows you by another data folder".to_owned(),
        Problem::EarlierStart => "I have seen a later start of your data folder".to_owned(),
        Problem::LostEntries { had } => {
            format!("you have lost entries up to {had} that you had acknowledged")
        }
        Problem::OtherFounders => "my cluster was founded by others".to_owned(),
        other => super::problem_words(other),
    };
    format!("Refusal: {why}")
}
