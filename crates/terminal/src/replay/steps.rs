//! The tape, cut into steps, and what is visible after each.

use super::Moment;
use crate::scene::Scene;
use consensus::event::What;
use consensus::{Message, NodeId};
use trace::{Event, Feed, FeedLine, Io, Laboratory, Record};

/// One scene in this many is kept. Any other is rebuilt from the nearest one before it.
const KEPT_SCENES: usize = 100;

/// What happened, in steps. A step is a server's reaction to one input, a paragraph to read, a command, or a
/// table. Many steps are routine: the story leaves them out.
pub(crate) struct Steps {
    records: Vec<Record>,
    story: Vec<StoryLine>,
    /// The text to read, passage by passage, each in paragraphs.
    prose: Vec<Vec<String>>,
    /// The possible places: before the first step, and after each.
    places: Vec<Place>,
    kept_scenes: Vec<Scene>,
}

/// A place on the tape: how much has happened, and how much of it the story shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    /// The tape's time, in microseconds. It never decreases from one place to the next.
    pub(crate) t: u64,
    /// Number of records so far.
    records: usize,
    /// Number of lines in the story.
    pub(crate) lines: usize,
    /// Number of steps that were not routine.
    pub(crate) news: usize,
    /// The server whose step was the last that was not routine.
    pub(crate) actor: Option<NodeId>,
    /// The line with the moment's command.
    command: Option<usize>,
    /// The text to read: number of passages that have begun, and number of paragraphs of the latest one that
    /// are shown.
    pub(crate) prose: (usize, usize),
    /// The line with the latest violation.
    violation: Option<usize>,
}

/// A line of the replayed story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoryLine {
    Told(Box<FeedLine>),
    Command(String),
    Said(String),
}

/// The parts of a script that the story shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// Not its commands, and not the effects of silent ones.
    Folded,
    /// All.
    Shown,
}

/// What the keys can jump to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Election,
    Leader,
    Violation,
}

impl Steps {
    pub(crate) fn cut(servers: &[NodeId], moments: &[Moment], script: Script) -> Steps {
        let first_record = moments.iter().flat_map(|moment| &moment.records).next();
        let beginning = Place { t: first_record.map_or(0, |record| record.t), ..Place::default() };
        let mut steps = Steps {
            records: Vec::new(),
            story: Vec::new(),
            prose: Vec::new(),
            places: vec![beginning],
            kept_scenes: Vec::new(),
        };
        let mut feed = Feed::new();
        let mut is_verbose = false;
        for moment in moments {
            // The script may include the routine, but not all effects of its silent commands.
            is_verbose |= moment.command.as_deref() == Some("verbose");
            feed.tell_routine(is_verbose && !moment.is_silent);
            steps.append(moment, &mut feed, script);
        }
        steps.keep_scenes(Scene::new(servers));
        steps
    }

    fn append(&mut self, moment: &Moment, feed: &mut Feed, script: Script) {
        let mut place = Place { command: None, ..self.places[self.last()].clone() };
        self.append_prose(&mut place, &moment.prose);
        let is_told = !moment.is_silent || script == Script::Shown;
        if let Some(command) = moment.command.as_ref().filter(|_| script == Script::Shown) {
            place.command = Some(self.story.len());
            self.append_lines(&mut place, vec![StoryLine::Command(command.clone())]);
        }
        for step in moment.records.chunk_by(belong_together) {
            let lines = step.iter().flat_map(|record| feed.tell(record));
            // A broken promise is never preparation.
            let told = lines.filter(|line| is_told || line.record.is_violation()).collect();
            self.append_step(&mut place, step, told);
        }
        if is_told && !moment.said.is_empty() {
            self.append_lines(&mut place, moment.said.iter().cloned().map(StoryLine::Said).collect());
        }
        self.records.extend(moment.records.iter().cloned());
    }

    /// Each paragraph is a step of its own: the first may ask what the second answers. What comes first on
    /// the tape is visible from the beginning.
    fn append_prose(&mut self, place: &mut Place, paragraphs: &[String]) {
        if paragraphs.is_empty() {
            return;
        }
        self.prose.push(paragraphs.to_vec());
        for shown in 1..=paragraphs.len() {
            place.prose = (self.prose.len(), shown);
            place.actor = None;
            if self.last() == 0 && place.prose == (1, 1) {
                self.places[0] = place.clone();
            } else {
                place.news += 1;
                self.places.push(place.clone());
            }
        }
    }

    /// Lines that are not from a server are a step of their own: a command is visible before its effects are.
    fn append_lines(&mut self, place: &mut Place, lines: Vec<StoryLine>) {
        place.actor = None;
        place.news += 1;
        self.story.extend(lines);
        place.lines = self.story.len();
        self.places.push(place.clone());
    }

    fn append_step(&mut self, place: &mut Place, step: &[Record], mut told: Vec<FeedLine>) {
        if let Some(first) = told.first_mut() {
            first.continues = false;
            place.actor = Some(first.node);
            place.news += 1;
        }
        for line in told {
            if Mark::Violation.is_on(&line.record) {
                place.violation = Some(self.story.len());
            }
            self.story.push(StoryLine::Told(Box::new(line)));
        }
        place.lines = self.story.len();
        place.records += step.len();
        place.t = step.iter().map(|record| record.t).fold(place.t, u64::max);
        self.places.push(place.clone());
    }

    fn keep_scenes(&mut self, mut scene: Scene) {
        let mut seen = 0;
        for place in self.places.iter().step_by(KEPT_SCENES) {
            play(&mut scene, &self.records[seen..place.records]);
            seen = place.records;
            self.kept_scenes.push(scene.clone());
        }
    }

    /// The last place.
    pub(crate) fn last(&self) -> usize {
        self.places.len() - 1
    }

    pub(crate) fn place(&self, place: usize) -> &Place {
        &self.places[place]
    }

    /// The servers at a place, the same whether it was reached forwards or backwards.
    pub(crate) fn scene_at(&self, place: usize) -> Scene {
        let kept = place / KEPT_SCENES;
        let mut scene = self.kept_scenes[kept].clone();
        let seen = self.places[kept * KEPT_SCENES].records;
        play(&mut scene, &self.records[seen..self.places[place].records]);
        scene
    }

    /// At most `lines` lines of the story, up to the one before `end`.
    pub(crate) fn story(&self, end: usize, lines: usize) -> &[StoryLine] {
        &self.story[end.saturating_sub(lines)..end]
    }

    /// The place after the next step that is not routine, or the last place.
    pub(crate) fn next_news(&self, place: usize) -> usize {
        self.after_news(self.places[place].news + 1)
    }

    /// The place after the latest step before this place that is not routine, or the first place.
    pub(crate) fn previous_news(&self, place: usize) -> usize {
        self.after_news(self.places[place.saturating_sub(1)].news)
    }

    /// The first place after this many steps that are not routine, or the last place.
    pub(crate) fn after_news(&self, news: usize) -> usize {
        self.places.partition_point(|place| place.news < news).min(self.last())
    }

    /// The first place at which this number of records have happened, or the last place.
    pub(crate) fn after_records(&self, records: usize) -> usize {
        self.places.partition_point(|place| place.records < records).min(self.last())
    }

    /// The latest place from `from` to before `end` that is reached at the time `t`.
    pub(crate) fn reached(&self, from: usize, end: usize, t: u64) -> usize {
        let later = self.places.get(from + 1..end).unwrap_or_default();
        from + later.partition_point(|place| place.t <= t)
    }

    /// The first place after this one at which the mark's event has just happened.
    pub(crate) fn next(&self, mark: Mark, place: usize) -> Option<usize> {
        (place + 1..self.places.len()).find(|&place| self.is_at(mark, place))
    }

    /// The latest place before this one at which the mark's event has just happened.
    pub(crate) fn previous(&self, mark: Mark, place: usize) -> Option<usize> {
        (1..place).rev().find(|&place| self.is_at(mark, place))
    }

    fn is_at(&self, mark: Mark, place: usize) -> bool {
        let step = self.places[place - 1].records..self.places[place].records;
        self.records[step].iter().any(|record| mark.is_on(record))
    }

    /// The command of the moment that is played at this place, if the script is shown.
    pub(crate) fn command(&self, place: usize) -> Option<&str> {
        match &self.story[self.places[place].command?] {
            StoryLine::Command(command) => Some(command),
            StoryLine::Told(_) | StoryLine::Said(_) => None,
        }
    }

    /// Has anything happened at this place?
    pub(crate) fn has_begun(&self, place: usize) -> bool {
        self.places[place].records > 0
    }

    /// The paragraphs to read at this place: those of the latest passage that are shown so far.
    pub(crate) fn prose(&self, place: usize) -> &[String] {
        let (passages, shown) = self.places[place].prose;
        passages.checked_sub(1).map_or(&[], |passage| &self.prose[passage][..shown])
    }

    /// Is there something new to read at this place?
    pub(crate) fn has_just_narrated(&self, place: usize) -> bool {
        let before = place.checked_sub(1).map_or((0, 0), |before| self.places[before].prose);
        self.places[place].prose != before
    }

    /// The first place at which as much has happened, and has been available to read, as at this place of the
    /// same tape cut in another way.
    pub(crate) fn same_as(&self, other: &Place) -> usize {
        let reached = (other.records, other.prose);
        self.places.partition_point(|place| (place.records, place.prose) < reached).min(self.last())
    }

    /// The latest violation: the property, and what happened instead.
    pub(crate) fn violation(&self, place: usize) -> Option<(&str, &str)> {
        let StoryLine::Told(line) = &self.story[self.places[place].violation?] else { return None };
        match &line.record.event {
            Event::Laboratory(Laboratory::Violated { property, what_happened, .. }) => {
                Some((property, what_happened))
            }
            _ => None,
        }
    }

    /// Was there a violation in the step that leads to this place?
    pub(crate) fn has_just_violated(&self, place: usize) -> bool {
        let told_before = place.checked_sub(1).map_or(0, |before| self.places[before].lines);
        self.places[place].violation.is_some_and(|line| line >= told_before)
    }
}

impl Mark {
    fn is_on(self, record: &Record) -> bool {
        match (&record.event, self) {
            (Event::Decision(decision), Mark::Election) => matches!(decision.what, What::Timeout { .. }),
            (_, Mark::Leader) => record.comes_to_lead(),
            (_, Mark::Violation) => record.is_violation(),
            _ => false,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Mark::Election => "election",
            Mark::Leader => "new leader",
            Mark::Violation => "violation",
        }
    }
}

fn belong_together(before: &Record, after: &Record) -> bool {
    before.node == after.node && !after.begins_step()
}

fn play(scene: &mut Scene, records: &[Record]) {
    for record in records {
        scene.observe(record, record.t as f64);
        if let Event::Io(Io::Sent { message, .. } | Io::Received { message, .. }) = &record.event
            && matches!(message, Message::AppendEntries(_))
        {
            // Much may happen at one time in a script: the voting is ended by a leader, not by time.
            scene.votes.remove(&record.node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::recorded;
    use super::*;

    #[test]
    fn a_scene_is_what_all_records_from_the_first_on_add_up_to() {
        let tape = recorded();
        let beginning = Scene::new(&tape.servers);
        let steps = Steps::cut(&tape.servers, &tape.moments, Script::Folded);
        assert!(steps.last() > 3 * KEPT_SCENES);
        for place in 0..=steps.last() {
            let mut scene = beginning.clone();
            play(&mut scene, &steps.records[..steps.places[place].records]);
            assert_eq!(format!("{:?}", steps.scene_at(place)), format!("{scene:?}"), "place {place}");
        }
    }

    #[test]
    fn no_record_is_lost_and_time_never_falls() {
        let tape = recorded();
        let records = tape.moments[0].records.clone();
        let steps = Steps::cut(&tape.servers, &tape.moments, Script::Folded);
        assert_eq!(steps.records, records);
        assert_eq!(steps.places[steps.last()].records, records.len());
        assert!(steps.places.is_sorted_by_key(|place| (place.t, place.records, place.lines, place.news)));
    }
}
