//! What a learner tries first, as it is seen in the records. crates/web/page/src/trace/first-steps.ts sees
//! the same.

use crate::record::{Event, Io, Laboratory, Record, Wish};
use crate::view::{ClusterView, ServerView};
use consensus::event::What;
use consensus::{NodeId, RoleKind};

/// One of the three things to try first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstStep {
    /// A leader was killed.
    KillTheLeader,
    /// Two servers voted for themselves in one term, since their election timers were made to run out.
    SplitTheVote,
    /// A client wrote to a leader that could not reach a majority.
    WriteWithoutMajority,
}

impl FirstStep {
    /// All of them, in the order in which they are best tried.
    pub const ALL: [FirstStep; 3] =
        [FirstStep::KillTheLeader, FirstStep::SplitTheVote, FirstStep::WriteWithoutMajority];

    /// What has been done with this record, if anything. The view is of the cluster before it.
    pub fn of(before: &ClusterView, record: &Record) -> Option<FirstStep> {
        let is_done = |step: &FirstStep| match step {
            FirstStep::KillTheLeader => {
                matches!(record.event, Event::Laboratory(Laboratory::Died { .. }))
                    && before.server(record.node).is_some_and(leads)
            }
            FirstStep::SplitTheVote => {
                matches!(record.decision(), Some(What::Role { role: RoleKind::Candidate, .. }))
                    && before.server(record.node).is_some_and(is_made_to_run)
                    && before.servers().any(|(id, server)| id != record.node && runs_too(id, server, record))
            }
            FirstStep::WriteWithoutMajority => {
                matches!(record.event, Event::Io(Io::Asked { wish: Wish::Write, .. }))
                    && before
                        .server(record.node)
                        .is_some_and(|server| leads_alone(before, record.node, server))
            }
        };
        FirstStep::ALL.into_iter().find(is_done)
    }
}

fn is_made_to_run(candidate: &ServerView) -> bool {
    candidate.timer.as_ref().is_some_and(|timer| timer.timeout_us == 0)
}

fn runs_too(id: NodeId, server: &ServerView, candidate: &Record) -> bool {
    server.term == candidate.term && server.voted_for == Some(id)
}

fn leads_alone(view: &ClusterView, id: NodeId, server: &ServerView) -> bool {
    let reached = view.servers().count() - view.cut_from(id).len();
    leads(server) && reached < view.majority()
}

/// In its own eyes: another one may lead a newer term.
fn leads(server: &ServerView) -> bool {
    server.is_running() && server.role == Some(RoleKind::Leader)
}
