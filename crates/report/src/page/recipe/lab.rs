//! The tables of what stands between clients and server, and of what breaks there.

use feedlab_experiment::scenario::{Fault, Network, Nginx};

use super::{duration, id};

pub(super) fn network(network: &Network) -> Vec<String> {
    let mut lines = vec![
        "[network]".to_owned(),
        format!("rtt = \"{}\"", duration(network.rtt)),
        format!("jitter = \"{}\"", duration(network.jitter)),
    ];
    lines.extend(network.bandwidth_bytes_per_s.map(|rate| format!("bandwidth_bytes_per_s = {rate}")));
    lines.extend(network.idle_timeout.map(|idle| format!("idle_timeout = \"{}\"", duration(idle))));
    lines.extend(network.buffer_bytes.map(|bytes| format!("buffer_bytes = {bytes}")));
    lines
}

pub(super) fn nginx(nginx: &Nginx) -> Vec<String> {
    vec![
        "[nginx]".to_owned(),
        format!("read_timeout = \"{}\"", duration(nginx.read_timeout)),
        format!("upstreams = {}", nginx.upstreams),
    ]
}

pub(super) fn fault(fault: &Fault) -> Vec<String> {
    let mut lines =
        vec!["[[fault]]".to_owned(), format!("kind = {}", id(&fault.kind)), format!("at = \"{}\"", duration(fault.at))];
    lines.extend(fault.every.map(|every| format!("every = \"{}\"", duration(every))));
    lines.extend((!fault.length.is_zero()).then(|| format!("for = \"{}\"", duration(fault.length))));
    lines.extend((fault.share < 1.0).then(|| format!("share = {}", fault.share)));
    lines
}
