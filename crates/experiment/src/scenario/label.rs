//! A contender's default label, derived from its options: those that define the comparison, and those that differ from
//! the default.

use std::time::Duration;

use feedlab_feed::settings::KEEPALIVE;

use super::{AgeFrom, Connections, Contender, Http, Link, Options, ReconnectPolicy, Serving, SlowPolicy, Via};

/// The default keepalive interval of a fallback ladder.
pub(super) const AUTO_KEEPALIVE: Duration = Duration::from_secs(1);
/// The default watchdog: a stream counts as broken if it is silent for three keepalive intervals.
pub(super) const AUTO_WATCHDOG: Duration = Duration::from_secs(3);
/// The default time before the first rung is tried again.
pub(super) const AUTO_CLIMB: Duration = Duration::from_secs(30);

/// Returns the label of a contender without an explicit one.
pub(super) fn derived(contender: &Contender) -> String {
    let Contender { options, age_from, link, reconnect, serving, .. } = contender;
    let name = if contender.is_auto() { "auto" } else { contender.transport().label() };
    let mut details = vec![contender.target.clone()];
    details.extend(own(options, contender.target.is_some()));
    details.extend(connections(link));
    details.extend(service(reconnect, serving));
    details.push((*age_from == AgeFrom::Publication).then(|| "ages from publication".to_owned()));
    let details: String = details.into_iter().flatten().map(|detail| format!(", {detail}")).collect();
    format!("{name}{details}")
}

/// How long a target holds a request is its own choice.
fn own(options: &Options, is_target: bool) -> Vec<Option<String>> {
    let off = |keep_alive: bool| (!keep_alive).then(|| "keep-alive off".to_owned());
    match *options {
        Options::ShortPolling { interval, keep_alive, conditional } => {
            vec![Some(seconds(interval)), conditional.then(|| "conditional".to_owned()), off(keep_alive)]
        }
        Options::LongPolling { hold, keep_alive } => {
            vec![(!is_target).then(|| format!("hold {}", seconds(hold))), off(keep_alive)]
        }
        Options::Sse { keepalive } | Options::WebSocket { keepalive } => {
            vec![unusual("keepalive", keepalive, KEEPALIVE)]
        }
        Options::Auto { first, watchdog, climb, keepalive, .. } => vec![
            Some(format!("from {}", first.label())),
            unusual("watchdog", watchdog, AUTO_WATCHDOG),
            unusual("climb", climb, AUTO_CLIMB),
            unusual("keepalive", keepalive, AUTO_KEEPALIVE),
        ],
    }
}

fn connections(link: &Link) -> [Option<String>; 3] {
    let http = match (link.http, link.connections) {
        (Http::V1, _) => None,
        (Http::V2, Connections::PerClient) => Some("HTTP/2"),
        (Http::V2, Connections::Shared) => Some("HTTP/2 shared"),
    };
    let via = match link.via {
        Via::Direct => None,
        Via::Nginx => Some("via nginx"),
        Via::NginxDefault => Some("via nginx default"),
        Via::NginxBuffering => Some("via nginx buffering"),
    };
    [link.tls.then_some("TLS"), http, via].map(|word| word.map(str::to_owned))
}

fn service(reconnect: &ReconnectPolicy, serving: &Serving) -> [Option<String>; 8] {
    let slow = match serving.slow_policy {
        SlowPolicy::Block => None,
        SlowPolicy::Latest => Some("slow: latest"),
        SlowPolicy::Disconnect => Some("slow: disconnect"),
    };
    [
        (!reconnect.with_cursor).then(|| "no cursor".to_owned()),
        serving.history.map(|history| format!("history {history}")),
        slow.map(str::to_owned),
        serving.coalesce.map(|time| format!("coalesce {}", seconds(time))),
        serving.max_connection_age.map(|age| format!("max age {}", seconds(age))),
        serving.read_buffer_bytes.map(|bytes| format!("read buffer {}", size(bytes))),
        reconnect.after.map(|after| format!("reconnect after {}", seconds(after))),
        (!reconnect.jitter).then(|| "no jitter".to_owned()),
    ]
}

fn unusual(key: &str, time: Duration, usual: Duration) -> Option<String> {
    (time != usual).then(|| format!("{key} {}", seconds(time)))
}

fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{} s", duration.as_secs_f64())
    }
}

fn size(bytes: usize) -> String {
    if bytes.is_multiple_of(1024) { format!("{} KiB", bytes / 1024) } else { format!("{bytes} B") }
}

#[cfg(test)]
mod tests {
    use feedlab_feed::Transport;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn of(options: Options) -> Contender {
        Contender::new("", options)
    }

    const SSE: Options = Options::Sse { keepalive: KEEPALIVE };

    #[test]
    fn labels_show_what_is_compared_and_what_differs_from_the_default() {
        let polling = |interval, keep_alive, conditional| Options::ShortPolling { interval, keep_alive, conditional };
        let auto = |watchdog| Options::Auto {
            first: Transport::WebSocket,
            watchdog,
            climb: AUTO_CLIMB,
            hold: ms(25_000),
            interval: ms(1000),
            keepalive: AUTO_KEEPALIVE,
        };
        for (options, label) in [
            (polling(ms(1000), true, false), "short polling, 1 s"),
            (polling(ms(250), false, true), "short polling, 250 ms, conditional, keep-alive off"),
            (polling(ms(1500), true, false), "short polling, 1.5 s"),
            (Options::LongPolling { hold: ms(25_000), keep_alive: true }, "long polling, hold 25 s"),
            (Options::LongPolling { hold: ms(5_000), keep_alive: false }, "long polling, hold 5 s, keep-alive off"),
            (SSE, "SSE"),
            (Options::WebSocket { keepalive: ms(500) }, "WebSocket, keepalive 500 ms"),
            (auto(AUTO_WATCHDOG), "auto, from WebSocket"),
            (auto(ms(5_000)), "auto, from WebSocket, watchdog 5 s"),
        ] {
            assert_eq!(derived(&of(options)), label);
        }
        let raw = Contender { age_from: AgeFrom::Publication, ..of(SSE) };
        assert_eq!(derived(&raw), "SSE, ages from publication");
    }

    #[test]
    fn labels_name_the_target_after_the_transport() {
        let target = |options| Contender { target: Some("nchan".to_owned()), ..of(options) };
        let polling = Options::ShortPolling { interval: ms(1000), keep_alive: true, conditional: false };
        assert_eq!(derived(&target(SSE)), "SSE, nchan");
        assert_eq!(derived(&target(polling)), "short polling, nchan, 1 s");
        let held = Options::LongPolling { hold: ms(25_000), keep_alive: false };
        assert_eq!(derived(&target(held)), "long polling, nchan, keep-alive off");
    }

    #[test]
    fn labels_show_connection_and_server_options_that_differ() {
        let all = Contender {
            link: Link { tls: true, http: Http::V2, connections: Connections::Shared, via: Via::NginxBuffering },
            reconnect: ReconnectPolicy { after: Some(ms(1000)), jitter: false, with_cursor: false },
            serving: Serving {
                history: Some(0),
                slow_policy: SlowPolicy::Latest,
                coalesce: Some(ms(50)),
                max_connection_age: Some(ms(5000)),
                read_buffer_bytes: Some(128 << 10),
            },
            ..of(SSE)
        };
        assert_eq!(
            derived(&all),
            "SSE, TLS, HTTP/2 shared, via nginx buffering, no cursor, history 0, slow: latest, coalesce 50 ms, \
             max age 5 s, read buffer 128 KiB, reconnect after 1 s, no jitter"
        );
    }
}
