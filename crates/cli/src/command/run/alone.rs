//! One cell outside of a run: the calibration measures what this machine can drive.

use feedlab_experiment::record::CellRecord;
use feedlab_experiment::{Scenario, plan};
use tokio_util::sync::CancellationToken;

use super::cell;
use super::progress::Progress;

/// Measures the first cell of a scenario and keeps nothing. Returns `None` if it was stopped.
pub(in crate::command) async fn measure(
    scenario: &Scenario,
    stop: &CancellationToken,
) -> anyhow::Result<Option<CellRecord>> {
    let folder = tempfile::Builder::new().prefix("feedlab-calibration-").tempdir()?;
    let Some(planned) = plan::cells(scenario).into_iter().next() else { return Ok(None) };
    let hlog = folder.path().join("cell.hlog");
    let outcome = cell::measure(scenario, &planned, None, &hlog, &mut Progress::silent(), stop, None).await?;
    Ok(outcome.map(|outcome| outcome.record))
}
