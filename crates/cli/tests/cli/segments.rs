//! A run that several processes measure without communicating, and how `feedlab merge` merges their results.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::path::{Path, PathBuf};

use feedlab_feed::clock;
use serde_json::Value;

use super::processes::alone;
use super::scenario::{TINY, file, one_contender};
use super::{ends_with, err, error_line, feedlab, out};

/// Returns a time that is `seconds` ahead.
fn ahead(seconds: u64) -> String {
    (clock::unix_us() / 1_000_000 + seconds).to_string()
}

/// Returns a free port, outside the range of ephemeral ports and that of the brokers.
fn free() -> String {
    let start = 13_000 + u16::try_from(std::process::id() % 5_000).unwrap();
    let mut free = (start..20_000).filter_map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).ok());
    free.next().unwrap().local_addr().unwrap().to_string()
}

fn folder(said: &str, out: &Path) -> PathBuf {
    let line = said.lines().find_map(|line| line.strip_prefix("segment ")).expect("the folder");
    out.join(line.split_once(": ").unwrap().1)
}

/// Copies a segment, with one word in its `segment.json` changed.
fn changed(segment: &Path, copy: &str, word: &str, other: &str) -> PathBuf {
    let copy = segment.with_file_name(copy);
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(segment).unwrap().flatten() {
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let about = copy.join("segment.json");
    let text = std::fs::read_to_string(&about).unwrap();
    assert!(text.contains(word), "{text}");
    std::fs::write(&about, text.replace(word, other)).unwrap();
    copy
}

fn merge(out: &Path, folders: &[&Path], status: i32) -> std::process::Output {
    let folders = folders.iter().map(|folder| folder.to_str().unwrap());
    let arguments: Vec<_> = ["merge", "--out", "merged"].into_iter().chain(folders).collect();
    ends_with(status, feedlab(&arguments).current_dir(out))
}

#[test]
fn segments_started_by_hand_merge_into_one_complete_run() {
    let _alone = alone();
    let (home, _file) = file(&one_contender(TINY));
    let (start, server) = (ahead(12), free());
    let segment = |index: &str, flag: &str| {
        let arguments = ["run", "scenario.toml", "--segment", index, "--start-at", &start, flag, &server];
        let mut command = feedlab(&arguments);
        command.current_dir(&home);
        command
    };
    let (mut first, mut second) = (segment("1/2", "--listen"), segment("2/2", "--server"));
    let first = std::thread::spawn(move || out(&ends_with(0, &mut first)));
    let second = folder(&out(&ends_with(0, &mut second)), home.path());
    let first = folder(&first.join().unwrap(), home.path());

    let said = out(&merge(home.path(), &[&second, &first], 0));
    let page = said.lines().find_map(|line| line.strip_prefix("report: ")).expect("the path of the report");
    let summary = std::fs::read_to_string(home.path().join(page).with_file_name("summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let metric = |name: &str| summary["contenders"][0]["metrics"][name]["value"].as_f64().unwrap();
    assert_eq!((metric("updates_missed"), metric("updates_duplicated")), (0.0, 0.0));
    assert_eq!(metric("updates_received"), 5.0 * metric("updates_published"), "all five clients");

    let other = |copy: &str, word: &str, other: &str| changed(&second, copy, word, other);
    for (other, needle) in [
        (other("a", "\"tiny\"", "\"other\""), "are segments of different scenarios"),
        (other("b", &format!("{start}000000"), "1795910000000000"), "started at different times"),
        (other("c", "rustc 1", "rustc 0"), "were measured by different versions"),
        (other("d", "2/2", "2/3"), "divide their runs into different numbers of segments"),
        (other("e", "2/2", "1/2"), "segment 1/2 was given twice"),
    ] {
        let output = merge(home.path(), &[&first, &other], 2);
        assert!(error_line(&output).contains(needle), "{}", err(&output));
    }
    let three = other("f", "2/2", "2/3");
    let output = merge(home.path(), &[&three, &three], 2);
    assert!(error_line(&output).contains("segment 1/3 is missing"), "{}", err(&output));
    let run = home.path().join(page).parent().unwrap().to_owned();
    let output = merge(home.path(), &[&first, &run], 2);
    assert!(error_line(&output).contains("is a segment of a run, but not all of the others are"), "{}", err(&output));
}

#[test]
fn an_impossible_segment_is_rejected_before_it_starts() {
    let (home, _file) = file(&one_contender(TINY));
    let late = ahead(3);
    let later = ahead(3600);
    for (arguments, needle) in [
        (&["--segment", "3/2", "--start-at", &later][..], "a segment is one of several"),
        (&["--segment", "1/2"], "--start-at"),
        (&["--segment", "1/2", "--start-at", "soon"], "must be seconds of Unix time"),
        (&["--segment", "1/2", "--start-at", &later], "segment 1/2 serves: add --listen"),
        (&["--segment", "1/2", "--start-at", &later, "--listen", "127.0.0.1:0"], "--listen needs a fixed port"),
        (&["--segment", "2/2", "--start-at", &later], "needs the address where the first one serves"),
        (&["--segment", "2/2", "--start-at", &late, "--server", "127.0.0.1:9"], "must be at least 5 seconds ahead"),
        (&["--listen", "127.0.0.1:7000"], "--listen requires --nats or --segment"),
        (&["--agents", "2"], "--nats"),
        (
            &["--nats", "nats://127.0.0.1", "--agents", "2", "--listen", "0.0.0.0:0"],
            "give the one that the others can reach",
        ),
        (&["--nats", "nats://127.0.0.1"], "--agents"),
        (&["--nats", "nats://a:secret@127.0.0.1", "--agents", "2"], "leave credentials out of the address"),
        (&["--nats", "nats://127.0.0.1", "--agents", "0"], "0"),
    ] {
        let output = ends_with(2, feedlab(&["run", "scenario.toml"]).args(arguments).current_dir(&home));
        assert!(err(&output).contains(needle), "{arguments:?}: {}", err(&output));
    }
}
