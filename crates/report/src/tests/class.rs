//! What a class expected, in sentences and charts.

use feedlab_experiment::class::{Question, Questions, Round, Tally, Vote};

use super::*;
use crate::chart::{Picture as _, Votes};
use crate::render_with_votes;

const QUESTIONS: &str = r#"
[[question]]
id = "poll-age"
chapter = "01-waiting"
text = "How old is an update over <short> polling, at the median?"
because = "A poll waits half of its interval on average."
measured = { scenario = "scenarios/workshop/known.toml", contender = "short polling, 1 s", metric = "age_p50_us", per = 1000 }
choices = [
    { id = "fresh", text = "less than 100 ms", below = 100 },
    { id = "some", text = "100 to 400 ms", from = 100, below = 400 },
    { id = "half", text = "400 ms and more", from = 400 },
]

[[question]]
id = "bytes"
chapter = "02-bytes"
text = "How many bytes does an update take over SSE?"
unit = "B"
because = "Payload and framing."
measured = { scenario = "scenarios/workshop/known.toml", contender = "SSE", metric = "socket_bytes_per_update", per = 1 }

[[question]]
id = "elsewhere"
chapter = "03-other"
text = "What does another scenario measure?"
unit = "B"
because = "It is not this run."
measured = { scenario = "scenarios/workshop/other.toml", contender = "SSE", metric = "socket_bytes_per_update", per = 1 }

[[question]]
id = "status"
chapter = "04-words"
text = "Which status ends an EventSource?"
because = "HTML says so."
choices = [{ id = "s204", text = "204", right = true }, { id = "s503", text = "503" }]
"#;

/// Votes of people who are named by numbers: question, round, answer, number of votes.
fn votes(said: &[(&str, &str, &str, usize)]) -> Vec<Vote> {
    let line = |question: &str, round: &str, who: usize, answer: &str| {
        format!(
            "{{\"question\":\"{question}\",\"round\":\"{round}\",\"who\":\"{who}\",\"answer\":{answer},\"at\":1}}\n"
        )
    };
    let mut who = 0;
    let mut text = String::new();
    for &(question, round, answer, people) in said {
        for _ in 0..people {
            who += 1;
            text += &line(question, round, who, answer);
        }
    }
    questions().votes(&text).unwrap()
}

fn questions() -> Questions {
    Questions::parse(QUESTIONS).unwrap()
}

fn question(id: &str) -> Question {
    questions().get(id).unwrap().clone()
}

/// The votes in a sentence.
fn sentence(question: &Question, votes: &[Vote], measured: Option<f64>) -> String {
    Votes::new(question, &Tally::of(question, votes, measured), None, measured).finding()
}

/// The votes in a chart.
fn chart(question: &Question, votes: &[Vote], predicted: Option<f64>, measured: Option<f64>) -> String {
    crate::class::chart(question, &Tally::of(question, votes, measured), predicted, measured, crate::class::Place::Wide)
}

fn class() -> Vec<Vote> {
    votes(&[
        ("poll-age", "before", "\"fresh\"", 14),
        ("poll-age", "before", "\"half\"", 6),
        ("poll-age", "after", "\"half\"", 19),
        ("poll-age", "after", "\"some\"", 1),
        ("bytes", "before", "300", 5),
        ("bytes", "before", "20", 3),
        ("bytes", "before", "1e12", 1),
        ("bytes", "after", "310.5", 7),
        ("elsewhere", "before", "1", 3),
        ("status", "before", "\"s503\"", 3),
    ])
}

fn asked(fixture: impl Fn(&Contender, &Cell) -> CellFixture) -> (Report, tempfile::TempDir) {
    let (folder, results) = run(&scenario("[10]", "[256]", 1), fixture);
    (render_with_votes(&results, &questions(), &class()).unwrap(), folder)
}

fn predicted(contender: &Contender, cell: &Cell) -> CellFixture {
    let metrics = [(Metric::AgeP50, 500_000.0), (Metric::SocketBytesPerUpdate, 300.0)].into();
    CellFixture { predicted: Some(Predicted { metrics, ..Predicted::default() }), ..known(contender, cell) }
}

#[test]
fn votes_on_this_run_appear_in_its_report() {
    let (report, _folder) = asked(predicted);
    let html = report.html.replace('\u{a0}', " ");
    assert!(html.contains("What the class expected"));
    for quote in [
        "How old is an update over &#60;short&#62; polling, at the median?",
        "14 of 20 expected “less than 100 ms”; measured: 500 ms; after: 19 of 20 right.",
        "The median of 9 answers was 300 B, 5 of 9 right; measured: 310 B; after: 7 of 7 right.",
        "A poll waits half of its interval on average.",
        "1 answer lies outside the chart and is drawn at its edge.",
        ">\n✓ right: 400 ms and more\n<",
        ">\nmeasured 500 ms\n<",
        ">\npredicted 500 ms\n<",
        "right, predicted 500 ms, measured 500 ms",
    ] {
        assert!(html.contains(quote), "{quote}");
    }
    assert!(!html.contains("another scenario") && !html.contains("EventSource?"));
    let names: Vec<&str> = report.charts.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.ends_with(&["class-poll-age.svg", "class-bytes.svg"]), "{names:?}");
    page::check_well_formed(&html);
    page::check_reading_hints(&html);
}

#[test]
fn an_invalid_run_marks_no_answer_as_right() {
    let (report, _folder) = asked(|contender, cell| CellFixture { verdict: invalid(), ..predicted(contender, cell) });
    assert!(report.html.contains("no answer counts as right or wrong") && !report.html.contains("✓ right"));
    assert!(!report.html.contains("19 of 20 right"));
}

#[test]
fn without_votes_the_class_is_not_mentioned() {
    let (_folder, results) = run(&scenario("[10]", "[256]", 1), known);
    assert!(!render(&results).unwrap().html.contains("the class"));
    let html = render_with_votes(&results, &questions(), &[]).unwrap().html;
    assert!(html.contains("Nobody answered a question that this run measures."));
}

#[test]
fn sentences_say_what_was_expected_and_what_came_out() {
    let all = class();
    let say = |id: &str, value: Option<f64>| sentence(&question(id), &all, value);
    assert_eq!(say("status", None), "3 of 3 expected “503”; the right answer is “204”");
    assert_eq!(say("poll-age", None), "14 of 20 expected “less than 100 ms”; nothing was measured");
    assert_eq!(sentence(&question("status"), &[], None), "nobody answered beforehand; the right answer is “204”");
    let tied = votes(&[("status", "before", "\"s503\"", 2), ("status", "before", "\"s204\"", 2)]);
    let tied = sentence(&question("status"), &tied, None);
    assert_eq!(tied, "2 of 4 each expected “204” and “503”; the right answer is “204”");
}

#[test]
fn a_chart_shows_only_rounds_with_answers_and_can_be_empty() {
    let all = class();
    let svg = chart(&question("poll-age"), &all, Some(500.0), Some(512.0));
    assert!(svg.starts_with("<svg viewBox") && svg.contains("role=\"img\"") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("14 of 20 before") && svg.contains("19 of 20 after"));
    let before: Vec<Vote> = all.into_iter().filter(|vote| vote.round == Round::Before).collect();
    let svg = chart(&question("poll-age"), &before, None, None);
    assert!(svg.contains("14 of 20 before") && !svg.contains(" after\n") && !svg.contains("✓ right"));
    for id in ["poll-age", "bytes", "status"] {
        let svg = chart(&question(id), &[], None, None);
        assert!(svg.contains("How") || svg.contains("Which"), "{svg}");
    }
    assert!(chart(&question("bytes"), &[], None, None).contains("nobody has answered yet"));
}

#[test]
fn strange_numbers_are_drawn_at_an_edge() {
    for number in ["1e308", "-5", "0", "1e-300", "-1e308"] {
        let all = votes(&[("bytes", "before", number, 2), ("bytes", "before", "100", 3)]);
        for value in [Some(310.0), Some(0.0), Some(1e300), Some(f64::NAN), None] {
            let svg = chart(&question("bytes"), &all, value, value);
            assert!(svg.contains("before: 5 answers") && svg.len() < 100_000, "{number} {value:?}: {}", svg.len());
        }
    }
}
