//! `feedlab workshop`: the server, its files, and its error messages.

use std::net::TcpListener;
use std::path::Path;

use feedlab_testkit::{Feedlab, http};

use super::{ends_with, error_line, feedlab};

/// Starts a workshop in a folder. It exits when its standard input ends.
fn workshop(folder: &Path) -> Feedlab {
    let mut command = Feedlab::command(assert_cmd::cargo::cargo_bin!("feedlab"), &["workshop", "--exit-with-stdin"]);
    command.current_dir(folder);
    Feedlab::start(command)
}

#[test]
fn chapters_class_live_page_and_endpoints_are_at_one_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let workshop = workshop(folder.path());
    for (path, needle) in [
        ("/workshop", "feedlab</b> workshop"),
        ("/workshop/class", "The class"),
        ("/workshop/source/crates/server/src/transport/sse.rs", "id=\"L1\""),
        ("/", "<html"),
        ("/feed/poll?after=0", "\"updates\""),
        ("/lab", "\"available\""),
    ] {
        let answer = http::get(workshop.address(), path);
        assert!(answer.status == 200 && answer.body.contains(needle), "{path}: {answer:?}");
    }
    for path in ["/workshop/absent", "/nowhere"] {
        assert_eq!(http::get(workshop.address(), path).status, 404, "{path}");
    }
    assert_eq!(workshop.close(), Some(0));
    assert!(folder.path().join("feedlab-class.ndjson").exists(), "the file of votes is created");
}

#[test]
fn a_broken_file_of_votes_is_reported_with_its_line_and_does_not_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("class.ndjson");
    std::fs::write(&file, "\n{\"question\":1}\n").expect("it is written");
    let arguments = ["workshop", "--listen", "127.0.0.1:0", "--class", "class.ndjson"];
    let line = error_line(&ends_with(2, feedlab(&arguments).current_dir(folder.path())));
    assert!(line.contains("class.ndjson, line 2: ") && line.contains("\"round\":\"before\""), "{line}");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "\n{\"question\":1}\n");
}

#[test]
fn a_file_of_votes_that_cannot_be_created_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["workshop", "--listen", "127.0.0.1:0", "--class", "absent/class.ndjson"];
    let line = error_line(&ends_with(2, feedlab(&arguments).current_dir(folder.path())));
    assert!(line.contains("absent/class.ndjson") && line.contains("--class"), "{line}");
}

#[test]
fn a_port_in_use_is_reported_with_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let output = ends_with(1, feedlab(&["workshop", "--listen", &address]).current_dir(folder.path()));
    let line = error_line(&output);
    assert!(line.contains("is in use") && line.contains("--listen 127.0.0.1:0"), "{line}");
    assert!(
        !folder.path().join("feedlab-class.ndjson").exists(),
        "no file of votes is created if the server cannot start"
    );
}

#[test]
fn serving_and_the_exercises_are_not_mixed() {
    ends_with(2, &mut feedlab(&["workshop", "--class", "x.ndjson", "next"]));
}
