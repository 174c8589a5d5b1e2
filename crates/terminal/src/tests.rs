//! The view on a screen in memory, fed with made-up records.

use crate::app::{App, Command};
use crate::draw::live::draw;
use crate::overlay::Overlay;
use crate::panels::Panels;
use crate::{End, Setup};
use cluster::{Action, Links, SlowMotionState};
use consensus::event::{Decision, Problem, What};
use consensus::{
    AppendEntries, HardState, Index, LogPosition, Message, NodeId, Profile, RequestVote, Retirement,
    RoleKind, Rule, Term, Timing,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};
use std::time::Duration;
use trace::{Content, Event, Io, Laboratory, Link, Process, Record, StoreContent, Unsynced};

pub(crate) const MILLISECOND: u64 = 1000;

fn app(servers: u64) -> App {
    let setup = Setup {
        servers: (1..=servers).map(NodeId).collect(),
        timing: Timing::default(),
        seed: 7,
        speed: 1.0,
        latency: Duration::ZERO,
        page: None,
        data: "/tmp/raft".to_owned(),
    };
    let mut app = App::new(setup, true);
    app.is_unfolded = true;
    app.guide.is_shown = false;
    app
}

pub(crate) fn record(t: u64, node: u64, term: u64, event: Event) -> Record {
    Record { t, node: NodeId(node), life: 1, seq: None, cause: None, term: Term(term), event, content: None }
}

pub(crate) fn decided(rule: Rule, what: What) -> Event {
    Event::Decision(Decision::new(Some(rule), what))
}

pub(crate) fn heartbeat(term: u64) -> Message {
    Message::AppendEntries(AppendEntries {
        term: Term(term),
        prev_log_index: Index(0),
        prev_log_term: Term(0),
        entries: Vec::new(),
        leader_commit: Index(0),
        round: 0,
    })
}

/// All servers run and follow n2, which leads term 4; their timers of 200 ms started at time 0.
fn with_leader(servers: u64) -> App {
    let mut app = app(servers);
    for node in 1..=servers {
        let address = format!("127.0.0.1:{}", 4000 + node);
        app.observe(&record(0, node, 4, Event::Process(Process::Started { pid: 1, address })));
        let role = What::Role { role: RoleKind::Follower, was: None };
        app.observe(&record(0, node, 4, decided(Rule::StartAsFollower, role)));
        let timer = What::Timer { timeout_us: 200 * MILLISECOND };
        app.observe(&record(0, node, 4, decided(Rule::RandomisedTimeout, timer)));
        let vote = What::Vote { candidate: NodeId(2), granted: true };
        app.observe(&record(0, node, 4, decided(Rule::PersistBeforeAnswer, vote)));
        if node == 2 {
            let role = What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
            app.observe(&record(0, node, 4, decided(Rule::MajorityWins, role)));
        } else {
            let leader = What::Leader { leader: NodeId(2) };
            app.observe(&record(0, node, 4, decided(Rule::RecogniseLeader, leader)));
            app.observe(&record(
                0,
                node,
                4,
                Event::Io(Io::Received { from: NodeId(2), message: heartbeat(4) }),
            ));
        }
    }
    app
}

fn position(index: u64, term: u64) -> LogPosition {
    LogPosition { index: Index(index), term: Term(term) }
}

/// The server has a log with these terms after a snapshot, committed up to this index.
fn has_log(app: &mut App, node: u64, snapshot: LogPosition, terms: &[u64], commit_index: u64) {
    let first = snapshot.index.0 + 1;
    let terms: Vec<LogPosition> = (first..).zip(terms).map(|(index, &term)| position(index, term)).collect();
    let log = terms.last().copied().unwrap_or(snapshot);
    let hard_state = HardState { current_term: Term(4), voted_for: Some(NodeId(2)) };
    let restored = Io::Restored { hard_state, log, snapshot, terms };
    app.observe(&record(0, node, 4, Event::Io(restored)));
    let committed = What::Committed { index: Index(commit_index) };
    app.observe(&record(0, node, 4, decided(Rule::CommitToLastNew, committed)));
}

/// The leader, n2, has one more entry than it knows to be committed; n1 follows, and n3 has kept two of an
/// older leader.
fn with_logs() -> App {
    let mut app = with_leader(3);
    has_log(&mut app, 1, position(0, 0), &[1, 1, 2, 4], 2);
    has_log(&mut app, 2, position(0, 0), &[1, 1, 2, 4, 4], 4);
    has_log(&mut app, 3, position(0, 0), &[1, 1, 3, 3], 1);
    for (follower, index) in [(1, 4), (3, 0)] {
        let message = heartbeat(4);
        app.observe(&record(0, 2, 4, Event::Io(Io::Sent { to: NodeId(follower), message })));
        let matched = What::Matched { follower: NodeId(follower), index: Index(index) };
        app.observe(&record(0, 2, 4, decided(Rule::MatchWhatWasSent, matched)));
    }
    app
}

/// The panel of the logs, its heading left out.
fn logs(text: &str) -> Vec<&str> {
    let rows = text.lines().skip_while(|line| !line.contains("commit  match  next"));
    rows.take_while(|line| !line.is_empty() && !line.contains("what happens")).collect()
}

fn screen_of(app: &mut App, now: u64, (columns, rows): (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, app, now)).unwrap();
    terminal
}

fn text(app: &mut App, now: u64) -> String {
    text_on(&screen_of(app, now, (80, 24)))
}

/// The text on the screen, row by row.
pub(crate) fn text_on(terminal: &Terminal<TestBackend>) -> String {
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n")
        .collect()
}

/// The row of a server in the table.
pub(crate) fn row(text: &str, server: &str) -> String {
    let name = format!("{server} ");
    let is_row = |line: &&str| line.trim_start_matches([' ', '▸']).starts_with(&name);
    text.lines().find(is_row).unwrap_or_default().to_owned()
}

fn press(app: &mut App, code: KeyCode, modifiers: KeyModifiers) -> Option<Command> {
    app.on_key(KeyEvent::new(code, modifiers), 0)
}

fn key(app: &mut App, key: char) -> Option<Command> {
    press(app, KeyCode::Char(key), KeyModifiers::NONE)
}

pub(crate) fn filled_cells(row: &str) -> usize {
    row.chars().filter(|&cell| cell == '█').count()
}

#[test]
fn the_table_shows_role_term_vote_and_leader() {
    let mut app = with_leader(3);
    let text = text(&mut app, 0);
    assert!(text.contains("leader n2, term 4"), "{text}");
    assert!(row(&text, "n1").contains("○ follower  4     n2    n2"), "{text}");
    assert!(row(&text, "n2").contains("★ leader    4     n2    n2"), "{text}");
    assert!(row(&text, "n2").contains("♥ to all every 15ms"), "{text}");
    assert!(row(&text, "n1").contains("♥ ← leader 1"), "{text}");
    assert!(text.contains("Ctrl+\\ kill leader"), "{text}");
}

#[test]
fn the_timer_fills_and_is_empty_again_when_it_is_restarted() {
    let mut app = with_leader(3);
    assert_eq!(filled_cells(&row(&text(&mut app, 0), "n1")), 0);
    assert_eq!(filled_cells(&row(&text(&mut app, 100 * MILLISECOND), "n1")), 7);
    assert_eq!(filled_cells(&row(&text(&mut app, 900 * MILLISECOND), "n1")), 14);
    let timer = What::Timer { timeout_us: 300 * MILLISECOND };
    app.observe(&record(900 * MILLISECOND, 1, 4, decided(Rule::ResetTimerOnLeader, timer)));
    let text = text(&mut app, 900 * MILLISECOND);
    assert_eq!(filled_cells(&row(&text, "n1")), 0);
    assert!(row(&text, "n1").contains("300 ms"), "{text}");
}

#[test]
fn in_slow_motion_the_timer_fills_slowly_and_never_jumps() {
    let mut app = with_leader(3);
    let slower = key(&mut app, '-');
    assert_eq!(slower, Some(Command::Perform(Action::SetSpeed { multiple: 0.5 })));
    app.record_outcome(&Action::SetSpeed { multiple: 0.5 }, Ok("slower".to_owned()), 100 * MILLISECOND);
    assert_eq!(filled_cells(&row(&text(&mut app, 100 * MILLISECOND), "n1")), 7);
    assert_eq!(filled_cells(&row(&text(&mut app, 200 * MILLISECOND), "n1")), 10);
    assert!(text(&mut app, 0).contains("speed 0.5×"));
}

#[test]
fn votes_are_seen_for_a_while() {
    let mut app = with_leader(3);
    let request =
        RequestVote { term: Term(5), last_log_index: Index(0), last_log_term: Term(0), by_transfer: false };
    let asks = Event::Io(Io::Sent { to: NodeId(3), message: Message::RequestVote(request) });
    app.observe(&record(0, 1, 5, asks));
    assert!(row(&text(&mut app, 1000 * MILLISECOND), "n1").contains("asks for votes"));
    assert!(!row(&text(&mut app, 2000 * MILLISECOND), "n1").contains("asks for votes"));
}

#[test]
fn dead_and_paused_servers_look_it() {
    let mut app = with_leader(3);
    let died = Laboratory::Died { signal: Some(9), status: None, power_cut: None, last_words: String::new() };
    app.observe(&record(1, 2, 4, Event::Laboratory(died)));
    app.observe(&record(1, 3, 4, Event::Laboratory(Laboratory::Paused)));
    let text = text(&mut app, 1);
    assert!(row(&text, "n2").contains("✕ dead"), "{text}");
    assert!(row(&text, "n3").contains("‖ paused"), "{text}");
    assert!(text.contains("no leader: 1 of 3 running, an election needs 2"), "{text}");
}

#[test]
fn a_server_without_power_looks_it() {
    let mut app = with_leader(3);
    let (signal, status, power_cut) = (None, None, Some(Unsynced::Lost));
    let died = Laboratory::Died { signal, status, power_cut, last_words: String::new() };
    app.observe(&record(1, 2, 4, Event::Laboratory(died)));
    let text = text(&mut app, 1);
    assert!(row(&text, "n2").contains("✕ no power"), "{text}");
}

#[test]
fn a_server_whose_data_is_in_trouble_looks_it() {
    let mut app = with_leader(3);
    for (retirement, word) in
        [(Retirement::OlderCopy, "older copy"), (Retirement::LostEntries(Index(3)), "lost data")]
    {
        app.observe(&record(0, 3, 4, decided(Rule::LostDataIsOut, What::Retired { retirement })));
        let text = text(&mut app, 0);
        assert!(row(&text, "n3").contains(word), "{text}");
        assert!(row(&text, "n1").contains("follower"), "{text}");
    }
    let problem = Problem::OtherData;
    let rejected = What::Rejected { from: NodeId(1), problem };
    app.observe(&record(0, 2, 4, decided(Rule::SameDataSameServer, rejected)));
    let text = text(&mut app, 0);
    assert!(row(&text, "n1").contains("refused"), "{text}");
}

#[test]
fn logs_are_aligned_and_tell_what_is_committed_and_what_differs() {
    let expected = "
   log    commit  match  next   1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16
 ▸ n1          2      4     5   1  1┃ 2  4
   n2  ★       4      –     –   1  1  2  4┃ 4
   n3          1      0     1   1┃ 1 ≠3 ≠3";
    assert_eq!(logs(&text(&mut with_logs(), 0)), expected.lines().skip(1).collect::<Vec<_>>());
}

#[test]
fn a_term_has_its_colour_wherever_it_stands_and_committed_entries_are_solid() {
    let mut app = with_logs();
    let terminal = screen_of(&mut app, 0, (80, 24));
    let buffer = terminal.backend().buffer();
    let of_leader = |column| &buffer[(column, 9)];
    let (committed, uncommitted) = (of_leader(41), of_leader(44));
    assert_eq!((committed.symbol(), uncommitted.symbol()), ("4", "4"), "{}", text_on(&terminal));
    assert_eq!(committed.bg, uncommitted.fg);
    assert_eq!((committed.fg, uncommitted.bg), (Color::Indexed(16), Color::Reset));
    let term_in_table = &buffer[(22, 4)];
    assert_eq!((term_in_table.symbol(), term_in_table.fg), ("4", committed.bg));
    assert_ne!(of_leader(38).bg, committed.bg, "another term has another colour");

    app.has_colour = false;
    let terminal = screen_of(&mut app, 0, (80, 24));
    let is_solid = |column| {
        let cell = &terminal.backend().buffer()[(column, 9)];
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        cell.modifier.contains(Modifier::REVERSED)
    };
    assert_eq!((is_solid(41), is_solid(44)), (true, false));
}

#[test]
fn of_long_logs_the_end_is_shown_and_every_fifth_index() {
    let mut app = with_leader(3);
    has_log(&mut app, 1, position(1000, 1), &[4; 100], 1098);
    has_log(&mut app, 2, position(1080, 4), &[4; 20], 1099);
    has_log(&mut app, 3, position(1088, 4), &[4; 2], 1089);
    let expected = "
   log    commit  match  next               1090           1095           1100
 ▸ n1       1098      –     –   4  4  4  4  4  4  4  4  4  4  4  4  4  4┃ 4  4
   n2  ★    1099      –     –   4  4  4  4  4  4  4  4  4  4  4  4  4  4  4┃ 4
   n3       1089      –     –       ⟦…1088⟧ 4┃ 4";
    assert_eq!(logs(&text(&mut app, 0)), expected.lines().skip(1).collect::<Vec<_>>());
}

#[test]
fn a_key_chooses_between_logs_and_story_and_low_terminals_keep_the_logs() {
    let shown =
        |text: &str| (logs(text).len(), text.contains("what happens"), text.contains("logs: numbers"));
    let mut app = with_leader(7);
    assert_eq!(shown(&text(&mut app, 0)), (8, true, false), "the heading gives way");
    let tab = |app: &mut App| press(app, KeyCode::Tab, KeyModifiers::NONE);
    assert_eq!(tab(&mut app), None);
    assert_eq!(shown(&text(&mut app, 0)), (8, false, true), "now it has room");
    tab(&mut app);
    assert_eq!(shown(&text(&mut app, 0)), (0, true, false));
    tab(&mut app);
    assert_eq!(shown(&text(&mut app, 0)), (8, true, false));
    let lowest = text_on(&screen_of(&mut with_leader(3), 0, (80, 18)));
    assert_eq!(shown(&lowest), (4, true, true), "{lowest}");

    let mut app = with_leader(9);
    for _ in 1..9 {
        press(&mut app, KeyCode::Down, KeyModifiers::NONE);
    }
    let text = text(&mut app, 0);
    assert!(logs(&text).last().unwrap().starts_with(" ▸ n9 "), "the chosen one is among them: {text}");
    let hidden = 9 - (logs(&text).len() - 1);
    assert!(
        logs(&text)[0].starts_with(&format!(" +{hidden} logs  commit")),
        "the others are counted: {text}"
    );
    let many = self::text(&mut with_leader(15), 0);
    assert!(many.lines().any(|line| line.ends_with("election timer         +3 servers: ↑↓")), "{many}");
}

#[test]
fn a_put_is_asked_for_and_its_outcome_is_told() {
    let mut app = with_leader(3);
    assert_eq!(key(&mut app, 'p'), Some(Command::Put(None)));
    key(&mut app, '2');
    assert_eq!(key(&mut app, 'p'), Some(Command::Put(Some(NodeId(2)))), "it leads, and is chosen");
    app.announce(Ok("put x = 3: written, version 17".to_owned()), 0);
    assert!(text(&mut app, 0).contains("▸ put x = 3: written, version 17"));
    app.announce(Err("no leader: nobody to put x = 4 to".to_owned()), 0);
    assert!(text(&mut app, 0).contains("! no leader: nobody to put x = 4 to"));
}

#[test]
fn where_the_page_is_is_told_while_there_is_nothing_else_to_say() {
    let mut app = with_leader(3);
    let page = format!("http://127.0.0.1:65535/?token={}", "f".repeat(32));
    app.setup.page = Some(page.clone());
    assert!(text(&mut app, 0).contains(&page), "it fits on 80 columns");
    app.announce(Ok("killed the leader, n2".to_owned()), 0);
    assert!(!text(&mut app, 0).contains("http"));
}

#[test]
fn the_keys_do_what_they_say() {
    let mut app = with_leader(3);
    let perform = |action| Some(Command::Perform(action));
    for code in ['\\', '4'] {
        assert_eq!(
            press(&mut app, KeyCode::Char(code), KeyModifiers::CONTROL),
            perform(Action::Kill { node: NodeId(2) }),
            "Ctrl+\\ as terminals report it"
        );
    }
    assert_eq!(key(&mut app, 'l'), perform(Action::Kill { node: NodeId(2) }));
    assert_eq!(key(&mut app, 'a'), perform(Action::AlignTimers));
    assert_eq!(key(&mut app, 'n'), perform(Action::AddServer));
    assert_eq!(key(&mut app, 'f'), perform(Action::SetProfile { profile: Profile::PRODUCTION }));
    assert_eq!(key(&mut app, '3'), None);
    assert_eq!(key(&mut app, 'k'), perform(Action::Kill { node: NodeId(3) }));
    assert_eq!(press(&mut app, KeyCode::Up, KeyModifiers::NONE), None);
    assert_eq!(key(&mut app, 't'), perform(Action::ForceTimeout { node: NodeId(2) }));
    assert_eq!(key(&mut app, 'd'), perform(Action::RemoveServer { node: NodeId(2) }));
    assert_eq!(key(&mut app, 'x'), perform(Action::ReplaceServer { node: NodeId(2) }));
    assert_eq!(key(&mut app, 'o'), perform(Action::Transfer { to: NodeId(2) }));
    assert_eq!(key(&mut app, 's'), perform(Action::Pause { node: NodeId(2) }));
    app.observe(&record(1, 2, 4, Event::Laboratory(Laboratory::Paused)));
    assert_eq!(key(&mut app, 's'), perform(Action::Resume { node: NodeId(2) }));
    let links = Links::Of(NodeId(2));
    assert_eq!(key(&mut app, 'i'), perform(Action::Cut { links: links.clone() }));
    let cut = vec![Link { from: NodeId(2), to: NodeId(1) }];
    app.observe(&record(1, 2, 4, Event::Laboratory(Laboratory::LinksCut { links: cut })));
    assert_eq!(key(&mut app, 'i'), perform(Action::Mend { links }));
    assert_eq!(key(&mut app, 'q'), Some(Command::End(End::Quit)));
    let ctrl_c = press(&mut app, KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(ctrl_c, Some(Command::End(End::Interrupted(2))));
}

/// The server has died by SIGKILL.
fn dies(app: &mut App, node: u64) {
    let died = Laboratory::Died { signal: Some(9), status: None, power_cut: None, last_words: String::new() };
    app.observe(&record(1, node, 4, Event::Laboratory(died)));
}

#[test]
fn who_kills_the_leader_has_chosen_it_and_starts_it_again() {
    let mut app = with_leader(3);
    key(&mut app, '3');
    press(&mut app, KeyCode::Char('\\'), KeyModifiers::CONTROL);
    dies(&mut app, 2);
    assert_eq!(key(&mut app, 'r'), Some(Command::Perform(Action::Restart { node: NodeId(2) })));
    let text = text(&mut app, 0);
    assert!(row(&text, "n2").contains('▸'), "{text}");
}

#[test]
fn without_a_leader_nobody_is_chosen() {
    let mut app = with_leader(3);
    dies(&mut app, 2);
    key(&mut app, '3');
    assert_eq!(key(&mut app, 'l'), Some(Command::Perform(Action::KillLeader)));
    assert_eq!(key(&mut app, 'k'), Some(Command::Perform(Action::Kill { node: NodeId(3) })));
}

#[test]
fn a_server_that_lives_is_not_started_again() {
    let mut app = with_leader(3);
    key(&mut app, '2');
    assert_eq!(key(&mut app, 'r'), None);
    assert!(text(&mut app, 0).contains("! n2 is running: k kills it, then r restarts it"));
    app.observe(&record(1, 2, 4, Event::Laboratory(Laboratory::Paused)));
    assert_eq!(key(&mut app, 'r'), None);
    assert!(text(&mut app, 0).contains("! n2 is paused, not dead: s resumes it"));
}

#[test]
fn who_is_cut_off_is_seen_and_does_not_count() {
    let both_ways = |one: u64, other: u64| {
        let link = Link { from: NodeId(one), to: NodeId(other) };
        [link, link.back()]
    };
    let mut app = with_leader(4);
    let cut = |app: &mut App, links: Vec<Link>| {
        app.observe(&record(1, 2, 4, Event::Laboratory(Laboratory::LinksCut { links })));
        text(app, 0)
    };
    let one = cut(&mut app, both_ways(3, 4).to_vec());
    assert!(row(&one, "n3").contains("✂ n4") && row(&one, "n4").contains("✂ n3"), "{one}");
    assert!(!row(&one, "n1").contains('✂') && one.contains("leader n2, term 4\n"), "{one}");

    let isolated = cut(&mut app, [both_ways(2, 1), both_ways(2, 3), both_ways(2, 4)].concat());
    assert!(row(&isolated, "n2").contains("✂ cut off"), "{isolated}");
    assert!(
        isolated.contains("leader n2, term 4: but 4 of 4 running, 1 connected, a majority is 3"),
        "{isolated}"
    );

    let role = What::Role { role: RoleKind::Follower, was: Some(RoleKind::Leader) };
    app.observe(&record(1, 2, 4, decided(Rule::CheckQuorum, role)));
    let nobody = text(&mut app, 0);
    assert!(nobody.contains("no leader: 4 of 4 running, 3 connected, an election needs 3"), "{nobody}");
    app.observe(&record(1, 2, 4, Event::Laboratory(Laboratory::LinksHealed)));
    assert!(!text(&mut app, 0).contains('✂'));
}

#[test]
fn what_a_key_cant_do_is_said() {
    let mut app = with_leader(3);
    assert_eq!(key(&mut app, '9'), None);
    assert!(text(&mut app, 0).contains("! there is no n9 in this cluster"));
    app.record_outcome(&Action::KillLeader, Err("there is no leader".to_owned()), 0);
    assert!(text(&mut app, 0).contains("! there is no leader"));
    assert!(!text(&mut app, 60_000 * MILLISECOND).contains("! there is no leader"), "for a while");
}

#[test]
fn a_frozen_view_stays_while_the_cluster_goes_on() {
    let mut app = with_leader(3);
    assert_eq!(key(&mut app, ' '), None);
    app.observe(&record(1, 2, 4, Event::Laboratory(Laboratory::Paused)));
    let frozen = text(&mut app, 100 * MILLISECOND);
    assert!(frozen.contains("frozen at 0.000s (space resumes), 1 line since"), "{frozen}");
    assert!(row(&frozen, "n2").contains("★ leader"), "{frozen}");
    assert_eq!(filled_cells(&row(&frozen, "n1")), 0);
    key(&mut app, ' ');
    assert!(row(&text(&mut app, 100 * MILLISECOND), "n2").contains("‖ paused"));
}

#[test]
fn while_the_view_is_frozen_its_headlines_are_too_and_what_is_done_leads_back_to_live() {
    let mut app = with_failover();
    key(&mut app, ' ');
    app.observe(&record(2000 * MILLISECOND, 3, 5, Event::Laboratory(Laboratory::Paused)));
    let frozen = text(&mut app, 0);
    assert!(frozen.contains("▸   1.000s n2 was killed.") && !frozen.contains("n3 was paused"), "{frozen}");
    app.record_outcome(&Action::Resume { node: NodeId(3) }, Ok("resumed n3".to_owned()), 0);
    let live = text(&mut app, 0);
    assert!(live.contains("n3 was paused") && !live.contains("frozen"), "{live}");
}

#[test]
fn a_line_that_is_too_long_is_cut_with_a_mark() {
    let mut app = with_leader(3);
    app.slow_motion.is_on = true;
    key(&mut app, ' ');
    for _ in 0..100 {
        app.observe(&record(1, 2, 4, Event::Laboratory(Laboratory::Paused)));
    }
    app.announce(Err("n".repeat(100)), 0);
    let text = text(&mut app, 0);
    let state = text.lines().find(|line| line.contains("frozen at")).unwrap();
    assert!(state.contains("slow motion (m: off)") && state.contains("(space resumes)"), "{state}");
    assert!(text.contains(&format!(" ! {}…\n", "n".repeat(76))), "{text}");
}

#[test]
fn a_server_that_was_removed_and_has_ended_is_neither_counted_nor_restarted() {
    let mut app = with_leader(3);
    app.observe(&record(1, 3, 4, decided(Rule::RememberRemoval, What::Removed { index: Index(2) })));
    dies(&mut app, 3);
    let text = text(&mut app, 0);
    assert!(row(&text, "n3").contains("✕ removed") && !text.contains("r restarts it"), "{text}");
    assert!(text.contains("· 2 servers ·"), "{text}");
}

#[test]
fn the_story_can_be_scrolled_back_and_forth() {
    let mut app = with_leader(3);
    for term in 5..100 {
        let what = What::Term { was: Term(term - 1) };
        app.observe(&record(term, 1, term, decided(Rule::CandidateIncrementsTerm, what)));
    }
    assert!(text(&mut app, 0).contains("from 98 to 99"));
    press(&mut app, KeyCode::PageUp, KeyModifiers::NONE);
    let earlier = text(&mut app, 0);
    assert!(earlier.contains("frozen") && !earlier.contains("from 98 to 99"), "{earlier}");
    press(&mut app, KeyCode::Home, KeyModifiers::NONE);
    assert!(text(&mut app, 0).contains("start as a follower"));
    press(&mut app, KeyCode::End, KeyModifiers::NONE);
    assert!(text(&mut app, 0).contains("from 98 to 99"));
}

#[test]
fn a_server_that_comes_later_has_a_row() {
    let mut app = app(3);
    let role = What::Role { role: RoleKind::Follower, was: None };
    for node in 1..=4 {
        let record = record(0, node, 0, decided(Rule::StartAsFollower, role.clone()));
        app.observe(&Record { seq: Some(1), ..record });
    }
    let text = text(&mut app, 0);
    assert!(text.contains("4 servers"), "{text}");
    for server in ["n1", "n2", "n3", "n4"] {
        assert!(row(&text, server).contains("○"), "{text}");
    }
}

#[test]
fn the_help_explains_keys_and_signs_and_goes_with_any_key() {
    let mut app = with_leader(3);
    key(&mut app, 'h');
    let help = text(&mut app, 0);
    for (key, what) in crate::keys::HELP.iter().chain(crate::keys::SIGNS) {
        assert!(help.contains(key) && help.contains(what), "{key}: {what}\n{help}");
    }
    assert_eq!(key(&mut app, 'k'), None, "closes the help and kills nobody");
    assert!(!text(&mut app, 0).contains("╭ help"));
}

#[test]
fn the_words_of_the_chosen_headline_are_explained() {
    let mut app = with_failover();
    app.is_unfolded = false;
    let headline = text(&mut app, 0);
    assert!(headline.contains("votes"), "{headline}");
    key(&mut app, '?');
    let words = text(&mut app, 0);
    let explained = |word: &str| words.lines().position(|line| line.contains(&format!("│ {word}")));
    let tables = explained("in the tables above").unwrap();
    assert!(words.contains("│ n2 was killed."), "the line itself: {words}");
    assert!(explained("vote, voted: a server's yes").unwrap() < tables, "{words}");
    assert!(explained("log, entry, index: ").unwrap() > tables, "{words}");
    key(&mut app, '?');
    assert!(text(&mut app, 0).contains("╭ help"), "again: the help");
    key(&mut app, '?');
    assert!(!text(&mut app, 0).contains("╭"));
    key(&mut app, '?');
    assert_eq!(key(&mut app, 'k'), None, "closes it and kills nobody");
    assert!(!text(&mut app, 0).contains("╭ words"));
}

#[test]
fn where_not_all_words_can_be_explained_a_line_says_so() {
    let mut app = with_failover();
    key(&mut app, '?');
    let at_size = |app: &mut App, rows| text_on(&screen_of(app, 0, (80, rows)));
    assert!(at_size(&mut app, 18).contains("│ … a higher terminal has room for more words"));
    assert!(!at_size(&mut app, 40).contains("a higher terminal"));
}

#[test]
fn unfolded_lines_are_explained_and_without_a_story_there_is_the_help() {
    let mut unfolded = with_leader(3);
    key(&mut unfolded, '?');
    assert!(text(&mut unfolded, 0).contains("leader, follower, candidate: the leader takes commands"));
    let mut empty = app(3);
    key(&mut empty, '?');
    assert!(text(&mut empty, 0).contains("╭ help"));
}

#[test]
fn every_line_of_the_story_fits_with_its_rule_on_80_columns() {
    let mut app = with_leader(3);
    let text = text(&mut app, 0);
    assert!(text.contains("start as a follower") && text.contains("start-as-follower"), "{text}");
    assert!(!text.contains('…'), "{text}");
}

#[test]
fn without_colours_there_are_none() {
    let mut app = with_leader(3);
    app.has_colour = false;
    let terminal = screen_of(&mut app, 0, (80, 24));
    for cell in &terminal.backend().buffer().content {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
}

#[test]
fn every_size_of_terminal_is_drawn() {
    for servers in [1, 3, 15] {
        let mut app = with_leader(servers);
        has_log(&mut app, 1, position(90, 1), &[1, 2, 3, 4], 92);
        for (overlay, panels) in [
            (None, Panels::LogsAndStory),
            (None, Panels::Logs),
            (None, Panels::Story),
            (Some(Overlay::Help), Panels::Logs),
            (Some(Overlay::Words), Panels::Logs),
        ] {
            app.overlay = overlay;
            app.panels = panels;
            for columns in [1, 2, 40, 79, 80, 81, 103, 104, 200] {
                for rows in [1, 2, 5, 17, 18, 19, 20, 24, 60] {
                    screen_of(&mut app, 0, (columns, rows));
                }
            }
        }
    }
}

#[test]
fn a_small_terminal_is_told_what_is_needed() {
    let terminal = screen_of(&mut with_leader(3), 0, (40, 10));
    let cells: String = terminal.backend().buffer().content.iter().map(|cell| cell.symbol()).collect();
    assert!(cells.contains("40×10") && cells.contains("80×18"), "{cells}");
}

#[test]
fn the_chosen_server_is_on_the_screen_however_many_there_are() {
    let mut app = with_leader(15);
    for _ in 1..15 {
        press(&mut app, KeyCode::Down, KeyModifiers::NONE);
    }
    let text = text(&mut app, 0);
    assert!(row(&text, "n15").contains('▸'), "{text}");
    assert!(text.contains("what happens"), "{text}");
}

/// n2, which led term 4, is killed; n1 asks n3 and leads term 5.
fn with_failover() -> App {
    let mut app = with_leader(3);
    app.is_unfolded = false;
    let died = Laboratory::Died { signal: Some(9), status: None, power_cut: None, last_words: String::new() };
    let request =
        RequestVote { term: Term(5), last_log_index: Index(0), last_log_term: Term(0), by_transfer: false };
    let tally = What::Tally { voter: NodeId(3), granted: true, votes: 2, needed: 2, of_new: None };
    let leads = What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
    let t = 1000 * MILLISECOND;
    for (node, event) in [
        (2, Event::Laboratory(died)),
        (1, decided(Rule::ElectionTimeout, What::Timeout { role: RoleKind::Follower })),
        (1, decided(Rule::CandidateIncrementsTerm, What::Term { was: Term(4) })),
        (1, Event::Io(Io::Sent { to: NodeId(3), message: Message::RequestVote(request) })),
        (1, decided(Rule::MajorityWins, tally)),
        (1, decided(Rule::MajorityWins, leads)),
    ] {
        app.observe(&record(t, node, 5, event));
    }
    app
}

#[test]
fn the_story_is_told_in_headlines() {
    let text = text(&mut with_failover(), 0);
    let expected = "\
▸   1.000s n2 was killed. After 200 ms without a heartbeat n1 asked n3, got 2 of
           2 votes and leads term 5.
";
    assert!(text.contains(expected), "{text}");
    assert!(!text.contains("raise my term"), "{text}");
}

#[test]
fn a_headline_unfolds_into_its_lines_from_the_first_one_on() {
    let mut app = with_failover();
    text(&mut app, 0);
    press(&mut app, KeyCode::Enter, KeyModifiers::NONE);
    let unfolded = text(&mut app, 0);
    assert!(
        unfolded.contains("  1.000s n2  killed (SIGKILL): what it wrote to its disk stays there\n"),
        "{unfolded}"
    );
    assert!(unfolded.contains("my election timer ran out"), "{unfolded}");
    press(&mut app, KeyCode::Enter, KeyModifiers::NONE);
    assert!(text(&mut app, 0).contains("▸   1.000s n2 was killed."));
}

#[test]
fn an_earlier_headline_can_be_chosen() {
    let mut app = with_failover();
    text(&mut app, 0);
    press(&mut app, KeyCode::PageUp, KeyModifiers::NONE);
    assert!(text(&mut app, 0).contains("▸   0.000s n3 started."), "{}", text(&mut app, 0));
    press(&mut app, KeyCode::Enter, KeyModifiers::NONE);
    assert!(text(&mut app, 0).contains("start as a follower"));
    press(&mut app, KeyCode::Esc, KeyModifiers::NONE);
    press(&mut app, KeyCode::End, KeyModifiers::NONE);
    assert!(text(&mut app, 0).contains("▸   1.000s n2 was killed."));
}

fn done(app: &mut App, action: &Action) {
    app.record_outcome(action, Ok("done".to_owned()), 0);
}

#[test]
fn what_to_try_first_is_ticked_off_and_can_be_dismissed() {
    let mut app = with_leader(3);
    app.guide.is_shown = true;
    let shown = text(&mut app, 0);
    assert_eq!(shown.lines().filter(|line| line.starts_with(" · ")).count(), 3, "{shown}");
    let recorded = include_str!("../../trace/tests/first-steps.jsonl");
    let records: Vec<Record> = recorded.lines().map(|line| Record::from_json(line).unwrap()).collect();
    let mut app = self::app(3);
    app.guide.is_shown = true;
    let (until_killed, rest) = records.split_at(records.partition_point(|record| record.t <= 2_000_000));
    until_killed.iter().for_each(|record| app.observe(record));
    let shown = text(&mut app, 0);
    assert!(shown.contains(" ✓ Ctrl+\\ kills the leader."), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with(" · ")).count(), 2, "{shown}");
    key(&mut app, 'g');
    assert!(!text(&mut app, 0).contains("try this"));
    key(&mut app, 'g');
    assert!(text(&mut app, 0).contains("try this"));
    rest.iter().for_each(|record| app.observe(record));
    assert!(!text(&mut app, 0).contains("try this"), "all is done");
}

#[test]
fn slow_motion_is_switched_by_a_key_and_shown() {
    let mut app = with_leader(3);
    assert_eq!(key(&mut app, 'm'), Some(Command::WantSlowMotion(true)));
    app.slow_motion = SlowMotionState { is_wanted: true, is_on: true };
    assert!(text(&mut app, 0).contains("slow motion (m: off)"));
    assert_eq!(key(&mut app, 'm'), Some(Command::WantSlowMotion(false)));
}

const RERUN: &str = "Replay in slow motion of what just happened; the cluster goes on. Esc: live";

/// The election of `with_failover` was won while slow motion was wanted; nobody has pressed a key since.
fn with_rerun() -> App {
    let mut app = with_failover();
    app.slow_motion.is_wanted = true;
    app.tick(1699 * MILLISECOND);
    assert!(!text(&mut app, 1699 * MILLISECOND).contains(RERUN), "the new leader has only begun");
    app.tick(1700 * MILLISECOND);
    app
}

#[test]
fn an_election_that_nobody_slowed_down_is_shown_again_once() {
    let mut app = with_rerun();
    let begin = text(&mut app, 1700 * MILLISECOND);
    assert!(begin.contains(RERUN), "{begin}");
    assert!(begin.contains("leader n2, term 4") && !begin.contains("killed"), "{begin}");
    // Twenty times slower: 20 ms before the death take 400 ms.
    app.tick(2099 * MILLISECOND);
    assert!(!text(&mut app, 2099 * MILLISECOND).contains("killed"));
    app.tick(2100 * MILLISECOND);
    let killed = text(&mut app, 2100 * MILLISECOND);
    assert!(killed.contains("1.000s n2  killed (SIGKILL)"), "{killed}");
    assert!(killed.contains("leader n1, term 5"), "{killed}");
    // After 60 ms with the new leader, the present is shown again.
    for now in [3299, 3300, 60_000] {
        app.tick(now * MILLISECOND);
        let is_rerun = text(&mut app, now * MILLISECOND).contains(RERUN);
        assert_eq!(is_rerun, now == 3299, "at {now} ms");
    }
    assert!(
        text(&mut app, 60_000 * MILLISECOND).contains("▸   1.000s n2 was killed."),
        "headlines as before"
    );
}

#[test]
fn a_replay_of_what_just_happened_is_left_by_a_key() {
    let mut app = with_rerun();
    press(&mut app, KeyCode::Esc, KeyModifiers::NONE);
    app.tick(2000 * MILLISECOND);
    let left = text(&mut app, 2000 * MILLISECOND);
    assert!(!left.contains(RERUN) && !left.contains("frozen"), "{left}");

    let mut app = with_rerun();
    done(&mut app, &Action::Kill { node: NodeId(1) });
    assert!(!app.is_rerun(), "what is done now is to be seen");

    let mut app = with_rerun();
    key(&mut app, ' ');
    app.tick(9000 * MILLISECOND);
    let stopped = text(&mut app, 9000 * MILLISECOND);
    assert!(stopped.contains("frozen at 0.980s") && !stopped.contains(RERUN), "{stopped}");
    press(&mut app, KeyCode::Right, KeyModifiers::NONE);
    assert!(text(&mut app, 9000 * MILLISECOND).contains("frozen at 1.000s"));
}

#[test]
fn no_replay_disturbs_who_does_something_else() {
    let is_shown = |prepare: fn(&mut App)| {
        let mut app = with_failover();
        app.slow_motion.is_wanted = true;
        prepare(&mut app);
        app.tick(5000 * MILLISECOND);
        app.is_rerun()
    };
    assert!(is_shown(|_| {}));
    assert!(!is_shown(|app| app.slow_motion.is_wanted = false));
    assert!(!is_shown(|app| app.slow_motion.is_on = true), "another one is slow now");
    assert!(!is_shown(|app| app.overlay = Some(Overlay::Help)));
    assert!(!is_shown(|app| drop(key(app, ' '))), "the past is on show");
    let pressed = |app: &mut App| {
        app.on_key(KeyEvent::new(KeyCode::Up, KeyModifiers::NONE), 4500 * MILLISECOND);
    };
    assert!(!is_shown(pressed), "a key was pressed just now");
    let mut slow = with_leader(3);
    slow.slow_motion.is_wanted = true;
    slow.record_outcome(&Action::SetSpeed { multiple: 0.05 }, Ok(String::new()), 0);
    let leads = What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
    slow.observe(&record(0, 1, 5, decided(Rule::MajorityWins, leads)));
    slow.tick(5000 * MILLISECOND);
    assert!(!slow.is_rerun(), "it was slow enough to be seen");
}

#[test]
fn a_frozen_view_goes_event_by_event() {
    let mut app = with_failover();
    let beat = decided(Rule::MajorityWins, What::Heartbeat);
    app.observe(&record(1500 * MILLISECOND, 1, 5, beat));
    let now = 2000 * MILLISECOND;
    let shown = |app: &mut App, code: KeyCode| {
        app.on_key(KeyEvent::new(code, KeyModifiers::NONE), now);
        text(app, now)
    };
    assert!(shown(&mut app, KeyCode::Right).contains("! this is the latest event"));
    let elected = shown(&mut app, KeyCode::Left);
    assert!(
        elected.contains("leader n1, term 5") && elected.contains("become the leader of term 5"),
        "{elected}"
    );
    let counted = shown(&mut app, KeyCode::Left);
    assert!(
        row(&counted, "n1").contains("◐ candidate") || row(&counted, "n1").contains("○ follower"),
        "{counted}"
    );
    assert!(!counted.contains("become the leader of term 5"), "{counted}");
    let again = shown(&mut app, KeyCode::Right);
    assert_eq!(again.lines().nth(2), elected.lines().nth(2));
    let mut steps = 0;
    while !shown(&mut app, KeyCode::Left).contains("! what was before is not kept") {
        steps += 1;
        assert!(!text(&mut app, now).contains('!'), "what was refused before is no news any longer");
    }
    assert!(steps > 5, "{steps}");
    assert!(text(&mut app, now).contains("frozen at 0.000s"));
    key(&mut app, ' ');
    assert!(text(&mut app, now).contains("▸   1.000s n2 was killed."), "live again, with headlines");
}

#[test]
fn the_page_is_opened_if_there_is_one() {
    let mut app = with_leader(3);
    assert_eq!(key(&mut app, 'w'), None);
    assert!(text(&mut app, 0).contains("! there is no page"));
    app.setup.page = Some("http://127.0.0.1:4000/".to_owned());
    assert_eq!(key(&mut app, 'w'), Some(Command::OpenPage("http://127.0.0.1:4000/".to_owned())));
}

/// The recorded run of crates/simulator/tests/simulator/lost_entry.rs, up to the record before this one.
fn lost_entry(until: impl Fn(&Record) -> bool) -> App {
    let mut app = app(3);
    let lines = include_str!("../../simulator/tests/lost-entry/records.jsonl").lines();
    let records = lines.map(|line| Record::from_json(line).unwrap());
    records.take_while(|record| !until(record)).for_each(|record| app.observe(&record));
    app
}

fn has_died(record: &Record) -> bool {
    matches!(record.event, Event::Laboratory(Laboratory::Died { .. }))
}

/// The lines below the indexes up to the story: logs, and what clients asked.
fn logs_and_requests(terminal: &Terminal<TestBackend>) -> Vec<String> {
    let text = text_on(terminal);
    logs(&text).into_iter().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_wide_terminal_shows_commands_and_stores() {
    let mut app = lost_entry(has_died);
    let expected = "
 ▸ n1  ★       2      –     –   1 no-op   1 x = 1 ┃ 1 x = 9                                x = 1
   n2          2      2     4   1 no-op   1 x = 1 ┃                                        x = 1
   n3          2      2     4   1 no-op   1 x = 1 ┃                                        x = 1
   client c2 → n1  x = 1     ✓ done: written, version 2
   client c1 → n1  x = 9     … waits for a response";
    let screen = screen_of(&mut app, 0, (120, 30));
    assert_eq!(logs_and_requests(&screen), expected.lines().skip(1).collect::<Vec<_>>());
}

#[test]
fn a_narrow_terminal_tells_the_commands_and_the_store_of_the_chosen_server() {
    let mut app = lost_entry(has_died);
    let expected = "
 ▸ n1  ★       2      –     –   1  1┃ 1
   n2          2      2     4   1  1┃
   n3          2      2     4   1  1┃
   n1's log: 1 no-op, 2 x = 1, 3 x = 9 · store: x = 1
   client c2 → n1  x = 1     ✓ done: written, version 2
   client c1 → n1  x = 9     … waits for a response";
    let screen = screen_of(&mut app, 0, (80, 24));
    assert_eq!(logs_and_requests(&screen), expected.lines().skip(1).collect::<Vec<_>>());
    key(&mut app, '2');
    assert!(text(&mut app, 0).contains("n2's log: 1 no-op, 2 x = 1 · store: x = 1"));
}

#[test]
fn a_lost_entry_leaves_its_client_in_doubt_and_no_trace_in_a_store() {
    let mut after_death = lost_entry(|record| record.node == NodeId(1) && record.life > 1);
    let screen = screen_of(&mut after_death, 0, (120, 30));
    let expected = "
 ▸ n1          –      0     4   1 no-op   1 x = 1 ┃≠1 x = 9                                –";
    assert_eq!(logs_and_requests(&screen)[0], expected.lines().nth(1).unwrap());
    let in_doubt = "client c1 → n1  x = 9     ? unknown: n1 died before it replied";
    assert!(text_on(&screen).contains(in_doubt), "{}", text_on(&screen));

    let mut at_the_end = lost_entry(|_| false);
    let text = text_on(&screen_of(&mut at_the_end, 0, (120, 30)));
    for server in ["n1", "n2", "n3"] {
        let log = logs(&text).into_iter().find(|line| line.contains(&format!(" {server} "))).unwrap();
        assert!(log.ends_with("x = 2") && log.contains("2 no-op") && !log.contains("x = 9"), "{text}");
    }
    assert!(text.contains(in_doubt), "{text}");
}

#[test]
fn a_store_is_cut_honestly() {
    let mut app = with_leader(1);
    let text: fn(&str) -> std::sync::Arc<str> = |text| text.into();
    let held = [("a", "1".repeat(60)), ("b", "2".to_owned()), ("c", "3".to_owned())];
    let held = held.iter().map(|(key, value)| (text(key), Some(text(value)))).collect();
    let store = Some(StoreContent { is_whole: true, keys: 9, held });
    let content = Some(Box::new(Content { entries: Vec::new(), store }));
    let applied = Event::Io(Io::Applied { index: Index(4) });
    app.observe(&Record { content, ..record(0, 1, 4, applied) });
    let text = text_on(&screen_of(&mut app, 0, (120, 30)));
    assert!(text.contains("  b = 2, c = 3, +7 more\n"), "{text}");
}
