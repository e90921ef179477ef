//! `feedlab link`: the path between two programs, what it says, and that it leaves nothing behind.

#![cfg(target_os = "linux")]

use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::processes::{marked, until};
use super::{ends_with, err, error_line, feedlab, out};

/// A server of feedlab in the namespace, with updates every 20 ms.
fn server() -> String {
    let binary = assert_cmd::cargo::cargo_bin!("feedlab").display();
    format!("{binary} serve --listen 10.77.1.1:8080 --feed synthetic --rate 50")
}

/// A client that prints updates as they arrive.
fn watch(path: &'static str) -> [&'static str; 5] {
    [assert_cmd::cargo::cargo_bin!("feedlab").to_str().expect("UTF-8"), "watch", path, "--count", "40"]
}

/// Returns `feedlab link FLAGS… --server SERVER -- COMMAND…`.
fn link(flags: &[&str], server: &str, command: &[&str]) -> assert_cmd::Command {
    let mut link = feedlab(&[&["link"], flags, &["--server", server, "--"], command].concat());
    link.timeout(feedlab_testkit::PATIENCE);
    link
}

/// Returns whether this user may create namespaces. If not, the test is skipped visibly, and fails in CI.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
#[track_caller]
fn has_namespaces() -> bool {
    let tried = link(&[], "exit 3", &["true"]).output().expect("the binary starts");
    let has = !err(&tried).contains("no network namespaces");
    assert!(has || std::env::var_os("CI").is_none(), "{}", err(&tried));
    if !has {
        eprintln!("SKIPPED: {}", err(&tried));
    }
    has
}

/// Returns the `seq` and the age in ms of each line that `watch` printed.
fn updates(output: &std::process::Output) -> Vec<(u64, f64)> {
    let text = out(output);
    let update = |line: &str| {
        let mut words = line.split_whitespace();
        let seq = words.next()?.trim_start_matches('#').parse().ok()?;
        Some((seq, words.find_map(|word| word.parse().ok())?))
    };
    text.lines().map(|line| update(line).unwrap_or_else(|| panic!("not an update: {line}"))).collect()
}

#[test]
fn an_update_is_as_old_as_the_way_that_its_packet_took() {
    if !has_namespaces() {
        return;
    }
    for path in ["http://{server}:8080/feed/sse", "http://{server}:8080/feed/ws"] {
        let output = ends_with(0, &mut link(&["--rtt", "120ms"], &server(), &watch(path)));
        let ages = updates(&output);
        assert_eq!(ages.len(), 40);
        // A lower limit only: how much later it comes is the machine's.
        assert!(ages.iter().all(|(_, age)| *age >= 59.9), "{ages:?}");
        let said = err(&output);
        assert!(said.contains("link: round trip 120ms; the server is at 10.77.1.1"), "{said}");
        assert!(said.contains("link, up: ") && !said.contains("lost"), "{said}");
    }
}

#[test]
fn lost_packets_are_sent_again_by_the_kernel_and_counted_by_the_link() {
    if !has_namespaces() {
        return;
    }
    let flags = ["--rtt", "20ms", "--loss", "20%", "--seed", "3"];
    let output = ends_with(0, &mut link(&flags, &server(), &watch("http://{server}:8080/feed/sse")));
    let updates = updates(&output);
    let seqs: Vec<u64> = updates.iter().map(|(seq, _)| *seq).collect();
    assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "{seqs:?}");
    assert!(err(&output).contains(" lost ("), "{}", err(&output));
    // What was behind a lost packet had to wait for it.
    assert!(updates.iter().any(|(_, age)| *age > 20.0), "{updates:?}");
}

#[test]
fn the_exit_status_is_that_of_the_command_and_a_server_that_ends_is_an_error() {
    if !has_namespaces() {
        return;
    }
    ends_with(0, &mut link(&[], &server(), &["true"]));
    let output = ends_with(1, &mut link(&[], &server(), &["sh", "-c", "exit 7"]));
    assert!(err(&output).contains("the command ended with exit status: 7"), "{}", err(&output));
    let output = ends_with(1, &mut link(&[], "exit 3", &["true"]));
    insta::assert_snapshot!(error_line(&output), @"error: the server ended before it listened, with exit status: 3");
    let output = ends_with(1, &mut link(&[], &server(), &["/no/such/program"]));
    assert!(err(&output).contains("/no/such/program"), "{}", err(&output));
}

#[test]
fn both_sides_use_the_congestion_control_that_was_asked_for_or_say_which_they_may() {
    if !has_namespaces() {
        return;
    }
    let current = "cat $(find /proc/sys/net/ipv4 -name tcp_congestion_control)";
    // Every kernel has it, and lets users choose it.
    let output = ends_with(0, &mut link(&["--congestion", "reno"], &server(), &["sh", "-c", current]));
    assert_eq!(out(&output), "reno\n");
    let said = err(&ends_with(2, &mut link(&["--congestion", "carrier-pigeon"], &server(), &["true"])));
    assert!(said.contains("the congestion control carrier-pigeon; it allows reno"), "{said}");
}

#[test]
fn nothing_but_the_server_can_be_reached() {
    if !has_namespaces() {
        return;
    }
    let ways = "ip route; ip -4 -o address show; cat /proc/net/if_inet6";
    let output = ends_with(0, &mut link(&[], &server(), &["sh", "-c", ways]));
    let said = out(&output);
    assert!(!said.contains("default") && !said.contains("eth0"), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("inet ")).count(), 3, "lo, link and control: {said}");
}

/// Starts a link whose server detaches a process of its own, and waits until everything runs.
fn standing(mark: &str) -> (Child, String) {
    let binary = assert_cmd::cargo::cargo_bin!("feedlab");
    let server = format!("setsid sleep 4321 & exec {}", server());
    let child = Command::new("env")
        .args(["--default-signal"])
        .arg(binary)
        .args(["link", "--rtt", "10ms", "--server", &server, "--", "sleep", "1234"])
        .env("FEEDLAB_TEST", mark)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mark = format!("FEEDLAB_TEST={mark}");
    // feedlab, two that hold the namespaces, the emulator, the server and what it has detached, the command.
    until("the link and both programs", || marked(&mark).len() == 7);
    (child, mark)
}

#[test]
fn nothing_is_left_when_it_is_stopped_or_killed() {
    if !has_namespaces() {
        return;
    }
    for (signal, status) in [(Signal::INT, Some(130)), (Signal::TERM, Some(130)), (Signal::KILL, None)] {
        let (mut child, mark) = standing(&format!("link-{}-{signal:?}", std::process::id()));
        kill_process(Pid::from_child(&child), signal).expect("it is still there");
        assert_eq!(child.wait().expect("it ends").code(), status, "{signal:?}");
        until("nothing is left", || marked(&mark).is_empty());
    }
}

#[test]
fn a_link_that_cannot_be_is_refused() {
    let refused = |flags: &[&str]| err(&ends_with(2, &mut link(flags, "true", &["true"])));
    for (flags, remedy) in [
        (["--loss", "100%"], "write it as 1% or 0.01, below 100%"),
        (["--rtt", "2m"], "write a time as 50ms or 2s, at most 1m"),
        (["--rate", "10"], "write it as 10Mbit or 384kbit"),
        (["--queue", "x"], "write it as the time that a packet may wait (100ms)"),
        (["--trace", "/no/such/file"], "No such file or directory"),
        (["--mtu", "100"], "576..=65535"),
        (["--congestion", "a b"], "must be the name of a congestion control"),
    ] {
        let said = refused(&flags);
        assert!(said.contains(remedy), "{flags:?}: {said}");
    }
}
