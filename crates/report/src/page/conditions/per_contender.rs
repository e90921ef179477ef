//! The conditions per contender: its connections, its reconnect policy and its server settings. Only what differs from
//! the default is listed.

use feedlab_experiment::Scenario;
use feedlab_experiment::scenario::{
    Connections, Contender, Http, Link, Options, ReconnectPolicy, Serving, SlowPolicy, Target,
};

use crate::{human, wording};

/// The targets, each with how it was started and how its updates were published.
pub(super) fn targets(scenario: &Scenario) -> Option<String> {
    grouped(scenario, |contender| scenario.target(contender).into_iter().map(target).collect())
}

fn target(target: &Target) -> String {
    let Target { name, command, url, publish, .. } = target;
    let started = match command {
        // A command may have several lines.
        Some(command) => format!("started with `{}`", command.split_whitespace().collect::<Vec<_>>().join(" ")),
        None => format!("at {url}, not started by the run"),
    };
    let published = if publish.is_some() { "" } else { ", with a feed of its own" };
    format!("{name} ({started}{published})")
}

/// The links of contenders that use anything other than HTTP/1.1 without TLS and one connection per client.
pub(super) fn links(scenario: &Scenario) -> Option<String> {
    grouped(scenario, |contender| link(&contender.link))
}

/// The reconnect policies.
pub(super) fn reconnect_policies(scenario: &Scenario) -> Option<String> {
    grouped(scenario, |contender| reconnect_policy(&contender.reconnect))
}

/// The server settings.
pub(super) fn server_settings(scenario: &Scenario) -> Option<String> {
    grouped(scenario, |contender| serving(&contender.serving))
}

/// The fallback ladders.
pub(super) fn ladders(scenario: &Scenario) -> Option<String> {
    grouped(scenario, |contender| ladder(&contender.options).into_iter().collect())
}

/// `TLS 1.3 for SSE · WebSocket; HTTP/2 for …`: contenders with the same traits are grouped.
fn grouped(scenario: &Scenario, traits: impl Fn(&Contender) -> Vec<String>) -> Option<String> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for contender in &scenario.contenders {
        let traits = traits(contender).join(", ");
        match groups.iter_mut().find(|(group, _)| *group == traits) {
            Some((_, labels)) => labels.push(&contender.label),
            None => groups.push((traits, vec![&contender.label])),
        }
    }
    groups.retain(|(traits, _)| !traits.is_empty());
    let all = scenario.contenders.len();
    let group = |(traits, labels): &(String, Vec<&str>)| match labels.len() {
        number if number == all => format!("{traits} for all"),
        _ => format!("{traits} for {}", labels.join(" · ")),
    };
    let groups: Vec<String> = groups.iter().map(group).collect();
    (!groups.is_empty()).then(|| groups.join("; "))
}

fn link(link: &Link) -> Vec<String> {
    let parts = [
        link.tls.then_some("TLS 1.3"),
        (link.http == Http::V2).then_some(if link.tls { "HTTP/2" } else { "HTTP/2 with prior knowledge" }),
        (link.connections == Connections::Shared).then_some("shared connections"),
    ];
    parts.into_iter().flatten().map(str::to_owned).collect()
}

fn reconnect_policy(reconnect: &ReconnectPolicy) -> Vec<String> {
    let parts = [
        reconnect.after.map(|after| format!("after {}", human::duration(after))),
        (!reconnect.jitter).then(|| "without jitter".to_owned()),
        (!reconnect.with_cursor).then(|| "without a cursor, so missed updates are not requested".to_owned()),
    ];
    parts.into_iter().flatten().collect()
}

fn serving(serving: &Serving) -> Vec<String> {
    let policy = match serving.slow_policy {
        SlowPolicy::Block => None,
        SlowPolicy::Latest => Some("only the newest update for slow readers".to_owned()),
        SlowPolicy::Disconnect => Some("slow readers disconnected".to_owned()),
    };
    let parts = [
        serving.history.map(|history| match history {
            0 => "no history".to_owned(),
            history => format!("a history of {}", wording::counted(history as f64, "update", "updates")),
        }),
        policy,
        serving.coalesce.map(|every| format!("updates sent at most every {}", human::duration(every))),
        serving
            .max_connection_age
            .map(|age| format!("streams closed at an age of {} to {}", human::duration(age / 2), human::duration(age))),
        serving.read_buffer_bytes.map(|bytes| format!("a read buffer of {}", human::size(bytes as f64))),
    ];
    parts.into_iter().flatten().collect()
}

fn ladder(options: &Options) -> Option<String> {
    let Options::Auto { first, watchdog, climb, hold, interval, keepalive } = options else { return None };
    Some(format!(
        "first {} (keepalive {}), then long polling (hold {}), then short polling (every {}); a rung without data \
         for {} counts as broken, and the first rung is retried after {}",
        first.label(),
        human::duration(*keepalive),
        human::duration(*hold),
        human::duration(*interval),
        human::duration(*watchdog),
        human::duration(*climb),
    ))
}
