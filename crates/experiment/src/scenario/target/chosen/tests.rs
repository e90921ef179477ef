use std::path::Path;

use feedlab_feed::Transport;

use super::*;

const SCENARIO: &str = r#"
    schema = 1
    name = "ticker"
    feed = { source = "synthetic", updates_per_s = 10 }
    clients = { count = 50 }
    contender = [
        { transport = "short-polling", interval = "2s", conditional = true },
        { transport = "long-polling", hold = "5s" },
        { transport = "long-polling" },
        { transport = "sse", label = "stream", via = "nginx" },
        { transport = "sse", tls = true },
        { transport = "sse", age_from = "publication" },
        { transport = "sse", history = 0 },
        { transport = "auto" },
        { transport = "websocket", keepalive = "5s", read_buffer_bytes = 4096 },
    ]
    threshold = [
        { metric = "updates_missed", expect = "== 0" },
        { metric = "age_p50_us", expect = "within 5% of predicted" },
        { metric = "age_p50_us", expect = "< 1.5 x stream", transport = "long-polling" },
        { metric = "age_p50_us", expect = "< 1s", contender = "stream" },
        { metric = "age_p50_us", expect = "< 1s", contender = "SSE, TLS" },
        { metric = "age_p50_us", expect = "< WebSocket, keepalive 5 s, read buffer 4 KiB" },
        { metric = "age_p50_us", expect = "< 1s", transport = "websocket" },
    ]
"#;

fn scenario(text: &str) -> Scenario {
    Scenario::parse(text, Path::new("ticker.toml")).unwrap()
}

fn target(endpoints: &str) -> Target {
    let text = format!(
        "schema = 1\n[target.nchan]\nurl = \"http://127.0.0.1:1\"\npublish = {{ path = \"/pub\" }}\n{endpoints}"
    );
    Target::parse(&text, Path::new("nchan.toml")).unwrap()
}

const THREE: &str = "sse = \"/sse\"\nlong-polling = \"/lp\"\nshort-polling = { path = \"/poll\", cursor = \"etag\" }";

#[test]
fn contenders_whose_transport_the_target_has_measure_it() {
    let before = scenario(SCENARIO);
    let (after, left_out) = before.with_target(target(THREE)).unwrap();
    let labels: Vec<_> = after.contenders.iter().map(|contender| contender.label.as_str()).collect();
    assert_eq!(labels, ["short polling, nchan, 2 s", "long polling, nchan", "SSE, nchan, via nginx"]);
    let left = [
        "long polling, hold 25 s",
        "SSE, TLS",
        "SSE, ages from publication",
        "SSE, history 0",
        "auto, from SSE",
        "WebSocket, keepalive 5 s, read buffer 4 KiB",
    ];
    assert_eq!(left_out, left);
    assert!(after.contenders.iter().all(|contender| contender.target.as_deref() == Some("nchan")));
    assert_eq!(after.targets, [target(THREE)]);
    assert!(after.contenders[2].link.via.is_nginx(), "how a contender connects stays");
    let json = serde_json::to_string(&after).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), after);
    assert!(before.targets.is_empty(), "the scenario itself is as it was");
}

#[test]
fn thresholds_follow_their_contenders() {
    let (after, _) = scenario(SCENARIO).with_target(target(THREE)).unwrap();
    let thresholds: Vec<_> = after
        .thresholds
        .iter()
        .map(|one| (one.requirement(), one.contender.as_deref(), one.transport.map(Transport::id)))
        .collect();
    let expected = [
        ("== 0".to_owned(), None, None),
        ("< 1.5 x SSE, nchan, via nginx".to_owned(), None, Some("long-polling")),
        ("< 1000000".to_owned(), Some("SSE, nchan, via nginx"), None),
    ];
    assert_eq!(thresholds, expected);
}

#[test]
fn a_scenario_that_needs_feedlabs_own_server_is_refused_with_the_reason() {
    let refused = |change: (&str, &str)| {
        let text = SCENARIO.replacen(change.0, change.1, 1);
        assert_ne!(text, SCENARIO);
        scenario(&text).with_target(target(THREE)).unwrap_err().to_string()
    };
    let prefix = "the scenario ticker cannot measure the target nchan: ";
    for (from, to, problem) in [
        (
            "source = \"synthetic\"",
            "source = \"host\"",
            "only synthetic updates can be published to a target; use `source = \"synthetic\"`, or no target",
        ),
        (
            "updates_per_s",
            "payload_bytes = 0, updates_per_s",
            "the text of an update for a target needs 64 bytes; make `payload_bytes` 64 or more",
        ),
        (
            "    contender = [",
            "    nginx = { upstreams = 2 }\n    contender = [",
            "a target is a single server behind nginx; remove `upstreams`",
        ),
        (
            "    contender = [",
            "    fault = [{ kind = \"restart\", at = \"1s\" }]\n    contender = [",
            "restart needs feedlab's own server, which comes back with the same feed; use a fault of the network, such as \
             cut, or measure no target",
        ),
    ] {
        assert_eq!(refused((from, to)), format!("{prefix}{problem}"));
    }
}

#[test]
fn a_target_without_a_transport_of_the_scenario_is_refused() {
    let text = "schema = 1\nname = \"one\"\nfeed = { source = \"synthetic\", updates_per_s = 10 }\nclients = { count = 1 }\n\
                contender = [{ transport = \"sse\" }]";
    let error = scenario(text).with_target(target("websocket = \"/ws\"\nlong-polling = \"/lp\"")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the scenario one cannot measure the target nchan: it has endpoints for long-polling, websocket, and no contender \
         can use one of them; use a scenario with such a contender"
    );
}

#[test]
fn a_scenario_of_targets_can_measure_another_one() {
    let first = target("sse = \"/sse\"");
    let (once, _) = scenario(SCENARIO).with_target(Target { name: "first".to_owned(), ..first }).unwrap();
    let (twice, left_out) = once.with_target(target(THREE)).unwrap();
    assert_eq!(twice.contenders[0].label, "SSE, nchan, via nginx");
    assert_eq!((twice.contenders.len(), twice.targets.len(), left_out.len()), (1, 1, 0));
}
