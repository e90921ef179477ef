//! Predictions, and their omissions, for whole scenarios with network delay, link options and faults.

use super::*;

/// Returns a scenario with one contender; `rest` has more lines of the file.
fn one(feed: &str, rest: &str, contender: &str) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"t\"\nfeed = {{ source = \"synthetic\", {feed} }}\nclients = {{ count = 100 }}\n\
         measure = {{ warm_up = \"1s\", duration = \"20s\" }}\ncontender = [{{ {contender} }}]\n{rest}"
    );
    Scenario::parse(&text, Path::new("t.toml")).unwrap()
}

fn predicted(scenario: &Scenario) -> Predicted {
    of(scenario).remove(0).predicted
}

fn metric(scenario: &Scenario, metric: Metric) -> Option<f64> {
    predicted(scenario).metrics.get(&metric).copied()
}

const SSE: &str = "transport = \"sse\"";
const TEN: &str = "updates_per_s = 10, schedule = \"poisson\"";

#[test]
fn network_delay_is_in_ages_and_open_times() {
    let far = one(TEN, "network = { rtt = \"50ms\" }", SSE);
    assert_eq!(metric(&far, Metric::AgeP50), Some(25_000.0));
    assert_eq!(metric(&far, Metric::OpenP50), Some(100_000.0));
    let encrypted = one(TEN, "network = { rtt = \"50ms\" }", "transport = \"sse\", tls = true");
    assert_eq!(metric(&encrypted, Metric::OpenP50).map(f64::round), Some(150_000.0));
    assert_eq!(metric(&one(TEN, "", SSE), Metric::OpenP50), None);
}

#[test]
fn figures_without_a_formula_are_omitted_with_a_reason() {
    for (contender, connections) in [
        ("transport = \"sse\", tls = true", Some(100.0)),
        ("transport = \"sse\", http = \"2\"", Some(100.0)),
        ("transport = \"sse\", http = \"2\", connections = \"shared\"", Some(1.0)),
        ("transport = \"sse\", via = \"nginx\"", None),
    ] {
        let found = predicted(&one(TEN, "", contender));
        assert!(found.metrics.contains_key(&Metric::AgeP50), "{contender}");
        assert!(!found.metrics.contains_key(&Metric::SocketBytesPerUpdate), "{contender}");
        assert_eq!(found.metrics.get(&Metric::ConnectionsOpened).copied(), connections, "{contender}");
        assert!(found.assumptions.iter().any(|messages| messages.contains("Bytes and packets are not predicted")));
    }
    let mut many = one(TEN, "", "transport = \"sse\", http = \"2\", connections = \"shared\"");
    many.clients.count = vec![500];
    assert_eq!(metric(&many, Metric::ConnectionsOpened), None, "it depends on the machine's cores");
    for (rest, contender) in [
        ("network = { buffer_bytes = 4096 }", "transport = \"long-polling\""),
        ("network = { bandwidth_bytes_per_s = 10000, jitter = \"1ms\" }", SSE),
        ("network = { idle_timeout = \"100ms\" }", SSE),
        ("fault = [{ kind = \"cut\", at = \"1s\" }]", SSE),
        ("", "transport = \"sse\", via = \"nginx-buffering\""),
        ("", "transport = \"websocket\", via = \"nginx-default\""),
        ("nginx = { read_timeout = \"5s\" }", "transport = \"sse\", via = \"nginx\""),
    ] {
        let found = predicted(&one(TEN, rest, contender));
        assert!(!found.metrics.contains_key(&Metric::AgeP50), "{rest} {contender}");
        assert!(found.metrics.contains_key(&Metric::UpdatesExpected), "{rest} {contender}");
    }
}

#[test]
fn slow_readers_do_not_affect_the_ages_of_others() {
    let mut scenario = one(TEN, "", SSE);
    scenario.clients.slow = Some(crate::scenario::SlowClients { count: 1, bytes_per_s: 100 });
    let found = predicted(&scenario).metrics;
    assert_eq!(found.get(&Metric::AgeP99), Some(&0.0));
    assert_eq!(found.get(&Metric::SocketBytesDown), None, "the slow clients are included");
}

#[test]
fn binary_payloads_cost_a_third_more_as_text() {
    let binary = "updates_per_s = 10, payload_bytes = 3000, binary = true";
    let text = "updates_per_s = 10, payload_bytes = 4000";
    let down = |feed, contender| metric(&one(feed, "", contender), Metric::SocketBytesDown).unwrap() / 20_000.0;
    let socket = "transport = \"websocket\"";
    // 4·⌈3000/3⌉ = 4000 bytes of base64, and the field that marks it.
    assert!((down(binary, SSE) - down(text, SSE)).abs() < 40.0, "{} {}", down(binary, SSE), down(text, SSE));
    assert!((down(binary, socket) - 3000.0).abs() < 60.0, "{}", down(binary, socket));
}

#[test]
fn a_buffering_proxy_delays_a_push_silently() {
    let sse = one(TEN, "network = { buffer_bytes = 16384 }", SSE);
    let (mean, most) = (metric(&sse, Metric::AgeMean).unwrap(), metric(&sse, Metric::AgeP99).unwrap());
    // A chunk of 323 B: 51 of them, 5 s at 10 updates/s.
    assert!((mean / 2.5e6 - 1.0).abs() < 0.1 && most > 4.0e6, "{mean} {most}");
}

#[test]
fn long_polling_without_a_cursor_loses_as_in_e06() {
    let network = "network = { rtt = \"100ms\" }";
    let scenario = one(TEN, network, "transport = \"long-polling\", cursor = false");
    let [missed, expected] = [Metric::UpdatesMissed, Metric::UpdatesExpected].map(|id| metric(&scenario, id).unwrap());
    let share: f64 = missed / expected;
    assert!((share - 0.5).abs() < 0.03, "{share}: the seed's rate is not exactly 10");
    assert_eq!(metric(&scenario, Metric::UpdatesReportedLost), Some(0.0), "the server cannot detect it");
    let reported = one(TEN, network, "transport = \"long-polling\", history = 0");
    assert_eq!(metric(&reported, Metric::UpdatesReportedLost), metric(&reported, Metric::UpdatesMissed));
    let short = one(TEN, "", "transport = \"short-polling\", history = 0");
    assert_eq!(metric(&short, Metric::UpdatesMissed), metric(&short, Metric::UpdatesExpected));
}

#[test]
fn with_ids_and_history_nothing_is_lost_whatever_the_fault() {
    let faults = "fault = [{ kind = \"cut\", at = \"1s\", every = \"2s\" }, { kind = \"kill\", at = \"5s\" }]";
    for contender in [
        SSE,
        "transport = \"websocket\"",
        "transport = \"long-polling\"",
        "transport = \"short-polling\"",
        "transport = \"auto\"",
    ] {
        let scenario = one(TEN, faults, contender);
        for id in [Metric::UpdatesMissed, Metric::UpdatesDuplicated, Metric::ClientsGaveUp] {
            assert_eq!(metric(&scenario, id), Some(0.0), "{contender} {id}");
        }
    }
    let few = one(TEN, faults, "transport = \"sse\", history = 5");
    assert_eq!(metric(&few, Metric::UpdatesMissed), None, "it depends on when they reconnect");
}

#[test]
fn behind_nginx_an_event_stream_gives_up_only_if_it_reconnects_before_the_server() {
    let gave_up = |length: &str| {
        let fault = format!("fault = [{{ kind = \"kill\", at = \"5s\", for = \"{length}\" }}]");
        metric(&one(TEN, &fault, "transport = \"sse\", via = \"nginx\""), Metric::ClientsGaveUp)
    };
    assert_eq!((gave_up("500ms"), gave_up("5s")), (Some(0.0), None));
}

#[test]
fn without_history_a_cut_loses_updates_until_the_client_is_back() {
    let faults = "network = { rtt = \"100ms\" }\nfault = [{ kind = \"cut\", at = \"5s\" }]";
    let client = "transport = \"websocket\", reconnect_after = \"1s\", jitter = false";
    let scenario = one("updates_per_s = 100", faults, &format!("{client}, history = 0"));
    // The client notices after the delay d, when the last update arrives; with one second of waiting, the handshake and
    // the upstream delay, this is 1.2 s in total.
    assert_eq!(metric(&scenario, Metric::UpdatesMissed), Some(100.0 * 120.0));
    assert_eq!(metric(&scenario, Metric::UpdatesReportedLost), Some(100.0 * 120.0));
    assert_eq!(metric(&scenario, Metric::Reconnects), Some(100.0));
    assert_eq!(metric(&scenario, Metric::ReconnectsPeak), Some(100.0));
    let secret = one("updates_per_s = 100", faults, &format!("{client}, cursor = false"));
    assert_eq!(metric(&secret, Metric::UpdatesMissed), Some(100.0 * 120.0));
    assert_eq!(metric(&secret, Metric::UpdatesReportedLost), Some(0.0));
    let some = one("updates_per_s = 100", faults, &format!("{client}, history = 50"));
    assert_eq!(metric(&some, Metric::UpdatesMissed), Some(100.0 * 70.0), "λ·gap − history (E17)");
    let all = one("updates_per_s = 100", faults, client);
    assert_eq!(metric(&all, Metric::UpdatesMissed), Some(0.0));
    let recovery = metric(&all, Metric::RecoveryP50).unwrap();
    assert!((recovery - 1.2e6).abs() < 1.0, "a second and two round trips: {recovery}");
}

#[test]
fn jitter_flattens_a_storm_of_reconnects() {
    let cut = "fault = [{ kind = \"cut\", at = \"5s\" }]";
    let peak = |more: &str| metric(&one(TEN, cut, &format!("transport = \"sse\"{more}")), Metric::ReconnectsPeak);
    assert_eq!(peak(", jitter = false"), Some(100.0));
    let flat = peak(", reconnect_after = \"2s\"").unwrap();
    assert!(flat > 5.0 && flat < 12.0, "N·0.1/J is 5: {flat}");
}

#[test]
fn event_streams_give_up_as_their_standard_requires() {
    let faults = "fault = [{ kind = \"cut\", at = \"1s\" }, { kind = \"status-204\", at = \"1s\", for = \"5s\" }]";
    assert_eq!(metric(&one(TEN, faults, SSE), Metric::ClientsGaveUp), Some(100.0));
    assert_eq!(metric(&one(TEN, faults, "transport = \"websocket\""), Metric::ClientsGaveUp), Some(0.0));
    let before = faults.replace("5s", "1s");
    assert_eq!(
        metric(&one(TEN, &before, SSE), Metric::ClientsGaveUp),
        Some(0.0),
        "the fault is over when they reconnect"
    );
    let luck = faults.replace("5s", "2s");
    assert_eq!(metric(&one(TEN, &luck, SSE), Metric::ClientsGaveUp), None);
}

#[test]
fn a_ladder_detects_a_silent_proxy_with_its_watchdog() {
    let ladder = one(TEN, "", "transport = \"auto\", watchdog = \"2s\", via = \"nginx-buffering\"");
    assert_eq!(metric(&ladder, Metric::FirstUpdateP50), Some(2e6));
    assert_eq!(metric(&ladder, Metric::AgeP50), None);
    assert_eq!(
        metric(&one(TEN, "", "transport = \"auto\""), Metric::AgeP50),
        Some(0.0),
        "every transport works on this path"
    );
}

#[test]
fn publications_arrive_after_two_one_way_delays() {
    let mut chat = one(TEN, "network = { rtt = \"100ms\" }", "transport = \"websocket\"");
    chat.feed.source = Source::Clients { updates_per_s: 10.0, payload_bytes: 100 };
    assert_eq!(metric(&chat, Metric::AgeP50), Some(100_000.0));
    assert_eq!(metric(&chat, Metric::AckP50), Some(100_000.0));
    assert_eq!(metric(&chat, Metric::UpdatesExpected), None, "the number depends on chance");
}
