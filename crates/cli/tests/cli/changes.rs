//! `--set`, `--only`, `--skip`, `--repetitions` and `--seed`: a variation of a scenario without a change to its file.

use serde_json::Value;

use super::processes::alone;
use super::scenario::{TINY, file};
use super::{ends_with, err, feedlab, out};

#[test]
fn a_run_is_changed_and_says_so() {
    let _alone = alone();
    let (folder, _file) = file(TINY);
    let changes = ["--only", "sse", "--set", "measure.duration=1500ms", "--set", "clients.count=2", "--seed", "7"];
    let output = ends_with(0, feedlab(&["run", "scenario.toml"]).args(changes).current_dir(&folder));
    let page =
        out(&output).lines().find_map(|line| line.strip_prefix("report: ").map(str::to_owned)).expect("a report");
    let page = folder.path().join(page);
    let run = page.parent().expect("the run's folder");
    let manifest = std::fs::read_to_string(run.join("manifest.json")).expect("the manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    let expected = ["measure.duration=1500ms", "clients.count=2", "seed=7", "only sse"];
    assert_eq!(manifest["changes"], Value::from(expected.to_vec()));
    assert_eq!((&manifest["cells_planned"], &manifest["seed"]), (&1.into(), &7.into()));
    let kept = std::fs::read_to_string(run.join("scenario.toml")).expect("the scenario");
    assert!(kept.contains("duration = \"1500ms\"") && kept.contains("count = 2"), "{kept}");
    let html = std::fs::read_to_string(&page).expect("the report");
    assert!(html.contains(&expected.join("; ")), "{html}");
}

#[test]
fn a_wrong_change_is_refused_before_anything_is_measured() {
    let (folder, _file) = file(TINY);
    for (change, expected) in [
        (["--set", "clients.coun=2"], "scenario.toml: clients.coun=2: unknown key `coun`; did you mean `count`?"),
        (["--only", "see"], "scenario.toml: there is no contender `see`; did you mean `sse`? this scenario has"),
        (["--repetitions", "0"], "scenario.toml: measure.repetitions=0: `repetitions` is 0; it must be from 1 to"),
    ] {
        for command in ["run", "validate", "predict"] {
            let output = ends_with(2, feedlab(&[command, "scenario.toml"]).args(change).current_dir(&folder));
            assert!(err(&output).starts_with(&format!("error: {expected}")), "{}", err(&output));
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "no results folder");
    let said = out(&ends_with(0, feedlab(&["validate", "scenario.toml", "--repetitions", "5"]).current_dir(&folder)));
    assert!(said.contains("20 cells"), "{said}");
}
