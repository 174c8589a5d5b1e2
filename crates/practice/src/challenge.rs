//! Break it: a rule is off, and few commands must break a promise.

use crate::attempt::{NoAttempt, commands_of, counts, first_violation, name, points_for};
use consensus::Rule;
use simulator::{Condition, Scenario, Scene, UNSHOWN, Violation, quietly};
use trace::Record;

/// A rule that is off, and how few commands are enough to break a promise without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    rule: Rule,
    /// The number of commands of the stored run, of which `cluster` and what is before it are not counted.
    pub par: usize,
    /// Is the promise that breaks in the stored run one of liveness? Such promises hold only from `calm` on.
    pub is_of_liveness: bool,
    /// How the stored run begins: its cluster, with the rule off, as a script.
    pub beginning: String,
}

/// What the commands are worth.
#[derive(Debug)]
pub struct Marked {
    /// The number of commands until a promise broke, or of all.
    pub commands: usize,
    /// The promise that breaks with the rule off.
    pub broken: Option<Violation>,
    /// The promise that breaks with the rule on, too: then it does not show what the rule is for.
    pub broken_with_rule: Option<Violation>,
    /// What happened with the rule off, scene by scene.
    pub scenes: Vec<Scene>,
    par: usize,
    most: usize,
}

impl Challenge {
    /// The challenge of this rule. `stored` is its counterexample in scenarios/without. `None` if the rule can't be tried out
    /// like that: its absence breaks nothing, or it is about the network and no server follows it.
    pub fn new(rule: Rule, stored: &str) -> Option<Challenge> {
        let is_unshown = UNSHOWN.iter().any(|(unshown, _)| *unshown == rule);
        if is_unshown || rule == Rule::TimeoutAboveBroadcast {
            return None;
        }
        let commands = commands_of(stored);
        let par = commands.iter().filter(|(_, command)| counts(command)).count();
        let cluster = commands.iter().position(|(_, command)| name(command) == "cluster")?;
        let is_of_liveness = commands.iter().any(|(_, command)| name(command) == "calm");
        let beginning = commands[..=cluster].iter().map(|(_, command)| *command).chain(["---"]);
        let beginning = beginning.map(|line| format!("{line}\n")).collect();
        Some(Challenge { rule, par, is_of_liveness, beginning })
    }

    /// Maximum number of commands: with more there are no points.
    pub fn most(&self) -> usize {
        self.par + 6
    }

    /// Plays a scenario with the rule off, and with it on.
    ///
    /// # Errors
    /// If it has more than one cluster or none, switches rules itself, or has a command that can't be done.
    pub fn mark(&self, attempt: &str) -> Result<Marked, NoAttempt> {
        let commands = commands_of(attempt);
        let is_cluster = |command: &str| name(command) == "cluster";
        match commands.iter().filter(|(_, command)| is_cluster(command)).count() {
            1 => {}
            0 => return Err(NoAttempt("there is no cluster: begin with `cluster 3`".to_owned())),
            _ => return Err(NoAttempt("start one cluster only".to_owned())),
        }
        for (line, command) in &commands {
            if touches_rules(command) {
                let rule = self.rule;
                return Err(NoAttempt(format!("line {line}: leave the rules alone, {rule} is off already")));
            }
        }
        let mut with_rule_off = Scenario::default();
        let (mut scenes, mut count) = (Vec::new(), 0);
        for (line, command) in &commands {
            let option = if is_cluster(command) { format!(" without={}", self.rule) } else { String::new() };
            count += usize::from(counts(command));
            let scene = quietly(|| with_rule_off.command(&format!("{command}{option}")));
            scenes.push(scene.map_err(|why| NoAttempt(format!("line {line}, `{command}`: {why}")))?);
            if first_violation(&with_rule_off).is_some() {
                break;
            }
        }
        let mut with_rule = Scenario::default();
        for (_, command) in commands.iter().take(scenes.len()) {
            // With the rule on, what comes later may be impossible.
            let _ = quietly(|| with_rule.command(command));
        }
        let [broken, broken_with_rule] =
            [&with_rule_off, &with_rule].map(|scenario| first_violation(scenario).cloned());
        let (par, most) = (self.par, self.most());
        Ok(Marked { commands: count, broken, broken_with_rule, scenes, par, most })
    }
}

impl Marked {
    /// Are these more commands than are allowed?
    pub fn is_too_long(&self) -> bool {
        self.commands > self.most
    }

    /// The points, out of [`OUT_OF`](crate::OUT_OF). Each command above par costs one.
    pub fn points(&self) -> u32 {
        match (&self.broken, &self.broken_with_rule) {
            _ if self.is_too_long() => 0,
            (Some(_), None) => points_for(self.commands, self.par),
            (Some(_), Some(_)) => 2,
            (None, _) => 0,
        }
    }

    /// Everything that happened with the rule off.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.scenes.iter().flat_map(|scene| &scene.records)
    }
}

/// Does it switch a rule, or answer in the place of one?
fn touches_rules(command: &str) -> bool {
    let mut words = command.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
    words.any(|word| {
        matches!(word, "rule" | "without") || Condition::ALL.iter().any(|condition| condition.id() == word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OUT_OF;

    fn challenge() -> Challenge {
        Challenge::new(Rule::OneVotePerTerm, include_str!("../scenarios/without/one-vote-per-term.txt"))
            .unwrap()
    }

    fn marked(attempt: &str) -> Marked {
        challenge().mark(attempt).unwrap()
    }

    #[test]
    fn the_stored_run_is_par_for_each_rule() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/without");
        for &rule in Rule::ALL {
            let Ok(stored) = std::fs::read_to_string(folder.join(format!("{rule}.txt"))) else { continue };
            let Some(challenge) = Challenge::new(rule, &stored) else { continue };
            let own = stored.replace(&format!(" without={rule}"), "");
            let marked = challenge.mark(&own).unwrap_or_else(|error| panic!("{rule}: {error}"));
            assert_eq!(marked.points(), OUT_OF, "{rule}: {marked:?}");
        }
    }

    #[test]
    fn few_commands_are_worth_more() {
        assert_eq!(challenge().par, 3);
        let long = "cluster 2\nrun 1ms\nrun 1ms\ntimeout n2\ntimeout n1\ndeliver from=n1 to=n2\n";
        assert_eq!(marked(long).points(), OUT_OF - 2);
        assert_eq!(marked("cluster 2\ntimeout n1\n").points(), 0);
        let with_more = |more: usize| marked(&long.replacen("run 1ms\n", &"run 1ms\n".repeat(more), 1));
        let (longest, too_long) = (with_more(5), with_more(6));
        assert_eq!((longest.commands, longest.points()), (challenge().most(), OUT_OF - 6));
        assert_eq!((too_long.is_too_long(), too_long.points()), (true, 0));
    }

    #[test]
    fn liveness_is_told_from_safety() {
        let without = |rule: Rule, stored: &str| Challenge::new(rule, stored).unwrap().is_of_liveness;
        assert!(without(Rule::RetryForever, include_str!("../scenarios/without/retry-forever.txt")));
        assert!(!challenge().is_of_liveness);
    }

    #[test]
    fn what_breaks_with_the_rule_on_does_not_show_what_it_is_for() {
        // Two servers that are slower than they wait never elect a leader, whatever the rules.
        let slow = "cluster 2 latency=400ms\ncalm\nrun-until-led\n";
        let marked = marked(slow);
        assert!(marked.broken.is_some() && marked.broken_with_rule.is_some(), "{marked:?}");
        assert_eq!(marked.points(), 2);
    }

    #[test]
    fn what_is_no_attempt_is_refused() {
        let refused = |text: &str| challenge().mark(text).unwrap_err().to_string();
        assert!(refused("").contains("there is no cluster"));
        assert!(refused("cluster 3\ncluster 3").contains("one cluster only"));
        assert!(refused("cluster 3 without=majority-wins").contains("line 1: leave the rules alone"));
        assert!(refused("cluster 3\nrule majority-wins off").contains("line 2: leave the rules alone"));
        assert!(refused("cluster 3 may-vote='true'").contains("line 1: leave the rules alone"));
        assert!(refused("# hm\n\ncluster 3\nsing").contains("line 4, `sing`: there is no command"));
        assert!(refused("cluster 3\ntimeout n9").contains("line 2, `timeout n9`"));
    }
}
