//! Summarizes the output of a test: how many tests pass, and why the first one that fails does so.
//!
//! This parses the text that Rust's test harness prints for people; there is no stable format for programs.

use std::time::Duration;

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All tests pass.
    Passed {
        /// The number of tests.
        tests: usize,
    },
    /// Some tests fail.
    Failed(Failure),
    /// The learner's file does not compile; contains the compiler's errors.
    DoesNotCompile(String),
    /// The tests did not end in time.
    TimedOut {
        /// How long they were allowed to run.
        timeout: Duration,
    },
}

/// The first test that fails, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The number of tests that pass.
    pub passed: usize,
    /// The number of all tests.
    pub tests: usize,
    /// The name of the failed test, with spaces for underscores.
    pub test: String,
    /// The message of the failed assertion or the panic.
    pub message: String,
    /// The found and the expected value, if the assertion compares two values.
    pub compared: Option<(String, String)>,
    /// The place and the message of a panic in the learner's code.
    pub panicked: Option<(String, String)>,
}

/// Parses the output of a test whose source is `source`.
pub(super) fn read(output: &str, source: &str) -> Outcome {
    let results: Vec<_> = output.lines().filter_map(result).collect();
    let passed = results.iter().filter(|(_, ok)| *ok).count();
    let place = |name: &str| source.find(&format!("fn {name}(")).unwrap_or(usize::MAX);
    let first = results.iter().filter(|(_, ok)| !ok).map(|(name, _)| *name).min_by_key(|name| place(name));
    match first {
        None if passed > 0 && output.contains("test result: ok.") => Outcome::Passed { tests: passed },
        // Nothing is printed for a test in which the process ends: an abort, or a stack overflow.
        None => Outcome::Failed(Failure { passed, message: CRASH.to_owned(), tests: passed + 1, ..Failure::default() }),
        Some(name) => Outcome::Failed(Failure { passed, tests: results.len(), ..failure(name, section(output, name)) }),
    }
}

const CRASH: &str = "the test process ended without a result: is there endless recursion?";

/// Parses a line `test NAME ... ok`.
fn result(line: &str) -> Option<(&str, bool)> {
    let (name, word) = line.strip_prefix("test ")?.split_once(" ... ")?;
    match word {
        "ok" => Some((name, true)),
        "FAILED" => Some((name, false)),
        _ => None,
    }
}

/// Returns the output of one test.
fn section<'a>(output: &'a str, name: &str) -> &'a str {
    let head = format!("---- {name} stdout ----\n");
    let text = output.split_once(&head).map_or("", |(_, text)| text);
    let end = text.find("\n---- ").or_else(|| text.find("\nfailures:\n")).unwrap_or(text.len());
    &text[..end]
}

/// One "thread … panicked at PLACE:" with the lines that follow it.
struct Panic<'a> {
    place: &'a str,
    lines: Vec<&'a str>,
}

fn panics(section: &str) -> Vec<Panic<'_>> {
    let mut panics: Vec<Panic<'_>> = Vec::new();
    for line in section.lines().filter(|line| !line.starts_with("note: run with")) {
        if let Some((_, place)) = line.split_once(" panicked at ").filter(|_| line.starts_with("thread '")) {
            panics.push(Panic { place: place.trim_end_matches(':'), lines: Vec::new() });
        } else if let Some(panic) = panics.last_mut() {
            panic.lines.push(line);
        }
    }
    panics
}

/// Returns why a test failed. The last panic is that of the test itself: tasks that it started have panicked before.
fn failure(name: &str, section: &str) -> Failure {
    let panics = panics(section);
    let own = panics.iter().find(|panic| panic.place.contains("/yours/"));
    let panicked = own.map(|panic| (panic.place.replace("tests/../", ""), panic.lines.join("\n").trim().to_owned()));
    let lines = panics.last().map(|panic| panic.lines.as_slice()).unwrap_or_default();
    let side = |mark: &str| lines.iter().find_map(|line| line.strip_prefix(mark)).map(str::to_owned);
    let words: Vec<_> = lines.iter().copied().filter(|line| side_of(line).is_none()).collect();
    let words = words.join("\n");
    let message = words.split_once("` failed: ").map_or(&*words, |(_, message)| message);
    Failure {
        test: name.replace('_', " "),
        message: message.trim().to_owned(),
        // If two values should differ but do not, they are not shown.
        compared: side("  left: ").zip(side(" right: ")).filter(|(left, right)| left != right),
        panicked,
        ..Failure::default()
    }
}

fn side_of(line: &str) -> Option<&str> {
    line.strip_prefix("  left: ").or_else(|| line.strip_prefix(" right: "))
}
