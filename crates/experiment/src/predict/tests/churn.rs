//! Clients that replace their connections: predictions compared with measurements.

use super::*;

/// Predicts fifty clients for 10 s, after a ramp of 500 ms, 5 s of settling and 1 s of warm-up, with 2 s of drain; the
/// feed is that of a measured run with 46 updates.
fn churned(percent: &str, contender: &str, rest: &str) -> Predicted {
    let text = format!(
        "schema = 1\nname = \"t\"\nfeed = {{ source = \"synthetic\", updates_per_s = 5, schedule = \"poisson\" }}\n\
         clients = {{ count = 50, ramp = \"500ms\", churn = \"{percent}%\" }}\n\
         measure = {{ settle = \"5s\", warm_up = \"1s\", duration = \"10s\", drain = \"2s\" }}\n\
         contender = [{{ {contender} }}]\n{rest}"
    );
    of(&Scenario::parse(&text, Path::new("t.toml")).unwrap()).remove(0).predicted
}

const SHORT: &str = "transport = \"short-polling\", interval = \"1s\"";
const LONG: &str = "transport = \"long-polling\", hold = \"25s\"";
const SSE: &str = "transport = \"sse\"";
const SOCKET: &str = "transport = \"websocket\"";

/// The time from the end of the ramp, s: 5 s, the 200 ms until the feed starts, 1 s, 10 s, 2 s.
const TIME: f64 = 18.2;

#[test]
fn each_replacement_is_a_reconnect_and_a_connection() {
    for contender in [SHORT, LONG, SSE, SOCKET, "transport = \"auto\""] {
        let found = churned("20", contender, "").metrics;
        let changes = 0.2 * 50.0 * TIME;
        assert!((found[&Metric::Reconnects] - changes).abs() < 1e-6, "{contender}");
        assert!((found[&Metric::ConnectionsOpened] - 50.0 - changes).abs() < 1e-6, "{contender}");
    }
    let shared = churned("20", "transport = \"sse\", http = \"2\", connections = \"shared\"", "").metrics;
    assert_eq!(shared[&Metric::ConnectionsOpened], 1.0, "its streams are replaced, and the connection stays");
}

/// Measurements of a cell in which a fifth of the connections was replaced each second, and of one with all of them:
/// requests, bytes, packets and ages for the actual number of replacements (99 instead of 100, 480 and 510 instead of
/// 500).
#[test]
fn the_cost_of_replacements_matches_the_measurement() {
    use Metric::{
        AgeMean, FramingBytesPerUpdate, HeaderBytesPerUpdate, IdleBytesPerClientMin, PacketsPerUpdate, Requests,
        RequestsEmpty, SocketBytesDown, SocketBytesUp, WireBytesPerUpdate,
    };
    type Figures<'a> = &'a [(Metric, f64)];
    let measured: [(&str, &str, Figures<'_>); 8] = [
        (
            "20",
            SHORT,
            &[(Requests, 594.0), (SocketBytesUp, 45_658.0), (SocketBytesDown, 884_600.0), (AgeMean, 471_200.0)],
        ),
        ("20", LONG, &[(Requests, 2_388.0), (SocketBytesUp, 217_252.0), (PacketsPerUpdate, 3.343)]),
        (
            "20",
            SSE,
            &[(Requests, 99.0), (SocketBytesUp, 12_369.0), (WireBytesPerUpdate, 474.7), (PacketsPerUpdate, 2.516)],
        ),
        ("20", SOCKET, &[(Requests, 99.0), (SocketBytesUp, 18_141.0), (HeaderBytesPerUpdate, 16.09)]),
        (
            "100",
            SHORT,
            &[
                (Requests, 1_010.0),
                (RequestsEmpty, 266.0),
                (SocketBytesUp, 77_671.0),
                (SocketBytesDown, 975_928.0),
                (AgeMean, 365_374.0),
            ],
        ),
        (
            "100",
            LONG,
            &[
                (Requests, 2_777.0),
                (RequestsEmpty, 467.0),
                (IdleBytesPerClientMin, 13_473.0),
                (PacketsPerUpdate, 4.976),
            ],
        ),
        ("100", SSE, &[(Requests, 480.0), (FramingBytesPerUpdate, 78.42), (PacketsPerUpdate, 4.499)]),
        ("100", SOCKET, &[(Requests, 480.0), (FramingBytesPerUpdate, 69.13), (PacketsPerUpdate, 5.082)]),
    ];
    for (percent, contender, figures) in measured {
        let found = churned(percent, contender, "").metrics;
        for (metric, measured) in figures {
            let predicted = found[metric];
            assert!(
                (predicted / measured - 1.0).abs() < 0.075,
                "{percent}% {contender} {metric}: {predicted} {measured}"
            );
        }
    }
}

#[test]
fn a_poll_with_its_own_connection_has_none_to_replace() {
    for contender in [SHORT, LONG] {
        let fresh = format!("{contender}, keep_alive = false");
        let (none, all) = (churned("0.0001", &fresh, ""), churned("100", &fresh, ""));
        assert_eq!(none.metrics, all.metrics, "{fresh}");
        assert!(!all.metrics.contains_key(&Metric::Reconnects));
        assert!(all.assumptions.iter().any(|sentence| sentence.contains("there is none to replace")));
    }
    let messages = churned("0.3", SSE, "").assumptions;
    assert!(
        messages.iter().any(|sentence| sentence.starts_with("Clients replace 0.3% of the connections each second")),
        "{messages:?}"
    );
}

#[test]
fn with_network_delay_a_replacement_delays_updates() {
    let network = "network = { rtt = \"100ms\" }";
    for contender in [LONG, SSE, SOCKET] {
        let found = churned("50", contender, network).metrics;
        // Opening a connection takes 200 ms, so 9.5% of the updates are late, by up to that time.
        let p99 = found[&Metric::AgeP99];
        assert!((200_000.0..300_000.0).contains(&p99), "{contender}: {p99}");
        let near = churned("50", contender, "").metrics;
        assert_eq!(near[&Metric::AgeP99], 0.0, "{contender}");
    }
    assert_eq!(
        churned("50", SSE, network).metrics[&Metric::AgeP50],
        50_000.0,
        "the others take only the one-way delay"
    );
}

#[test]
fn with_faults_replacements_are_added_to_known_reconnects() {
    let cut = "fault = [{ kind = \"cut\", at = \"5s\" }]";
    let found = churned("20", SSE, cut).metrics;
    assert!((found[&Metric::Reconnects] - 50.0 - 0.2 * 50.0 * TIME).abs() < 1e-6);
    assert_eq!(found[&Metric::UpdatesMissed], 0.0);
    assert!(!found.contains_key(&Metric::ReconnectsPeak), "the peak depends on chance");
    let is_lossy = churned("20", "transport = \"sse\", cursor = false", cut).metrics;
    assert!(!is_lossy.contains_key(&Metric::UpdatesMissed), "and so is what they lose");
}
