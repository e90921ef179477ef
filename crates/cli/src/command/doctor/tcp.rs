//! Checks of how the machine does TCP: what decides how a lossy or a long path is coped with. Over loopback nothing is lost,
//! and none of it shows.

use feedlab_feed::process::{BufferRange, TcpSettings};
use feedlab_report::human;

use super::check::{Check, Mark, NOT_REPORTED};

/// What most machines start with (RFC 6928), segments.
const USUAL_WINDOW: u32 = 10;

pub(super) fn congestion_control(tcp: &TcpSettings) -> Check {
    let name = "congestion control";
    let Some(used) = &tcp.congestion_control else { return Check::ok(name, NOT_REPORTED) };
    let parts = [Some(used.clone()), start(tcp), choice(tcp, used)];
    Check::ok(name, parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// Returns how much a connection sends at first, and whether it starts like that again.
fn start(tcp: &TcpSettings) -> Option<String> {
    let segments = tcp.initial_window_segments?;
    let unusual = if segments == USUAL_WINDOW { "" } else { " (most machines: 10)" };
    let again = match tcp.restarts_slowly() {
        Some(true) => ", and again after it was idle",
        Some(false) => ", but not again after it was idle",
        None => "",
    };
    Some(format!("a connection starts with {segments} segments{unusual}{again}"))
}

/// Returns what a user may choose instead.
fn choice(tcp: &TcpSettings, used: &str) -> Option<String> {
    let others: Vec<&str> =
        tcp.allowed_congestion_controls.iter().map(String::as_str).filter(|it| *it != used).collect();
    (!others.is_empty()).then(|| format!("a link can use {} instead", others.join(" or ")))
}

pub(super) fn loss_recovery(tcp: &TcpSettings) -> Check {
    let name = "loss recovery";
    let Some((rack, probe)) = tcp.rack.zip(tcp.tail_loss_probe) else { return Check::ok(name, NOT_REPORTED) };
    let timeout = tcp
        .min_timeout_us
        .map_or_else(String::new, |us| format!("; a timeout takes at least {}", human::time(us as f64)));
    let (found, fix) = match (rack, probe) {
        (true, true) => return Check::ok(name, format!("by RACK, with tail-loss probes{timeout}")),
        (true, false) => {
            ("no tail-loss probes: a lost last segment takes a timeout", "sudo sysctl -w net.ipv4.tcp_early_retrans=3")
        }
        (false, _) => {
            ("RACK is off: losses are noticed later than on most machines", "sudo sysctl -w net.ipv4.tcp_recovery=1")
        }
    };
    Check::graded(name, Mark::Warn, format!("{found}{timeout}"), fix)
}

pub(super) fn buffers(tcp: &TcpSettings) -> Check {
    let name = "socket buffers";
    let Some((receive, send)) = tcp.receive_buffer.zip(tcp.send_buffer) else { return Check::ok(name, NOT_REPORTED) };
    Check::ok(name, format!("receive {}, send {}", range(receive), range(send)))
}

fn range(range: BufferRange) -> String {
    format!("{} to {}", human::size(range.default_bytes as f64), human::size(range.max_bytes as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> TcpSettings {
        let range = |default_bytes, max_bytes| Some(BufferRange { min_bytes: 4_096, default_bytes, max_bytes });
        TcpSettings {
            congestion_control: Some("cubic".to_owned()),
            allowed_congestion_controls: ["reno", "cubic"].map(str::to_owned).into(),
            initial_window_segments: Some(10),
            receive_buffer: range(131_072, 6 << 20),
            send_buffer: range(16_384, 4 << 20),
            slow_start_after_idle: Some(true),
            rack: Some(true),
            tail_loss_probe: Some(true),
            min_timeout_us: Some(200_000),
            ..TcpSettings::default()
        }
    }

    /// The checks as they are printed.
    fn shown(tcp: &TcpSettings) -> String {
        super::super::text(&[congestion_control(tcp), loss_recovery(tcp), buffers(tcp)], false)
    }

    #[test]
    fn tcp_is_described_in_a_line_each() {
        let unusual = TcpSettings {
            congestion_control: Some("bbr".to_owned()),
            allowed_congestion_controls: vec!["bbr".to_owned()],
            initial_window_segments: Some(32),
            tail_loss_probe: Some(false),
            min_timeout_us: None,
            ..usual()
        };
        let old = TcpSettings { rack: Some(false), ..usual() };
        let all = [usual(), unusual, old, TcpSettings::default()].map(|tcp| shown(&tcp)).join("\n");
        insta::assert_snapshot!(all);
    }
}
