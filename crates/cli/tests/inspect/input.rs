//! Wrong usage of `feedlab inspect`, servers that are not there, and Ctrl-C: each error is one line, with the remedy.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::application::PLAIN;
use super::feedlab;

/// Nobody listens on port 1.
const NOBODY: &str = "http://127.0.0.1:1/events";

/// Fails unless `feedlab inspect ARGUMENTS…` ends with this status, and says an error with all of this in it.
#[track_caller]
fn check(status: i32, arguments: &[&str], needles: &[&str]) -> String {
    let output = feedlab(&[&["inspect"], arguments].concat()).output().expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}: a report");
    assert_eq!(said.matches("error: ").count(), 1, "{arguments:?}: {said}");
    let missing: Vec<_> = needles.iter().filter(|needle| !said.contains(**needle)).collect();
    assert!(missing.is_empty(), "{arguments:?}: no {missing:?} in {said}");
    said.into_owned()
}

/// The same, for an error of our own, which is a single line.
#[track_caller]
fn check_line(status: i32, arguments: &[&str], needles: &[&str]) {
    let said = check(status, arguments, needles);
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    check_line(1, &[NOBODY], &["nothing listens at 127.0.0.1:1", "start the server"]);
    check_line(1, &["http://nobody.invalid/events"], &["`nobody.invalid` cannot be resolved", "check its spelling"]);
    let server = PLAIN.start();
    let url = format!("http://{}/events", server.address);
    // The stream itself may have answered by then, which is said too.
    check(1, &[&url, "--direct", "127.0.0.1:1"], &["nothing listens at 127.0.0.1:1", "start the server"]);
    let encrypted = url.replace("http:", "https:");
    check_line(1, &[&encrypted, "--insecure"], &["the TLS handshake with 127.0.0.1", "http://"]);
}

#[test]
fn wrong_usage_says_how_it_is_written() {
    check_line(2, &["127.0.0.1:8080/events"], &["has no scheme", "http://127.0.0.1:8080/feed/sse"]);
    check_line(2, &["ftp://127.0.0.1/events"], &["is not http://, https://"]);
    check_line(2, &[NOBODY, "--direct", "ftp://127.0.0.1"], &["--direct", "as in 127.0.0.1:3000"]);
    check_line(2, &[NOBODY, "--direct", "127.0.0.1:99999"], &["--direct", "invalid port number"]);
    check_line(2, &[NOBODY, "--body", "{}"], &["--method POST"]);
    check_line(2, &[NOBODY, "--insecure"], &["require an https://"]);
    check_line(2, &["https://127.0.0.1:1/events", "--via", "nginx-buffering"], &["http://"]);
    check(2, &[NOBODY, "--via", "squid"], &["--via", "[possible values: nginx-buffering, proxy]"]);
    check(2, &[NOBODY, "--via", "proxy", "--direct", "127.0.0.1:1"], &["--direct", "--via", "cannot be used with"]);
    check(2, &[NOBODY, "--for", "0s"], &["--for", "longer than zero"]);
}

#[test]
fn ctrl_c_reports_what_is_known_by_then() {
    let server = PLAIN.start();
    let mut inspecting = Command::new("env")
        // The tests themselves may run under `nohup`.
        .arg("--default-signal")
        .arg(assert_cmd::cargo::cargo_bin!("feedlab"))
        .args(["inspect", &format!("http://{}/events", server.address), "--for", "10m"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut said = String::new();
    BufReader::new(inspecting.stderr.take().expect("it is piped")).read_line(&mut said).expect("it says something");
    assert!(said.contains("200 text/event-stream"), "{said}");
    std::thread::sleep(std::time::Duration::from_secs(1));
    kill_process(Pid::from_child(&inspecting), Signal::INT).expect("it is still there");
    let output = inspecting.wait_with_output().expect("it ends");
    let report = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{report}");
    assert!(report.contains("interrupted; so far: no faults") && report.contains("buffering"), "{report}");
}
