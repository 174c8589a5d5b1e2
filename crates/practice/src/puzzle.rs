//! Save it: puzzles, in which few commands must help a cluster. All rules are on.

use crate::attempt::{NoAttempt, commands_of, counts, first_violation, name, points_for};
use course::{Card, Check, Checked, Task, puzzles};
use simulator::{Scenario, Scene, Violation, quietly};

/// A cluster that needs help, and what must be reached: a task of [`course::puzzles`].
#[derive(Debug, Clone, Copy)]
pub struct Puzzle {
    card: &'static Card,
    task: &'static Task,
}

/// What commands have brought about.
#[derive(Debug)]
pub struct Tried {
    /// The number of commands that do something.
    pub commands: usize,
    /// What must be so, and whether it is.
    pub checks: Vec<Checked<'static>>,
    /// The promise that broke, if one did: then the commands after that were not played.
    pub broken: Option<Violation>,
    /// What happened, scene by scene.
    pub scenes: Vec<Scene>,
    par: usize,
}

/// What begins a cluster, or changes its rules.
const NOT_IN_A_PUZZLE: [&str; 5] = ["cluster", "log", "committed", "memory", "rule"];

impl Puzzle {
    /// All of them, the easier ones first.
    pub fn all() -> impl Iterator<Item = Puzzle> {
        puzzles().cards.iter().filter_map(|card| match &card.challenge {
            course::Challenge::Task(task) => Some(Puzzle { card, task }),
            course::Challenge::Question(_) => None,
        })
    }

    /// The one with this name.
    pub fn find(name: &str) -> Option<Puzzle> {
        Puzzle::all().find(|puzzle| puzzle.name() == name)
    }

    /// Its name, such as `two-halves`.
    pub fn name(&self) -> &'static str {
        &self.card.id
    }

    /// What has happened, and why the solution is one.
    pub fn card(&self) -> &'static Card {
        self.card
    }

    /// The cluster, what must be reached, a hint, and a solution.
    pub fn task(&self) -> &'static Task {
        self.task
    }

    /// The number of commands of the stored solution.
    pub fn par(&self) -> usize {
        self.task.solution.iter().filter(|command| counts(command)).count()
    }

    /// Maximum number of commands.
    pub fn most(&self) -> usize {
        self.task.checks.iter().find_map(Check::most_commands).expect("a test looks for it in each of them")
    }

    /// The cluster, and how it got there.
    pub fn world(&self) -> (Scenario, Vec<Scene>) {
        let mut scenario = Scenario::default();
        let play = |command: &String| scenario.command(command).expect("a test plays each of them");
        let scenes = self.task.world.iter().map(play).collect();
        (scenario, scenes)
    }

    /// Plays commands in its world. Those that only show something are not counted.
    ///
    /// # Errors
    /// If a command can't be done, or has no place in a puzzle.
    pub fn mark(&self, attempt: &str) -> Result<Tried, NoAttempt> {
        let (mut scenario, _) = self.world();
        let (mut scenes, mut own) = (Vec::new(), Vec::new());
        for (line, command) in commands_of(attempt) {
            if NOT_IN_A_PUZZLE.contains(&name(command)) {
                let why = "the cluster runs already, and all rules are on: write only what you do to it";
                return Err(NoAttempt(format!("line {line}, `{command}`: {why}")));
            }
            let scene = quietly(|| scenario.command(command));
            scenes.push(scene.map_err(|why| NoAttempt(format!("line {line}, `{command}`: {why}")))?);
            if counts(command) {
                own.push(command.to_owned());
            }
            if first_violation(&scenario).is_some() {
                break;
            }
        }
        let checks = quietly(|| self.task.checked(&own)).map_err(|refused| NoAttempt(refused.to_string()))?;
        let broken = first_violation(&scenario).cloned();
        Ok(Tried { commands: own.len(), checks, broken, scenes, par: self.par() })
    }
}

impl Tried {
    /// Is everything reached?
    pub fn is_solved(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }

    /// The points, out of [`OUT_OF`](crate::OUT_OF). Each command above par costs one.
    pub fn points(&self) -> u32 {
        if self.is_solved() { points_for(self.commands, self.par) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OUT_OF;

    fn text(commands: &[String]) -> String {
        commands.join("\n")
    }

    #[test]
    fn each_puzzle_is_solved_at_par_and_by_nothing_less() {
        assert!(Puzzle::all().count() >= 5);
        for puzzle in Puzzle::all() {
            let (id, solution) = (&puzzle.card.id, &puzzle.task.solution);
            let tried = puzzle.mark(&text(solution)).unwrap_or_else(|error| panic!("{id}: {error}"));
            assert_eq!((tried.commands, tried.points()), (puzzle.par(), OUT_OF), "{id}: {:?}", tried.checks);
            assert_eq!(puzzle.mark("").unwrap().points(), 0, "{id}: nothing must be done");
            for left_out in 0..solution.len() {
                let less = [&solution[..left_out], &solution[left_out + 1..]].concat();
                let is_solved = puzzle.mark(&text(&less)).is_ok_and(|tried| tried.is_solved());
                assert!(!is_solved, "{id}: `{}` is not needed", solution[left_out]);
            }
        }
    }

    #[test]
    fn typical_tries_solve_nothing() {
        for puzzle in Puzzle::all() {
            let id = &puzzle.card.id;
            assert!(puzzle.task.tries.len() >= 2, "{id}");
            for wrong in &puzzle.task.tries {
                let tried = puzzle.mark(&text(&wrong.commands)).unwrap();
                assert_eq!(tried.points(), 0, "{id}: {}", wrong.text);
                assert!(tried.broken.is_none(), "{id}: with all rules on nothing breaks");
                let limit =
                    |words: &str| words.starts_with("at most ") || words.starts_with("no other commands");
                let misses = |check: &Checked| !check.holds && !limit(&check.words);
                assert!(tried.checks.iter().any(misses), "{id}: only the limit is missed: {}", wrong.text);
            }
        }
    }

    /// Whatever the commands, nothing may break, and their number and names are limited.
    #[test]
    fn each_puzzle_has_its_limits() {
        for puzzle in Puzzle::all() {
            let has = |form: &str| puzzle.task.checks.iter().any(|check| check.to_string().starts_with(form));
            for form in ["nothing is violated", "only: ", "at most "] {
                assert!(has(form), "{}: there is no check `{form}…`", puzzle.card.id);
            }
        }
    }

    #[test]
    fn more_commands_are_worth_less_and_those_that_show_something_nothing() {
        let puzzle = Puzzle::find("two-halves").unwrap();
        let solution = text(&puzzle.task.solution);
        let tried = puzzle.mark(&format!("logs\n# look\nexpect no-leader\nsettle\n{solution}")).unwrap();
        assert_eq!((tried.commands, tried.points()), (puzzle.par() + 1, OUT_OF - 1));
    }

    #[test]
    fn what_has_no_place_in_a_puzzle_is_refused() {
        let refused = |text: &str| Puzzle::find("two-halves").unwrap().mark(text).unwrap_err().to_string();
        assert!(refused("settle\ncluster 3").contains("line 2, `cluster 3`: the cluster runs already"));
        assert!(refused("rule majority-wins off").contains("all rules are on"));
        assert!(refused("sing").contains("line 1, `sing`: there is no command"));
        assert!(refused("expect leader n1").contains("line 1, `expect leader n1`"));
        assert!(Puzzle::find("nothing").is_none());
    }
}
