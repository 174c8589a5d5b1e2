//! What a user can ask for on the page.

use cluster::Action;
use serde::Deserialize;
use serde_json::Value;

/// What a user can ask for on the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Do something to the servers.
    Act(Action),
    /// Ask the store for something, as a client.
    Ask(ClientWish),
    /// Show the cluster in another way.
    Set(Setting),
}

/// How the cluster is shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Setting {
    /// Slow motion for what is done from now on, or none.
    SlowMotion {
        /// Is it wanted?
        is_wanted: bool,
    },
}

/// A client's request to the store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientWish {
    /// Set a key to a value.
    Put {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// Get a key's value.
    Get {
        /// The key.
        key: String,
    },
    /// Delete a key.
    Delete {
        /// The key.
        key: String,
    },
}

impl Wish {
    /// Reads what the page sent.
    ///
    /// # Errors
    /// If it is not a valid action.
    pub(crate) fn from_json(json: &[u8]) -> serde_json::Result<Wish> {
        let value: Value = serde_json::from_slice(json)?;
        match value["action"].as_str() {
            Some("put" | "get" | "delete") => serde_json::from_value(value).map(Wish::Ask),
            Some("slow_motion") => serde_json::from_value(value).map(Wish::Set),
            _ => serde_json::from_value(value).map(Wish::Act),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::Links;
    use consensus::NodeId;
    use trace::Link;

    #[test]
    fn wishes_are_read_as_the_page_writes_them() {
        let link = Link { from: NodeId(1), to: NodeId(2) };
        let [one, two] = [NodeId(1), NodeId(2)];
        for (json, wish) in [
            (r#"{"action":"kill","node":2}"#, Wish::Act(Action::Kill { node: two })),
            (r#"{"action":"kill_leader"}"#, Wish::Act(Action::KillLeader)),
            (r#"{"action":"set_speed","multiple":1}"#, Wish::Act(Action::SetSpeed { multiple: 1.0 })),
            (r#"{"action":"cut","links":"all"}"#, Wish::Act(Action::Cut { links: Links::All })),
            (
                r#"{"action":"cut","links":{"one_way":{"from":1,"to":2}}}"#,
                Wish::Act(Action::Cut { links: Links::OneWay(link) }),
            ),
            (
                r#"{"action":"mend","links":{"both_ways":[1,2]}}"#,
                Wish::Act(Action::Mend { links: Links::BothWays(one, two) }),
            ),
            (
                r#"{"action":"lose","links":{"of":1},"percent":20}"#,
                Wish::Act(Action::Lose { links: Links::Of(one), percent: 20 }),
            ),
            (
                r#"{"action":"delay","links":{"between":[1,2]},"delay_us":5}"#,
                Wish::Act(Action::Delay { links: Links::Between(vec![one, two]), delay_us: 5 }),
            ),
            (
                r#"{"action":"slow_motion","is_wanted":false}"#,
                Wish::Set(Setting::SlowMotion { is_wanted: false }),
            ),
            (
                r#"{"action":"put","key":"x","value":"3"}"#,
                Wish::Ask(ClientWish::Put { key: "x".to_owned(), value: "3".to_owned() }),
            ),
        ] {
            assert_eq!(Wish::from_json(json.as_bytes()).unwrap(), wish, "{json}");
        }
    }

    #[test]
    fn the_actions_in_the_documents_are_understood() {
        let document = include_str!("../../../docs/page.md");
        let actions: Vec<&str> = document.lines().filter(|line| line.starts_with("{\"action\"")).collect();
        assert!(actions.len() >= 17, "{actions:?}");
        for action in actions {
            assert!(Wish::from_json(action.as_bytes()).is_ok(), "{action}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_no_wish() {
        for json in [
            "",
            "{}",
            "[]",
            r#"{"action":"explode"}"#,
            r#"{"action":"kill"}"#,
            r#"{"action":"kill","node":-1}"#,
            r#"{"action":"put","key":"x"}"#,
            r#"{"action":"slow_motion"}"#,
            r#"{"action":"lose","links":"all","percent":256}"#,
        ] {
            assert!(Wish::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }
}
