//! What `--resume` measures: the rest of a run.

use std::path::{Path, PathBuf};

use feedlab_experiment::results::Unfinished;

use super::Asked;
use crate::command::changes::{ChangeArgs, Changed};
use crate::exit::bad_input;

/// Reads an unfinished run. If a scenario is given as well, it must be the run's.
pub(super) fn asked(folder: &Path, scenarios: &[PathBuf], changes: &ChangeArgs) -> anyhow::Result<Asked> {
    let unfinished = Unfinished::read(folder).map_err(bad_input)?;
    match scenarios {
        [] if changes.is_empty() => {}
        [] => {
            return Err(bad_input(anyhow::anyhow!(
                "{} is resumed as it was begun: leave out --set, --only, --skip, --repetitions and --seed, or start another run",
                folder.display()
            )));
        }
        [file] => unfinished.check(&changes.load(file)?.scenario, file).map_err(bad_input)?,
        more => {
            return Err(bad_input(anyhow::anyhow!(
                "{} is the run of one scenario, and {} are given; give one, or none",
                folder.display(),
                more.len()
            )));
        }
    }
    // The manifest's scenario is what the file means; without the file, nothing says that it may be run.
    let text = unfinished.text.clone().ok_or_else(|| {
        bad_input(anyhow::anyhow!(
            "{} has no scenario.toml, which says what to measure; give it back, or start another run",
            folder.display()
        ))
    })?;
    let (scenario, changes) = (unfinished.manifest.scenario.clone(), unfinished.manifest.changes.clone());
    Ok(Asked { changed: Changed { scenario, text, changes }, unfinished: Some(unfinished) })
}
