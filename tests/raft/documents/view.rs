//! The picture of the terminal view in docs/terminal.md.

use super::Renewal;
use super::markdown::{Block, Document};
use super::quoted::{self, Printed};
use super::renew;
use crate::common::TIMEOUT;
use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

/// `raft up` on a terminal of its own. Dropping it ends it.
struct View {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    _temporary: TempDir,
}

impl View {
    fn start() -> View {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_raft"));
        command.args(["up", "--no-web"]);
        command.env("TMPDIR", temporary.path());
        command.env("TERM", "xterm-256color");
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("RAFT_") || ["NO_COLOR", "XDG_RUNTIME_DIR"].contains(&&*text) {
                command.env_remove(name);
            }
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let _master = pair.master;
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let cells = |count| NonZeroU16::new(count).expect("a terminal has rows and columns");
        let screen = vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0);
        View { child, keyboard, output, screen, _temporary: temporary }
    }

    fn press(&mut self, key: &str) {
        self.keyboard.write_all(key.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen shows this, and is not being drawn.
    fn wait_for(&mut self, is_so: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match self.output.recv_timeout(Duration::from_millis(10)) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) if is_so(&self.text()) => return,
                Err(_) => {}
            }
            assert!(Instant::now() < deadline, "waited in vain:\n{}", self.text());
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_led(screen: &str) -> bool {
    screen.lines().nth(1).is_some_and(|line| line.trim_start().starts_with("leader n"))
}

/// Does each living server know that its last entry is committed?
fn all_is_committed(screen: &str) -> bool {
    let logs = screen.lines().skip_while(|row| !row.trim_start().starts_with("log ")).skip(1).take(3);
    logs.filter(|row| row.trim_end().ends_with('┃')).count() == 3
}

/// The rows that look alike in each run: headings and keys.
fn frame(rows: &[String]) -> Vec<String> {
    let is_frame = |place: usize, row: &str| {
        let row = row.trim_start();
        let heads = ["server ", "log ", "logs,"];
        place < 2
            || place + 2 >= rows.len()
            || heads.iter().any(|head| row.starts_with(head))
            || row.ends_with("──")
    };
    let rows_with_places = rows.iter().enumerate().filter(|(place, row)| is_frame(*place, row));
    rows_with_places.map(|(_, row)| row.clone()).collect()
}

#[test]
fn the_picture_of_the_terminal_view_is_what_it_looks_like() {
    let mut view = View::start();
    view.wait_for(|screen| screen.contains("slow motion (m: off)"));
    view.press("m");
    view.wait_for(is_led);
    view.press("\x1c");
    view.wait_for(|screen| screen.contains("✕ dead") && is_led(screen));
    view.press("p");
    view.wait_for(|screen| {
        let is_told = screen.contains("The response:") && screen.contains("▸ put x = 1: written, version");
        is_told && all_is_committed(screen)
    });
    let text = view.text();
    let mut screen: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    drop(view);

    let document = Document::read("docs/terminal.md");
    let block = picture(&document);
    let drawn = document.text_of(block);
    let told = story(&screen);
    let outdated: Vec<String> = story(drawn)
        .into_iter()
        .filter(|sentence| !told.contains(sentence) && !is_of_election(sentence))
        .collect();
    let same_frame = Printed { output: frame(&screen), error: Vec::new() };
    if quoted::matches(&frame(drawn), &same_frame, true, false) && outdated.is_empty() {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_GOLDEN").is_some(),
        "docs/terminal.md shows another view; UPDATE_GOLDEN=1 draws this one:\n{text}\n\
         these sentences are not in it: {outdated:#?}"
    );
    while screen.last().is_some_and(String::is_empty) {
        screen.pop();
    }
    renew("docs/terminal.md", &document, &[Renewal { begin: block.begin, end: block.end, lines: screen }]);
}

fn picture(document: &Document) -> &Block {
    let is_picture = |block: &&Block| {
        document.text_of(block).first().is_some_and(|row| row.contains("Raft for Beginners"))
    };
    document.blocks.iter().find(is_picture).expect("docs/terminal.md shows the view")
}

/// The sentences of the picture's story, without numbers, from the first that begins on it.
fn story(rows: &[String]) -> Vec<String> {
    let heading = rows.iter().rposition(|row| row.ends_with("──")).expect("panels have headings");
    let rows = rows[heading + 1..].iter().take_while(|row| !row.starts_with(" ▸ "));
    let words = |row: &String| row.chars().skip(TIME_WIDTH).collect::<String>();
    let begins = |row: &&String| row.chars().take(TIME_WIDTH).any(|letter| letter.is_ascii_digit());
    let text: Vec<String> = rows.skip_while(|row| !begins(row)).map(words).collect();
    quoted::without_numbers(&text.join(" ")).split_inclusive(". ").map(|it| it.trim().to_owned()).collect()
}

/// The columns before a sentence.
const TIME_WIDTH: usize = 11;

/// The course of an election is random; tests of the headlines check its sentences.
fn is_of_election(sentence: &str) -> bool {
    sentence.contains(" asked n")
}
