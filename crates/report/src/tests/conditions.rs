//! What the page says about the network between clients and server, and about the faults.

use std::time::Duration;

use feedlab_experiment::scenario::{
    Congestion, EmulatedLink, Emulation, Fault, FaultKind, LinkFault, Network, Options, ProcessFault, Queue, Rate, Via,
};
use feedlab_feed::process::{BufferRange, TcpSettings};

use super::*;

/// The page's conditions, one line per condition.
fn conditions(html: &str) -> String {
    let list = html.split_once("<dl class=\"conditions\">").unwrap().1.split_once("</dl>").unwrap().0;
    let rows = list.split("<div>").skip(1).map(|row| row.replace("</dt><dd>", ": "));
    let text = rows.map(|row| row.replace("<dt>", "").replace("</dd></div>", "").trim().to_owned());
    text.collect::<Vec<_>>().join("\n").replace('\u{a0}', " ")
}

fn caveats(html: &str) -> String {
    html.split_once("What limits these claims").unwrap().1.split_once("</aside>").unwrap().0.replace('\u{a0}', " ")
}

#[test]
fn a_failing_run_at_a_distance_states_its_network_and_its_faults() {
    let html = render(&failing::results().1).unwrap().html;
    insta::assert_snapshot!(conditions(&html));
    let caveats = caveats(&html);
    assert!(caveats.contains("The round trip of 50 ms was emulated by the lab proxy"), "{caveats}");
    assert!(!html.contains("loopback, where all"), "it does not run over loopback alone");
    assert!(html.contains("3 repetitions · round trip 50 ms"));
}

/// The condition of that name after a change to a scenario without distance.
fn changed(name: &str, change: impl Fn(&mut feedlab_experiment::Scenario)) -> Option<String> {
    let mut scenario = failing::scenario(1);
    scenario.network = None;
    scenario.faults.clear();
    scenario.contenders.iter_mut().for_each(|contender| contender.link.via = Via::Direct);
    change(&mut scenario);
    let folder = tempfile::tempdir().unwrap();
    let html = render(&run::results_of(folder.path(), scenario, None, failing::fixture)).unwrap().html;
    assert!(caveats(&html).contains("loopback"), "without a round trip it runs over loopback");
    let name = format!("{name}: ");
    conditions(&html).lines().find_map(|line| line.strip_prefix(&name).map(str::to_owned))
}

#[test]
fn tcp_is_described_as_far_as_it_is_known() {
    let shown = |tcp: Option<TcpSettings>| {
        let (_folder, mut results) = failing::results();
        results.manifest.machine.tcp = tcp;
        let html = render(&results).unwrap().html;
        conditions(&html).lines().find_map(|line| line.strip_prefix("TCP: ").map(str::to_owned))
    };
    let range = |max_bytes| Some(BufferRange { min_bytes: 4_096, default_bytes: 16_384, max_bytes });
    let cubic = TcpSettings {
        congestion_control: Some("cubic".to_owned()),
        initial_window_segments: Some(10),
        receive_buffer: range(6 << 20),
        send_buffer: range(4 << 20),
        slow_start_after_idle: Some(true),
        ..TcpSettings::default()
    };
    let expected = "congestion control cubic; a connection starts with 10 segments, and again when it was idle; sockets \
                    buffer at most 6 MiB of what they receive and 4 MiB of what they send";
    assert_eq!(shown(Some(cubic.clone())).as_deref(), Some(expected));
    let bbr = TcpSettings { congestion_control: Some("bbr".to_owned()), send_buffer: None, ..cubic };
    assert_eq!(shown(Some(bbr)).as_deref(), Some("congestion control bbr; a connection starts with 10 segments"));
    assert_eq!(shown(Some(TcpSettings::default())), None);
    assert_eq!(shown(None), None, "a result of before it was recorded");
}

#[test]
fn absent_conditions_are_not_listed() {
    for absent in ["nginx", "faults", "fallback"] {
        assert_eq!(changed(absent, |_| ()), None);
    }
    let plain = changed("network", |_| ()).unwrap();
    assert_eq!(plain, "loopback: server and clients on one machine, nothing in between");
}

#[test]
fn a_network_without_distance_and_a_fault_without_a_network_are_described() {
    let buffering = Network {
        idle_timeout: Some(Duration::from_secs(10)),
        buffer_bytes: Some(4096),
        bandwidth_bytes_per_s: Some(125_000),
        ..Network::default()
    };
    let text = changed("network", |scenario| scenario.network = Some(buffering)).unwrap();
    let expected = "1 Mbit/s per connection and direction; connections that are idle for 10 s are closed; data from \
                    the server is held back until 4 KiB have accumulated; emulated by the lab proxy between server and \
                    clients, all on one machine";
    assert_eq!(text, expected);
    let fault = |kind| Fault { kind, at: Duration::ZERO, every: None, length: Duration::ZERO, share: 1.0, node: 1 };
    let network = |kind| changed("network", |scenario| scenario.faults = vec![fault(kind)]).unwrap();
    assert!(network(FaultKind::Link(LinkFault::Reset)).contains("the lab proxy in between"));
    assert!(network(FaultKind::Process(ProcessFault::Kill)).contains("nothing in between"));
}

#[test]
fn a_link_is_described_with_what_it_does_to_packets() {
    let mut scenario = failing::scenario(1);
    let emulation = Emulation {
        loss: 0.005,
        queue: Queue::Packets(50),
        rate: Some(Rate::Constant(9_000_000)),
        jitter: Duration::from_millis(5),
        ..Emulation::default()
    };
    scenario.link = Some(EmulatedLink { emulation, congestion: Some(Congestion::Bbr) });
    scenario.faults.clear();
    let folder = tempfile::tempdir().unwrap();
    let html = render(&run::results_of(folder.path(), scenario, None, failing::fixture)).unwrap().html;
    let expected = "network: up to 5 ms of random extra delay each way, in order; 0.5% of the packets lost each way; 9 \
                    Mbit/s to the clients; a queue of 50 packets each way; congestion control bbr; a link that is emulated \
                    between two network namespaces of one machine, with its kernel&#39;s TCP";
    assert!(conditions(&html).contains(expected), "{}", conditions(&html));
    let caveats = caveats(&html);
    assert!(caveats.contains("retransmissions are real") && !caveats.contains("lab proxy"), "{caveats}");
}

#[test]
fn what_all_contenders_share_is_stated_once_and_a_ladder_lists_its_rungs() {
    let all = changed("connections", |scenario| {
        scenario.contenders.iter_mut().for_each(|contender| contender.link.tls = true);
    });
    assert_eq!(all.as_deref(), Some("TLS 1.3 for all"));
    let second = Duration::from_secs;
    let ladder = changed("fallback", |scenario| {
        scenario.contenders[2].options = Options::Auto {
            first: Transport::Sse,
            watchdog: second(3),
            climb: second(30),
            hold: second(25),
            interval: second(1),
            keepalive: second(1),
        };
    });
    assert!(
        ladder.unwrap().starts_with("first SSE (keepalive 1 s), then long polling (hold 25 s), then short polling")
    );
}
