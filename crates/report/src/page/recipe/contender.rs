//! The tables of the contenders: their options written out, of everything else what differs from the default.

use feedlab_experiment::scenario::{Comeback, Connections, Contender, Http, Link, Options, Serving, SlowPolicy, Via};

use super::{duration, id, quoted};

pub(super) fn contender(contender: &Contender) -> Vec<String> {
    let transport = if contender.is_auto() { "auto" } else { contender.transport().id() };
    let mut lines = vec!["[[contender]]".to_owned(), format!("transport = \"{transport}\"")];
    lines.extend(label(&contender.label));
    lines.extend(options(&contender.options));
    lines.push(format!("age_from = {}", id(&contender.age_from)));
    lines.extend(link(&contender.link));
    lines.extend(comeback(&contender.comeback));
    lines.extend(serving(&contender.serving));
    lines
}

/// The longest label that a scenario may give; a longer one was made from the options, and will be again.
const LONGEST_LABEL: usize = 60;

fn label(label: &str) -> Option<String> {
    (label.chars().count() <= LONGEST_LABEL).then(|| format!("label = {}", quoted(label)))
}

fn options(options: &Options) -> Vec<String> {
    match *options {
        Options::ShortPolling { interval, keep_alive, conditional } => vec![
            format!("interval = \"{}\"", duration(interval)),
            format!("keep_alive = {keep_alive}"),
            format!("conditional = {conditional}"),
        ],
        Options::LongPolling { hold, keep_alive } => {
            vec![format!("hold = \"{}\"", duration(hold)), format!("keep_alive = {keep_alive}")]
        }
        Options::Sse { keepalive } | Options::WebSocket { keepalive } => {
            vec![format!("keepalive = \"{}\"", duration(keepalive))]
        }
        Options::Auto { first, watchdog, climb, hold, interval, keepalive } => {
            let times = [("watchdog", watchdog), ("climb", climb), ("hold", hold), ("interval", interval)];
            let times = times.into_iter().chain([("keepalive", keepalive)]);
            let times = times.map(|(key, time)| format!("{key} = \"{}\"", duration(time)));
            std::iter::once(format!("first = \"{first}\"")).chain(times).collect()
        }
    }
}

fn link(link: &Link) -> Vec<String> {
    let lines = [
        link.tls.then(|| "tls = true".to_owned()),
        (link.http != Http::default()).then(|| format!("http = {}", id(&link.http))),
        (link.connections != Connections::default()).then(|| format!("connections = {}", id(&link.connections))),
        (link.via != Via::default()).then(|| format!("via = {}", id(&link.via))),
    ];
    lines.into_iter().flatten().collect()
}

fn comeback(comeback: &Comeback) -> Vec<String> {
    let lines = [
        comeback.after.map(|after| format!("reconnect_after = \"{}\"", duration(after))),
        (!comeback.jitter).then(|| "jitter = false".to_owned()),
        (!comeback.with_cursor).then(|| "cursor = false".to_owned()),
    ];
    lines.into_iter().flatten().collect()
}

fn serving(serving: &Serving) -> Vec<String> {
    let policy = serving.slow_policy;
    let lines = [
        serving.history.map(|history| format!("history = {history}")),
        (policy != SlowPolicy::default()).then(|| format!("slow_policy = {}", id(&policy))),
        serving.coalesce.map(|coalesce| format!("coalesce = \"{}\"", duration(coalesce))),
        serving.read_buffer_bytes.map(|bytes| format!("read_buffer_bytes = {bytes}")),
    ];
    lines.into_iter().flatten().collect()
}
