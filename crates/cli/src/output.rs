//! The two output streams: data on standard output, everything else on standard error.

use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;

/// The format of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The reader of standard output is gone.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub(crate) struct ClosedPipe;

/// Writes data to standard output and flushes it: a reader at the other end of a pipe waits for it.
pub(crate) fn data(text: &str) -> anyhow::Result<()> {
    printed(std::io::stdout().lock().write_all(text.as_bytes()))
}

/// Returns the result of writing to standard output. Flushes it first, because an error at the end of the process would
/// go unnoticed.
pub(crate) fn printed(written: std::io::Result<()>) -> anyhow::Result<()> {
    match written.and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ClosedPipe.into()),
        result => result.context("cannot write to standard output"),
    }
}

/// Writes a value as one line of JSON.
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    data(&(serde_json::to_string(value)? + "\n"))
}

/// Writes a value as indented JSON.
pub(crate) fn json_pretty(value: &impl Serialize) -> anyhow::Result<()> {
    data(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Returns whether the user wants no colors (<https://no-color.org>).
pub(crate) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Writes a line for people to standard error. Ignores errors: a terminal that went away is no reason to stop.
pub(crate) fn advice(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes a question to standard error, without ending the line. Ignores errors, as [`advice`] does.
pub(crate) fn prompt(question: &str) {
    let mut error = std::io::stderr().lock();
    let _ = error.write_all(question.as_bytes()).and_then(|()| error.flush());
}
