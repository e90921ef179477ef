//! Merging several runs of one scenario: `feedlab merge` creates a results folder that contains the cells of all of
//! them as repetitions, without loss.
//!
//! Cells, seconds and histograms are copied unchanged; only the number of the repetition changes, and with it the
//! cell's id. All pooled results and verdicts are computed again.
//!
//! Seeds may be equal or different. Runs with different seeds sample different schedules, which an interval should
//! cover; runs with equal seeds repeat the same schedules, and the interval covers only the machine's variation.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::compare::{Setting, machine_differences, scenario_differences};
use crate::plan;
use crate::predict;
use crate::record::{CellRecord, Manifest, SCHEMA, Second};
use crate::results::{Results, ResultsError, RunFolder};
use crate::summary::Summary;
use crate::verdict::{Reason, Status, Verdict, judge_run};
use crate::{Scenario, hlog, statistics};
use feedlab_feed::bounded;

const MERGE_ALIKE: &str = "merge only runs of the same machine and version; compare others with `feedlab compare`";

/// Why runs cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The scenarios differ.
    #[error(
        "{} (A) and {} (B) are runs of different scenarios: {}; merge runs of the same one",
        .a.display(), .b.display(), .differences.join("; ")
    )]
    DifferentScenarios {
        /// The first run.
        a: PathBuf,
        /// The run with a different scenario.
        b: PathBuf,
        /// The differences, one phrase each.
        differences: Vec<String>,
    },
    /// The same measurement would count twice.
    #[error(
        "{cell} of {} is already in {}: if it counted twice, the result would look more certain than it is; give each \
         run once",
        .run.display(), .earlier.display()
    )]
    Twice {
        /// The cell's id.
        cell: String,
        /// The run in which it was found for the second time.
        run: PathBuf,
        /// The run in which it was found first.
        earlier: PathBuf,
    },
    /// A cell of a contender that the scenario does not have, or a duplicate.
    #[error("{} has a cell that is not in its scenario's plan: {cell}; repeat the run", .run.display())]
    Unplanned {
        /// The cell's id.
        cell: String,
        /// The run.
        run: PathBuf,
    },
    /// Results cannot be read or written.
    #[error(transparent)]
    Results(#[from] ResultsError),
}

/// Merges runs into a new folder in `out`. The folder stays `.partial` until the report has been written into it and it
/// is [finished](RunFolder::finish). `now` is part of its name. On failure, no folder is left behind.
///
/// # Errors
/// If the runs are not of one scenario, contain the same measurement twice, or a file cannot be read or written.
pub fn merge(first: &Results, others: &[Results], out: &Path, now: SystemTime) -> Result<RunFolder, MergeError> {
    let runs: Vec<&Results> = std::iter::once(first).chain(others).collect();
    let scenario = merged_scenario(first, others)?;
    check_for_duplicates(&runs)?;
    let mut folder = RunFolder::create(out, &scenario, now)?;
    match fill(&mut folder, &runs, &scenario) {
        Ok(()) => Ok(folder),
        Err(error) => {
            folder.discard()?;
            Err(error)
        }
    }
}

/// Returns how often a run planned to measure a cell: with a precision, as often as it was measured most.
fn planned_repetitions(run: &Results) -> u32 {
    let scenario = &run.manifest.scenario;
    let measured = run.cells.iter().filter(|_| scenario.precision.is_some()).map(|cell| cell.repetition);
    measured.max().unwrap_or_default().max(scenario.measure.repetitions)
}

/// Returns the scenario of the first run, with the repetitions of all runs.
fn merged_scenario(first: &Results, others: &[Results]) -> Result<Scenario, MergeError> {
    let mut scenario = first.manifest.scenario.clone();
    scenario.measure.repetitions = planned_repetitions(first);
    // Together they were not repeated until they were so precise.
    scenario.precision = None;
    for other in others {
        let differences = scenario_differences(&scenario, &other.manifest.scenario);
        if !differences.is_empty() {
            let differences = differences.iter().map(Setting::to_string).collect();
            return Err(MergeError::DifferentScenarios {
                a: first.folder.clone(),
                b: other.folder.clone(),
                differences,
            });
        }
        let repetitions = &mut scenario.measure.repetitions;
        *repetitions = repetitions.saturating_add(planned_repetitions(other));
    }
    Ok(scenario)
}

/// Checks for duplicates. Two cells of one point start in the same microsecond only if they are the same cell: the run
/// was given twice, or together with a run that it had been merged into.
fn check_for_duplicates(runs: &[&Results]) -> Result<(), MergeError> {
    let mut seen = BTreeMap::new();
    for run in runs {
        for cell in &run.cells {
            let key = (&cell.label, cell.clients, cell.payload_bytes, cell.started_at);
            if let Some(earlier) = seen.insert(key, &run.folder) {
                let (cell, run, earlier) = (cell.cell.clone(), run.folder.clone(), earlier.clone());
                return Err(MergeError::Twice { cell, run, earlier });
            }
        }
    }
    Ok(())
}

fn fill(folder: &mut RunFolder, runs: &[&Results], scenario: &Scenario) -> Result<(), MergeError> {
    if let Some(text) = &runs[0].scenario_file {
        folder.keep_scenario(text)?;
    }
    let mut cells = Vec::new();
    let mut before = 0u32;
    for run in runs {
        cells.append(&mut take_over(run, before, scenario, folder)?);
        before = before.saturating_add(planned_repetitions(run));
    }
    let manifest = manifest(folder.id(), runs, scenario, &cells);
    let mut contenders = statistics::pool(scenario, &cells, |cell| hlog::read(&folder.hlog_path(&cell.cell)))?;
    predict::fill_measured(scenario, &cells, &mut contenders);
    let (run, verdict) = (manifest.run.clone(), manifest.verdict.clone());
    folder.write_summary(&Summary { schema: SCHEMA, run, verdict, contenders, precision: Vec::new() })?;
    folder.write_manifest(&manifest)?;
    Ok(())
}

/// Copies the cells of one run; its repetitions follow the `before` repetitions that have already been copied.
fn take_over(
    run: &Results,
    before: u32,
    scenario: &Scenario,
    folder: &mut RunFolder,
) -> Result<Vec<CellRecord>, MergeError> {
    let mut seconds: BTreeMap<&str, Vec<&Second>> = BTreeMap::new();
    run.seconds.iter().for_each(|second| seconds.entry(&second.cell).or_default().push(second));
    let mut taken = Vec::new();
    for cell in &run.cells {
        let unplanned = || MergeError::Unplanned { cell: cell.cell.clone(), run: run.folder.clone() };
        let renumbered = renumbered(cell, before, run, scenario).ok_or_else(unplanned)?;
        copy_new(&run.hlog_path(cell), &folder.hlog_path(&renumbered.cell))?;
        let its_own = seconds.remove(cell.cell.as_str()).unwrap_or_default();
        let its_own: Vec<Second> =
            its_own.into_iter().map(|second| Second { cell: renumbered.cell.clone(), ..second.clone() }).collect();
        folder.add_cell(&renumbered, &its_own)?;
        taken.push(renumbered);
    }
    Ok(taken)
}

/// Returns the cell with its new number and id; `None` if it is not in its run's plan.
fn renumbered(cell: &CellRecord, before: u32, run: &Results, scenario: &Scenario) -> Option<CellRecord> {
    let planned = 1..=planned_repetitions(run);
    let repetition = cell.repetition.checked_add(before).filter(|_| planned.contains(&cell.repetition))?;
    let point = plan::points(scenario).into_iter().find(|point| point.is_of(scenario, cell))?;
    Some(CellRecord { cell: plan::id(scenario, point, repetition), repetition, ..cell.clone() })
}

/// Copies a file byte for byte, without overwriting an existing one.
fn copy_new(from: &Path, to: &Path) -> Result<(), ResultsError> {
    let bytes = bounded::read(from, bounded::RESULTS_BYTES).map_err(|error| ResultsError::read(from, error))?;
    let written = fs::File::create_new(to).and_then(|mut file| file.write_all(&bytes));
    written.map_err(|error| ResultsError::write(to, error))
}

fn manifest(id: &str, runs: &[&Results], scenario: &Scenario, cells: &[CellRecord]) -> Manifest {
    let first = &runs[0].manifest;
    let planned = runs.iter().map(|run| run.manifest.cells_planned).sum();
    Manifest {
        run: id.to_owned(),
        scenario: scenario.clone(),
        started: runs.iter().map(|run| run.manifest.started.clone()).min().unwrap_or_default(),
        cells_planned: planned,
        cells_measured: cells.len(),
        verdict: verdict(runs, cells, planned),
        merged_from: runs.iter().flat_map(|run| origins(&run.manifest)).collect(),
        ..first.clone()
    }
}

/// Returns the measured runs, including those of a run that had already been merged.
fn origins(manifest: &Manifest) -> Vec<String> {
    if manifest.merged_from.is_empty() { vec![manifest.run.clone()] } else { manifest.merged_from.clone() }
}

/// Judges the cells as in any run, and adds a reason if they were measured under different conditions.
fn verdict(runs: &[&Results], cells: &[CellRecord], planned: usize) -> Verdict {
    let mut verdict = judge_run(cells, planned);
    let first = &runs[0].manifest;
    let between = |run: &&Results| {
        let describe = |setting: Setting| setting.between(&first.run, &run.manifest.run);
        machine_differences(first, &run.manifest).into_iter().map(describe).collect::<Vec<_>>()
    };
    let differences: Vec<_> = runs.iter().flat_map(between).collect();
    if !differences.is_empty() {
        let what = format!("the merged runs were measured under different conditions: {}", differences.join("; "));
        verdict.add(Reason::new(Status::Suspect, what, MERGE_ALIKE));
    }
    // The manifest of an already merged run describes only the conditions of its first part.
    let merged_before = runs.iter().flat_map(|run| &run.manifest.verdict.reasons);
    merged_before.filter(|reason| reason.advice == MERGE_ALIKE).for_each(|reason| verdict.add(reason.clone()));
    verdict.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.status));
    verdict
}

#[cfg(test)]
mod tests;
