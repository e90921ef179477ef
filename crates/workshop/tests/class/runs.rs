use super::rig::Rig;

#[tokio::test]
async fn only_scenarios_of_the_workshop_are_measured() {
    let rig = Rig::new().await;
    for scenario in ["scenarios/quick.toml", "scenarios/workshop/../quick.toml", "/etc/passwd", ""] {
        let refused = rig.post("/workshop/runs", &format!("{{\"scenario\":\"{scenario}\"}}")).await;
        assert!(refused.status == 404 && refused.body.contains("no scenario of the workshop"), "{}", refused.body);
    }
    let refused = rig.post("/workshop/runs", "{\"scenari\":1}").await;
    assert!(refused.status == 400 && refused.body.contains("scenarios/workshop/NAME.toml"), "{}", refused.body);
}

#[tokio::test]
async fn what_no_run_has_left_is_not_there() {
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
    ] {
        assert_eq!(rig.get(&format!("/workshop/runs/{path}")).await.status, 404, "{path}");
    }
    assert_eq!(rig.get("/workshop/runs").await.status, 400);
}
