//! A cluster as text: each server's log, role and term.

use simulator::{Scenario, Scene};
use trace::{Condition, ServerView};

/// How the table of logs begins if they are empty.
const NO_ENTRIES: &str = "index\n";

/// A line for each server, below the indexes of the logs. It is empty while no server has an entry or a term, and shows the logs
/// alone before there is a cluster.
pub(crate) fn picture(scenario: &mut Scenario) -> String {
    let Ok(Scene { said: logs, .. }) = scenario.command("logs") else { return String::new() };
    let states: Vec<(String, String)> = match scenario.world() {
        Some(world) => world.view().servers().map(|(id, server)| (id.to_string(), state(server))).collect(),
        None => Vec::new(),
    };
    let has_begun =
        || scenario.world().is_some_and(|world| world.view().servers().any(|(_, server)| server.term.0 > 0));
    let rows = match logs.strip_prefix(NO_ENTRIES) {
        Some(rows) if has_begun() => rows,
        Some(_) => return String::new(),
        None => &logs,
    };
    // The table marks dead servers, and so does `state`.
    let rows: Vec<&str> = rows.lines().map(|row| row.trim_end_matches("dead").trim_end()).collect();
    let width = rows.iter().map(|row| row.chars().count()).max().unwrap_or_default();
    let line = |row: &str| {
        let state = states.iter().find(|(id, _)| row.split(' ').next() == Some(id)).map(|(_, state)| state);
        let state = state.map(String::as_str).unwrap_or_default();
        format!("  {}\n", format!("{row:<width$}  {state}").trim_end())
    };
    rows.into_iter().map(line).collect()
}

/// Its role and term, and whom it voted for as long as it knows of no leader.
fn state(server: &ServerView) -> String {
    let Some(role) = server.role.filter(|_| server.condition != Condition::Dead) else {
        return "dead".to_owned();
    };
    let vote = server.voted_for.filter(|_| server.leader.is_none());
    let vote = vote.map(|id| format!(", voted for {id}")).unwrap_or_default();
    let paused = if server.condition == Condition::Paused { ", paused" } else { "" };
    format!("{role}, term {}{vote}{paused}", server.term)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures(script: &str) -> Vec<String> {
        let mut scenario = Scenario::default();
        let mut all = Vec::new();
        for command in script.lines() {
            match command {
                "look" => all.push(picture(&mut scenario)),
                _ => drop(scenario.command(command).unwrap()),
            }
        }
        all
    }

    #[test]
    fn two_leaders_are_seen() {
        let script = "cluster 3\ntimeout n1\nsettle\nrun 20ms\npartition n1\ntimeout n2\nsettle\nlook";
        let expected = "  index   1   2\n  \
                        n1      1|      leader, term 1\n  \
                        n2      1   2|  leader, term 2\n  \
                        n3      1|  2   follower, term 2\n";
        assert_eq!(pictures(script), [expected]);
    }

    #[test]
    fn votes_are_seen_while_nobody_leads() {
        let script = "cluster 4\nlook\ntimeout n1 n2\ndeliver from=n1 to=n3\nkill n4\npause n3\nlook";
        let expected = "  n1  candidate, term 1, voted for n1\n  \
                        n2  candidate, term 1, voted for n2\n  \
                        n3  follower, term 1, voted for n1, paused\n  \
                        n4  dead\n";
        assert_eq!(pictures(script), ["", expected]);
    }

    #[test]
    fn before_there_is_a_cluster_only_logs_are_seen() {
        assert_eq!(
            pictures("look\nlog n1 1 1 4\nlog n2 1\nlook"),
            ["", "  index   1   2   3\n  n1      1   1   4\n  n2      1\n"]
        );
    }
}
