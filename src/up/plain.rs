//! The cluster as lines: a story for people, or JSON for programs.

use super::watched::Watched;
use crate::paragraph::columns;
use anstyle::{AnsiColor, Style};
use command::{Failure, ended_by, say, written};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::SIGQUIT;
use signal_hook::iterator::Signals;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use terminal::Setup;
use trace::{ClusterView, Feed, FeedLine, Record};

/// How often to check for signals.
const ATTENTION: Duration = Duration::from_millis(10);

/// A form in which records are printed.
pub(crate) trait Form {
    fn write(&mut self, records: &[Record], out: &mut dyn Write) -> io::Result<()>;
}

/// Shows the cluster until a signal ends it.
pub(crate) fn run(
    mut cluster: Watched,
    mut signals: Signals,
    mut form: impl Form,
) -> Result<ExitCode, Failure> {
    let mut out = anstream::stdout();
    loop {
        let news = cluster.news(ATTENTION);
        let done = write_now(&mut form, &news, &mut out);
        if done.is_err() || reader_is_gone() {
            cluster.stop();
            return written(done);
        }
        for signal in signals.pending() {
            if signal != SIGQUIT {
                let last_news = cluster.stop();
                written(write_now(&mut form, &last_news, &mut out))?;
                return Ok(ended_by(signal));
            }
            match cluster.kill_leader() {
                Ok(done) => say(done),
                Err(refusal) => say(refusal),
            }
        }
    }
}

/// Has the program that reads this output ended? While there is nothing to print, no failed write would show
/// it.
fn reader_is_gone() -> bool {
    let stdout = io::stdout();
    let mut polled = [PollFd::new(&stdout, PollFlags::empty())];
    poll(&mut polled, Some(&Timespec::default())).is_ok() && polled[0].revents().contains(PollFlags::ERR)
}

fn write_now(form: &mut impl Form, records: &[Record], out: &mut dyn Write) -> io::Result<()> {
    form.write(records, out)?;
    out.flush()
}

/// One JSON object per line.
pub(crate) struct JsonLines;

impl Form for JsonLines {
    fn write(&mut self, records: &[Record], out: &mut dyn Write) -> io::Result<()> {
        records.iter().try_for_each(|record| writeln!(out, "{}", record.to_json()))
    }
}

/// The story, with a line on the cluster's state whenever that has changed.
pub(crate) struct Story {
    feed: Feed,
    view: ClusterView,
    has_begun: bool,
    state_shown: String,
    /// The width of the terminal.
    columns: usize,
}

impl Story {
    pub(crate) fn new(with_routine: bool, setup: &Setup) -> Story {
        let feed = if with_routine { Feed::with_routine() } else { Feed::new() };
        let view = ClusterView::new(setup.servers.iter().copied());
        Story { feed, view, has_begun: false, state_shown: String::new(), columns: columns() }
    }
}

impl Form for Story {
    fn write(&mut self, records: &[Record], out: &mut dyn Write) -> io::Result<()> {
        let mut is_quiet = true;
        for record in records {
            self.has_begun = true;
            self.view.apply(record);
            for line in self.feed.tell(record) {
                write_line(&line, self.columns, out)?;
                is_quiet = false;
            }
        }
        // While one thing still leads to another, the state is not worth a line.
        let state = self.view.to_string();
        if is_quiet && self.has_begun && state != self.state_shown {
            let bold = Style::new().bold();
            writeln!(out, "{bold}          ── {state}{bold:#}")?;
            self.state_shown = state;
        }
        Ok(())
    }
}

fn write_line(line: &FeedLine, columns: usize, out: &mut dyn Write) -> io::Result<()> {
    let (dimmed, coloured) = (Style::new().dimmed(), AnsiColor::Cyan.on_default());
    write!(out, "{dimmed}{}{dimmed:#} {}", line.place(), line.text)?;
    match line.rule {
        Some(rule) => writeln!(out, "{}{coloured}{rule}{coloured:#}", line.gap_before_rule(columns)),
        None => writeln!(out),
    }
}

/// Says on standard error what will be shown, and what can be done.
pub(crate) fn introduce(setup: &Setup, remarks: &[String]) {
    let count = setup.servers.len();
    let servers = if count == 1 { "server" } else { "servers" };
    say(format_args!(
        "{count} {servers}, a majority is {}. Data: {}. Seed: {}.",
        count / 2 + 1,
        setup.data,
        setup.seed
    ));
    say("Ctrl+\\ kills the leader, Ctrl+C stops all servers.");
    announce_page(setup);
    for remark in remarks {
        say(format_args!("note: {remark}"));
    }
}

/// Prints the page's address on standard error, if there is one.
pub(crate) fn announce_page(setup: &Setup) {
    if let Some(page) = &setup.page {
        say(format_args!("See it in a browser: {page}"));
    }
}
