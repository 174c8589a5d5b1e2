//! Expectations of the scenario language in English.

/// Says in English what a command such as `expect role n1 leader` expects; `None` if it is no such command.
pub fn expectation(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    Some(match *words.as_slice() {
        ["expect", "leader", server] => format!("{server} is the leader"),
        ["expect", "some-leader"] => "there is a leader".to_owned(),
        ["expect", "no-leader"] => "nobody leads".to_owned(),
        ["expect", "role", server, "dead"] => format!("{server} is dead"),
        ["expect", "role", server, role] => format!("{server} is a {role}"),
        ["expect", "term", server, term] => format!("{server} is in term {term}"),
        ["expect", "log", server] => format!("{server}'s log is empty"),
        ["expect", "log", server, ref terms @ ..] => format!("{server}'s log is {}", terms.join(" ")),
        ["expect", "commit", server, "0"] => format!("{server} has marked no entry as committed"),
        ["expect", "commit", server, index] => {
            format!("{server} has marked entries up to {index} as committed")
        }
        ["expect", "violation"] => "a promise is broken".to_owned(),
        ["expect", "no-violation"] => "no promise is broken".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Challenge, all};

    #[test]
    fn expectations_are_put_in_english() {
        let pairs = [
            ("expect role n1 leader", "n1 is a leader"),
            ("expect role n1 dead", "n1 is dead"),
            ("expect log n2", "n2's log is empty"),
            ("expect log n2 1 1 2", "n2's log is 1 1 2"),
            ("expect commit n1 2", "n1 has marked entries up to 2 as committed"),
        ];
        for (command, english) in pairs {
            assert_eq!(expectation(command).as_deref(), Some(english));
        }
        assert_eq!(expectation("timeout n1"), None);
        assert_eq!(expectation("expect rain"), None);
    }

    #[test]
    fn all_expectations_of_the_course_can_be_put_in_english() {
        for card in all().flat_map(|chapter| &chapter.cards) {
            let Challenge::Question(question) = &card.challenge else { continue };
            for command in question.answers.iter().flat_map(|answer| &answer.commands) {
                let command = command.trim_start_matches('!');
                let is_one = command.starts_with("expect ");
                assert_eq!(expectation(command).is_some(), is_one, "{}: {command}", card.id);
            }
        }
    }
}
