//! Figures for Prometheus. Where one means the same as etcd's, it has etcd's name, so that the same
//! dashboards show it.

use super::errors::Problem;
use super::status;
use super::{Service, write_aside};
use api::Status;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use consensus::RoleKind;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;

const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long syncs take, in seconds: from 0.1 ms doubled to 3 s.
pub(crate) fn sync_histogram() -> Histogram {
    Histogram::new((0..16).map(|doubled| 0.0001 * f64::from(1 << doubled)))
}

pub(super) async fn metrics(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let status = status::ask(&service).await?;
    let (syncs, turned_away) = (service.syncs.clone(), service.tcp.turned_away());
    let page = write_aside(&service.accounts, move || page(&status, syncs, turned_away)).await?;
    Ok(([(CONTENT_TYPE, FORMAT)], page).into_response())
}

fn page(status: &Status, syncs: Histogram, turned_away: u64) -> String {
    let mut registry = Registry::default();
    let gauges = [
        ("etcd_server_has_leader", "1 if a leader is known", u64::from(status.leader.is_some())),
        ("etcd_server_is_leader", "1 if this server leads", u64::from(status.role == RoleKind::Leader)),
        ("etcd_server_proposals_committed_total", "The commit index", status.commit_index.0),
        ("etcd_server_proposals_applied_total", "The index of the last entry applied", status.last_applied.0),
        ("etcd_server_proposals_pending", "Requests whose outcome is not known yet", status.waiting),
        ("raft_term", "The current term", status.term.0),
        ("raft_last_log_index", "The index of the log's last entry", status.last_log.index.0),
        (
            "raft_disk_full",
            "1 if the disk has no room for the next save",
            u64::from(status.disk_full.is_some()),
        ),
        ("raft_ready", "1 if it has caught up and has no trouble", u64::from(status.not_ready.is_none())),
        (
            "raft_disk_slow",
            "1 if the disk is too slow for the election timeout",
            u64::from(status.slow_disk.is_some()),
        ),
        (
            "raft_snapshots_being_sent",
            "Snapshots in flight to followers",
            status.snapshots_being_sent.len() as u64,
        ),
        ("raft_life", "Starts of the server", status.life),
    ];
    for (name, help, value) in gauges {
        registry.register(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
    }
    let counters = [
        (
            "etcd_server_leader_changes_seen",
            "Changes of leader that this server has seen",
            status.leader_changes,
        ),
        ("etcd_server_proposals_failed", "Proposals that were replaced by another one", status.failed),
        ("raft_rejected", "Connections and messages that were rejected", status.rejected),
        (
            "raft_contradictions",
            "Messages that contradicted what is committed, or that this server leads its term",
            status.contradictions,
        ),
        ("raft_turned_away", "Of these, connections for which there was no room", turned_away),
    ];
    for (name, help, value) in counters {
        registry.register(name, help, ConstCounter::new(value));
    }
    if let Some(bytes) = written_bytes() {
        let help = "Bytes that this process has written to disk, as the system counts them";
        registry.register("process_disk_written_bytes", help, ConstCounter::new(bytes));
    }
    registry.register("etcd_disk_wal_fsync_duration_seconds", "How long syncs of the log took", syncs);
    let mut page = String::new();
    encode(&mut page, &registry).expect("a string takes all that is written");
    page
}

/// Only Linux tells.
fn written_bytes() -> Option<u64> {
    let io = std::fs::read_to_string("/proc/self/io").ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes:")?.trim().parse().ok())
}
