//! Checks an exercise: builds its test around the learner's file, and runs it.
//!
//! It is `cargo test --offline -p feedlab-exercises --features yours --test NAME` in two steps, so that building may take
//! its time while a loop that does not end is noticed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Bench, Error, Exercise, Outcome, verdict};

/// How long a test may run. Those of the exercises take less than a second.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a test's output that are read.
const MAX_OUTPUT: u64 = 4 << 20;
/// Errors of the compiler that are shown.
const MAX_ERRORS: usize = 3;

/// Checks the learner's file for an exercise.
///
/// # Errors
/// When the test cannot be built for a reason that is not in the learner's file, or does not run.
pub async fn check(bench: &Bench, exercise: &Exercise) -> Result<Outcome, Error> {
    let test = match build(bench, exercise).await? {
        Ok(test) => test,
        Err(errors) => return Ok(Outcome::DoesNotCompile(errors)),
    };
    let Some(output) = run(bench, &test).await? else { return Ok(Outcome::Endless { patience: PATIENCE }) };
    Ok(verdict::read(&output, &bench.read(&bench.test(exercise))?))
}

/// The test's executable, or what the compiler has against the learner's file.
async fn build(bench: &Bench, exercise: &Exercise) -> Result<Result<PathBuf, String>, Error> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(&program);
    cargo.args(["test", "--offline", "--package", "feedlab-exercises", "--features", "yours", "--test"]);
    cargo.args([exercise.module().as_str(), "--no-run", "--color", "never", "--message-format", "json"]);
    cargo.current_dir(bench.root()).stdin(Stdio::null()).kill_on_drop(true);
    let no_cargo = |source| Error::NoCargo { program: program.to_string_lossy().into_owned(), source };
    let output = cargo.output().await.map_err(no_cargo)?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let (mut executable, mut errors) = (None, Vec::new());
    for message in messages {
        executable = message.executable.or(executable);
        errors.extend(message.message.and_then(Diagnostic::error));
    }
    match executable {
        Some(executable) if output.status.success() => Ok(Ok(executable)),
        _ if !errors.is_empty() => Ok(Err(shown(&errors))),
        _ => Err(Error::Build { why: last_words(&output.stderr) }),
    }
}

/// A line of `--message-format json`, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    rendered: Option<String>,
    spans: Vec<serde::de::IgnoredAny>,
}

impl Diagnostic {
    /// "aborting due to …" has no place in the code, and is no help.
    fn error(self) -> Option<String> {
        self.rendered.filter(|_| self.level == "error" && !self.spans.is_empty())
    }
}

/// The first errors: those after them are often their consequences.
fn shown(errors: &[String]) -> String {
    let mut text = errors[..errors.len().min(MAX_ERRORS)].concat().replace("tests/../yours/", "yours/");
    if errors.len() > MAX_ERRORS {
        text.push_str(&format!("… and {} more\n", errors.len() - MAX_ERRORS));
    }
    text
}

/// What cargo said last, on one line.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let from = text.rfind("error: ").map_or(0, |start| start + "error: ".len());
    let words: Vec<_> = text[from..].split_whitespace().take(60).collect();
    if words.is_empty() { "it says nothing".to_owned() } else { words.join(" ") }
}

/// What the test printed; `None` if it did not end.
async fn run(bench: &Bench, test: &Path) -> Result<Option<String>, Error> {
    let failed = |source| Error::Run { path: test.to_owned(), source };
    let mut command = Command::new(test);
    command.args(["--color", "never"]).current_dir(bench.package()).env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed)?;
    let stdout = child.stdout.take().ok_or_else(|| failed(ErrorKind::BrokenPipe.into()))?;
    let mut output = Vec::new();
    let mut limited = stdout.take(MAX_OUTPUT);
    let read = timeout(PATIENCE, limited.read_to_end(&mut output)).await;
    // Whatever it still does, it ends with this function.
    let Ok(read) = read else { return Ok(None) };
    read.map_err(failed)?;
    Ok(Some(String::from_utf8_lossy(&output).into_owned()))
}
