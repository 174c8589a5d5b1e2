//! What is wrong with a server, and with the others as it sees them: for `/readyz`, `/status` and the people who look at
//! them.

use api::{PeerTrouble, Trouble};
use consensus::event::Problem;
use consensus::{Instant, Node, NodeId, Progress, Retirement};

/// A follower that lacks more entries than this is far behind.
const FAR_BEHIND: u64 = 1000;

/// What is wrong with this server for good, or until an operator helps.
pub(crate) fn of_itself(node: &Node) -> Option<Trouble> {
    let id = node.id();
    if let Some(retirement) = node.memory().retired {
        return Some(Trouble { what: retired(id, retirement), help: replace_it(id) });
    }
    // The one that most servers agree on; there is seldom more than one.
    let (by, problem) = node.refused_by().first_key_value()?;
    let (what, help) = match problem {
        Problem::OtherData => (
            format!("{by} knows {id} with another data folder: this one is new, and the data is lost"),
            replace_it(id),
        ),
        // A server that follows a leader of its own cluster need not care what another one says of it.
        Problem::OtherCluster | Problem::OtherFounders if node.leader().is_some() => return None,
        Problem::OtherCluster => (
            format!("{by} belongs to another cluster"),
            "check the addresses in --peer and `raft member list`, and that each cluster has its own folders"
                .to_owned(),
        ),
        Problem::OtherFounders => (
            format!(
                "{by} belongs to a cluster that was founded by other servers, or with other data folders"
            ),
            format!(
                "to join that cluster, start {id} with an empty folder and --join, and add it with `raft member add`; to found \
                 a new cluster, give all servers the same --peer list and empty folders"
            ),
        ),
        _ => return None,
    };
    Some(Trouble { what, help })
}

/// What is wrong if this server contradicts what the own one knows for certain.
pub(crate) fn of_contradiction(from: NodeId) -> Trouble {
    let what = format!(
        "{from} contradicts what this server knows for certain: one of them has lost data, or they belong to different clusters"
    );
    let help = "stop the server whose disk was replaced or restored, and compare the logs with `raft log`"
        .to_owned();
    Trouble { what, help }
}

/// What a server says that must not take part any longer.
fn retired(id: NodeId, retirement: Retirement) -> String {
    match retirement {
        Retirement::LostEntries(had) => {
            format!(
                "the disk of {id} has lost entries up to {had}, which {id} had acknowledged: it no longer takes part"
            )
        }
        Retirement::OlderCopy => format!(
            "the data folder of {id} is an older copy, or a second server runs on a copy of it: {id} no longer takes part"
        ),
    }
}

/// How a server whose data is lost comes back.
fn replace_it(id: NodeId) -> String {
    format!(
        "nothing is lost if a majority still has its data: `raft member remove {0}`, start it with an empty folder and \
         --join, and `raft member add {0}=HOST:PORT`",
        id.0
    )
}

/// Why clients had better go elsewhere at the moment; `None` if this server has caught up.
pub(crate) fn why_not_ready(node: &Node, last_applied: consensus::Index) -> Option<String> {
    let id = node.id();
    if let Some(Trouble { what, .. }) = of_itself(node) {
        return Some(what);
    }
    if let Some(awaited) = node.awaited_founders() {
        let awaited: Vec<String> = awaited.iter().map(NodeId::to_string).collect();
        return Some(format!(
            "{id} waits for {}: a new cluster begins when all of its first members run",
            awaited.join(" ")
        ));
    }
    if node.leader().is_none() {
        return Some(format!("{id} knows no leader"));
    }
    let snapshot = node.snapshot();
    let applied_in =
        if snapshot.index == last_applied { Some(snapshot.term) } else { node.log().term_at(last_applied) };
    let has_caught_up = applied_in == Some(node.hard_state().current_term) && !node.awaits_snapshot();
    (!has_caught_up).then(|| format!("{id} has not caught up with the leader yet"))
}

/// What is wrong with the others, as this server knows. A leader knows most.
pub(crate) fn of_others(node: &Node, now: Instant) -> Vec<PeerTrouble> {
    let members = node.membership().members();
    let others = members.into_iter().filter(|id| *id != node.id());
    let known = others.filter_map(|id| Some(PeerTrouble { id, what: of_other(node, id, now)? }));
    known.collect()
}

fn of_other(node: &Node, id: NodeId, now: Instant) -> Option<String> {
    if let Some(problem) = node.refuses(id, now) {
        return Some(match problem {
            Problem::OtherData => "it came back with another data folder: its data is lost".to_owned(),
            Problem::EarlierStart => {
                "its data folder is an older copy, or a second server runs on a copy of it".to_owned()
            }
            Problem::LostEntries { had } => {
                format!("it has lost entries up to {had}, which it had acknowledged")
            }
            Problem::OtherCluster => "it belongs to another cluster".to_owned(),
            Problem::OtherFounders => "it is starting a new cluster with other members".to_owned(),
            _ => return None,
        });
    }
    let progress: &Progress = node.progress()?.get(&id)?;
    if let Some(had) = progress.lost() {
        return Some(format!("it has lost entries up to {had}, which it had acknowledged"));
    }
    let silent = now.since(progress.heard());
    if silent > 2 * node.config().timing.election_timeout_max() {
        return Some(format!("not heard for {:.0?}", silent));
    }
    let lacks = node.log().last().index.0.saturating_sub(progress.match_index().0);
    if progress.snapshot().is_some() || lacks > FAR_BEHIND {
        return Some(format!("far behind: {lacks} entries are missing"));
    }
    None
}
