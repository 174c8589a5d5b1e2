//! The replay on a screen in memory, of made-up tapes.

use super::player::Player;
use super::steps::StoryLine;
use super::{Moment, Tape};
use crate::End;
use crate::draw::replay::draw;
use crate::overlay::Overlay;
use crate::tests::{MILLISECOND, decided, filled_cells, heartbeat, record, row, text_on};
use consensus::event::What;
use consensus::{Index, Message, NodeId, RequestVote, RoleKind, Rule, Term, Timing};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use std::time::Duration;
use trace::{Event, Io, Laboratory, Process, Record};

const SECOND: u64 = 1000 * MILLISECOND;
const FRAME: Duration = Duration::from_millis(20);

fn starts(t: u64, node: u64) -> Vec<Record> {
    let started = Process::Started { pid: 7, address: "127.0.0.1:4000".to_owned() };
    let follower = What::Role { role: RoleKind::Follower, was: None };
    let timer = What::Timer { timeout_us: 200 * MILLISECOND };
    vec![
        record(t, node, 0, Event::Process(started)),
        record(t, node, 0, decided(Rule::StartAsFollower, follower)),
        record(t, node, 0, decided(Rule::RandomisedTimeout, timer)),
    ]
}

/// Three steps: the candidate n1 asks n2, n2 says yes, n1 leads.
fn elects_n1(t: u64, term: u64) -> Vec<Record> {
    let candidate = What::Role { role: RoleKind::Candidate, was: Some(RoleKind::Follower) };
    let request = RequestVote {
        term: Term(term),
        last_log_index: Index(0),
        last_log_term: Term(0),
        by_transfer: false,
    };
    let request = Message::RequestVote(request);
    let vote = What::Vote { candidate: NodeId(1), granted: true };
    let tally = What::Tally { voter: NodeId(2), granted: true, votes: 2, needed: 2, of_new: None };
    let leader = What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
    vec![
        record(t, 1, term, decided(Rule::ElectionTimeout, What::Timeout { role: RoleKind::Follower })),
        record(t, 1, term, decided(Rule::CandidateIncrementsTerm, What::Term { was: Term(term - 1) })),
        record(t, 1, term, decided(Rule::ElectionTimeout, candidate)),
        record(t, 1, term, Event::Io(Io::Sent { to: NodeId(2), message: request.clone() })),
        record(t, 2, term, Event::Io(Io::Received { from: NodeId(1), message: request })),
        record(t, 2, term, decided(Rule::PersistBeforeAnswer, vote)),
        record(t, 1, term, decided(Rule::MajorityWins, tally)),
        record(t, 1, term, decided(Rule::MajorityWins, leader)),
    ]
}

/// The leader n1 keeps the timer of n2 from running out, every 15 ms.
fn heartbeats(since: u64, term: u64, count: u64) -> Vec<Record> {
    let beat = |t| {
        let message = heartbeat(term);
        let timer = What::Timer { timeout_us: 200 * MILLISECOND };
        [
            record(t, 1, term, decided(Rule::HeartbeatAtOnce, What::Heartbeat)),
            record(t, 1, term, Event::Io(Io::Sent { to: NodeId(2), message: message.clone() })),
            record(t, 2, term, Event::Io(Io::Received { from: NodeId(1), message })),
            record(t, 2, term, decided(Rule::ResetTimerOnLeader, timer)),
        ]
    };
    (1..=count).flat_map(|number| beat(since + number * 15 * MILLISECOND)).collect()
}

fn violated(t: u64) -> Record {
    let property = "election safety (§5.2, Figure 3)".to_owned();
    let what_happened = "term 2 has two leaders, n1 and n2".to_owned();
    let (meaning, contradicts) = ("A term has at most one leader, ever.".to_owned(), None);
    let violated = Laboratory::Violated { property, meaning, what_happened, contradicts };
    record(t, 2, 2, Event::Laboratory(violated))
}

fn tape_of(records: Vec<Record>) -> Tape {
    Tape::played("a trace".to_owned(), vec![Moment { records, ..Moment::default() }])
}

/// Two elections with three seconds of heartbeats between them, then a violation: 11 steps with news.
pub(super) fn recorded() -> Tape {
    let records = [
        starts(0, 1),
        starts(0, 2),
        elects_n1(200 * MILLISECOND, 1),
        heartbeats(200 * MILLISECOND, 1, 200),
        elects_n1(4 * SECOND, 2),
        vec![violated(4 * SECOND)],
        heartbeats(4 * SECOND, 2, 3),
    ];
    tape_of(records.concat())
}

/// A scenario in which everything happens at one time: 8 steps, 3 paragraphs and a table among them. The
/// first paragraph is visible from the beginning.
fn scripted() -> Tape {
    let moment =
        |command: &str, records| Moment { command: Some(command.to_owned()), records, ..Moment::default() };
    let prose = |paragraphs: &[&str]| paragraphs.iter().map(|paragraph| (*paragraph).to_owned()).collect();
    let died = Laboratory::Died { signal: Some(9), status: None, power_cut: None, last_words: String::new() };
    Tape {
        title: "A leader crashes (§5.2)".to_owned(),
        servers: vec![NodeId(1), NodeId(2)],
        timing: Some(Timing::default()),
        without: None,
        moments: vec![
            Moment {
                prose: prose(&["Two servers. Who leads?", "Nobody yet."]),
                is_silent: true,
                ..moment("cluster 2", [starts(0, 1), starts(0, 2)].concat())
            },
            Moment { prose: prose(&["n1 asks n2."]), ..moment("timeout n1", elects_n1(0, 1)) },
            Moment { said: prose(&["n1 leader", "n2 follower"]), ..moment("status", Vec::new()) },
            moment("heal", Vec::new()),
            moment("crash n1", vec![record(0, 1, 1, Event::Laboratory(died))]),
            Moment { prose: prose(&["That is all."]), ..Moment::default() },
        ],
        begin: 0,
    }
}

fn player(tape: Tape) -> Player {
    Player::new(tape, true)
}

fn screen_of(player: &mut Player, (columns, rows): (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, player)).unwrap();
    terminal
}

fn text(player: &mut Player) -> String {
    text_on(&screen_of(player, (80, 24)))
}

fn press(player: &mut Player, code: KeyCode) -> Option<End> {
    player.on_key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn key(player: &mut Player, key: char) -> Option<End> {
    press(player, KeyCode::Char(key))
}

fn watch(player: &mut Player, for_how_long: Duration) {
    for _ in 0..for_how_long.div_duration_f64(FRAME) as usize {
        player.tick(FRAME);
    }
}

/// The screen after each step, including the beginning and the end.
fn pictures_forward(player: &mut Player) -> Vec<String> {
    let mut pictures = vec![text(player)];
    loop {
        press(player, KeyCode::Right);
        let picture = text(player);
        if picture.contains("this is the end") {
            return pictures;
        }
        pictures.push(picture);
    }
}

#[test]
fn it_waits_at_the_beginning_and_says_how_to_go_on() {
    let mut player = player(recorded());
    watch(&mut player, Duration::from_secs(5));
    let text = text(&mut player);
    assert!(text.contains("‖ paused   step 0 of 11 · 0.000s · speed 1×"), "{text}");
    assert!(text.contains("▸ space plays, → goes one step"), "{text}");
    assert!(text.contains("\n nothing has happened yet"), "{text}");
    assert!(row(&text, "n1").contains("… starting"), "{text}");
}

#[test]
fn a_scenario_on_80_columns_and_24_rows() {
    let mut player = player(scripted());
    key(&mut player, 'l');
    let expected = "
 A leader crashes (§5.2) · replay · 2 servers · timeout 150ms–300ms
 ‖ paused   step 5 of 8 · 0.000s · speed 1×  ━━━━━━━━━━━━━━━━━━━━━─────────────
 leader n1, term 1
   server role        term  vote  leader election timer         messages
 ▸ n1     ★ leader    1     –     n1     ♥ to all every 15ms    asks for votes
   n2     ○ follower  1     n1    –      ▕              ▏200 ms asked by n1
 logs: numbers are entries' terms · committed up to ┃ · ≠ leader differs ───────
   log    commit  match  next   1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16
 ▸ n1  ★       0      –     –
   n2          0      –     –
────────────────────────────────────────────────────────────────────────────────
 n1 asks n2.
 what happens, and the rule that decides ───────────────────────────────────────
  0.000s n1  my election timer ran out: start an election       election-timeout
             raise my term from 0 to 1                 candidate-increments-term
             become a candidate                                 election-timeout
             →n2 RequestVote term 1, empty log
  0.000s n2  ←n1 RequestVote term 1, empty log
             grant my vote: save it, then reply yes        persist-before-answer
  0.000s n1  n2 says yes: 2 of the 2 votes I need                  majority-wins
             a majority voted for me: become the leader of term 1  majority-wins

 space play/pause  → n step  ← b step back  Home End start, end  - + speed
 e election  l leader  v violation  s script  Tab panels  ? help  q quit
";
    assert_eq!(text(&mut player), expected[1..]);
}

#[test]
fn each_step_forward_adds_to_the_story_and_passes_over_the_routine() {
    let mut player = player(recorded());
    player.page = 100;
    let mut told = 0;
    for step in 1..=11 {
        key(&mut player, 'n');
        assert_eq!(player.step_of(), (step, 11));
        assert!(player.page_of_story().count() > told, "step {step}");
        told = player.page_of_story().count();
    }
}

#[test]
fn going_back_shows_the_same_pictures_as_going_forward() {
    for tape in [recorded(), scripted()] {
        let mut player = player(tape);
        let forward = pictures_forward(&mut player);
        for expected in forward.iter().rev().skip(1) {
            key(&mut player, 'b');
            assert_eq!(&text(&mut player), expected);
        }
        key(&mut player, 'b');
        assert!(text(&mut player).contains("! this is the beginning"));
        press(&mut player, KeyCode::End);
        assert_eq!(Some(&text(&mut player)), forward.last());
        press(&mut player, KeyCode::Home);
        assert_eq!(text(&mut player), forward[0]);
    }
}

#[test]
fn keys_jump_to_elections_leaders_and_violations() {
    let mut player = player(recorded());
    let mut step_after = |jump| {
        key(&mut player, jump);
        player.step_of().0
    };
    assert_eq!([step_after('e'), step_after('e'), step_after('E')], [5, 8, 5]);
    assert_eq!([step_after('l'), step_after('l'), step_after('L')], [7, 10, 7]);
    assert_eq!(step_after('v'), 11);
    assert_eq!(step_after('e'), 11, "nothing to jump to");
    assert!(text(&mut player).contains("! there is no election after this point"));
    press(&mut player, KeyCode::Home);
    key(&mut player, 'V');
    assert!(text(&mut player).contains("! there is no violation before this point"));
    key(&mut player, 'n');
    assert!(!text(&mut player).contains("there is no"), "it is said until the next key");
}

#[test]
fn a_violation_is_told_in_red_and_remembered() {
    let mut player = player(recorded());
    key(&mut player, 'l');
    assert!(!text(&mut player).contains("VIOLATED"));
    key(&mut player, 'v');
    let terminal = screen_of(&mut player, (80, 24));
    let text = text_on(&terminal);
    assert!(text.contains("\n VIOLATED: election safety (§5.2, Figure 3)  leader n1, term 2\n"), "{text}");
    assert!(text.contains("  4.000s n2  VIOLATED: election safety"), "{text}");
    assert!(text.contains("! term 2 has two leaders, n1 and n2"), "{text}");
    let is_red = |row: &str| {
        let row = text.lines().position(|line| line.contains(row)).unwrap();
        terminal.backend().buffer()[(15, row as u16)].fg == Color::Red
    };
    assert!(is_red(" VIOLATED") && is_red("  4.000s n2  VIOLATED"), "{text}");
}

#[test]
fn each_paragraph_waits_to_be_read() {
    let mut player = player(scripted());
    let beginning = text(&mut player);
    assert!(beginning.contains(" Two servers. Who leads?") && !beginning.contains("Nobody"), "{beginning}");
    let narrated = ["Nobody yet.", "n1 asks n2.", "That is all."];
    for paragraph in narrated {
        key(&mut player, ' ');
        watch(&mut player, Duration::from_secs(20));
        let read = text(&mut player);
        assert!(read.contains(paragraph) && !player.plays(), "{paragraph}\n{read}");
    }
    key(&mut player, 'b');
    assert!(text(&mut player).contains("n1 asks n2."), "what was read last stays");
}

#[test]
fn the_question_stays_above_its_answer() {
    let mut player = player(scripted());
    key(&mut player, 'n');
    let text = text(&mut player);
    assert!(text.contains("\n Two servers. Who leads?\n Nobody yet.\n"), "{text}");
    assert!(text.contains("▸ space continues"), "{text}");
}

#[test]
fn a_tape_is_opened_at_a_moment() {
    let all = recorded();
    let records = &all.moments[0].records;
    let leads = 1 + records.iter().position(Record::comes_to_lead).unwrap();
    let mut player = player(Tape { begin: leads, ..recorded() });
    assert!(row(&text(&mut player), "n1").contains("leader"), "{}", text(&mut player));
    assert!(!player.plays());
    press(&mut player, KeyCode::Left);
    assert!(!row(&text(&mut player), "n1").contains("leader"), "{}", text(&mut player));
    let mut player = Player::new(Tape { begin: records.len() + 1, ..recorded() }, true);
    assert!(text(&mut player).contains("the end: "), "{}", text(&mut player));
}

#[test]
fn prose_that_is_to_be_read_comes_before_logs_and_story() {
    let prose = vec!["word ".repeat(400)];
    let mut player = player(Tape { moments: vec![Moment { prose, ..Moment::default() }], ..scripted() });
    let reading = text(&mut player);
    let lines = reading.lines().filter(|line| line.starts_with(" word")).count();
    assert_eq!(lines, 12, "{reading}");
}

#[test]
fn tables_are_told_and_silent_commands_are_not() {
    let mut player = player(scripted());
    press(&mut player, KeyCode::End);
    player.page = 100;
    let told: Vec<&StoryLine> = player.page_of_story().collect();
    assert!(told.contains(&&StoryLine::Said("n2 follower".to_owned())), "{told:?}");
    let is_silent = |line: &&StoryLine| format!("{line:?}").contains("start as a follower");
    assert!(!told.iter().any(is_silent), "{told:?}");
    assert!(row(&text(&mut player), "n1").contains("✕ dead"), "it has happened all the same");
}

#[test]
fn the_script_is_shown_on_request() {
    let mut player = player(scripted());
    press(&mut player, KeyCode::End);
    let folded = text(&mut player);
    key(&mut player, 's');
    player.page = 100;
    let told: Vec<String> = player.page_of_story().map(|line| format!("{line:?}")).collect();
    for expected in ["cluster 2", "start as a follower", "heal", "crash n1"] {
        assert!(told.iter().any(|line| line.contains(expected)), "{expected}: {told:?}");
    }
    key(&mut player, 's');
    assert!(text(&mut player).contains("the script is folded away"));
    press(&mut player, KeyCode::End);
    assert_eq!(text(&mut player), folded);

    let mut player = self::player(recorded());
    key(&mut player, 's');
    assert!(text(&mut player).contains("! this is a recorded run: it has no script"));
}

#[test]
fn the_script_is_shown_and_folded_at_the_same_place() {
    for steps in 0..=8 {
        let mut player = player(scripted());
        (0..steps).for_each(|_| {
            key(&mut player, 'n');
        });
        let shown = player.prose().to_vec();
        key(&mut player, 's');
        assert_eq!(player.prose(), shown, "step {steps}");
        key(&mut player, 's');
        assert_eq!(player.prose(), shown, "step {steps}");
    }
}

#[test]
fn a_rule_that_is_off_is_announced() {
    let mut player = player(Tape { without: Some(Rule::MajorityWins), ..scripted() });
    assert!(text(&mut player).contains("\n majority-wins is OFF "), "{}", text(&mut player));
}

#[test]
fn each_step_of_a_moment_can_be_read_while_it_plays() {
    let mut player = player(scripted());
    for _ in 0..2 {
        key(&mut player, 'n');
    }
    key(&mut player, ' ');
    watch(&mut player, Duration::from_millis(300));
    assert_eq!(player.step_of().0, 2);
    watch(&mut player, Duration::from_millis(200));
    assert_eq!(player.step_of().0, 3);
    assert!(text(&mut player).contains("► playing  step 3 of 8"));
    key(&mut player, '-');
    watch(&mut player, Duration::from_millis(600));
    assert_eq!(player.step_of().0, 3, "half the speed, twice the time");
    watch(&mut player, Duration::from_millis(200));
    assert_eq!(player.step_of().0, 4);
    key(&mut player, ' ');
    watch(&mut player, Duration::from_secs(9));
    assert_eq!(player.step_of().0, 4, "paused");
}

#[test]
fn the_timers_fill_and_are_restarted_while_it_plays() {
    let mut player = player(recorded());
    for _ in 0..4 {
        key(&mut player, 'n');
    }
    key(&mut player, ' ');
    watch(&mut player, Duration::from_millis(100));
    assert_eq!(filled_cells(&row(&text(&mut player), "n2")), 7);
    key(&mut player, 'l');
    key(&mut player, ' ');
    watch(&mut player, Duration::from_millis(200));
    let text = text(&mut player);
    assert!(filled_cells(&row(&text, "n2")) < 2, "{text}");
    assert!(row(&text, "n1").contains("♥ → all 13"), "{text}");
}

#[test]
fn a_long_pause_without_news_is_cut_short_and_that_is_said() {
    let mut player = player(recorded());
    key(&mut player, 'l');
    key(&mut player, ' ');
    watch(&mut player, Duration::from_millis(480));
    assert_eq!(player.time(), 680 * MILLISECOND);
    watch(&mut player, Duration::from_millis(40));
    let text = text(&mut player);
    assert!(text.contains("s in which nothing new happened"), "{text}");
    assert!(row(&text, "n1").contains("→ all 200"), "{text}");
    watch(&mut player, Duration::from_millis(520));
    assert_eq!(player.step_of().0, 8);
}

#[test]
fn a_violation_pauses_and_at_the_end_it_stops_and_can_be_played_again() {
    let mut player = player(recorded());
    key(&mut player, ' ');
    watch(&mut player, Duration::from_secs(20));
    assert!(!player.plays());
    assert!(text(&mut player).contains("! term 2 has two leaders"));
    key(&mut player, ' ');
    watch(&mut player, Duration::from_secs(20));
    assert!(!player.plays());
    assert_eq!(player.time(), 4045 * MILLISECOND);
    key(&mut player, ' ');
    assert!(text(&mut player).contains("► playing  step 0 of 11"));
}

#[test]
fn what_is_not_known_is_not_shown() {
    let mut recorded = player(recorded());
    key(&mut recorded, 'l');
    let text = text(&mut recorded);
    assert!(!text.contains("timeout 1") && !text.contains("every"), "{text}");
    assert!(row(&text, "n1").contains("♥ to all"), "{text}");
}

#[test]
fn an_empty_tape_is_called_empty() {
    for servers in [vec![], vec![NodeId(1), NodeId(2)]] {
        let tape = Tape { servers, ..tape_of(Vec::new()) };
        let mut player = player(tape);
        for code in [KeyCode::Right, KeyCode::Left, KeyCode::Home, KeyCode::End, KeyCode::PageUp] {
            press(&mut player, code);
        }
        for code in "evlEVL+- ".chars() {
            key(&mut player, code);
        }
        watch(&mut player, Duration::from_secs(1));
        let text = text(&mut player);
        assert!(text.contains("nothing was recorded: there is nothing to replay"), "{text}");
        assert!(text.contains("step 0 of 0") && text.contains("‖ paused"), "{text}");
    }
}

#[test]
fn the_story_can_be_scrolled() {
    let mut player = player(recorded());
    press(&mut player, KeyCode::End);
    assert!(text(&mut player).contains("VIOLATED: election safety (§5.2, Figure 3): term"));
    press(&mut player, KeyCode::PageUp);
    press(&mut player, KeyCode::PageUp);
    let earlier = text(&mut player);
    assert!(earlier.contains("start as a follower") && !earlier.contains("Figure 3): term"), "{earlier}");
    press(&mut player, KeyCode::PageDown);
    press(&mut player, KeyCode::PageDown);
    assert!(text(&mut player).contains("VIOLATED: election safety (§5.2, Figure 3): term"));
}

#[test]
fn the_help_explains_the_keys_and_goes_with_any() {
    let mut player = player(recorded());
    key(&mut player, 'h');
    let help = text(&mut player);
    for (key, what) in super::keys::HELP.iter().chain(crate::keys::SIGNS) {
        assert!(help.contains(key) && help.contains(what), "{key}: {what}\n{help}");
    }
    key(&mut player, 'n');
    assert!(text(&mut player).contains("step 0 of 11"), "closes the help and does nothing else");
}

#[test]
fn the_words_of_the_step_on_show_are_explained() {
    let mut player = player(recorded());
    key(&mut player, '?');
    assert!(text(&mut player).contains("╭ help"), "nothing has happened yet");
    key(&mut player, '?');
    key(&mut player, 'l');
    assert!(player.text_to_explain().contains("become the leader"), "{}", player.text_to_explain());
    key(&mut player, '?');
    let words = text(&mut player);
    assert!(words.contains("╭ words") && words.contains("leader, follower, candidate: "), "{words}");
    key(&mut player, '?');
    assert!(text(&mut player).contains("╭ help"));
}

#[test]
fn it_ends_by_q_and_ctrl_c() {
    let mut player = player(recorded());
    assert_eq!(key(&mut player, 'q'), Some(End::Quit));
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(player.on_key(ctrl_c), Some(End::Interrupted(2)));
}

#[test]
fn without_colours_there_are_none() {
    let mut player = Player::new(recorded(), false);
    press(&mut player, KeyCode::End);
    for cell in &screen_of(&mut player, (80, 24)).backend().buffer().content {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
}

#[test]
fn every_size_of_terminal_is_drawn() {
    for servers in [0, 1, 3, 15] {
        let servers: Vec<NodeId> = (1..=servers).map(NodeId).collect();
        let title = "a long title ".repeat(20);
        let mut player = player(Tape { servers, title, ..scripted() });
        press(&mut player, KeyCode::End);
        for overlay in [None, Some(Overlay::Words), Some(Overlay::Help)] {
            player.overlay = overlay;
            for columns in [1, 79, 80, 81, 103, 104, 200] {
                for rows in [1, 17, 18, 19, 24, 60] {
                    screen_of(&mut player, (columns, rows));
                }
            }
        }
    }
    let too_small = text_on(&screen_of(&mut player(scripted()), (40, 10)));
    assert!(too_small.contains("40×10") && too_small.contains("80×18"), "{too_small}");
}
