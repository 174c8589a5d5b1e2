//! The world that is open in the page.

use crate::response::{Refused, Told, Violated};
use consensus::NodeId;
use page::{Headlines, Mode, RecordJson, Run, Setup, WhyNotTold, micros};
use simulator::{Film, Scenario, Scene, World};
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
        let (scenario, scenes) = Scenario::open(script).map_err(Refused::of_script)?;
        let Some(world) = scenario.world() else {
            return Err(Refused::of_script("no cluster starts in this script".to_owned()));
        };
        let film = Film { scenes: of_last_cluster(scenes), without: world.rules().0 };
        let title = page::title(script).unwrap_or("A simulated cluster").to_owned();
        let setup = Setup {
            timing: Some(world.options().timing.into()),
            seed: Some(world.options().seed),
            ..Setup::of_film(Mode::Simulated, title, &film)
        };
        let run = Run { setup, records: Vec::new() };
        let mut lab = Lab { scenario, run, headlines: Headlines::default() };
        film.scenes.into_iter().for_each(|scene| lab.add(scene.records));
        Ok(lab)
    }

    /// All that the page needs to know about it.
    pub(crate) fn beginning(&self) -> Told<'_> {
        Told { setup: Some(&self.run.setup), ..self.since(0, String::new()) }
    }

    /// Plays one more command.
    pub(crate) fn command(&mut self, command: &str) -> Result<Told<'_>, Refused> {
        let before = self.run.records.len();
        let scene = self.scenario.command(command).map_err(Refused::of_script)?;
        self.add(scene.records);
        Ok(self.since(before, scene.said))
    }

    /// Why a server has not done something before this number of records had happened.
    pub(crate) fn why_not(&self, server: NodeId, what: &str, position: u64) -> Result<WhyNotTold, Refused> {
        self.check(position)?;
        self.run.known(position).answer(server, what).map_err(|why| Refused::new(why.to_string()))
    }

    fn check(&self, position: u64) -> Result<(), Refused> {
        let count = self.run.records.len() as u64;
        if position > count {
            return Err(Refused::new(format!("only {count} records have happened, not {position}")));
        }
        Ok(())
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

/// The scenes of the last cluster, with what was prepared for it.
fn of_last_cluster(mut scenes: Vec<Scene>) -> Vec<Scene> {
    let begins = |scene: &Scene| scene.command.as_deref().is_some_and(|line| line.starts_with("cluster "));
    let last = scenes.iter().rposition(begins).unwrap_or(0);
    let of_others = scenes[..last].iter().rposition(|scene| !scene.records.is_empty());
    scenes.split_off(of_others.map_or(0, |place| place + 1))
}
