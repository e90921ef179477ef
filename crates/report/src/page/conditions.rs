//! The conditions of a run: the scenario, the network between clients and server, and where and when it was measured,
//! as names and values.

use std::time::Duration;

use feedlab_experiment::Scenario;
use feedlab_experiment::record::Manifest;
use feedlab_experiment::scenario::{
    Balance, Broker, Headers, Measure, Network, ProcessFault, ScheduleKind, Source, Via,
};

use crate::human::{self, ABSENT};
use crate::{fault, finding, wording};

mod link;
mod per_contender;

/// One condition.
pub(super) struct Condition {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// Returns all conditions, in reading order.
pub(super) fn of(manifest: &Manifest) -> Vec<Condition> {
    let scenario = &manifest.scenario;
    let machine = &manifest.machine;
    let open_files = machine.max_open_files.map(|most| format!("at most {}", human::count(most as f64)));
    let conditions = [
        ("scenario", Some(scenario.name.clone())),
        ("changed", Some(manifest.changes.join("; ")).filter(|changes| !changes.is_empty())),
        ("feed", Some(feed(scenario))),
        ("clients", Some(clients(scenario))),
        ("contenders", Some(contenders(scenario))),
        ("targets", per_contender::targets(scenario)),
        ("connections", per_contender::links(scenario)),
        ("fallback", per_contender::ladders(scenario)),
        ("reconnecting", per_contender::reconnect_policies(scenario)),
        ("servers", per_contender::server_settings(scenario)),
        ("measured", Some(measured(scenario.measure, manifest))),
        ("seed", Some(manifest.seed.to_string())),
        ("load", load(manifest)),
        ("network", Some(network(scenario, &manifest.agents))),
        ("nginx", nginx(scenario)),
        ("faults", Some(fault::clauses(scenario).join("; ")).filter(|faults| !faults.is_empty())),
        ("machine", Some(self::machine(manifest))),
        ("system", Some(format!("{}, kernel {}", machine.platform, machine.kernel))),
        ("TCP", tcp(manifest)),
        ("open files", Some(open_files.unwrap_or_else(|| "no limit".to_owned()))),
        ("feedlab", Some(version(manifest))),
        ("started", Some(when(&manifest.started))),
    ];
    let present = |(name, value): (_, Option<String>)| value.map(|value| Condition { name, value });
    conditions.into_iter().filter_map(present).collect()
}

/// Formats an RFC 3339 time in UTC to the second, as `2026-11-21 12:00:30 UTC`.
pub(crate) fn when(started: &str) -> String {
    let readable = || {
        let (date, time) = started.strip_suffix('Z')?.split_once('T')?;
        Some(format!("{date} {} UTC", time.get(..8)?))
    };
    readable().unwrap_or_else(|| started.to_owned())
}

fn feed(scenario: &Scenario) -> String {
    let rate = |updates_per_s: f64| format!("{} per second", wording::counted(updates_per_s, "update", "updates"));
    let source = match &scenario.feed.source {
        Source::Synthetic { updates_per_s, schedule, burst_size, payload_bytes, binary } => {
            let schedule = match schedule {
                ScheduleKind::Constant => "evenly spaced".to_owned(),
                ScheduleKind::Poisson => "at random times (Poisson)".to_owned(),
                ScheduleKind::Burst => format!("in bursts of {burst_size}"),
            };
            let sizes: Vec<String> = payload_bytes.iter().map(|&bytes| human::size(bytes as f64)).collect();
            let bytes = if *binary { " of binary data" } else { "" };
            format!("synthetic: {} {schedule}, payload {}{bytes}", rate(*updates_per_s), wording::list(&sizes))
        }
        Source::Replay { file, speed } => {
            let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
            let times = if *speed == 1.0 { String::new() } else { human::times(*speed, 1.0) + " " };
            format!("replay of {name} at {times}the recorded speed")
        }
        Source::Clients { updates_per_s, payload_bytes } => {
            let size = human::size(*payload_bytes as f64);
            format!("published by the clients: {} in total, payload {size}", rate(*updates_per_s))
        }
        Source::Host { updates_per_s } => format!("load figures of the machine, {}", rate(*updates_per_s)),
    };
    let stall = scenario.feed.stall.map_or(String::new(), |stall| {
        let (length, after) = (human::duration(stall.length), human::duration(stall.after));
        format!("; the publisher deliberately pauses for {length}, {after} into the measured time")
    });
    let history = match scenario.feed.history {
        _ if scenario.contenders.iter().all(|contender| contender.target.is_some()) => String::new(),
        0 => "; the server keeps no history".to_owned(),
        history => format!("; the server keeps the last {}", wording::counted(history as f64, "update", "updates")),
    };
    let home = match scenario.feed.broker {
        Some(Broker::Nats) => "; the feed is kept in a NATS JetStream stream, on a nats-server on this machine",
        None => "",
    };
    format!("{source}{history}{stall}{home}")
}

fn clients(scenario: &Scenario) -> String {
    let counts: Vec<String> = scenario.clients.count.iter().map(|&count| human::count(f64::from(count))).collect();
    let headers = match scenario.clients.headers {
        Headers::Bare => "only the headers that HTTP needs",
        Headers::Browser => "the headers of a browser",
        Headers::BrowserCookies => "the headers of a browser and session cookies",
    };
    let ramp = human::duration(scenario.clients.ramp);
    let slow = scenario.clients.slow.map_or(String::new(), |slow| {
        let readers = wording::counted(f64::from(slow.count), "slow reader", "slow readers");
        format!(
            "; in addition {readers} at {} per second, not counted in the figures of the other clients",
            human::size(slow.bytes_per_s as f64)
        )
    });
    let churn = scenario.clients.churn.map_or(String::new(), |share| {
        format!("; {} of the connections are replaced each second", human::percent(share))
    });
    format!("{}, connecting over {ramp}, with {headers}{churn}{slow}", wording::list(&counts))
}

fn contenders(scenario: &Scenario) -> String {
    let labels: Vec<&str> = scenario.contenders.iter().map(|contender| contender.label.as_str()).collect();
    labels.join(" · ")
}

fn measured(measure: Measure, manifest: &Manifest) -> String {
    let repetitions = wording::counted(f64::from(measure.repetitions), "repetition", "repetitions");
    format!(
        "{} per cell after {} of settling and {} of warm-up, {repetitions}; {} of {} cells",
        human::duration(measure.duration),
        human::duration(measure.settle),
        human::duration(measure.warm_up),
        human::count(manifest.cells_measured as f64),
        human::count(manifest.cells_planned as f64),
    )
}

/// The number of servers, and the processes that drive the clients, if there is more than one of either.
fn load(manifest: &Manifest) -> Option<String> {
    let servers = manifest.scenario.feed.servers;
    let serve = (servers > 1).then(|| format!("{servers} servers, over which the clients are spread"));
    let drive = (!manifest.agents.is_empty()).then(|| {
        let count = wording::counted(manifest.agents.len() as f64, "process", "processes");
        format!("clients driven by {count}: {}", manifest.agents.join(", "))
    });
    let parts: Vec<_> = [serve, drive].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The network, or that there is none.
fn network(scenario: &Scenario, agents: &[String]) -> String {
    if let Some(link) = &scenario.link {
        return link::emulated(link);
    }
    match scenario.network {
        Some(network) => emulated(network),
        None if scenario.faults.iter().any(|fault| fault.kind.is_of_link()) => {
            "loopback, with the lab proxy in between for the faults".to_owned()
        }
        None if scenario.contenders.iter().any(|contender| contender.link.via.is_nginx()) => {
            "loopback: server, clients and nginx on one machine".to_owned()
        }
        None if finding::is_remote(scenario) => "that between the clients and a target on another machine".to_owned(),
        None if !agents.is_empty() => {
            "the network between the server and the machines that drive the clients".to_owned()
        }
        None => "loopback: server and clients on one machine, nothing in between".to_owned(),
    }
}

fn emulated(network: Network) -> String {
    let Network { rtt, jitter, bandwidth_bytes_per_s, idle_timeout, buffer_bytes } = network;
    let set = |duration: Duration| Some(human::duration(duration)).filter(|_| !duration.is_zero());
    let parts = [
        set(rtt).map(|rtt| format!("a round trip of {rtt}, including TCP's handshake")),
        set(jitter).map(|jitter| format!("up to {jitter} of random extra delay each way, in order")),
        bandwidth_bytes_per_s.map(|rate| format!("{} per connection and direction", human::bits(8.0 * rate as f64))),
        idle_timeout.map(|idle| format!("connections that are idle for {} are closed", human::duration(idle))),
        buffer_bytes.map(|bytes| {
            format!("data from the server is held back until {} have accumulated", human::size(bytes as f64))
        }),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => "the lab proxy between server and clients, all on one machine, adding nothing".to_owned(),
        false => {
            format!("{}; emulated by the lab proxy between server and clients, all on one machine", parts.join("; "))
        }
    }
}

/// How nginx is configured, and for which contenders; `None` without nginx.
fn nginx(scenario: &Scenario) -> Option<String> {
    let setups = [Via::Nginx, Via::NginxDefault, Via::NginxBuffering].into_iter().filter_map(|via| {
        let through = scenario.contenders.iter().filter(|contender| contender.link.via == via);
        let labels: Vec<&str> = through.map(|contender| contender.label.as_str()).collect();
        (!labels.is_empty()).then(|| format!("{} for {}", nginx_setup(via), labels.join(" · ")))
    });
    let setups: Vec<String> = setups.collect();
    let upstreams = wording::counted(f64::from(scenario.nginx.upstreams), "server", "servers");
    let timeout = human::duration(scenario.nginx.read_timeout);
    let balance = match (scenario.nginx.upstreams, scenario.nginx.balance) {
        (1, Balance::RoundRobin) => "",
        (_, Balance::RoundRobin) => ", in turn (round-robin)",
        (_, Balance::LeastConnections) => ", the one with the fewest connections first (least_conn)",
        (_, Balance::Hash) => ", by the client's address (hash … consistent; each client has a different address)",
    };
    let reloads = scenario.faults.iter().any(|fault| fault.kind.process().is_some_and(ProcessFault::reloads_nginx));
    let kept = human::duration(scenario.nginx.shutdown_timeout);
    let replaced = if reloads {
        format!("; after a reload, old workers keep their connections for up to {kept}")
    } else {
        String::new()
    };
    (!setups.is_empty())
        .then(|| format!("{}; {upstreams} behind it{balance}, read timeout {timeout}{replaced}", setups.join("; ")))
}

/// A short description of an nginx setup.
const fn nginx_setup(via: Via) -> &'static str {
    match via {
        Via::Direct => "none",
        Via::Nginx => "configured for streaming (HTTP/1.1, no buffering, upgrades passed through)",
        Via::NginxDefault => "with the defaults of proxy_pass (HTTP/1.0, buffering unless the server turns it off)",
        Via::NginxBuffering => "buffering whatever the server requests",
    }
}

fn machine(manifest: &Manifest) -> String {
    let machine = &manifest.machine;
    let cores = machine.cores.map(|cores| wording::counted(cores as f64, "core", "cores"));
    let memory = machine.memory_bytes.map(|bytes| format!("{} of memory", human::size(bytes as f64)));
    let known: Vec<String> = machine.cpu.clone().into_iter().chain(cores).chain(memory).collect();
    if known.is_empty() { ABSENT.to_owned() } else { known.join(", ") }
}

/// What decides how fast a connection starts and how much it buffers; `None` if nothing of it is known.
fn tcp(manifest: &Manifest) -> Option<String> {
    let tcp = manifest.machine.tcp.as_ref()?;
    let congestion = tcp.congestion_control.as_ref().map(|name| format!("congestion control {name}"));
    let window = tcp.initial_window_segments.map(|segments| {
        let again = if tcp.restarts_slowly() == Some(true) { ", and again when it was idle" } else { "" };
        format!("a connection starts with {}{again}", wording::counted(segments.into(), "segment", "segments"))
    });
    let most = |bytes: u64| human::size(bytes as f64);
    let buffers = tcp.receive_buffer.zip(tcp.send_buffer);
    let buffers = buffers.map(|(receive, send)| {
        format!(
            "sockets buffer at most {} of what they receive and {} of what they send",
            most(receive.max_bytes),
            most(send.max_bytes)
        )
    });
    let known: Vec<String> = [congestion, window, buffers].into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join("; "))
}

fn version(manifest: &Manifest) -> String {
    let revision = manifest.git_revision.as_ref().map_or(String::new(), |revision| format!(", revision {revision}"));
    format!("{}{revision}, built with {}", manifest.feedlab_version, manifest.rustc_version)
}
