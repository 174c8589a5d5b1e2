//! The words for changes of members, and for transfers of leadership.

use consensus::event::What;
use consensus::{NodeId, Profile, Quorum};
use std::collections::BTreeSet;

/// The members of the cluster, or its leader, have changed or are about to.
pub(super) fn change_words(what: &What) -> String {
    match what {
        What::Membership { index, membership } => {
            let counts = match index.0 {
                0 => "first configuration".to_owned(),
                index => format!("entry {index} counts at once"),
            };
            let voters = match &membership.voters {
                Quorum::Simple(voters) if voters.len() == 1 => format!("voter {}", list(voters)),
                Quorum::Simple(voters) => format!("voters {}", list(voters)),
                Quorum::Joint { old, new } => format!("majorities of {} and {}", list(old), list(new)),
            };
            let learners = match membership.learners.len() {
                0 => String::new(),
                1 => format!(", learner {}", list(&membership.learners)),
                _ => format!(", learners {}", list(&membership.learners)),
            };
            format!("{counts}: {voters}{learners}")
        }
        What::ChangeRefused { reason } => format!("refuse: {reason}"),
        What::Removed { index } => {
            format!("my removal (entry {index}) is committed: start no more elections")
        }
        What::CaughtUp { learner } => format!("{learner} has caught up: it may become a voter"),
        What::TransferBegun { to } => {
            format!("transfer leadership to {to}: no new commands until it leads")
        }
        What::AsksToTakeOver { to } => {
            format!("{to}'s log is complete: ask it to start an election now")
        }
        What::AskedToTakeOver { leader } => {
            format!("{leader} asks me to become leader: start an election now")
        }
        What::TransferFailed { to } => format!("{to} did not become leader in time: keep leading"),
        _ => unreachable!("only changes of members and leaders are passed here"),
    }
}

/// The number of votes, and the number needed; in a joint configuration, of the old and of the new voters.
pub(super) fn tally(votes: usize, needed: usize, of_new: &Option<(usize, usize)>, what_for: &str) -> String {
    match of_new {
        None if what_for.is_empty() => format!("{votes} of the {needed} votes I need"),
        None => format!("{votes} of the {needed} I need{what_for}"),
        Some((new, needed_new)) => {
            format!("{votes} of {needed} needed old votes, {new} of {needed_new} new ones")
        }
    }
}

/// The rules that a server follows beyond the basic algorithm.
pub(super) fn profile_words(profile: &Profile) -> String {
    let Profile { pre_vote, check_quorum, eager_election } = *profile;
    let on_off = |is_on| if is_on { "on" } else { "off" };
    format!(
        "from now on: pre-vote {}, check-quorum {}, eager election {}",
        on_off(pre_vote),
        on_off(check_quorum),
        on_off(eager_election)
    )
}

/// Servers as `n1 n2 n3`.
fn list(ids: &BTreeSet<NodeId>) -> String {
    let names: Vec<String> = ids.iter().map(NodeId::to_string).collect();
    names.join(" ")
}
