//! The world that is open in the page.

use crate::response::{Flying, Refused, Told, Violated};
use consensus::NodeId;
use page::{Headlines, Mode, RecordJson, Run, Setup, WhyNotTold, micros};
use simulator::{Action, Film, RunHash, Scenario, Script, World};
use std::time::Duration;
use trace::Record;

/// A world, and all that has happened in it.
#[derive(Debug)]
pub(crate) struct Lab {
    scenario: Scenario,
    run: Run,
    headlines: Headlines,
}

impl Lab {
    /// The world of the last cluster of this script, after all its commands.
    pub(crate) fn open(script: &str) -> Result<Lab, Refused> {
        let (scenario, film) =
            Scenario::open(script).map_err(|error| Refused::of_script(error.to_string()))?;
        let Some(world) = scenario.world() else {
            return Err(Refused::of_script("no cluster starts in this script".to_owned()));
        };
        let film = Film { scenes: film.last_cluster().to_vec(), ..film };
        let title = page::title(script).unwrap_or("A simulated cluster").to_owned();
        let setup = Setup {
            // Those of the last cluster.
            servers: (1..=world.options().servers).map(NodeId).collect(),
            timing: Some(world.options().timing.into()),
            seed: Some(world.options().seed),
            ..Setup::of_film(Mode::Simulated, title, &film)
        };
        let mut lab =
            Lab { scenario, run: Run { setup, records: Vec::new() }, headlines: Headlines::default() };
        film.scenes.into_iter().for_each(|scene| lab.add(scene.records));
        Ok(lab)
    }

    /// All that the page needs to know about it.
    pub(crate) fn beginning(&self) -> Told<'_> {
        Told { setup: Some(&self.run.setup), ..self.since(0, String::new()) }
    }

    /// Plays one more command.
    pub(crate) fn command(&mut self, command: &str) -> Result<Told<'_>, Refused> {
        if command.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "cluster") {
            let another = "another cluster needs another script";
            return Err(Refused::new(another).with_help("ask to `open` it"));
        }
        let before = self.run.records.len();
        let scene = self.scenario.command(command).map_err(Refused::new)?;
        self.add(scene.records);
        Ok(self.since(before, scene.said))
    }

    /// Lets time pass until a promise breaks.
    pub(crate) fn pass(&mut self, at_most: Duration) -> Result<Told<'_>, Refused> {
        let before = self.run.records.len();
        let records = self.scenario.run(at_most).map_err(Refused::new)?;
        self.add(records);
        Ok(self.since(before, String::new()))
    }

    /// Goes back to the moment when this number of records had happened. What belongs to the same step has happened, too.
    pub(crate) fn fork(&mut self, position: u64) -> Result<Told<'_>, Refused> {
        let position = self.checked(position)?;
        let (scenario, rest_of_step) = self.scenario.fork(position).map_err(Refused::new)?;
        let mut records = std::mem::take(&mut self.run.records);
        records.truncate(position);
        (self.scenario, self.headlines) = (scenario, Headlines::default());
        self.add(records);
        self.add(rest_of_step);
        Ok(self.since(position, String::new()))
    }

    /// A script that plays the same run.
    pub(crate) fn script(&self) -> String {
        self.scenario.script().map(|script| script.to_string()).unwrap_or_default()
    }

    /// What was done after these commands, which have started the cluster; all that was done if there are none.
    pub(crate) fn done_after(&self, commands: &[String]) -> Result<Vec<String>, Refused> {
        let now = self.scenario.script().expect("it has a world");
        if commands.is_empty() {
            return Ok(now.commands().collect());
        }
        let script = course::Attempt { world: commands, commands: &[] }.script();
        let (before, _) = Scenario::open(&script).map_err(|error| Refused::of_script(error.to_string()))?;
        let actions = before.script().and_then(|before| actions_after(&before, &now));
        let actions = actions.ok_or_else(|| {
            Refused::new("this is no longer the cluster of the task").with_help("start the task again")
        })?;
        Ok(actions.iter().map(Action::to_string).collect())
    }

    /// The messages in flight, in the order in which they were sent.
    pub(crate) fn messages(&self) -> Vec<Flying> {
        self.world().messages().into_iter().map(Flying::from).collect()
    }

    /// The same number as `raft replay --hash` prints.
    pub(crate) fn hash(&self) -> RunHash {
        RunHash::of(&self.run.records)
    }

    /// Why a server has not done something before this number of records had happened.
    pub(crate) fn why_not(&self, server: NodeId, what: &str, position: u64) -> Result<WhyNotTold, Refused> {
        self.checked(position)?;
        self.run.known(position).answer(server, what).map_err(|why| Refused::new(why.to_string()))
    }

    fn checked(&self, position: u64) -> Result<usize, Refused> {
        let count = self.run.records.len();
        let position = usize::try_from(position).ok().filter(|position| *position <= count);
        position.ok_or_else(|| Refused::new(format!("there are only {count} records so far")))
    }

    fn add(&mut self, records: Vec<Record>) {
        let first = self.run.records.len() as u64 + 1;
        (first..).zip(&records).for_each(|(number, record)| self.headlines.observe(number, record));
        self.run.records.extend(records);
    }

    /// What has happened since there was this number of records.
    fn since(&self, count: usize, said: String) -> Told<'_> {
        let world = self.world();
        Told {
            setup: None,
            records: self.run.records[count..].iter().map(RecordJson).collect(),
            headlines: self.headlines.between(count as u64, u64::MAX).collect(),
            now_us: micros(world.now()),
            next_us: world.next_due().map(micros),
            said,
            violation: world.violations().first().map(Violated::from),
        }
    }

    fn world(&self) -> &World {
        self.scenario.world().expect("a script is opened only if it has a cluster")
    }
}

/// What a run has beyond its beginning; `None` if it began otherwise.
fn actions_after(beginning: &Script, run: &Script) -> Option<Vec<Action>> {
    if beginning.options != run.options {
        return None;
    }
    if let Some(rest) = run.actions.strip_prefix(&beginning.actions[..]) {
        return Some(rest.to_vec());
    }
    // Time that passes at once after a `run` is part of it.
    let (Action::Run(until), before) = beginning.actions.split_last()? else { return None };
    let [Action::Run(all), rest @ ..] = run.actions.strip_prefix(before)? else { return None };
    let more = all.checked_sub(*until)?;
    Some([&[Action::Run(more)], rest].concat())
}
