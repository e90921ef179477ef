//! Checks of the connections: how many are possible, and what the kernel reports about them.

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd as _;

use feedlab_report::human;

use super::check::{Check, Mark, NOT_REPORTED};
use crate::command::run::needs::BESIDES;

/// Clients of the largest scenario that comes with feedlab (`scenarios/scale.toml`).
const MANY_CLIENTS: f64 = 2_000.0;
/// With fewer than this, even the small scenarios fail.
const FEW_CLIENTS: f64 = 100.0;

/// How long a closed connection keeps its port (`TCP_TIMEWAIT_LEN` of net/tcp.h), s.
const TIME_WAIT_S: f64 = 60.0;
/// With fewer ports than this, a contender without keep-alive can poll only for very few clients: each connection
/// occupies a port for [`TIME_WAIT_S`].
const MANY_PORTS: f64 = 10_000.0;

/// `feedlab run` raises the soft limit to the hard limit.
pub(super) fn descriptors((soft, hard): (Option<u64>, Option<u64>)) -> Check {
    let Some(hard) = hard else { return Check::ok("descriptors", "no limit") };
    let clients = hard.saturating_sub(BESIDES) as f64;
    let raised = match soft {
        Some(soft) if soft < hard => {
            format!("{}, which a run raises to {}", human::count(soft as f64), human::count(hard as f64))
        }
        _ => human::count(hard as f64),
    };
    let found = format!("{raised}: {} clients", human::count(clients));
    let fix = "put `* hard nofile 65536` into /etc/security/limits.conf and log in again";
    Check::graded("descriptors", Mark::below(clients, MANY_CLIENTS, FEW_CLIENTS), found, fix)
}

pub(super) fn ports(range: Option<(u16, u16)>) -> Check {
    let Some((low, high)) = range else { return Check::ok("ports", NOT_REPORTED) };
    let ports = f64::from(high) - f64::from(low) + 1.0;
    let found = format!(
        "{low}–{high}: {} connections from one address, {} new ones per second without keep-alive",
        human::count(ports),
        human::count((ports / TIME_WAIT_S).floor())
    );
    let fix = "sudo sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"";
    Check::graded("ports", Mark::below(ports, MANY_PORTS, FEW_CLIENTS), found, fix)
}

/// Returns whether the kernel counts the segments of a connection over loopback. An error is the network's.
pub(super) fn loopback_is_accounted() -> std::io::Result<bool> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    Ok(feedlab_feed::tcp_info::kernel_keeps_account(client.as_fd()))
}

pub(super) fn accounts(is_accounted: std::io::Result<bool>) -> Check {
    let name = "TCP accounts";
    match is_accounted {
        Ok(true) => Check::ok(name, "the kernel counts each connection's segments (TCP_INFO)"),
        Ok(false) => {
            Check::warn(name, "no TCP_INFO: wire bytes and packets will be missing", "measure on Linux 4.19 or newer")
        }
        Err(error) => Check::fail(name, format!("no connection over loopback: {error}"), "sudo ip link set lo up"),
    }
}

pub(super) fn timestamps(on: Option<bool>) -> Check {
    let name = "TCP timestamps";
    match on {
        None => Check::ok(name, NOT_REPORTED),
        Some(true) => Check::ok(name, "on: 12 bytes of each segment, as on most machines"),
        Some(false) => Check::warn(
            name,
            "off: a segment is 12 bytes smaller than on most machines",
            "sudo sysctl -w net.ipv4.tcp_timestamps=1",
        ),
    }
}

/// `obstacle`: why the link emulator cannot work here, as "what: remedy".
pub(super) fn namespaces(obstacle: Option<&anyhow::Error>) -> Check {
    let name = "network namespaces";
    let Some(obstacle) = obstacle.map(ToString::to_string) else {
        return Check::ok(name, "allowed: the link emulator works");
    };
    let (what, remedy) = obstacle.split_once(": ").unwrap_or((&obstacle, "feedlab link --help"));
    Check::warn(name, format!("{what}; runs without one work"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_counted_in_clients() {
        for (limits, mark, found) in [
            ((Some(1_024), Some(1_048_576)), Mark::Ok, "1,024, which a run raises to 1,048,576: 1,048,512 clients"),
            ((Some(1_024), Some(1_024)), Mark::Warn, "1,024: 960 clients"),
            ((Some(64), Some(64)), Mark::Fail, "64: 0 clients"),
            ((None, None), Mark::Ok, "no limit"),
        ] {
            let check = descriptors(limits);
            assert_eq!((check.mark, check.found.as_str()), (mark, found));
            assert_eq!(check.fix.is_some(), mark != Mark::Ok);
        }
    }

    #[test]
    fn the_rate_of_new_connections_follows_from_time_wait() {
        let check = ports(Some((32_768, 60_999)));
        let found = "32768–60999: 28,232 connections from one address, 470 new ones per second without keep-alive";
        assert_eq!((check.mark, check.found.as_str()), (Mark::Ok, found));
        assert_eq!(ports(Some((60_000, 60_999))).mark, Mark::Warn);
        assert_eq!(ports(Some((60_000, 60_009))).mark, Mark::Fail);
        assert_eq!(ports(None).found, NOT_REPORTED);
    }

    #[test]
    fn what_stops_the_link_emulator_is_a_warning_with_its_remedy() {
        assert_eq!(namespaces(None), Check::ok("network namespaces", "allowed: the link emulator works"));
        let missing = namespaces(Some(&anyhow::anyhow!("ip is not installed: `apt-get install -y iproute2`")));
        assert_eq!((missing.mark, missing.fix.as_deref()), (Mark::Warn, Some("`apt-get install -y iproute2`")));
        assert_eq!(missing.found, "ip is not installed; runs without one work");
        if let Some(here) = crate::network::obstacle() {
            assert!(namespaces(Some(&here)).fix.is_some_and(|fix| fix != "feedlab link --help"), "{here}");
        }
    }

    #[test]
    fn no_tcp_info_is_a_warning_and_no_loopback_a_failure() {
        assert_eq!(accounts(Ok(false)).mark, Mark::Warn);
        assert_eq!(accounts(Err(std::io::ErrorKind::AddrNotAvailable.into())).mark, Mark::Fail);
        assert_eq!(timestamps(Some(false)).mark, Mark::Warn);
        #[cfg(target_os = "linux")]
        assert!(loopback_is_accounted().unwrap());
    }
}
