//! The position on the tape, and what the keys do. It has no terminal and no clock: callers say how much time
//! passes.

use super::keys::{Wish, wish};
use super::steps::{Mark, Script, Steps, StoryLine};
use super::{Moment, Tape};
use crate::overlay::Overlay;
use crate::panels::Panels;
use crate::scene::Scene;
use crate::{End, INTERRUPT, speeds};
use consensus::{NodeId, Rule, Timing};
use ratatui::crossterm::event::KeyEvent;
use std::time::Duration;

/// At speed 1 the latest lines stay on the screen at least this long before more are shown.
const READING: Duration = Duration::from_millis(400);
/// In slow motion they stay longer, up to this.
const LONGEST_READING: Duration = Duration::from_secs(2);
/// How much of a pause without news is played at its beginning, and again at its end, in microseconds.
const PAUSE_PLAYED: u64 = 500_000;

const BEGINNING: &str = "space plays, → goes one step: one server handles one event";
const TO_READ: &str = "space continues, → goes one step";
const END: &str = "the end: ← steps back, Home goes to the beginning, space plays again";

pub(crate) struct Player {
    pub(crate) title: String,
    pub(crate) servers: Vec<NodeId>,
    pub(crate) timing: Option<Timing>,
    /// The rule that is switched off.
    pub(crate) without: Option<Rule>,
    pub(crate) has_colour: bool,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) panels: Panels,
    moments: Vec<Moment>,
    script: Script,
    steps: Steps,
    /// The position on the tape: one of the places of `steps`.
    place: usize,
    /// The servers at this place.
    scene: Scene,
    /// The tape's time, in microseconds.
    time: u64,
    plays: bool,
    speed: f64,
    /// How long the latest lines have been on the screen.
    readable_for: Duration,
    /// How many lines above the latest one the visible part of the story ends.
    scrolled: usize,
    /// How many lines of the story fitted on the screen when it was last drawn.
    pub(crate) page: usize,
    /// The response to the last key, and whether it is a refusal.
    notice: Option<(String, bool)>,
}

impl Player {
    /// A player that waits where the tape is opened.
    pub(crate) fn new(tape: Tape, has_colour: bool) -> Player {
        let Tape { title, servers, timing, without, moments, begin } = tape;
        let script = Script::Folded;
        let steps = Steps::cut(&servers, &moments, script);
        let place = steps.after_records(begin);
        Player {
            title,
            servers,
            timing,
            without,
            has_colour,
            overlay: None,
            panels: Panels::default(),
            place,
            scene: steps.scene_at(place),
            time: steps.place(place).t,
            plays: false,
            speed: 1.0,
            readable_for: Duration::ZERO,
            scrolled: 0,
            page: 1,
            notice: None,
            moments,
            script,
            steps,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.last() == 0
    }

    pub(crate) fn scene(&self) -> &Scene {
        &self.scene
    }

    pub(crate) fn time(&self) -> u64 {
        self.time
    }

    pub(crate) fn plays(&self) -> bool {
        self.plays
    }

    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// The number of this step and of the last one. Routine is not counted.
    pub(crate) fn step_of(&self) -> (usize, usize) {
        (self.steps.place(self.place).news, self.steps.place(self.steps.last()).news)
    }

    /// The row of the server whose step it was.
    pub(crate) fn marked(&self) -> Option<usize> {
        let actor = self.steps.place(self.place).actor?;
        self.scene.view.servers().position(|(id, _)| id == actor)
    }

    /// The latest violation so far: the property, and what happened instead.
    pub(crate) fn violation(&self) -> Option<(&str, &str)> {
        self.steps.violation(self.place)
    }

    /// The message to show now, and whether it is bad news.
    pub(crate) fn announcement(&self) -> Option<(&str, bool)> {
        if let Some((text, is_refusal)) = &self.notice {
            return Some((text, *is_refusal));
        }
        if self.steps.has_just_violated(self.place)
            && let Some((_, what_happened)) = self.violation()
        {
            return Some((what_happened, true));
        }
        let said = match self.place {
            _ if self.is_empty() => "the recording is empty: q quits",
            0 if !self.plays => BEGINNING,
            place if place == self.steps.last() => END,
            _ if self.is_narrating() => TO_READ,
            place => self.steps.command(place)?,
        };
        Some((said, false))
    }

    /// Has anything happened yet?
    pub(crate) fn has_begun(&self) -> bool {
        self.steps.has_begun(self.place)
    }

    /// The paragraphs to read here.
    pub(crate) fn prose(&self) -> &[String] {
        self.steps.prose(self.place)
    }

    /// Does it wait for what there is to read?
    pub(crate) fn is_narrating(&self) -> bool {
        !self.plays && self.steps.has_just_narrated(self.place)
    }

    /// The lines of the story that fit on a page, at the place to which it is scrolled.
    pub(crate) fn page_of_story(&self) -> impl Iterator<Item = &StoryLine> {
        let told = self.steps.place(self.place).lines;
        let end = told.saturating_sub(self.scrolled).max(self.page.min(told));
        self.steps.story(end, self.page).iter()
    }

    /// The text to explain: the paragraph that was read last, and what has just happened.
    pub(crate) fn text_to_explain(&self) -> String {
        let before = self.place.checked_sub(1).map_or(0, |before| self.steps.place(before).lines);
        let lines = self.steps.place(self.place).lines;
        let told = self.steps.story(lines, lines - before).iter().filter_map(|line| match line {
            StoryLine::Told(line) => Some(line.text.as_str()),
            StoryLine::Command(_) | StoryLine::Said(_) => None,
        });
        let texts: Vec<&str> = self.prose().last().map(String::as_str).into_iter().chain(told).collect();
        texts.join("\n")
    }

    /// Does what a key asks for. Returns how the view ends, if it does.
    pub(crate) fn on_key(&mut self, key: KeyEvent) -> Option<End> {
        let wish = wish(key)?;
        if let Some(overlay) = self.overlay
            && !matches!(wish, Wish::Interrupt | Wish::Quit)
        {
            self.overlay = overlay.after(wish == Wish::Explain);
            return None;
        }
        self.notice = None;
        match wish {
            Wish::Interrupt => return Some(End::Interrupted(INTERRUPT)),
            Wish::Quit => return Some(End::Quit),
            Wish::PlayOrPause => self.play_or_pause(),
            Wish::StepForward if self.is_at_end() => self.refuse("this is the end".to_owned()),
            Wish::StepForward => self.stop_at(self.steps.next_news(self.place)),
            Wish::StepBack if self.place == 0 => self.refuse("this is the beginning".to_owned()),
            Wish::StepBack => self.stop_at(self.steps.previous_news(self.place)),
            Wish::Next(mark) => self.jump(mark, self.steps.next(mark, self.place), "after"),
            Wish::Previous(mark) => self.jump(mark, self.steps.previous(mark, self.place), "before"),
            Wish::Beginning => self.stop_at(0),
            Wish::End => self.stop_at(self.steps.last()),
            Wish::Slower => self.set_speed(speeds::slower(self.speed)),
            Wish::Faster => self.set_speed(speeds::faster(self.speed)),
            Wish::PageUp => self.scroll_up(),
            Wish::PageDown => self.scrolled = self.scrolled.saturating_sub(self.page),
            Wish::Script => self.show_or_fold_script(),
            Wish::NextPanels => self.panels = self.panels.next(),
            Wish::Explain => self.overlay = Some(Overlay::about(&self.text_to_explain())),
            Wish::Help => self.overlay = Some(Overlay::Help),
        }
        None
    }

    fn is_at_end(&self) -> bool {
        self.place == self.steps.last()
    }

    fn refuse(&mut self, why: String) {
        self.notice = Some((why, true));
    }

    fn play_or_pause(&mut self) {
        if self.is_at_end() {
            self.stop_at(0);
        }
        self.scrolled = 0;
        self.plays = !self.plays && !self.is_empty();
    }

    fn stop_at(&mut self, place: usize) {
        self.plays = false;
        self.go_to(place);
    }

    fn go_to(&mut self, place: usize) {
        self.place = place;
        self.scene = self.steps.scene_at(place);
        self.time = self.steps.place(place).t;
        self.readable_for = Duration::ZERO;
        self.scrolled = 0;
        self.notice = None;
    }

    fn jump(&mut self, mark: Mark, place: Option<usize>, direction: &str) {
        match place {
            Some(place) => self.stop_at(place),
            None => self.refuse(format!("there is no {} {direction} this point", mark.name())),
        }
    }

    fn show_or_fold_script(&mut self) {
        if self.moments.iter().all(|moment| moment.command.is_none()) {
            return self.refuse("this is a recorded run: it has no script".to_owned());
        }
        self.script = match self.script {
            Script::Folded => Script::Shown,
            Script::Shown => Script::Folded,
        };
        let here = self.steps.place(self.place).clone();
        self.steps = Steps::cut(&self.servers, &self.moments, self.script);
        self.stop_at(self.steps.same_as(&here));
        let said = match self.script {
            Script::Shown => "the script is shown: each command, and what comes of the silent ones too",
            Script::Folded => "the script is folded away",
        };
        self.notice = Some((said.to_owned(), false));
    }

    fn set_speed(&mut self, speed: Option<f64>) {
        match speed {
            Some(speed) => self.speed = speed,
            None => self.notice = Some((speeds::no_further(self.speed), false)),
        }
    }

    /// Scrolling back stops the playing: a story that moves can't be read.
    fn scroll_up(&mut self) {
        self.plays = false;
        let furthest = self.steps.place(self.place).lines.saturating_sub(self.page);
        self.scrolled = (self.scrolled + self.page).min(furthest);
    }

    /// Continues playing for this much time in front of the screen.
    pub(crate) fn tick(&mut self, elapsed: Duration) {
        if !self.plays {
            return;
        }
        self.readable_for = self.readable_for.saturating_add(elapsed);
        let next = self.steps.next_news(self.place);
        let due = self.steps.place(next).t;
        let time = self.time.saturating_add((elapsed.as_micros() as f64 * self.speed) as u64);
        if time >= due && self.readable_for >= self.reading_time() {
            self.go_to(next);
            let is_to_be_read = self.steps.has_just_violated(next) || self.steps.has_just_narrated(next);
            self.plays = !self.is_at_end() && !is_to_be_read;
        } else {
            self.time = time.min(due);
            self.cut_pause_short(due);
            self.place = self.steps.reached(self.place, next, self.time);
            self.scene = self.steps.scene_at(self.place);
        }
    }

    fn reading_time(&self) -> Duration {
        READING.div_f64(self.speed).min(LONGEST_READING)
    }

    fn cut_pause_short(&mut self, end: u64) {
        let news = self.steps.place(self.place).news;
        let beginning = self.steps.place(self.steps.after_news(news)).t;
        let left_out = end.saturating_sub(PAUSE_PLAYED).saturating_sub(self.time);
        if self.time >= beginning + PAUSE_PLAYED && left_out > 0 {
            self.time += left_out;
            let seconds = left_out as f64 / 1e6;
            self.notice = Some((format!("skipped {seconds:.1}s in which nothing new happened"), false));
        }
    }
}
