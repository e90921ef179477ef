use std::fs;

use super::*;
use crate::record::{SCHEMA, Second};
use crate::summary::Summary;
use crate::{Metric, Verdict, fixture, hlog};

const STARTED: &str = "2026-11-21T12:00:30Z";

fn create(out: &Path) -> RunFolder {
    RunFolder::create(out, &fixture::scenario(), humantime::parse_rfc3339(STARTED).unwrap()).unwrap()
}

fn second(cell: &str) -> Second {
    Second {
        cell: cell.to_owned(),
        second: 0,
        updates: 1,
        age_mean_us: Some(1.5),
        age_p50_us: None,
        age_p99_us: None,
        age_max_us: Some(2),
    }
}

/// A scenario text with comments and line ends, which the manifest does not contain.
const SCENARIO_TEXT: &str = "# \u{fffd} why\r\nschema = 1\n\n";

/// Creates a finished folder with one cell.
fn finished(out: &Path) -> PathBuf {
    let mut folder = create(out);
    let cell = fixture::cell(1, &[(Metric::UpdatesMissed, 0.0)]);
    let mut log = hlog::Writer::create(&folder.hlog_path(&cell.cell), cell.started_at).unwrap();
    log.second(0, &fixture::histogram([1, 2, 3])).unwrap();
    log.finish().unwrap();
    folder.add_cell(&cell, &[second(&cell.cell)]).unwrap();
    folder.keep_scenario(SCENARIO_TEXT).unwrap();
    folder.write_manifest(&fixture::manifest(folder.id())).unwrap();
    let run = folder.id().to_owned();
    folder
        .write_summary(&Summary {
            schema: SCHEMA,
            run,
            verdict: Verdict::default(),
            contenders: Vec::new(),
            precision: Vec::new(),
        })
        .unwrap();
    folder.finish().unwrap()
}

#[test]
fn what_is_written_reads_back() {
    let out = tempfile::tempdir().unwrap();
    let path = finished(&out.path().join("new/results"));
    assert_eq!(path, out.path().join("new/results/20261121T120030Z-fixture"));
    let results = Results::read(&path).unwrap();
    assert_eq!(results.manifest, fixture::manifest("20261121T120030Z-fixture"));
    assert_eq!(results.scenario_file.as_deref(), Some(SCENARIO_TEXT));
    assert_eq!(results.cells, [fixture::cell(1, &[(Metric::UpdatesMissed, 0.0)])]);
    assert_eq!(results.seconds, [second("01-sse-c50-r1")]);
    assert_eq!(results.histogram(&results.cells[0]).unwrap(), fixture::histogram([1, 2, 3]));
}

#[test]
fn m6_an_unfinished_folder_is_read_as_far_as_possible() {
    let out = tempfile::tempdir().unwrap();
    let path = finished(out.path());
    assert_eq!(Results::read_partial(&path).unwrap(), Results::read(&path).unwrap());
    fs::remove_file(path.join(SUMMARY)).unwrap();
    assert!(Results::read(&path).unwrap_err().to_string().contains("feedlab report"));
    let partial = Results::read_partial(&path).unwrap();
    assert!(!partial.is_whole() && partial.cells.len() == 1 && partial.seconds.len() == 1);
    assert_eq!(partial.summary.contenders[0].value(Metric::UpdatesMissed), Some(0.0));
    assert!(partial.summary.verdict.reasons[0].what.starts_with("only 1 of"), "{:?}", partial.summary.verdict);
    fs::write(path.join(CELLS), "").unwrap();
    let error = Results::read_partial(&path).unwrap_err().to_string();
    assert!(error.contains("no finished cell"), "{error}");
}

#[test]
fn a_run_without_measurements_removes_the_folder_that_it_created() {
    let out = tempfile::tempdir().unwrap();
    let (made, was_there) = (out.path().join("made"), out.path().join("was_there"));
    fs::create_dir(&was_there).unwrap();
    create(&made).discard().unwrap();
    create(&was_there).discard().unwrap();
    assert!(!made.exists() && was_there.exists());
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let out = tempfile::tempdir().unwrap();
    let first = create(out.path());
    let second = create(out.path());
    assert_eq!((first.id(), second.id()), ("20261121T120030Z-fixture", "20261121T120030Z-fixture-2"));
    first.finish().unwrap();
    assert_eq!(create(out.path()).id(), "20261121T120030Z-fixture-3");
}

#[test]
fn a_folder_is_partial_until_finished_and_removed_when_discarded() {
    let out = tempfile::tempdir().unwrap();
    let folder = create(out.path());
    assert_eq!(folder.path(), out.path().join("20261121T120030Z-fixture.partial"));
    assert!(folder.path().is_dir() && !out.path().join(folder.id()).exists());
    folder.discard().unwrap();
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn a_name_never_leads_outside_the_folder() {
    let out = tempfile::tempdir().unwrap();
    let mut scenario = fixture::scenario();
    scenario.name = "../../é x".to_owned();
    let folder = RunFolder::create(out.path(), &scenario, humantime::parse_rfc3339(STARTED).unwrap()).unwrap();
    assert_eq!(folder.id(), "20261121T120030Z---------x");
}

#[test]
fn a_folder_without_results_is_reported_with_the_missing_file() {
    let out = tempfile::tempdir().unwrap();
    let path = finished(out.path());
    for (missing, folder) in
        [(MANIFEST, out.path()), (MANIFEST, &out.path().join("nowhere")), (MANIFEST, &path.join(CELLS))]
    {
        let error = Results::read(folder).unwrap_err().to_string();
        let expected = format!("{} is not a results folder: it has no {missing}; ", folder.display());
        assert!(error.starts_with(&expected), "{error}");
    }
    fs::remove_file(path.join(SUMMARY)).unwrap();
    assert!(Results::read(&path).unwrap_err().to_string().contains("it has no summary.json"));
}

#[test]
fn damaged_files_are_named_with_the_position() {
    let out = tempfile::tempdir().unwrap();
    let path = finished(out.path());
    let damage = |file: &str, change: &dyn Fn(String) -> String| {
        let whole = fs::read_to_string(path.join(file)).unwrap();
        fs::write(path.join(file), change(whole.clone())).unwrap();
        let error = Results::read(&path).unwrap_err().to_string();
        fs::write(path.join(file), whole).unwrap();
        error.replace(&path.display().to_string(), "RUN")
    };
    let cut_off = damage(CELLS, &|text| format!("{text}{}", &text[..50]));
    assert!(cut_off.starts_with("RUN/cells.ndjson, line 2: EOF while parsing"), "{cut_off}");
    let newer = damage(MANIFEST, &|text| text.replace("\"schema\": 1", "\"schema\": 2"));
    assert_eq!(
        newer,
        "RUN/manifest.json has schema 2, but this version of feedlab reads schema 1; use the version that wrote it"
    );
    let empty = damage(SUMMARY, &|_| String::new());
    assert!(empty.starts_with("RUN/summary.json cannot be understood: EOF"), "{empty}");
}

#[test]
fn what_a_file_says_is_quoted_without_its_hidden_characters() {
    let out = tempfile::tempdir().unwrap();
    let path = finished(out.path());
    for (name, text) in [
        (CELLS, "{\"cell\":\"a\",\"label\":\"b\",\"transport\":\"\u{202e}sse\"}"),
        (MANIFEST, "{\"schema\":1,\"scenario\":{\"feed\":{\"source\":\"\u{2066}\"}}}"),
        (SUMMARY, "{\"schema\":\"\u{1b}\"}"),
        (SUMMARY, "{\"schema\":\"\u{200b}1\"}"),
    ] {
        let before = fs::read(path.join(name)).unwrap();
        fs::write(path.join(name), text).unwrap();
        let error = Results::read(&path).unwrap_err().to_string();
        assert!(error.contains(name) && !error.contains(feedlab_feed::text::is_hidden), "{error:?}");
        fs::write(path.join(name), before).unwrap();
    }
}

#[test]
fn a_folder_without_a_scenario_file_is_an_older_one_and_a_damaged_one_is_named() {
    let out = tempfile::tempdir().unwrap();
    let path = finished(out.path());
    let file = path.join(SCENARIO);
    fs::remove_file(&file).unwrap();
    assert_eq!(Results::read(&path).unwrap().scenario_file, None);
    for (content, why) in [(vec![b'#'; (1 << 20) + 1], "more than 1 MiB"), (vec![0xff], "UTF-8")] {
        fs::write(&file, content).unwrap();
        let error = Results::read(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot read {}: ", file.display())) && error.contains(why), "{error}");
    }
}

#[test]
fn a_damaged_histogram_is_named() {
    let out = tempfile::tempdir().unwrap();
    let path = finished(out.path());
    let results = Results::read(&path).unwrap();
    let file = hlog_path(&path, &results.cells[0].cell);
    fs::write(&file, "0.000,1.000,3.000,bm9wZQ==\n").unwrap();
    let error = results.histogram(&results.cells[0]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{} cannot be understood: ", file.display())), "{error}");
    fs::remove_file(&file).unwrap();
    let error = results.histogram(&results.cells[0]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read {}: ", file.display())), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_reported_as_such() {
    use std::io::Write as _;
    let full = Path::new("/dev/full");
    let error = fs::OpenOptions::new().write(true).open(full).unwrap().write_all(b"x").unwrap_err();
    let message = ResultsError::write(full, error).to_string();
    assert!(message.starts_with("no space left to write /dev/full; the results so far are kept"), "{message}");
}

#[test]
fn an_unwritable_path_is_named() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("file");
    fs::write(&file, "").unwrap();
    let error = RunFolder::create(&file, &fixture::scenario(), humantime::parse_rfc3339(STARTED).unwrap())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(&format!("cannot write {}", file.display())), "{error}");
}
