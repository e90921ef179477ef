//! `feedlab workshop watch`, and the first build, which the workshop's server starts.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use feedlab_feed::clock;
use rustix::process::{Pid, Signal, kill_process};

use super::{Clone, stand_in};

/// A cargo whose test passes once the learner's file contains `solved`.
fn cargo(clone: &Clone) -> PathBuf {
    let passing = stand_in(clone, "passing", "printf 'test a ... ok\\n\\ntest result: ok. 1 passed\\n'");
    let error = r#"{"message":{"level":"error","spans":[{}],"rendered":"error: not yet"}}"#;
    let script = format!(
        "module=$(echo \"$@\" | sed 's/.*--test \\([a-z_]*\\).*/\\1/')\n\
         if grep -q solved '{}'/$module.rs; then echo '{{\"executable\":\"{}\"}}'; else echo '{error}'; exit 101; fi",
        clone.path("yours").display(),
        passing.display()
    );
    stand_in(clone, "cargo", &script)
}

/// A step that runs until it is stopped.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn start(clone: &Clone, cargo: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("feedlab"));
        command.arg("workshop").args(arguments).current_dir(clone.path("src")).env("CARGO", cargo);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts");
        let lines = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, lines }
    }

    /// Reads up to the first line that contains a text.
    fn reads(&mut self, text: &str) {
        let mut said = String::new();
        while self.lines.read_line(&mut said).expect("text") > 0 {
            if said.lines().last().unwrap_or_default().contains(text) {
                return;
            }
        }
        panic!("the output ended before {text:?}:\n{said}");
    }

    /// Presses Ctrl-C.
    fn interrupt(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it runs");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn w7_a_save_is_checked_and_the_next_exercise_is_named() {
    let clone = Clone::new();
    let cargo = cargo(&clone);
    let mut watch = Running::start(&clone, &cargo, &["watch"]);
    watch.reads("Exercise 1 of 9, sse-parser");
    watch.reads("sse-parser does not compile yet");
    fs::write(clone.path("yours/sse_parser.rs"), "// solved").expect("a save");
    watch.reads("sse-parser: all 1 tests pass.");
    watch.reads("Exercise 2 of 9, poll-cursor");
    watch.reads("poll-cursor does not compile yet");
    assert_eq!(watch.interrupt(), Some(0), "Ctrl-C is how it ends");
    assert_eq!(fs::read_to_string(clone.path("yours/sse_parser.rs")).expect("a file"), "// solved");
    assert!(clone.says(&["list"]).contains("sse-parser         30 min  passed"));
}

#[test]
fn w7_a_named_exercise_is_watched_also_after_it_passes() {
    let clone = Clone::new();
    let cargo = cargo(&clone);
    let mut watch = Running::start(&clone, &cargo, &["watch", "keepalive"]);
    watch.reads("keepalive does not compile yet");
    clone.says(&["hint", "keepalive"]);
    for text in ["// solved", "// solved better"] {
        fs::write(clone.path("yours/keepalive.rs"), text).expect("a save");
        watch.reads("keepalive: all 1 tests pass.");
        watch.reads("Next: sse-parser");
    }
    assert_eq!(watch.interrupt(), Some(0));
    let list = clone.says(&["list"]);
    assert!(list.contains("passed, 1 hint"), "what another terminal stored is kept: {list}");
}

#[test]
fn w7_the_workshop_builds_the_libraries_in_the_background_and_stops_that_with_itself() {
    let clone = Clone::new();
    let (arguments, alive) = (clone.path("arguments"), clone.path("alive"));
    let script = format!("echo $$ > '{}'; echo \"$@\" > '{}'; exec sleep 600", alive.display(), arguments.display());
    let cargo = stand_in(&clone, "cargo", &script);
    let workshop = Running::start(&clone, &cargo, &["--listen", "127.0.0.1:0"]);
    let began = clock::now();
    let said = loop {
        match fs::read_to_string(&arguments) {
            Ok(said) if said.ends_with('\n') => break said,
            _ => assert!(began.elapsed() < Duration::from_secs(20), "no build was started"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(said.contains("test --offline --package feedlab-exercises --features yours --lib --no-run"), "{said}");
    assert_eq!(workshop.interrupt(), Some(0));
    let pid = fs::read_to_string(&alive).expect("its process");
    // A process that has ended and that nobody waits for has an empty command line (proc(5)).
    let is_alive = || fs::read(format!("/proc/{}/cmdline", pid.trim())).is_ok_and(|line| !line.is_empty());
    while is_alive() {
        assert!(began.elapsed() < Duration::from_secs(30), "the build goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
}
