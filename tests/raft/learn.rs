//! The course in the terminal, played through pipes by learners who are right, and by learners who are wrong.

use crate::common::page::{self, Page};
use crate::common::{TIMEOUT, lines_of, raft};
use course::{
    Answer, Card, CardResult, Challenge, Chapter, Kind, Question, Response, Results, Task, chapters,
    quiz_after, quiz_before,
};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// Mixes the answers of these learners.
const SEED: u32 = 7;

/// Someone with a folder of their own for their progress.
struct Learner(TempDir);

impl Learner {
    fn new() -> Learner {
        let learner = Learner(tempfile::tempdir().unwrap());
        learner.keep(&Results::new(SEED));
        learner
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("raft-for-beginners/course.json")
    }

    fn keep(&self, results: &Results) {
        fs::create_dir_all(self.file().parent().unwrap()).unwrap();
        fs::write(self.file(), serde_json::to_string(results).unwrap()).unwrap();
    }

    fn results(&self) -> Results {
        serde_json::from_slice(&fs::read(self.file()).unwrap()).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = raft();
        command.arg("learn").args(arguments).env("XDG_DATA_HOME", self.0.path());
        command
    }

    fn output(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It may end before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What is printed on standard output, and what is said on standard error.
    fn run(&self, arguments: &[&str], input: &str) -> (String, String) {
        let output = self.output(arguments, input);
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(output.status.success() && !stderr.contains("panicked"), "{arguments:?}: {stdout}\n{stderr}");
        (stdout, stderr)
    }

    /// Why a command is refused.
    fn refused(&self, arguments: &[&str], status: i32) -> String {
        let output = self.output(arguments, "");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains("help: "), "{arguments:?}: {stderr}");
        stderr
    }
}

/// Lines that break elsewhere are the same text.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_said(said: &str, expected: &str) {
    assert!(words(said).contains(&words(expected)), "\"{expected}\" is missing in:\n{said}");
}

/// The keys that choose these answers.
fn keys(chapter: &Chapter, card: &Card, question: &Question, chosen: &[&Answer]) -> String {
    let offered = question.mixed(SEED, &chapter.place_of(card));
    let key = |answer: &&Answer| {
        let place = offered.iter().position(|other| other == answer).unwrap();
        let index = || {
            let index = |answer: &Answer| answer.text.split(' ').nth(1).unwrap().to_owned();
            let is_alone = offered.iter().filter(|other| index(other) == index(answer)).count() == 1;
            let term = answer.text.rsplit(' ').next().unwrap().trim_end_matches(')');
            if is_alone { index(answer) } else { format!("{}/{term}", index(answer)) }
        };
        match question.kind {
            Kind::Servers => answer.text.clone(),
            Kind::Entries => index(),
            _ => (place + 1).to_string(),
        }
    };
    chosen.iter().map(key).collect::<Vec<_>>().join(" ")
}

fn right(question: &Question) -> Vec<&Answer> {
    question.answers.iter().filter(|answer| answer.is_right).collect()
}

/// The responses that are wrong about one answer each; of an order, one.
fn wrong(question: &Question) -> Vec<(&Answer, Vec<&Answer>)> {
    if question.kind == Kind::Order {
        let mut order = right(question);
        order.swap(0, 1);
        return vec![(order[0], order)];
    }
    let wrong = question.answers.iter().filter(|answer| !answer.is_right);
    wrong.map(|answer| (answer, vec![answer])).collect()
}

/// The commands of its solution up to where the task is done.
fn shortest(task: &Task) -> &[String] {
    let is_done = |count: &usize| {
        let checked = task.checked(&task.solution[..*count]);
        checked.is_ok_and(|checked| checked.iter().all(|checked| checked.holds))
    };
    &task.solution[..(1..=task.solution.len()).find(is_done).unwrap()]
}

/// What to type for this chapter: for each question the wrong response with this number, if there is one, or the right
/// one; for each task its solution. Enter goes on.
fn input(chapter: &Chapter, number: usize) -> String {
    let last = chapter.cards.len() - 1;
    let of_card = |(place, card): (usize, &Card)| match &card.challenge {
        Challenge::Question(question) => {
            let wrong = wrong(question).into_iter().nth(number).map(|(_, response)| response);
            let response = wrong.unwrap_or_else(|| right(question));
            format!("{}\n\n", keys(chapter, card, question, &response))
        }
        Challenge::Task(task) => {
            let commands: String = shortest(task).iter().map(|command| format!("{command}\n")).collect();
            commands + if place < last { "\n" } else { "" }
        }
    };
    chapter.cards.iter().enumerate().map(of_card).collect()
}

#[test]
fn each_chapter_can_be_played_with_right_answers() {
    for (number, chapter) in (1_u32..).zip(chapters()) {
        let learner = Learner::new();
        let (said, _) = learner.run(&[&number.to_string()], &input(chapter, usize::MAX));
        let cards = chapter.cards.len();
        assert_said(&said, &format!("{cards} of {cards} cards are done"));
        let results = learner.results();
        for card in &chapter.cards {
            let result = results.of(chapter, card).unwrap_or_else(|| panic!("{}/{}", chapter.name, card.id));
            assert!(result.is_done, "{}/{}", chapter.name, card.id);
            match &card.challenge {
                Challenge::Question(_) => assert_eq!(results.share(chapter, card), Some(1.0), "{}", card.id),
                Challenge::Task(task) => assert_eq!(result.commands, shortest(task), "{}", card.id),
            }
            assert_said(&said, &card.because);
        }
        assert_eq!(said.matches("\nRight.\n").count(), questions(chapter).count(), "{said}");
    }
}

fn questions(chapter: &Chapter) -> impl Iterator<Item = (&Card, &Question)> {
    chapter.cards.iter().filter_map(|card| match &card.challenge {
        Challenge::Question(question) => Some((card, question)),
        Challenge::Task(_) => None,
    })
}

/// Each wrong answer once: it is played, shows itself wrong, and is corrected.
#[test]
fn each_wrong_answer_is_played_and_corrected() {
    let mut refuted = 0;
    for chapter in chapters() {
        let most = questions(chapter).map(|(_, question)| wrong(question).len()).max().unwrap();
        for number in 0..most {
            let learner = Learner::new();
            let (said, _) = learner.run(&[&chapter.name], &input(chapter, number));
            assert_said(&said, "This is the end of the chapter.");
            let cards: Vec<&str> = said.split("\nCard ").skip(1).collect();
            for (card, said) in chapter.cards.iter().zip(cards) {
                let Challenge::Question(question) = &card.challenge else { continue };
                let Some((answer, _)) = wrong(question).into_iter().nth(number) else { continue };
                assert!(!said.contains("\nRight.\n"), "{}: {said}", card.id);
                assert_said(said, &answer.correction);
                let shown = ["  false: ", "VIOLATED", "refused: ", "  true: "];
                assert!(
                    shown.iter().any(|words| said.contains(words)),
                    "{}/{}: {said}",
                    chapter.name,
                    answer.text
                );
                for command in answer.commands.iter().filter(|command| command.starts_with("!expect ")) {
                    let expected = course::expectation(command.trim_start_matches('!')).unwrap();
                    let is_said = |form: &str| words(said).contains(&words(form));
                    let refuted =
                        [format!("false: {expected} (in fact: "), format!("not yet: {expected} (now: ")];
                    assert!(refuted.iter().any(|form| is_said(form)), "{expected}: {said}");
                }
                refuted += 1;
            }
        }
    }
    assert!(refuted > 90, "{refuted}");
}

#[test]
fn a_run_shows_what_was_so_when_and_who_leads() {
    let (said, _) = Learner::new().run(&["1"], "n1 n2\n? settle\n\nquit\n");
    for expected in [
        "You were right about 2 of 3. See what happens:",
        "▸ propose 7 not yet: n2's log is 1 1 (now: n2's log is 1) ▸ deliver to=n2 true: n2's log is 1 1",
        "n1 1| 1 leader, term 1 n2 1| 1 follower, term 1",
        "settle delivers the messages in flight",
    ] {
        assert_said(&said, expected);
    }
    let (said, _) = Learner::new().run(&["5"], "n1 n2\nquit\n");
    assert_said(&said, "Right. index 1 2 n1 1| leader, term 1");
    assert_said(&said, "leader, term 2");
}

#[test]
fn input_that_is_no_answer_gets_help() {
    let learner = Learner::new();
    let (said, farewell) = learner.run(&["3"], "\n9\n1 2\nnone\n\u{1b}[A\n?\nskip\nskip\nskip\n");
    for expected in [
        "Type the number or the name in front of an answer",
        "Not understood: \"9\" is not one of the answers (1, 2, 3).",
        "Not understood: choose one answer.",
        "You can come back to this card later.",
        "Card 4 of 5: six-servers",
    ] {
        assert_said(&said, expected);
    }
    assert!(!said.contains('\u{1b}'), "what is typed can't control the terminal");
    assert_said(&farewell, "Your answers are saved");
    assert!(learner.results().cards.is_empty());
}

#[test]
fn a_task_helps_and_ticks_what_is_done() {
    let learner = Learner::new();
    let (said, _) = learner.run(
        &["first-election"],
        "skip\nskip\nskip\nskip\nsetle\n? timeout\n?\nhint\nsolution\ncheck\nundo\ntimeout n9\ntimeout n1\nundo\n\
         checks\nstory\nagain\nrun 1ms\nexpect role n1 follower\nundo\nundo\ntimeout n2\nservers\nsettle\n",
    );
    for expected in [
        "[ ] n2 becomes leader of term 1 [x] no promise is broken",
        "There is no command \"setle\". Did you mean `settle`?",
        "timeout n1 n1's election timer runs out now",
        "The network: deliver, settle, lose",
        "hint a little help",
        "`timeout n2` makes n2's election timer run out.",
        "There is nothing to undo.",
        "That did not work: there is no n9 in this world. `? timeout` explains it.",
        "Taken back: timeout n1",
        "▸ cluster 3",
        "The world is as it was at the beginning.",
        "> run 1ms 0.001s nothing to report",
        "> expect role n1 follower true: n1 is a follower",
        "> servers n1 follower, term 0 n2 candidate, term 1, voted for n2 n3 follower, term 0",
        "[x] n2 becomes leader of term 1 [x] no promise is broken",
        "Done: all checks hold.",
        "1 of 5 cards are done, and 0 of 4 questions were right the first time.",
        "`raft learn 3` is next: One vote per term",
    ] {
        assert_said(&said, expected);
    }
    let chapter = &chapters()[1];
    let result = learner.results().of(chapter, &chapter.cards[4]).cloned().unwrap();
    assert_eq!(result.commands, ["timeout n2", "settle"]);
}

#[test]
fn a_chapter_goes_on_where_it_was_left() {
    let learner = Learner::new();
    let first =
        input(&chapters()[2], usize::MAX).lines().take(2).map(|line| format!("{line}\n")).collect::<String>();
    let (_, farewell) = learner.run(&["03-one-vote"], &first);
    assert_eq!(farewell, "Your answers are saved. Run the same command to continue.\n");
    let (said, _) = learner.run(&["one-vote"], "quit\n");
    assert_said(&said, "Continuing with card 2.");
    assert!(!said.contains("Card 1 of 5"), "{said}");
    let (list, _) = learner.run(&["--list"], "");
    assert_said(&list, "3 One vote per term; split votes 10 min 1 of 5 done");
    let (said, _) = learner.run(&["next"], "quit\n");
    assert_said(&said, "Why a log, why a majority About 9 minutes.");
}

#[test]
fn ctrl_c_leaves_politely() {
    let learner = Learner::new();
    let mut child = learner
        .command(&["3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = lines_of(child.stdout.take().unwrap());
    let farewell = lines_of(child.stderr.take().unwrap());
    while said.recv_timeout(TIMEOUT).unwrap() != "Card 1 of 5: all-at-once" {}
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let farewell: Vec<String> = farewell.iter().collect();
    assert_eq!(farewell, ["", "Your answers are saved. Run the same command to continue."]);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// Words for the questions that are answered in words, and what they are worth.
fn quiz_input(quiz: &Chapter, is_good: bool) -> String {
    let answers = questions(quiz).map(|(card, question)| match question.kind {
        Kind::Text => "It depends.\nOn the log.\n\n".to_owned(),
        _ if is_good => format!("{}\n", keys(quiz, card, question, &right(question))),
        _ => format!("{}\n", keys(quiz, card, question, &wrong(question)[0].1)),
    });
    let lines = questions(quiz).flat_map(|(_, question)| &question.rubric);
    let grades = lines.map(|_| if is_good { "y\n" } else { "n\n" });
    answers.chain(grades.map(str::to_owned)).collect()
}

#[test]
fn the_quiz_is_taken_once_and_counts_points() {
    let learner = Learner::new();
    let (said, _) = learner.run(&["before"], &quiz_input(quiz_before(), false));
    assert!(!said.contains("Right"), "the answers are for later: {said}");
    assert_said(&said, "You wrote: | It depends. | On the log.");
    let points = learner.results().points(quiz_before()).unwrap();
    assert!(points < 15.0, "{points}");
    assert_said(&said, &format!("{points:.1} of 60 points."));

    let (again, _) = learner.run(&["before"], "");
    assert_said(&again, &format!("{points:.1} of 60 points."));
    assert!(!again.contains("Question 1"), "{again}");

    let (said, _) = learner.run(&["after"], &quiz_input(quiz_after(), true));
    assert_said(&said, "60.0 of 60 points.");
    let (list, _) = learner.run(&["--list"], "");
    assert_said(&list, &format!("before Before the course 40 min {points:.1} of 60 points"));
    assert_said(&list, "after After the course 40 min 60.0 of 60 points");
}

#[test]
fn a_quiz_goes_on_where_it_was_left_and_skipped_questions_count_nothing() {
    let learner = Learner::new();
    learner.run(&["after"], "skip\nskip\nskip\n\n\nsome words\n\n");
    let (said, _) = learner.run(&["after"], "skip\nskip\nskip\nskip\nperhaps\ny\nn\nn\nn\n");
    assert_said(&said, "Question 5 of 8, 5 points");
    assert!(!said.contains("Question 4"), "{said}");
    assert_said(&said, "Type y for yes, or n for no.");
    assert_said(&said, "1.0 of 60 points.");
    // After the course, the answers are told.
    assert_said(&said, "0.0 of 5 question 5 (far-apart) Right: Election timeouts of 3 to 6 s.");
}

#[test]
fn results_can_be_exported_imported_and_forgotten() {
    let learner = Learner::new();
    learner.run(&["before"], &quiz_input(quiz_before(), true));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.json");
    let file = file.to_str().unwrap();
    learner.run(&["--export", file, "--name", "Ada"], "");
    let exported: Results = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(exported, Results { learner: "Ada".to_owned(), ..learner.results() });

    let other = Learner::new();
    let (_, said) = other.run(&["--import", file], "");
    assert_eq!(said, "Added: 8 results\n");
    assert_eq!(other.results().cards, exported.cards);
    let (_, said) = other.run(&["--import", file], "");
    assert_eq!(said, "Added: 0 results\n");

    let (_, said) = other.run(&["--delete"], "");
    assert!(said.starts_with("Deleted: ") && !other.file().exists(), "{said}");
    let (_, said) = other.run(&["--delete"], "");
    assert_eq!(said, "There was nothing to delete\n");
}

#[test]
fn files_that_are_no_results_are_refused() {
    let learner = Learner::new();
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "{}").unwrap();
    let said = learner.refused(&["--import", text.to_str().unwrap()], 1);
    assert!(said.contains("it has no results of the course: missing field `form`"), "{said}");
    fs::write(learner.file(), "{\"form\":\"raft-course-results-9\"").unwrap();
    let said = learner.refused(&["--list"], 1);
    assert!(said.contains("unknown variant `raft-course-results-9`") && said.contains("--delete"), "{said}");
    learner.run(&["--delete"], "");
    learner.run(&["--list"], "");

    let said = learner.refused(&["thirteen"], 2);
    assert!(said.contains("there is no chapter \"thirteen\""), "{said}");
    let said = learner.refused(&["two-leader"], 2);
    assert!(said.contains("did you mean 05-two-leaders?"), "{said}");
    for number in ["0", "13", "-1"] {
        assert_eq!(learner.output(&[number], "").status.code(), Some(2), "{number}");
    }
}

#[test]
fn quizzes_and_chapters_can_be_printed_with_and_without_the_key() {
    let learner = Learner::new();
    let (before, _) = learner.run(&["--print", "before"], "");
    let (key, _) = learner.run(&["--print", "before", "--key"], "");
    for (card, question) in questions(quiz_before()) {
        for page in [&before, &key] {
            assert!(page.contains(&question.text.replace('>', "&gt;")), "{}", card.id);
        }
        assert!(key.contains(&question.answers[0].text) && !before.contains(&card.because), "{}", card.id);
        assert!(key.contains(&card.id) && !before.contains(&card.id), "{}", card.id);
        for line in &question.rubric {
            assert!(key.contains(&line.text) && !before.contains(&line.text), "{}", line.text);
        }
    }
    assert_eq!(
        key.matches("&#9746;").count(),
        questions(quiz_before())
            .filter(|(_, question)| question.kind != Kind::Text)
            .map(|(_, question)| right(question).len())
            .sum::<usize>()
    );
    assert!(!before.contains("&#9746;"));
    assert!(before.contains("<tr><th>n2</th><td>1</td><td>1</td><td>3</td></tr>"), "{before}");
    for chapter in chapters() {
        let (page, _) = learner.run(&["--print", &chapter.name], "");
        let (key, _) = learner.run(&["--print", &chapter.name, "--key"], "");
        assert!(page.contains(&format!("<title>{}</title>", chapter.title)) && key.len() > page.len());
    }
}

/// A quiz with right answers to the first ones.
fn answered(results: &mut Results, quiz: &Chapter, right_ones: usize) {
    for (place, (card, question)) in questions(quiz).enumerate() {
        let first = match question.kind {
            Kind::Text => {
                let met = question.rubric.iter().filter(|_| place < right_ones);
                Response::Written {
                    words: "…".to_owned(), met: met.map(|line| line.text.clone()).collect()
                }
            }
            _ if place < right_ones => {
                Response::Chosen(right(question).iter().map(|answer| answer.text.clone()).collect())
            }
            _ => Response::Chosen(vec![wrong(question)[0].0.text.clone()]),
        };
        *results.entry(quiz, card) =
            CardResult { first: Some(first), tries: 1, is_done: true, ..CardResult::default() };
    }
}

#[test]
fn a_class_of_two_hundred_is_scored_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for number in 0..200 {
        let mut results = Results::new(number);
        // The last one has no name, so the file's counts.
        results.learner = if number < 199 { format!("Learner {number}") } else { String::new() };
        answered(&mut results, quiz_before(), (number % 4) as usize);
        if number % 2 == 0 {
            answered(&mut results, quiz_after(), 8);
        }
        let (chapter, card) = (&chapters()[1], &chapters()[1].cards[4]);
        let commands =
            if number == 0 { vec!["timeout n2".to_owned(), "settle".to_owned()] } else { Vec::new() };
        // All claim that they have done the task.
        *results.entry(chapter, card) = CardResult { is_done: true, commands, ..CardResult::default() };
        let file = folder.path().join(format!("{number:03}.json"));
        fs::write(&file, serde_json::to_string(&results).unwrap()).unwrap();
        files.push(file.to_str().unwrap().to_owned());
    }
    let learner = Learner::new();
    let mut arguments = vec!["--score"];
    arguments.extend(files.iter().map(String::as_str));
    let (tables, said) = learner.run(&arguments, "");
    assert_eq!(said, "");
    assert_said(&tables, "Quiz: Before the course, 200 learners");
    assert_said(&tables, "Quiz: After the course, 100 learners");
    // Three of four are right about the first question, and no one about the last.
    let row = |name: &str| {
        let line = tables
            .lines()
            .find(|line| line.trim_start().starts_with(name))
            .unwrap_or_else(|| panic!("{name}"));
        words(line)
    };
    assert!(
        row("legal-logs ").starts_with("legal-logs 4 3.2 75 % chosen by 50: 1 2 1"),
        "{}",
        row("legal-logs ")
    );
    assert!(row("removed-leader ").starts_with("removed-leader 10 0.0 0 %"), "{}", row("removed-leader "));
    let first =
        Results { learner: String::new(), ..serde_json::from_slice(&fs::read(&files[0]).unwrap()).unwrap() };
    let before = first.points(quiz_before()).unwrap();
    assert_eq!(row("Learner 0 "), format!("Learner 0 {before:.1} 60.0 +{:.1} 0 1", 60.0 - before));
    assert!(row("Learner 1 ").ends_with(" 0 0"), "it has no commands: {}", row("Learner 1 "));
    assert!(tables.lines().any(|line| line.starts_with("  199 ")), "{tables}");

    fs::write(&files[1], "damaged").unwrap();
    let output = learner.output(&arguments, "");
    let (tables, said) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1));
    assert_said(&tables, "Quiz: Before the course, 199 learners");
    assert!(
        said.starts_with(&format!("{}: can't be read: it has no results of the course", files[1])),
        "{said}"
    );
}

/// Files of students who want to break the program, or to be marked for what they have not done.
#[test]
fn hostile_files_are_named_and_cost_little() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let file = folder.path().join(name);
        fs::write(&file, content).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (chapter, card) = (&chapters()[3], &chapters()[3].cards[5]);
    assert_eq!(card.id, "a-cluster-around-the-world");
    let with_commands = |name: &str, commands: Vec<String>| {
        let mut results = Results { learner: name.to_owned(), ..Results::new(1) };
        *results.entry(chapter, card) = CardResult { is_done: true, commands, ..CardResult::default() };
        file(name, &serde_json::to_string(&results).unwrap())
    };
    let own = |commands: &[&str]| commands.iter().map(|command| (*command).to_owned()).collect::<Vec<_>>();
    let place = "04-timers/a-cluster-around-the-world";
    let refused = [
        ("busy", own(&["cluster 99 heartbeat=1ms election-timeout=5ms..9ms", "run 10m"]), "too much happens"),
        (
            "led",
            [vec!["cluster 99".to_owned()], vec!["run-until-led".to_owned(); 50]].concat(),
            "too much happens",
        ),
        ("clusters", vec!["cluster 99 spares=99".to_owned(); 900], "too much happens"),
        ("many", vec!["cluster 3".to_owned(); 20_000], "1000 commands are the most"),
        ("long", vec!["run 1ms".repeat(10_000)], "all commands together may have 30000 bytes"),
        ("lines", own(&["cluster 3\nrun 1s\n---\n"]), "write one command at a time"),
        ("log", vec![format!("log n1{}", " 1".repeat(2_000))], "a log that servers begin with has at most"),
        ("eternal", own(&["cluster 3", "run 500years"]), "its servers would run for"),
        ("nonsense", own(&["cluster NaN"]), "is no number of servers"),
        ("escape", own(&["../../\u{1b}[2J"]), "is not a command"),
    ];
    let mut files: Vec<String> =
        refused.iter().map(|(name, commands, _)| with_commands(name, commands.clone())).collect();
    let other: [(&str, &str, String); 6] = [
        (
            "nan.json",
            "it has no results",
            r#"{"form":"raft-course-results-1","learner":"","seed":NaN,"cards":{}}"#.into(),
        ),
        ("deep.json", "it has no results", format!("{{\"more\":{}", "[".repeat(500_000))),
        ("large.json", "are the most that are read", " ".repeat(2 << 20)),
        ("binary.json", "it has no results", "\0\u{7f}".repeat(1_000)),
        ("null.json", "it has no results", "null".into()),
        ("empty.json", "it has no results", String::new()),
    ];
    for (name, _, content) in &other {
        files.push(file(name, content));
    }
    files.push(folder.path().to_str().unwrap().to_owned());
    files.push(folder.path().join("../missing.json").to_str().unwrap().to_owned());
    let solution = match &card.challenge {
        Challenge::Task(task) => task.solution.clone(),
        Challenge::Question(_) => panic!("it is a task"),
    };
    files.push(with_commands("Ada", solution));
    files.push(with_commands(&"long name ".repeat(20), Vec::new()));

    let learner = Learner::new();
    let mut arguments = vec!["--score"];
    arguments.extend(files.iter().map(String::as_str));
    let output = learner.output(&arguments, "");
    let [tables, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    for ((name, _, why), file) in refused.iter().zip(&files) {
        let line = said.lines().find(|line| line.starts_with(file.as_str()));
        let line = line.unwrap_or_else(|| panic!("{name} is not named: {said}"));
        assert!(line.starts_with(&format!("{file}: {place}: ")) && line.contains(why), "{name}: {line}");
    }
    for (name, why, _) in &other {
        let file = folder.path().join(name);
        let line = said.lines().find(|line| line.starts_with(file.to_str().unwrap())).unwrap();
        assert!(line.contains("can't be read: ") && line.contains(why), "{name}: {line}");
    }
    assert_eq!(said.lines().count(), refused.len() + other.len() + 2, "{said}");
    assert!(tables.lines().any(|line| line.starts_with("  Ada ") && line.ends_with(" 1")), "{tables}");
    assert!(tables.lines().all(|line| line.chars().count() < 200), "{tables}");
    assert!(!(tables + &said).contains('\u{1b}'));
}

#[test]
fn an_import_takes_only_what_the_course_has_and_what_can_be_kept() {
    let learner = Learner::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.json");
    let import = |results: &Results| {
        fs::write(&file, serde_json::to_string(results).unwrap()).unwrap();
        learner.output(&["--import", file.to_str().unwrap()], "")
    };
    let mut strange = Results::new(1);
    for place in ["../../etc/passwd", "03-one-vote/no-such-card", ""] {
        strange.cards.insert(place.to_owned(), CardResult::default());
    }
    let (chapter, card) = (&chapters()[1], &chapters()[1].cards[4]);
    *strange.entry(chapter, card) = CardResult { tries: u32::MAX, ..CardResult::default() };
    assert_eq!(import(&strange).stderr, b"Added: 1 result\n");
    assert_eq!(learner.results().cards.len(), 1);

    let mut large = Results::new(1);
    let (chapter, card) = (&chapters()[2], &chapters()[2].cards[3]);
    *large.entry(chapter, card) =
        CardResult { commands: vec!["\0".repeat(200_000)], ..CardResult::default() };
    let refused = String::from_utf8(import(&large).stderr).unwrap();
    assert!(refused.contains("can't read") || refused.contains("too large to be kept"), "{refused}");
    assert_eq!(learner.results().cards.len(), 1);
    learner.run(&["--list"], "");
}

/// A course that is served to browsers.
struct ServedCourse {
    child: Child,
    /// Its address, without a fragment.
    address: String,
    /// What was said before the address.
    said_before: String,
}

impl ServedCourse {
    fn start(learner: &Learner, arguments: &[&str], fragment: &str) -> ServedCourse {
        let mut child = learner.command(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let said = lines_of(child.stderr.take().unwrap());
        let mut said_before = String::new();
        let line = loop {
            let line = said.recv_timeout(TIMEOUT).unwrap();
            if line.starts_with("The course is at ") {
                break line;
            }
            said_before += &line;
        };
        let address = line
            .strip_prefix("The course is at http://")
            .and_then(|rest| rest.strip_suffix(fragment)?.strip_suffix('/'))
            .unwrap_or_else(|| panic!("{line}"));
        assert_eq!(said.recv_timeout(TIMEOUT).unwrap(), "Ctrl+C ends it.");
        ServedCourse { child, address: address.to_owned(), said_before }
    }

    fn get(&self, path: &str) -> page::Answer {
        Page { address: self.address.clone(), token: String::new() }.get(path)
    }

    fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
    }
}

impl Drop for ServedCourse {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn without_a_chapter_the_page_is_served() {
    for (arguments, fragment) in [
        (&["--no-open", "--web=127.0.0.1:0"][..], "#learn"),
        (&["5", "--web=127.0.0.1:0"], "#learn=05-two-leaders"),
    ] {
        let course = ServedCourse::start(&Learner::new(), arguments, fragment);
        assert_eq!(course.said_before, "");
        assert_eq!(course.get("/").status, 200);
        course.end();
    }
}

/// A browser keeps progress for an address with its port.
#[test]
fn the_page_has_the_same_address_each_time_unless_its_port_is_taken() {
    const USUAL: &str = "127.0.0.1:7238";
    let learner = Learner::new();
    let start = |arguments: &[&str], fragment| {
        let course = ServedCourse::start(&learner, arguments, fragment);
        if course.address == USUAL {
            assert_eq!(course.said_before, "");
        } else {
            assert_said(&course.said_before, "Port 7238 is taken, perhaps by another `raft learn`.");
            assert_said(&course.said_before, "choose Export at the other one, and Import here.");
        }
        assert_eq!(course.get("/").status, 200);
        course
    };
    // Another test may have had the port for a moment.
    let has_reason = |course: &ServedCourse| course.address == USUAL || TcpStream::connect(USUAL).is_ok();
    let mut tries = (0..100).map(|_| start(&["--no-open"], "#learn"));
    let first = tries.find(has_reason).expect("the port is free, and it has another one");
    let second = start(&["5", "--web"], "#learn=05-two-leaders");
    assert_ne!(first.address, second.address);
    assert_ne!(second.address, USUAL, "someone is there already");
    first.end();
    second.end();
}
