//! The perimeter of a cell: its pieces of equal outcome, and which changes between them belong together.

use super::Id;
use crate::choice::map::Outcome;
use crate::choice::map::grid::Change;

/// A piece of a perimeter with one outcome: from one change to the next, with the corners between them.
pub(super) struct Run {
    pub(super) outcome: Outcome,
    pub(super) from: Id,
    pub(super) corners: Vec<Id>,
    pub(super) to: Id,
    /// The outcome of the next piece.
    pub(super) next: Outcome,
}

/// Divides a perimeter that starts with a change into pieces.
pub(super) fn runs(around: &[(Id, Option<Change>)]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (id, change) in around {
        let Some(change) = change else {
            if let Some(run) = runs.last_mut() {
                run.corners.push(*id);
            }
            continue;
        };
        if let Some(run) = runs.last_mut() {
            (run.to, run.next) = (*id, change.after);
        }
        let (from, to) = (*id, around[0].0);
        runs.push(Run { outcome: change.after, from, corners: Vec::new(), to, next: change.after });
    }
    let first = runs.first().map(|run| run.outcome);
    if let (Some(run), Some(first)) = (runs.last_mut(), first) {
        run.next = first;
    }
    runs
}

/// Returns, for the change at the end of each piece, the piece that ends with its counterpart. `None` if a change has no
/// counterpart, or more than one, or if lines would cross.
pub(super) fn partners(runs: &[Run]) -> Option<Vec<usize>> {
    let partner = |index: usize| {
        let run = &runs[index];
        let mut others = (0..runs.len())
            .filter(|other| *other != index && (runs[*other].outcome, runs[*other].next) == (run.next, run.outcome));
        let found = others.next()?;
        let is_alone = runs.iter().filter(|one| (one.outcome, one.next) == (run.outcome, run.next)).count() == 1;
        (others.next().is_none() && is_alone).then_some(found)
    };
    let partners = (0..runs.len()).map(partner).collect::<Option<Vec<usize>>>()?;
    let crosses = |a: usize, b: usize| {
        let (low, high) = (a.min(partners[a]), a.max(partners[a]));
        ((low + 1)..high).contains(&b) != ((low + 1)..high).contains(&partners[b])
    };
    let is_crossed = |a: usize| (0..runs.len()).any(|b| b != a && b != partners[a] && crosses(a, b));
    (!(0..runs.len()).any(is_crossed)).then_some(partners)
}
