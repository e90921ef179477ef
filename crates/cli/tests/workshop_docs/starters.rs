//! The starter servers run as they are, publish, and say at each endpoint what to write.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use feedlab_testkit::http;

use crate::folder;

/// What each endpoint says.
const ENDPOINTS: [(&str, &str); 4] = [
    ("/feed/poll", "Your turn, stage 1"),
    ("/feed/long-poll", "Your turn, stage 3"),
    ("/feed/sse", "Your turn, stage 4"),
    ("/feed/ws", "Your turn, stage 6"),
];

#[test]
fn the_starter_in_node_runs() {
    if is_installed("node", "--version", "nodejs") {
        check("node", Command::new("node").arg(folder().join("starters/node/server.mjs")));
    }
}

#[test]
fn the_starter_in_python_runs() {
    if is_installed("python3", "--version", "python3") {
        check("python", Command::new("python3").arg(folder().join("starters/python/server.py")));
    }
}

#[test]
fn the_starter_in_go_runs() {
    if !is_installed("go", "version", "golang-go") {
        return;
    }
    // `go run` would leave the server behind when it is killed.
    let place = tempfile::tempdir().unwrap();
    let binary = place.path().join("server");
    build(&binary);
    check("go", &mut Command::new(binary));
}

fn build(binary: &Path) {
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(binary).arg(".").current_dir(folder().join("starters/go"));
    let output = go.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Returns whether a program is installed. In CI, a test fails without it; elsewhere, the test is skipped visibly.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn is_installed(program: &str, version: &str, package: &str) -> bool {
    let found = Command::new(program).arg(version).output().is_ok();
    let remedy = format!("this test needs {program}: apt-get install -y {package}");
    assert!(found || std::env::var_os("CI").is_none(), "{remedy}");
    if !found {
        eprintln!("SKIPPED: {remedy}");
    }
    found
}

fn check(name: &str, command: &mut Command) {
    let server = Server::start(command);
    for (endpoint, said) in ENDPOINTS {
        let answer = http::get(server.address, endpoint);
        assert_eq!(answer.status, 501, "{name} {endpoint}");
        assert!(answer.body.starts_with(said), "{name} {endpoint}: {}", answer.body);
    }
    let text = "Content-Type: text/plain\r\n";
    for seq in 1..=2 {
        let answer = http::ask(server.address, "POST", "/feed", text, "hello");
        assert_eq!((answer.status, answer.json()["seq"].as_u64()), (202, Some(seq)), "{name}: {}", answer.body);
    }
    let json = "Content-Type: application/json\r\n";
    for (body, status) in [(r#"{"type":"tick","data":"x"}"#, 202), (r#"{"type":"gap","data":"x"}"#, 400), ("[]", 400)] {
        let answer = http::ask(server.address, "POST", "/feed", json, body);
        assert_eq!(answer.status, status, "{name}: {body}");
    }
    assert_eq!(http::get(server.address, "/absent").status, 404, "{name}");
}

/// A starter on a free port.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.arg("0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().unwrap().parse();
        let address = address.unwrap_or_else(|_| panic!("it says where it listens: {line}"));
        Self { child, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
