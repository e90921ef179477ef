//! How long a run takes, known before it starts: every phase but the connecting has its length in the scenario.

use std::time::Duration;

use feedlab_experiment::{Scenario, plan};

/// One cell.
pub(crate) fn cell(scenario: &Scenario) -> Duration {
    plan::AROUND_A_CELL + scenario.cell_duration()
}

/// All cells.
pub(crate) fn run(scenario: &Scenario) -> Duration {
    cell(scenario) * u32::try_from(plan::cells(scenario).len()).unwrap_or(u32::MAX)
}

/// `8 s`, `1 min 20 s`, `2 h 5 min`: no finer than people plan.
pub(crate) fn for_people(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_millis() >= 500);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_say_them() {
        for (ms, text) in
            [(400, "0 s"), (8_499, "8 s"), (60_000, "1 min"), (80_000, "1 min 20 s"), (7_500_000, "2 h 5 min")]
        {
            assert_eq!(for_people(Duration::from_millis(ms)), text);
        }
    }
}
