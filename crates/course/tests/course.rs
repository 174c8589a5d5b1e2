//! Each answer of the course is played and shows what it says, each task can be done, and ideas return.

extern crate raft_for_beginners_course as course;

use course::{Answer, Attempt, Card, Challenge, Chapter, Kind, Question, Task};
use simulator::Scenario;
use std::collections::BTreeSet;

fn quizzes() -> [&'static Chapter; 2] {
    [course::quiz_before(), course::quiz_after()]
}

/// All cards, each with its chapter or quiz.
fn cards() -> impl Iterator<Item = (&'static Chapter, &'static Card)> {
    let all = course::chapters().iter().chain(quizzes());
    all.flat_map(|chapter| chapter.cards.iter().map(move |card| (chapter, card)))
}

fn questions() -> impl Iterator<Item = (&'static Chapter, &'static Card, &'static Question)> {
    cards().filter_map(|(chapter, card)| match &card.challenge {
        Challenge::Question(question) => Some((chapter, card, question)),
        Challenge::Task(_) => None,
    })
}

fn tasks() -> impl Iterator<Item = (String, &'static Task)> {
    let puzzles = course::puzzles();
    let all = cards().chain(puzzles.cards.iter().map(move |card| (puzzles, card)));
    all.filter_map(|(chapter, card)| match &card.challenge {
        Challenge::Task(task) => Some((format!("{}/{}", chapter.name, card.id), task)),
        Challenge::Question(_) => None,
    })
}

#[test]
fn there_are_twelve_chapters_of_about_ten_minutes() {
    let chapters = course::chapters();
    assert_eq!(chapters.len(), 12);
    for (number, chapter) in (1..).zip(chapters) {
        assert!(chapter.name.starts_with(&format!("{number:02}-")), "{}", chapter.name);
        assert!((8..=12).contains(&chapter.minutes), "{}: {} minutes", chapter.name, chapter.minutes);
        assert!((3..=6).contains(&chapter.cards.len()), "{}: {} cards", chapter.name, chapter.cards.len());
        assert!(!chapter.goals.is_empty() && !chapter.beliefs.is_empty(), "{}", chapter.name);
        let has_task = chapter.cards.iter().any(|card| matches!(card.challenge, Challenge::Task(_)));
        assert!(has_task, "{}: nothing to do", chapter.name);
        assert!(chapter.cards.iter().all(|card| points_of(card).is_none()), "{}", chapter.name);
    }
}

fn points_of(card: &Card) -> Option<u32> {
    match &card.challenge {
        Challenge::Question(question) => question.points,
        Challenge::Task(_) => None,
    }
}

#[test]
fn the_quizzes_ask_about_the_same_ideas_for_sixty_points() {
    let form = |quiz: &Chapter| -> Vec<(String, Option<u32>)> {
        quiz.cards.iter().map(|card| (card.id.clone(), points_of(card))).collect()
    };
    let [before, after] = quizzes();
    assert_eq!(form(before), form(after));
    assert_eq!(before.cards.len(), 8);
    assert_eq!(form(before).iter().map(|(_, points)| points.unwrap()).sum::<u32>(), 60);
    for (one, other) in before.cards.iter().zip(&after.cards) {
        assert_ne!(one.challenge, other.challenge, "{} is the same question twice", one.id);
    }
}

#[test]
fn each_answer_shows_what_it_says() {
    let mut played = 0;
    for (chapter, card, question) in questions() {
        for answer in &question.answers {
            let place = format!("{}/{}: {}", chapter.name, card.id, answer.text);
            let attempt = Attempt { world: &question.world, commands: &answer.commands };
            attempt.play().unwrap_or_else(|error| panic!("{place}: {error}"));
            for check in &answer.shows {
                assert_eq!(check.holds(attempt), Ok(true), "{place}: {check}");
            }
            played += 1;
        }
    }
    assert!(played > 200, "{played}");
}

/// A wrong answer is played until a prediction fails, a rule's absence breaks a promise, or the servers refuse.
#[test]
fn each_wrong_answer_is_refuted() {
    let refutes = |command: &String| command.starts_with('!') || command == "expect violation";
    for (chapter, card, question) in questions() {
        for answer in question.answers.iter().filter(|answer| !answer.is_right) {
            let is_refuted = answer.commands.iter().any(refutes) || !answer.shows.is_empty();
            assert!(is_refuted, "{}/{}: {}", chapter.name, card.id, answer.text);
        }
    }
}

/// A prediction fails since it is not so, and not because it can't be understood.
#[test]
fn predictions_fail_for_the_right_reason() {
    let mut failed = 0;
    for (chapter, card, question) in questions() {
        for Answer { text, commands, .. } in &question.answers {
            let script = Attempt { world: &question.world, commands }.script();
            for scene in Scenario::film(&script).unwrap().scenes {
                let Some(command) = scene.command.filter(|it| it.starts_with("expect ")) else { continue };
                if let Some((_, why)) = scene.said.split_once("refused: ") {
                    assert!(
                        why.starts_with("expected "),
                        "{}/{}: {text}: {command}: {why}",
                        chapter.name,
                        card.id
                    );
                    failed += 1;
                }
            }
        }
    }
    assert!(failed > 50, "{failed}");
}

#[test]
fn each_task_can_be_done_and_is_not_done_by_itself() {
    for (place, task) in tasks() {
        let holds = |commands| {
            let attempt = Attempt { world: &task.world, commands };
            task.checks.iter().map(|check| (check, check.holds(attempt).unwrap())).collect::<Vec<_>>()
        };
        for (check, holds) in holds(&task.solution) {
            assert!(holds, "{place}: the solution does not satisfy `{check}`");
        }
        assert!(holds(&[]).iter().any(|(_, holds)| !holds), "{place}: it is done before anything was done");
    }
    assert!(tasks().count() > 15);
}

fn is_done(task: &Task, commands: &[String]) -> bool {
    let attempt = Attempt { world: &task.world, commands };
    task.checks.iter().all(|check| check.holds(attempt).unwrap_or(false))
}

#[test]
fn no_task_is_done_by_waiting() {
    for (place, task) in tasks() {
        for wait in ["settle", "run 1ms", "run 50ms", "run 300ms", "run 2s", "run 10s", "run-until-led"] {
            assert!(!is_done(task, &[wait.to_owned()]), "{place}: `{wait}` is enough");
        }
    }
}

/// A task is done when what it asks for has happened, and not while it is still to come.
#[test]
fn a_solution_is_needed_to_its_end() {
    let mut too_early = Vec::new();
    for (place, task) in tasks() {
        let lengths = 0..task.solution.len();
        let enough = { lengths }.find(|length| is_done(task, &task.solution[..*length]));
        too_early
            .extend(enough.map(|length| format!("{place} is done before {:?}", &task.solution[length..])));
    }
    assert!(too_early.is_empty(), "{too_early:#?}");
}

#[test]
fn typical_tries_do_not_do_a_task() {
    for (place, task) in tasks() {
        for Answer { text, commands, .. } in &task.tries {
            let checked =
                task.checked(commands).unwrap_or_else(|refused| panic!("{place}, {text}: {refused}"));
            assert!(checked.iter().any(|checked| !checked.holds), "{place}: this does it: {commands:?}");
        }
    }
}

#[test]
fn each_question_returns_in_another_form() {
    let targets: BTreeSet<String> =
        questions().filter_map(|(_, _, question)| question.again.clone()).collect();
    for (place, chapter) in (1..).zip(course::chapters()) {
        for card in &chapter.cards {
            let Challenge::Question(question) = &card.challenge else { continue };
            let name = format!("{}/{}", chapter.name, card.id);
            let Some(again) = &question.again else {
                assert!(targets.contains(&name), "{name} does not return, and is no return of another one");
                continue;
            };
            let (to_chapter, to_card) = again.split_once('/').expect("CHAPTER/CARD");
            let found = cards().find(|(chapter, card)| chapter.name == to_chapter && card.id == to_card);
            let (_, target) = found.unwrap_or_else(|| panic!("{name}: there is no {again}"));
            let later = course::chapters().iter().position(|chapter| chapter.name == to_chapter);
            assert!(later.is_none_or(|later| later + 1 >= place + 2), "{name} returns too early, in {again}");
            assert!(later.is_some() || place > 10, "{name} returns in the quiz only");
            let is_other_form = match &target.challenge {
                Challenge::Task(_) => true,
                Challenge::Question(other) => other.kind != question.kind,
            };
            assert!(is_other_form, "{name} returns as the same kind of question, in {again}");
        }
    }
}

#[test]
fn words_of_learners_are_asked_for_in_the_quiz_only() {
    for (chapter, card, question) in questions() {
        let is_quiz = quizzes().iter().any(|quiz| quiz.name == chapter.name);
        assert!(question.kind != Kind::Text || is_quiz, "{}/{}", chapter.name, card.id);
    }
}

mod faults {
    use super::course::Chapter;

    const GOOD: &str = "# Title
minutes: 10
goal: A goal.

## a-card
One. Two.

ask one: Who leads?
world:
    cluster 3
right: Nobody
    expect no-leader
wrong: n1
Wrong.
    !expect leader n1
because: It has just started.
rules: election-timeout
paper: §5.2
";

    fn fault(text: &str) -> String {
        Chapter::parse("05-two-leaders/chapter.txt", text).unwrap_err().to_string()
    }

    /// The good text with this part replaced.
    fn with(part: &str, other: &str) -> String {
        assert!(GOOD.contains(part), "{part}");
        fault(&GOOD.replacen(part, other, 1))
    }

    #[test]
    fn a_good_text_has_none() {
        let chapter = Chapter::parse("05-two-leaders/chapter.txt", GOOD).unwrap();
        assert_eq!((chapter.name.as_str(), chapter.minutes), ("05-two-leaders", 10));
        assert_eq!(chapter.cards[0].say, "One. Two.");
    }

    #[test]
    fn name_the_file_the_line_and_what_to_do() {
        assert_eq!(
            with("wrong:", "rong:"),
            "course/05-two-leaders/chapter.txt, line 13: \"rong\" is no key; there are: minutes, goal, belief, points, \
             ask, do, world, right, wrong, item, so, rubric, check, hint, solution, because, rules, paper, again"
        );
        let faults = [
            (with("# Title", "Title"), "line 1: begin with the title"),
            (
                with("minutes: 10", "minutes: ten"),
                "line 2: \"ten\" is no number: write one, as in `minutes: 10`",
            ),
            (with("minutes: 10\n", ""), "line 1: say how long it takes"),
            (with("goal:", "paper:"), "line 3: `paper` has no meaning here: above the first card"),
            (with("One. Two.", "One. Two. Three. Four."), "line 5: say it in 3 sentences at most"),
            (with("ask one", "ask some"), "line 8: \"some\" is no kind of question; there are: one, several"),
            (with("ask one", "ask several kinds"), "lacks `ask KIND:`"),
            (with("ask one", "do"), "lacks `check:` and `solution:`"),
            (with("ask one: Who leads?", ""), "line 5: the card \"a-card\" lacks `ask KIND:` or `do:`"),
            (with("right", "wrong"), "line 8: a question of this kind has one `right:` and some `wrong:`"),
            (with("ask one", "ask order"), "at least three `item:`"),
            (
                with("ask one", "ask servers"),
                "line 11: \"Nobody\": an answer to this kind of question is a server",
            ),
            (with("ask one", "ask logs"), "the terms of a log"),
            (with("ask one", "ask entries"), "an entry, such as `entry 2 (term 1)`"),
            (with("ask one", "ask text"), "so must `points:`"),
            (with("    !expect leader n1\n", ""), "line 13: nothing shows it"),
            (with("because:", "so: n1 sings\nbecause:"), "line 16: \"n1 sings\" is no check"),
            (with("rules: election-timeout", "rules: eating"), "line 17: "),
            (with("because: It has just started.\n", ""), "lacks `because:`"),
            (with("paper: §5.2\n", ""), "lacks `rules:` and `paper:`"),
            (
                with("paper: §5.2\n", "paper: §5.2\n    cluster 3\n"),
                "indented lines are commands: write them below `world:`",
            ),
            (fault("# Title\nminutes: 1\n"), "line 1: it has no card"),
            (fault(""), "line 1: begin with the title"),
            (
                fault(&(GOOD.to_owned() + &GOOD[GOOD.find("## ").unwrap()..])),
                "there is another card \"a-card\"",
            ),
        ];
        for (found, expected) in faults {
            assert!(found.contains(expected), "{found}\n  lacks: {expected}");
        }
    }
}

mod marks {
    use super::course::{
        self, CardResult, Challenge, Chapter, ExerciseResult, Kind, Question, Response, Results,
    };
    use super::{questions, quizzes, tasks};

    fn chosen(texts: &[&str]) -> Response {
        Response::Chosen(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    /// The right response, or for words the best one.
    fn right(question: &Question) -> Response {
        if question.kind == Kind::Text {
            let met = question.rubric.iter().map(|line| line.text.clone()).collect();
            return Response::Written { words: question.answers[0].text.clone(), met };
        }
        let right = question.answers.iter().filter(|answer| answer.is_right);
        Response::Chosen(right.map(|answer| answer.text.clone()).collect())
    }

    fn question(place: &str) -> &'static Question {
        let found = questions().find(|(chapter, card, _)| chapter.place_of(card) == place);
        found.unwrap_or_else(|| panic!("there is no {place}")).2
    }

    fn assert_share(place: &str, response: &[&str], expected: f64) {
        let share = question(place).mark(&chosen(response)).unwrap().share;
        assert!((share - expected).abs() < 1e-9, "{place}: {share}");
    }

    #[test]
    fn right_responses_count_in_full_and_have_no_mistakes() {
        for (chapter, card, question) in questions() {
            let mark = question.mark(&right(question)).unwrap();
            assert!(mark.is_right() && mark.mistakes.is_empty(), "{}/{}: {mark:?}", chapter.name, card.id);
        }
    }

    #[test]
    fn a_wrong_choice_is_a_mistake_with_its_correction() {
        for (chapter, card, question) in questions() {
            if [Kind::Order, Kind::Text].contains(&question.kind) {
                continue;
            }
            for wrong in question.answers.iter().filter(|answer| !answer.is_right) {
                let mark = question.mark(&chosen(&[&wrong.text])).unwrap();
                assert!(!mark.is_right(), "{}/{}", chapter.name, card.id);
                let mistake = mark.mistakes[0];
                assert!(mistake.was_chosen && *mistake.answer == *wrong, "{}/{}", chapter.name, card.id);
            }
        }
    }

    #[test]
    fn one_answer_is_all_or_nothing() {
        assert_share("03-one-vote/all-at-once", &["Nobody"], 1.0);
        assert_share("03-one-vote/all-at-once", &["n1, which has the lowest number"], 0.0);
    }

    #[test]
    fn of_several_each_one_on_offer_counts_the_same() {
        let place = "before/legal-logs";
        assert_share(place, &["1 1 2 4"], 0.75);
        assert_share(place, &["1 1 2 4", "3 3"], 1.0);
        assert_share(place, &[], 0.5);
        let mark = question(place).mark(&chosen(&["1 1 2 4"])).unwrap();
        let missing: Vec<(&str, bool)> =
            mark.mistakes.iter().map(|mistake| (mistake.answer.text.as_str(), mistake.was_chosen)).collect();
        assert_eq!(missing, [("3 3", false)]);
    }

    #[test]
    fn in_an_order_each_answer_in_its_place_counts() {
        assert_share("08-who-may-lead/rank", &["1 2 4", "1 3 3", "1 3", "1 2 2 2", "1 2 2"], 1.0);
        assert_share("08-who-may-lead/rank", &["1 2 4", "1 3", "1 3 3", "1 2 2 2", "1 2 2"], 0.6);
    }

    #[test]
    fn words_count_as_the_rubric_says() {
        let question = question("before/next-index");
        let met = vec![question.rubric[1].text.clone(), question.rubric[1].text.clone()];
        let mark = question.mark(&Response::Written { words: "It is safe.".to_owned(), met }).unwrap();
        assert!((mark.share - f64::from(question.rubric[1].points) / 5.0).abs() < 1e-9, "{mark:?}");
    }

    #[test]
    fn what_is_no_response_is_refused() {
        let refused =
            |place: &str, response: Response| question(place).mark(&response).unwrap_err().to_string();
        let words = |met: &[&str]| Response::Written {
            words: String::new(),
            met: met.iter().map(|line| (*line).to_owned()).collect(),
        };
        let one = "03-one-vote/all-at-once";
        assert_eq!(refused(one, chosen(&["n9"])), "\"n9\" is none of the answers");
        assert_eq!(refused(one, chosen(&[])), "choose one answer");
        assert_eq!(refused(one, words(&[])), "this question is answered by choosing");
        assert_eq!(refused("before/legal-logs", chosen(&["3 3", "3 3"])), "\"3 3\" is there twice");
        assert_eq!(refused("08-who-may-lead/rank", chosen(&["1 3"])), "put all answers in order");
        assert_eq!(refused("before/next-index", chosen(&[])), "this question is answered in words");
        assert_eq!(refused("before/next-index", words(&["x"])), "\"x\" is no line of the rubric");
    }

    #[test]
    fn answers_are_mixed_in_the_same_way_each_time() {
        let mut stay = 0;
        for (chapter, card, question) in questions() {
            let place = chapter.place_of(card);
            let texts = |seed| -> Vec<&str> {
                question.mixed(seed, &place).iter().map(|answer| answer.text.as_str()).collect()
            };
            assert_eq!(texts(7), texts(7));
            let sorted = |mut texts: Vec<&'static str>| {
                texts.sort_unstable();
                texts
            };
            assert_eq!(sorted(texts(7)), sorted(texts(8)), "{place}");
            let in_file: Vec<&str> = question.answers.iter().map(|answer| answer.text.as_str()).collect();
            match question.kind {
                Kind::Servers | Kind::Entries => assert_eq!(texts(7), texts(8), "{place}"),
                Kind::Order => assert!((0..200).all(|seed| texts(seed) != in_file), "{place}"),
                Kind::Text => {}
                _ => stay += usize::from((0..9).all(|seed| texts(seed)[0] == in_file[0])),
            }
        }
        assert_eq!(stay, 0, "the first answer of the file is always the first one");
    }

    #[test]
    fn entries_are_offered_from_left_to_right() {
        let texts = question("after/never-lost").mixed(7, "after/never-lost");
        let texts: Vec<&str> = texts.iter().map(|answer| answer.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "entry 1 (term 1)",
                "entry 2 (term 1)",
                "entry 3 (term 2)",
                "entry 3 (term 3)",
                "entry 3 (term 4)",
                "entry 4 (term 5)"
            ]
        );
    }

    #[test]
    fn a_task_says_which_of_its_checks_hold() {
        let (_, task) = tasks().find(|(place, _)| place == "02-first-election/elect-n2").unwrap();
        let commands: Vec<String> = task.solution.clone();
        let holds = |commands: &[String]| -> Vec<bool> {
            task.checked(commands).unwrap().iter().map(|checked| checked.holds).collect()
        };
        assert_eq!(holds(&[]), [false, true]);
        assert_eq!(holds(&commands[..1]), [false, true]);
        assert_eq!(holds(&commands), [true, true]);
        assert!(task.checked(&["sing".to_owned()]).unwrap_err().to_string().contains("sing"));
    }

    fn answered(quiz: &Chapter, response: impl Fn(&Question) -> Response) -> Results {
        let mut results = Results::new(1);
        for card in &quiz.cards {
            let Challenge::Question(question) = &card.challenge else { panic!("a quiz asks") };
            *results.entry(quiz, card) = CardResult {
                first: Some(response(question)),
                tries: 1,
                is_done: true,
                ..CardResult::default()
            };
        }
        results
    }

    #[test]
    fn a_quiz_counts_the_points_of_what_was_answered() {
        for quiz in quizzes() {
            assert_eq!(quiz.points(), 60);
            let results = answered(quiz, right);
            assert_eq!(results.points(quiz), Some(60.0));
            assert_eq!(results.done(quiz), 8);
        }
        let [before, after] = quizzes();
        assert_eq!(answered(before, right).points(after), None);
        let mut some = answered(before, right);
        some.cards.remove("before/far-apart");
        some.cards.get_mut("before/never-lost").unwrap().first = Some(chosen(&["no such entry"]));
        assert_eq!(some.points(before), Some(49.0));
    }

    #[test]
    fn results_survive_as_json_and_other_files_are_refused() {
        let results = answered(course::quiz_before(), right);
        let json = serde_json::to_string(&results).unwrap();
        assert!(
            json.starts_with(r#"{"form":"raft-course-results-1","learner":"","seed":1,"cards":{"before/"#)
        );
        assert_eq!(serde_json::from_str::<Results>(&json).unwrap(), results);
        assert!(!json.contains("practice"), "nothing was practised");
        let answer = "entry == current".to_owned();
        let exercise = ExerciseResult { points: 10, out_of: 10, tries: 1, answer };
        let practised = Results { practice: [("may-commit".to_owned(), exercise)].into(), ..results };
        let with_practice = serde_json::to_string(&practised).unwrap();
        assert_eq!(serde_json::from_str::<Results>(&with_practice).unwrap(), practised);
        let other = json.replace("results-1", "results-2");
        let refused = serde_json::from_str::<Results>(&other).unwrap_err().to_string();
        assert!(refused.contains("unknown variant `raft-course-results-2`"), "{refused}");
    }
}

mod teaching {
    use super::course::{self, Card, Challenge, Chapter};
    use std::fs;
    use std::path::Path;

    const HEADING: &str = "\n## The chapters\n";

    fn list(title: &str, items: &[String]) -> String {
        let items: String = items.iter().map(|item| format!("* {item}\n")).collect();
        if items.is_empty() { String::new() } else { format!("{title}\n\n{items}\n") }
    }

    fn row(card: &Card) -> String {
        let (asked, answer) = match &card.challenge {
            Challenge::Question(question) => {
                let right = question.answers.iter().filter(|answer| answer.is_right);
                let right: Vec<&str> = right.map(|answer| answer.text.as_str()).collect();
                let points = question.points.map(|points| format!(" ({points} points)")).unwrap_or_default();
                (format!("{} {}{points}", card.say, question.text).trim().to_owned(), right.join("; "))
            }
            Challenge::Task(task) => (task.text.clone(), format!("`{}`", task.solution.join("`, `"))),
        };
        format!("| {} | {asked} | {answer} |\n", card.id)
    }

    fn section(heading: &str, chapter: &Chapter, file: &str) -> String {
        let rows: String = chapter.cards.iter().map(row).collect();
        format!(
            "\n### {heading}\n\n{} minutes. [The text](../course/{file}) has the feedback for each wrong answer, with the run that shows it.\n\n{}{}\
             | card | question or task | answer |\n|---|---|---|\n{rows}",
            chapter.minutes,
            list("Goals:", &chapter.goals),
            list("Beliefs that it corrects:", &chapter.beliefs),
        )
    }

    /// docs/teaching.md lists what the chapters have. `UPDATE_GOLDEN=1` rewrites that part.
    #[test]
    fn the_list_for_teachers_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/teaching.md");
        let text = fs::read_to_string(&path).unwrap();
        let (by_hand, listed) = text.split_once(HEADING).unwrap();
        let mut current = String::new();
        for (number, chapter) in (1..).zip(course::chapters()) {
            let heading = format!("{number}. {}", chapter.title);
            current += &section(&heading, chapter, &format!("{}/chapter.txt", chapter.name));
        }
        for quiz in super::quizzes() {
            current += &section(&format!("Quiz: {}", quiz.title), quiz, &format!("quiz/{}.txt", quiz.name));
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, format!("{by_hand}{HEADING}{current}")).unwrap();
        } else {
            assert_eq!(listed, current, "UPDATE_GOLDEN=1 rewrites it");
        }
    }
}
