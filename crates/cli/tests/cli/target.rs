//! Somebody else's server, measured: `feedlab run` with targets. The server is one in Python that knows nothing of
//! feedlab, or feedlab's own as a stranger.

#![cfg(target_os = "linux")]

use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::processes::{Run, alone, marked, until};
use super::scenario::{TINY, file};
use super::{Command, ends_with, err, error_line, feedlab, listening, out};

const SERVER: &str = include_str!("target/server.py");

/// The target of the tests, where nothing is wrong.
const MINE: &str = r#"
[target.mine]
command = "exec python3 server.py"
ready = "/health"
publish = { path = "/pub" }
sse = "/sse"
short-polling = { path = "/poll", cursor = { query = "after", pointer = "/next" } }
"#;

const SSE: &str = "\n[[contender]]\ntarget = \"mine\"\ntransport = \"sse\"\n";
const POLLING: &str = "\n[[contender]]\ntarget = \"mine\"\ntransport = \"short-polling\"\ninterval = \"200ms\"\n";

/// Writes a scenario with these tables instead of the contenders, and the server beside it.
fn folder(tables: &str) -> TempDir {
    let (head, _) = TINY.split_once("[[contender]]").expect("contenders");
    let (folder, _) = file(&format!("{head}{tables}\n[[threshold]]\nmetric = \"updates_missed\"\nexpect = \"== 0\"\n"));
    std::fs::write(folder.path().join("server.py"), SERVER).expect("a server");
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = feedlab(&[&["run", "scenario.toml"], arguments].concat());
    command.current_dir(folder);
    command
}

/// Returns the metrics of each contender of a run, in JSON.
fn metrics(output: &std::process::Output) -> Vec<Value> {
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    summary["contenders"].as_array().expect("contenders").iter().map(|entry| entry["metrics"].clone()).collect()
}

#[track_caller]
fn nothing_is_left(folder: &Path) {
    let left = std::fs::read_dir(folder.join("results")).map(|entries| entries.flatten().count());
    assert_eq!(left.unwrap_or_default(), 0, "nothing was measured, so there is no folder of results");
}

#[test]
fn a_server_in_python_is_measured_with_its_processor_time_and_memory() {
    let _alone = alone();
    let folder = folder(&format!("{MINE}{SSE}{POLLING}"));
    let output = ends_with(0, &mut run(&folder, &["--format", "json"]));
    let said = err(&output);
    assert!(said.contains("trying mine: SSE …\ntrying mine: short polling …\n"), "{said}");
    for metrics in metrics(&output) {
        let value = |name: &str| metrics[name]["value"].as_f64().unwrap_or_else(|| panic!("{name}: {metrics}"));
        assert!(
            value("updates_received") == value("updates_expected") && value("updates_received") > 50.0,
            "{metrics}"
        );
        assert!(value("server_cpu_us_per_update") > 0.0 && value("socket_bytes_per_update") > 256.0, "{metrics}");
        assert!(value("server_rss_bytes_per_connection") > 1000.0, "{metrics}");
        assert!(metrics["header_bytes_per_update"].is_null(), "only the server would know: {metrics}");
    }
}

#[test]
fn a_wrong_recipe_ends_before_anything_is_measured_and_shows_what_came() {
    let _alone = alone();
    let own = "publish = { path = \"/pub\", body = '{\"id\": $SEQ, \"ts\": $AT}' }";
    for (part, wrong, needles) in [
        ("sse = \"/sse\"", "sse = \"/events\"", &["over SSE", "404"][..]),
        ("path = \"/pub\"", "path = \"/publish\"", &["POST http://127.0.0.1:", "/publish", "404", "no such channel"]),
        ("publish = { path = \"/pub\" }", &format!("{own}\nstamp = {{ seq = \"/no\", at = \"/ts\" }}"), &["/no", "id"]),
        (
            "publish = { path = \"/pub\" }",
            "publish = { path = \"/pub\", body = \"hello $SEQ $AT\" }\nstamp = { pattern = \"seq=(?<seq>\\\\d+) at=(?<at>\\\\d+)\" }",
            &["seq=", "hello"],
        ),
    ] {
        assert!(MINE.contains(part), "{part}");
        let folder = folder(&format!("{}{SSE}", MINE.replace(part, wrong)));
        let output = ends_with(1, &mut run(&folder, &[]));
        let line = error_line(&output);
        for needle in needles {
            assert!(line.contains(needle), "`{needle}` is not in: {line}");
        }
        assert!(line.starts_with("error: target mine cannot be measured over SSE: "), "{line}");
        nothing_is_left(folder.path());
    }
}

#[test]
fn a_server_that_does_not_start_is_reported_with_its_last_words() {
    let _alone = alone();
    for (command, needles) in [
        ("echo no such module >&2; exit 3", &["its command ended (exit status: 3)", "no such module"][..]),
        ("feedlab-no-such-program", &["its command ended (exit status: 127)", "not found"]),
    ] {
        let folder = folder(&format!("{}{SSE}", MINE.replace("exec python3 server.py", command)));
        let line = error_line(&ends_with(1, &mut run(&folder, &[])));
        for needle in needles {
            assert!(line.contains(needle), "`{needle}` is not in: {line}");
        }
        nothing_is_left(folder.path());
    }
}

/// Its third process, that of the second cell, exits in the middle: the first is that of the trial.
#[test]
fn a_server_that_dies_in_the_middle_leaves_the_finished_cells() {
    let _alone = alone();
    let command = "echo start >> starts; [ $(wc -l < starts) -lt 3 ] || most=10; exec python3 server.py $most";
    let folder = folder(&format!("{}{SSE}", MINE.replace("exec python3 server.py", command)));
    let scenario = folder.path().join("scenario.toml");
    let text = std::fs::read_to_string(&scenario).expect("the scenario");
    std::fs::write(&scenario, text.replace("[measure]", "[measure]\nrepetitions = 2")).expect("two repetitions");
    let output = ends_with(1, &mut run(&folder, &[]));
    let line = error_line(&output);
    assert!(line.contains("the run stopped after 1 of 2 cells"), "{line}");
    assert!(line.contains("its command ended (exit status: 7)") && line.contains("I have had enough"), "{line}");
    assert!(out(&output).contains("report: "), "{}", out(&output));
}

/// Also what has left the group of the command, and has another parent.
#[test]
fn nothing_is_left_of_a_server_whatever_ends_the_run() {
    let _alone = alone();
    let command = "(setsid sleep 600 & setsid sleep 601 &) ; exec python3 server.py";
    for (signals, status) in
        [(&[Signal::INT][..], Some(130)), (&[Signal::INT, Signal::INT], Some(130)), (&[Signal::KILL], None)]
    {
        let folder = folder(&format!("{}{SSE}", MINE.replace("exec python3 server.py", command)));
        let run = Run::start(folder.path());
        let mark = run.mark();
        // The run, the target's process, the server, both that have left, and the load generator.
        until("the cell runs", || run.child("generate").is_some() && run.processes() >= 6);
        signals.iter().for_each(|signal| run.signal(*signal));
        let (ended, said) = run.end();
        assert_eq!(ended, status, "{said}");
        until("everything has ended", || marked(&mark).is_empty());
    }
}

#[test]
fn a_fault_of_our_own_server_is_refused_with_the_reason() {
    let folder = folder(&format!("{MINE}{SSE}\n[[fault]]\nkind = \"kill\"\nat = \"500ms\"\nfor = \"200ms\"\n"));
    let line = error_line(&ends_with(2, &mut run(&folder, &[])));
    assert!(line.contains("scenario.toml:") && line.contains("kill needs feedlab's own server"), "{line}");
}

#[test]
fn a_running_server_with_our_endpoints_is_measured_as_a_stranger() {
    let _alone = alone();
    let server = listening(&["serve", "--feed", "none", "--allow-publish"]);
    let (folder, _file) = file(TINY);
    let url = format!("http://{}", server.address());
    let output = ends_with(0, &mut run(&folder, &["--target", &url, "--format", "json"]));
    let all = metrics(&output);
    assert_eq!(all.len(), 4, "each transport");
    for metrics in all {
        assert_eq!(metrics["updates_missed"]["value"], 0.0, "{metrics}");
        assert!(metrics["server_cpu_us_per_update"].is_null(), "the run has not started it: {metrics}");
    }
}

#[test]
fn a_target_on_the_command_line_replaces_our_server() {
    let _alone = alone();
    let (folder, _file) = file(TINY);
    std::fs::write(folder.path().join("server.py"), SERVER).expect("a server");
    std::fs::write(folder.path().join("mine.toml"), format!("schema = 1\n{MINE}")).expect("a file");
    let output = ends_with(0, &mut run(&folder, &["--target", "mine.toml"]));
    let (said, note) = (out(&output), err(&output));
    assert!(said.contains("SSE, mine") && !said.contains("WebSocket"), "{said}");
    assert!(note.contains("note: tiny: WebSocket is left out: it cannot be measured with mine"), "{note}");
}

#[test]
fn a_target_that_is_not_there_is_refused() {
    let (folder, _file) = file(TINY);
    for (target, status, needle) in [
        ("nginx", 2, "there is no target `nginx`"),
        ("nowhere.toml", 2, "cannot read the target nowhere.toml"),
        ("https://127.0.0.1:9", 2, "https"),
        ("http://192.0.2.1", 2, "another machine"),
        ("http://127.0.0.1:9", 1, "start it first"),
    ] {
        let line = error_line(&ends_with(status, &mut run(&folder, &["--target", target])));
        assert!(line.contains(needle), "{target}: {line}");
    }
    nothing_is_left(folder.path());
}

#[test]
fn agents_and_segments_refuse_targets() {
    let folder = folder(&format!("{MINE}{SSE}"));
    let segment = ["--segment", "1/2", "--start-at", "4000000000", "--listen", "127.0.0.1:7000"];
    for arguments in [&["--nats", "nats://127.0.0.1:9", "--agents", "1"][..], &segment] {
        let line = error_line(&ends_with(2, &mut run(&folder, arguments)));
        assert!(line.contains("the target mine can be measured only by one process"), "{line}");
    }
}

#[test]
fn validate_and_predict_name_targets() {
    let own = "\n[[contender]]\ntransport = \"sse\"\n";
    let both = folder(&format!("{MINE}{SSE}{own}"));
    let ok = out(&ends_with(0, feedlab(&["validate", "scenario.toml"]).current_dir(&both)));
    assert!(ok.ends_with(", with the target mine\n"), "{ok}");
    let output = ends_with(0, feedlab(&["predict", "scenario.toml"]).current_dir(&both));
    assert!(!out(&output).contains("mine") && err(&output).contains("nothing is predicted for SSE, mine"));
    let alone = folder(&format!("{MINE}{SSE}"));
    let line = error_line(&ends_with(2, feedlab(&["predict", "scenario.toml"]).current_dir(&alone)));
    assert!(line.contains("nothing is predicted for a target"), "{line}");
}
