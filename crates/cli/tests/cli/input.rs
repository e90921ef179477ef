//! Bad input: one line with the location and the remedy, and the documented status.

use super::scenario::{TINY, file, tiny_with};
use super::{Command, ends_with, err, error_line, feedlab, out, results};

/// Returns the error of `validate` about a scenario, which must be wrong.
fn error_of(text: &str) -> String {
    let (folder, _file) = file(text);
    error_line(&ends_with(2, feedlab(&["validate", "scenario.toml"]).current_dir(&folder)))
}

#[test]
fn a_wrong_scenario_is_rejected_with_the_location_and_the_remedy() {
    let replay = "source = \"replay\"\nfile = \"none.ndjson\"";
    let lines = [
        ("unknown key", tiny_with("count = 5", "counts = 5")),
        ("wrong unit", tiny_with("warm_up = \"200ms\"", "warm_up = \"200 parsecs\"")),
        ("zero clients", tiny_with("count = 5", "count = 0")),
        ("not TOML", tiny_with("schema = 1", "schema 1")),
        ("another schema", tiny_with("schema = 1", "schema = 9")),
        ("missing feed file", tiny_with("source = \"synthetic\"\nupdates_per_s = 20", replay)),
        ("unknown metric", tiny_with("updates_missed", "updates_mist")),
    ]
    .map(|(what, text)| format!("{what}\n  {}\n", error_of(&text)));
    insta::assert_snapshot!(lines.concat());
}

#[test]
fn a_broken_line_of_a_recording_is_reported_with_its_number() {
    let replay = "source = \"replay\"\nfile = \"feed.ndjson\"";
    let (folder, _file) = file(&tiny_with("source = \"synthetic\"\nupdates_per_s = 20", replay));
    std::fs::write(folder.path().join("feed.ndjson"), "{\"at_ms\":1,\"data\":1}\nnonsense\n").expect("a file");
    let output = ends_with(2, feedlab(&["validate", "scenario.toml"]).current_dir(&folder));
    assert!(error_line(&output).contains("feed.ndjson, line 2"), "{}", err(&output));
}

#[test]
fn validate_checks_every_file_and_prints_the_duration() {
    let (folder, _file) = file(TINY);
    std::fs::write(folder.path().join("bad.toml"), "schema = 1").expect("a file");
    let output = ends_with(2, feedlab(&["validate", "bad.toml", "scenario.toml", "none.toml"]).current_dir(&folder));
    assert_eq!(out(&output), "scenario.toml: ok, 4 cells, about 12 s\n");
    assert_eq!(err(&output).lines().count(), 2, "{}", err(&output));
}

/// Covers every flag that takes a time. humantime, which parses them, panics on the first of these texts.
#[test]
fn f2_an_invalid_time_is_rejected_with_a_clear_line_for_every_flag() {
    const WATCH: &[&str] = &["watch", "http://127.0.0.1:1"];
    const PROXY: &[&str] = &["proxy", "--to", "127.0.0.1:1"];
    const NGINX: &[&str] = &["nginx", "--to", "127.0.0.1:1"];
    for (command, flag) in [
        (WATCH, "--interval"),
        (WATCH, "--hold"),
        (&["serve"], "--keepalive"),
        (&["serve"], "--retry"),
        (&["serve"], "--max-hold"),
        (&["serve"], "--coalesce"),
        (&["serve"], "--stall"),
        (PROXY, "--rtt"),
        (PROXY, "--jitter"),
        (PROXY, "--idle-timeout"),
        (NGINX, "--read-timeout"),
        (&["predict", "none.toml"], "--rtt"),
    ] {
        for time in [
            "18446744073709551615s1000000000ns",
            "18446744073709551615s",
            "99999999999999h",
            "400days",
            "5",
            "soon",
            "-1s",
        ] {
            let text = if flag == "--stall" { format!("1s:{time}") } else { time.to_owned() };
            let output = ends_with(2, feedlab(command).arg(format!("{flag}={text}")));
            let line = error_line(&output);
            assert!(line.contains(&text) && line.contains(flag) && line.contains("write "), "{flag} {text}: {line}");
        }
    }
}

/// `validate` rejects the same scenarios as `run`, with the same message.
#[cfg(target_os = "linux")]
#[test]
fn a_scenario_that_needs_too_many_descriptors_is_rejected_before_the_run() {
    let (folder, _file) = file(&tiny_with("count = 5", "count = 3000"));
    let lines = ["validate", "run"].map(|command| {
        let binary = assert_cmd::cargo::cargo_bin!("feedlab").display().to_string();
        let line = format!("ulimit -n 2048; exec {binary} {command} scenario.toml");
        let output = ends_with(2, Command::new("sh").args(["-c", &line]).current_dir(&folder));
        error_line(&output)
    });
    for line in &lines {
        assert!(line.contains("this run needs 3064 descriptors in each process, but this shell allows 2048"), "{line}");
        assert!(line.contains("`ulimit -n 3064`, or measure fewer clients"), "{line}");
    }
    assert!(!folder.path().join("results").exists());
}

#[test]
fn a_run_of_a_missing_file_starts_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = ends_with(2, feedlab(&["run", "none.toml"]).current_dir(&folder));
    assert!(error_line(&output).contains("none.toml"));
    assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 0);
}

#[test]
fn a_scenario_cannot_use_a_feed_that_cannot_be_repeated() {
    let text = tiny_with("source = \"synthetic\"\nupdates_per_s = 20", "source = \"stdin\"");
    let (folder, _file) = file(&text);
    for command in ["run", "validate", "predict"] {
        let output = ends_with(2, feedlab(&[command, "scenario.toml"]).current_dir(&folder));
        let line = error_line(&output);
        assert!(line.contains("allowed here: synthetic, replay, host, clients; "), "{line}");
        assert!(line.contains("feedlab serve --feed stdin"), "{line}");
    }
}

#[test]
fn a_folder_without_results_is_reported_with_the_missing_file() {
    let folder = tempfile::tempdir().expect("a folder");
    for run in [".", "none"] {
        let output = ends_with(2, feedlab(&["report", run]).current_dir(&folder));
        let line = error_line(&output);
        assert!(line.contains("not a results folder") && line.contains("manifest.json"), "{line}");
    }
}

#[test]
fn results_need_a_writable_folder() {
    let (folder, _file) = file(TINY);
    let output = ends_with(1, feedlab(&["run", "scenario.toml", "--out", "scenario.toml/in"]).current_dir(&folder));
    assert!(error_line(&output).contains("--out"), "{}", err(&output));
}

#[test]
fn too_few_descriptors_are_reported_with_the_remedy() {
    let (folder, _file) = file(TINY);
    let line = format!("ulimit -n 64; exec {} run scenario.toml", assert_cmd::cargo::cargo_bin!("feedlab").display());
    let output = ends_with(2, Command::new("sh").args(["-c", &line]).current_dir(&folder));
    let line = error_line(&output);
    assert!(line.contains("needs 69 descriptors") && line.contains("ulimit -n 69"), "{line}");
    assert!(!folder.path().join("results").exists());
}

#[test]
fn flags_that_do_not_go_together_are_rejected() {
    for (arguments, needle) in [
        (&["serve", "--speed", "2"][..], "--speed requires --feed replay:FILE"),
        (&["serve", "--feed", "replay:none.ndjson"], "none.ndjson"),
        (&["serve", "--feed", "pigeon"], "none, synthetic, replay:FILE, stdin, host"),
        (&["serve", "--listen", "8080"], "127.0.0.1:8080"),
        (&["serve", "--keepalive", "0s"], "longer than zero"),
        (&["serve", "--allow-origin", "example.org"], "https://example.org"),
        (&["watch", "http://127.0.0.1/", "--header", "s3cret"], "'Name: value'"),
        (&["watch", "http://127.0.0.1/", "--hold", "1s"], "--hold requires long-polling"),
        (&["watch", "http://127.0.0.1/x", "--insecure"], "require an https:// or wss:// URL"),
        (&["watch", "http://127.0.0.1/", "--transport", "pigeon"], "short-polling, long-polling, sse, websocket"),
    ] {
        let output = ends_with(2, &mut feedlab(arguments));
        assert!(err(&output).contains(needle), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn a_broken_file_of_votes_is_reported_with_its_line_and_the_run_does_not_change() {
    const QUESTION: &str = r#"
[[question]]
id = "bytes"
chapter = "02-bytes"
text = "How many bytes does an update take?"
unit = "B"
because = "Payload and framing."
measured = { scenario = "made-up.toml", contender = "SSE", metric = "socket_bytes_per_update", per = 1 }
"#;
    const VOTE: &str = r#"{"question":"bytes","round":"before","who":"Ada","answer":300,"at":1}"#;
    let folder = tempfile::tempdir().expect("a folder");
    let run = results::run(folder.path(), &results::sse(2), &results::CellFigures::default());
    let report = |votes: &str, questions: &str| {
        std::fs::write(folder.path().join("votes.ndjson"), votes).expect("a file");
        std::fs::write(folder.path().join("questions.toml"), questions).expect("a file");
        let run = run.to_str().expect("a path");
        let mut command = feedlab(&["report", run, "--votes", "votes.ndjson", "--questions", "questions.toml"]);
        command.current_dir(&folder);
        command
    };
    let broken = VOTE.replace("300", "\"many\"");
    for (votes, questions, said) in [
        (
            VOTE.replace("before", "then"),
            QUESTION,
            "votes.ndjson: line 1: unknown value `then`; allowed here: before, after",
        ),
        (format!("{VOTE}\n{{"), QUESTION, "votes.ndjson: line 2: this is not a vote"),
        (broken, QUESTION, "votes.ndjson: line 1: \"many\" does not answer `bytes`; give a number (B), without quotes"),
        (VOTE.to_owned(), "[[question]]\nidea = 1", "questions.toml: line 2, column 1: unknown key `idea`"),
        ("\u{0}".to_owned(), QUESTION, "votes.ndjson: line 1: this is not a vote"),
    ] {
        let output = ends_with(2, &mut report(&votes, questions));
        assert!(error_line(&output).contains(said), "{}", err(&output));
        assert!(!run.join("report.html").exists(), "{said}");
    }
    let output = ends_with(2, feedlab(&["report", ".", "--votes", "none.ndjson"]).current_dir(&folder));
    assert!(error_line(&output).contains("cannot read none.ndjson; give an existing"), "{}", err(&output));
    ends_with(0, &mut report(VOTE, QUESTION));
    let page = std::fs::read_to_string(run.join("report.html")).expect("a page");
    assert!(page.contains("What the class expected") && run.join("charts/class-bytes.svg").is_file());
}
