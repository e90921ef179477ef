//! What stands between clients and server: the lab proxy's network, and nginx.

use std::time::Duration;

use feedlab_experiment::Scenario;
use feedlab_experiment::scenario::{Network, Via};

use crate::{human, wording};

/// The network, or that there is none.
pub(super) fn network(scenario: &Scenario) -> String {
    match scenario.network {
        Some(network) => lab(network),
        None if scenario.faults.iter().any(|fault| fault.kind.is_proxys()) => {
            "loopback, with the lab proxy in between for the faults".to_owned()
        }
        None if scenario.contenders.iter().any(|contender| contender.link.via.is_nginx()) => {
            "loopback: server, clients and nginx on one machine".to_owned()
        }
        None => "loopback: server and clients on one machine, nothing in between".to_owned(),
    }
}

fn lab(network: Network) -> String {
    let Network { rtt, jitter, bandwidth_bytes_per_s, idle_timeout, buffer_bytes } = network;
    let set = |duration: Duration| Some(human::duration(duration)).filter(|_| !duration.is_zero());
    let parts = [
        set(rtt).map(|rtt| format!("a round trip of {rtt}, TCP's handshake included")),
        set(jitter).map(|jitter| format!("at most {jitter} more each way, at random, in order")),
        bandwidth_bytes_per_s
            .map(|rate| format!("{} for each connection and direction", human::bits(8.0 * rate as f64))),
        idle_timeout
            .map(|idle| format!("connections on which nothing passes for {} are closed", human::duration(idle))),
        buffer_bytes
            .map(|bytes| format!("what the server sends is held back until {} have come together", size(bytes))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let what = if parts.is_empty() { "nothing added".to_owned() } else { parts.join("; ") };
    format!("{what}: made by the lab proxy between server and clients, all on one machine")
}

fn size(bytes: u64) -> String {
    human::size(bytes as f64)
}

/// How nginx is set up and for whom; nothing without it.
pub(super) fn nginx(scenario: &Scenario) -> Option<String> {
    let ways = [Via::Nginx, Via::NginxDefault, Via::NginxBuffering].into_iter().filter_map(|via| {
        let through = scenario.contenders.iter().filter(|contender| contender.link.via == via);
        let labels: Vec<&str> = through.map(|contender| contender.label.as_str()).collect();
        (!labels.is_empty()).then(|| format!("{} for {}", setting(via), labels.join(" · ")))
    });
    let ways: Vec<String> = ways.collect();
    let upstreams = wording::counted(f64::from(scenario.nginx.upstreams), "server", "servers");
    let timeout = human::duration(scenario.nginx.read_timeout);
    (!ways.is_empty()).then(|| {
        format!("{}; {upstreams} behind it, which it waits for at most {timeout} between two reads", ways.join("; "))
    })
}

/// A setting in a few words.
const fn setting(via: Via) -> &'static str {
    match via {
        Via::Direct => "none",
        Via::Nginx => "set up for streaming (HTTP/1.1, no buffering, upgrades let through)",
        Via::NginxDefault => "as proxy_pass alone leaves it (HTTP/1.0, buffering unless the server asks for none)",
        Via::NginxBuffering => "buffering whatever the server asks",
    }
}
