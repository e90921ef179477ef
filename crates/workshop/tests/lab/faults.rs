use crate::harness::{Rig, pause};

const FAST: &str = r#"{"source": "synthetic", "updates_per_s": 100}"#;

#[tokio::test]
async fn a_cut_hits_one_endpoint_or_all() {
    let rig = Rig::start().await;
    let tab = rig.open(FAST).await;
    let (mut sse, mut shared) = (tab.sse(0).await, tab.stream("shared", "/feed/sse?after=0", "").await);
    sse.until("data:").await;
    shared.until("data:").await;
    let hit = tab.order("POST", "/fault", r#"{"endpoint": "sse", "kind": "cut"}"#).await.json();
    assert_eq!((&hit["hit"], &hit["open"]), (&1.into(), &1.into()));
    sse.rest().await;
    shared.until("data:").await;
    let hit = tab.order("POST", "/fault", r#"{"endpoint": "all", "kind": "cut", "for_ms": 0}"#).await.json();
    assert_eq!(hit["hit"], 1, "the one that is still open");
    shared.rest().await;
}

#[tokio::test]
async fn a_link_responds_with_503_until_the_fault_ends_or_is_healed() {
    let rig = Rig::start().await;
    let tab = rig.open(FAST).await;
    let refused = r#"{"kind": "status-503", "for_ms": 2000}"#;
    assert_eq!(tab.order("POST", "/fault", refused).await.status, 200);
    for endpoint in ["sse", "short-polling", "shared"] {
        let answer = tab.read(endpoint, "/feed/poll?after=0").await;
        assert_eq!(answer.status, 503, "{endpoint}");
        assert!(answer.head.contains("access-control-allow-origin: *"), "{answer:?}");
    }
    pause(2100).await;
    assert_eq!(tab.read("sse", "/feed/poll?after=0").await.status, 200, "the fault has ended by itself");
    tab.order("POST", "/fault", refused).await;
    assert_eq!(tab.order("POST", "/heal", "").await.json()["healed"], 5);
    assert_eq!(tab.read("sse", "/feed/poll?after=0").await.status, 200);
}

#[tokio::test]
async fn an_invalid_order_is_rejected_with_what_is_allowed() {
    let rig = Rig::start().await;
    let tab = rig.open("{}").await;
    for (what, body, needle) in [
        (
            "/fault",
            r#"{"endpoint": "cat", "kind": "cut"}"#,
            "`endpoint` must be one of long-polling, shared, short-polling, sse, websocket, all",
        ),
        ("/fault", r#"{"kind": "flood"}"#, "`kind` must be one of cut, reset"),
        ("/fault", r#"{"kind": "black-hole"}"#, "`for_ms` must be above 0 for black-hole"),
        ("/fault", "nonsense", "the body must be {"),
        ("/fault", r#"{"kind": "cut", "share": 1}"#, "unknown field `share`"),
        ("/restart", r#"{"down_ms": 3600000}"#, "`down_ms` must be at most 60000"),
    ] {
        let answer = tab.order("POST", what, body).await;
        let why = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(answer.status == 400 && why.contains(needle), "{body}: {why}");
    }
}

#[tokio::test]
async fn a_restart_keeps_the_feed_and_its_updates() {
    let rig = Rig::start().await;
    let tab = rig.open(FAST).await;
    let mut sse = tab.sse(0).await;
    let (last, _) = sse.event().await;
    let before = tab.status().await["stats"]["instance"].clone();
    assert_eq!(tab.order("POST", "/restart", r#"{"down_ms": 400}"#).await.status, 202);
    assert!(sse.rest().await.contains("retry: "), "the stream says when to reconnect");
    let down = tab.status().await;
    assert_eq!((&down["restarting"], &down["stats"]), (&true.into(), &serde_json::Value::Null));
    let twice = tab.order("POST", "/restart", "").await;
    assert!(twice.status == 409 && twice.body.contains("already"), "{twice:?}");
    while tab.status().await["restarting"] == true {
        pause(20).await;
    }
    let mut again = tab.sse(last).await;
    assert_eq!(
        (again.event().await, again.event().await),
        ((last, false), (last.at(last.seq + 1), false)),
        "the first event, with neither gap nor reset"
    );
    assert_ne!(tab.status().await["stats"]["instance"], before, "the counters have started over");
}

#[tokio::test]
async fn a_slow_reader_shows_within_seconds() {
    let rig = Rig::start().await;
    let tab = rig.open(r#"{"source": "synthetic", "updates_per_s": 50, "slow": "latest"}"#).await;
    assert_eq!(tab.set(r#"{"reader_bytes_per_s": 1000}"#).await["restarted"], true, "for smaller buffers");
    let mut sse = tab.sse(0).await;
    sse.until("data:").await;
    let shows = async {
        while tab.status().await["stats"]["endpoints"]["sse"]["conflated"] == 0 {
            sse.event().await;
        }
    };
    feedlab_testkit::soon(shows).await;
}
