//! Where the processes of a run listen, and the Linux network namespaces of its servers. In a namespace, a server has
//! its own network stack and address, as on a separate machine.
//!
//! Somebody has created and named a namespace (`ip netns add`), or the run itself has, for a link between the servers and
//! the clients. `ip netns exec` or nsenter enters it and replaces itself with the program that it starts. How a namespace is
//! connected to the others is not known here.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use serde::Deserialize;

use crate::command::daemon::Program;
use crate::network::{self, Space};

const IP: Program = Program {
    name: "ip",
    remedy: "`apt-get install -y iproute2` (Debian, Ubuntu); other systems have no network namespaces",
};

/// This machine only, on any free port.
pub(super) const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where the processes of a run listen.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The address that clients connect to.
    pub(super) listen: SocketAddr,
    /// The namespaces of the servers, in their order. If empty, all servers run in the run's own namespace.
    namespaces: Vec<Namespace>,
    /// The namespace of nginx and of all servers that have none of their own, if that is not the run's.
    shared: Option<Namespace>,
    /// The address where servers reach the broker.
    behind: IpAddr,
}

impl Site {
    /// Returns a site whose servers run in the run's own namespace.
    pub(super) const fn here(listen: SocketAddr) -> Self {
        Self { listen, namespaces: Vec::new(), shared: None, behind: ANYWHERE.ip() }
    }

    /// Returns a site whose servers run in the named namespaces.
    ///
    /// # Errors
    /// If a namespace cannot be entered, or has no address.
    pub(super) fn within(listen: SocketAddr, names: &[Name]) -> anyhow::Result<Self> {
        let namespaces = names.iter().map(Namespace::find).collect::<anyhow::Result<_>>()?;
        Ok(Self { listen, namespaces, shared: None, behind: listen.ip() })
    }

    /// Returns a site whose servers all run at one end of a link.
    ///
    /// # Errors
    /// If nsenter is not installed.
    pub(super) fn beyond_link(end: &Space) -> anyhow::Result<Self> {
        let namespace = Namespace::of_space(end)?;
        let listen = SocketAddr::new(namespace.address, 0);
        Ok(Self { listen, namespaces: Vec::new(), shared: Some(namespace), behind: network::CONTROL })
    }

    /// Returns the namespace of a server, counted from 0.
    pub(super) fn of_server(&self, index: usize) -> Option<&Namespace> {
        self.namespaces.get(index).or(self.shared.as_ref())
    }

    /// Returns the namespace of nginx.
    pub(super) const fn of_nginx(&self) -> Option<&Namespace> {
        self.shared.as_ref()
    }

    /// Returns the address where servers in other namespaces reach the broker.
    pub(super) const fn behind(&self) -> IpAddr {
        self.behind
    }
}

/// The name of a network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl FromStr for Name {
    type Err = String;

    /// Accepts only what is safe as a file name and as an argument.
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_name = (1..=64).contains(&text.len()) && text.chars().all(fits) && !text.starts_with(['-', '.']);
        is_name
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| "must be the name of a network namespace, as `ip netns list` shows it".to_owned())
    }
}

/// A network namespace that can be entered.
#[derive(Clone, Debug)]
pub(in crate::command) struct Namespace {
    /// The program that enters it, and its arguments; those of the program that it starts follow.
    enter: (PathBuf, Vec<OsString>),
    address: IpAddr,
    control: IpAddr,
}

impl Namespace {
    /// Looks up its address, which also shows that it can be entered.
    fn find(Name(name): &Name) -> anyhow::Result<Self> {
        let ip = IP.find()?;
        let mut command = std::process::Command::new(&ip);
        command.args(["-json", "-netns", name, "address", "show", "up", "scope", "global"]);
        let output = command.output().with_context(|| format!("cannot start {}", ip.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(
            output.status.success(),
            "cannot enter the network namespace {name} ({}): it must exist (`ip netns add {name}`), and you must be root, on \
             the machine or within `unshare --user --map-root-user --net --mount`",
            said.lines().next().unwrap_or("ip printed nothing")
        );
        let address = first_address(&output.stdout).with_context(|| {
            format!("the network namespace {name} has no address that others can reach: ip -netns {name} address add …")
        })?;
        let words = ["netns", "exec", name].map(OsString::from);
        Ok(Self { enter: (ip, words.into()), address, control: address })
    }

    /// Returns the namespace at one end of a link.
    pub(super) fn of_space(space: &Space) -> anyhow::Result<Self> {
        let side = space.side();
        Ok(Self { enter: space.entering()?, address: side.address(), control: side.control() })
    }

    /// Returns the address that others reach.
    pub(super) const fn address(&self) -> IpAddr {
        self.address
    }

    /// Returns the address where the run and the load generator reach what reports figures.
    pub(super) const fn control(&self) -> IpAddr {
        self.control
    }

    /// Returns the command that starts a program in the namespace and replaces itself with it.
    pub(super) fn entrance(&self, program: PathBuf) -> (PathBuf, Vec<OsString>) {
        let (enter, words) = self.enter.clone();
        (enter, words.into_iter().chain([program.into()]).collect())
    }
}

/// A network interface as `ip -json address` describes it.
#[derive(Deserialize)]
struct Interface {
    #[serde(default)]
    addr_info: Vec<Address>,
}

#[derive(Deserialize)]
struct Address {
    local: Option<IpAddr>,
}

/// Returns the first address. `ip` prints an empty object for each interface that its filters exclude.
fn first_address(json: &[u8]) -> Option<IpAddr> {
    let interfaces: Vec<Interface> = serde_json::from_slice(json).ok()?;
    interfaces.into_iter().flat_map(|interface| interface.addr_info).find_map(|address| address.local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_neither_a_path_nor_a_flag() {
        for name in ["node1", "a.b-c_D"] {
            assert_eq!(name.parse(), Ok(Name(name.to_owned())));
        }
        for wrong in ["", "-n", "../x", "a/b", ".", "a b", &"n".repeat(65)] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_address_is_found_among_filtered_interfaces() {
        let json = br#"[{},{"ifname":"eth0","addr_info":[{"family":"inet","local":"10.77.0.11","prefixlen":24}]}]"#;
        assert_eq!(first_address(json), Some([10, 77, 0, 11].into()));
        assert_eq!((first_address(b"[{}]"), first_address(b""), first_address(b"{")), (None, None, None));
    }
}
