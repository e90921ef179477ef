//! `feedlab choose`: a question in, an answer on one screen and a scenario out.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{Command, ends_with, err, error_line, feedlab, out};

/// The teams that have a file.
fn teams() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/choose/teams");
    let files = std::fs::read_dir(folder).expect("the folder of the teams");
    let mut teams: Vec<String> = files.filter_map(|file| Some(file.ok()?.path().to_str()?.to_owned())).collect();
    teams.sort();
    assert_eq!(teams.len(), 12);
    teams
}

fn team(name: &str) -> String {
    teams().into_iter().find(|file| file.ends_with(&format!("/{name}.toml"))).expect("the team")
}

/// Returns `feedlab choose ARGUMENTS…` in a folder.
fn choose(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = feedlab(&["choose"]);
    command.args(arguments).current_dir(folder);
    command
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn the_answer_of_every_team_fits_a_screen_and_its_scenario_is_valid() {
    let folder = folder();
    for team in teams() {
        let text = out(&ends_with(0, &mut choose(&folder, &[&team])));
        assert!(text.lines().count() <= 40, "{team}:\n{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{team}: {line}");
        }
        assert!(text.contains("Choose ") || text.contains("A tie: "), "{team}:\n{text}");
        assert!(text.contains("predicted") && text.contains("measured"), "{team}:\n{text}");
        let mut validate = feedlab(&["validate", "choice.toml"]);
        ends_with(0, validate.current_dir(&folder));
    }
}

#[test]
fn an_answer_has_its_reason_its_crossings_and_its_experiments() {
    let folder = folder();
    insta::assert_snapshot!("choose_alerts", out(&ends_with(0, &mut choose(&folder, &[&team("alerts")]))));
    insta::assert_snapshot!("choose_sensors", out(&ends_with(0, &mut choose(&folder, &[&team("sensors")]))));
    let file = std::fs::read_to_string(folder.path().join("choice.toml")).unwrap();
    insta::assert_snapshot!("choose_sensors_scenario", file);
}

#[test]
fn flags_take_precedence_over_the_file() {
    let folder = folder();
    let arguments = [&*team("chat"), "--clients", "31", "--format", "json"];
    let answered: Value = serde_json::from_str(&out(&ends_with(0, &mut choose(&folder, &arguments)))).unwrap();
    assert_eq!(answered["answer"]["question"]["clients"], 31);
    assert_eq!(answered["answer"]["question"]["chat"], true);
    assert_eq!(answered["answer"]["winners"][0], "websocket");
    assert!(answered["crossings"].as_array().unwrap().len() >= 5);
}

#[test]
fn the_answer_has_four_formats() {
    let folder = folder();
    let format = |format: &str| out(&ends_with(0, &mut choose(&folder, &[&team("dashboard"), "--format", format])));
    let markdown = format("markdown");
    assert!(
        markdown.contains("**A tie: SSE and WebSocket are equal by bytes") && markdown.contains("| --- |"),
        "{markdown}"
    );
    let html = format("html");
    assert!(html.starts_with("<!doctype html>") && html.contains("<p class=\"verdict\">A tie: SSE"), "{html}");
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("src="), "{html}");
}

#[test]
fn without_a_question_and_a_terminal_there_is_an_example() {
    let folder = folder();
    let output = ends_with(2, choose(&folder, &[]).write_stdin("3000\n"));
    assert!(error_line(&output).contains("feedlab choose --clients 3000"), "{}", err(&output));
    assert!(!folder.path().join("choice.toml").exists());
}

#[test]
fn a_question_that_contradicts_itself_is_bad_input_and_writes_nothing() {
    let folder = folder();
    for (arguments, message) in [
        (&["--budget", "50ms", "--rtt", "200ms"][..], "raise the budget, or move the servers closer"),
        (&["--chat"], "set `sends`"),
        (&["--cares-about", "money"], "--price 0.09/GB"),
        (&["--browser", "no", "--headers", "browser"], "remove one of them"),
        (&["nowhere.toml"], "nowhere.toml"),
    ] {
        let output = ends_with(2, &mut choose(&folder, arguments));
        assert!(error_line(&output).contains(message), "{arguments:?}: {}", err(&output));
    }
    for (arguments, message) in [
        (&["--between", "pigeon"][..], "corporate-proxy"),
        (&["--pattern", "odd"], "bursts of N"),
        (&["--price", "5"], "0.09/GB"),
        (&["--payload", "much"], "400 B"),
    ] {
        let output = ends_with(2, &mut choose(&folder, arguments));
        assert!(err(&output).contains(message), "{arguments:?}: {}", err(&output));
    }
    std::fs::write(folder.path().join("team.toml"), "clientss = 5\n").unwrap();
    let output = ends_with(2, &mut choose(&folder, &["team.toml"]));
    assert!(error_line(&output).contains("line 1, column 1: unknown key `clientss`; did you mean `clients`?"));
    assert!(!folder.path().join("choice.toml").exists());
}

#[test]
fn a_scenario_of_somebody_else_is_not_overwritten() {
    let folder = folder();
    let file = folder.path().join("choice.toml");
    std::fs::write(&file, "schema = 1\n").unwrap();
    let output = ends_with(2, &mut choose(&folder, &["--rate", "1/s"]));
    assert!(error_line(&output).contains("--force"), "{}", err(&output));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "schema = 1\n");
    ends_with(0, &mut choose(&folder, &["--rate", "1/s", "--output", "other.toml"]));
    ends_with(0, &mut choose(&folder, &["--rate", "1/s", "--force"]));
    ends_with(0, &mut choose(&folder, &["--rate", "2/s"]));
    assert!(std::fs::read_to_string(&file).unwrap().contains("updates_per_s = 2"));
}

#[test]
fn if_nothing_fits_nothing_is_recommended_or_written() {
    let folder = folder();
    let arguments = ["--between", "corporate-proxy", "--rtt", "200ms", "--budget", "105ms"];
    let text = out(&ends_with(0, &mut choose(&folder, &arguments)));
    assert!(text.contains("Nothing fits") && text.contains("does not forward the upgrade"), "{text}");
    assert!(!folder.path().join("choice.toml").exists());
}
