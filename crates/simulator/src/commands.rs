//! The commands of the scenario language, explained in the words of docs/scenarios.md.

/// The document, to which `scenarios.md` is a link, so that packages have it.
const DOCUMENT: &str = include_str!("../scenarios.md");

/// A row of a table of the document: what can be written, and what it does.
struct Row {
    section: &'static str,
    /// As in `hold-saves n1`.
    forms: Vec<&'static str>,
    meaning: String,
}

impl Row {
    fn has(&self, command: &str) -> bool {
        self.forms.iter().any(|form| name(form) == command)
    }

    /// Does it select messages, as `deliver` does?
    fn names_messages(&self) -> bool {
        self.section == NETWORK && (self.meaning.contains("from="))
    }
}

const NETWORK: &str = "The network";
const OPTIONS_OF_CLUSTER: &str = "Options of `cluster`";
const NAMING_MESSAGES: &str = "Naming messages";

/// The tables of commands, their options, and the parts that name messages.
fn rows() -> Vec<Row> {
    let (_, commands) = DOCUMENT.split_once("\n## Commands\n").expect("the document has this section");
    let mut section = "";
    let mut rows = Vec::new();
    for line in commands.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            section = heading;
        } else if let Some(heading) = line.strip_prefix("**").and_then(|line| line.strip_suffix("**")) {
            section = heading;
        } else if let Some((forms, meaning)) =
            line.strip_prefix("| `").and_then(|row| row.strip_suffix(" |")?.split_once(" | "))
        {
            let forms = forms.split('`').step_by(2).filter(|form| !form.is_empty()).collect();
            rows.push(Row { section, forms, meaning: without_links(meaning) });
        }
    }
    rows
}

/// The text with the words of its links only.
fn without_links(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[')
        && let Some((of_link, after)) = link.split_once("](")
        && let Some((_, after)) = after.split_once(')')
    {
        words += before;
        words += of_link;
        rest = after;
    }
    words + rest
}

/// The name of a command.
fn name(command: &str) -> &str {
    command.split(' ').next().unwrap_or_default()
}

/// The names of all commands, by what they are for.
pub fn names() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut sections: Vec<(&str, Vec<&str>)> = Vec::new();
    let rows = rows();
    let commands = rows.iter().filter(|row| ![OPTIONS_OF_CLUSTER, NAMING_MESSAGES].contains(&row.section));
    for row in commands {
        if sections.last().is_none_or(|(section, _)| *section != row.section) {
            sections.push((row.section, Vec::new()));
        }
        let (_, names) = sections.last_mut().expect("there is one");
        for form in &row.forms {
            if !names.contains(&name(form)) {
                names.push(name(form));
            }
        }
    }
    sections
}

/// What a command does: each of its forms, with what it means.
pub fn explain(command: &str) -> Vec<(String, String)> {
    let rows = rows();
    let about: Vec<&Row> = rows.iter().filter(|row| row.has(command)).collect();
    let more = match about.first() {
        _ if command == "cluster" => OPTIONS_OF_CLUSTER,
        Some(row) if row.names_messages() => NAMING_MESSAGES,
        _ => "",
    };
    let parts = rows.iter().filter(|row| row.section == more);
    about.into_iter().chain(parts).map(|row| (row.forms.join(", "), row.meaning.clone())).collect()
}
