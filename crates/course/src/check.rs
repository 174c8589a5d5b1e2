//! What must have happened in an attempt: the checks of tasks, and what answers show.
//! course/README.md describes their form.

use crate::attempt::{Attempt, Played, Refused};
use crate::event::{Moment, Pattern};
use crate::expectation::expectation;
use simulator::with_all_rules;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

/// Something that an attempt must have brought about. It is written in words, which it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    words: String,
    requirement: Requirement,
    /// How a chapter puts it to learners; `None` if it leaves that to this crate.
    plain: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    /// An expectation of the scenario language holds at the end.
    Expect,
    /// A promise was broken whose name begins like this.
    Violated(String),
    NothingViolated,
    /// It holds when the same commands are played with every rule on.
    WithTheRule(Box<Requirement>, String),
    AtMost(usize),
    /// Only these commands are used.
    Only(Vec<String>),
    /// This very command is used.
    Uses(String),
    /// The cluster is started with this option.
    Option(String),
    /// All of this happens, in this order.
    Steps(Vec<Step>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Happens(Pattern),
    /// It does not happen, for so long, or to the end.
    Never(Pattern, Option<Duration>),
}

/// These words are no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no check: course/README.md lists those that there are")]
pub struct NoCheck(String);

impl Check {
    /// Does it hold for this attempt? Only what the attempt's own commands have brought about counts.
    ///
    /// # Errors
    /// If the attempt can't be played.
    pub fn holds(&self, attempt: Attempt) -> Result<bool, Refused> {
        self.holds_in(attempt, &mut attempt.played()?)
    }

    /// The same for an attempt that was played before.
    pub(crate) fn holds_in(&self, attempt: Attempt, played: &mut Played) -> Result<bool, Refused> {
        self.requirement.holds(attempt, played, &self.words)
    }

    /// The same check, put to learners in these words.
    pub(crate) fn put_as(self, plain: String) -> Check {
        Check { plain: Some(plain), ..self }
    }

    /// The number of commands that must not be exceeded; `None` if it is about something else.
    pub fn most_commands(&self) -> Option<usize> {
        match self.requirement {
            Requirement::AtMost(number) => Some(number),
            _ => None,
        }
    }

    /// What it asks for, as a learner reads it.
    pub fn in_words(&self) -> String {
        self.plain.clone().unwrap_or_else(|| self.requirement.in_words(&self.words))
    }
}

impl Requirement {
    fn in_words(&self, words: &str) -> String {
        match self {
            Requirement::Expect => expectation(words).unwrap_or_else(|| words.to_owned()),
            Requirement::Violated(promise) if promise.is_empty() => "a promise is broken".to_owned(),
            Requirement::Violated(promise) => format!("the promise \"{promise}\" is broken"),
            Requirement::NothingViolated => "no promise is broken".to_owned(),
            Requirement::WithTheRule(requirement, words) => {
                format!("the same commands with all rules on: {}", requirement.in_words(words))
            }
            Requirement::AtMost(_) => words.to_owned(),
            Requirement::Only(names) => format!("only these commands: {}", names.join(", ")),
            Requirement::Uses(command) => format!("you use `{command}`"),
            Requirement::Option(option) => format!("you start a cluster with `{option}`"),
            Requirement::Steps(_) => {
                words.split(", then ").map(step_in_words).collect::<Vec<_>>().join(", then ")
            }
        }
    }

    /// `played` is what happened in the attempt.
    fn holds(&self, attempt: Attempt, played: &mut Played, words: &str) -> Result<bool, Refused> {
        let commands = attempt.commands;
        Ok(match self {
            Requirement::Expect => played.scenario.command(words).is_ok(),
            Requirement::Violated(promise) => {
                broken(played).iter().any(|name| name.starts_with(promise.as_str()))
            }
            Requirement::NothingViolated => broken(played).is_empty(),
            Requirement::WithTheRule(requirement, words) => {
                let (world, commands) = (no_rule_off(attempt.world), no_rule_off(commands));
                let attempt = Attempt { world: &world, commands: &commands };
                requirement.holds(attempt, &mut attempt.played()?, words)?
            }
            Requirement::AtMost(number) => commands.len() <= *number,
            Requirement::Only(names) => {
                commands.iter().all(|command| names.iter().any(|it| it == name(command)))
            }
            Requirement::Uses(command) => commands.contains(command),
            Requirement::Option(option) => {
                let is_cluster = |command: &&String| name(command) == "cluster";
                commands.iter().filter(is_cluster).any(|command| command.split(' ').any(|it| it == option))
            }
            Requirement::Steps(steps) => {
                let Played { records, before, time, .. } = played;
                let Range { start, end } = *time;
                can_follow(steps, &Moment::of(records)[*before..], micros(start)..micros(end))
            }
        })
    }
}

/// A step in words: `never: a server dies` becomes "no server dies".
fn step_in_words(step: &str) -> String {
    let Some((time, event)) = step.split_once("never: ") else { return step.to_owned() };
    match event.strip_prefix("a server ") {
        Some(does) => format!("{time}no server {does}"),
        None if event.starts_with("two servers ") => format!("{time}no {event}"),
        None => time.to_owned() + &event.replacen(' ', " never ", 1),
    }
}

/// The promises that the attempt's own commands have broken.
fn broken(Played { records, before, .. }: &Played) -> Vec<String> {
    let moments = Moment::of(records);
    moments[*before..].iter().filter_map(Moment::broken).map(str::to_owned).collect()
}

/// The name of a command.
fn name(command: &str) -> &str {
    command.trim_start_matches(['(', '!']).split(' ').next().unwrap_or_default()
}

/// The same commands, with no rule switched off.
fn no_rule_off(commands: &[String]) -> Vec<String> {
    let others = commands.iter().filter(|command| name(command) != "rule");
    others.map(|command| with_all_rules(command)).collect()
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Can the steps be found in these moments, in their order? `time` is that of the moments, in microseconds.
fn can_follow(steps: &[Step], moments: &[Moment], time: Range<u64>) -> bool {
    let Some((step, rest)) = steps.split_first() else { return true };
    match step {
        Step::Happens(pattern) => moments.iter().enumerate().any(|(place, moment)| {
            pattern.fits(moment) && can_follow(rest, &moments[place + 1..], moment.time()..time.end)
        }),
        Step::Never(pattern, duration) => {
            let until = duration.map(|duration| time.start.saturating_add(micros(duration)));
            let has_passed = until.is_none_or(|until| time.end >= until);
            let mut meanwhile =
                moments.iter().take_while(|moment| until.is_none_or(|until| moment.time() < until));
            has_passed && !meanwhile.any(|moment| pattern.fits(moment)) && can_follow(rest, moments, time)
        }
    }
}

impl FromStr for Check {
    type Err = NoCheck;

    fn from_str(words: &str) -> Result<Check, NoCheck> {
        let requirement = words.parse().map_err(|()| NoCheck(words.to_owned()))?;
        Ok(Check { words: words.to_owned(), requirement, plain: None })
    }
}

impl FromStr for Requirement {
    type Err = ();

    fn from_str(words: &str) -> Result<Requirement, ()> {
        match words {
            "violated" => return Ok(Requirement::Violated(String::new())),
            "nothing is violated" => return Ok(Requirement::NothingViolated),
            _ => {}
        }
        if let Some(number) = words.strip_prefix("at most ").and_then(|rest| rest.strip_suffix(" commands")) {
            return number.parse().map(Requirement::AtMost).map_err(drop);
        }
        if words.starts_with("expect ") {
            return Ok(Requirement::Expect);
        }
        if let Some(words) = words.strip_prefix("with the rule: ") {
            return Ok(Requirement::WithTheRule(Box::new(words.parse()?), words.to_owned()));
        }
        if let Some(promise) = words.strip_prefix("violated: ") {
            return Ok(Requirement::Violated(promise.to_owned()));
        }
        if let Some(names) = words.strip_prefix("only: ") {
            return Ok(Requirement::Only(names.split(", ").map(str::to_owned).collect()));
        }
        if let Some(command) = words.strip_prefix("uses: ") {
            return Ok(Requirement::Uses(command.to_owned()));
        }
        if let Some(option) = words.strip_prefix("option: ") {
            return Ok(Requirement::Option(option.to_owned()));
        }
        words.split(", then ").map(str::parse).collect::<Result<_, ()>>().map(Requirement::Steps)
    }
}

impl FromStr for Step {
    type Err = ();

    fn from_str(words: &str) -> Result<Step, ()> {
        if let Some(pattern) = words.strip_prefix("never: ") {
            return Ok(Step::Never(pattern.parse()?, None));
        }
        if let Some((duration, pattern)) =
            words.strip_prefix("for ").and_then(|rest| rest.split_once(" never: "))
        {
            let duration = humantime::parse_duration(duration).map_err(drop)?;
            return Ok(Step::Never(pattern.parse()?, Some(duration)));
        }
        words.parse().map(Step::Happens)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(check: &str, world: &[&str], commands: &[&str]) -> bool {
        let own = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let (world, commands) = (own(world), own(commands));
        let check: Check = check.parse().unwrap();
        check.holds(Attempt { world: &world, commands: &commands }).unwrap()
    }

    #[test]
    fn steps_have_an_order() {
        let commands = ["timeout n1", "settle", "kill n1"];
        assert!(holds("n1 becomes leader of term 1, then a server dies", &["cluster 3"], &commands));
        assert!(!holds("a server dies, then n1 becomes leader", &["cluster 3"], &commands));
        assert!(!holds("n1 becomes leader of term 2", &["cluster 3"], &commands));
        assert!(holds("n2 votes for n1 in term 1, then n1 stops leading", &["cluster 3"], &commands));
    }

    #[test]
    fn a_later_event_counts_where_the_first_one_does_not_fit() {
        let commands = ["kill n1", "restart n1", "timeout n2", "settle", "kill n1"];
        assert!(holds("a server dies, then for 0ms never: n2 becomes leader", &["cluster 3"], &commands));
        assert!(holds("a server dies, then never: n2 becomes leader", &["cluster 3"], &commands));
        assert!(!holds("n1 dies, then n1 dies, then n1 dies", &["cluster 3"], &commands));
    }

    #[test]
    fn what_the_world_brought_about_does_not_count() {
        let world = ["cluster 3", "timeout n1", "settle"];
        assert!(!holds("n1 becomes leader", &world, &[]));
        assert!(holds("n1 becomes leader", &world[..1], &world[1..]));
        assert!(holds("n1 stops leading", &world, &["kill n1"]));
    }

    #[test]
    fn nothing_can_be_seen_of_a_time_that_has_not_passed() {
        let never = "for 100ms never: a server dies";
        assert!(holds(never, &["cluster 3"], &["run 300ms"]));
        assert!(!holds(never, &["cluster 3"], &["kill n1", "run 300ms"]));
        assert!(holds(never, &["cluster 3"], &["run 300ms", "kill n1"]));
        assert!(!holds(never, &["cluster 3"], &["settle"]));
        assert!(!holds(never, &["cluster 3"], &["run 99ms"]));
        // Time passes where nothing happens, too.
        assert!(holds(never, &["cluster 3"], &["run 100ms"]));
        assert!(!holds(never, &["cluster 3", "run 300ms"], &["run 50ms"]));
    }

    #[test]
    fn a_put_is_confirmed_when_it_is_done() {
        let world = ["cluster 3", "timeout n1", "settle"];
        assert!(holds(
            "n1 is asked for a put, then a server confirms a put",
            &world,
            &["put c1 x 7", "settle"]
        ));
        assert!(holds("a server is asked for a put", &world, &["put c1 x 7"]));
        assert!(!holds("a server confirms a put", &world, &["put c1 x 7"]));
        assert!(!holds("a server confirms a put", &world, &["get c1 x", "settle"]));
        assert!(holds("c1 is told: x is 7", &world, &["put c2 x 7", "settle", "get c1 x", "settle"]));
        assert!(holds("n1 commits entry 2", &world, &["put c1 x 7", "settle"]));
        assert!(!holds("n1 commits entry 3", &world, &["put c1 x 7", "settle"]));
    }

    #[test]
    fn two_servers_can_lead_in_different_terms() {
        let world = ["cluster 3", "timeout n1", "settle", "partition n1"];
        assert!(!holds("two servers lead at once", &world, &[]));
        assert!(holds("two servers lead at once", &world, &["timeout n2", "settle"]));
        assert!(!holds("two servers lead the same term", &world, &["timeout n2", "settle"]));
    }

    #[test]
    fn a_rule_that_is_off_can_be_on_again() {
        let world = ["cluster 2 without=one-vote-per-term"];
        let commands = ["timeout n2", "timeout n1", "deliver from=n1 to=n2"];
        assert!(holds("violated", &world, &commands));
        assert!(holds("violated: one vote per term", &world, &commands));
        assert!(!holds("violated: log matching", &world, &commands));
        assert!(!holds("nothing is violated", &world, &commands));
        assert!(holds("with the rule: nothing is violated", &world, &commands));
        assert!(!holds("with the rule: violated", &world, &commands));
    }

    #[test]
    fn commands_can_be_counted_and_named() {
        let commands = ["cluster 3 latency=200ms", "timeout n1"];
        assert!(holds("at most 2 commands", &[], &commands));
        assert!(!holds("at most 1 commands", &[], &commands));
        assert!(holds("only: cluster, timeout, run", &[], &commands));
        assert!(!holds("only: cluster, run", &[], &commands));
        assert!(holds("uses: timeout n1", &[], &commands));
        assert!(!holds("uses: timeout n2", &[], &commands));
        assert!(holds("option: latency=200ms", &[], &commands));
        assert!(!holds("option: latency=20ms", &[], &commands));
        assert!(holds("expect role n1 candidate", &[], &commands));
        assert!(!holds("expect role n2 candidate", &[], &commands));
    }

    #[test]
    fn learners_read_them_in_english() {
        let words = |check: &str| check.parse::<Check>().unwrap().in_words();
        assert_eq!(words("expect log n7 1 2"), "n7's log is 1 2");
        assert_eq!(words("violated"), "a promise is broken");
        assert_eq!(words("violated: log matching"), "the promise \"log matching\" is broken");
        assert_eq!(
            words("with the rule: nothing is violated"),
            "the same commands with all rules on: no promise is broken"
        );
        assert_eq!(words("at most 8 commands"), "at most 8 commands");
        assert_eq!(words("n1 dies, then never: n2 dies"), "n1 dies, then n2 never dies");
        assert_eq!(words("for 2s never: a server becomes leader"), "for 2s no server becomes leader");
        assert_eq!(words("never: two servers lead at once"), "no two servers lead at once");
        assert_eq!(words("only: run, clock"), "only these commands: run, clock");
        assert_eq!(words("uses: timeout n1"), "you use `timeout n1`");
    }

    #[test]
    fn what_is_no_check_is_refused() {
        for words in [
            "",
            "n1 sings",
            "somewhen: n1 dies",
            "for long never: n1 dies",
            "at most few commands",
            "m1 dies",
        ] {
            let refused = words.parse::<Check>().unwrap_err().to_string();
            assert!(refused.contains(&format!("\"{words}\" is no check")), "{refused}");
        }
    }

    #[test]
    fn an_attempt_that_can_t_be_played_is_refused() {
        let check: Check = "violated".parse().unwrap();
        let commands = ["cluster 3".to_owned(), "sing".to_owned()];
        let refused = check.holds(Attempt { world: &[], commands: &commands }).unwrap_err();
        assert!(refused.to_string().contains("there is no command \"sing\""), "{refused}");
    }
}
