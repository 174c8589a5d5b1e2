//! Who belongs to the cluster, and who leads it: `/members` and `/leader`.

use super::body::Sent;
use super::errors::Problem;
use super::status::ask;
use super::{PATIENCE, Service};
use api::{MembersBody, Successor};
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use consensus::{CannotChange, CannotTransfer, Change, NodeId};
use runtime::{Address, ChangeError, TransferError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::timeout;

/// A [`Change`] whose addresses and new numbers make sense. A member that came in earlier without that can still be removed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ChangeWanted {
    add: Vec<(Number, Address)>,
    promote: BTreeSet<NodeId>,
    remove: BTreeSet<NodeId>,
    relocate: Vec<(NodeId, Address)>,
}

/// The number of a server that comes.
#[derive(Debug, Deserialize)]
#[serde(try_from = "u64")]
struct Number(NodeId);

impl TryFrom<u64> for Number {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Number, &'static str> {
        if number == 0 { Err("servers are numbered from 1") } else { Ok(Number(NodeId(number))) }
    }
}

/// The configuration that counts for this server.
pub(super) async fn members(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let told = MembersBody::from(ask(&service).await?);
    service.account(told).await
}

/// Changes the members: the answer comes when the configuration is committed with which the change begins.
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    uri: Uri,
    Sent(body): Sent,
) -> Result<Response, Problem> {
    let help = r#"write {"add":[[4,"HOST:PORT"]]}, {"promote":[4]}, {"remove":[2]}, or several of them"#;
    let ChangeWanted { add, promote, remove, relocate } = parse(&body, help)?;
    let text = |address: Address| address.to_string();
    let change = Change {
        add: add.into_iter().map(|(Number(id), address)| (id, text(address))).collect(),
        relocate: relocate.into_iter().map(|(id, address)| (id, text(address))).collect(),
        promote,
        remove,
    };
    let changed = timeout(PATIENCE, service.handle.change_members(change)).await;
    changed.map_err(|_| Problem::Uncertain)?.map_err(|error| why_not_changed(error, &service, &uri))?;
    members(State(service)).await
}

/// Hands the leadership over: the answer comes when that has begun.
pub(super) async fn transfer(
    State(service): State<Arc<Service>>,
    uri: Uri,
    Sent(body): Sent,
) -> Result<Response, Problem> {
    let Successor { to } = parse(&body, r#"write {"to":3} for n3"#)?;
    let begun = timeout(PATIENCE, service.handle.transfer(to)).await;
    begun.map_err(|_| Problem::Uncertain)?.map_err(|error| why_not_transferred(error, &service, &uri))?;
    members(State(service)).await
}

fn parse<T: DeserializeOwned>(body: &[u8], help: &'static str) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::Nonsense { error: format!("the body is not as expected: {error}"), help })
}

fn why_not_changed(error: ChangeError, service: &Service, uri: &Uri) -> Problem {
    match error {
        ChangeError::Refused(CannotChange::NotLeader { leader }) => Problem::not_leader(leader, service, uri),
        ChangeError::Refused(why) => {
            let may_pass = matches!(
                why,
                CannotChange::UnderWay
                    | CannotChange::NothingCommittedInTerm
                    | CannotChange::NotCaughtUp { .. }
                    | CannotChange::TooManyLearners { .. }
            );
            refused(&why, may_pass, help_to_change(&why))
        }
        ChangeError::Replaced => Problem::Replaced,
        ChangeError::Busy => Problem::Busy,
        ChangeError::Stopped => Problem::Stopping,
        ChangeError::Uncertain => Problem::Uncertain,
    }
}

fn why_not_transferred(error: TransferError, service: &Service, uri: &Uri) -> Problem {
    match error {
        TransferError::Refused(CannotTransfer::NotLeader { leader }) => {
            Problem::not_leader(leader, service, uri)
        }
        TransferError::Refused(why) => {
            refused(&why, matches!(why, CannotTransfer::UnderWay(_)), help_to_transfer(&why))
        }
        TransferError::Busy => Problem::Busy,
        TransferError::Stopped => Problem::Stopping,
        TransferError::Uncertain => Problem::Uncertain,
    }
}

/// What `may_pass` can be tried again.
fn refused(why: &impl std::error::Error, may_pass: bool, help: &str) -> Problem {
    let status = if may_pass { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::CONFLICT };
    Problem::Refused { status, error: why.to_string(), help: help.to_owned() }
}

fn help_to_change(why: &CannotChange) -> &'static str {
    match why {
        CannotChange::NotLeader { .. } => "ask the leader",
        CannotChange::UnderWay | CannotChange::NothingCommittedInTerm => "try again in a moment",
        CannotChange::Nothing => "`raft member list` (or GET /members) shows the members",
        CannotChange::AlreadyMember(_) => "if it has lost its data, remove it first, or give it a new number",
        CannotChange::UnknownServer(_) => {
            "`raft member list` (or GET /members) shows the members; a new server is added first, as a learner"
        }
        CannotChange::AlreadyVoter(_) => "nothing needs to be done",
        CannotChange::NobodyLeft => "add another server before you remove the last one",
        CannotChange::TooManyMembers { .. } => "remove a member first; three to seven voters are best",
        CannotChange::TooManyLearners { .. } => {
            "wait until these have caught up, or remove learners that can't be reached"
        }
        CannotChange::AddressTooLong { .. } => "name the server with HOST:PORT, such as 10.0.0.4:4004",
        CannotChange::TooLarge { .. } => "remove a member first, best one with a long address",
        CannotChange::NotCaughtUp { .. } => {
            "wait until it has; if that takes long, check that it runs and can be reached"
        }
        CannotChange::NoQuorum { .. } => {
            "start the servers that are down, or remove those that will not come back, one by one"
        }
    }
}

fn help_to_transfer(why: &CannotTransfer) -> &'static str {
    match why {
        CannotTransfer::NotLeader { .. } => "ask the leader",
        CannotTransfer::UnderWay(_) => "wait until that transfer has ended",
        CannotTransfer::LeadsAlready(_) => "nothing needs to be done",
        CannotTransfer::NoVoter(_) => "promote it first, or choose a voter",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_with_an_address_or_a_number_that_can_t_be_is_refused() {
        for body in [
            r#"{"add":[[0,"h:1"]]}"#,
            r#"{"add":[[4,""]]}"#,
            r#"{"add":[[4,"http://h:1"]]}"#,
            r#"{"relocate":[[4,"::1:4001"]]}"#,
            r#"{"add":[[2,"\u001b[31mred\u001b]0;title\u0007\nn9    leads   10.0.0.9:1"]]}"#,
        ] {
            let refused = parse::<ChangeWanted>(body.as_bytes(), "help");
            let Err(Problem::Nonsense { error, .. }) = refused else { panic!("{body}: {refused:?}") };
            assert!(!error.chars().any(char::is_control), "{error}");
        }
        let wanted: ChangeWanted = parse(br#"{"add":[[4,"[::1]:4004"]],"remove":[0]}"#, "help").unwrap();
        assert_eq!(wanted.remove, [NodeId(0)].into(), "what an earlier version let in can go");
    }
}
