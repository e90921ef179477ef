//! A server that is killed and restarted: with a feed that continues the same epoch, and with one that does not.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use feedlab_testkit::Feedlab;
use rustix::process::Signal;
use serde_json::Value;

use super::listening;

/// How long a test waits for a condition.
const PATIENCE: Duration = Duration::from_secs(30);

/// A `feedlab watch` over one transport, from the start of the feed.
struct Watcher {
    transport: &'static str,
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Watcher {
    fn of(server: &Feedlab, transport: &'static str) -> Self {
        let address = server.address().to_string();
        let arguments = ["watch", &address, "--transport", transport, "--after", "0", "--format", "json"];
        let mut command = Feedlab::command(assert_cmd::cargo::cargo_bin!("feedlab"), &arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts");
        let (lines, output) = (Arc::<Mutex<Vec<Value>>>::default(), child.stdout.take().expect("its output"));
        let notes = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                notes.lock().expect("no panic").push(serde_json::from_str(&line).expect("JSON"));
            }
        });
        Self { transport, child, lines }
    }

    /// Waits until a condition holds for the printed lines, and returns them.
    fn until(&self, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        for _ in 0..PATIENCE.as_millis() / 20 {
            let lines = self.lines.lock().expect("no panic").clone();
            if holds(&lines) {
                return lines;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{}: {:?}", self.transport, self.lines.lock())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server with four watchers, kills it, and starts another server at the same address.
fn killed_and_restarted(feed: &[&str]) -> (Feedlab, [Watcher; 4]) {
    let server = listening(&[&["serve", "--no-lab"], feed].concat());
    let watchers =
        ["short-polling", "long-polling", "sse", "websocket"].map(|transport| Watcher::of(&server, transport));
    for watcher in &watchers {
        watcher.until(|lines| lines.len() >= 5);
    }
    let address = server.address().to_string();
    server.signal(Signal::KILL);
    drop(server);
    (listening(&[&["serve", "--no-lab", "--listen", &address], feed].concat()), watchers)
}

fn seqs(lines: &[Value]) -> Vec<u64> {
    lines.iter().map(|line| line["seq"].as_u64().unwrap_or_else(|| panic!("{line}"))).collect()
}

#[test]
fn d1_a_client_of_a_feed_that_cannot_continue_gets_a_reset_and_the_new_feed_from_its_start() {
    let (_server, watchers) = killed_and_restarted(&["--feed", "host", "--rate", "100"]);
    for watcher in &watchers {
        let is_reset = |line: &Value| line.get("reset").is_some();
        let place = |lines: &[Value]| lines.iter().position(is_reset);
        let lines = watcher.until(|lines| place(lines).is_some_and(|at| lines.len() > at + 5));
        let at = place(&lines).expect("a reset");
        let (before, after) = (seqs(&lines[..at]), seqs(&lines[at + 1..]));
        assert_eq!(before, (1..=before.len() as u64).collect::<Vec<_>>(), "{}", watcher.transport);
        assert_eq!(after, (1..=after.len() as u64).collect::<Vec<_>>(), "{}", watcher.transport);
        let (asked, resume) = (&lines[at]["reset"]["asked"], &lines[at]["reset"]["resume"]);
        let ends_in = |cursor: &Value, seq: usize| cursor.as_str().expect("text").ends_with(&format!(".{seq}"));
        assert!(ends_in(asked, before.len()) && ends_in(resume, 0), "{}: {}", watcher.transport, lines[at]);
    }
}

#[test]
fn d1_a_feed_that_can_be_repeated_continues_its_epoch() {
    let start_at = feedlab_feed::clock::unix_us().to_string();
    let feed = ["--feed", "synthetic", "--rate", "100", "--began-at", &start_at];
    let (_server, watchers) = killed_and_restarted(&feed);
    for watcher in &watchers {
        let had = watcher.lines.lock().expect("no panic").len();
        let seen = seqs(&watcher.until(|lines| lines.len() > had + 200));
        assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>(), "{}: no reset or gap", watcher.transport);
    }
}
