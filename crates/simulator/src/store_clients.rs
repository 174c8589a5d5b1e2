//! Clients of the key-value store: they ask, wait, ask again, and remember what they were told.

use crate::action::Wish;
use crate::application::Application;
use crate::machine::StoreMachine;
use crate::rules::AllBut;
use crate::world::Refusal;
use consensus::{Rule, Rules};
use driver::{Outcomes, ReadOutcome, RequestId, WriteOutcome};
use kv::{Command, DEFAULT_SESSIONS, SessionId, Store, Write};
use linearizability::{Answer, BadHistory, History, Pending, Request, Verdict, check_within};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace::OutcomeKind;

/// All of them, and what they remember together.
#[derive(Debug, Default)]
pub struct StoreClients {
    clients: BTreeMap<u64, Client>,
    history: History,
    /// Counts what happens to clients: the history's clock.
    now: u64,
    tries: u64,
}

#[derive(Debug, Default)]
struct Client {
    session: Option<SessionId>,
    sequence: u64,
    waits_for: Option<Waiting>,
}

/// What a client waits for.
#[derive(Debug)]
struct Waiting {
    wish: Wish,
    /// None for a session.
    pending: Option<Pending>,
    /// The tries of which it has heard nothing yet.
    open: BTreeSet<RequestId>,
    /// An earlier try may have been executed.
    in_doubt: bool,
}

/// What a server is asked.
#[derive(Debug)]
pub enum Asked {
    Write(Arc<[u8]>),
    Read,
}

/// A try on its way to a server.
#[derive(Debug)]
pub struct Try {
    pub(crate) id: RequestId,
    pub(crate) asked: Asked,
    /// In words.
    pub(crate) what: String,
    /// Its command as an entry holds it, in words; `None` for a read.
    pub(crate) command: Option<String>,
}

/// What a client is told.
#[derive(Debug)]
pub struct Heard {
    pub(crate) client: u64,
    /// In words.
    pub(crate) answer: String,
    pub(crate) outcome: OutcomeKind,
}

/// The numbers of the requests of an application's own clients begin here.
pub(crate) const FIRST: u64 = 1_000;

/// The key of what is proposed. The clients leave it alone, since their history knows nothing of proposals.
pub(crate) const PROPOSED: char = 'v';

impl Application for StoreClients {
    type Machine = StoreMachine;

    fn command(&self, value: u64) -> Option<Arc<[u8]>> {
        let (key, value) = (PROPOSED.to_string(), value.to_string());
        let put = Command::Write(Write::put(key.as_bytes(), value.as_bytes()));
        Some(put.encode().expect("key and value are short").into())
    }

    fn ask(&mut self, client: u64, wish: Wish, rules: AllBut) -> Result<Try, Refusal> {
        self.attempt(client, wish, rules)
            .ok_or_else(|| Refusal(format!("c{client} has nothing that it could ask for again")))
    }

    fn hear(
        &mut self,
        outcomes: &mut Outcomes<kv::Answer>,
        machine: &StoreMachine,
    ) -> Vec<(RequestId, Heard)> {
        let mut heard = Vec::new();
        let Outcomes { writes, reads, .. } = outcomes;
        for (request, outcome) in writes.extract_if(.., |(request, _)| is_theirs(*request)) {
            heard.extend(self.note_write(request, outcome).map(|told| (request, told)));
        }
        for (request, outcome) in reads.extract_if(.., |(request, _)| is_theirs(*request)) {
            heard.extend(self.note_read(request, outcome, &machine.store).map(|told| (request, told)));
        }
        heard
    }

    fn contradiction(&self, most_steps: u64) -> Result<Option<BadHistory>, Refusal> {
        match check_within(&self.history, most_steps) {
            Verdict::Violation(bad) => Ok(Some(bad)),
            Verdict::Ok => Ok(None),
            Verdict::Undecided { key, .. } => {
                Err(Refusal(format!("too much happened to key {key} to be checked")))
            }
        }
    }
}

/// Is this the number of a request of theirs?
fn is_theirs(id: RequestId) -> bool {
    id.0 > FIRST
}

impl StoreClients {
    /// A client wants something. `None` if it can't ask for that now.
    fn attempt(&mut self, name: u64, wish: Wish, rules: AllBut) -> Option<Try> {
        let is_numbered = rules.hold(Rule::OncePerClientRequest);
        let client = self.clients.entry(name).or_default();
        self.now += 1;
        if wish == Wish::Retry {
            let waiting = client.waits_for.as_ref()?;
            let is_harmless = matches!(waiting.wish, Wish::Get(_) | Wish::OpenSession);
            if !is_harmless && is_numbered && client.session.is_none() {
                return None;
            }
        } else {
            // What it waited for before has no outcome: it may happen at any time.
            client.sequence += 1;
            let request = request_of(wish).map(|(key, request)| (key.to_string(), request));
            let pending = request.map(|(key, request)| self.history.call(name, key, request, self.now));
            client.waits_for = Some(Waiting { wish, pending, open: BTreeSet::new(), in_doubt: false });
        }
        self.tries += 1;
        let id = RequestId(FIRST + self.tries);
        let session = client.session.filter(|_| is_numbered);
        let request = session.map(|session| kv::Request { session, sequence: client.sequence });
        let waiting = client.waits_for.as_mut().expect("it waits since just now");
        waiting.open.insert(id);
        let (asked, what, command) = spell_out(waiting.wish, request);
        Some(Try { id, asked, what, command })
    }

    /// A try to write has an outcome. Returns what the client hears of it.
    fn note_write(&mut self, id: RequestId, outcome: WriteOutcome<kv::Answer>) -> Option<Heard> {
        let (name, client) = self.take_up(id)?;
        let answer = match outcome {
            WriteOutcome::Applied { answer: kv::Answer::SessionUnknown { .. }, .. } => {
                client.session = None;
                None
            }
            WriteOutcome::Applied { answer, .. } => Some(answer),
            WriteOutcome::Uncertain => {
                client.waits_for.as_mut().expect("it waits").in_doubt = true;
                return None;
            }
            WriteOutcome::NotLeader { .. } | WriteOutcome::Replaced => None,
        };
        match answer {
            Some(answer) => self.tell(name, |client, history, now| client.hears(answer, history, now)),
            None => self.give_up_if_certain(name),
        }
    }

    /// A try to read has an outcome. Returns what the client hears of it.
    fn note_read(&mut self, id: RequestId, outcome: ReadOutcome, store: &Store) -> Option<Heard> {
        let (name, _) = self.take_up(id)?;
        match outcome {
            ReadOutcome::Readable => {
                self.tell(name, |client, history, now| client.reads(store, history, now))
            }
            ReadOutcome::NotLeader { .. } => self.give_up_if_certain(name),
        }
    }

    /// The client that waits for this try, which is over.
    fn take_up(&mut self, id: RequestId) -> Option<(u64, &mut Client)> {
        let is_asked_for =
            |client: &Client| client.waits_for.as_ref().is_some_and(|it| it.open.contains(&id));
        let (&name, client) = self.clients.iter_mut().find(|(_, client)| is_asked_for(client))?;
        self.now += 1;
        client.waits_for.as_mut().expect("it waits").open.remove(&id);
        Some((name, client))
    }

    fn tell(
        &mut self,
        name: u64,
        words: impl FnOnce(&mut Client, &mut History, u64) -> (String, OutcomeKind),
    ) -> Option<Heard> {
        let client = self.clients.get_mut(&name)?;
        let (answer, outcome) = words(client, &mut self.history, self.now);
        Some(Heard { client: name, answer, outcome })
    }

    fn give_up_if_certain(&mut self, name: u64) -> Option<Heard> {
        let gives_up = self.clients.get_mut(&name)?.gives_up_if_certain(&mut self.history);
        let (answer, outcome) = ("not done".to_owned(), OutcomeKind::NotDone);
        gives_up.then_some(Heard { client: name, answer, outcome })
    }
}

impl Client {
    /// It may read.
    fn reads(&mut self, store: &Store, history: &mut History, now: u64) -> (String, OutcomeKind) {
        let waiting = self.waits_for.take().expect("it waits");
        let (Wish::Get(key), Some(pending)) = (waiting.wish, waiting.pending) else {
            unreachable!("only reads become readable")
        };
        let record = store.get(key.to_string().as_bytes());
        let (answer, words) = match record {
            None => (Answer::NotFound, format!("there is no {key}")),
            Some(record) => {
                let value = String::from_utf8_lossy(&record.value).into_owned();
                let (words, version) = (format!("{key} is {value}"), Some(record.version.0));
                (Answer::Found { value, version }, words)
            }
        };
        history.returned(pending, answer, now);
        (words, OutcomeKind::Done)
    }

    /// Its request was executed.
    fn hears(&mut self, answer: kv::Answer, history: &mut History, now: u64) -> (String, OutcomeKind) {
        let waiting = self.waits_for.take().expect("it waits");
        if let kv::Answer::SessionOpened { session } = answer {
            (self.session, self.sequence) = (Some(session), 0);
        }
        if let Some(pending) = waiting.pending {
            match Answer::of_store(answer) {
                Some(answer) => history.returned(pending, answer, now),
                None => history.uncertain(pending),
            }
        }
        let outcome = match answer {
            kv::Answer::Written { .. } | kv::Answer::Deleted | kv::Answer::SessionOpened { .. } => {
                OutcomeKind::Done
            }
            kv::Answer::SequenceForgotten { .. } | kv::Answer::SessionUnknown { .. } => OutcomeKind::Unknown,
            kv::Answer::NotFound
            | kv::Answer::VersionDiffers { .. }
            | kv::Answer::ValueDiffers { .. }
            | kv::Answer::Invalid(_) => OutcomeKind::NotDone,
        };
        (answer.to_string(), outcome)
    }

    /// One try has certainly not been executed. If none can have been, it was for nothing.
    fn gives_up_if_certain(&mut self, history: &mut History) -> bool {
        let Some(waiting) = self.waits_for.take_if(|it| it.open.is_empty() && !it.in_doubt) else {
            return false;
        };
        if let Some(pending) = waiting.pending {
            history.did_not_happen(pending);
        }
        true
    }
}

/// What a wish is about, as the history has it; `None` if it is not about a key.
fn request_of(wish: Wish) -> Option<(char, Request)> {
    Some(match wish {
        Wish::Get(key) => (key, Request::Read),
        Wish::Put(key, value) => (key, Request::write(value.to_string())),
        Wish::Delete(key) => (key, Request::Delete { if_version: None }),
        Wish::CompareAndSwap(key, expected, new) => {
            let (expected, new) = (expected.to_string(), new.to_string());
            (key, Request::CompareAndSwap { expected, new, if_version: None })
        }
        Wish::OpenSession | Wish::Retry => return None,
    })
}

/// What a server is asked, that in words, and a command as an entry holds it.
fn spell_out(wish: Wish, request: Option<kv::Request>) -> (Asked, String, Option<String>) {
    let (key, value, new) = match wish {
        Wish::Get(key) => return (Asked::Read, format!("get {key}"), None),
        Wish::OpenSession => return asked(&Command::OpenSession { at_most: DEFAULT_SESSIONS }),
        Wish::Put(key, value) => (key, value, 0),
        Wish::CompareAndSwap(key, expected, new) => (key, expected, new),
        Wish::Delete(key) => (key, 0, 0),
        Wish::Retry => unreachable!("a client asks for the same again"),
    };
    let (key, value, new) = (key.to_string(), value.to_string(), new.to_string());
    let (key, value, new) = (key.as_bytes(), value.as_bytes(), new.as_bytes());
    let write = match wish {
        Wish::Put(..) => Write::put(key, value),
        Wish::CompareAndSwap(..) => Write::compare_and_swap(key, value, new),
        _ => Write::delete(key),
    };
    asked(&Command::Write(Write { request, ..write }))
}

fn asked(command: &Command<'_>) -> (Asked, String, Option<String>) {
    let encoded = command.encode().expect("letters and numbers are short");
    (Asked::Write(encoded.into()), command.to_string(), Some(command.brief()))
}
