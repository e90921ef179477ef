//! What the proxy prints when it is ready: its settings, and commands to change them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use feedlab_feed::link::Network;
use feedlab_link::LinkSettings;

use super::Listening;

/// The text for people.
pub(super) fn text(ready: &Listening, upstream: SocketAddr, settings: &LinkSettings) -> String {
    let Listening { listening, control } = ready;
    let mut text = format!("forwarding {listening} → {upstream} (Ctrl-C stops)\n\n");
    let lines = [
        ("settings", in_words(settings)),
        ("change it", format!("curl -X PUT http://{control}/settings -d '{{\"rtt_ms\": 200}}'")),
        ("cut all", format!("curl http://{control}/fault -d '{{\"kind\": \"cut\"}}'")),
        ("black hole", format!("curl http://{control}/fault -d '{{\"kind\": \"black-hole\", \"for_ms\": 5000}}'")),
        ("answer 503", format!("curl http://{control}/fault -d '{{\"kind\": \"status-503\", \"for_ms\": 5000}}'")),
        ("heal", format!("curl -X POST http://{control}/heal")),
        ("figures", format!("curl http://{control}/stats")),
        ("all commands", format!("curl http://{control}/")),
    ];
    for (label, line) in lines {
        let _ = writeln!(text, "  {label:<15}{line}");
    }
    text
}

/// Describes the settings in words.
fn in_words(settings: &LinkSettings) -> String {
    let shown = |time: Duration| humantime::format_duration(time).to_string().replace(' ', "");
    let delay = |name: &str, time: Duration| (!time.is_zero()).then(|| format!("{name} {}", shown(time)));
    let slow = |rate| format!("{} of the connections read at {rate} B/s", percent(settings.reader_share));
    let Network { rtt, jitter, bandwidth_bytes_per_s, idle_timeout, buffer_bytes } = settings.network;
    let parts = [
        delay("round trip", rtt),
        delay("jitter", jitter),
        bandwidth_bytes_per_s.map(|rate| format!("{rate} B/s in each direction")),
        idle_timeout.map(|time| format!("idle timeout {}", shown(time))),
        buffer_bytes.map(|bytes| format!("buffer of {bytes} B")),
        settings.reader_bytes_per_s.map(slow),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "no delay, limit or fault yet".to_owned() } else { parts.join(", ") }
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(settings: &LinkSettings) -> String {
        let address = |text: &str| text.parse().unwrap();
        let ready = Listening { listening: address("127.0.0.1:8090"), control: address("127.0.0.1:8091") };
        text(&ready, address("127.0.0.1:8080"), settings)
    }

    #[test]
    fn the_banner_shows_the_settings_and_how_to_change_them() {
        let settings = LinkSettings {
            network: Network {
                rtt: Duration::from_millis(1500),
                jitter: Duration::from_millis(5),
                bandwidth_bytes_per_s: Some(125_000),
                idle_timeout: Some(Duration::from_secs(10)),
                buffer_bytes: Some(4096),
            },
            reader_bytes_per_s: Some(1000),
            reader_share: 0.1,
        };
        insta::assert_snapshot!(banner(&settings));
        assert!(banner(&LinkSettings::default()).contains("settings       no delay, limit or fault yet\n"));
    }
}
