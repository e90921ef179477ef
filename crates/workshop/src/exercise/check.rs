//! Checks an exercise: builds its test with the learner's file, and runs it.
//!
//! This runs `cargo test --offline -p feedlab-exercises --features yours --test NAME` in two steps, so that the build
//! may take as long as it needs, while a loop that never exits is detected.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::{Bench, Error, Exercise, Outcome, verdict};

/// How long a test may run. The exercises' tests take less than a second.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of cargo's output is read, bytes.
const MAX_MESSAGES: u64 = 64 << 20;
/// How much of a test's output is read, bytes.
const MAX_OUTPUT: u64 = 4 << 20;
/// How many compiler errors are shown.
const MAX_ERRORS: usize = 3;

/// Checks the learner's file for an exercise. Meanwhile, `progress` gets cargo's messages line by line: what it
/// compiles, or that it waits for another cargo.
///
/// # Errors
/// When the test cannot be built for a reason that is not in the learner's file, or does not run.
pub async fn check(bench: &Bench, exercise: &Exercise, progress: impl FnMut(&str)) -> Result<Outcome, Error> {
    let test = match build(bench, exercise, progress).await? {
        Ok(test) => test,
        Err(errors) => return Ok(Outcome::DoesNotCompile(errors)),
    };
    let Some(output) = run(bench, &test).await? else { return Ok(Outcome::TimedOut { timeout: TEST_TIMEOUT }) };
    Ok(verdict::read(&output, &bench.read(&bench.test(exercise))?))
}

/// Builds the libraries that all exercises need, so that the first check is quick. `progress` gets cargo's messages line
/// by line.
///
/// This uses one core, at the lowest priority: a measurement may run at the same time. The build ends when the future is
/// dropped.
///
/// # Errors
/// When cargo cannot be started.
pub async fn build_libraries(bench: &Bench, progress: impl FnMut(&str)) -> Result<(), Error> {
    let program = cargo_program();
    let mut nice = Command::new("nice");
    nice.args(["-n", "19"]).arg(&program).args(CARGO_TEST).args(["--lib", "--no-run", "--jobs", "1"]);
    nice.args(["--color", "never"]).current_dir(bench.root()).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child =
        nice.stderr(Stdio::piped()).kill_on_drop(true).spawn().map_err(|source| no_cargo(&program, source))?;
    read_lines(child.stderr.take(), progress).await;
    // A build that fails is reported by the check that needs it.
    let _ = child.wait().await;
    Ok(())
}

/// The arguments that select what is built. The same in all builds, so that each library is built only once.
const CARGO_TEST: [&str; 6] = ["test", "--offline", "--package", "feedlab-exercises", "--features", "yours"];

fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn no_cargo(program: &OsStr, source: std::io::Error) -> Error {
    Error::NoCargo { program: program.to_string_lossy().into_owned(), source }
}

/// Builds the test. Returns its executable, or the compiler's errors in the learner's file.
async fn build(
    bench: &Bench,
    exercise: &Exercise,
    progress: impl FnMut(&str),
) -> Result<Result<PathBuf, String>, Error> {
    let program = cargo_program();
    let mut cargo = Command::new(&program);
    cargo.args(CARGO_TEST).args(["--test", exercise.module().as_str()]);
    cargo.args(["--no-run", "--color", "never", "--message-format", "json"]);
    cargo.current_dir(bench.root()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = cargo.kill_on_drop(true).spawn().map_err(|source| no_cargo(&program, source))?;
    let (messages, stderr) = tokio::join!(read_all(child.stdout.take()), read_lines(child.stderr.take(), progress));
    let is_built = child.wait().await.is_ok_and(|status| status.success());
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let (mut executable, mut errors) = (None, Vec::new());
    for message in messages {
        executable = message.executable.or(executable);
        errors.extend(message.message.and_then(Diagnostic::error));
    }
    match executable {
        Some(executable) if is_built => Ok(Ok(executable)),
        _ if !errors.is_empty() => Ok(Err(shown(&errors))),
        _ => Err(Error::Build { why: last_error(&stderr) }),
    }
}

/// Reads a stream to its end or to an error, at most [`MAX_MESSAGES`] bytes.
async fn read_all(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let _ = stream.take(MAX_MESSAGES).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads a stream like [`read_all`], and passes each line to `on_line` as it arrives.
async fn read_lines(stream: Option<impl AsyncRead + Unpin>, mut on_line: impl FnMut(&str)) -> String {
    let mut text = String::new();
    let Some(stream) = stream else { return text };
    let mut lines = BufReader::new(stream.take(MAX_MESSAGES)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        on_line(&line);
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The parts of a line of `--message-format json` that are used here.
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
    /// Returns the text of an error. "aborting due to …" has no span in the code, and is left out.
    fn error(self) -> Option<String> {
        self.rendered.filter(|_| self.level == "error" && !self.spans.is_empty())
    }
}

/// Returns the first errors; later ones are often their consequences.
fn shown(errors: &[String]) -> String {
    let mut text = errors[..errors.len().min(MAX_ERRORS)].concat().replace("tests/../yours/", "yours/");
    if errors.len() > MAX_ERRORS {
        text.push_str(&format!("… and {} more\n", errors.len() - MAX_ERRORS));
    }
    text
}

/// Returns cargo's last error, on one line.
fn last_error(text: &str) -> String {
    let from = text.rfind("error: ").map_or(0, |start| start + "error: ".len());
    let words: Vec<_> = text[from..].split_whitespace().take(60).collect();
    if words.is_empty() { "cargo printed no error".to_owned() } else { words.join(" ") }
}

/// Runs the test, and returns its output; `None` if it did not end in time.
async fn run(bench: &Bench, test: &Path) -> Result<Option<String>, Error> {
    let failed = |source| Error::Run { path: test.to_owned(), source };
    let mut command = Command::new(test);
    command.args(["--color", "never"]).current_dir(bench.package()).env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed)?;
    let stdout = child.stdout.take().ok_or_else(|| failed(ErrorKind::BrokenPipe.into()))?;
    let mut output = Vec::new();
    let mut limited = stdout.take(MAX_OUTPUT);
    let read = timeout(TEST_TIMEOUT, limited.read_to_end(&mut output)).await;
    // If the test is still running, it is killed when this function returns.
    let Ok(read) = read else { return Ok(None) };
    read.map_err(failed)?;
    Ok(Some(String::from_utf8_lossy(&output).into_owned()))
}
