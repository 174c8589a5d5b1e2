//! What servers say of the members of their cluster, and of who is to lead it.

use consensus::event::What;
use consensus::{NodeId, Profile, Quorum};
use std::collections::BTreeSet;

/// Who belongs to the cluster, or who is to lead, has changed or is about to.
pub(super) fn change_words(what: &What) -> String {
    match what {
        What::Membership { index, membership } => {
            let learners = match membership.learners.len() {
                0 => String::new(),
                1 => format!(", and {} learns", list(&membership.learners)),
                _ => format!(", and {} learn", list(&membership.learners)),
            };
            let voters = match &membership.voters {
                Quorum::Simple(voters) => {
                    format!("{} vote{}", list(voters), if voters.len() == 1 { "s" } else { "" })
                }
                Quorum::Joint { old, new } => {
                    format!("all needs a majority of {} and a majority of {}", list(old), list(new))
                }
            };
            format!("from entry {index} on, committed or not: {voters}{learners}")
        }
        What::ChangeRefused { reason } => format!("no change of the members: {reason}"),
        What::Removed { index } => {
            format!("entry {index} is committed, and I am no member any more: disturb nobody")
        }
        What::CaughtUp { learner } => format!("{learner} has caught up: it may become a voter"),
        What::TransferBegun { to } => {
            format!("hand over to {to}: no new commands until it has all that I have and leads")
        }
        What::AsksToTakeOver { to } => format!("{to} has all that I have: ask it to take over"),
        What::AskedToTakeOver { leader } => {
            format!("{leader} asks me to take over: hold an election at once")
        }
        What::TransferFailed { to } => format!("{to} has not taken over in time: go on leading"),
        _ => unreachable!("only changes of members and leaders are passed here"),
    }
}

/// In a joint configuration: how many of the new members' votes there are, and how many are needed.
pub(super) fn and_of_new(of_new: &Option<(usize, usize)>) -> String {
    of_new.map_or(String::new(), |(votes, needed)| format!(", and {votes} of {needed} of the new members"))
}

/// Which rules a server follows beyond the basic algorithm.
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

/// Servers as `n1, n2 and n3`.
fn list(ids: &BTreeSet<NodeId>) -> String {
    let names: Vec<String> = ids.iter().map(NodeId::to_string).collect();
    match names.split_last() {
        None => "nobody".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
