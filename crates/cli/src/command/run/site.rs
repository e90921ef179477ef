//! Where the processes of a run listen, and in which network namespaces of Linux its servers are: each then has a network stack
//! and an address of its own, as on a machine of its own.
//!
//! A namespace has a name because somebody gave it one (`ip netns add`), and is entered with `ip netns exec`, which becomes what
//! it starts. How it is connected to the others is none of a run's business.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use serde::Deserialize;

use crate::command::daemon::Program;

const IP: Program = Program {
    name: "ip",
    remedy: "`apt-get install -y iproute2` (Debian, Ubuntu); other systems have no network namespaces",
};

/// This machine alone, on a port that is free.
pub(super) const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where a run's processes are.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// Where clients find what is outermost.
    pub(super) listen: SocketAddr,
    /// Of several servers the first is in the first of these. Without any, all are where the run is.
    namespaces: Vec<Namespace>,
}

impl Site {
    /// Where the run is.
    pub(super) const fn here(listen: SocketAddr) -> Self {
        Self { listen, namespaces: Vec::new() }
    }

    /// With servers in namespaces.
    ///
    /// # Errors
    /// When a namespace cannot be entered, or has no address.
    pub(super) fn within(listen: SocketAddr, names: &[Name]) -> anyhow::Result<Self> {
        let namespaces = names.iter().map(Namespace::find).collect::<anyhow::Result<_>>()?;
        Ok(Self { listen, namespaces })
    }

    /// Where a server is, counted from 0.
    pub(super) fn of_server(&self, index: usize) -> Option<&Namespace> {
        self.namespaces.get(index)
    }

    /// Where servers in other namespaces reach what serves them.
    pub(super) fn behind(&self) -> IpAddr {
        if self.namespaces.is_empty() { ANYWHERE.ip() } else { self.listen.ip() }
    }
}

/// The name of a network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl FromStr for Name {
    type Err = String;

    /// What becomes the name of a file, and an argument.
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_name = (1..=64).contains(&text.len()) && text.chars().all(fits) && !text.starts_with(['-', '.']);
        is_name
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| "a network namespace, as `ip netns list` shows it".to_owned())
    }
}

/// A network namespace that can be entered.
#[derive(Clone, Debug)]
pub(in crate::command) struct Namespace {
    name: String,
    address: IpAddr,
    ip: PathBuf,
}

impl Namespace {
    /// Looks for its address, which shows that it can be entered.
    fn find(Name(name): &Name) -> anyhow::Result<Self> {
        let ip = IP.find()?;
        let mut command = std::process::Command::new(&ip);
        command.args(["-json", "-netns", name, "address", "show", "up", "scope", "global"]);
        let output = command.output().with_context(|| format!("cannot start {}", ip.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(
            output.status.success(),
            "the network namespace {name} cannot be entered ({}): it must be there (`ip netns add {name}`), and whoever enters \
             one must be root, on the machine or within `unshare --user --map-root-user --net --mount`",
            said.lines().next().unwrap_or("ip said nothing")
        );
        let address = first_address(&output.stdout).with_context(|| {
            format!("the network namespace {name} has no address that others reach: ip -netns {name} address add …")
        })?;
        Ok(Self { name: name.clone(), address, ip })
    }

    /// The address that others reach.
    pub(super) const fn address(&self) -> IpAddr {
        self.address
    }

    /// What starts a program in it, and becomes that program.
    pub(super) fn entrance(&self, program: PathBuf) -> (PathBuf, Vec<OsString>) {
        let words = ["netns", "exec", &self.name].map(OsString::from);
        (self.ip.clone(), words.into_iter().chain([program.into()]).collect())
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

/// `ip` shows an empty object for each interface that its filters leave out.
fn first_address(json: &[u8]) -> Option<IpAddr> {
    let interfaces: Vec<Interface> = serde_json::from_slice(json).ok()?;
    interfaces.into_iter().flat_map(|interface| interface.addr_info).find_map(|address| address.local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path_and_no_flag() {
        for name in ["node1", "a.b-c_D"] {
            assert_eq!(name.parse(), Ok(Name(name.to_owned())));
        }
        for wrong in ["", "-n", "../x", "a/b", ".", "a b", &"n".repeat(65)] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_address_is_found_among_what_filters_left_out() {
        let json = br#"[{},{"ifname":"eth0","addr_info":[{"family":"inet","local":"10.77.0.11","prefixlen":24}]}]"#;
        assert_eq!(first_address(json), Some([10, 77, 0, 11].into()));
        assert_eq!((first_address(b"[{}]"), first_address(b""), first_address(b"{")), (None, None, None));
    }
}
