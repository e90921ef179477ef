//! The reader finds what the bare loop writes, all of it: a ruler that loses updates would make every server look bad.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

fn start(binary: &str, arguments: &[&str]) -> Child {
    Command::new(binary).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn lines(child: &mut Child) -> impl Iterator<Item = Value> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

/// Runs a reader against the bare loop, with a line for each that it waits for, and returns its report.
fn read_from_bare(arguments: &[&str]) -> Value {
    let mut bare = start(env!("CARGO_BIN_EXE_bare"), &[]);
    let listening = lines(&mut bare).next().unwrap();
    let addr = listening["listening"].as_str().unwrap();
    let mut reader = start(env!("CARGO_BIN_EXE_reader"), &[arguments, &["--addr", addr, "--path", "/sse"]].concat());
    let mut said = lines(&mut reader);
    assert_eq!(said.next().unwrap()["ready"], 20);
    writeln!(reader.stdin.as_ref().unwrap()).unwrap();
    let report = said.next();
    bare.kill().unwrap();
    bare.wait().unwrap();
    assert!(reader.wait().unwrap().success());
    report.unwrap()
}

#[test]
fn every_update_reaches_every_subscriber() {
    let flags = ["streams", "--kind", "sse", "--clients", "20", "--rate", "100", "--seconds", "0.3", "--sources", "3"];
    let report = read_from_bare(&flags);
    assert_eq!((&report["published"], &report["received"]), (&30.into(), &600.into()), "{report}");
    let latencies = report["latencies"].as_array().unwrap();
    let counted: u64 = latencies.iter().map(|bucket| bucket[1].as_u64().unwrap()).sum();
    assert_eq!(counted, 600, "each update has a latency");
}

#[test]
fn an_answer_that_is_not_a_stream_is_an_error() {
    let mut bare = start(env!("CARGO_BIN_EXE_bare"), &[]);
    let listening = lines(&mut bare).next().unwrap();
    let addr = listening["listening"].as_str().unwrap();
    // The bare loop answers 200, and a WebSocket begins with 101.
    let arguments = ["streams", "--kind", "websocket", "--clients", "1", "--addr", addr, "--path", "/"];
    let reader = Command::new(env!("CARGO_BIN_EXE_reader")).args(arguments).output().unwrap();
    bare.kill().unwrap();
    bare.wait().unwrap();
    let said = String::from_utf8_lossy(&reader.stderr).into_owned();
    assert!(!reader.status.success() && said.contains("the server answered `HTTP/1.1 200 OK`, and not 101"), "{said}");
}
