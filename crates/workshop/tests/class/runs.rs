use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::rig::Rig;

const SCENARIO: &str = "scenarios/workshop/how-old.toml";
const ORDER: &str = r#"{"scenario":"scenarios/workshop/how-old.toml","who":"Ada"}"#;

/// Writes a program that replaces `feedlab run`: a shell script determines its output and its results.
fn program(folder: &tempfile::TempDir, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let file = folder.path().join("feedlab");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    file
}

/// Returns a run's summary, as `feedlab run --format json` prints it.
fn summary(status: &str) -> String {
    let reasons =
        if status == "valid" { json!([]) } else { json!([{ "status": status, "what": "too busy", "advice": "rest" }]) };
    json!({
        "schema": 1, "run": "20261121T120030Z-how-old", "verdict": { "status": status, "reasons": reasons }, "contenders": []
    })
    .to_string()
}

async fn finished(rig: &Rig, id: &str) -> Value {
    for _ in 0..500 {
        let status = rig.get(&format!("/workshop/runs/{id}")).await.json();
        if status["state"] != "running" {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the run does not end");
}

#[tokio::test]
async fn a_run_shows_its_progress_and_then_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let leave = "mkdir -p \"$6/20261121T120030Z-how-old\"; echo page > \"$6/20261121T120030Z-how-old/report.html\"";
    let script = format!("echo '[1/3] SSE: measuring, 6 s' >&2\n{leave}\nsleep 0.5\necho '{}'", summary("valid"));
    let rig = Rig::measuring_with(&program(&folder, &script)).await;
    let started = rig.post("/workshop/runs", ORDER).await;
    assert_eq!(started.status, 202, "{}", started.body);
    let id = started.json()["id"].as_str().unwrap().to_owned();
    let busy = rig.post("/workshop/runs", ORDER).await;
    assert_eq!(busy.status, 409);
    assert!(
        busy.body.contains("measured for Ada") && busy.body.contains("only one measurement runs at a time"),
        "{}",
        busy.body
    );
    let status = finished(&rig, &id).await;
    assert_eq!((&status["state"], &status["progress"]), (&json!("done"), &json!(1.0)), "{status}");
    let results = status["results"].as_array().unwrap();
    assert!(!results.is_empty() && results[0]["predicted"].is_number(), "{status}");
    let report = status["report"].as_str().unwrap();
    assert_eq!(report, format!("runs/{id}/report.html"), "relative to `/workshop/`");
    let page = rig.get(&format!("/workshop/{report}")).await;
    assert!(page.status == 200 && page.body.contains("page"), "{}", page.body);
    assert_eq!(rig.get("/workshop/runs/20261121T120030Z-how-old/report.html").await.status, 200);
    let of_scenario = rig.get(&format!("/workshop/runs?scenario={SCENARIO}")).await.json();
    assert_eq!(of_scenario["last"]["id"], json!(id));
}

#[tokio::test]
async fn a_run_that_fails_or_is_invalid_says_why() {
    for (script, state, needle) in [
        ("echo 'error: no space left' >&2; exit 1".to_owned(), "failed", "no space left"),
        ("exit 1".to_owned(), "failed", "exit status: 1"),
        ("echo nonsense".to_owned(), "failed", "the measurement failed"),
        (format!("echo '{}'; exit 4", summary("invalid")), "done", "this machine could not measure it: too busy: rest"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::measuring_with(&program(&folder, &script)).await;
        let id = rig.post("/workshop/runs", ORDER).await.json()["id"].as_str().unwrap().to_owned();
        let status = finished(&rig, &id).await;
        assert_eq!(status["state"], state, "{status}");
        assert!(status["message"].as_str().unwrap().contains(needle), "{status}");
    }
    let rig = Rig::new().await;
    let refused = rig.post("/workshop/runs", ORDER).await;
    assert!(refused.status == 503 && refused.body.contains("cannot start the measurement"), "{}", refused.body);
}

#[tokio::test]
async fn a_run_is_stopped_when_the_server_stops() {
    let folder = tempfile::tempdir().unwrap();
    // It runs until its standard input ends.
    let rig = Rig::measuring_with(&program(&folder, "read _; exit 130")).await;
    let id = rig.post("/workshop/runs", ORDER).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(rig.get(&format!("/workshop/runs/{id}")).await.json()["state"], "running");
    rig.stop.cancel();
    tokio::time::timeout(Duration::from_secs(20), rig.class.close()).await.unwrap();
    let status = rig.get(&format!("/workshop/runs/{id}")).await.json();
    assert!(status["message"].as_str().unwrap().contains("the server was stopped"), "{status}");
}

#[tokio::test]
async fn only_scenarios_of_the_workshop_are_measured() {
    let rig = Rig::new().await;
    for scenario in ["scenarios/quick.toml", "scenarios/workshop/../quick.toml", "/etc/passwd", ""] {
        let refused = rig.post("/workshop/runs", &format!("{{\"scenario\":\"{scenario}\"}}")).await;
        assert!(refused.status == 404 && refused.body.contains("not a scenario of the workshop"), "{}", refused.body);
    }
    let refused = rig.post("/workshop/runs", "{\"scenari\":1}").await;
    assert!(refused.status == 400 && refused.body.contains("scenarios/workshop/NAME.toml"), "{}", refused.body);
}

#[tokio::test]
async fn a_recorded_run_is_served_with_its_report() {
    let rig = Rig::new().await;
    for _ in 0..2 {
        let page = rig.get("/workshop/runs/recorded-how-old/report.html").await;
        assert!(page.status == 200 && page.body.contains("<h2 id=\"verdict\">"), "{}", page.head);
        let script = format!("script-src {}", feedlab_report::SCRIPT_SOURCE);
        let is_sent = page.head.contains(&script.to_ascii_lowercase());
        assert!(is_sent && page.body.contains(&script), "the script runs: {}", page.head);
    }
    let summary = rig.get("/workshop/runs/recorded-how-old/summary.json").await.json();
    assert!(summary["run"].as_str().is_some_and(|run| run.ends_with("-how-old")), "{summary}");
}

#[tokio::test]
async fn files_outside_the_results_are_not_served() {
    let rig = Rig::new().await;
    std::fs::write(rig.folder.path().join("report.html"), "outside").unwrap();
    for path in [
        "1",
        "x",
        "1/report.html",
        "%2e%2e/report.html",
        "..%2fx/report.html",
        "a/charts/..%2f..%2fx.svg",
        "a/cells.ndjson",
        "recorded-nothing/report.html",
        "recorded-/report.html",
        "recorded-..%2fhow-old/report.html",
        "recorded-how-old/manifest.json",
    ] {
        assert_eq!(rig.get(&format!("/workshop/runs/{path}")).await.status, 404, "{path}");
    }
    assert_eq!(rig.get("/workshop/runs").await.status, 400);
}
