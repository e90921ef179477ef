//! Clients that change their connections: what of it is expected, and what was measured.

use super::*;

/// Fifty clients for 10 s, after a ramp of 500 ms, 5 s of settling and 1 s of warming up, with 2 s of drain; the feed of a run that
/// was measured, of 46 updates.
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

/// From the end of the ramp: 5 s, the 200 ms until the feed begins, 1 s, 10 s, 2 s.
const TIME: f64 = 18.2;

#[test]
fn each_change_is_a_reconnect_and_a_connection_of_every_transport() {
    for contender in [SHORT, LONG, SSE, SOCKET, "transport = \"auto\""] {
        let found = churned("20", contender, "").metrics;
        let changes = 0.2 * 50.0 * TIME;
        assert!((found[&Metric::Reconnects] - changes).abs() < 1e-6, "{contender}");
        assert!((found[&Metric::ConnectionsOpened] - 50.0 - changes).abs() < 1e-6, "{contender}");
    }
    let shared = churned("20", "transport = \"sse\", http = \"2\", connections = \"shared\"", "").metrics;
    assert_eq!(shared[&Metric::ConnectionsOpened], 1.0, "its streams change, and the connection stays");
}

/// What a cell measured with a fifth of the connections changed each second, and one with all of them: whatever chance did to
/// the number of changes (99 for 100, 480 and 510 for 500), their requests, bytes, packets and ages are these.
#[test]
fn what_changes_cost_is_what_was_measured() {
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
fn a_poll_with_a_connection_of_its_own_has_none_to_change() {
    for contender in [SHORT, LONG] {
        let fresh = format!("{contender}, keep_alive = false");
        let (none, all) = (churned("0.0001", &fresh, ""), churned("100", &fresh, ""));
        assert_eq!(none.metrics, all.metrics, "{fresh}");
        assert!(!all.metrics.contains_key(&Metric::Reconnects));
        assert!(all.assumptions.iter().any(|messages| messages.contains("there is none to replace")));
    }
    let messages = churned("0.3", SSE, "").assumptions;
    assert!(
        messages.iter().any(|messages| messages.starts_with("Clients replace 0.3% of the connections each second")),
        "{messages:?}"
    );
}

#[test]
fn over_a_distance_a_change_makes_late_what_falls_due_meanwhile() {
    let network = "network = { rtt = \"100ms\" }";
    for contender in [LONG, SSE, SOCKET] {
        let found = churned("50", contender, network).metrics;
        // An opening takes 200 ms, and so 9.5% of of the updates are late, by up to as much.
        let p99 = found[&Metric::AgeP99];
        assert!((200_000.0..300_000.0).contains(&p99), "{contender}: {p99}");
        let near = churned("50", contender, "").metrics;
        assert_eq!(near[&Metric::AgeP99], 0.0, "{contender}");
    }
    assert_eq!(churned("50", SSE, network).metrics[&Metric::AgeP50], 50_000.0, "the others take the way alone");
}

#[test]
fn beside_faults_changes_are_added_where_those_are_known() {
    let cut = "fault = [{ kind = \"cut\", at = \"5s\" }]";
    let found = churned("20", SSE, cut).metrics;
    assert!((found[&Metric::Reconnects] - 50.0 - 0.2 * 50.0 * TIME).abs() < 1e-6);
    assert_eq!(found[&Metric::UpdatesMissed], 0.0);
    assert!(!found.contains_key(&Metric::ReconnectsPeak), "who changes then is a matter of luck");
    let forgets = churned("20", "transport = \"sse\", cursor = false", cut).metrics;
    assert!(!forgets.contains_key(&Metric::UpdatesMissed), "and so is what they lose");
}
