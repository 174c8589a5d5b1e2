//! A user's application in a world, and its clients.

use crate::action::Wish;
use crate::application::Application;
use crate::chance::Random;
use crate::rules::AllBut;
use crate::store_clients::{Asked, FIRST, Heard, Try};
use crate::watched::{Testable, Watched};
use crate::world::Refusal;
use driver::{Outcomes, ReadOutcome, RequestId, StateMachine, WriteOutcome};
use linearizability::BadHistory;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use trace::OutcomeKind;

/// Draws a command.
pub(crate) type Draw = dyn Fn(&mut Random) -> Vec<u8> + Send + Sync;

/// Where commands come from: each has a number.
#[derive(Clone)]
pub(crate) enum Commands {
    /// A test has proposed these, the first of them as number 0.
    Given(Vec<Arc<[u8]>>),
    /// They are drawn from this seed, each apart, so that it does not matter which of them are left out.
    Drawn { seed: u64, draw: Arc<Draw> },
}

/// The application, as its clients see it.
pub struct Tested<M: StateMachine> {
    pub(crate) commands: Commands,
    /// What each client c1, c2, … waits for.
    waiting: BTreeMap<u64, Waiting>,
    tries: u64,
    /// The outcomes of commands.
    pub(crate) writes: BTreeMap<RequestId, WriteOutcome<M::Answer>>,
    /// The outcomes of reads.
    pub(crate) reads: BTreeMap<RequestId, ReadOutcome>,
}

struct Waiting {
    wish: Wish,
    latest_try: RequestId,
}

impl<M: StateMachine> fmt::Debug for Tested<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tested").field("tries", &self.tries).finish_non_exhaustive()
    }
}

impl<M: Testable> Tested<M> {
    pub(crate) fn new(commands: Commands) -> Tested<M> {
        let (waiting, writes, reads) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Tested { commands, waiting, tries: 0, writes, reads }
    }

    /// The client that waits for this is told.
    fn tell(&mut self, id: RequestId, answer: String, outcome: OutcomeKind) -> Option<(RequestId, Heard)> {
        let (&client, _) = self.waiting.iter().find(|(_, waiting)| waiting.latest_try == id)?;
        self.waiting.remove(&client);
        Some((id, Heard { client, answer, outcome }))
    }
}

impl<M: Testable> Application for Tested<M> {
    type Machine = Watched<M>;

    fn command(&self, value: u64) -> Option<Arc<[u8]>> {
        match &self.commands {
            Commands::Given(commands) => commands.get(usize::try_from(value).ok()?).cloned(),
            Commands::Drawn { seed, draw } => Some(draw(&mut Random::of(*seed, value)).into()),
        }
    }

    fn ask(&mut self, client: u64, wish: Wish, _rules: AllBut) -> Result<Try, Refusal> {
        if let Commands::Given(_) = self.commands {
            return Err(Refusal(format!("there is no client c{client}: propose what it wants")));
        }
        let wish = match (wish, self.waiting.get(&client)) {
            (Wish::Retry, Some(waiting)) => waiting.wish,
            (Wish::Retry, None) => return Err(Refusal(format!("c{client} waits for nothing"))),
            _ => wish,
        };
        let (asked, what) = match number_of(wish) {
            None => (Asked::Read, "read".to_owned()),
            Some(number) => {
                let command = self.command(client << 32 | number).expect("every number has a drawn command");
                let words = M::words(&command);
                (Asked::Write(command), words)
            }
        };
        self.tries += 1;
        let id = RequestId(FIRST + self.tries);
        self.waiting.insert(client, Waiting { wish, latest_try: id });
        let command = matches!(asked, Asked::Write(_)).then(|| what.clone());
        Ok(Try { id, asked, what, command })
    }

    fn hear(&mut self, outcomes: &mut Outcomes<M::Answer>, _machine: &Watched<M>) -> Vec<(RequestId, Heard)> {
        let mut heard = Vec::new();
        for (id, outcome) in &outcomes.writes {
            heard.extend(match outcome {
                WriteOutcome::Applied { answer, .. } => {
                    self.tell(*id, format!("{answer:?}"), OutcomeKind::Done)
                }
                WriteOutcome::Replaced | WriteOutcome::NotLeader { .. } => {
                    self.tell(*id, "not done".to_owned(), OutcomeKind::NotDone)
                }
                WriteOutcome::Uncertain => None,
            });
        }
        for (id, outcome) in &outcomes.reads {
            heard.extend(match outcome {
                ReadOutcome::Readable => self.tell(*id, "read".to_owned(), OutcomeKind::Done),
                ReadOutcome::NotLeader { .. } => self.tell(*id, "not done".to_owned(), OutcomeKind::NotDone),
            });
        }
        self.writes.extend(outcomes.writes.iter().cloned());
        self.reads.extend(outcomes.reads.iter().copied());
        heard
    }

    fn contradiction(&self, _most_steps: u64) -> Result<Option<BadHistory>, Refusal> {
        Ok(None)
    }
}

/// The number of the command that a client wants; `None` if it wants to read. What the key-value store's clients draw says
/// when clients ask, and for which of the commands.
fn number_of(wish: Wish) -> Option<u64> {
    match wish {
        Wish::Get(_) | Wish::Retry => None,
        Wish::Put(_, value) | Wish::CompareAndSwap(_, _, value) => Some(value),
        Wish::Delete(key) => Some(u64::from(u32::from(key)) << 16),
        Wish::OpenSession => Some(0),
    }
}
