//! `feedlab proxy`: its addresses, its end, and how it says no.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{ends_with, err, error_line, feedlab};

/// A proxy in the background.
struct Proxy {
    child: Child,
    listening: String,
    control: String,
}

impl Proxy {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("feedlab"))
            .args(["proxy", "--listen", "127.0.0.1:0", "--format", "json"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
        let address = |name: &str| ready[name].as_str().expect("an address").to_owned();
        Self { child, listening: address("listening"), control: address("control") }
    }

    /// The body of the answer to an order.
    fn order(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.control).expect("it takes orders");
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
            self.control
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
    }

    fn stop(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it is still there");
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn it_leads_on_takes_orders_and_ends_well() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let to = server.local_addr().expect("its address").to_string();
    let proxy = Proxy::start(&["--to", &to, "--rtt", "20ms", "--idle-timeout", "1h", "--seed", "7"]);
    assert!(proxy.order("GET /settings", "").contains("\"rtt_ms\":20.0"));
    let mut client = TcpStream::connect(&proxy.listening).expect("it listens");
    client.write_all(b"hello").expect("it reads");
    let (mut peer, _) = server.accept().expect("it leads on");
    let mut text = [0; 5];
    peer.read_exact(&mut text).expect("it passes on");
    assert_eq!(&text, b"hello");
    let hit = proxy.order("POST /fault", r#"{"kind": "cut"}"#);
    assert_eq!(hit, r#"{"hit":1,"kind":"cut","open":1}"#);
    assert_eq!(client.read(&mut text).expect("a FIN"), 0);
    assert_eq!(proxy.stop(), Some(0));
}

#[test]
fn a_server_that_is_not_there_is_no_reason_to_fail() {
    let unused = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").to_string();
    let proxy = Proxy::start(&["--to", &unused]);
    let mut client = TcpStream::connect(&proxy.listening).expect("it listens");
    assert!(client.read(&mut [0]).is_err(), "the connection is reset");
    assert_eq!(proxy.stop(), Some(0));
}

#[test]
fn a_proxy_that_was_told_to_ends_with_its_standard_input() {
    let arguments = ["proxy", "--listen", "127.0.0.1:0", "--exit-with-stdin"];
    let output = ends_with(0, feedlab(&arguments).write_stdin(""));
    assert!(err(&output).contains("nothing is added yet"), "{}", err(&output));
}

#[test]
fn what_cannot_be_is_refused_with_the_way_out() {
    for (arguments, says) in [
        (&["--listen", "0.0.0.0:8090"][..], "this machine alone"),
        (&["--control", "192.0.2.1:80"], "use 127.0.0.1:80"),
        (&["--listen", "8090"], "an IP and a port"),
        (&["--to", "http://127.0.0.1:8080"], "a host and a port and nothing more"),
        (&["--rtt", "100"], "write a time as 50ms or 2s, at most 1m"),
        (&["--rtt", "2m"], "at most 1m"),
        (&["--bandwidth", "0"], "0 is not in 1..="),
        (&["--idle-timeout", "0s"], "must be longer than nothing"),
        (&["--buffer", "2000000"], "is not in 1..=1048576"),
        (&["--reader", "10", "--reader-share", "2"], "must be above 0 and at most 1"),
    ] {
        let output = ends_with(2, feedlab(&["proxy"]).args(arguments));
        assert!(error_line(&output).contains(says), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn a_port_in_use_is_named_with_the_flag_that_chose_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    for (flag, other) in [("--listen", "--control"), ("--control", "--listen")] {
        let arguments = ["proxy", other, "127.0.0.1:0", flag, &address.to_string()];
        let line = error_line(&ends_with(1, &mut feedlab(&arguments)));
        assert!(line.contains(&format!("port {} is in use", address.port())), "{line}");
        assert!(line.contains(&format!("let the system choose with {flag} 127.0.0.1:0")), "{line}");
    }
}
