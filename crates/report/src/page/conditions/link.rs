//! An emulated link as a condition of a run.

use std::time::Duration;

use feedlab_experiment::scenario::{EmulatedLink, Emulation, Queue, Rate};

use crate::human;

/// Describes a link.
pub(super) fn emulated(link: &EmulatedLink) -> String {
    let Emulation { rtt, jitter, reorder, loss, loss_burst, rate, rate_up, queue, mtu } = &link.emulation;
    let usual_mtu = Emulation::default().mtu;
    let set = |duration: &Duration| Some(human::duration(*duration)).filter(|_| !duration.is_zero());
    let order = if *reorder { "which changes the order of packets" } else { "in order" };
    let parts = [
        set(rtt).map(|rtt| format!("a round trip of {rtt}")),
        set(jitter).map(|jitter| format!("up to {jitter} of random extra delay each way, {order}")),
        (*loss > 0.0).then(|| lost(*loss, *loss_burst)),
        rate.as_ref().map(|down| format!("{} to the clients", bits(down))),
        rate_up.as_ref().map(|up| format!("{} to the server", bits(up))),
        link.is_limited().then(|| format!("a queue of {} each way", length(*queue))),
        (*mtu != usual_mtu).then(|| format!("packets of at most {}", human::size(f64::from(*mtu)))),
        link.congestion.map(|congestion| format!("congestion control {}", congestion.name())),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let what = if parts.is_empty() { "nothing added".to_owned() } else { parts.join("; ") };
    format!("{what}; a link that is emulated between two network namespaces of one machine, with its kernel's TCP")
}

fn lost(share: f64, burst: Option<f64>) -> String {
    let share = format!("{}% of the packets lost each way", (share * 1e4).round() / 100.0);
    burst.map_or_else(|| share.clone(), |packets| format!("{share}, {packets} in a row on average"))
}

fn bits(rate: &Rate) -> String {
    match rate {
        Rate::Constant(bits) => human::bits(*bits as f64),
        Rate::Trace(trace) => format!("{} on average", human::bits(trace.mean())),
    }
}

fn length(queue: Queue) -> String {
    match queue {
        Queue::Packets(count) => format!("{} packets", human::count(count as f64)),
        Queue::Bytes(bytes) => human::size(bytes as f64),
        Queue::Time(time) => human::duration(time),
    }
}
