//! Reads the documents: their blocks of code, links, headings and names.

use super::quoted::Printed;
use regex::Regex;
use std::fs;
use std::path::{Path, PathBuf};

/// Stands for anything in quoted output: some characters of a line or, alone on a line, any lines.
pub const ANYTHING: &str = "…";

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Markdown file of this repository.
pub struct Document {
    /// Its path from the root of the repository.
    pub name: String,
    pub lines: Vec<String>,
    pub blocks: Vec<Block>,
}

/// A block of code.
pub struct Block {
    pub language: String,
    /// The HTML comment in the line before it.
    pub note: Option<String>,
    /// Where its text begins, as an index into the document's lines.
    pub begin: usize,
    pub end: usize,
}

/// How the commands of a block are run, according to the note before it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct How {
    /// Why they are not run.
    pub not_run: Option<String>,
    /// They keep running, each in a terminal of its own, until the document ends.
    pub in_own_terminals: bool,
    /// What those must have printed before the document continues.
    pub awaited: Option<String>,
    /// Ctrl+C is pressed first where a command with this text runs.
    pub interrupted: Option<String>,
    /// Each runs until it prints this, and then gets Ctrl+C.
    pub until: Option<String>,
    /// Their standard error is quoted too, before the rest.
    pub error_first: bool,
    /// Times, versions, ports and the like differ from run to run, so numbers aren't compared.
    pub numbers_vary: bool,
}

/// A command, and its output if the document quotes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub command: String,
    pub output: Vec<String>,
    /// Where the quoted output begins, as an index into the document's lines.
    pub output_begin: usize,
}

impl Document {
    pub fn read(name: &str) -> Document {
        let text = fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Document::parse(name, &text)
    }

    pub fn parse(name: &str, text: &str) -> Document {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut blocks: Vec<Block> = Vec::new();
        let mut open: Option<Block> = None;
        for (place, line) in lines.iter().enumerate() {
            let Some(language) = line.trim_start().strip_prefix("```") else { continue };
            if let Some(mut block) = open.take() {
                block.end = place;
                blocks.push(block);
            } else {
                let before = place.checked_sub(1).map(|before| lines[before].trim());
                let note = before.and_then(|it| it.strip_prefix("<!--")?.strip_suffix("-->"));
                open = Some(Block {
                    language: language.to_owned(),
                    note: note.map(|note| note.trim().to_owned()),
                    begin: place + 1,
                    end: 0,
                });
            }
        }
        assert!(open.is_none(), "{name}: a block of code has no end");
        Document { name: name.to_owned(), lines, blocks }
    }

    pub fn text_of(&self, block: &Block) -> &[String] {
        &self.lines[block.begin..block.end]
    }

    pub fn console_blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.language == "console")
    }

    pub fn place_of(&self, block: &Block) -> String {
        format!("{}:{}", self.name, block.begin + 1)
    }

    /// The lines outside the blocks of code, with their numbers from 1.
    pub fn prose(&self) -> Vec<(usize, &str)> {
        let is_code = |place| self.blocks.iter().any(|block| (block.begin - 1..=block.end).contains(&place));
        let lines = self.lines.iter().enumerate().filter(|(place, _)| !is_code(*place));
        lines.map(|(place, line)| (place + 1, line.as_str())).collect()
    }

    /// The `code` in the prose, with the numbers of its lines.
    pub fn code_in_prose(&self) -> Vec<(usize, &str)> {
        let prose = self.prose().into_iter();
        prose
            .flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(move |code| (number, code)))
            .collect()
    }

    /// The targets of its links, with the numbers of their lines.
    pub fn links(&self) -> Vec<(usize, String)> {
        let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
        let mut links = Vec::new();
        for (number, line) in self.prose() {
            let spans: Vec<&str> = line.split('`').collect();
            // Code may look like a link; a link's text may have code in it.
            let is_whole = spans.len() % 2 == 1;
            let outside: String = if is_whole {
                spans.into_iter().step_by(2).collect::<Vec<_>>().join("`")
            } else {
                line.to_owned()
            };
            links.extend(link.captures_iter(&outside).map(|found| (number, found[1].to_owned())));
        }
        links
    }

    /// The names under which links find its headings, as GitHub makes them.
    pub fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for (_, line) in self.prose() {
            let heading = line.trim_start_matches('#');
            if heading.len() == line.len() || !heading.starts_with(' ') {
                continue;
            }
            let kept = heading.trim().to_lowercase();
            let kept = kept.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
            let name: String = kept.map(|it| if it == ' ' { '-' } else { it }).collect();
            let again = anchors.iter().filter(|it| **it == name).count();
            anchors.push(if again == 0 { name } else { format!("{name}-{again}") });
        }
        anchors
    }
}

impl How {
    /// The part of this output that is quoted.
    pub fn quoted_part(&self, printed: &Printed) -> Printed {
        if self.error_first { printed.with_error_first() } else { printed.clone() }
    }

    /// # Panics
    /// If the note is not a known one.
    pub fn of(block: &Block) -> How {
        let mut how = How::default();
        let Some(note) = &block.note else { return how };
        if let Some(reason) = note.strip_prefix("not run: ") {
            assert!(reason.len() > 5, "a reason is needed: {note}");
            how.not_run = Some(reason.to_owned());
            return how;
        }
        for part in note.split("; ") {
            match part {
                "in terminals of their own" | "in a terminal of its own" => how.in_own_terminals = true,
                "numbers vary" => how.numbers_vary = true,
                "standard error first" => how.error_first = true,
                _ => {
                    let quoted = |begin: &str, end: &str| {
                        Some(part.strip_prefix(begin)?.strip_suffix(end)?.to_owned())
                    };
                    how.awaited = how.awaited.or(quoted("wait for \"", "\""));
                    how.until = how.until.or(quoted("until \"", "\", then Ctrl+C"));
                    how.interrupted = how.interrupted.or(quoted("first Ctrl+C in \"", "\""));
                    let is_known = ["wait for \"", "until \"", "first Ctrl+C in \""]
                        .iter()
                        .any(|it| part.starts_with(it));
                    assert!(is_known, "unknown note: {note}");
                }
            }
        }
        how
    }
}

/// The commands of a block: lines that begin with `$ `, each with its further lines (`> `).
pub fn steps(document: &Document, block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (place, line) in document.text_of(block).iter().enumerate() {
        let place = block.begin + place;
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), output: Vec::new(), output_begin: place + 1 });
            continue;
        }
        let Some(step) = steps.last_mut() else {
            panic!("{}: the block does not begin with a command", document.place_of(block))
        };
        match if line == ">" { Some("") } else { line.strip_prefix("> ") } {
            Some(more) if step.output.is_empty() => {
                step.command = format!("{}\n{more}", step.command);
                step.output_begin = place + 1;
            }
            _ => step.output.push(line.clone()),
        }
    }
    // An empty line between two commands is there for the eye.
    for step in &mut steps {
        while step.output.last().is_some_and(|line| line.trim().is_empty()) {
            step.output.pop();
        }
    }
    steps
}

/// All Markdown files of the repository, by their paths from its root. A link to one is not another one.
pub fn all_documents() -> Vec<String> {
    fn collect(folder: &Path, names: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let is_built =
                name == "target" || name == "node_modules" || name.to_string_lossy().starts_with('.');
            if path.is_dir() && !is_built {
                collect(&path, names);
            } else if path.extension().is_some_and(|extension| extension == "md") && !path.is_symlink() {
                names.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    let mut names = Vec::new();
    collect(root(), &mut names);
    names.sort();
    names.into_iter().map(|name| name.to_str().unwrap().to_owned()).collect()
}
