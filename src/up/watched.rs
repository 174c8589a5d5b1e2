//! The running cluster while it is watched: everything that happens is recorded and passed on to the page,
//! and what users ask for on the page is done.

use super::clients::{Asked, Clients, Heard};
use crate::recording::Recording;
use cluster::{Action, Cluster, SlowMotion, SlowMotionState};
use consensus::NodeId;
use std::collections::BTreeMap;
use std::time::Duration;
use trace::{Laboratory, Record};
use web::{ClientWish, Outcome, Request, Setting, Site, Wish};

/// How often to check for requests from the page.
const ATTENTION: Duration = Duration::from_millis(10);

pub(crate) struct Watched {
    cluster: Cluster,
    recording: Option<Recording>,
    site: Option<Site>,
    slow_motion: SlowMotion,
    clients: Clients,
    /// The clients of users of the page, who wait for the outcome.
    of_page: BTreeMap<u64, Request>,
    /// The last value that the key for a put has put.
    last_value: u64,
    announcements: Vec<Result<String, String>>,
}

impl Watched {
    pub(crate) fn new(
        cluster: Cluster,
        recording: Option<Recording>,
        site: Option<Site>,
        slow_motion: SlowMotion,
    ) -> Watched {
        Watched {
            cluster,
            recording,
            site,
            slow_motion,
            clients: Clients::new(),
            of_page: BTreeMap::new(),
            last_value: 0,
            announcements: Vec::new(),
        }
    }

    /// What has happened since the last call. Waits up to `timeout` for something to happen.
    pub(crate) fn news(&mut self, timeout: Duration) -> Vec<Record> {
        self.serve_page();
        self.record_outcomes();
        let usual_speed = self.slow_motion.end(self.cluster.now());
        self.set_speed(usual_speed);
        let news = self.cluster.news(timeout.min(ATTENTION));
        self.pass_on(&news);
        news
    }

    /// Does something to the servers for a person: in slow motion, if that is wanted and it may cause an
    /// election.
    pub(crate) fn perform(&mut self, action: &Action) -> Result<String, String> {
        let leader = self.cluster.view().leader();
        let slow = self.slow_motion.begin_before(action, leader, self.cluster.now());
        self.set_speed(slow);
        self.cluster.perform(action)
    }

    /// Kills the leader because of a signal. Nobody needs slow motion for that.
    pub(crate) fn kill_leader(&mut self) -> Result<String, String> {
        self.cluster.perform(&Action::KillLeader)
    }

    pub(crate) fn slow_motion(&self) -> SlowMotionState {
        self.slow_motion.state()
    }

    /// Switches slow motion on or off, and says so.
    pub(crate) fn want_slow_motion(&mut self, is_wanted: bool) -> String {
        let usual_speed = self.slow_motion.want(is_wanted);
        self.set_speed(usual_speed);
        let said =
            if is_wanted { "slow motion is on: what you do is slowed down" } else { "slow motion is off" };
        said.to_owned()
    }

    /// Runs the first election in slow motion, for a person who watches from the beginning.
    pub(crate) fn slow_first_election(&mut self) {
        let slow = self.slow_motion.begin_at_start(self.cluster.now());
        self.set_speed(slow);
    }

    /// Sets the speed that slow motion wants, if it wants one.
    fn set_speed(&mut self, wanted: Option<f64>) {
        let Some(multiple) = wanted else { return };
        if let Err(why) = self.cluster.perform(&Action::SetSpeed { multiple }) {
            self.slow_motion.want(false);
            self.announcements.push(Err(format!("no slow motion: {why}")));
        }
    }

    /// Makes a client put the next value of x, and says so. It asks this server, or the leader. The outcome
    /// is announced.
    pub(crate) fn put_next(&mut self, at: Option<NodeId>) -> Result<String, String> {
        let value = (self.last_value + 1).to_string();
        let leader = self.cluster.view().leader();
        let Asked { node, what, .. } = self.ask(ClientWish::Put { key: "x".to_owned(), value }, at)?;
        self.last_value += 1;
        let who = if leader == Some(node) { "the leader" } else { "which thinks that it still leads" };
        Ok(format!("{what}: asked {node}, {who}"))
    }

    /// What was finished since the last call, for people who watch without the page.
    pub(crate) fn announcements(&mut self) -> Vec<Result<String, String>> {
        std::mem::take(&mut self.announcements)
    }

    /// Microseconds since the cluster's start.
    pub(crate) fn now(&self) -> u64 {
        self.cluster.now()
    }

    /// Stops all servers, and returns their last records.
    pub(crate) fn stop(self) -> Vec<Record> {
        let Watched { cluster, mut recording, .. } = self;
        let news = cluster.stop();
        if let Some(recording) = &mut recording {
            recording.add(&news);
        }
        news
    }

    fn pass_on(&mut self, news: &[Record]) {
        if let Some(recording) = &mut self.recording {
            recording.add(news);
        }
        news.iter().for_each(|record| self.slow_motion.observe(record));
        if let Some(site) = &self.site {
            site.publish(news);
            site.show_slow_motion(self.slow_motion.state());
        }
    }

    fn serve_page(&mut self) {
        while let Some(request) = self.site.as_mut().and_then(Site::next_request) {
            match &request.wish {
                Wish::Act(action) => {
                    let outcome = self.perform(action);
                    request.answer(outcome.into());
                }
                Wish::Set(Setting::SlowMotion { is_wanted }) => {
                    let said = self.want_slow_motion(*is_wanted);
                    request.answer(Outcome::Done(said));
                }
                Wish::Ask(wish) => match self.ask(wish.clone(), None) {
                    Ok(asked) => {
                        self.of_page.insert(asked.client, request);
                    }
                    Err(why) => request.answer(Outcome::NotDone(why)),
                },
            }
        }
    }

    /// Makes a client ask for something, and records that before the server can.
    fn ask(&mut self, wish: ClientWish, at: Option<NodeId>) -> Result<Asked, String> {
        if matches!(wish, ClientWish::Put { .. }) && self.cluster.view().leader().is_some() {
            let slow = self.slow_motion.begin_before_put(self.cluster.now());
            self.set_speed(slow);
        }
        let asked = self.clients.ask(self.cluster.view(), &wish, at)?;
        let Asked { client, node, what, command, .. } = asked.clone();
        self.cluster.note(node, Laboratory::ClientAsks { client, what, command, again: false });
        self.clients.send(asked.clone(), wish);
        Ok(asked)
    }

    fn record_outcomes(&mut self) {
        for Heard { asked, outcome } in self.clients.heard() {
            let Asked { client, node, what, .. } = asked;
            let (answer, kind) = (outcome.to_string(), Some(outcome.kind()));
            self.cluster
                .note(node, Laboratory::ClientHears { client, answer: answer.clone(), outcome: kind });
            match self.of_page.remove(&client) {
                Some(request) => request.answer(outcome),
                None => {
                    let told = format!("{what}: {answer}");
                    let is_done = matches!(outcome, Outcome::Done(_));
                    self.announcements.push(if is_done { Ok(told) } else { Err(told) });
                }
            }
        }
    }
}
