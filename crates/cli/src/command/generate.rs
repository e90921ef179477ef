//! `feedlab generate`, hidden: the load generator of one cell, or a part of it, as a process. `feedlab run` and `feedlab agent`
//! write its [`Task`] to its standard input, a line of JSON, and read [`Message`]s from its standard output, one a line. One
//! that has a part is told more, a [`Word`] a line: when the clients begin to connect, and how far the run's clock is ahead.

use feedlab_feed::{clock, process};
use feedlab_loadgen::{Event, Job, LoadError, Outcome, Part, Portion};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::input::{handed_over, next_line};
use crate::{interrupt, output};

/// Measure one cell: the job on standard input, events on standard output
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// What a load generator is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    /// The cell.
    pub(crate) job: Job,
    /// What of it, if others do the rest.
    #[serde(default)]
    pub(crate) part: Option<Part>,
}

/// What it is told besides, if others do the rest.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Word {
    /// The clients connect from then on, µs of Unix time by the run's clock.
    Begin(u64),
    /// The run's clock is so many µs ahead of this machine's.
    Clock(i64),
}

/// What a load generator tells the run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Message {
    /// How far it is.
    Event(Event),
    /// What it found: its last word.
    Outcome(Box<Outcome>),
    /// What it found of its part: its last word.
    Portion(Box<Portion>),
}

/// Does the job. Ends at once when standard input does: whoever wanted the result has gone.
pub(crate) fn execute(_args: &Args) -> anyhow::Result<Exit> {
    let _ = process::raise_open_file_limit();
    let Task { job, part } = handed_over("task")?;
    let stop = CancellationToken::new();
    let start = match part {
        None => {
            interrupt::stop_with_stdin(stop.clone());
            None
        }
        Some(part) => Some((part, wait_for_start(stop.clone()))),
    };
    let mut tell = |event: Event| {
        if output::json_line(&Message::Event(event)).is_err() {
            stop.cancel();
        }
    };
    let told = match start {
        None => feedlab_loadgen::run(&job, &mut tell, stop.clone()).map(|found| Message::Outcome(Box::new(found))),
        Some((part, start)) => {
            let found = feedlab_loadgen::take_part(&job, part, start, &mut tell, stop.clone());
            found.map(|found| Message::Portion(Box::new(found)))
        }
    };
    match told {
        Ok(last) => {
            output::json_line(&last)?;
            Ok(Exit::Done)
        }
        Err(LoadError::Interrupted) => Ok(Exit::Interrupted),
        Err(error) => Err(error.into()),
    }
}

/// When the clients are to connect, µs of Unix time, once that is said. Meanwhile and afterwards the process keeps the clock that it
/// is told, until standard input ends.
fn wait_for_start(stop: CancellationToken) -> oneshot::Receiver<u64> {
    let (tell, start) = oneshot::channel();
    std::thread::spawn(move || {
        let mut tell = Some(tell);
        while let Some(line) = next_line() {
            match serde_json::from_str(&line) {
                Ok(Word::Begin(at_us)) => drop(tell.take().map(|tell| tell.send(at_us))),
                Ok(Word::Clock(ahead_us)) => clock::keep_ahead(ahead_us),
                Err(_) => break,
            }
        }
        interrupt::wait_for_end_of_stdin();
        stop.cancel();
    });
    start
}
