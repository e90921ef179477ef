//! `feedlab generate`, hidden: the load generator of one cell, or of a part of it, as a process. `feedlab run` and
//! `feedlab agent` write its [`Task`] to its standard input as a line of JSON, and read [`Message`]s from its standard
//! output, one per line. For a part, they also write [`Instruction`]s, one per line: when the clients start to connect,
//! and how far the run's clock is ahead.

use feedlab_feed::{clock, process};
use feedlab_loadgen::{Event, Job, LoadError, Outcome, Part, Portion};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::input::{handed_over, next_line};
use crate::{interrupt, output};

/// Measure one cell: read the job from standard input, write events to standard output
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// The task of a load generator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    /// The job of the whole cell.
    pub(crate) job: Job,
    /// The part of it that this process does; `None` for all of it.
    #[serde(default)]
    pub(crate) part: Option<Part>,
}

/// A further message to a load generator that does a part.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Instruction {
    /// When the clients start to connect, µs of Unix time by the run's clock.
    Begin(u64),
    /// How far the run's clock is ahead of this machine's, µs.
    Clock(i64),
}

/// A message from a load generator to the run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Message {
    /// An event.
    Event(Event),
    /// The result of the cell, its last message.
    Outcome(Box<Outcome>),
    /// The result of its part, its last message.
    Portion(Box<Portion>),
}

/// Does the job. Stops immediately when standard input ends: the process that wanted the result is gone.
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
    let result = match start {
        None => feedlab_loadgen::run(&job, &mut tell, stop.clone()).map(|found| Message::Outcome(Box::new(found))),
        Some((part, start)) => {
            let found = feedlab_loadgen::take_part(&job, part, start, &mut tell, stop.clone());
            found.map(|found| Message::Portion(Box::new(found)))
        }
    };
    match result {
        Ok(last) => {
            output::json_line(&last)?;
            Ok(Exit::Done)
        }
        Err(LoadError::Interrupted) => Ok(Exit::Interrupted),
        Err(error) => Err(error.into()),
    }
}

/// Returns a receiver of the time when the clients start to connect, µs of Unix time. Before and after it, the process
/// follows the clock of [`Instruction::Clock`], until standard input ends.
fn wait_for_start(stop: CancellationToken) -> oneshot::Receiver<u64> {
    let (tell, start) = oneshot::channel();
    std::thread::spawn(move || {
        let mut tell = Some(tell);
        while let Some(line) = next_line() {
            match serde_json::from_str(&line) {
                Ok(Instruction::Begin(at_us)) => drop(tell.take().map(|tell| tell.send(at_us))),
                Ok(Instruction::Clock(ahead_us)) => clock::keep_ahead(ahead_us),
                Err(_) => break,
            }
        }
        interrupt::wait_for_end_of_stdin();
        stop.cancel();
    });
    start
}
