//! Where logs come from: what the search says about small clusters, against all that can happen in them.

use consensus::{Index, Log, Term};
use simulator::claim::{self, Verdict};
use simulator::origin::{Answer, Search, parse_log};
use simulator::{Scenario, SearchOptions, draw};
use std::collections::HashSet;

const SERVERS: usize = 3;

/// Raft as small as possible, with each message, and nothing of the simulator: what the search is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Cluster {
    servers: [Server; SERVERS],
    /// For each term, the longest log of its leader: that can be sent at any time after, in parts.
    sent: Vec<Vec<u64>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Server {
    term: u64,
    voted_for: Option<usize>,
    role: Role,
    log: Vec<u64>,
    /// The servers that have voted for it in its term.
    votes: [bool; SERVERS],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Role {
    #[default]
    Follower,
    Candidate,
    Leader,
}

impl Server {
    fn enter(&mut self, term: u64) {
        if term > self.term {
            *self = Server { term, log: std::mem::take(&mut self.log), ..Server::default() };
        }
    }

    fn end(&self) -> (Option<&u64>, usize) {
        (self.log.last(), self.log.len())
    }
}

impl Cluster {
    /// All that can happen next.
    fn next(&self, latest_term: u64, longest: usize) -> Vec<Cluster> {
        let mut all = Vec::new();
        for place in 0..SERVERS {
            let server = &self.servers[place];
            if server.term < latest_term {
                let mut next = self.clone();
                let candidate = &mut next.servers[place];
                candidate.enter(server.term + 1);
                (candidate.role, candidate.voted_for, candidate.votes[place]) =
                    (Role::Candidate, Some(place), true);
                all.push(next);
            }
            if server.role == Role::Candidate {
                let others = (0..SERVERS).filter(|voter| *voter != place);
                all.extend(others.filter_map(|voter| self.after_request(place, voter)));
            }
            let wins = server.role == Role::Candidate
                && server.votes.iter().filter(|vote| **vote).count() > SERVERS / 2;
            if (wins || server.role == Role::Leader) && server.log.len() < longest {
                let mut next = self.clone();
                let leader = &mut next.servers[place];
                (leader.role, leader.votes) = (Role::Leader, Default::default());
                leader.log.push(leader.term);
                next.sent[leader.term as usize] = leader.log.clone();
                all.push(next);
            }
            for term in server.term.max(1)..=latest_term {
                if term > server.term || server.role != Role::Leader {
                    all.extend(self.after_entries(place, term));
                }
            }
        }
        all
    }

    /// A candidate's request reaches a server, and its reply the candidate.
    fn after_request(&self, candidate: usize, voter: usize) -> Option<Cluster> {
        let term = self.servers[candidate].term;
        let mut next = self.clone();
        let [candidate_now, voter_now] = next.servers.get_disjoint_mut([candidate, voter]).ok()?;
        if voter_now.term > term {
            return None;
        }
        voter_now.enter(term);
        if voter_now.voted_for.is_none_or(|vote| vote == candidate) && candidate_now.end() >= voter_now.end()
        {
            voter_now.voted_for = Some(candidate);
            candidate_now.votes[voter] = true;
        }
        Some(next)
    }

    /// A message of this term's leader reaches a server: any part of the leader's log (Figure 2, AppendEntries).
    fn after_entries(&self, place: usize, term: u64) -> Vec<Cluster> {
        let sent = &self.sent[term as usize];
        let parts = (0..=sent.len()).flat_map(|prev| (prev..=sent.len()).map(move |end| (prev, end)));
        let receive = |(prev, end): (usize, usize)| {
            let mut next = self.clone();
            let server = &mut next.servers[place];
            server.enter(term);
            (server.role, server.votes) = (Role::Follower, Default::default());
            if prev == 0 || server.log.get(prev - 1) == Some(&sent[prev - 1]) {
                for (index, entry) in (prev..).zip(&sent[prev..end]) {
                    if server.log.get(index) != Some(entry) {
                        server.log.truncate(index);
                        server.log.push(*entry);
                    }
                }
            }
            next
        };
        if sent.is_empty() { Vec::new() } else { parts.map(receive).collect() }
    }
}

/// All that can become of servers with these logs, which have voted for nobody, until this term.
fn all_that_can_come(logs: [Vec<u64>; SERVERS], latest_term: u64, longest: usize) -> HashSet<Cluster> {
    let term = logs.iter().flatten().max().copied().unwrap_or_default();
    let servers = logs.map(|log| Server { term, log, ..Server::default() });
    let start = Cluster { servers, sent: vec![Vec::new(); latest_term as usize + 1] };
    let mut seen = HashSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some(cluster) = open.pop() {
        for next in cluster.next(latest_term, longest) {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    seen
}

/// The logs that three servers can have, in any order of the servers, if none is longer and no term later.
fn reachable(latest_term: u64, longest: usize) -> HashSet<[Vec<u64>; SERVERS]> {
    let sorted = |cluster: Cluster| {
        let mut logs = cluster.servers.map(|server| server.log);
        logs.sort();
        logs
    };
    all_that_can_come(Default::default(), latest_term, longest).into_iter().map(sorted).collect()
}

/// All logs up to this length with terms that do not fall.
fn all_logs(latest_term: u64, longest: usize) -> Vec<Vec<u64>> {
    let mut logs = vec![Vec::new()];
    let mut place = 0;
    while place < logs.len() {
        let log: Vec<u64> = logs[place].clone();
        if log.len() < longest {
            let first = log.last().copied().unwrap_or(1);
            logs.extend((first..=latest_term).map(|term| [log.as_slice(), &[term]].concat()));
        }
        place += 1;
    }
    logs.sort();
    logs
}

fn terms(logs: &[Vec<u64>]) -> Vec<Vec<Term>> {
    logs.iter().map(|log| log.iter().map(|term| Term(*term)).collect()).collect()
}

fn origin(logs: &[Vec<u64>], servers: u64) -> Answer {
    match Search::new(&terms(logs), servers) {
        Ok(search) => search.finish(),
        Err(why) => Answer::Impossible(why),
    }
}

/// Plays the run as a scenario, and looks at the logs to which it leads.
#[track_caller]
fn assert_leads_to(run: &simulator::Run, logs: &[Vec<u64>]) {
    let mut script = run.to_scenario("A run\n\nIt leads to some logs.");
    for (id, log) in (1..).zip(logs) {
        let terms: String = log.iter().map(|term| format!(" {term}")).collect();
        script += &format!("expect log n{id}{terms}\n");
    }
    script += "expect no-violation\n---\n";
    if let Err(error) = Scenario::film(&script) {
        panic!("{logs:?}: {error}\n{script}");
    }
}

/// Tried once with terms up to 3 and logs up to 3 entries (longer ones on the way do not help), and with terms up to 4 and 3
/// entries: the same.
#[test]
fn what_the_search_says_is_so_in_all_small_clusters() {
    let (latest_term, longest) = (4, 2);
    let reachable = reachable(latest_term, longest);
    let logs = all_logs(latest_term, longest);
    let (mut possible, mut not_at_once) = (0, 0);
    for one in &logs {
        for two in logs.iter().filter(|two| *two >= one) {
            for three in logs.iter().filter(|three| *three >= two) {
                let asked = [one.clone(), two.clone(), three.clone()];
                let can_be = reachable.contains(&asked);
                match origin(&asked, SERVERS as u64) {
                    Answer::Run(run) => {
                        assert!(can_be, "{asked:?}");
                        assert_leads_to(&run, &asked);
                        possible += 1;
                    }
                    Answer::Impossible(why) => {
                        assert!(!can_be, "{asked:?}: {why}");
                        not_at_once += usize::from(why.contains("All orders of elections"));
                    }
                    Answer::Undecided(bound) => panic!("{asked:?}: {bound}"),
                }
            }
        }
    }
    assert_eq!(possible, reachable.len());
    assert!(possible > 100 && not_at_once > 0, "{possible} {not_at_once}");
}

/// A run that leads to the logs, written as texts.
#[track_caller]
fn run_to(logs: &[&str], servers: u64) -> simulator::Run {
    let logs: Vec<Vec<Term>> = logs.iter().map(|log| parse_log(log).unwrap()).collect();
    let answer = Search::new(&logs, servers).unwrap().finish();
    let Answer::Run(run) = answer else { panic!("{answer:?}") };
    let logs: Vec<Vec<u64>> = logs.iter().map(|log| log.iter().map(|term| term.0).collect()).collect();
    assert_leads_to(&run, &logs);
    *run
}

fn why_not(logs: &[&str], servers: u64) -> String {
    let parsed: Result<Vec<Vec<Term>>, String> = logs.iter().map(|log| parse_log(log)).collect();
    let search = parsed.and_then(|logs| Search::new(&logs, servers));
    match search.map(Search::finish) {
        Err(why) | Ok(Answer::Impossible(why)) => why,
        Ok(other) => panic!("{logs:?}: {other:?}"),
    }
}

#[test]
fn the_logs_of_the_papers_figures_have_an_origin() {
    let figure_7 = [
        "1 1 1 4 4 5 5 6 6 6",
        "1 1 1 4 4 5 5 6 6",
        "1 1 1 4",
        "1 1 1 4 4 5 5 6 6 6 6",
        "1 1 1 4 4 5 5 6 6 6 7 7",
        "1 1 1 4 4 4 4",
        "1 1 1 2 2 2 3 3 3 3 3",
    ];
    let run = run_to(&figure_7, 7);
    assert_eq!(run.story().count(), 7);
    let figure_8 = ["1 2 4", "1 2", "1 2", "1", "1 3"];
    assert_eq!(run_to(&figure_8, 5).story().count(), 4);
}

#[test]
fn a_leader_of_which_nothing_is_left_can_have_brought_entries() {
    // n1 to n3 must have been empty when n4 was elected in term 2, and got entry 1 later.
    let run = run_to(&["1", "1", "1", "2 4", "2"], 5);
    let gone: Vec<&str> =
        run.story().filter(|part| part.contains("No entry of term 3 will be left.")).collect();
    assert_eq!(gone.len(), 1, "{:?}", run.story().collect::<Vec<_>>());
}

#[test]
fn of_a_server_of_which_nothing_is_said_the_log_may_be_any() {
    assert!(why_not(&["1 1", "2"], 2).contains("no server can have been elected in term 2"));
    run_to(&["1 1", "2"], 3);
    run_to(&[""], 1);
    run_to(&["1 1 1"], 1);
}

#[test]
fn why_there_is_no_run_is_said() {
    assert!(why_not(&["1 2 1"], 3).contains("terms never fall along a log, but they do in that of n1"));
    assert!(why_not(&["1 1", "1 _ 1"], 3).contains("no holes, but entry 2 of \"1 _ 1\" is missing"));
    assert!(why_not(&["one"], 3).contains("\"one\" is no term: write a log as in '1 1 3'"));
    assert!(why_not(&["0 1"], 3).contains("the first term is 1"));
    assert!(why_not(&["1 1 1 4", "1 1 2 4", ""], 3).contains("(log matching)"));
    assert!(why_not(&["1 1 1 4", "1 4", ""], 3).contains("a term has one leader"));
    assert!(why_not(&["1 1", "1 1", "2"], 3).contains("the logs of n1, n2 were more up to date"));
    assert!(why_not(&["1 1", "2 4", "3"], 3).contains("All orders of elections and messages were tried"));
    assert!(why_not(&["1 31"], 3).contains("the latest term that is tried here is 30"));
    assert!(why_not(&[], 0).contains("give 1 to 9 logs"));
    assert!(why_not(&["1"; 10], 10).contains("give 1 to 9 logs"));
    let long = "1 ".repeat(31);
    assert!(why_not(&[&long], 3).contains("at most 30 entries"));
}

#[test]
fn a_search_in_slices_comes_to_the_same() {
    let logs = ["1 2 4", "1 2", "1 2", "1", "1 3"].map(|log| parse_log(log).unwrap());
    let mut sliced = Search::new(&logs, 5).unwrap();
    while sliced.answer().is_none() {
        sliced.advance(1);
    }
    let whole = Search::new(&logs, 5).unwrap().finish();
    let (Some(Answer::Run(sliced)), Answer::Run(whole)) = (sliced.answer(), whole) else {
        panic!("there is a run")
    };
    assert_eq!(*sliced, whole);
}

/// Each claim about each entry of all small clusters: it is refuted if, and only if, some run of the small model has a later
/// leader without the entry.
#[test]
fn claims_are_refuted_if_they_can_be() {
    let (mut refuted, mut safe) = (0, 0);
    for logs in reachable(3, 2) {
        let last = logs.iter().flatten().max().copied().unwrap_or_default();
        // Two elections where there are few terms so far: all that can come of three is too much for a test.
        let elections = if last < 3 { 2 } else { 1 };
        let after = all_that_can_come(logs.clone(), last + elections, 4);
        for index in 1..=2 {
            let claim = match claim::examine(&terms(&logs), Index(index), None) {
                Ok(claim) => claim,
                Err(why) => {
                    assert_eq!(why, format!("no log has an entry {index}"));
                    continue;
                }
            };
            let lacks = |log: &Vec<u64>| log.get(index as usize - 1) != Some(&claim.entry.term.0);
            let leads = |server: &Server| server.role == Role::Leader && lacks(&server.log);
            let is_lost = after.iter().any(|cluster| cluster.servers.iter().any(leads));
            match &claim.verdict {
                Verdict::Refuted(why, run) => {
                    assert!(is_lost, "{logs:?}: entry {index}: {why}");
                    assert!(Scenario::film(&run.to_scenario("A run\n\nIt refutes a claim.")).is_ok());
                    refuted += 1;
                }
                Verdict::Safe(why) => {
                    assert!(!is_lost, "{logs:?}: entry {index}: {why}");
                    safe += 1;
                }
                Verdict::NotRefuted(bound) => panic!("{logs:?}: entry {index} is left open: {bound}"),
            }
        }
    }
    assert!(refuted > 50 && safe > 50, "{refuted} {safe}");
}

#[test]
fn a_claim_about_figure_8_is_refuted_by_a_run() {
    let logs: Vec<Vec<Term>> = ["1 2 4", "1 2", "1 2", "1", "1 3"].map(|log| parse_log(log).unwrap()).into();
    let claim = claim::examine(&logs, Index(2), None).unwrap();
    assert_eq!(claim.entry.term, Term(2));
    let Verdict::Refuted(why, run) = claim.verdict else { panic!("{claim:?}") };
    assert!(
        why.contains("n5 can be elected for term 5 with the votes of n2, n3 and n4, and its log is 1 3"),
        "{why}"
    );
    assert_eq!(run.story().count(), 1);
    let table: Vec<&str> = run.logs().lines().skip(1).collect();
    assert!(table[..3].iter().all(|row| row.contains("1   3")), "{}", run.logs());

    let claim = claim::examine(&logs, Index(1), None).unwrap();
    let Verdict::Safe(why) = claim.verdict else { panic!("{claim:?}") };
    assert!(why.contains("n1, n2, n3, n4 and n5 have it"), "{why}");
    // With an entry of term 4 on a majority, entry 2 is safe, too.
    let logs: Vec<Vec<Term>> =
        ["1 2 4", "1 2 4", "1 2 4", "1", "1 3"].map(|log| parse_log(log).unwrap()).into();
    let Verdict::Safe(why) = claim::examine(&logs, Index(2), None).unwrap().verdict else {
        panic!("it is safe")
    };
    assert!(why.contains("n1, n2 and n3 have entry 3 of term 4, which is after it"), "{why}");
}

#[test]
fn claims_about_nothing_are_refused() {
    let refused = |logs: &[&str], index| {
        let logs: Vec<Vec<Term>> = logs.iter().map(|log| parse_log(log).unwrap()).collect();
        claim::examine(&logs, Index(index), None).unwrap_err()
    };
    assert_eq!(refused(&["1", "1", ""], 2), "no log has an entry 2");
    assert_eq!(refused(&["1", "1", ""], 0), "no log has an entry 0");
    assert_eq!(refused(&["1", "1", ""], u64::MAX), format!("no log has an entry {}", u64::MAX));
    assert!(refused(&["1 3", "2 3", ""], 1).contains("(log matching)"));
    assert!(refused(&[], 1).contains("give 1 to 9 logs"));
}

#[test]
fn what_terms_of_raft_leave_has_an_origin() {
    let mut looked_at = 0;
    for seed in 0..2_000 {
        let world = draw(seed, &SearchOptions::default()).options;
        if world.logs.is_empty() {
            continue;
        }
        let terms = |log: &Log| log.entries().map(|(_, entry)| entry.term).collect();
        let logs: Vec<Vec<Term>> = world.logs.values().map(terms).collect();
        let answer = Search::new(&logs, world.servers).map(Search::finish);
        assert!(matches!(answer, Ok(Answer::Run(_))), "seed {seed}: {logs:?}: {answer:?}");
        looked_at += 1;
    }
    assert!(looked_at > 200, "{looked_at}");
}
