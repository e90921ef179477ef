//! The build of the exercises: what it says in the terminal, and the first one, which the workshop's server starts in
//! the background while its visitors read.

use feedlab_workshop::exercise::{self, Bench};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::output;

/// What cargo has said so far in a check.
#[derive(Debug, Default)]
pub(super) struct Said {
    about_first: bool,
}

impl Said {
    /// Passes on what cargo compiles and waits for. Only if it compiles the libraries, and only once, says how long that
    /// takes.
    pub(super) fn line(&mut self, line: &str) {
        for line in self.lines(line) {
            output::advice(line);
        }
    }

    fn lines<'a>(&mut self, line: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let is_first = is_library(line) && !std::mem::replace(&mut self.about_first, true);
        let line = line.trim_start();
        let is_shown = line.starts_with("Compiling ") || line.starts_with("Blocking ");
        is_first.then_some(FIRST).into_iter().chain(is_shown.then_some(line))
    }
}

const FIRST: &str = "first, cargo builds the libraries that the exercises use. That takes a minute, once:";

/// Whether cargo says that it compiles something other than the exercises.
fn is_library(line: &str) -> bool {
    line.trim_start().strip_prefix("Compiling ").is_some_and(|what| !what.starts_with("feedlab-exercises "))
}

/// Starts to build the libraries of the exercises, if the current folder is in a clone. Whether that works or not, the
/// server goes on; a check reports what is wrong. The build ends with `stop`.
pub(crate) fn build_in_background(stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! {
            () = build() => {}
            () = stop.cancelled() => {}
        }
    })
}

async fn build() {
    let Ok(bench) = Bench::find(&std::env::current_dir().unwrap_or_default()) else { return };
    let mut is_said = false;
    let say = |line: &str| {
        if is_library(line) && !std::mem::replace(&mut is_said, true) {
            output::advice(
                "building the libraries of the exercises in the background, so that your first check is quick",
            );
        }
    };
    if let Err(error) = exercise::build_libraries(&bench, say).await {
        tracing::debug!("{error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w7_the_minute_is_mentioned_once_and_only_if_it_is_needed() {
        let mut said = Said::default();
        let mut lines = |line| said.lines(line).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines("    Finished `test` profile"), [""; 0]);
        assert_eq!(lines("   Compiling feedlab-exercises v1.4.0 (/a)"), ["Compiling feedlab-exercises v1.4.0 (/a)"]);
        assert_eq!(lines("    Blocking waiting for file lock"), ["Blocking waiting for file lock"]);
        assert_eq!(lines("   Compiling tokio v1.0.0"), [FIRST, "Compiling tokio v1.0.0"]);
        assert_eq!(lines("   Compiling axum v0.8.0"), ["Compiling axum v0.8.0"]);
    }
}
