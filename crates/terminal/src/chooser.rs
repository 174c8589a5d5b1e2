//! The chooser: a list of scenarios, chapter by chapter, from which a person chooses one to play.

use crate::draw::style::Palette;
use crate::draw::{counted, footer_lines};
use crate::keys::Explained;
use crate::{End, INTERRUPT, has_colour, on_terminal, pressed_keys};
use consensus::Rule;
use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, List, ListItem, ListState, Paragraph, Wrap};
use std::io;

/// PgUp and PgDn go this many scenarios up and down.
const PAGE: isize = 10;

const FOOTER: &[Explained] = &[("↑↓", "choose"), ("Enter", "play"), ("a-z /", "search"), ("Esc q", "leave")];
const FOOTER_OF_SEARCH: &[Explained] = &[("↑↓", "choose"), ("Enter", "play"), ("Esc", "end the search")];

/// A scenario in the list.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The number and name of its chapter, a heading in the list.
    pub chapter: String,
    /// Its name, such as `elections/first-election`.
    pub path: String,
    /// What it is about, in a few words.
    pub title: String,
    /// The rules that it is about.
    pub rules: Vec<Rule>,
    /// What it says to its reader.
    pub prose: String,
}

/// The result of choosing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// The scenario with this path.
    Scenario(String),
    /// None: the view ended like this.
    Nothing(End),
}

/// A list of scenarios, what is searched for in it, and which one is selected.
#[derive(Debug)]
pub struct Chooser {
    choices: Vec<Choice>,
    search: String,
    /// Did the search begin with a slash? Then its first letter may be a q.
    has_slash: bool,
    /// Index of one of `choices`.
    selected: usize,
    /// How far the list is scrolled.
    list: ListState,
}

/// Shows the list until a scenario is chosen, or the view must end: because of a key, or because
/// `end_requested` says so, which is called again and again. The terminal is restored whatever happens, a
/// panic included.
///
/// # Errors
/// If the terminal can't be drawn on or read from.
pub fn choose(chooser: &mut Chooser, mut end_requested: impl FnMut() -> Option<End>) -> io::Result<Chosen> {
    let mut chosen = None;
    let palette = Palette::new(has_colour());
    let end = on_terminal(|terminal| {
        loop {
            if let Some(end) = end_requested() {
                return Ok(end);
            }
            terminal.draw(|frame| chooser.draw(frame, &palette))?;
            for key in pressed_keys()? {
                match chooser.on_key(key) {
                    None => {}
                    Some(Chosen::Nothing(end)) => return Ok(end),
                    scenario => {
                        chosen = scenario;
                        return Ok(End::Quit);
                    }
                }
            }
        }
    })?;
    Ok(chosen.unwrap_or(Chosen::Nothing(end)))
}

impl Chooser {
    /// A list with the first of these scenarios selected. Those of a chapter must follow each other.
    pub fn new(choices: Vec<Choice>) -> Chooser {
        Chooser { choices, search: String::new(), has_slash: false, selected: 0, list: ListState::default() }
    }

    fn on_key(&mut self, key: KeyEvent) -> Option<Chosen> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return (key.code == KeyCode::Char('c')).then_some(Chosen::Nothing(End::Interrupted(INTERRUPT)));
        }
        match key.code {
            KeyCode::Enter => {
                let selected = self.found().find(|&(place, _)| place == self.selected);
                return selected.map(|(_, choice)| Chosen::Scenario(choice.path.clone()));
            }
            KeyCode::Esc | KeyCode::Char('q') if !self.is_searching() => {
                return Some(Chosen::Nothing(End::Quit));
            }
            KeyCode::Char('/') if !self.is_searching() => self.has_slash = true,
            KeyCode::Esc => self.end_search(),
            KeyCode::Backspace if self.search.pop().is_none() => self.end_search(),
            KeyCode::Backspace => {}
            KeyCode::Char(letter) => self.search.push(letter),
            KeyCode::Up => self.move_by(-1),
            KeyCode::Down => self.move_by(1),
            KeyCode::PageUp => self.move_by(-PAGE),
            KeyCode::PageDown => self.move_by(PAGE),
            KeyCode::Home => self.move_by(isize::MIN),
            KeyCode::End => self.move_by(isize::MAX),
            _ => {}
        }
        // A scenario that is no longer found can't stay selected.
        self.move_by(0);
        None
    }

    fn move_by(&mut self, count: isize) {
        let places: Vec<usize> = self.found().map(|(place, _)| place).collect();
        let now = places.iter().position(|&place| place == self.selected).unwrap_or(0);
        let moved = now.saturating_add_signed(count).min(places.len().saturating_sub(1));
        self.selected = places.get(moved).copied().unwrap_or(self.selected);
    }

    fn is_searching(&self) -> bool {
        self.has_slash || !self.search.is_empty()
    }

    fn end_search(&mut self) {
        self.search.clear();
        self.has_slash = false;
    }

    /// The scenarios that have all words of the search, each with its place among all: in their names or, if
    /// there is none, in their prose.
    fn found(&self) -> impl Iterator<Item = (usize, &Choice)> {
        let by_prose = self.is_found_by_prose();
        self.having_words(move |choice| if by_prose { choice.prose.to_lowercase() } else { choice.names() })
    }

    /// Are the words of the search in no scenario's names?
    fn is_found_by_prose(&self) -> bool {
        self.having_words(Choice::names).next().is_none()
    }

    fn having_words(&self, text: impl Fn(&Choice) -> String) -> impl Iterator<Item = (usize, &Choice)> {
        let words: Vec<String> = self.search.split_whitespace().map(str::to_lowercase).collect();
        let has_words = move |choice: &Choice| {
            let text = text(choice);
            words.iter().all(|word| text.contains(word))
        };
        self.choices.iter().enumerate().filter(move |(_, choice)| has_words(choice))
    }

    fn draw(&mut self, frame: &mut Frame, palette: &Palette) {
        let [heading, search, list, about, footer] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(3),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        let count = self.found().count();
        let how = if count > 0 && self.is_found_by_prose() { "by their text" } else { "in learning order" };
        let words = format!(" {}, {how}", counted(count, "scenario"));
        frame.render_widget(Line::styled(words, palette.strong()), heading);
        frame.render_widget(self.search_line(palette), search);

        let (items, selected_row) = self.items(palette);
        let frame_of_list =
            Block::new().borders(Borders::TOP | Borders::BOTTOM).border_style(palette.faint());
        self.list.select(selected_row);
        frame.render_stateful_widget(
            List::new(items).block(frame_of_list).scroll_padding(1),
            list,
            &mut self.list,
        );

        frame.render_widget(Paragraph::new(self.about_selected(palette)).wrap(Wrap { trim: false }), about);
        let keys = if self.is_searching() { FOOTER_OF_SEARCH } else { FOOTER };
        frame.render_widget(Paragraph::new(footer_lines(&[keys], palette)), footer);
    }

    fn search_line(&self, palette: &Palette) -> Line<'_> {
        if !self.is_searching() {
            return Line::styled(" type to search: a word of the title, a rule, any word", palette.faint());
        }
        Line::from(vec![Span::styled(" search: ", palette.faint()), Span::raw(&self.search), Span::raw("▏")])
    }

    /// The rows of the list, and which of them is selected.
    fn items(&self, palette: &Palette) -> (Vec<ListItem<'static>>, Option<usize>) {
        let mut items = Vec::new();
        let mut selected_row = None;
        let mut chapter = "";
        for (place, choice) in self.found() {
            if choice.chapter != chapter {
                chapter = &choice.chapter;
                items.push(ListItem::new(Line::styled(format!(" {chapter}"), palette.rule())));
            }
            let (mark, style) = if place == self.selected {
                selected_row = Some(items.len());
                ("▸", palette.strong())
            } else {
                (" ", Style::new())
            };
            items.push(ListItem::new(Line::styled(format!(" {mark} {}", choice.title), style)));
        }
        (items, selected_row)
    }

    /// The command that plays the selected scenario, and the rules that it is about.
    fn about_selected(&self, palette: &Palette) -> Vec<Line<'_>> {
        let Some((_, choice)) = self.found().find(|&(place, _)| place == self.selected) else {
            return vec![Line::styled(" nothing is found: Esc shows all again", palette.warning())];
        };
        let rules: Vec<&str> = choice.rules.iter().map(|rule| rule.id()).collect();
        vec![
            Line::from(vec![Span::styled(" raft replay ", palette.faint()), Span::raw(&choice.path)]),
            Line::from(vec![Span::styled(" rules: ", palette.faint()), Span::raw(rules.join(", "))]),
        ]
    }
}

impl Choice {
    /// What a search looks at first.
    fn names(&self) -> String {
        let rules: Vec<&str> = self.rules.iter().map(|rule| rule.id()).collect();
        format!("{} {} {} {}", self.chapter, self.title, self.path, rules.join(" ")).to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::text_on;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn chooser() -> Chooser {
        let choice = |chapter: &str, path: &str, title: &str, rule| Choice {
            chapter: chapter.to_owned(),
            path: path.to_owned(),
            title: title.to_owned(),
            rules: vec![rule],
            prose: format!("What is {title} about?"),
        };
        Chooser::new(vec![
            choice("1. Terms", "elections/first", "The first election", Rule::ElectionTimeout),
            choice("1. Terms", "elections/two", "Two candidates", Rule::OneVotePerTerm),
            choice("2. The log", "replication/figure-7", "Figure 7: other logs", Rule::ConsistencyCheck),
        ])
    }

    fn screen(chooser: &mut Chooser, rows: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(80, rows)).unwrap();
        terminal.draw(|frame| chooser.draw(frame, &Palette::new(true))).unwrap();
        text_on(&terminal)
    }

    fn press(chooser: &mut Chooser, code: KeyCode) -> Option<Chosen> {
        chooser.on_key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn enter(chooser: &mut Chooser, words: &str) {
        for letter in words.chars() {
            assert_eq!(press(chooser, KeyCode::Char(letter)), None);
        }
    }

    fn chosen(path: &str) -> Option<Chosen> {
        Some(Chosen::Scenario(path.to_owned()))
    }

    #[test]
    fn scenarios_stand_below_their_chapters() {
        let text = screen(&mut chooser(), 24);
        let rows: Vec<&str> = text.lines().skip(3).take(5).collect();
        let expected = [
            " 1. Terms",
            " ▸ The first election",
            "   Two candidates",
            " 2. The log",
            "   Figure 7: other logs",
        ];
        assert_eq!(rows, expected);
        assert!(text.contains("raft replay elections/first\n rules: election-timeout"), "{text}");
    }

    #[test]
    fn the_arrows_move_and_enter_chooses() {
        let mut chooser = chooser();
        press(&mut chooser, KeyCode::Up);
        assert_eq!(press(&mut chooser, KeyCode::Enter), chosen("elections/first"));
        press(&mut chooser, KeyCode::Down);
        assert_eq!(press(&mut chooser, KeyCode::Enter), chosen("elections/two"));
        press(&mut chooser, KeyCode::End);
        assert_eq!(press(&mut chooser, KeyCode::Enter), chosen("replication/figure-7"));
        press(&mut chooser, KeyCode::PageUp);
        assert_eq!(press(&mut chooser, KeyCode::Enter), chosen("elections/first"));
    }

    #[test]
    fn a_search_looks_at_chapters_titles_names_and_rules_and_then_at_the_prose() {
        for (words, path) in [
            ("the LOG", "replication/figure-7"),
            ("/what two", "elections/two"),
            ("CANDIDATES", "elections/two"),
            ("replication/fig", "replication/figure-7"),
            ("consistency-check", "replication/figure-7"),
            ("election two", "elections/two"),
        ] {
            let mut chooser = chooser();
            enter(&mut chooser, words);
            assert_eq!(press(&mut chooser, KeyCode::Enter), chosen(path), "{words}");
        }
    }

    #[test]
    fn a_search_for_nothing_says_so_and_escape_ends_it() {
        let mut chooser = chooser();
        enter(&mut chooser, "figure 8 q");
        assert!(screen(&mut chooser, 24).contains("nothing is found"));
        assert_eq!(press(&mut chooser, KeyCode::Enter), None);
        for _ in " 8 q".chars() {
            press(&mut chooser, KeyCode::Backspace);
        }
        assert!(screen(&mut chooser, 24).contains(" search: figure▏"));
        assert_eq!(press(&mut chooser, KeyCode::Esc), None);
        assert!(screen(&mut chooser, 24).contains("3 scenarios"));
        assert_eq!(
            press(&mut chooser, KeyCode::Enter),
            chosen("replication/figure-7"),
            "it is still selected"
        );
    }

    #[test]
    fn escape_q_and_an_interrupt_leave() {
        let quit = Some(Chosen::Nothing(End::Quit));
        assert_eq!(press(&mut chooser(), KeyCode::Esc), quit);
        assert_eq!(press(&mut chooser(), KeyCode::Char('q')), quit);
        let mut after_slash = chooser();
        enter(&mut after_slash, "/q");
        assert!(screen(&mut after_slash, 24).contains(" search: q▏"));
        for _ in 0..2 {
            press(&mut after_slash, KeyCode::Backspace);
        }
        assert_eq!(press(&mut after_slash, KeyCode::Char('q')), quit);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(chooser().on_key(interrupt), Some(Chosen::Nothing(End::Interrupted(INTERRUPT))));
    }

    #[test]
    fn the_selected_scenario_is_in_sight_however_small_the_terminal() {
        let mut chooser = chooser();
        press(&mut chooser, KeyCode::End);
        for rows in [24, 10, 9] {
            assert!(screen(&mut chooser, rows).contains("▸ Figure 7"), "{rows} rows");
        }
        screen(&mut chooser, 1);
    }
}
