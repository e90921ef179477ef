//! The files of a results folder: one of them is replaced by the input, whose first line names it. What can be read can
//! be reported.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use feedlab_experiment::hlog;
use feedlab_experiment::results::Results;
use tempfile::TempDir;

use crate::assert_plain;

/// The files of a run of one cell, as inputs of this target.
const FILES: [&[u8]; 6] = [
    include_bytes!("../corpus/results/cells"),
    include_bytes!("../corpus/results/histogram"),
    include_bytes!("../corpus/results/manifest"),
    include_bytes!("../corpus/results/scenario"),
    include_bytes!("../corpus/results/summary"),
    include_bytes!("../corpus/results/timeseries"),
];

pub(crate) fn run(input: &[u8]) {
    static FOLDER: OnceLock<Mutex<TempDir>> = OnceLock::new();
    let Some((name, contents)) = split(input) else { return };
    let Some((_, before)) = FILES.into_iter().filter_map(split).find(|(file, _)| *file == name) else { return };
    let folder = FOLDER.get_or_init(|| Mutex::new(whole())).lock().unwrap_or_else(PoisonError::into_inner);
    let file = folder.path().join(name);
    fs::write(&file, contents).unwrap();
    read(folder.path());
    fs::write(&file, before).unwrap();
}

/// Separates the name of a file and its contents.
fn split(input: &[u8]) -> Option<(&str, &[u8])> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&input[..end]).ok()?, &input[end + 1..]))
}

fn whole() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("histograms")).unwrap();
    for (name, contents) in FILES.into_iter().filter_map(split) {
        fs::write(folder.path().join(name), contents).unwrap();
    }
    read(folder.path());
    folder
}

/// Reads the folder as a finished run and as an interrupted one: a summary, or the cells alone.
fn read(folder: &Path) {
    match Results::read(folder) {
        Ok(results) => look_at(&results),
        Err(error) => assert_plain(&error.to_string()),
    }
    let (summary, aside) = (folder.join("summary.json"), folder.join("aside"));
    fs::rename(&summary, &aside).unwrap();
    match Results::read_partial(folder) {
        Ok(results) => look_at(&results),
        Err(error) => assert_plain(&error.to_string()),
    }
    fs::rename(&aside, &summary).unwrap();
}

fn look_at(results: &Results) {
    let _ = results.is_whole();
    if let Err(error) = feedlab_report::render(results) {
        assert_plain(&error.to_string());
    }
    for cell in &results.cells {
        match results.histogram(cell) {
            Ok(ages) => assert_eq!(hlog::decode(&hlog::encode(&ages).unwrap()).as_ref(), Ok(&ages)),
            Err(error) => assert_plain(&error.to_string()),
        }
    }
}
