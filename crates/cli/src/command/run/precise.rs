//! A run until its intervals are narrow: after the planned cells, one round after the other, each of the contenders that
//! need another repetition. What to repeat and why to stop is decided in `feedlab_experiment::precision`.

use std::time::{Duration, Instant};

use feedlab_experiment::hlog;
use feedlab_experiment::precision::{self, Look, Precision, When};
use feedlab_feed::clock;
use tokio_util::sync::CancellationToken;

use super::AgentSetup;
use super::needs::for_people;
use super::series::{End, Series};

impl Series<'_> {
    /// Measures the planned cells, and further rounds if the scenario asks for a precision.
    pub(super) async fn measure_rounds(&mut self, stop: &CancellationToken, mut setup: Option<&mut AgentSetup>) -> End {
        let began = clock::now();
        let mut end = self.measure_cells(stop, setup.as_deref_mut()).await;
        let Some(precision) = &self.scenario.precision else { return end };
        while matches!(end, End::Complete) && self.records.len() == self.plan.len() {
            match self.extend_plan(precision, began) {
                Ok(true) => end = self.measure_cells(stop, setup.as_deref_mut()).await,
                Ok(false) => break,
                Err(error) => end = End::Failed(error),
            }
        }
        let is_whole = matches!(end, End::Complete) && self.records.len() == self.plan.len();
        let when = if is_whole { When::AtCap } else { When::Stopped };
        match self.look(precision, when) {
            Ok(looks) => self.precision = precision::outcomes(looks),
            Err(error) if matches!(end, End::Complete) => return End::Failed(error),
            Err(_) => {}
        }
        end
    }

    /// Plans another round. Returns `false` if none is needed, or none would end before the cap.
    fn extend_plan(&mut self, precision: &Precision, began: Instant) -> anyhow::Result<bool> {
        let looks = self.look(precision, When::Between)?;
        let mut round = precision::next_round(self.scenario, &looks);
        let left = precision.cap.saturating_sub(began.elapsed());
        if round.is_empty() || self.progress.of_cells(round.len()) > left {
            return Ok(false);
        }
        self.progress.extend(round.len(), &state(&looks, left));
        self.plan.append(&mut round);
        Ok(true)
    }

    fn look(&self, precision: &Precision, when: When) -> anyhow::Result<Vec<Look>> {
        let histogram = |cell: &feedlab_experiment::record::CellRecord| hlog::read(&self.folder.hlog_path(&cell.cell));
        Ok(precision::look(self.scenario, precision, &self.records, when, histogram)?)
    }
}

/// Returns how wide the widest interval is, and the time that is left.
fn state(looks: &[Look], left: Duration) -> String {
    let widest = precision::widest(looks).unwrap_or_default();
    format!("precision: {widest}; cap in {}", for_people(left))
}

/// Returns how many cells a run with a precision has at least, and how long it takes: `at least 24 cells, about 2 min; at
/// most 10 min, until age_p99_us ± 5 %`.
pub(in crate::command) fn plan_line(precision: &Precision, cells: &str, takes: &str) -> String {
    let goals: Vec<String> = precision.goals.iter().map(ToString::to_string).collect();
    format!("at least {cells}, about {takes}; at most {}, until {}", for_people(precision.cap), goals.join(" and "))
}
