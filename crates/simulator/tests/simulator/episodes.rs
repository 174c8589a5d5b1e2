//! The headlines of scenarios.

use simulator::Scenario;
use std::fs;
use std::path::Path;
use trace::Episodes;

/// The headlines of a scenario, by its path.
fn headlines(path: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../scenarios/{path}.txt"));
    headlines_of(&fs::read_to_string(file).unwrap())
}

fn headlines_of(script: &str) -> Vec<String> {
    let film = Scenario::film(script).unwrap();
    let mut episodes = Episodes::default();
    for record in film.scenes.iter().flat_map(|scene| &scene.records) {
        episodes.observe(record);
    }
    episodes.all().iter().map(ToString::to_string).collect()
}

#[test]
fn an_election_is_one_headline() {
    assert_eq!(
        headlines("elections/first-election"),
        ["After 175 ms without a leader n3 asked n1 and n2, got 2 of 3 votes and leads term 1."]
    );
}

#[test]
fn what_was_done_and_what_came_of_it_is_one_headline() {
    let told = headlines("replication/figure-8");
    assert_eq!(
        told[1],
        "n1 lost power. n5 was made to time out. n5 asked n1, n2, n3 and n4, got 3 of 5 votes and leads term 5."
    );
}

#[test]
fn elections_that_nobody_wins_are_told_with_the_one_that_ends_them() {
    assert_eq!(
        headlines("elections/split-vote-and-its-end"),
        [
            "n1 was made to time out. n1, n2 and n3 asked for votes in term 1; nobody won. After 249 ms without a winner n1 asked \
          n2 and n3, got 2 of 3 votes and leads term 2."
        ]
    );
    let endless = headlines("elections/split-votes-without-end");
    assert!(endless[0].starts_with("Nobody won the elections of terms 1 to 66."), "{endless:?}");
}

#[test]
fn a_leader_steps_down_before_it_wins_again_and_is_not_said_to_do_so_afterwards() {
    let cluster = "cluster 3 election-timeout=150ms..300ms latency=10ms..20ms";
    let timed_out = headlines_of(&format!("{cluster} seed=7\nrun 400ms\ntimeout n1 n2 n3\n---\n"));
    assert!(
        timed_out[0].ends_with("n1 asked n2 and n3, got 2 of 3 votes and leads term 1."),
        "{timed_out:?}"
    );
    assert!(timed_out[1].starts_with("n1 was made to time out. n1 asked n2 and n3: term 2"), "{timed_out:?}");
    let deposed = headlines_of(&format!(
        "{cluster} seed=5\nrun 400ms\npartition n3\nput c1 x 1\nrun 100ms\nheal\ntimeout n3\nrun 900ms\n---\n"
    ));
    let last = deposed.last().unwrap();
    assert!(last.ends_with("n2 asked n1 and n3, got 2 of 3 votes and leads term 3."), "{last}");
}

#[test]
fn an_old_leader_steps_down_in_the_headline_of_the_new_one() {
    let told = headlines("elections/one-way-partition");
    assert_eq!(
        told.last().unwrap(),
        "No messages get through from n1 to n3. After 210 ms without a heartbeat n3 asked n1 and n2, got 2 of 3 votes and leads \
         term 2. n1 learns of term 2 and steps down."
    );
}

#[test]
fn an_old_leader_that_learns_of_it_late_steps_down_in_a_headline_of_its_own() {
    let told = headlines_of(
        "cluster 3\ntimeout n1\nrun 100ms\npartition n2 n3\ntimeout n2\nrun 10s\nheal\nrun 100ms\n---\n",
    );
    assert_eq!(told.last().unwrap(), "n1 learns of term 2 and steps down.");
    assert!(told.iter().any(|line| line.ends_with(" and leads term 2.")), "{told:?}");
}

#[test]
fn who_lost_an_election_is_named_after_who_won_it() {
    let told = headlines_of("cluster 3\ntimeout n2\ntimeout n1\ndeliver from=n1 to=n3\nrun 100ms\n---\n");
    assert_eq!(
        told[0],
        "n2 was made to time out. n1 asked n2 and n3, got 2 of 3 votes and leads term 1. n2 asked too, and lost."
    );
}

#[test]
fn a_second_winner_is_not_said_to_have_lost() {
    let told = headlines_of("cluster 3 without=one-vote-per-term\ntimeout n1\ntimeout n2\nrun 100ms\n---\n");
    assert_eq!(
        told[0],
        "n1 was made to time out. n1 asked n2 and n3, got 2 of 3 votes and leads term 1. \
         n2 asked n1 and n3, got 2 of 3 votes and leads term 1, too."
    );
    assert!(told.iter().any(|line| line.starts_with("VIOLATED: election safety")), "{told:?}");
}

#[test]
fn what_a_leader_does_for_clients_is_one_headline() {
    let told = headlines("clients/a-retry-is-executed-once");
    assert!(told[1].starts_with("A client asked n1 to put x = 1 "), "{told:?}");
    assert!(told[1].ends_with(" n1 committed entry 2. No response yet."), "{told:?}");
    assert!(told.last().unwrap().ends_with("The response: x is 2."), "{told:?}");
}

#[test]
fn a_broken_promise_is_a_headline_of_its_own() {
    let told = headlines("without/one-vote-per-term");
    let violation = "VIOLATED: one vote per term (§5.2): n2 voted in term 1 for n2 and for n1.";
    assert_eq!(told.last().unwrap(), violation);
}

#[test]
fn a_change_of_members_says_who_decides_from_then_on() {
    let told = headlines("membership/a-server-is-removed");
    assert!(
        told.iter().any(|line| line.ends_with(": from now on a majority of n1 and n2 decides.")),
        "{told:?}"
    );
    let joint = headlines("membership/two-servers-are-replaced-at-once");
    let is_joint = |line: &String| line.contains("a majority of n1, n2 and n3 and one of ");
    assert!(joint.iter().any(is_joint), "{joint:?}");
    assert!(joint.iter().any(|line| line.contains("decides; n4 and n5 only learn.")), "{joint:?}");
}
