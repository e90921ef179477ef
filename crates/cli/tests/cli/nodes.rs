//! Several servers behind one nginx, with their feed on a nats-server: servers are killed, restarted, added and removed
//! during a run, and clients lose nothing. Everything is real; the measurements are not judged, because a busy machine
//! may be too slow for that.

use std::process::Command;

use serde_json::Value;

use super::processes::alone;
use super::scenario::file;
use super::{err, error_line, feedlab, nginx, out};

const HEAD: &str = r#"
    schema = 1
    name = "nodes"

    [feed]
    source = "synthetic"
    updates_per_s = 25
    payload_bytes = 64
    broker = "nats"

    [clients]
    count = 24
    ramp = "200ms"

    [measure]
    settle = "200ms"
    warm_up = "500ms"
    drain = "5s"
"#;

const CONTENDERS: &str = r#"
    [[contender]]
    transport = "short-polling"
    interval = "200ms"
    via = "nginx"

    [[contender]]
    transport = "long-polling"
    via = "nginx"

    [[contender]]
    transport = "sse"
    reconnect_after = "100ms"
    via = "nginx"

    [[contender]]
    transport = "websocket"
    via = "nginx"
"#;

/// Returns whether both are installed. In CI, a test fails without them; elsewhere, the test is skipped visibly.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn are_installed() -> bool {
    let has_broker = Command::new("nats-server").arg("--version").output().is_ok();
    let remedy = "this test needs nats-server: apt-get install -y nats-server";
    assert!(has_broker || std::env::var_os("CI").is_none(), "{remedy}");
    if !has_broker {
        eprintln!("SKIPPED: {remedy}");
    }
    has_broker && nginx::is_installed()
}

/// Runs a scenario and returns its cells. No client may have lost anything.
fn cells(rest: &str) -> Vec<Value> {
    let _alone = alone();
    let (folder, _file) = file(&format!("{HEAD}{rest}{CONTENDERS}"));
    let output =
        feedlab(&["run", "scenario.toml", "--out", "results"]).current_dir(&folder).output().expect("it starts");
    let runs: Vec<_> = std::fs::read_dir(folder.path().join("results")).expect("results").flatten().collect();
    let text = std::fs::read_to_string(runs[0].path().join("cells.ndjson")).expect("cells");
    let cells: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(cells.len(), 4, "{}\n{}", out(&output), err(&output));
    for cell in &cells {
        let metric = |name: &str| cell["metrics"][name].as_f64().unwrap_or(f64::NAN);
        for lost in
            ["updates_missed", "updates_duplicated", "updates_reordered", "updates_told_lost", "clients_gave_up"]
        {
            assert_eq!(metric(lost), 0.0, "{lost}: {cell}");
        }
        assert!(metric("updates_expected") > 0.0, "{cell}");
    }
    cells
}

/// Returns a server's clients, or its requests per second, at the last check, if it was running.
fn at_the_end(cell: &Value, server: usize) -> Option<u64> {
    let node = &cell["nodes"].as_array().and_then(|checks| checks.last()).expect("several servers")["loads"][server];
    node[if is_stream(cell) { "clients" } else { "requests_per_s" }].as_u64()
}

fn is_stream(cell: &Value) -> bool {
    cell["transport"] == "sse" || cell["transport"] == "websocket"
}

#[test]
fn nothing_is_lost_when_servers_are_killed_or_restarted_one_after_the_other() {
    if !are_installed() {
        return;
    }
    let cells = cells(
        r#"
        duration = "6s"
        [nginx]
        upstreams = 3
        [[fault]]
        kind = "kill"
        at = "500ms"
        for = "500ms"
        [[fault]]
        kind = "restart"
        node = [1, 2, 3]
        at = "2s"
        every = "1200ms"
        for = "500ms"
        "#,
    );
    for cell in cells.iter().filter(|cell| is_stream(cell)) {
        let reconnects = cell["metrics"]["reconnects"].as_f64().expect("counted");
        assert!(reconnects >= 24.0, "every client has lost its server: {cell}");
    }
}

#[test]
fn streams_do_not_move_to_an_added_server_but_polls_do() {
    if !are_installed() {
        return;
    }
    let cells = cells(
        r#"
        duration = "3s"
        [nginx]
        upstreams = 2
        balance = "least-connections"
        shutdown_timeout = "60s"
        [[fault]]
        kind = "add"
        at = "500ms"
        "#,
    );
    for cell in &cells {
        let added = at_the_end(cell, 2).expect("it is running");
        assert_eq!(added == 0, is_stream(cell), "{cell}");
    }
}

#[test]
fn clients_of_drained_or_removed_servers_move_to_the_others() {
    if !are_installed() {
        return;
    }
    let cells = cells(
        r#"
        duration = "4s"
        [nginx]
        upstreams = 3
        balance = "hash"
        shutdown_timeout = "60s"
        [[fault]]
        kind = "remove"
        at = "500ms"
        [[fault]]
        kind = "drain"
        node = 2
        at = "1500ms"
        for = "500ms"
        "#,
    );
    for cell in &cells {
        assert_eq!(at_the_end(cell, 0), None, "{cell}");
        let left = at_the_end(cell, 1).zip(at_the_end(cell, 2)).expect("both are there");
        assert!(left.0 + left.1 > 0, "{cell}");
    }
}

/// nginx overwrites its environment, so the test finds it through the process that started it.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_leaves_neither_broker_nor_nginx() {
    use super::processes::{Run, marked, until};

    if !are_installed() {
        return;
    }
    let _alone = alone();
    let (folder, _file) = file(&format!("{HEAD}duration = \"20s\"{CONTENDERS}"));
    let run = Run::start(folder.path());
    until("the load generator, the last process to start", || run.child("generate").is_some());
    let starter = run.child("nginx").expect("who started nginx").as_raw_nonzero();
    let children = std::fs::read_to_string(format!("/proc/{starter}/task/{starter}/children")).expect("Linux");
    let nginx: Vec<String> = children.split_whitespace().map(|id| format!("/proc/{id}/cmdline")).collect();
    assert_eq!((nginx.len(), run.child("broker").is_some(), run.child("publish").is_some()), (1, true, true));
    let mark = run.mark();
    run.signal(rustix::process::Signal::KILL);
    assert_eq!(run.end().0, None);
    until("its children have ended", || marked(&mark).is_empty());
    // A process that has exited but is not reaped yet has no command line.
    until("nginx has ended", || std::fs::read(&nginx[0]).unwrap_or_default().is_empty());
}

#[test]
fn faults_that_are_impossible_behind_one_address_are_rejected() {
    let direct = CONTENDERS.replacen("via = \"nginx\"", "", 1);
    for (rest, contenders, needle) in [
        ("[[fault]]\nkind = \"add\"\nat = \"1s\"", &*direct, "not every contender connects through nginx"),
        (
            "[nginx]\nupstreams = 2\n[[fault]]\nkind = \"kill\"\nat = \"1s\"\nnode = [1, 2]",
            CONTENDERS,
            "the interval is missing; add `every`",
        ),
        ("[[fault]]\nkind = \"remove\"\nat = \"1s\"", CONTENDERS, "this would leave no server"),
    ] {
        let (folder, _file) = file(&format!("{HEAD}{rest}{contenders}"));
        let output = feedlab(&["run", "scenario.toml"]).current_dir(&folder).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2));
        assert!(error_line(&output).contains(needle), "{}", err(&output));
    }
}
