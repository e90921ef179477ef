//! The report, as text: what a failure says, what to do first, and what was not tried.

use super::*;
use crate::contract::{Contract, Level};
use crate::outcome::{Failure, StageResult};
use crate::trace::{Entry, Trace, What};

fn case(id: &str, level: Level, verdict: Verdict) -> CaseResult {
    CaseResult {
        id: id.to_owned(),
        rule: "An update that is published between two long polls is in the answer to the second, and in no other."
            .into(),
        source: "RFC 6202, section 2.1".into(),
        url: "https://www.rfc-editor.org/rfc/rfc6202#section-2.1".into(),
        fix: "Keep a history, and answer at once if it has anything after the client's cursor.".into(),
        level,
        took_ms: 12,
        verdict,
    }
}

fn failed() -> Verdict {
    let entry = |at_us, exchange, what| Entry { at_us, exchange, what };
    let entries = vec![
        entry(100, Some(0), What::Sent("GET /poll HTTP/1.1\r\nHost: h\r\n\r\n".into())),
        entry(
            900,
            Some(0),
            What::Received("HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{\"cursor\":7,\"items\":[]}".into()),
        ),
        entry(1_500, None, What::Published("a: \"feedlab-a-1\"".into())),
        entry(2_100, Some(1), What::Sent("GET /poll?after=7 HTTP/1.1\r\nHost: h\r\n\r\n".into())),
        entry(
            9_000,
            Some(1),
            What::Received("HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{\"cursor\":8,\"items\":[]}".into()),
        ),
        entry(9_300, Some(1), What::Expected("update a, once".into())),
    ];
    let trace = Trace { exchanges: vec!["start".into(), "second".into()], entries };
    Verdict::Failed(Box::new(Failure {
        expected: "update a, once".into(),
        came: "no update; the answer ends with `\"items\":[]`".into(),
        step: 5,
        trace,
    }))
}

fn not_tried(reason: &str) -> Verdict {
    Verdict::NotTried { reason: reason.to_owned() }
}

const NO_PUBLISHER: &str =
    "there is no way to publish: give it one with --publish 'POST /messages {\"text\":\"$UPDATE\"}'";

fn report() -> Report {
    let stage = |stage, title: &str, question: &str, cases| StageResult {
        stage,
        title: title.into(),
        question: question.into(),
        cases,
    };
    Report {
        url: "http://127.0.0.1:3000/poll".into(),
        profile: Profile::Poll,
        profile_reason: "the answer to GET is JSON".into(),
        publisher: Some("POST /messages".into()),
        stages: vec![
            stage(
                1,
                "Short polling",
                "A client asks twice. Will it get an update twice?",
                vec![
                    case("poll-json", Level::Must, Verdict::Passed),
                    case("poll-etag", Level::Should, failed()),
                    case("poll-twice", Level::Must, not_tried(NO_PUBLISHER)),
                ],
            ),
            stage(
                3,
                "Long polling",
                "An update is published between two polls. Will yours lose it?",
                vec![
                    case("long-poll-between-two", Level::Must, failed()),
                    case("long-poll-holds", Level::Must, not_tried("needs long-poll-between-two, which did not pass")),
                    case("long-poll-gap", Level::Must, not_tried(NO_PUBLISHER)),
                ],
            ),
        ],
        interrupted: false,
    }
}

#[test]
fn a_report_is_read_from_top_to_bottom() {
    insta::assert_snapshot!(text(&report(), &Baseline::default(), false));
}

#[test]
fn what_was_not_chosen_is_not_shown() {
    let mut report = report();
    for case in &mut report.stages[1].cases {
        case.verdict = not_tried(crate::outcome::NOT_CHOSEN);
    }
    let text = text(&report, &Baseline::default(), false);
    assert!(!text.contains("Stage 3") && text.contains("1 passed, 0 failed, 1 advice, 1 not tried\n"), "{text}");
}

#[test]
fn colors_only_color() {
    let mut plain = text(&report(), &Baseline::default(), true);
    assert!(plain.contains("\u{1b}[31mFAIL     \u{1b}[0m"));
    for code in ["1", "2", "31", "32", "33", "0"] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(plain, text(&report(), &Baseline::default(), false));
}

#[test]
fn no_text_of_a_server_controls_the_terminal() {
    let mut report = report();
    report.url.push_str("\u{1b}[2J");
    report.profile_reason.push_str("\u{1b}[2J\u{202e}");
    let hostile = Failure { expected: "\u{1b}[2J".into(), came: "\r\u{202e}".into(), step: 1, trace: Trace::default() };
    report.stages[0].cases[0].verdict = Verdict::Failed(Box::new(hostile));
    report.stages[0].cases[2].verdict = not_tried("\u{1b}[2J");
    let text = text(&report, &Baseline::default(), false);
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{text}");
}

#[test]
fn an_expected_failure_is_one_line_and_not_where_to_start() {
    let baseline = Baseline::parse("# known\nlong-poll-between-two # issue 7\npoll-etag\n").unwrap();
    let report = report();
    let text = text(&report, &baseline, false);
    assert!(text.contains("  expected   long-poll-between-two") && !text.contains("came"), "{text}");
    assert!(
        text.contains("1 passed, 0 failed, 2 failed as expected, 3 not tried") && !text.contains("start with"),
        "{text}"
    );
    assert!(!report.cases().any(|case| baseline.is_surprise(case)));
}

#[test]
fn advice_is_where_to_start_if_nothing_failed() {
    let mut report = report();
    report.stages.pop();
    let text = text(&report, &Baseline::default(), false);
    assert!(text.contains("1 passed, 0 failed, 1 advice, 1 not tried\n\nstart with: poll-etag"), "{text}");
}

#[test]
fn entries_that_pass_or_that_no_contract_has_are_stale() {
    let contract =
        Contract { stages: vec![stage_of(&["poll-json", "poll-twice", "poll-etag", "long-poll-between-two"])] };
    let baseline = Baseline::parse("poll-twice\nno-such\npoll-etag\n\npoll-json").unwrap();
    let lines: Vec<String> = baseline.stale(&report(), &contract).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "line 2: no-such is not a case of the contract: remove the line",
            "line 5: poll-json passes now: remove the line"
        ]
    );
    for text in ["two names", "x\nFAIL poll-etag", "\u{1b}[2J"] {
        assert!(Baseline::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_list_has_each_rule_and_its_source() {
    insta::assert_snapshot!(list(&[stage_of(&["poll-json", "long-poll-between-two"])], false));
}

fn stage_of(ids: &[&str]) -> Stage {
    let case = |id: &&str| {
        format!(
            "[[case]]\nid = \"{id}\"\nprofiles = [\"feedlab\", \"poll\"]\nrule = \"An update is in the answer.\"\n\
             source = \"RFC 6202, section 2.1\"\nurl = \"https://www.rfc-editor.org/rfc/rfc6202\"\nfix = \"x\"\nsteps = []\n"
        )
    };
    let cases: String = ids.iter().map(case).collect();
    toml::from_str(&format!("stage = 1\ntitle = \"Polling\"\nquestion = \"Will it?\"\n{cases}")).unwrap()
}
