//! Measures the time to render the report of a large run: 100 cells of 30 s each, read from disk and rendered. It
//! should take less than 2 s, and the page should be smaller than 2 MB; the sizes are printed before the times.

#![expect(clippy::unwrap_used, reason = "without its run the benchmark has nothing to measure")]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use feedlab_experiment::results::Results;

#[path = "../src/tests/realistic.rs"]
mod realistic;
#[path = "../src/tests/run.rs"]
mod run;

const CLIENTS: [u32; 5] = [50, 100, 200, 500, 1000];
const SECONDS: u32 = 30;
/// The number of ages in each second of a cell: as 500 clients receive them from a feed of 10 updates per second.
const SAMPLES: u32 = 5_000;

fn render(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let scenario = realistic::scenario(&CLIENTS, SECONDS);
    let results =
        run::results(folder.path(), &scenario, |contender, cell| realistic::fixture(contender, cell, SECONDS, SAMPLES));
    let report = feedlab_report::render(&results).unwrap();
    let charts: usize = report.charts.iter().map(|(_, svg)| svg.len()).sum();
    #[expect(clippy::print_stdout, reason = "the sizes belong with the times")]
    {
        println!("{} cells: the page has {} bytes, its chart files {charts}", results.cells.len(), report.html.len());
    }
    criterion.bench_function("read and render 100 cells", |bencher| {
        bencher.iter(|| feedlab_report::render(&Results::read(&results.folder).unwrap()).unwrap());
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(10));
    targets = render
}
criterion_main!(benches);
