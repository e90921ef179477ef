//! The host that a request names, and the names that belong to this machine.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The value of a `Host` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The name or address, in lower case, without a final dot.
    name: String,
    port: Option<u16>,
}

impl Host {
    /// Parses a name or an address, with or without a port; `None` if it is neither.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
        let (name, port) = text.split_at(end);
        let port = match port.strip_prefix(':') {
            None | Some("") if port.len() <= 1 => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            _ => return None,
        };
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        // One final dot is the root of the domain names (RFC 1034, section 3.1); what is before it is a name.
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_name = || !name.is_empty() && !name.ends_with('.') && name.bytes().all(is_letter);
        if !address.map_or_else(is_name, |address| address.parse::<Ipv6Addr>().is_ok()) {
            return None;
        }
        Some(Self { name: name.to_ascii_lowercase(), port })
    }

    /// The name or address without the port, in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is one of the three names that only ever reach loopback.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        ["127.0.0.1", "localhost", "[::1]"].contains(&self.name())
    }

    fn is_address(&self) -> bool {
        self.name.starts_with('[') || self.name.parse::<Ipv4Addr>().is_ok()
    }

    fn is_localhost(&self) -> bool {
        self.name == "localhost" || self.name.ends_with(".localhost")
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A configured name of this machine, in lower case and in ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

/// A text that is not a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a host name without scheme and port, as in lab.example.org")]
pub struct NotAHostName;

impl FromStr for HostName {
    type Err = NotAHostName;

    fn from_str(text: &str) -> Result<Self, NotAHostName> {
        let name = url::Host::parse(text).map_err(|_| NotAHostName)?.to_string();
        let host = Host::read(&name).filter(|host| host.port.is_none()).ok_or(NotAHostName)?;
        Ok(Self(host.name))
    }
}

/// The host names that requests to this machine may use. Any other name that resolves to this machine may have been
/// pointed here by an attacker, whose page then has the same origin (DNS rebinding). Addresses, `localhost` and its
/// subdomains are safe from that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// The machine's own host name, plain and as in multicast DNS (RFC 6762), and the configured names.
    #[must_use]
    pub fn of_this_machine(more: &[HostName]) -> Self {
        let own = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
        let first = own.split('.').next().unwrap_or_default();
        let own = if first.is_empty() { Vec::new() } else { vec![format!("{first}.local"), first.to_owned(), own] };
        Self(own.into_iter().chain(more.iter().map(|HostName(name)| name.clone())).collect())
    }

    /// Whether a request may use this host.
    #[must_use]
    pub fn contains(&self, host: &Host) -> bool {
        host.is_address() || host.is_localhost() || self.0.iter().any(|name| name == host.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_three_names_and_answers_to_more() {
        let names = Names(vec!["teacher".into(), "xn--bcher-kva.example".into()]);
        for (text, is_machine, is_known) in [
            ("127.0.0.1", true, true),
            ("127.0.0.1:80", true, true),
            ("LocalHost:8080", true, true),
            ("localhost.", true, true),
            ("localhost:", true, true),
            ("[::1]:1", true, true),
            ("lab.localhost", false, true),
            ("192.168.0.7:8080", false, true),
            ("[fe80::1]", false, true),
            ("Teacher:80", false, true),
            ("xn--bcher-kva.example", false, true),
            ("teacher.lan", false, false),
            ("127.0.0.1.example.org", false, false),
            ("localhost.example.org:80", false, false),
            ("localhost80", false, false),
            ("2130706433", false, false),
        ] {
            let host = Host::read(text).unwrap();
            assert_eq!((host.is_this_machine(), names.contains(&host)), (is_machine, is_known), "{text}");
        }
    }

    #[test]
    fn f12_invalid_hosts_are_refused() {
        for text in [
            "",
            ":80",
            "a b",
            "a\tb",
            "a/b",
            "a:b",
            "a:+1",
            "a:99999",
            "a:1:2",
            "u@a",
            "[::1",
            "[::1]80",
            "[x]",
            "é",
            ".",
            "..",
            "a..",
            "localhost..:80",
        ] {
            assert_eq!(Host::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_host_name_has_neither_scheme_nor_port() {
        let name = |text: &str| text.parse::<HostName>().map(|HostName(name)| name);
        assert_eq!(name("Lab.Example"), Ok("lab.example".into()));
        assert_eq!(name("bücher.example"), Ok("xn--bcher-kva.example".into()));
        for text in ["", "a:80", "http://a", "a b", "*.example", "a/b"] {
            assert_eq!(name(text), Err(NotAHostName), "{text}");
        }
    }

    #[test]
    fn the_names_include_the_machines_own() {
        let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let names = Names::of_this_machine(&["lab.example".parse().unwrap()]);
        for text in [own.clone(), format!("{}.local", own.split('.').next().unwrap()), "lab.example:8080".into()] {
            assert!(names.contains(&Host::read(&text).unwrap()), "{text}");
        }
    }
}
