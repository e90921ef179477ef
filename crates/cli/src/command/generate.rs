//! `feedlab generate`, hidden: the load generator of one cell, as a process. `feedlab run` writes the job to its
//! standard input, a line of JSON, and reads [`Message`]s from its standard output, one a line.

use feedlab_feed::process;
use feedlab_loadgen::{Event, Job, LoadError, Outcome};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::input::handed_over;
use crate::{interrupt, output};

/// Measure one cell: the job on standard input, events on standard output
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// What a load generator tells the run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Message {
    /// How far it is.
    Event(Event),
    /// What it found: its last word.
    Outcome(Box<Outcome>),
}

/// Does the job. Ends at once when standard input does: whoever wanted the result has gone.
pub(crate) fn execute(_args: &Args) -> anyhow::Result<Exit> {
    let _ = process::raise_open_file_limit();
    let job: Job = handed_over("job")?;
    let stop = CancellationToken::new();
    interrupt::stop_with_stdin(stop.clone());
    let mut tell = |event: Event| {
        if output::json_line(&Message::Event(event)).is_err() {
            stop.cancel();
        }
    };
    match feedlab_loadgen::run(&job, &mut tell, stop.clone()) {
        Ok(outcome) => {
            output::json_line(&Message::Outcome(Box::new(outcome)))?;
            Ok(Exit::Done)
        }
        Err(LoadError::Interrupted) => Ok(Exit::Interrupted),
        Err(error) => Err(error.into()),
    }
}
