//! `feedlab serve`, and `feedlab watch` on the other end of every door.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{ends_with, err, error_line, feedlab, out};

/// A server with standard input as its feed.
struct Server {
    child: Child,
    stdin: ChildStdin,
    address: String,
}

impl Server {
    fn start(token: Option<&str>) -> Self {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("feedlab"))
            .args(["serve", "--listen", "127.0.0.1:0", "--feed", "stdin", "--format", "json"])
            .envs(token.map(|token| ("FEEDLAB_TOKEN", token)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let listening: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
        let address = listening["listening"].as_str().expect("an address").to_owned();
        let stdin = child.stdin.take().expect("its input");
        Self { child, stdin, address }
    }

    fn publish(&mut self, text: &str) {
        writeln!(self.stdin, "{text}").expect("the server reads");
    }

    fn stop(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it is still there");
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn every_door_shows_the_same_updates_and_a_signal_ends_the_server_well() {
    let mut server = Server::start(None);
    server.publish("one");
    server.publish("two");
    for transport in ["short-polling", "long-polling", "sse", "websocket"] {
        let arguments =
            ["watch", &server.address, "--transport", transport, "--after", "0", "--count", "2", "--format", "json"];
        let lines = out(&ends_with(0, &mut feedlab(&arguments)));
        let seen: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let told: Vec<_> = seen.iter().map(|update| (update["seq"].as_u64(), update["data"].as_str())).collect();
        assert_eq!(told, [(Some(1), Some("one")), (Some(2), Some("two"))], "{transport}");
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_token_is_asked_for_and_taken_from_the_environment() {
    let mut server = Server::start(Some("secret"));
    server.publish("one");
    for transport in ["short-polling", "long-polling", "sse", "websocket"] {
        let arguments = ["watch", &server.address, "--transport", transport, "--after", "0", "--count", "1"];
        let refused = error_line(&ends_with(1, &mut feedlab(&arguments)));
        assert!(refused.contains("401") && refused.contains("FEEDLAB_TOKEN"), "{transport}: {refused}");
        let seen = out(&ends_with(0, feedlab(&arguments).env("FEEDLAB_TOKEN", "secret")));
        assert!(seen.ends_with("one\n"), "{transport}: {seen}");
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let output = ends_with(1, &mut feedlab(&["serve", "--listen", &address.to_string()]));
    let line = error_line(&output);
    assert!(line.contains(&format!("port {} is in use", address.port())), "{line}");
    assert!(line.contains("--listen 127.0.0.1:0"), "{line}");
}

#[test]
fn a_server_tells_programs_its_addresses_and_its_certificate() {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--tls", "self-signed"];
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("feedlab"))
        .args(arguments)
        .args(["--format", "json", "--exit-with-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let listening: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
    assert!(listening["certificate"].as_str().expect("a certificate").starts_with("-----BEGIN CERTIFICATE-----"));
    let control = listening["control"].as_str().expect("an address");
    let mut stream = TcpStream::connect(control).expect("it listens");
    stream.write_all(b"GET /stats HTTP/1.0\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers, plainly");
    assert!(answer.starts_with("HTTP/1.0 200") && answer.contains("\"life\":"), "{answer}");
    drop(child.stdin.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn flags_that_do_not_fit_are_refused_with_the_remedy() {
    for (flags, needle) in [
        (&["--slow-limit", "5"][..], "--slow-limit belongs to --slow-policy disconnect"),
        (&["--tls-cert", "absent.pem", "--tls-key", "absent.pem"], "absent.pem, which --tls-cert names"),
        (&["--queue", "0"], "at least 1"),
        (&["--coalesce", "0s"], "longer than nothing"),
        (&["--feed", "stdin", "--start-at", "1"], "--start-at"),
    ] {
        let line = error_line(&ends_with(2, feedlab(&["serve", "--listen", "127.0.0.1:0"]).args(flags)));
        assert!(line.contains(needle), "{flags:?}: {line}");
    }
}

#[test]
fn a_server_that_was_told_to_ends_with_its_standard_input() {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--exit-with-stdin"];
    ends_with(0, feedlab(&arguments).write_stdin(""));
}

#[test]
fn a_server_that_is_handed_its_settings_takes_no_flags_beside_them_and_nothing_else() {
    for (flag, line, needle) in [
        (None, "{\"history\": 5}\n", "the line of settings on standard input cannot be understood"),
        (Some("--history=5"), "", "cannot be used with"),
        (Some("--rate=5"), "", "cannot be used with"),
    ] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--settings-from-stdin"];
        let output = ends_with(2, feedlab(&arguments).args(flag).write_stdin(line));
        assert!(error_line(&output).contains(needle), "{flag:?}: {}", err(&output));
    }
}
