//! A contender's name, made from its options: those that make the comparison, and those that are not the default.

use std::time::Duration;

use feedlab_feed::Transport;

use super::{AgeFrom, Options};

/// Time between keepalives, unless the scenario says otherwise. Below the idle timeouts of common proxies (60 s).
pub(super) const DEFAULT_KEEPALIVE: Duration = Duration::from_secs(15);

pub(super) fn derived(options: &Options, age_from: AgeFrom) -> String {
    let (transport, details) = match *options {
        Options::ShortPolling { interval, keep_alive, conditional } => (
            Transport::ShortPolling,
            vec![
                Some(seconds(interval)),
                conditional.then(|| "conditional".to_owned()),
                (!keep_alive).then(|| "keep-alive off".to_owned()),
            ],
        ),
        Options::LongPolling { hold, keep_alive } => (
            Transport::LongPolling,
            vec![Some(format!("hold {}", seconds(hold))), (!keep_alive).then(|| "keep-alive off".to_owned())],
        ),
        Options::Sse { keepalive } => (Transport::Sse, vec![unusual(keepalive)]),
        Options::WebSocket { keepalive } => (Transport::WebSocket, vec![unusual(keepalive)]),
        Options::Auto { first, .. } => return format!("auto, from {}", first.label()),
    };
    let raw = (age_from == AgeFrom::Publication).then(|| "ages from publication".to_owned());
    let details = details.into_iter().flatten().chain(raw);
    let details: String = details.map(|detail| format!(", {detail}")).collect();
    format!("{}{details}", transport.label())
}

fn unusual(keepalive: Duration) -> Option<String> {
    (keepalive != DEFAULT_KEEPALIVE).then(|| format!("keepalive {}", seconds(keepalive)))
}

fn seconds(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{} ms", seconds * 1000.0),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn labels_show_what_is_compared_and_what_is_unusual() {
        let polling = |interval, keep_alive, conditional| Options::ShortPolling { interval, keep_alive, conditional };
        for (options, label) in [
            (polling(ms(1000), true, false), "short polling, 1 s"),
            (polling(ms(250), false, true), "short polling, 250 ms, conditional, keep-alive off"),
            (polling(ms(1500), true, false), "short polling, 1.5 s"),
            (Options::LongPolling { hold: ms(25_000), keep_alive: true }, "long polling, hold 25 s"),
            (Options::LongPolling { hold: ms(5_000), keep_alive: false }, "long polling, hold 5 s, keep-alive off"),
            (Options::Sse { keepalive: DEFAULT_KEEPALIVE }, "SSE"),
            (Options::WebSocket { keepalive: ms(500) }, "WebSocket, keepalive 500 ms"),
        ] {
            assert_eq!(derived(&options, AgeFrom::Due), label);
        }
        let raw = derived(&Options::Sse { keepalive: DEFAULT_KEEPALIVE }, AgeFrom::Publication);
        assert_eq!(raw, "SSE, ages from publication");
    }
}
