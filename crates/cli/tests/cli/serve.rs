//! `feedlab serve`, with `feedlab watch` as the client of every endpoint.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};

use feedlab_testkit::{Feedlab, http};

use super::{ends_with, err, error_line, feedlab, listening, out};

/// Starts a server whose feed is standard input.
fn server(token: Option<&str>) -> Feedlab {
    let arguments = ["serve", "--feed", "stdin"];
    let mut command = Feedlab::command(assert_cmd::cargo::cargo_bin!("feedlab"), &arguments);
    command.envs(token.map(|token| ("FEEDLAB_TOKEN", token)));
    Feedlab::start(command)
}

#[test]
fn every_endpoint_has_the_same_updates_and_a_signal_stops_the_server_gracefully() {
    let mut server = server(None);
    server.write_line("one");
    server.write_line("two");
    let address = server.address().to_string();
    for transport in ["short-polling", "long-polling", "sse", "websocket"] {
        let arguments =
            ["watch", &address, "--transport", transport, "--after", "0", "--count", "2", "--format", "json"];
        let lines = out(&ends_with(0, &mut feedlab(&arguments)));
        let seen: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let updates: Vec<_> = seen.iter().map(|update| (update["seq"].as_u64(), update["data"].as_str())).collect();
        assert_eq!(updates, [(Some(1), Some("one")), (Some(2), Some("two"))], "{transport}");
    }
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_token_is_required_and_read_from_the_environment() {
    let mut server = server(Some("secret"));
    server.write_line("one");
    let address = server.address().to_string();
    for transport in ["short-polling", "long-polling", "sse", "websocket"] {
        let arguments = ["watch", &address, "--transport", transport, "--after", "0", "--count", "1"];
        let refused = error_line(&ends_with(1, &mut feedlab(&arguments)));
        assert!(refused.contains("401") && refused.contains("FEEDLAB_TOKEN"), "{transport}: {refused}");
        let seen = out(&ends_with(0, feedlab(&arguments).env("FEEDLAB_TOKEN", "secret")));
        assert!(seen.ends_with("one\n"), "{transport}: {seen}");
    }
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_port_in_use_is_reported_with_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let output = ends_with(1, &mut feedlab(&["serve", "--listen", &address.to_string()]));
    let line = error_line(&output);
    assert!(line.contains(&format!("port {} is in use", address.port())), "{line}");
    assert!(line.contains("--listen 127.0.0.1:0"), "{line}");
}

#[test]
fn json_has_the_addresses_and_the_certificate() {
    let server = listening(&["serve", "--control", "127.0.0.1:0", "--tls", "self-signed", "--exit-with-stdin"]);
    let certificate = server.ready()["certificate"].as_str().expect("a certificate");
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    let stats = http::get(server.control(), "/stats");
    assert!(stats.status == 200 && stats.json()["instance"].is_u64(), "plain HTTP: {stats:?}");
    assert_eq!(server.close(), Some(0));
}

#[test]
fn contradictory_flags_are_rejected_with_the_remedy() {
    for (flags, needle) in [
        (&["--slow-limit", "5"][..], "--slow-limit requires --slow-policy disconnect"),
        (&["--tls-cert", "absent.pem", "--tls-key", "absent.pem"], "cannot read the file of --tls-cert, absent.pem"),
        (&["--queue", "0"], "at least 1"),
        (&["--coalesce", "0s"], "longer than zero"),
        (&["--feed", "stdin", "--began-at", "1"], "--began-at"),
    ] {
        let line = error_line(&ends_with(2, feedlab(&["serve", "--listen", "127.0.0.1:0"]).args(flags)));
        assert!(line.contains(needle), "{flags:?}: {line}");
    }
}

#[test]
fn a_server_with_exit_with_stdin_exits_when_standard_input_ends() {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--exit-with-stdin"];
    ends_with(0, feedlab(&arguments).write_stdin(""));
}

#[test]
fn a_server_with_settings_from_stdin_rejects_flags_and_invalid_settings() {
    for (flag, line, needle) in [
        (None, "{\"history\": 5}\n", "the line of settings on standard input is invalid"),
        (Some("--history=5"), "", "cannot be used with"),
        (Some("--rate=5"), "", "cannot be used with"),
    ] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--settings-from-stdin"];
        let output = ends_with(2, feedlab(&arguments).args(flag).write_stdin(line));
        assert!(error_line(&output).contains(needle), "{flag:?}: {}", err(&output));
    }
}

/// The HTTP/2 library logs a warning for each: 100 bytes on standard error for 17 on the wire.
#[test]
fn r2_unsolicited_ping_acknowledgements_log_only_a_few_lines() {
    const PINGS: usize = 20_000;
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let mut command = Feedlab::command(assert_cmd::cargo::cargo_bin!("feedlab"), &["serve"]);
    command.stderr(std::fs::File::create(&log).expect("a file"));
    let server = Feedlab::start(command);
    let mut peer = TcpStream::connect(server.address()).expect("it listens");
    // RFC 9113: the preface (section 3.4), SETTINGS (6.5), and PING with ACK (6.7).
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    let ping = [&[0, 0, 8, 6, 1, 0, 0, 0, 0][..], b"unasked!"].concat();
    peer.write_all(&[preface, ping.repeat(PINGS)].concat()).expect("it reads");
    peer.shutdown(Shutdown::Write).expect("it is open");
    // When the server reaches the end of the stream, it has read all of them.
    let _ = peer.read_to_end(&mut Vec::new());
    assert_eq!(http::get(server.address(), "/stats").status, 200);
    let warnings = std::fs::read_to_string(&log).expect("the log");
    let warnings = warnings.lines().filter(|line| line.contains("PING ack")).count();
    assert!((1..=10).contains(&warnings), "{warnings} lines for {PINGS} pings");
}
