//! The addresses at which others reach this machine, for the page on which a class joins.

use std::net::{IpAddr, SocketAddr};

/// Returns the URLs of the page to join at, the one that most likely works first: a listener on all addresses is
/// reached at those of this machine's interfaces.
pub(super) fn join_urls(listening: SocketAddr) -> Vec<String> {
    let interfaces = || if_addrs::get_if_addrs().unwrap_or_default().into_iter().map(|interface| interface.ip());
    let addresses = if listening.ip().is_unspecified() { ranked(listening.ip(), interfaces()) } else { Vec::new() };
    let addresses = if addresses.is_empty() {
        vec![crate::command::serve::endpoints::reachable(listening).ip()]
    } else {
        addresses
    };
    addresses.into_iter().map(|ip| format!("http://{}/join", SocketAddr::new(ip, listening.port()))).collect()
}

/// Returns the addresses that other machines may reach: those of local networks first, and short ones before long ones.
fn ranked(listening: IpAddr, interfaces: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let is_served = |ip: &IpAddr| listening.is_ipv6() || ip.is_ipv4();
    let mut addresses: Vec<IpAddr> = interfaces.filter(is_served).filter(|ip| rank(ip) < UNREACHABLE).collect();
    addresses.sort_by_key(rank);
    addresses.dedup();
    addresses
}

/// The rank of an address that others do not reach.
const UNREACHABLE: u8 = u8::MAX;

fn rank(ip: &IpAddr) -> u8 {
    match ip {
        ip if ip.is_loopback() || ip.is_unspecified() => UNREACHABLE,
        // Networks of homes and schools; containers and virtual machines mostly use the others.
        IpAddr::V4(ip) if ip.octets()[0] == 192 && ip.is_private() => 0,
        IpAddr::V4(ip) if ip.octets()[0] == 10 => 1,
        IpAddr::V4(ip) if ip.is_private() => 3,
        // What a machine takes when no network gives it an address: two laptops on one cable.
        IpAddr::V4(ip) if ip.is_link_local() => 4,
        IpAddr::V4(_) => 2,
        // A link-local address needs the name of the other machine's interface.
        IpAddr::V6(ip) if ip.is_unicast_link_local() => UNREACHABLE,
        IpAddr::V6(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_others_learn_an_address_that_they_reach() {
        let interfaces = ["127.0.0.1", "172.17.0.1", "fe80::1", "2001:db8::7", "192.168.1.5", "10.0.0.7"]
            .map(|ip| ip.parse().unwrap());
        let all = ranked("::".parse().unwrap(), interfaces.into_iter());
        let all: Vec<String> = all.iter().map(IpAddr::to_string).collect();
        assert_eq!(all, ["192.168.1.5", "10.0.0.7", "172.17.0.1", "2001:db8::7"]);
        let only_v4 = ranked("0.0.0.0".parse().unwrap(), interfaces.into_iter());
        assert!(only_v4.len() == 3 && only_v4.iter().all(IpAddr::is_ipv4));
        assert_eq!(join_urls("192.168.1.5:80".parse().unwrap()), ["http://192.168.1.5:80/join"]);
        assert_eq!(join_urls("127.0.0.2:8080".parse().unwrap()), ["http://127.0.0.2:8080/join"]);
        let anywhere = join_urls("0.0.0.0:8080".parse().unwrap());
        assert!(anywhere.iter().all(|url| !url.contains("0.0.0.0")) && !anywhere.is_empty(), "{anywhere:?}");
    }
}
