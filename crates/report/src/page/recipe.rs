//! The scenario as a file again: whoever has the page can run it once more.

use std::time::Duration;

use feedlab_experiment::Scenario;
use feedlab_experiment::scenario::{Measure, Nginx, ScheduleKind, SlowClients, Source, Stall, Threshold};
use serde::Serialize;

mod contender;
mod lab;

/// The scenario in its own language. Defaults are written out, but for those that say that something is not there: a
/// contender without TLS has no line for it.
pub(super) fn toml(scenario: &Scenario) -> String {
    let head = vec![
        "schema = 1".to_owned(),
        format!("name = {}", quoted(&scenario.name)),
        format!("question = {}", quoted(&scenario.question)),
        format!("seed = {}", scenario.seed),
    ];
    let mut tables = vec![head, feed(scenario), clients(scenario)];
    tables.extend(scenario.network.as_ref().map(lab::network));
    tables.extend((scenario.nginx != Nginx::default()).then(|| lab::nginx(&scenario.nginx)));
    tables.push(measure(scenario));
    tables.extend(scenario.faults.iter().map(lab::fault));
    tables.extend(scenario.contenders.iter().map(contender::contender));
    tables.extend(scenario.thresholds.iter().map(threshold));
    tables.iter().map(|lines| lines.join("\n") + "\n").collect::<Vec<_>>().join("\n")
}

fn feed(scenario: &Scenario) -> Vec<String> {
    let mut lines = vec!["[feed]".to_owned()];
    lines.extend(source(&scenario.feed.source));
    lines.push(format!("history = {}", scenario.feed.history));
    let stall = |stall: Stall| {
        format!("stall = {{ after = \"{}\", for = \"{}\" }}", duration(stall.after), duration(stall.length))
    };
    lines.extend(scenario.feed.stall.map(stall));
    lines
}

fn clients(scenario: &Scenario) -> Vec<String> {
    let mut lines = vec![
        "[clients]".to_owned(),
        format!("count = {:?}", scenario.clients.count),
        format!("ramp = \"{}\"", duration(scenario.clients.ramp)),
        format!("headers = {}", id(&scenario.clients.headers)),
    ];
    let slow =
        |SlowClients { count, bytes_per_s }| format!("slow = {{ count = {count}, bytes_per_s = {bytes_per_s} }}");
    lines.extend(scenario.clients.slow.map(slow));
    lines
}

fn measure(scenario: &Scenario) -> Vec<String> {
    let Measure { settle, warm_up, duration: measured, drain, repetitions } = scenario.measure;
    let phases = [("settle", settle), ("warm_up", warm_up), ("duration", measured), ("drain", drain)];
    let mut lines = vec!["[measure]".to_owned()];
    lines.extend(phases.map(|(name, value)| format!("{name} = \"{}\"", duration(value))));
    lines.push(format!("repetitions = {repetitions}"));
    lines
}

fn threshold(threshold: &Threshold) -> Vec<String> {
    let mut lines = vec![
        "[[threshold]]".to_owned(),
        format!("metric = \"{}\"", threshold.metric),
        format!("expect = {}", quoted(&threshold.demand())),
    ];
    lines.extend(threshold.transport.map(|transport| format!("transport = \"{transport}\"")));
    lines.extend(threshold.contender.as_ref().map(|label| format!("contender = {}", quoted(label))));
    lines
}

fn source(source: &Source) -> Vec<String> {
    match source {
        Source::Synthetic { updates_per_s, schedule, burst_size, payload_bytes, binary } => {
            let is_burst = *schedule == ScheduleKind::Burst;
            let mut lines = vec![
                "source = \"synthetic\"".to_owned(),
                format!("updates_per_s = {updates_per_s}"),
                format!("schedule = {}", id(schedule)),
                format!("payload_bytes = {payload_bytes:?}"),
            ];
            lines.extend(is_burst.then(|| format!("burst_size = {burst_size}")));
            lines.extend(binary.then(|| "binary = true".to_owned()));
            lines
        }
        Source::Replay { file, speed } => vec![
            "source = \"replay\"".to_owned(),
            format!("file = {}", quoted(&file.to_string_lossy())),
            format!("speed = {speed}"),
        ],
        Source::Stdin => vec!["source = \"stdin\"".to_owned()],
        Source::Host { updates_per_s } => {
            vec!["source = \"host\"".to_owned(), format!("updates_per_s = {updates_per_s}")]
        }
        Source::Clients { updates_per_s, payload_bytes } => vec![
            "source = \"clients\"".to_owned(),
            format!("updates_per_s = {updates_per_s}"),
            format!("payload_bytes = {payload_bytes}"),
        ],
    }
}

/// A duration in the largest unit that keeps it whole.
fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let units = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
    let whole = units.into_iter().find(|(_, size)| nanos.is_multiple_of(*size));
    whole.map_or_else(|| format!("{nanos}ns"), |(unit, size)| format!("{}{unit}", nanos / size))
}

/// The name of a variant as every file writes it, quoted: JSON's strings of letters, digits and hyphens are TOML's.
fn id(variant: &impl Serialize) -> String {
    serde_json::to_string(variant).unwrap_or_default()
}

/// A basic string of TOML 1.0.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            control if control.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(control))),
            letter => out.push(letter),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests;
