use std::time::Duration;

use feedlab_testkit::http::ask_async as ask;

use crate::harness::{Rig, pause};
use feedlab_workshop::lab::Labs;
use feedlab_workshop::limits::MAX_LABS;

#[tokio::test]
async fn a_lab_without_requests_ends() {
    let rig = Rig::with(&Labs::new(None).with_idle_timeout(Duration::from_millis(600))).await;
    let (used, unused) = (rig.open("{}").await, rig.open("{}").await);
    for _ in 0..10 {
        pause(150).await;
        assert_eq!(used.order("GET", "", "").await.status, 200);
    }
    assert_eq!(unused.order("GET", "", "").await.status, 404);
    pause(900).await;
    assert_eq!(used.order("GET", "", "").await.status, 404);
    let again = rig.open("{}").await;
    pause(900).await;
    assert_eq!(again.order("GET", "", "").await.status, 404, "also if there was no lab in between");
}

#[tokio::test]
async fn the_number_of_labs_is_limited() {
    let rig = Rig::with(&Labs::new(None)).await;
    let mut tabs = Vec::new();
    for _ in 0..MAX_LABS {
        tabs.push(rig.open(r#"{"updates_per_s": 0.1}"#).await);
    }
    let full = rig.ask("POST", "/lab/tabs", "{}").await;
    assert!(full.status == 503 && full.body.contains("close some tabs"), "{full:?}");
    assert_eq!(tabs[0].order("DELETE", "", "").await.status, 204);
    rig.open("{}").await;
}

#[tokio::test]
async fn requests_with_a_foreign_origin_or_host_are_rejected() {
    let rig = Rig::start().await;
    let tab = rig.open("{}").await;
    let page = rig.page;
    let paths = [
        ("POST", "/lab/tabs".to_owned()),
        ("PUT", format!("/lab/tabs/{}/settings", tab.id)),
        ("DELETE", format!("/lab/tabs/{}", tab.id)),
    ];
    for (method, path) in &paths {
        for fields in [
            format!("Host: {page}\r\nOrigin: http://evil.example\r\n"),
            format!("Host: {page}\r\nOrigin: http://127.0.0.1:1\r\n"),
            format!("Host: {page}\r\nOrigin: null\r\n"),
            format!("Host: evil.example:{}\r\nOrigin: http://evil.example:{}\r\n", page.port(), page.port()),
        ] {
            let answer = ask(page, method, path, &fields, "{}").await;
            assert_eq!(answer.status, 403, "{method} {path} {fields}");
        }
    }
    let rebound = ask(page, "GET", &format!("/lab/tabs/{}", tab.id), "Host: evil.example\r\n", "").await;
    assert_eq!(rebound.status, 403);
    assert_eq!(tab.order("GET", "", "").await.status, 200, "the lab is unchanged");
    assert_eq!(ask(page, "POST", "/lab/tabs", &format!("Host: {page}\r\n"), "").await.status, 201, "a program may");
}

#[tokio::test]
async fn a_page_without_a_lab_gets_the_reason() {
    let rig = Rig::with(&Labs::unavailable("because")).await;
    assert_eq!(rig.ask("GET", "/lab", "").await.json(), serde_json::json!({ "available": false, "why": "because" }));
    let refused = rig.ask("POST", "/lab/tabs", "{}").await;
    assert_eq!((refused.status, refused.json()["error"].clone()), (403, "because".into()));
    let rig = Rig::with(&Labs::new(None)).await;
    assert_eq!(rig.ask("GET", "/lab", "").await.json(), serde_json::json!({ "available": true }));
    let named = ask(rig.page, "GET", "/lab", "Host: 192.168.0.7:8080\r\n", "").await.json();
    assert_eq!(named["available"], false);
    assert!(named["why"].as_str().unwrap().contains("http://127.0.0.1"), "{named}");
}
