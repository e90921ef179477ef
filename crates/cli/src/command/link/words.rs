//! What the link is and what it did, in words.

use feedlab_feed::link::{Emulation, Queue, Rate};
use feedlab_link::emulator::{Counters, Report};

use crate::network::Side;

/// Describes a link that is open.
pub(super) fn opened(link: &Emulation) -> String {
    let shown = |time| humantime::format_duration(time).to_string().replace(' ', "");
    let parts = [
        (!link.rtt.is_zero()).then(|| format!("round trip {}", shown(link.rtt))),
        (!link.jitter.is_zero()).then(|| format!("jitter {}", shown(link.jitter))),
        (link.loss > 0.0).then(|| format!("{} of the packets lost", percent(link.loss))),
        link.rate.as_ref().map(|down| format!("{} down", rate(down))),
        link.rate_up.as_ref().map(|up| format!("{} up", rate(up))),
        (link.rate.is_some() || link.rate_up.is_some()).then(|| format!("queue of {}", queue(link.queue))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let what = if parts.is_empty() { "no delay, loss or limit".to_owned() } else { parts.join(", ") };
    format!("link: {what}; the server is at {}", Side::Server.address())
}

fn rate(rate: &Rate) -> String {
    match rate {
        Rate::Constant(bits) => bits_per_s(*bits as f64),
        Rate::Trace(trace) => format!("{} on average", bits_per_s(trace.mean())),
    }
}

fn bits_per_s(bits: f64) -> String {
    let (number, unit) = match bits {
        bits if bits >= 1e9 => (bits / 1e9, "Gbit/s"),
        bits if bits >= 1e6 => (bits / 1e6, "Mbit/s"),
        bits => (bits / 1e3, "kbit/s"),
    };
    format!("{} {unit}", (number * 100.0).round() / 100.0)
}

fn queue(queue: Queue) -> String {
    match queue {
        Queue::Packets(count) => format!("{count} packets"),
        Queue::Bytes(bytes) => format!("{bytes} B"),
        Queue::Time(time) => humantime::format_duration(time).to_string(),
    }
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1e4).round() / 100.0)
}

/// Says what a link did.
pub(super) fn report(report: &Report) -> String {
    let mut lines = vec![direction("up", &report.up), direction("down", &report.down)];
    if report.late > 0 {
        let packets = report.up.packets + report.down.packets;
        let share = percent(report.late as f64 / packets.max(1) as f64);
        let latest = report.latest_us as f64 / 1e3;
        lines.push(format!("link: {share} of the packets left more than 0.5 ms late, the latest by {latest:.1} ms: the machine was busy"));
    }
    if report.missed > 0 {
        lines.push(format!("link: {} packets were lost because this machine was too slow to read them", report.missed));
    }
    if report.refused > 0 {
        lines.push(format!("link: {} packets were not taken by their interface", report.refused));
    }
    lines.join("\n")
}

fn direction(name: &str, of: &Counters) -> String {
    let mut text = format!("link, {name}: {} packets, {} B", of.packets, of.bytes);
    let lost = [(of.lost, "lost"), (of.dropped, "dropped by the full queue"), (of.in_outage, "dropped in an outage")];
    for (count, what) in lost.into_iter().filter(|(count, _)| *count > 0) {
        text += &format!(", {count} {what} ({})", percent(count as f64 / of.packets.max(1) as f64));
    }
    if of.reordered > 0 {
        text += &format!(", {} out of order", of.reordered);
    }
    text
}
