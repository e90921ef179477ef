//! How the machine is configured for many connections and exact times: what `feedlab doctor` checks. Most of it is
//! absent on systems other than Linux.

use std::fs;

use super::field_kib;

/// The settings of this machine. What the system does not report is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Soft and hard limit on the descriptors of this process; an inner `None` means no limit.
    pub open_files: (Option<u64>, Option<u64>),
    /// First and last port of outgoing connections (ip(7), `ip_local_port_range`).
    pub ephemeral_ports: Option<(u16, u16)>,
    /// Whether TCP segments carry timestamps (tcp(7), `tcp_timestamps`).
    pub tcp_timestamps: Option<bool>,
    /// The clock source of the kernel: `tsc`, `kvm-clock`, `hpet` …
    pub clock_source: Option<String>,
    /// The frequency governor of the first core; absent in most virtual machines.
    pub governor: Option<String>,
    /// Memory in swap, bytes (`/proc/meminfo`).
    pub swap_used_bytes: Option<u64>,
}

impl Host {
    /// Reads the settings.
    #[must_use]
    pub fn now() -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        Self {
            open_files: (limit.current, limit.maximum),
            ephemeral_ports: line("/proc/sys/net/ipv4/ip_local_port_range").and_then(|text| range(&text)),
            tcp_timestamps: line("/proc/sys/net/ipv4/tcp_timestamps").map(|text| text != "0"),
            clock_source: line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            swap_used_bytes: swap_used_bytes(),
        }
    }
}

fn line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (low, high) = text.split_once(char::is_whitespace)?;
    Some((low.parse().ok()?, high.trim().parse().ok()?)).filter(|(low, high)| low <= high)
}

fn swap_used_bytes() -> Option<u64> {
    let total = field_kib("/proc/meminfo", "SwapTotal:")?;
    Some(total.saturating_sub(field_kib("/proc/meminfo", "SwapFree:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ports_is_two_numbers_in_order() {
        assert_eq!(range("32768\t60999"), Some((32_768, 60_999)));
        for text in ["", "32768", "60999 32768", "1 x", "1 70000"] {
            assert_eq!(range(text), None, "{text}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_reports_what_every_machine_has() {
        let host = Host::now();
        assert!(host.ephemeral_ports.is_some() && host.tcp_timestamps.is_some() && host.swap_used_bytes.is_some());
    }
}
