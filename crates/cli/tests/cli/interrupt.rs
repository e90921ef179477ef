//! Stopping a run: finished cells are kept, and no process is left, whatever stops the run.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};

use rustix::process::{Signal, kill_process};

use super::processes::{Run, alone, marked, until};
use super::scenario::{TINY, file};

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("results")).map(|entries| entries.flatten().map(|entry| entry.path()));
    entries.map(Iterator::collect).unwrap_or_default()
}

/// Returns the number of finished cells.
fn cells(folder: &Path) -> usize {
    let lines = |run: &PathBuf| std::fs::read_to_string(run.join("cells.ndjson")).unwrap_or_default().lines().count();
    folders(folder).iter().map(lines).sum()
}

/// Starts a run, and waits for its server and load generator.
fn measuring(folder: &Path) -> Run {
    let run = Run::start(folder);
    until("the run, a server and a load generator", || run.processes() == 3);
    run
}

#[test]
fn ctrl_c_in_the_first_cell_leaves_nothing() {
    let _alone = alone();
    let (folder, _file) = file(TINY);
    let run = measuring(folder.path());
    let mark = run.mark();
    run.signal(Signal::INT);
    let (status, said) = run.end();
    assert_eq!(status, Some(130), "{said}");
    assert!(said.contains("nothing was kept"), "{said}");
    assert_eq!((marked(&mark), folders(folder.path())), (vec![], vec![]));
}

/// Checks that a run that this signal stops after its first cell keeps the cell and a report.
fn keeps_finished_cells(signal: Signal) {
    let _alone = alone();
    let (folder, _file) = file(TINY);
    let run = measuring(folder.path());
    let mark = run.mark();
    until("a cell is done", || cells(folder.path()) == 1);
    run.signal(signal);
    let (status, said) = run.end();
    assert_eq!(status, Some(130), "{said}");
    assert!(marked(&mark).is_empty());
    let [kept] = &folders(folder.path())[..] else { panic!("one folder") };
    assert!(kept.extension().is_none(), "{kept:?}");
    for name in ["manifest.json", "summary.json", "cells.ndjson", "report.html"] {
        assert!(kept.join(name).exists(), "{name}");
    }
    let logs = std::fs::read_dir(kept.join("histograms")).expect("the histograms").count();
    assert_eq!((cells(folder.path()), logs), (1, 1), "an unfinished cell leaves nothing");
    let summary = std::fs::read_to_string(kept.join("summary.json")).expect("the summary");
    assert!(summary.contains("only 1 of 4 cells were measured"), "{summary}");
}

#[test]
fn a_stopped_run_keeps_the_finished_cells_and_their_report() {
    keeps_finished_cells(Signal::TERM);
}

/// The terminal is closed, or the connection to the machine is lost.
#[test]
fn m6_a_closed_terminal_stops_a_run_gracefully_and_keeps_the_finished_cells() {
    keeps_finished_cells(Signal::HUP);
}

/// `nohup` starts a program with the signal ignored, so it continues.
#[test]
fn m6_a_run_under_nohup_ignores_a_closed_terminal() {
    let _alone = alone();
    let (folder, _file) = file(TINY);
    let run = Run::start_by(folder.path(), &["nohup"]);
    until("a cell is done", || cells(folder.path()) == 1);
    run.signal(Signal::HUP);
    let (status, said) = run.end();
    assert_eq!((status, cells(folder.path())), (Some(0), 4), "{said}");
}

#[test]
fn a_second_ctrl_c_stops_it_immediately() {
    let _alone = alone();
    let (folder, _file) = file(TINY);
    let run = measuring(folder.path());
    let mark = run.mark();
    run.signal(Signal::INT);
    run.signal(Signal::INT);
    let (status, said) = run.end();
    assert_eq!(status, Some(130), "{said}");
    until("its children have ended", || marked(&mark).is_empty());
}

#[test]
fn a_killed_run_leaves_no_child() {
    let _alone = alone();
    let (folder, _file) = file(TINY);
    let run = measuring(folder.path());
    let mark = run.mark();
    run.signal(Signal::KILL);
    assert_eq!(run.end().0, None);
    until("its children have ended", || marked(&mark).is_empty());
}

#[test]
fn the_death_of_a_child_ends_the_run_with_its_name() {
    let _alone = alone();
    for (subcommand, name) in [("serve", "the server"), ("generate", "the load generator")] {
        let (folder, _file) = file(TINY);
        let run = measuring(folder.path());
        let mark = run.mark();
        // Between its fork and its exec, a child still looks like the run.
        until("the child", || run.child(subcommand).is_some());
        kill_process(run.child(subcommand).expect("the child"), Signal::KILL).expect("it is still there");
        let (status, said) = run.end();
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains(&format!("{name} exited too early (signal: 9 (SIGKILL))")), "{said}");
        assert_eq!((marked(&mark), folders(folder.path())), (vec![], vec![]), "{said}");
    }
}
