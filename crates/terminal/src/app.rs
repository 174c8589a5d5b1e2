//! What the view knows and what the keys do. It has no terminal and no clock: callers say what time it is.

use crate::guide::Guide;
use crate::headlines::Headlines;
use crate::keys::{Wish, wish};
use crate::overlay::Overlay;
use crate::panels::Panels;
use crate::past::{Moment, Past};
use crate::rerun::Rerun;
use crate::scene::Scene;
use crate::slow_clock::SlowClock;
use crate::{End, INTERRUPT, Setup, speeds};
use cluster::{Action, Links, SlowMotionState};
use consensus::{NodeId, Profile, RoleKind};
use ratatui::crossterm::event::KeyEvent;
use std::collections::VecDeque;
use trace::{Condition, Event, FaultyLink, Feed, FeedLine, Laboratory, Record};

/// Maximum number of lines of the story that are kept.
const HISTORY: usize = 10_000;
/// How long an announcement stays on the screen, in microseconds.
const ANNOUNCEMENT: u64 = 5_000_000;

/// How long no key was pressed before an election is shown again, in microseconds.
const QUIET: u64 = 1_000_000;

/// What the caller must do after a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    Perform(Action),
    WantSlowMotion(bool),
    /// Put the next value into the store: through this server, or the leader.
    Put(Option<NodeId>),
    /// Open the page with this address.
    OpenPage(String),
    End(End),
}

pub(crate) struct App {
    pub(crate) setup: Setup,
    pub(crate) has_colour: bool,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) panels: Panels,
    /// The chosen server's place in the table.
    pub(crate) selected: usize,
    live: Scene,
    past: Past,
    frozen: Option<Frozen>,
    /// An election that was not slowed down, to be shown again.
    finished: Option<Rerun>,
    /// When a key was pressed last.
    pressed_at: u64,
    clock: SlowClock,
    pub(crate) headlines: Headlines,
    /// Is each line of the story shown, rather than the headlines?
    pub(crate) is_unfolded: bool,
    pub(crate) guide: Guide,
    pub(crate) slow_motion: SlowMotionState,
    feed: Feed,
    story: VecDeque<FeedLine>,
    /// Number of lines so far, those no longer kept included.
    told: u64,
    /// Number of lines that fitted on the screen when it was last drawn.
    pub(crate) page: u64,
    announcement: Option<Announcement>,
}

/// A moment of the past that is shown.
struct Frozen {
    moment: Moment,
    /// The headlines as they were then; `None` where they are not shown.
    headlines: Option<Headlines>,
    /// How many lines above the latest one the screen ends.
    scrolled: u64,
    /// Are the lines of the story shown, because they lead to this moment?
    shows_lines: bool,
    /// The election that is being shown again, and since when.
    rerun: Option<(Rerun, u64)>,
}

impl Frozen {
    /// This moment, with the lines that lead to it.
    fn at(moment: Moment) -> Frozen {
        Frozen { moment, headlines: None, scrolled: 0, shows_lines: true, rerun: None }
    }
}

/// What was done, or why it was not.
struct Announcement {
    text: String,
    is_refusal: bool,
    at: u64,
}

impl App {
    pub(crate) fn new(setup: Setup, has_colour: bool) -> App {
        App {
            has_colour,
            overlay: None,
            panels: Panels::default(),
            selected: 0,
            live: Scene::new(&setup.servers),
            past: Past::new(&setup.servers),
            frozen: None,
            finished: None,
            pressed_at: 0,
            clock: SlowClock::new(setup.speed),
            headlines: Headlines::default(),
            is_unfolded: false,
            guide: Guide::new(),
            slow_motion: SlowMotionState::default(),
            feed: Feed::new(),
            story: VecDeque::new(),
            told: 0,
            page: 1,
            announcement: None,
            setup,
        }
    }

    /// Processes a record.
    pub(crate) fn observe(&mut self, record: &Record) {
        if let Event::Laboratory(Laboratory::Speed { millionths }) = record.event {
            self.clock.set_speed(record.t, millionths as f64 / 1e6);
        }
        self.guide.observe(&self.live.view, record);
        self.live.observe(record, self.clock.at(record.t));
        let elections = self.headlines.episodes().elections_won();
        self.headlines.observe(record, self.told);
        if self.headlines.episodes().elections_won() > elections && self.frozen.is_none() {
            let election = self.headlines.all().last();
            self.finished = election.and_then(|election| Rerun::of(election, record.t, self.clock.speed()));
        }
        for line in self.feed.tell(record) {
            self.story.push_back(line);
            self.told += 1;
        }
        let surplus = self.story.len().saturating_sub(HISTORY);
        self.story.drain(..surplus);
        self.past.add(record, self.clock.at(record.t), self.clock.speed(), self.told);
    }

    /// Shows an election that was too fast to be seen again, slowly, if no key is pressed; then the present.
    pub(crate) fn tick(&mut self, now: u64) {
        if let Some(Frozen { moment, rerun: Some((rerun, since)), .. }) = &mut self.frozen {
            match rerun.moment(now.saturating_sub(*since)) {
                Some(t) => self.past.go_on(moment, t),
                None => self.frozen = None,
            }
            return;
        }
        let Some(rerun) = self.finished.filter(|rerun| now >= rerun.due.max(self.pressed_at + QUIET)) else {
            return;
        };
        self.finished = None;
        let is_wanted = self.slow_motion.is_wanted && !self.slow_motion.is_on;
        if is_wanted && self.frozen.is_none() && self.overlay.is_none() {
            let moment = self.past.at(rerun.from);
            self.frozen = Some(Frozen { rerun: Some((rerun, now)), ..Frozen::at(moment) });
        }
    }

    /// A person does something: the present must be visible.
    pub(crate) fn go_live(&mut self) {
        self.frozen = None;
    }

    /// The headlines at the moment to draw.
    pub(crate) fn headlines(&self) -> &Headlines {
        self.frozen.as_ref().and_then(|frozen| frozen.headlines.as_ref()).unwrap_or(&self.headlines)
    }

    fn headlines_mut(&mut self) -> &mut Headlines {
        self.frozen.as_mut().and_then(|frozen| frozen.headlines.as_mut()).unwrap_or(&mut self.headlines)
    }

    /// Is an election shown again?
    pub(crate) fn is_rerun(&self) -> bool {
        self.frozen.as_ref().is_some_and(|frozen| frozen.rerun.is_some())
    }

    /// Is each line of the story shown, rather than the headlines?
    pub(crate) fn shows_lines(&self) -> bool {
        self.is_unfolded || self.frozen.as_ref().is_some_and(|frozen| frozen.shows_lines)
    }

    /// Shows what was done, or why it was not.
    pub(crate) fn announce(&mut self, outcome: Result<String, String>, now: u64) {
        let is_refusal = outcome.is_err();
        let text = outcome.unwrap_or_else(|refusal| refusal);
        self.announcement = Some(Announcement { text, is_refusal, at: now });
    }

    /// Shows the outcome of a command.
    pub(crate) fn record_outcome(&mut self, action: &Action, outcome: Result<String, String>, now: u64) {
        if let (Action::SetSpeed { multiple }, Ok(_)) = (action, &outcome) {
            self.clock.set_speed(now, *multiple);
        }
        self.go_live();
        self.announce(outcome, now);
    }

    /// The announcement to show now, and whether it is a refusal.
    pub(crate) fn announcement(&self, now: u64) -> Option<(&str, bool)> {
        let announcement = self.announcement.as_ref()?;
        let is_fresh = now.saturating_sub(announcement.at) < ANNOUNCEMENT;
        is_fresh.then_some((announcement.text.as_str(), announcement.is_refusal))
    }

    /// What to draw: the present, or the moment at which the view was frozen.
    pub(crate) fn scene(&self) -> &Scene {
        self.frozen.as_ref().map_or(&self.live, |frozen| &frozen.moment.scene)
    }

    /// The moment to draw.
    pub(crate) fn time(&self, now: u64) -> u64 {
        self.frozen.as_ref().map_or(now, |frozen| frozen.moment.at)
    }

    /// When the view was frozen, and how many lines have come since; `None` if it is live.
    pub(crate) fn frozen_since(&self) -> Option<(u64, u64)> {
        self.frozen.as_ref().map(|Frozen { moment, .. }| (moment.at, self.told - moment.told))
    }

    pub(crate) fn speed(&self) -> f64 {
        self.clock.speed()
    }

    /// The servers' own time at the moment to draw.
    pub(crate) fn servers_time(&self, now: u64) -> f64 {
        self.frozen.as_ref().map_or_else(|| self.clock.at(now), |frozen| frozen.moment.servers_time)
    }

    /// The lines of the story that fit on a page, at the place to which it is scrolled.
    pub(crate) fn page_of_story(&self) -> impl Iterator<Item = &FeedLine> {
        let forgotten = self.told - self.story.len() as u64;
        let end = self.frozen.as_ref().map_or(self.told, |frozen| frozen.moment.told - frozen.scrolled);
        let end = end.saturating_sub(forgotten).max(self.page.min(self.story.len() as u64));
        let start = end.saturating_sub(self.page);
        self.story.range(start as usize..end as usize)
    }

    /// The part of the story to explain: the chosen headline, or the lines on the screen.
    pub(crate) fn text_to_explain(&self) -> String {
        if self.is_unfolded {
            let lines: Vec<&str> = self.page_of_story().map(|line| line.text.as_str()).collect();
            return lines.join("\n");
        }
        let headlines = self.headlines();
        headlines.chosen().map(|place| headlines.all()[place].to_string()).unwrap_or_default()
    }

    /// Handles a key. Returns what the caller must do, if anything.
    pub(crate) fn on_key(&mut self, key: KeyEvent, now: u64) -> Option<Command> {
        let wish = wish(key)?;
        self.pressed_at = now;
        if let Some(overlay) = self.overlay
            && !matches!(wish, Wish::Interrupt | Wish::Quit)
        {
            self.overlay = overlay.after(wish == Wish::Explain);
            return None;
        }
        match wish {
            Wish::Interrupt => return Some(Command::End(End::Interrupted(INTERRUPT))),
            Wish::Quit => return Some(Command::End(End::Quit)),
            Wish::Put => return Some(Command::Put(self.selected_leader())),
            Wish::OpenPage => match &self.setup.page {
                Some(page) => return Some(Command::OpenPage(page.clone())),
                None => self.announce(Err("there is no page: it was started with --no-web".to_owned()), now),
            },
            Wish::Guide => self.guide.is_shown = !self.guide.is_shown,
            Wish::SlowMotion => return Some(Command::WantSlowMotion(!self.slow_motion.is_wanted)),
            Wish::Unfold => self.unfold_or_fold(now),
            Wish::KillLeader => return Some(Command::Perform(self.kill_leader(now))),
            Wish::Kill => return Some(Command::Perform(Action::Kill { node: self.selected_server() })),
            Wish::Restart => return self.restart(now),
            Wish::PauseOrResume => return Some(Command::Perform(self.pause_or_resume())),
            Wish::IsolateOrMend => return Some(Command::Perform(self.isolate_or_mend())),
            Wish::ForceTimeout => {
                return Some(Command::Perform(Action::ForceTimeout { node: self.selected_server() }));
            }
            Wish::AlignTimers => return Some(Command::Perform(Action::AlignTimers)),
            Wish::AddServer => return Some(Command::Perform(Action::AddServer)),
            Wish::RemoveServer => {
                return Some(Command::Perform(Action::RemoveServer { node: self.selected_server() }));
            }
            Wish::ReplaceServer => {
                return Some(Command::Perform(Action::ReplaceServer { node: self.selected_server() }));
            }
            Wish::HandOver => {
                return Some(Command::Perform(Action::Transfer { to: self.selected_server() }));
            }
            Wish::ChangeProfile => return Some(Command::Perform(self.change_profile())),
            Wish::Slower => return self.change_speed(now, speeds::slower(self.speed())),
            Wish::Faster => return self.change_speed(now, speeds::faster(self.speed())),
            Wish::SelectNumber(number) => self.select(NodeId(number), now),
            Wish::SelectPrevious => self.selected = self.selected.saturating_sub(1),
            Wish::SelectNext => self.selected = (self.selected + 1).min(self.servers().len() - 1),
            Wish::Back if self.is_rerun() => self.go_live(),
            Wish::Freeze if self.is_rerun() => self.stop_rerun(),
            Wish::Freeze if self.frozen.is_some() => self.frozen = None,
            Wish::Freeze => self.freeze(now),
            Wish::StepForward => self.step(now, Past::next, "this is the latest event: space resumes"),
            Wish::StepBack => self.step(now, Past::previous, "what was before is not kept"),
            Wish::PageUp if !self.shows_lines() => self.headlines_mut().choose_earlier(1),
            Wish::PageDown if !self.shows_lines() => self.headlines_mut().choose_later(1),
            Wish::Oldest if !self.shows_lines() => self.headlines_mut().choose_earlier(usize::MAX),
            Wish::Newest if !self.shows_lines() => self.headlines_mut().choose_later(usize::MAX),
            Wish::PageUp => self.scroll_up(now, self.page),
            Wish::PageDown => self.scroll_down(self.page),
            Wish::Oldest => self.scroll_up(now, u64::MAX),
            Wish::Back if self.is_unfolded => self.unfold_or_fold(now),
            Wish::Newest | Wish::Back => self.frozen = None,
            Wish::NextPanels => self.panels = self.panels.next(),
            Wish::Explain => self.overlay = Some(Overlay::about(&self.text_to_explain())),
            Wish::Help => self.overlay = Some(Overlay::Help),
            Wish::Suspend => {
                self.announce(Ok("s pauses a server; the view itself can't be suspended".to_owned()), now)
            }
        }
        None
    }

    /// All servers, in the order of the table. Some may have been added since the start.
    fn servers(&self) -> Vec<NodeId> {
        self.live.view.servers().map(|(id, _)| id).collect()
    }

    fn selected_server(&self) -> NodeId {
        self.servers()[self.selected]
    }

    /// The selected server, if it believes that it leads: there may be a leader of a newer term.
    fn selected_leader(&self) -> Option<NodeId> {
        let id = self.selected_server();
        let server = self.live.view.server(id)?;
        (server.is_running() && server.role == Some(RoleKind::Leader)).then_some(id)
    }

    /// Switches all servers to the profile that the leader does not have (without a leader: any server).
    fn change_profile(&self) -> Action {
        let view = &self.live.view;
        let leader = view.leader().and_then(|leader| view.server(leader));
        let known = leader.or_else(|| view.servers().map(|(_, server)| server).next());
        let is_production = known.is_some_and(|server| server.profile == Some(Profile::PRODUCTION));
        Action::SetProfile { profile: if is_production { Profile::PAPER } else { Profile::PRODUCTION } }
    }

    fn select(&mut self, id: NodeId, now: u64) {
        match self.servers().iter().position(|&server| server == id) {
            Some(place) => self.selected = place,
            None => self.announce(Err(format!("there is no {id} in this cluster")), now),
        }
    }

    /// Kills the leader that is visible, and selects it: the next key is most often to restart it.
    fn kill_leader(&mut self, now: u64) -> Action {
        let Some(leader) = self.live.view.leader() else { return Action::KillLeader };
        self.select(leader, now);
        Action::Kill { node: leader }
    }

    /// Restarts a dead server. A running one is not killed for it.
    fn restart(&mut self, now: u64) -> Option<Command> {
        let id = self.selected_server();
        let refusal = match self.live.view.server(id).map(|server| server.condition) {
            Some(Condition::Running) => format!("{id} is running: k kills it, then r restarts it"),
            Some(Condition::Paused) => format!("{id} is paused, not dead: s resumes it"),
            _ => return Some(Command::Perform(Action::Restart { node: id })),
        };
        self.announce(Err(refusal), now);
        None
    }

    fn pause_or_resume(&self) -> Action {
        let id = self.selected_server();
        let condition = self.live.view.server(id).map(|server| server.condition);
        if condition == Some(Condition::Paused) {
            Action::Resume { node: id }
        } else {
            Action::Pause { node: id }
        }
    }

    fn isolate_or_mend(&self) -> Action {
        let id = self.selected_server();
        let mut cut = self.live.view.network().faulty_links().filter(|faulty| faulty.faults.cut);
        let links = Links::Of(id);
        if cut.any(|FaultyLink { link, .. }| link.from == id || link.to == id) {
            Action::Mend { links }
        } else {
            Action::Cut { links }
        }
    }

    /// Shows each line of the chosen episode from its first one on, or the headlines again.
    fn unfold_or_fold(&mut self, now: u64) {
        let begin = self.headlines().begin_of_chosen();
        self.frozen = None;
        self.is_unfolded = !self.is_unfolded;
        if let Some(begin) = begin.filter(|_| self.is_unfolded) {
            let below = self.told.saturating_sub(begin + self.page);
            self.scroll_up(now, below);
        }
    }

    fn change_speed(&mut self, now: u64, speed: Option<f64>) -> Option<Command> {
        if speed.is_none() {
            self.announce(Ok(speeds::no_further(self.speed())), now);
        }
        speed.map(|speed| Command::Perform(Action::SetSpeed { multiple: speed }))
    }

    fn freeze(&mut self, now: u64) {
        let moment = self.past.present(self.live.clone(), now, self.clock.at(now), self.told);
        self.frozen = Some(Frozen {
            headlines: Some(self.headlines.clone()),
            shows_lines: false,
            ..Frozen::at(moment)
        });
    }

    /// Freezes the view where it is.
    fn stop_rerun(&mut self) {
        if let Some(frozen) = &mut self.frozen {
            frozen.rerun = None;
        }
    }

    /// Shows another moment of the latest past, if there is one.
    fn step(&mut self, now: u64, other: fn(&Past, &Moment) -> Option<Moment>, refusal: &str) {
        if self.frozen.is_none() {
            self.freeze(now);
        }
        let Some(frozen) = &self.frozen else { return };
        match other(&self.past, &frozen.moment) {
            Some(moment) => {
                self.announcement = None;
                self.frozen = Some(Frozen::at(moment));
            }
            None => self.announce(Err(refusal.to_owned()), now),
        }
    }

    /// Scrolling back freezes the view: a story that moves can't be read.
    fn scroll_up(&mut self, now: u64, lines: u64) {
        if self.frozen.is_none() {
            self.freeze(now);
        }
        if let Some(frozen) = &mut self.frozen {
            let forgotten = self.told - self.story.len() as u64;
            let furthest = frozen.moment.told.saturating_sub(forgotten).saturating_sub(self.page);
            frozen.scrolled = frozen.scrolled.saturating_add(lines).min(furthest);
        }
    }

    fn scroll_down(&mut self, lines: u64) {
        if let Some(frozen) = &mut self.frozen {
            frozen.scrolled = frozen.scrolled.saturating_sub(lines);
        }
    }
}
