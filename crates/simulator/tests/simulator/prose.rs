//! The prose of a scenario, beside its commands.

use simulator::Scenario;

fn prose_of(script: &str) -> Vec<Vec<String>> {
    Scenario::film(script).unwrap().scenes.into_iter().map(|scene| scene.prose).collect()
}

#[test]
fn paragraphs_come_before_the_commands_that_follow_them() {
    let script = "# Title\n#\n# One,\n# two.\n#\n# Three.\n#\n# Rules: pre-vote\n\ncluster 3\nsettle\n---\n# output\n\n# Four.\n\nrun 1s\n---\n\n# Five.\n";
    assert_eq!(prose_of(script), [vec!["One, two.", "Three."], vec![], vec!["Four."], vec!["Five."]]);
}

#[test]
fn a_script_without_comments_has_none() {
    assert_eq!(prose_of("cluster 3\n---\nout\n"), [[""; 0]]);
}
