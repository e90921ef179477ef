//! Predictions for a network that is a link: distance alone is as over the lab proxy; what the kernels do to packets is
//! left out, with the reason.

use super::*;

/// Returns what is predicted for a contender over a network.
fn predicted(network: &str, contender: &str, rest: &str) -> Predicted {
    let text = format!(
        "schema = 1\nname = \"t\"\nfeed = {{ source = \"synthetic\", updates_per_s = 10, schedule = \"poisson\" }}\n\
         clients = {{ count = 100 }}\nmeasure = {{ warm_up = \"1s\", duration = \"20s\" }}\n\
         network = {{ {network} }}\ncontender = [{{ {contender} }}]\n{rest}"
    );
    of(&Scenario::parse(&text, Path::new("t.toml")).unwrap()).remove(0).predicted
}

const CONTENDERS: [&str; 4] = [
    "transport = \"short-polling\", interval = \"1s\"",
    "transport = \"long-polling\"",
    "transport = \"sse\"",
    "transport = \"websocket\"",
];

#[test]
fn distance_alone_is_the_same_over_a_link_and_the_lab_proxy() {
    for contender in CONTENDERS {
        let proxy = predicted("rtt = \"100ms\"", contender, "");
        let link = predicted("model = \"link\", rtt = \"100ms\"", contender, "");
        assert_eq!(link.ages, proxy.ages, "{contender}");
        for (metric, value) in &proxy.metrics {
            let expected = match metric {
                Metric::WireBytesPerUpdate | Metric::PacketsPerUpdate => None,
                Metric::RequestP50 => Some(100_000.0),
                _ => Some(*value),
            };
            assert_eq!(link.metrics.get(metric).copied(), expected, "{contender} {metric}");
        }
        assert_eq!(link.metrics.get(&Metric::ConnectP50), Some(&100_000.0), "{contender}");
        let said = link.assumptions.join("\n");
        assert!(said.contains("Packets and their bytes on the wire are not predicted"), "{said}");
        assert!(!said.contains("127.0.0.1") && said.contains("nothing is lost"), "{said}");
    }
}

#[test]
fn what_happens_to_packets_is_simulated_or_not_predicted() {
    let simulated = "ages are simulated with a model of TCP";
    for (network, reason) in [
        ("loss = \"1%\"", simulated),
        ("rate = \"10Mbit\"", simulated),
        ("jitter = \"10ms\"", "also delays those of other clients"),
        // Whether a connection starts slowly again after a pause depends on the congestion control.
        ("mtu = 576, rtt = \"5ms\"", ""),
        ("mtu = 576, rtt = \"5ms\", congestion = \"reno\"", "simulated or nothing"),
        ("profile = \"lossy-wifi\"", "Packets are lost, and when"),
    ] {
        for contender in CONTENDERS {
            let found = predicted(&format!("model = \"link\", {network}"), contender, "");
            let said = found.assumptions.join("\n");
            // Ten segments of 536 bytes do not hold what a poll each second finds.
            let reason = match (reason, contender.contains("short")) {
                ("", true) => "TCP's initial window",
                ("simulated or nothing", true) => simulated,
                ("simulated or nothing", false) => "",
                _ => reason,
            };
            assert!(said.contains(reason), "{network} {contender}: {said}");
            let has_ages = reason.is_empty() || reason == simulated;
            assert_eq!(found.ages.is_empty(), !has_ages, "{network} {contender}");
            assert_eq!(found.metrics.contains_key(&Metric::AgeP50), has_ages, "{network} {contender}");
            for metric in [Metric::Requests, Metric::OpenP50, Metric::SocketBytesPerUpdate] {
                let is_known = found.metrics.contains_key(&metric);
                assert!(!is_known || reason.is_empty(), "{network} {contender} {metric}");
            }
            assert!(found.metrics.contains_key(&Metric::UpdatesPublished), "{network} {contender}");
            assert!(!said.contains("nothing is lost") || !network.contains("loss"), "{said}");
        }
    }
}

#[test]
fn an_outage_of_a_link_loses_nothing_and_delays_by_an_unknown_time() {
    let outage = "fault = [{ kind = \"black-hole\", at = \"5s\", for = \"2s\" }]";
    for contender in CONTENDERS {
        let found = predicted("model = \"link\", rtt = \"100ms\"", contender, outage);
        assert_eq!(found.metrics.get(&Metric::UpdatesMissed), Some(&0.0), "{contender}");
        assert!(found.ages.is_empty() && !found.metrics.contains_key(&Metric::AgeMax), "{contender}");
        assert!(!found.metrics.contains_key(&Metric::RecoveryP50), "{contender}");
    }
}
