//! Tests of resuming.

use super::*;
use crate::fixture::{self, CellFixture};

/// A run of four cells of which the first two are done.
fn half(out: &Path) -> PathBuf {
    let scenario = fixture::scenario();
    let plan = plan::cells(&scenario);
    let first: Vec<String> = plan[..2].iter().map(|cell| cell.id.clone()).collect();
    let found =
        |cell: &Cell| first.contains(&cell.id).then(|| CellFixture { ages: vec![1, 2], ..CellFixture::default() });
    fixture::run(out, &scenario, 1_790_000_000_000_000, found).folder
}

#[test]
fn the_folder_becomes_an_unfinished_one_that_one_process_can_open() {
    let out = tempfile::tempdir().unwrap();
    let folder = half(out.path());
    let unfinished = Unfinished::read(&folder).unwrap();
    assert_eq!(unfinished.plan(), plan::cells(&fixture::scenario()));
    let opened = unfinished.open().unwrap();
    assert!(opened.path().to_string_lossy().ends_with(PARTIAL) && !folder.exists());
    assert!(!opened.path().join(SUMMARY).exists(), "it would be that of the first half");
    assert!(matches!(unfinished_at(opened.path()).open(), Err(ResumeError::Busy { .. })));
    let path = opened.path().to_owned();
    drop(opened);
    assert_eq!(unfinished_at(&path).open().unwrap().finish().unwrap(), folder.canonicalize().unwrap_or(folder));
}

fn unfinished_at(folder: &Path) -> Unfinished {
    Unfinished::read(folder).unwrap()
}

#[test]
fn what_is_left_of_an_unfinished_cell_is_deleted_and_nothing_else() {
    let out = tempfile::tempdir().unwrap();
    let folder = half(out.path());
    let (cells, seconds) = (folder.join(CELLS), folder.join(SECONDS));
    let whole = fs::read_to_string(&cells).unwrap();
    let other = fs::read_to_string(&seconds).unwrap().lines().next().unwrap().replace("r1", "r9").replace("r2", "r9");
    fs::write(&cells, whole.clone() + "{\"cell\"").unwrap();
    fs::write(&seconds, fs::read_to_string(&seconds).unwrap() + &other + "\n{\"ce").unwrap();
    fs::write(hlog_path(&folder, "02-websocket-c50-r9"), "").unwrap();
    let opened = unfinished_at(&folder).open().unwrap();
    let read = |name: &str| fs::read_to_string(opened.path().join(name)).unwrap();
    assert_eq!(read(CELLS), whole);
    assert_eq!(read(SECONDS).lines().count(), 2);
    assert_eq!(fs::read_dir(opened.path().join(HISTOGRAMS)).unwrap().count(), 2);
}

#[test]
fn a_run_that_this_process_cannot_finish_is_refused_and_not_touched() {
    let out = tempfile::tempdir().unwrap();
    let folder = half(out.path());
    let refused = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest: Manifest = read_json(&folder, MANIFEST).unwrap();
        change(&mut manifest);
        let other = out.path().join("other");
        fs::create_dir_all(other.join(HISTOGRAMS)).unwrap();
        for name in [CELLS, SECONDS] {
            fs::copy(folder.join(name), other.join(name)).unwrap();
        }
        for log in fs::read_dir(folder.join(HISTOGRAMS)).unwrap().flatten() {
            fs::copy(log.path(), other.join(HISTOGRAMS).join(log.file_name())).unwrap();
        }
        fs::write(other.join(MANIFEST), serde_json::to_string(&manifest).unwrap()).unwrap();
        Unfinished::read(&other).unwrap_err().to_string()
    };
    assert!(refused(&|manifest| manifest.merged_from = vec!["a".into()]).contains("was merged from other runs"));
    assert!(refused(&|manifest| manifest.agents = vec!["a".into(), "b".into()]).contains("2 load generators (a, b)"));
    assert!(refused(&|manifest| manifest.scenario.contenders.truncate(1)).contains("not in its scenario's plan"));
}

#[test]
fn another_machine_makes_the_run_suspect_and_stays_in_its_verdict() {
    let out = tempfile::tempdir().unwrap();
    let mut unfinished = Unfinished::read(&half(out.path())).unwrap();
    let mut now = unfinished.manifest.clone();
    assert_eq!(unfinished.doubts(&now), []);
    now.machine.kernel = "7.0".to_owned();
    let [doubt] = &unfinished.doubts(&now)[..] else { panic!("one") };
    assert!(doubt.what.contains("kernel is ") && doubt.what.contains("7.0 in its last"), "{}", doubt.what);
    unfinished.manifest.verdict.add(doubt.clone());
    unfinished.manifest.machine.kernel = "7.0".to_owned();
    assert_eq!(unfinished.doubts(&now).len(), 1, "a third part on the second machine");
}

#[test]
fn a_run_with_a_precision_keeps_its_repetitions_beyond_the_plan() {
    let out = tempfile::tempdir().unwrap();
    let folder = half(out.path());
    let mut unfinished = unfinished_at(&folder);
    let further = CellRecord { repetition: 13, ..unfinished.cells[0].clone() };
    let further = CellRecord { cell: further.cell.replace("-r1", "-r13").replace("-r2", "-r13"), ..further };
    fs::copy(hlog_path(&folder, &unfinished.cells[0].cell), hlog_path(&folder, &further.cell)).unwrap();
    unfinished.cells.push(further.clone());
    assert!(matches!(unfinished.check_cells(), Err(ResumeError::Unplanned { .. })), "without a precision");
    let goals = vec!["age_p99_us ± 5 %".parse().unwrap()];
    unfinished.manifest.scenario.precision =
        Some(crate::precision::Precision { goals, cap: crate::precision::USUAL_CAP });
    unfinished.check_cells().unwrap();
    let plan = unfinished.plan();
    assert_eq!((plan.len(), &plan[4].id), (5, &further.cell));
}

#[test]
fn a_cell_that_is_there_twice_is_refused() {
    let out = tempfile::tempdir().unwrap();
    let mut unfinished = unfinished_at(&half(out.path()));
    unfinished.cells.push(unfinished.cells[0].clone());
    let error = unfinished.check_cells().unwrap_err().to_string();
    assert!(error.contains("has a cell twice"), "{error}");
}
