//! How this machine does TCP: how fast a connection starts, how it recovers from a loss, and how much it buffers. For the
//! manifest of a run, and for `feedlab doctor`. Absent on systems other than Linux.
//!
//! `/proc/sys/net` shows each process the settings of its own network namespace. Most are described in tcp(7), the others
//! in the kernel's Documentation/networking/ip-sysctl.rst.

use serde::{Deserialize, Serialize};

use super::namespace::parameter;
use crate::tcp_info;

/// The settings that new connections of this process start with. What the system does not report is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpSettings {
    /// The congestion control: `cubic`, `bbr`, `reno` … (tcp(7), `tcp_congestion_control`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub congestion_control: Option<String>,
    /// Those that the kernel has loaded (`tcp_available_congestion_control`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub available_congestion_controls: Vec<String>,
    /// Those that users may choose without privileges (`tcp_allowed_congestion_control`). A network namespace can be set
    /// to no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_congestion_controls: Vec<String>,
    /// What a connection sends before the first acknowledgement, segments: 10 (RFC 6928) unless the route sets another
    /// (`initcwnd` of ip-route(8)). Read from a connection over loopback; a route to another machine may differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_window_segments: Option<u32>,
    /// The receive buffer of a socket (tcp(7), `tcp_rmem`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_buffer: Option<BufferRange>,
    /// The send buffer of a socket (tcp(7), `tcp_wmem`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_buffer: Option<BufferRange>,
    /// Whether a connection that was idle for a retransmission timeout starts slowly again (tcp(7),
    /// `tcp_slow_start_after_idle`). See [`restarts_slowly`](Self::restarts_slowly) for whether it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_start_after_idle: Option<bool>,
    /// Whether losses are detected by time, with RACK (RFC 8985; bit 0 of `tcp_recovery` in ip-sysctl).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rack: Option<bool>,
    /// Whether a lost last segment is probed for before the retransmission timeout (RFC 8985; `tcp_early_retrans` of
    /// ip-sysctl, which is 3 or 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail_loss_probe: Option<bool>,
    /// The shortest retransmission timeout, µs (`tcp_rto_min_us` of ip-sysctl). Absent before Linux 6.11, where it is
    /// 200 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_timeout_us: Option<u64>,
}

/// The sizes between which the kernel adjusts a socket's buffer to its connection, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BufferRange {
    /// What every socket gets, even if memory is scarce.
    pub min_bytes: u64,
    /// The size at first.
    pub default_bytes: u64,
    /// The largest size, unless the program sets one.
    pub max_bytes: u64,
}

impl TcpSettings {
    /// Reads the settings of this process's network namespace; `None` if the system reports none.
    #[must_use]
    pub fn now() -> Option<Self> {
        let texts = Self::of(|name| parameter(&format!("net/ipv4/{name}")));
        let settings = Self { initial_window_segments: tcp_info::initial_window(), ..texts };
        (settings != Self::default()).then_some(settings)
    }

    /// Reads the settings from their texts.
    fn of(text: impl Fn(&str) -> Option<String>) -> Self {
        let number = |name| text(name)?.parse::<u64>().ok();
        let names =
            |name| text(name).map_or_else(Vec::new, |text| text.split_whitespace().map(str::to_owned).collect());
        let buffer = |name| buffer_range(&text(name)?);
        Self {
            congestion_control: text("tcp_congestion_control"),
            available_congestion_controls: names("tcp_available_congestion_control"),
            allowed_congestion_controls: names("tcp_allowed_congestion_control"),
            initial_window_segments: None,
            receive_buffer: buffer("tcp_rmem"),
            send_buffer: buffer("tcp_wmem"),
            slow_start_after_idle: number("tcp_slow_start_after_idle").map(|value| value != 0),
            rack: number("tcp_recovery").map(|bits| bits & 1 != 0),
            tail_loss_probe: number("tcp_early_retrans").map(|value| matches!(value, 3 | 4)),
            min_timeout_us: number("tcp_rto_min_us"),
        }
    }

    /// Whether a connection that was idle starts slowly again. BBR does not, whatever the setting: the kernel leaves the
    /// window alone if a congestion control has a `cong_control` of its own (`tcp_slow_start_after_idle_check` of
    /// net/tcp.h).
    #[must_use]
    pub fn restarts_slowly(&self) -> Option<bool> {
        let has_its_own = self.congestion_control.as_deref().is_some_and(|name| name.starts_with("bbr"));
        Some(self.slow_start_after_idle? && !has_its_own)
    }
}

/// Reads three numbers, between any white space.
fn buffer_range(text: &str) -> Option<BufferRange> {
    let numbers: Vec<u64> = text.split_whitespace().map_while(|number| number.parse().ok()).collect();
    let [min_bytes, default_bytes, max_bytes] = numbers[..] else { return None };
    Some(BufferRange { min_bytes, default_bytes, max_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a machine of 2026.
    fn text(name: &str) -> Option<String> {
        let text = match name {
            "tcp_congestion_control" => "bbr",
            "tcp_available_congestion_control" => "reno bbr cubic",
            "tcp_allowed_congestion_control" => "reno bbr",
            "tcp_rmem" => "4096\t131072\t33554432",
            "tcp_wmem" => "4096\t16384\t4194304",
            "tcp_slow_start_after_idle" | "tcp_recovery" => "1",
            "tcp_early_retrans" => "3",
            "tcp_rto_min_us" => "200000",
            _ => return None,
        };
        Some(text.to_owned())
    }

    #[test]
    fn settings_are_read_from_their_texts() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let range = |default_bytes, max_bytes| Some(BufferRange { min_bytes: 4096, default_bytes, max_bytes });
        let expected = TcpSettings {
            congestion_control: Some("bbr".to_owned()),
            available_congestion_controls: names(&["reno", "bbr", "cubic"]),
            allowed_congestion_controls: names(&["reno", "bbr"]),
            initial_window_segments: None,
            receive_buffer: range(131_072, 32 << 20),
            send_buffer: range(16_384, 4 << 20),
            slow_start_after_idle: Some(true),
            rack: Some(true),
            tail_loss_probe: Some(true),
            min_timeout_us: Some(200_000),
        };
        assert_eq!(TcpSettings::of(text), expected);
        assert_eq!(TcpSettings::of(|_| None), TcpSettings::default());
        assert_eq!(TcpSettings::of(|_| Some("?".to_owned())).receive_buffer, None);
    }

    #[test]
    fn a_range_is_three_numbers() {
        for text in ["", "4096", "4096 131072", "4096 131072 x", "4096 131072 1 2", "-1 2 3"] {
            assert_eq!(buffer_range(text), None, "{text}");
        }
    }

    #[test]
    fn bits_and_modes_are_not_mixed_up() {
        let with = |name: &'static str, value: &'static str| {
            TcpSettings::of(move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!([with("tcp_recovery", "6").rack, with("tcp_recovery", "3").rack], [Some(false), Some(true)]);
        let probe = |value| with("tcp_early_retrans", value).tail_loss_probe;
        assert_eq!(["0", "1", "3", "4"].map(probe), [false, false, true, true].map(Some));
    }

    #[test]
    fn bbr_does_not_start_slowly_again() {
        let with = |name: &str, slow_start_after_idle| TcpSettings {
            congestion_control: Some(name.to_owned()),
            slow_start_after_idle,
            ..TcpSettings::default()
        };
        assert_eq!(with("cubic", Some(true)).restarts_slowly(), Some(true));
        assert_eq!(with("bbr", Some(true)).restarts_slowly(), Some(false));
        assert_eq!(with("cubic", Some(false)).restarts_slowly(), Some(false));
        assert_eq!(with("cubic", None).restarts_slowly(), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_reports_what_every_machine_has() {
        let settings = TcpSettings::now().unwrap();
        assert!(settings.congestion_control.is_some() && settings.receive_buffer.is_some());
        assert!(settings.initial_window_segments.is_some_and(|segments| segments > 0), "{settings:?}");
    }
}
