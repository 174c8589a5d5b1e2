//! The simulator inside the page: the servers' own code in a simulated world, with nothing to install.
//!
//! [`Engine::ask`] takes a [`Request`] in JSON and returns its outcome in JSON. The page talks with the engine
//! in no other way, and so do the tests. `exports.rs` has the functions that WebAssembly exports.
//!
//! * `request.rs`: what can be asked; `response.rs`: what is answered;
//! * `lab.rs`: the world that is open; `search.rs`: the search for a broken promise;
//! * `origin.rs`: where logs come from;
//! * `scenarios.rs`: the scenarios inside the program, and their language; `lessons.rs`: the course; `exercises.rs`: the exercises.

mod exercises;
#[cfg(target_arch = "wasm32")]
mod exports;
mod lab;
mod lessons;
mod origin;
mod request;
mod response;
mod scenarios;
mod search;

pub use request::Request;
pub use response::{
    AddedTold, AnswerTold, BlankTold, BrokenTold, ChallengeTold, CheckTold, ClaimTold, CourseTold,
    Explanation, FaultTold, Flying, Found, GradesTold, Hunted, Judged, MysteryTold, OriginTold, OutcomeTold,
    PracticeTold, PuzzleTold, Refused, RunHashTold, RunTold, SavedTold, ScriptText, Shrunk, Told, Violated,
};

use exercises::Answering;
use lab::Lab;
use origin::Origin;
use page::Run;
use response::json;
use search::Hunt;
use serde_json::value::RawValue;
use simulator::{SearchOptions, draw};
use std::time::Duration;

/// The simulator, as the page asks it.
#[derive(Debug, Default)]
pub struct Engine {
    lab: Option<Lab>,
    hunt: Option<Hunt>,
    origin: Option<Origin>,
    answering: Option<Answering>,
}

impl Engine {
    /// Does what a request asks for. The response is `{"ok": …}`, or `{"refused": …}` with a [`Refused`]'s fields.
    pub fn ask(&mut self, request: &str) -> String {
        let done = match serde_json::from_str(request) {
            Ok(request) => self.answer(request),
            Err(error) => Err(Refused::new(format!("this is no request: {error}"))),
        };
        match done {
            Ok(ok) => format!(r#"{{"ok":{ok}}}"#),
            Err(refused) => json(&refused).get().to_owned(),
        }
    }

    fn answer(&mut self, request: Request) -> Result<Box<RawValue>, Refused> {
        Ok(match request {
            Request::Open { script } => {
                let lab = self.lab.insert(Lab::open(&script)?);
                json(&lab.beginning())
            }
            Request::Do { command } => json(&self.lab()?.command(&command)?),
            Request::Run { us } => json(&self.lab()?.pass(Duration::from_micros(us))?),
            Request::Step => json(&self.lab()?.command("step")?),
            Request::Fork { position } => json(&self.lab()?.fork(position)?),
            Request::Script => json(&ScriptText { text: self.lab()?.script() }),
            Request::Messages => json(&self.lab()?.messages()),
            Request::RunHash => json(&RunHashTold { hash: self.lab()?.hash().to_string() }),
            Request::WhyNot { server, what, position } => {
                json(&self.lab()?.why_not(server, &what, position)?)
            }
            Request::Scenarios => json(&scenarios::library().titles()),
            Request::Film { path: Some(path), script: None } => {
                let run = scenarios::library().play(&path);
                raw(run.ok_or_else(|| Refused::new(format!("there is no scenario {path}")))?.embedded())
            }
            Request::Film { path: None, script: Some(script) } => {
                let run = Run::of_script("A scenario", &script);
                raw(run.map_err(|error| Refused::of_script(error.to_string()))?.embedded())
            }
            Request::Film { .. } => {
                return Err(Refused::new("name a scenario by its path, or send a script, and not both"));
            }
            Request::Hunt { without, from, steps } => {
                let goes_on = self.hunt.take_if(|hunt| hunt.is_at(without, from));
                let hunt = goes_on.map_or_else(|| Hunt::new(without, from), Ok)?;
                json(&self.hunt.insert(hunt).advance(steps)?)
            }
            Request::Shrink { steps } => {
                let hunt = self.hunt.as_mut();
                json(&hunt.ok_or_else(|| Refused::new("there is no search yet"))?.shrink(steps)?)
            }
            Request::Origin { logs, servers, moments } => {
                let goes_on = self.origin.take_if(|origin| origin.is_about(&logs, servers));
                let origin = goes_on.map_or_else(|| Origin::new(logs, servers), Ok)?;
                json(&self.origin.insert(origin).advance(moments))
            }
            Request::Claim { logs, index, term } => json(&origin::examine(&logs, index, term)?),
            Request::TraceHash { seed, without } => {
                let options = SearchOptions { without, ..SearchOptions::default() };
                json(&RunHashTold { hash: format!("{:016x}", draw(seed, &options).trace_hash()) })
            }
            Request::Course { seed } => json(&lessons::course(seed)),
            Request::Mark { card, response } => json(&lessons::mark(&card, &response)?),
            Request::Judge { card } => json(&lessons::judge(&card, self.lab()?)?),
            Request::Grade { results } => json(&lessons::grade(&results)),
            Request::Add { results, more } => json(&lessons::add(results, more)),
            Request::Practice => json(&exercises::practice()),
            Request::Answer { blank, expression, runs, steps } => {
                let goes_on = self.answering.take_if(|answering| answering.is(&blank, &expression, runs));
                let answering = goes_on.map_or_else(|| Answering::new(blank, expression, runs), Ok)?;
                json(&self.answering.insert(answering).advance(steps))
            }
            Request::Mysteries { seed, number } => json(&exercises::mysteries(seed.into(), number)),
            Request::Broken { rule } => json(&exercises::marked(rule, self.lab()?)?),
            Request::Saved { puzzle } => json(&exercises::saved(&puzzle, self.lab()?)?),
            Request::Explain { command } => json(&scenarios::explained(command.as_deref())),
        })
    }

    fn lab(&mut self) -> Result<&mut Lab, Refused> {
        self.lab.as_mut().ok_or_else(|| {
            Refused::new("there is no world yet").with_help("ask to `open` a script, such as `cluster 3`")
        })
    }
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("it was written as JSON")
}
