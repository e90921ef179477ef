//! The figures of two runs in one set, so that every chart draws both on the same axes: each contender of A is followed
//! by the same contender of B.

use feedlab_experiment::results::{Results, ResultsError};

use crate::dataset::{Dataset, Differences, Level, Timelines};
use crate::series::{Scope, Series};

/// Returns the figures of both runs.
pub(super) fn dataset(runs: [&Results; 2]) -> Result<Dataset, ResultsError> {
    let [a, b] = [Dataset::new(runs[0])?, Dataset::new(runs[1])?];
    let is_wire = [&a, &b].iter().all(|data| data.bytes_level == Level::Wire);
    let connection = a.connection.into_iter().zip(b.connection);
    Ok(Dataset {
        scope: Scope { contenders: a.scope.contenders + b.scope.contenders, ..a.scope },
        ages: merged(a.ages, b.ages, |ecdf| &mut ecdf.series),
        timelines: timelines(a.timelines, b.timelines),
        hops: merged(a.hops, b.hops, |bar| &mut bar.series),
        bytes: merged(a.bytes, b.bytes, |bar| &mut bar.series),
        bytes_level: if is_wire { Level::Wire } else { Level::Socket },
        requests: merged(a.requests, b.requests, |bar| &mut bar.series),
        connection: connection.map(|(a, b)| merged(a, b, |bar| &mut bar.series)).collect(),
        differences: Differences::default(),
        losses: notes("A", a.losses).chain(notes("B", b.losses)).collect(),
        strips: Vec::new(),
        of_targets: a.of_targets,
        repetitions: a.repetitions.max(b.repetitions),
        bars_scoped: a.bars_scoped || b.bars_scoped,
    })
}

fn notes(letter: &'static str, notes: Vec<String>) -> impl Iterator<Item = String> {
    notes.into_iter().map(move |note| format!("{letter}: {note}"))
}

/// Puts the timelines of both runs together, if they show the same two figures; without any line, the chart is left out.
fn timelines(a: Timelines, b: Timelines) -> Timelines {
    let is_same = a.names() == b.names() && a.bin == b.bin;
    let lines = if is_same { merged(a.lines, b.lines, |line| &mut line.series) } else { Vec::new() };
    let measured = if is_same { a.measured.max(b.measured) } else { 0.0 };
    Timelines { lines, measured, ..a }
}

/// Puts each item of B after the one of the same contender of A, and the rest of B at the end.
fn merged<T>(a: Vec<T>, b: Vec<T>, series: impl Fn(&mut T) -> &mut Series) -> Vec<T> {
    let key = |item: &mut T| {
        let series = series(item);
        (series.label.clone(), series.clients, series.payload_bytes)
    };
    let mut rest: Vec<Option<T>> = b.into_iter().map(Some).collect();
    let mut out = Vec::new();
    for mut item in a {
        let wanted = key(&mut item);
        let is_it = |other: &mut Option<T>| other.as_mut().is_some_and(|other| key(other) == wanted);
        let found = rest.iter_mut().find_map(|other| if is_it(other) { other.take() } else { None });
        series(&mut item).in_run(0);
        out.push(item);
        out.extend(found.map(|mut item| {
            series(&mut item).in_run(1);
            item
        }));
    }
    out.extend(rest.into_iter().flatten().map(|mut item| {
        series(&mut item).in_run(1);
        item
    }));
    out
}
