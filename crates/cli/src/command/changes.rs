//! What `feedlab run`, `validate` and `predict` change in a scenario without a change to its file.

use std::path::Path;

use feedlab_experiment::Scenario;
use feedlab_experiment::scenario::{Change, ChangeError};

use crate::exit::bad_input;

/// The options that change a scenario.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Change the scenario")]
pub(crate) struct ChangeArgs {
    /// Use another value for a key of the scenario: measure.duration=2s, clients.count=1000, network.rtt=50ms;
    /// contender.2.interval=5s is a key of the second contender (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Change>,

    /// Use only this contender, named by its label or transport (repeatable)
    #[arg(long, value_name = "LABEL")]
    only: Vec<String>,

    /// Leave out this contender, named by its label or transport (repeatable)
    #[arg(long, value_name = "LABEL")]
    skip: Vec<String>,

    /// Measure each cell this many times: --set measure.repetitions=N
    #[arg(long, value_name = "N")]
    repetitions: Option<u64>,

    /// Use another random seed: --set seed=N
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// A scenario with its changes.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) scenario: Scenario,
    /// The text that describes it. Which contenders are left out is not part of it.
    pub(crate) text: String,
    /// The changes, as on a command line.
    pub(crate) changes: Vec<String>,
}

impl ChangeArgs {
    /// Reads a scenario file only once, because it may be a pipe, and changes it.
    ///
    /// # Errors
    /// If the file or a change is not valid; the exit status is then 2.
    pub(crate) fn load(&self, file: &Path) -> anyhow::Result<Changed> {
        self.read(file).map_err(|error| match error {
            ChangeError::Scenario(error) => bad_input(error),
            other => bad_input(anyhow::Error::new(other).context(file.display().to_string())),
        })
    }

    /// As [`Self::load`], with an error that has the place in the file.
    pub(crate) fn read(&self, file: &Path) -> Result<Changed, ChangeError> {
        let values = self.values();
        let (scenario, text) = Scenario::changed(&Scenario::text(file)?, file, &values)?;
        let scenario = scenario.with_contenders(&self.only, &self.skip)?;
        Ok(Changed { scenario, text, changes: self.as_given(&values) })
    }

    /// Whether nothing is changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.as_given(&self.values()).is_empty()
    }

    fn values(&self) -> Vec<Change> {
        let repetitions = self.repetitions.map(|count| Change::number("measure.repetitions", count));
        let seed = self.seed.map(|seed| Change::number("seed", seed));
        self.set.iter().cloned().chain(repetitions).chain(seed).collect()
    }

    fn as_given(&self, values: &[Change]) -> Vec<String> {
        let values = values.iter().map(ToString::to_string);
        let only = self.only.iter().map(|name| format!("only {name}"));
        let skip = self.skip.iter().map(|name| format!("without {name}"));
        values.chain(only).chain(skip).collect()
    }
}
