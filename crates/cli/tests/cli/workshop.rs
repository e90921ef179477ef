//! `feedlab workshop`: the server, the files that it keeps, and what it says when something is wrong.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{ends_with, error_line, feedlab};

/// A workshop in a folder of its own, which ends with its standard input.
struct Workshop {
    child: Child,
    address: String,
}

impl Workshop {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("feedlab"))
            .args(["workshop", "--listen", "127.0.0.1:0", "--format", "json", "--exit-with-stdin"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let told: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
        let address = told["listening"].as_str().expect("an address").to_owned();
        Self { child, address }
    }

    fn ask(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let (address, len) = (&self.address, body.len());
        let head = format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {len}\r\n");
        write!(stream, "{head}Content-Type: application/json\r\n\r\n{body}").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    fn stop(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn chapters_class_live_page_and_doors_are_on_one_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let workshop = Workshop::start(folder.path());
    for (path, needle) in [
        ("/workshop", "feedlab</b> workshop"),
        ("/workshop/class", "The class"),
        ("/workshop/source/crates/server/src/transport/sse.rs", "id=\"L1\""),
        ("/", "<html"),
        ("/feed/poll?after=0", "\"updates\""),
        ("/lab", "\"available\""),
    ] {
        let answer = workshop.ask(&format!("GET {path}"), "");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(needle), "{path}: {answer}");
    }
    assert!(workshop.ask("GET /workshop/absent", "").starts_with("HTTP/1.1 404"));
    assert!(workshop.ask("GET /nowhere", "").starts_with("HTTP/1.1 404"));
    assert_eq!(workshop.stop(), Some(0));
    assert!(folder.path().join("feedlab-class.ndjson").exists(), "the votes' file is begun");
}

#[test]
fn a_broken_votes_file_is_named_with_its_line_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("class.ndjson");
    std::fs::write(&file, "\n{\"question\":1}\n").expect("it is written");
    let arguments = ["workshop", "--listen", "127.0.0.1:0", "--class", "class.ndjson"];
    let line = error_line(&ends_with(2, feedlab(&arguments).current_dir(folder.path())));
    assert!(line.contains("class.ndjson, line 2: ") && line.contains("\"round\":\"before\""), "{line}");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "\n{\"question\":1}\n");
}

#[test]
fn a_votes_file_that_cannot_be_begun_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["workshop", "--listen", "127.0.0.1:0", "--class", "absent/class.ndjson"];
    let line = error_line(&ends_with(2, feedlab(&arguments).current_dir(folder.path())));
    assert!(line.contains("absent/class.ndjson") && line.contains("--class"), "{line}");
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let output = ends_with(1, feedlab(&["workshop", "--listen", &address]).current_dir(folder.path()));
    let line = error_line(&output);
    assert!(line.contains("is in use") && line.contains("--listen 127.0.0.1:0"), "{line}");
    assert!(!folder.path().join("feedlab-class.ndjson").exists(), "nothing is begun where nothing can be served");
}

#[test]
fn serving_and_the_exercises_are_not_mixed() {
    ends_with(2, &mut feedlab(&["workshop", "--class", "x.ndjson", "next"]));
}
