//! `feedlab proxy`: its addresses, how it stops, and what it rejects.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use feedlab_testkit::{PATIENCE, http};

use super::{ends_with, err, error_line, feedlab, listening};

#[test]
fn it_forwards_accepts_commands_and_stops_gracefully() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let to = server.local_addr().expect("its address").to_string();
    let proxy = listening(&["proxy", "--to", &to, "--rtt", "20ms", "--idle-timeout", "1h", "--seed", "7"]);
    assert!(http::get(proxy.control(), "/settings").body.contains("\"rtt_ms\":20.0"));
    let mut client = TcpStream::connect(proxy.address()).expect("it listens");
    client.write_all(b"hello").expect("it reads");
    let (mut peer, _) = server.accept().expect("it forwards");
    let mut text = [0; 5];
    peer.read_exact(&mut text).expect("it forwards");
    assert_eq!(&text, b"hello");
    let hit = http::ask(proxy.control(), "POST", "/fault", "", r#"{"kind": "cut"}"#).body;
    assert_eq!(hit, r#"{"hit":1,"kind":"cut","open":1}"#);
    assert_eq!(client.read(&mut text).expect("a FIN"), 0);
    assert_eq!(proxy.terminate(), Some(0));
}

#[test]
fn a_missing_server_is_not_an_error() {
    let unused = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").to_string();
    let proxy = listening(&["proxy", "--to", &unused]);
    let mut client = TcpStream::connect(proxy.address()).expect("it listens");
    assert!(client.read(&mut [0]).is_err(), "the connection is reset");
    assert_eq!(proxy.terminate(), Some(0));
}

#[test]
fn r6_a_proxy_without_descriptors_says_so_once_and_counts() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let binary = assert_cmd::cargo::cargo_bin!("feedlab").display();
    let line = format!(
        "ulimit -n 40; exec {binary} proxy --listen 127.0.0.1:0 --to {} --format json --exit-with-stdin",
        server.local_addr().expect("its address")
    );
    let mut command = Command::new("sh");
    command.args(["-c", &line]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut proxy = command.spawn().expect("a shell");
    let mut line = String::new();
    let mut stdout = BufReader::new(proxy.stdout.take().expect("a pipe"));
    stdout.read_line(&mut line).expect("its addresses");
    let addresses: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let address =
        |name: &str| -> SocketAddr { addresses[name].as_str().expect("an address").parse().expect("an address") };
    // A connection that was answered already has its descriptor; a later one may never get one.
    let control = TcpStream::connect(address("control")).expect("it listens");
    control.set_read_timeout(Some(PATIENCE)).expect("a time");
    let mut control = BufReader::new(control);
    let mut stats = || {
        control.get_mut().write_all(b"GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it reads");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(control.read_line(&mut head).expect("it answers"), 0, "{head}");
        }
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.expect("a length")];
        control.read_exact(&mut body).expect("it answers");
        serde_json::from_slice::<serde_json::Value>(&body).expect("JSON")
    };
    assert_eq!(stats()["no_descriptor"], 0);
    let clients: Vec<_> = (0..60).map(|_| TcpStream::connect(address("listening"))).collect();
    let pause = Duration::from_millis(20);
    let mut pauses = 0;
    while stats()["no_descriptor"].as_u64() < Some(2) {
        assert!(pauses * pause < PATIENCE, "{}", stats());
        std::thread::sleep(pause);
        pauses += 1;
    }
    drop(clients);
    drop(proxy.stdin.take());
    let output = proxy.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.matches("no descriptor left").count(), 1, "{said}");
}

#[test]
fn a_proxy_with_exit_with_stdin_exits_when_standard_input_ends() {
    let arguments = ["proxy", "--listen", "127.0.0.1:0", "--exit-with-stdin"];
    let output = ends_with(0, feedlab(&arguments).write_stdin(""));
    assert!(err(&output).contains("no delay, limit or fault yet"), "{}", err(&output));
}

#[test]
fn wrong_flags_are_rejected_with_the_remedy() {
    for (arguments, says) in [
        (&["--listen", "0.0.0.0:8090"][..], "only on this machine"),
        (&["--control", "192.0.2.1:80"], "use 127.0.0.1:80"),
        (&["--listen", "8090"], "an IP address and a port"),
        (&["--to", "http://127.0.0.1:8080"], "a host and a port, without"),
        (&["--rtt", "100"], "write a time as 50ms or 2s, at most 1m"),
        (&["--rtt", "2m"], "at most 1m"),
        (&["--bandwidth", "0"], "0 is not in 1..="),
        (&["--idle-timeout", "0s"], "must be longer than zero"),
        (&["--buffer", "2000000"], "is not in 1..=1048576"),
        (&["--reader", "10", "--reader-share", "2"], "must be above 0 and at most 1"),
    ] {
        let output = ends_with(2, feedlab(&["proxy"]).args(arguments));
        assert!(error_line(&output).contains(says), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn a_port_in_use_is_reported_with_its_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    for (flag, other) in [("--listen", "--control"), ("--control", "--listen")] {
        let arguments = ["proxy", other, "127.0.0.1:0", flag, &address.to_string()];
        let line = error_line(&ends_with(1, &mut feedlab(&arguments)));
        assert!(line.contains(&format!("port {} is in use", address.port())), "{line}");
        assert!(line.contains(&format!("let the system choose with {flag} 127.0.0.1:0")), "{line}");
    }
}
