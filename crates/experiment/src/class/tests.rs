//! Valid and invalid questions and votes.

use super::votes::read_entries;
use super::*;

const TWO: &str = r#"
[[question]]
id = "poll-age"
chapter = "01-waiting"
text = "How old is an update over short polling, at the median?"
because = "A poll waits half its interval on average."
measured = { scenario = "scenarios/workshop/poll.toml", contender = "short polling, 1 s", metric = "age_p50_us", per = 1000 }
choices = [
    { id = "fresh", text = "less than 100 ms", below = 100 },
    { id = "some", text = "100 to 400 ms", from = 100, below = 400 },
    { id = "half", text = "more", from = 400 },
]

[[question]]
id = "bytes"
chapter = "02-bytes"
text = "How many bytes does an update take?"
unit = "B"
because = "Headers."
measured = { scenario = "scenarios/workshop/poll.toml", contender = "SSE", metric = "socket_bytes_per_update", per = 1 }
"#;

fn two() -> Questions {
    Questions::parse(TWO).unwrap()
}

fn vote(question: &str, round: Round, who: &str, answer: Answer, count: u32) -> Vote {
    Vote { question: question.into(), round, who: who.into(), answer, count, at: 0, id: None, device: None }
}

fn choice(id: &str) -> Answer {
    Answer::Choice(id.into())
}

fn error_after(from: &str, to: &str) -> String {
    assert!(TWO.contains(from), "{from}");
    Questions::parse(&TWO.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn questions_keep_their_order() {
    let ids: Vec<String> = two().question.into_iter().map(|question| question.id).collect();
    assert_eq!(ids, ["poll-age", "bytes"]);
    assert_eq!(two().get("bytes").unwrap().unit.as_deref(), Some("B"));
    assert_eq!(two().get("nothing"), None);
}

#[test]
fn an_invalid_question_is_rejected_with_its_position_and_the_remedy() {
    let cases = [
        ("unit = \"B\"", "units = \"B\"", "line 18, column 1: unknown key `units`; did you mean `unit`? allowed here:"),
        ("unit = \"B\"", "", "line 14, column 1: question `bytes`: it has neither choices nor a unit; add"),
        ("id = \"bytes\"", "id = \"poll-age\"", "line 14, column 1: question `poll-age`: another question has this id"),
        ("because = \"Headers.\"", "", "the key `because` is missing; add it"),
        ("because = \"Headers.\"", "because = \"\"", "`because` has 0 characters; write 1 to 600"),
        ("id = \"bytes\"", "id = \"by tes\"", "\"by tes\" cannot be an id; use 1 to 60 letters"),
        ("below = 100 }", "below = 90 }", "`some` leaves a gap before it; the first"),
        ("below = 100 }", "below = 110 }", "`some` overlaps the choice before it; the first"),
        ("from = 400 }", "from = 400, below = 500 }", "no choice covers values from 500; remove"),
        ("below = 100 }", "below = 100, right = true }", "the measurement decides; remove `right`"),
        ("from = 100, below = 400", "from = 100, below = 100", "`some` ends before it starts; `below`"),
        ("id = \"some\"", "id = \"half\"", "two choices have the same id; give each its own"),
        ("per = 1000", "per = 0", "`per` is 0; give a number above 0"),
        ("age_p50_us", "age_p50_ms", "age_p50_us"),
        ("chapter = \"02-bytes\"", "chapter = 2", "line 16, column 11: "),
    ];
    for (from, to, expected) in cases {
        let message = error_after(from, to);
        assert!(message.contains(expected), "{to}: {message}");
    }
    let ranges = [", below = 100", ", from = 100, below = 400", ", from = 400"];
    let none = ranges.iter().fold(TWO.to_owned(), |text, range| text.replace(range, ""));
    assert!(Questions::parse(&none).unwrap_err().to_string().contains("0 choices are right; write `right = true`"));
    assert!(Questions::parse(&none.replace("\"some\",", "\"some\", right = true,")).is_ok());
    assert!(Questions::parse("").unwrap_err().to_string().contains("there are 0 questions"));
}

#[test]
fn what_a_line_says_is_quoted_without_its_hidden_characters() {
    for line in ["{\"who\u{1b}[31m\":1}", "{\"question\":\"q\",\"round\":\"\u{202e}\"}"] {
        let error = read_entries(line).unwrap_err().to_string();
        assert!(error.starts_with("line 1: ") && !error.contains(feedlab_feed::text::is_hidden), "{error:?}");
    }
}

#[test]
fn an_invalid_vote_is_rejected_with_its_line_and_the_remedy() {
    let good = r#"{"question":"poll-age","round":"before","who":"Ada","answer":"half","at":1}"#;
    assert_eq!(read_entries(&format!("{good}\n\n{good}\n")).unwrap().len(), 2, "empty lines are ignored");
    let cases = [
        ("\"half\"", "[1]", "line 3: the answer is neither the id of a choice in quotes nor a number; write"),
        ("\"half\"", "1e999", "line 3: this is not a vote (number out of range); fix the line, or delete it"),
        ("\"at\":1}", "\"at", "line 3: this is not a vote (EOF while parsing a string); fix the line, or delete it"),
        ("\"who\":\"Ada\",", "", "line 3: the key `who` is missing; add it"),
        ("Ada", "", "line 3: enter your name: `who` is empty"),
        ("Ada", &"x".repeat(61), "line 3: a name has at most 60 characters, and this one has 61"),
        ("before", "befor", "line 3: unknown value `befor`; did you mean `before`? allowed here: before, after"),
        (
            "\"at\"",
            "\"count\":1001,\"at\"",
            "line 3: `count` is 1001; give the number of people with this answer, 1 to 1000",
        ),
        ("\"at\"", "\"count\":0,\"at\"", "line 3: `count` is 0; give"),
        ("\"who\"", "\"whom\"", "line 3: unknown key `whom`; did you mean `who`?"),
        (good, "half", "line 3: this is not a vote (expected value); fix"),
    ];
    for (from, to, expected) in cases {
        assert!(good.contains(from));
        let message = read_entries(&format!("{good}\n\n{}\n", good.replace(from, to))).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn a_vote_must_answer_a_question_of_the_file() {
    let line = |question: &str, answer: &str| {
        format!("{{\"question\":\"{question}\",\"round\":\"after\",\"who\":\"Ada\",\"answer\":{answer},\"at\":1}}\n")
    };
    let good = line("poll-age", "\"half\"") + &line("bytes", "120.5");
    assert_eq!(two().votes(&good).unwrap().len(), 2);
    for (question, answer, expected) in [
        ("poll-ag", "\"half\"", "no question is called `poll-ag`; did you mean `poll-age`?"),
        ("zebra", "\"half\"", "no question is called `zebra`; give the questions file of this class"),
        ("poll-age", "\"all\"", "`all` is not a choice of `poll-age`; choose one of fresh, some, half"),
        ("poll-age", "7", "7 does not answer `poll-age`; choose one of fresh, some, half"),
        ("bytes", "\"7\"", "\"7\" does not answer `bytes`; give a number (B), without quotes"),
    ] {
        let message = two().votes(&(good.clone() + &line(question, answer))).unwrap_err().to_string();
        assert_eq!(message, format!("line 3: {expected}"));
    }
}

#[test]
fn the_last_vote_of_a_person_counts_and_the_last_per_answer_of_hands() {
    let votes = [
        vote("poll-age", Round::Before, "Ada", choice("half"), 1),
        vote("poll-age", Round::Before, "hands", choice("half"), 3),
        vote("poll-age", Round::Before, "Ada", choice("some"), 1),
        vote("poll-age", Round::Before, "hands", choice("some"), 1),
        vote("poll-age", Round::Before, "hands", choice("half"), 4),
        vote("poll-age", Round::After, "Ada", choice("half"), 1),
    ];
    let tally = Tally::of(two().get("poll-age").unwrap(), &votes, Some(512.0));
    assert_eq!((tally.before.choices, tally.before.people, tally.before.right), (vec![0, 2, 4], 6, Some(4)));
    assert_eq!((tally.after.choices, tally.after.people, tally.after.right), (vec![0, 0, 1], 1, Some(1)));
}

#[test]
fn the_measurement_decides_for_one_choice() {
    let questions = two();
    let question = questions.get("poll-age").unwrap();
    let right = |value| right_choice(question, value).map(|choice| choice.id.as_str());
    assert_eq!(
        [0.0, 99.9, 100.0, 400.0, 1e9].map(|value| right(Some(value)).unwrap()),
        ["fresh", "fresh", "some", "half", "half"]
    );
    assert_eq!(right(None), None);
    assert_eq!(question.judge(&choice("half"), Some(512.0)), Some(true));
    assert_eq!(question.judge(&choice("some"), Some(512.0)), Some(false));
    assert_eq!(question.judge(&choice("half"), None), None);
    assert_eq!(question.judge(&choice("nobody"), Some(512.0)), None);
    assert_eq!(question.judge(&Answer::Number(512.0), Some(512.0)), None);
}

#[test]
fn a_number_is_right_within_a_factor_of_two() {
    let questions = two();
    let question = questions.get("bytes").unwrap();
    let judged = |number| question.judge(&Answer::Number(number), Some(100.0));
    assert_eq!(
        [49.0, 50.0, 100.0, 200.0, 201.0, -100.0, 0.0].map(|n| judged(n) == Some(true)),
        [false, true, true, true, false, false, false]
    );
    assert_eq!(question.judge(&Answer::Number(0.0), Some(0.0)), Some(true));
    let votes = [3.0, 3.0, 9.0, 200.0].map(|number| vote("bytes", Round::Before, "x", Answer::Number(number), 1));
    let votes: Vec<Vote> = votes.into_iter().enumerate().map(|(i, v)| Vote { who: i.to_string(), ..v }).collect();
    let tally = Tally::of(question, &votes, Some(100.0));
    assert_eq!(tally.before.numbers, [(3.0, 2), (9.0, 1), (200.0, 1)]);
    assert_eq!((tally.before.median(), tally.before.right, tally.after.median()), (Some(3.0), Some(1), None));
}

#[test]
fn w5_two_people_with_one_name_are_two() {
    let taken = ["Ada", "Ada (2)"];
    let named = |who: &str| name_for(who, |name| !taken.contains(&name));
    assert_eq!([named("Ada"), named("Bob")], ["Ada (3)", "Bob"]);
    let long = "x".repeat(MAX_NAME);
    let other = name_for(&long, |name| name != long);
    assert!(other.ends_with("x (2)") && name(&other).is_ok(), "{other}");
    assert_eq!(name_for("Ada", |_| false), "Ada", "there is an end");
}

#[test]
fn w1_steps_of_the_instructor_are_lines_between_the_votes() {
    let vote = r#"{"question":"poll-age","round":"before","who":"Ada","answer":"half","at":1,"id":"a-1","device":"d"}"#;
    let step = r#"{"step":"vote","question":"poll-age","at":1}"#;
    let votes = two().votes(&format!("{step}\n{vote}\n")).unwrap();
    assert_eq!((votes.len(), votes[0].id.as_deref()), (1, Some("a-1")));
    for (line, expected) in [
        (step.replace("vote", "sing"), "line 1: unknown value `sing`"),
        (step.replace("at", "it"), "line 1: unknown key `it`"),
        (vote.replace("a-1", "a 1"), "line 1: `id` must be 1 to 64 letters"),
    ] {
        let error = read_entries(&line).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn w1_a_class_that_votes_again_accepts_who_comes_late() {
    let ballot = |round: &str, who: &str| -> Ballot {
        serde_json::from_str(&format!(r#"{{"question":"bytes","round":"{round}","who":"{who}","answer":7}}"#)).unwrap()
    };
    let questions = two();
    let question = questions.get("bytes").unwrap();
    let mut lesson = Lesson::default();
    for (step, round, is_accepted) in [
        (Step::Vote, "before", true),
        (Step::Vote, "after", false),
        (Step::Discuss, "after", false),
        (Step::Again, "after", true),
        (Step::Again, "before", false),
        (Step::Reveal, "after", false),
        (Step::End, "before", true),
    ] {
        lesson.take(Move { step, question: Some("bytes".into()), at: 5 });
        let voted = ballot(round, "Ada").vote_during(&lesson, question, &[], 6);
        assert_eq!(voted.is_ok(), is_accepted, "{step:?} {round}: {voted:?}");
    }
}
