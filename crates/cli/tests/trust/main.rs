//! A run checks itself: if starved or stalled, it is invalid; if undisturbed, it is valid. Real processes, stopped by
//! real signals; a separate test binary, because other tests would be the load that must not be there.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::path::Path;
use std::time::Duration;

use feedlab_experiment::results::Results;
use feedlab_experiment::verdict::{Status, Verdict};
use rustix::process::{Signal, kill_process};

#[path = "../cli/processes.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line, which use more of it")]
mod processes;

use processes::{Run, alone, until};

const SCENARIO: &str = r#"
schema = 1
name = "trust"

[feed]
source = "synthetic"
updates_per_s = 20

[clients]
count = 5
ramp = "100ms"

[measure]
settle = "100ms"
warm_up = "200ms"
duration = "4s"
drain = "1500ms"

[[contender]]
transport = "sse"
"#;

/// The time from the start of the processes to well within the measured period, which starts after about a second.
const INTO_IT: Duration = Duration::from_millis(2_500);
/// Much more than 1% of the measured period, and much more than 100 ms.
const STANDSTILL: Duration = Duration::from_millis(900);

/// Runs the scenario, optionally stops one of its processes for a while, and returns the exit status, the verdict and
/// the page.
fn run(stopped: Option<&str>) -> (Option<i32>, Verdict, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("scenario.toml"), SCENARIO).unwrap();
    let run = Run::start(folder.path());
    until("a server and a load generator", || run.child("serve").is_some() && run.child("generate").is_some());
    if let Some(process) = stopped.and_then(|name| run.child(name)) {
        std::thread::sleep(INTO_IT);
        kill_process(process, Signal::STOP).unwrap();
        std::thread::sleep(STANDSTILL);
        kill_process(process, Signal::CONT).unwrap();
    }
    let (status, _said) = run.end();
    let results = results(&folder.path().join("results"));
    let page = std::fs::read_to_string(results.folder.join("report.html")).unwrap();
    (status, results.summary.verdict, page)
}

fn results(out: &Path) -> Results {
    let run = std::fs::read_dir(out).unwrap().next().unwrap().unwrap();
    Results::read(&run.path()).unwrap()
}

#[track_caller]
fn is_invalid_because(stopped: &str, of: &str) {
    let _alone = alone();
    let (status, verdict, page) = run(Some(stopped));
    assert_eq!((status, verdict.status), (Some(4), Status::Invalid), "{verdict:?}");
    let reasons: Vec<_> = verdict.reasons.iter().filter(|reason| reason.status == Status::Invalid).collect();
    assert!(reasons.iter().any(|reason| reason.what.contains(of)), "{reasons:?}");
    assert!(page.contains("The measurement is invalid"), "the page does not say so");
}

#[test]
fn a_starved_load_generator_is_detected() {
    is_invalid_because("generate", "schedule_lag_p99_us");
}

#[test]
fn a_stalled_publisher_is_detected() {
    is_invalid_because("serve", "publish_lag_p99_us");
}

/// Other load on the machine is not the run's fault and may be temporary: a disturbed run is repeated up to twice.
#[test]
fn an_undisturbed_run_is_valid() {
    let _alone = alone();
    let mut verdicts = Vec::new();
    for _ in 0..3 {
        let (status, mut verdict, _) = run(None);
        assert_eq!(status, Some(0), "{verdict:?}");
        // These processes have the build profile of the tests.
        verdict.reasons.retain(|reason| !(cfg!(debug_assertions) && reason.what.contains("without optimization")));
        if verdict.reasons.is_empty() {
            return;
        }
        verdicts.push(verdict);
    }
    panic!("{verdicts:#?}");
}
