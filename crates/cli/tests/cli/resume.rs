//! `run --resume`: the rest of a run that was interrupted, failed or killed; and runs that notice each other.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Output;

use rustix::process::Signal;
use serde_json::Value;

use super::processes::{Run, alone, marked, until};
use super::scenario::{TINY, file};
use super::{ends_with, err, feedlab, out};

/// Returns the only results folder.
fn only_run(folder: &Path) -> PathBuf {
    let mut runs = std::fs::read_dir(folder.join("results")).expect("the results").flatten().map(|entry| entry.path());
    let run = runs.next().expect("a run");
    assert!(runs.next().is_none(), "only one");
    run
}

fn lines(run: &Path, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join(name)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn json(run: &Path, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(run.join(name)).expect(name)).expect("JSON")
}

/// Starts a run, and stops it with a signal when its first cell is done. Returns its folder.
fn stopped_by(signal: Signal, folder: &Path) -> PathBuf {
    let run = Run::start(folder);
    let mark = run.mark();
    let measuring = || run.processes() == 3;
    until("it measures", measuring);
    until("a cell is done", || lines(&only_run(folder), "cells.ndjson").len() == 1);
    run.signal(signal);
    let (_, said) = run.end();
    until("its children have ended", || marked(&mark).is_empty());
    let run = only_run(folder);
    if signal != Signal::KILL {
        assert!(said.contains("feedlab run --resume results/"), "{said}");
    }
    run
}

fn resume(status: i32, run: &Path, more: &[&str], folder: &Path) -> Output {
    let run = run.to_str().expect("UTF-8");
    let mut command = feedlab(&["run", "--resume", run]);
    ends_with(status, command.args(more).current_dir(folder).env("XDG_RUNTIME_DIR", folder))
}

#[test]
fn an_interrupted_run_is_finished_and_a_killed_one_too() {
    let _alone = alone();
    for signal in [Signal::INT, Signal::KILL] {
        let (folder, _file) = file(TINY);
        let folder = folder.path();
        let stopped = stopped_by(signal, folder);
        let first = lines(&stopped, "cells.ndjson");
        // What a killed process may leave of an unfinished cell.
        std::fs::write(stopped.join("histograms/half.hlog"), "half").expect("a log");
        let text = std::fs::read_to_string(stopped.join("cells.ndjson")).expect("cells");
        std::fs::write(stopped.join("cells.ndjson"), text + "{\"cell\": \"01-sh").expect("half a line");

        let output = resume(0, &stopped, &["scenario.toml"], folder);
        assert!(err(&output).contains("1 of 4 cells are done; the others take about"), "{}", err(&output));
        let run = only_run(folder);
        assert!(run.extension().is_none(), "{run:?}");
        let cells = lines(&run, "cells.ndjson");
        assert_eq!((cells.len(), &cells[0]), (4, &first[0]), "the first cell is as it was");
        let mut measured: Vec<&str> = cells.iter().filter_map(|cell| cell["cell"].as_str()).collect();
        measured.sort_unstable();
        measured.dedup();
        assert_eq!(measured.len(), 4, "each cell once: {measured:?}");
        let logs = std::fs::read_dir(run.join("histograms")).expect("histograms").count();
        let seconds = lines(&run, "timeseries.ndjson");
        assert_eq!((logs, seconds.len()), (4, 4), "a log and a second of each cell");
        let manifest = json(&run, "manifest.json");
        assert_eq!(manifest["resumed"].as_array().map(Vec::len), Some(1));
        assert_eq!((&manifest["cells_measured"], &manifest["cells_planned"]), (&4.into(), &4.into()));
        assert_eq!(json(&run, "summary.json")["contenders"].as_array().map(Vec::len), Some(4));
        assert!(out(&output).contains("report: "), "{}", out(&output));

        let again = resume(2, &run, &[], folder);
        assert!(err(&again).contains("is complete: all of its 4 cells were measured"), "{}", err(&again));
    }
}

#[test]
fn a_run_is_resumed_only_as_it_was_begun() {
    let _alone = alone();
    let (folder, path) = file(TINY);
    let folder = folder.path();
    let run = stopped_by(Signal::INT, folder);
    for (more, expected) in [
        (&["scenario.toml", "--set", "clients.count=7"][..], "clients.count is 7 in the file and 5 in the folder"),
        (&["scenario.toml", "--seed", "9"], "seed is 9 in the file"),
        (&["scenario.toml", "--only", "sse"], "the list of contenders is"),
        (&["--only", "sse"], "leave out --set, --only"),
        (&["scenario.toml", "scenario.toml"], "give one, or none"),
        (&["scenario.toml", "--nats", "nats://127.0.0.1", "--agents", "2"], "cannot be used with"),
    ] {
        let said = err(&resume(2, &run, more, folder));
        assert!(said.contains(expected), "{more:?}: {said}");
    }
    let kept =
        std::fs::read_to_string(&path).expect("the scenario").replace("updates_per_s = 20", "updates_per_s = 21");
    std::fs::write(run.join("scenario.toml"), kept).expect("a changed file");
    let said = err(&resume(2, &run, &[], folder));
    assert!(said.contains("feed.updates_per_s is 21"), "{said}");
    std::fs::remove_file(run.join("scenario.toml")).expect("it is there");
    let said = err(&resume(2, &run, &[], folder));
    assert!(said.contains("has no scenario.toml, which says what to measure"), "{said}");
    assert_eq!(lines(&run, "cells.ndjson").len(), 1, "nothing was touched");
    assert!(run.join("report.html").exists());
    let said = err(&resume(2, folder, &[], folder));
    assert!(said.contains("is not a results folder"), "{said}");
}

#[test]
fn two_runs_on_one_machine_notice_each_other() {
    let _alone = alone();
    let (folder, _file) = file(TINY);
    let folder = folder.path();
    let first = Run::start(folder);
    until("the first run measures", || first.processes() == 3);
    let running = only_run(folder);
    let said = err(&resume(2, &running, &[], folder));
    assert!(said.contains("is still being measured by another process"), "{said}");

    let mut second = feedlab(&["run", "scenario.toml", "--out", "others", "--only", "sse"]);
    let second = ends_with(0, second.current_dir(folder).env("XDG_RUNTIME_DIR", folder));
    assert!(err(&second).contains("warning: another run is measuring on this machine, 20"), "{}", err(&second));
    assert!(out(&second).contains("another run measured on this machine at the same time: 20"), "{}", out(&second));
    let (status, said) = first.end();
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("warning: another run is measuring on this machine, 20"), "{said}");
    let left = std::fs::read_dir(folder.join("feedlab-runs")).expect("the folder").count();
    assert_eq!(left, 0, "both are gone");
}
