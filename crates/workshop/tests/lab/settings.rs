use crate::harness::{Rig, seqs};
use feedlab_feed::Cursor;
use feedlab_workshop::lab::Labs;

#[tokio::test]
async fn link_settings_take_effect_immediately_also_for_open_streams() {
    let rig = Rig::with(&Labs::new(None)).await;
    let tab = rig.open(r#"{"updates_per_s": 100}"#).await;
    assert_eq!(tab.info["settings"]["source"], "synthetic");
    let mut sse = tab.sse(0).await;
    sse.event().await;
    let set = tab.set(r#"{"rtt_ms": 200}"#).await;
    assert_eq!((&set["restarted"], &set["settings"]["rtt_ms"]), (&false.into(), &200.into()));
    let asked = std::time::Duration::from_millis(200);
    let (began, answer) = (feedlab_feed::clock::now(), tab.read("short-polling", "/feed/poll?after=0").await);
    assert!(
        answer.status == 200 && began.elapsed() >= 2 * asked,
        "connecting takes a round trip, and the request another"
    );
    sse.event().await;
    assert_eq!(tab.set(r#"{"rtt_ms": null}"#).await["settings"]["rtt_ms"], 0);
}

#[tokio::test]
async fn another_feed_continues_where_the_previous_one_ended() {
    let rig = Rig::with(&Labs::new(None)).await;
    let tab = rig.open(r#"{"updates_per_s": 100}"#).await;
    let mut sse = tab.sse(0).await;
    let mut last = sse.event().await.0;
    while last.seq < 20 {
        last = sse.event().await.0;
    }
    let set = tab.set(r#"{"source": "earthquakes", "updates_per_s": 200}"#).await;
    assert_eq!(set["restarted"], true);
    let rest = sse.rest().await;
    let mut ids = rest.lines().filter_map(|line| line.strip_prefix("id: ")).filter_map(|id| id.parse::<Cursor>().ok());
    let last = ids.next_back().unwrap_or(last);
    let mut again = tab.sse(last).await;
    assert_eq!(again.event().await, (last, false), "the first event");
    let next = again.until("event: earthquake").await;
    let id: Cursor = next.split("id: ").last().unwrap().lines().next().unwrap().parse().unwrap();
    assert_eq!(id, last.at(last.seq + 1), "no update is lost or repeated");
}

#[tokio::test]
async fn another_retention_keeps_the_past_updates() {
    let rig = Rig::with(&Labs::new(None)).await;
    let tab = rig.open(r#"{"updates_per_s": 50, "schedule": "poisson", "payload_bytes": 30}"#).await;
    let first = tab.read("long-polling", "/feed/long-poll?after=0").await.json()["updates"][0].clone();
    assert_eq!(first["seq"], 1);
    for (settings, restarted) in [
        (r#"{"history": 500}"#, true),
        (r#"{"slow": "latest"}"#, true),
        (r#"{"keepalive_ms": 1000}"#, true),
        ("{}", false),
    ] {
        assert_eq!(tab.set(settings).await["restarted"], restarted, "{settings}");
        let again = tab.read("short-polling", "/feed/poll?after=0").await.json();
        assert_eq!((&again["updates"][0], &again["gap"]), (&first, &serde_json::Value::Null), "{settings}");
    }
}

#[tokio::test]
async fn no_tab_can_change_the_main_feed() {
    let rig = Rig::start().await;
    let (one, other) = (rig.open("{}").await, rig.open("{}").await);
    let refused = one.order("PUT", "/settings", r#"{"updates_per_s": 50}"#).await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("choose another `source`"), "{refused:?}");
    assert_eq!(one.status().await["settings"]["updates_per_s"], 10.0, "nothing has changed");
    rig.publish("hello").await;
    for settings in [
        r#"{"retry_ms": 500}"#,
        r#"{"source": "synthetic", "updates_per_s": 50}"#,
        r#"{"source": "own", "updates_per_s": null}"#,
    ] {
        assert_eq!(one.set(settings).await["restarted"], true, "{settings}");
    }
    for tab in [&one, &other] {
        assert_eq!(seqs(&tab.read("sse", "/feed/poll?after=0").await), [1]);
    }
    let rig = Rig::with(&Labs::new(None)).await;
    let refused = rig.ask("POST", "/lab/tabs", r#"{"source": "own"}"#).await;
    assert!(refused.status == 409 && refused.body.contains("there is no main feed"), "{refused:?}");
}

#[tokio::test]
async fn d1_switching_between_the_main_feed_and_a_tabs_own_causes_a_reset_both_ways() {
    let rig = Rig::start().await;
    let tab = rig.open("{}").await;
    for text in ["a", "b"] {
        rig.publish(text).await;
    }
    let shared = tab.read("short-polling", "/feed/poll?after=0").await.json()["next"].clone();
    tab.set(r#"{"source": "synthetic", "updates_per_s": 50}"#).await;
    let after = |cursor: &serde_json::Value| format!("/feed/poll?after={}", cursor.as_str().unwrap());
    let own = tab.read("short-polling", &after(&shared)).await.json();
    assert_eq!((&own["reset"]["asked"], &own["gap"]), (&shared, &serde_json::Value::Null), "{own}");
    tab.set(r#"{"source": "own", "updates_per_s": null}"#).await;
    let back = tab.read("short-polling", &after(&own["next"])).await.json();
    assert_eq!((&back["reset"]["asked"], &back["next"]), (&own["next"], &shared), "{back}");
    assert_eq!(
        tab.read("short-polling", &after(&shared)).await.json().get("reset"),
        None,
        "the main feed has kept its epoch"
    );
}
