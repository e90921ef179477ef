//! A network that is a link: its keys, its profiles, and what does not go together with it.

use feedlab_feed::link::{Emulation, Queue, Rate};

use super::*;
use crate::scenario::{Congestion, EmulatedLink, Network, Profile};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn with(network: &str) -> Result<Scenario, String> {
    parse(&GOOD.replace("[clients]", &format!("[network]\n{network}\n[clients]")))
}

fn link(network: &str) -> EmulatedLink {
    with(&format!("model = \"link\"\n{network}")).unwrap().link.unwrap()
}

#[test]
fn every_key_of_a_link_can_be_written() {
    let scenario = with(
        "model = \"link\"\nrtt = \"100ms\"\njitter = \"5ms\"\nreorder = true\nloss = \"2%\"\nloss_burst = 3\n\
         rate = \"10Mbit\"\nrate_up = 1000000\nqueue = \"50 packets\"\nmtu = 1280\ncongestion = \"bbr\"",
    )
    .unwrap();
    let emulation = Emulation {
        rtt: ms(100),
        jitter: ms(5),
        reorder: true,
        loss: 0.02,
        loss_burst: Some(3.0),
        rate: Some(Rate::Constant(10_000_000)),
        rate_up: Some(Rate::Constant(1_000_000)),
        queue: Queue::Packets(50),
        mtu: 1280,
    };
    assert_eq!(scenario.link, Some(EmulatedLink { emulation, congestion: Some(Congestion::Bbr) }));
    // Anyone who asks for the distance need not know what emulates it.
    assert_eq!(scenario.network, Some(Network { rtt: ms(100), jitter: ms(5), ..Network::default() }));
    let json = serde_json::to_string(&scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario, "{json}");
}

#[test]
fn a_link_without_keys_adds_nothing_and_the_lab_proxy_is_the_default() {
    assert_eq!(link(""), EmulatedLink { emulation: Emulation::default(), congestion: None });
    assert_eq!(link("loss = 0.15").emulation.loss.to_string(), "0.15");
    for proxied in ["", "model = \"proxy\"", "rtt = \"5ms\""] {
        let scenario = with(proxied).unwrap();
        assert!(scenario.link.is_none() && scenario.network.is_some(), "{proxied}");
        assert!(!serde_json::to_string(&scenario).unwrap().contains("\"link\":{\"emulation"), "{proxied}");
    }
}

#[test]
fn the_keys_of_a_scenario_replace_those_of_a_profile() {
    let dsl = link("profile = \"dsl\"");
    assert_eq!(dsl.emulation, Profile::Dsl.emulation());
    let near = link("profile = \"dsl\"\nrtt = \"10ms\"\nqueue = \"100ms\"");
    assert_eq!(near.emulation, Emulation { rtt: ms(10), queue: Queue::Time(ms(100)), ..dsl.emulation.clone() });
    // Half of a profile's rates is no link that anybody has.
    let fast = link("profile = \"dsl\"\nrate = \"5Mbit\"");
    assert_eq!((fast.emulation.rate, fast.emulation.rate_up), (Some(Rate::Constant(5_000_000)), None));
    for (name, profile) in
        [("4g", Profile::FourG), ("lossy-wifi", Profile::LossyWifi), ("satellite", Profile::Satellite)]
    {
        assert_eq!(link(&format!("profile = \"{name}\"")).emulation, profile.emulation());
    }
}

#[test]
fn the_drain_is_long_enough_for_retransmissions_and_a_full_queue() {
    let drain = |more: &str| with(&format!("model = \"link\"\nrtt = \"100ms\"\n{more}")).unwrap().measure.drain;
    assert_eq!(drain(""), ms(2200), "as over the lab proxy");
    assert_eq!(drain("loss = \"1%\""), ms(2200 + 3000 + 1500));
    assert_eq!(drain("rate = \"1Mbit\"\nqueue = \"500ms\""), ms(2200 + 3000 + 1500 + 500));
}

/// The keys of a network, and the error that they must cause.
const REJECTED: &[(&str, &str)] = &[
    (
        "loss = \"1%\"",
        "10:8: the lab proxy does not know packets, so `loss` needs a link; add `model = \"link\"`, or remove it",
    ),
    (
        "model = \"proxy\"\nprofile = \"4g\"",
        "11:11: the lab proxy does not know packets, so `profile` needs a link; add `model = \"link\"`, or remove it",
    ),
    (
        "model = \"link\"\nbandwidth_bytes_per_s = 1000",
        "11:25: `bandwidth_bytes_per_s` is a key of the lab proxy; a link has a `rate`, as in `rate = \"10Mbit\"`",
    ),
    (
        "model = \"link\"\nidle_timeout = \"5s\"",
        "11:16: `idle_timeout` is a key of the lab proxy, which can close connections; remove it, or use `model = \"proxy\"`",
    ),
    (
        "model = \"link\"\nbuffer_bytes = 1",
        "11:16: `buffer_bytes` is a key of the lab proxy, which holds back bytes; remove it, or use `model = \"proxy\"`",
    ),
    (
        "model = \"link\"\nloss = \"100%\"",
        "11:8: \"100%\" is not a share of packets; write it as 1% or 0.01, below 100%",
    ),
    (
        "model = \"link\"\nrate = \"10MB\"",
        "11:8: \"10MB\" is not a rate; write it as 10Mbit or 384kbit, bits per second from 1kbit to 10Gbit",
    ),
    ("model = \"link\"\nrate = \"1Mbit\"\nqueue = 100", "12:9: \"100\" is not a length of a queue; write it as"),
    ("model = \"link\"\nmtu = 500", "11:7: `mtu` is 500; it must be from 576 to 65535"),
    ("model = \"link\"\nrtt = \"11s\"", "11:7: `rtt` is 11s; it must be from 0s to 10s"),
    (
        "model = \"link\"\nloss = 0.1\nloss_burst = 0.5",
        "12:14: `loss_burst` is 0.5; it must be a mean number of packets from 1 to 1000000",
    ),
    (
        "model = \"link\"\nloss_burst = 2",
        "11:14: `loss_burst` has no effect without a `loss`; add one, as in `loss = \"1%\"`",
    ),
    (
        "model = \"link\"\nreorder = true",
        "11:11: `reorder` has no effect without `jitter`; add one, as in `jitter = \"20ms\"`",
    ),
    (
        "model = \"link\"\nqueue = \"100ms\"",
        "11:9: `queue` has no effect without a `rate`; add one, as in `rate = \"10Mbit\"`",
    ),
    ("model = \"wire\"", "10:9: unknown value `wire`; allowed here: proxy, link"),
    ("model = \"link\"\ncongestion = \"vegas\"", "11:14: unknown value `vegas`; allowed here: cubic, bbr, reno"),
    (
        "model = \"link\"\nprofile = \"5g\"",
        "11:11: unknown value `5g`; did you mean `4g`? allowed here: 4g, lossy-wifi, satellite, dsl",
    ),
];

#[test]
fn a_contradiction_is_located_and_names_its_remedy() {
    for (network, expected) in REJECTED {
        let error = with(network).expect_err(network);
        assert!(error.contains(expected), "{network}\n{error}\n{expected}");
    }
}

#[test]
fn a_link_can_only_be_down() {
    let fault = |fault: &str| with(&format!("model = \"link\"\n[[fault]]\nat = \"1s\"\n{fault}"));
    let scenario = fault("kind = \"black-hole\"\nfor = \"5s\"").unwrap();
    assert_eq!(scenario.faults.len(), 1);
    assert!(fault("kind = \"kill\"").is_ok(), "a fault of a process");
    for kind in ["cut", "reset", "refuse\"\nfor = \"1s", "ramp\"\nfor = \"1s", "status-503\"\nfor = \"1s"] {
        let error = fault(&format!("kind = \"{kind}\"")).unwrap_err();
        assert!(error.contains("needs the lab proxy") && error.contains("`model = \"proxy\"`"), "{kind}: {error}");
    }
    let error = fault("kind = \"black-hole\"\nfor = \"5s\"\nshare = 0.5").unwrap_err();
    assert!(error.contains("down for all clients; remove `share`"), "{error}");
}
