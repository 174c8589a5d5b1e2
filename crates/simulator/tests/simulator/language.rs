//! The language of scenarios: what is written is read again.

use crate::scenarios::scenarios;
use simulator::{Action, Scenario, SearchOptions, draw};

#[track_caller]
fn assert_is_read_again(action: &Action) {
    assert_eq!(action.to_string().parse().as_ref(), Ok(action));
}

#[test]
fn drawn_actions_are_read_as_they_are_written() {
    let mut read = 0;
    for seed in 0..300 {
        let script = draw(seed, &SearchOptions::default());
        // The journal names each message.
        let journal = if seed < 30 { script.journal().actions } else { Vec::new() };
        for action in script.actions.iter().chain(&journal) {
            assert_is_read_again(action);
            read += 1;
        }
    }
    assert!(read > 10_000, "{read}");
}

#[test]
fn the_actions_of_scenarios_are_read_as_they_are_written() {
    let mut read = 0;
    for (path, script) in scenarios() {
        for command in Scenario::film(&script).unwrap().scenes.into_iter().filter_map(|scene| scene.command) {
            match command.parse::<Action>() {
                Ok(action) => {
                    assert_is_read_again(&action);
                    read += 1;
                }
                Err(why) => {
                    let no_action =
                        ["cluster", "log", "memory", "committed", "expect", "logs", "status", "messages"];
                    let name = command.split(' ').next().unwrap();
                    let is_several = why.contains("is not one command");
                    let is_known = no_action.contains(&name) || ["verbose", "history"].contains(&name);
                    assert!(is_several || is_known, "{}: {command}: {why}", path.display());
                }
            }
        }
    }
    assert!(read > 1_000, "{read}");
}

#[test]
fn what_is_no_action_is_refused_with_the_reason() {
    let refused = |text: &str| text.parse::<Action>().unwrap_err();
    assert_eq!(refused("kill n1 n2"), "\"kill n1 n2\" is not one command");
    assert_eq!(refused("kill n1\nkill n2"), "\"kill n1\nkill n2\" is not one command");
    assert_eq!(refused(""), "\"\" is not one command");
    assert_eq!(refused("kill 1"), "\"1\" is no server; servers are n1, n2, …");
    assert_eq!(refused("kill"), "say which server, such as n1");
    assert_eq!(refused("settle now"), "invalid argument 'now'");
    assert_eq!(refused("(settle)"), "write the command alone");
    assert!(refused("dance").contains("there is no command \"dance\"; there are: "));
}
