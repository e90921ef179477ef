//! The way there and back.

use std::path::Path;

use super::*;

fn reads_back(scenario: &Scenario) {
    let text = toml(scenario);
    let again = Scenario::parse(&text, Path::new("again.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again, *scenario, "{text}");
}

#[test]
fn what_is_written_reads_back_the_same() {
    let text = r#"
        schema = 1
        name = "all"
        question = "Which \"one\"\nis C:\\ cheaper, and by how much? \u0001"
        feed = { source = "synthetic", updates_per_s = 2.5, schedule = "burst", burst_size = 5, payload_bytes = [0, 64], stall = { after = "1s", for = "500ms" } }
        clients = { count = [5, 50], ramp = "1500ms", headers = "browser+cookies" }
        measure = { duration = "3s", repetitions = 2 }
        contender = [
            { transport = "short-polling", interval = "250ms", conditional = true },
            { transport = "long-polling", keep_alive = false },
            { transport = "sse", label = "events", age_from = "publication" },
            { transport = "websocket", keepalive = "1m" },
        ]
        threshold = [
            { metric = "updates_missed", expect = "== 0" },
            { metric = "age_p50_us", expect = "<= 1500.5", transport = "sse" },
            { metric = "age_mean_us", expect = "within 2.5 % of predicted" },
        ]
    "#;
    for source in ["", "source = \"host\"", "source = \"stdin\""] {
        let mut scenario = Scenario::parse(text, Path::new("all.toml")).unwrap();
        if source.contains("host") {
            scenario.feed.source = Source::Host { updates_per_s: 0.5 };
        } else if source.contains("stdin") {
            scenario.feed.source = Source::Stdin;
        }
        reads_back(&scenario);
    }
}

#[test]
fn the_lab_and_what_contenders_do_about_it_read_back_the_same() {
    let text = r#"
        schema = 1
        name = "lab"
        feed = { source = "synthetic", updates_per_s = 10, binary = true, history = 0 }
        clients = { count = 10, slow = { count = 2, bytes_per_s = 100 } }
        network = { rtt = "100ms", jitter = "5ms", bandwidth_bytes_per_s = 125000, idle_timeout = "10s", buffer_bytes = 8192 }
        nginx = { read_timeout = "5s", upstreams = 2 }
        fault = [
            { kind = "cut", at = "1s", every = "2s", share = 0.25 },
            { kind = "reset", at = "1500ms" },
            { kind = "black-hole", at = "2s", for = "100ms", share = 0.5 },
            { kind = "refuse", at = "3s", for = "1s" },
            { kind = "restart", at = "5s" },
            { kind = "kill", at = "7s", for = "1s" },
        ]
        contender = [
            { transport = "sse", label = "a \"quoted\" one", tls = true, http = "2", connections = "shared", via = "nginx-buffering", reconnect_after = "1s", jitter = false, cursor = false, history = 5, slow_policy = "latest", coalesce = "50ms" },
            { transport = "websocket", read_buffer_bytes = 131072, slow_policy = "disconnect", via = "nginx" },
            { transport = "long-polling", via = "nginx-default", history = 0 },
            { transport = "auto", first = "websocket", watchdog = "5s", climb = "20s", hold = "10s", interval = "2s", keepalive = "2s" },
        ]
        threshold = [
            { metric = "age_p50_us", expect = "within 2ms of predicted", contender = "a \"quoted\" one" },
            { metric = "age_p50_us", expect = "<= 1.5 x a \"quoted\" one", transport = "websocket" },
        ]
    "#;
    let mut scenario = Scenario::parse(text, Path::new("lab.toml")).unwrap();
    reads_back(&scenario);
    scenario.network = Some(feedlab_experiment::scenario::Network::default());
    scenario.nginx = Nginx::default();
    scenario.faults.clear();
    scenario.feed.source = Source::Clients { updates_per_s: 2.5, payload_bytes: 64 };
    reads_back(&scenario);
}

/// What is answered for the server, and what happens to nginx, need contenders of their own.
#[test]
fn every_fault_reads_back_the_same() {
    let text = |kind: &str, rest: &str| {
        format!(
            r#"
            schema = 1
            name = "fault"
            feed = {{ source = "synthetic", updates_per_s = 10 }}
            clients = {{ count = 10 }}
            fault = [{{ kind = "{kind}", at = "1s"{rest} }}]
            contender = [{{ transport = "sse", via = "nginx" }}]
        "#
        )
    };
    for kind in ["status-503", "status-204", "wrong-type"] {
        reads_back(&Scenario::parse(&text(kind, ", for = \"1s\""), Path::new("fault.toml")).unwrap());
    }
    reads_back(&Scenario::parse(&text("reload-nginx", ""), Path::new("fault.toml")).unwrap());
}
