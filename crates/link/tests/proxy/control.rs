//! The control API: the orders that it takes, and its errors.

use feedlab_feed::link::Network;
use feedlab_link::LinkSettings;

use super::rig::{Rig, ms};

#[tokio::test]
async fn settings_can_be_shown_and_changed_one_by_one() {
    let settings = Network { rtt: ms(100), idle_timeout: Some(ms(10_000)), ..Network::default() };
    let rig = Rig::start(settings).await;
    let (status, _, before) = rig.ask("GET", "/settings", "", "").await;
    assert_eq!(status, 200);
    let expected = serde_json::json!({
        "rtt_ms": 100.0, "jitter_ms": 0.0, "bandwidth_bytes_per_s": null, "idle_timeout_ms": 10000.0,
        "buffer_bytes": null, "reader_bytes_per_s": null, "reader_share": 1.0,
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&before).unwrap(), expected);
    let now = rig.set(r#"{"jitter_ms": 0.5, "idle_timeout_ms": null, "bandwidth_bytes_per_s": 1000}"#).await;
    assert_eq!((&now["jitter_ms"], &now["rtt_ms"]), (&0.5.into(), &100.0.into()));
    assert_eq!((&now["idle_timeout_ms"], &now["bandwidth_bytes_per_s"]), (&serde_json::Value::Null, &1000.into()));
    assert_eq!(rig.set(&now.to_string()).await, now, "settings that are shown can be sent back");
    rig.end().await;
}

#[tokio::test]
async fn an_invalid_order_is_rejected_with_the_field_and_its_range() {
    let rig = Rig::start(LinkSettings::default()).await;
    for (path, body, says) in [
        ("/fault", "", "the body is not JSON"),
        ("/fault", "[1]", "the body must be a JSON object"),
        (
            "/fault",
            "{}",
            "`kind` is missing; it must be one of cut, reset, black-hole, ramp, refuse, status-503, status-204, wrong-type",
        ),
        ("/fault", r#"{"kind": "kill"}"#, "`kind` must be one of cut, "),
        ("/fault", r#"{"kind": 3}"#, "`kind` must be a string; got 3"),
        ("/fault", r#"{"kind": "cut", "share": 0}"#, "`share` must be above 0 and at most 1"),
        ("/fault", r#"{"kind": "cut", "share": "all"}"#, "`share` must be a number; got \\\"all\\\""),
        ("/fault", r#"{"kind": "cut", "for_ms": -1}"#, "`for_ms` must be a number of milliseconds, 0 or more; got -1"),
        ("/fault", r#"{"kind": "cut", "for_ms": 1e300}"#, "`for_ms` must be a number of milliseconds"),
        ("/fault", r#"{"kind": "black-hole"}"#, "`for_ms` must be above 0 for black-hole"),
        ("/fault", r#"{"kind": "refuse", "for_ms": 5, "share": 0.5}"#, "`share` must be 1 for refuse"),
        (
            "/fault",
            r#"{"kind": "cut", "fr_ms": 1}"#,
            "unknown field `fr_ms`; the fields are `kind`, `for_ms`, `share`, `every_ms`, `at_random`",
        ),
        ("/fault", r#"{"kind": "cut", "every_ms": 0}"#, "`every_ms` must be from 10 to"),
        ("/settings", r#"{"rtt_ms": "100ms"}"#, "`rtt_ms` must be a number of milliseconds, 0 or more; got"),
        ("/settings", r#"{"rtt_ms": 1e9}"#, "`rtt_ms` must be at most 60000"),
        ("/settings", r#"{"bandwidth_bytes_per_s": 1.5}"#, "`bandwidth_bytes_per_s` must be a whole number, or null"),
        ("/settings", r#"{"buffer_bytes": 0}"#, "`buffer_bytes` must be a whole number from 1 to 1048576"),
        ("/settings", r#"{"idle_timeout_ms": 0}"#, "`idle_timeout_ms` must be above 0"),
        ("/settings", r#"{"latency": 5}"#, "unknown field `latency`; the fields are `rtt_ms`, `jitter_ms`, "),
    ] {
        let method = if path == "/fault" { "POST" } else { "PUT" };
        let (status, _, answer) = rig.ask(method, path, "", body).await;
        assert!(status == 400 && answer.contains(says), "{path} {body}: {status} {answer}");
    }
    let stats = rig.stats().await;
    assert_eq!(stats["faults"]["cut"], 0, "no fault was injected: {stats}");
    assert_eq!(rig.ask("POST", "/fault", "", &" ".repeat(20_000)).await.0, 413);
    assert_eq!(rig.ask("GET", "/nowhere", "", "").await.0, 404);
    assert_eq!(rig.ask("DELETE", "/settings", "", "").await.0, 405);
    rig.end().await;
}

#[tokio::test]
async fn only_pages_of_this_machine_may_use_the_control_api() {
    let rig = Rig::start(LinkSettings::default()).await;
    for origin in ["http://127.0.0.1:8080", "http://localhost:3000", "http://localhost"] {
        let field = format!("Origin: {origin}\r\n");
        let (status, head, _) = rig.ask("POST", "/heal", &field, "").await;
        assert!(status == 200 && head.contains(&format!("access-control-allow-origin: {origin}")), "{head}");
        let (status, head, _) = rig.ask("OPTIONS", "/settings", &field, "").await;
        assert!(status == 204 && head.contains("access-control-allow-methods: get, post, put"), "{head}");
    }
    for origin in ["http://example.org", "https://127.0.0.1:80", "null", "http://127.0.0.1.example.org", ""] {
        let (status, head, _) = rig.ask("POST", "/fault", &format!("Origin: {origin}\r\n"), r#"{"kind":"cut"}"#).await;
        assert!(status == 403 && !head.contains("allow-origin"), "{origin}: {head}");
    }
    let (status, head, _) = rig.ask("GET", "/stats", "", "").await;
    assert!(status == 200 && !head.contains("allow-origin"), "{head}");
    assert_eq!(rig.stats().await["faults"]["cut"], 0);
    rig.end().await;
}

#[tokio::test]
async fn help_and_health_are_served() {
    let rig = Rig::start(LinkSettings::default()).await;
    let (status, _, help) = rig.ask("GET", "/", "", "").await;
    assert!(status == 200 && help.contains(&format!("curl http://{}/stats", rig.control)), "{help}");
    assert_eq!(rig.ask("GET", "/healthz", "", "").await.0, 200);
    rig.end().await;
}

#[tokio::test]
async fn every_order_in_the_help_is_valid() {
    let rig = Rig::start(LinkSettings::default()).await;
    let (_, _, help) = rig.ask("GET", "/", "", "").await;
    let mut orders = 0;
    for line in help.lines().filter(|line| line.contains("curl ")) {
        let path = format!("/{}", line.split("http://").nth(1).unwrap().split([' ', '/']).nth(1).unwrap());
        let body = line.split('\'').nth(1).unwrap_or_default();
        let method = match (line.contains("-X PUT"), body.is_empty() && !line.contains("-X POST")) {
            (true, _) => "PUT",
            (false, true) => "GET",
            (false, false) => "POST",
        };
        let (status, _, answer) = rig.ask(method, &path, "", body).await;
        assert_eq!(status, 200, "{line}: {answer}");
        orders += 1;
    }
    assert!(orders >= 16, "{help}");
    rig.end().await;
}
