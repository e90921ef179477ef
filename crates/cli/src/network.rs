//! A network of feedlab's own: two network namespaces, for a server and for clients, with a link between them that packets
//! pass through the emulator.
//!
//! ```text
//! clients                         here                          server
//! c0 10.77.1.2 ──── c1   [emulator: packet sockets]   s1 ──── s0 10.77.1.1     the link
//! m0 10.78.0.12 ─────────────── br0 10.78.0.1 ─────────────── m0 10.78.0.11    for control: not delayed
//! ```
//!
//! Everything is inside an unprivileged user namespace with a network of its own ([`enter`]), so the machine's interfaces,
//! routes and settings are neither changed nor reachable, and nothing is left when the processes end: a namespace is gone
//! with its last process. It needs `unshare` and `nsenter` (util-linux) and `ip` (iproute2).

use std::ffi::OsString;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use feedlab_feed::process::{Namespace, namespace};

use crate::exit::bad_input;

/// Set for the process inside. What it starts for somebody must not see it, or could not open a link itself.
pub(crate) const INSIDE: &str = "FEEDLAB_OWN_NETWORK";
/// How long a namespace may take to exist.
const PATIENCE: u32 = 500;

/// The interfaces between which the emulator moves packets: that to the clients, and that to the server.
pub(crate) const INTERFACES: [&str; 2] = ["c1", "s1"];

/// One side of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Where the server runs.
    Server,
    /// Where the clients run.
    Clients,
}

impl Side {
    /// Returns its address on the link.
    pub(crate) const fn address(self) -> IpAddr {
        IpAddr::V4(match self {
            Self::Server => Ipv4Addr::new(10, 77, 1, 1),
            Self::Clients => Ipv4Addr::new(10, 77, 1, 2),
        })
    }

    /// Returns its address for control.
    pub(crate) const fn control(self) -> IpAddr {
        IpAddr::V4(match self {
            Self::Server => Ipv4Addr::new(10, 78, 0, 11),
            Self::Clients => Ipv4Addr::new(10, 78, 0, 12),
        })
    }

    const fn other(self) -> Self {
        match self {
            Self::Server => Self::Clients,
            Self::Clients => Self::Server,
        }
    }

    /// Returns the hardware address of its end of the link. It is fixed, so that nobody has to ask over the link.
    const fn hardware(self) -> &'static str {
        match self {
            Self::Server => "02:fe:0a:4d:01:01",
            Self::Clients => "02:fe:0a:4d:01:02",
        }
    }

    /// Returns the names of its end of the link, and of the emulator's.
    const fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::Server => ("s0", "s1"),
            Self::Clients => ("c0", "c1"),
        }
    }
}

/// This process's address for control, which both sides reach.
pub(crate) const CONTROL: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 78, 0, 1));

/// Returns whether this process is [inside](enter).
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Moves this process into namespaces of its own, by starting it again. Returns only in the process that is inside, or if
/// that is not possible.
pub(crate) fn enter() -> anyhow::Result<()> {
    if is_inside() {
        return Ok(());
    }
    let (unshare, flags) = how_to_enter()?;
    // Not /proc/self/exe, which will be unshare.
    let this = std::env::current_exe().context("cannot find the feedlab binary")?;
    let mut again = Command::new(unshare);
    again.args(flags).arg("--").arg(this).args(std::env::args_os().skip(1)).env(INSIDE, "1");
    Err(anyhow::Error::new(again.exec()).context("cannot start unshare"))
}

/// Returns why this machine gives no network namespaces to this user, for `doctor`.
pub(crate) fn obstacle() -> Option<anyhow::Error> {
    how_to_enter().err()
}

/// Returns the program that enters new namespaces, and its flags.
fn how_to_enter() -> anyhow::Result<(PathBuf, &'static [&'static str])> {
    const OWN: &[&str] = &["--user", "--map-root-user", "--net"];
    const AS_ROOT: &[&str] = &["--net"];
    let unshare = find("unshare", "util-linux")?;
    find("nsenter", "util-linux")?;
    find("ip", "iproute2")?;
    let works = |flags: &[&str]| {
        let tried = Command::new(&unshare).args(flags).args(["--", "true"]).stdin(Stdio::null()).output();
        tried.is_ok_and(|output| output.status.success())
    };
    // Root needs no user namespace; but with one, not even root can touch the machine's network.
    [OWN, AS_ROOT].into_iter().find(|flags| works(flags)).map(|flags| (unshare.clone(), flags)).ok_or_else(|| {
        bad_input(anyhow::anyhow!(
            "this system gives no network namespaces to this user, and the link emulator needs them: run as root, or allow \
             user namespaces (`sysctl kernel.unprivileged_userns_clone=1`, on Ubuntu also \
             `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; a container needs them from its host)"
        ))
    })
}

fn find(program: &str, package: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    let mut found = std::env::split_paths(&path).chain(more).map(|folder| folder.join(program));
    found
        .find(|file| file.is_file())
        .ok_or_else(|| bad_input(anyhow::anyhow!("{program} is not installed: `apt-get install -y {package}`")))
}

/// A network namespace of one side, which exists as long as this is not dropped or a process is in it.
#[derive(Debug)]
pub(crate) struct Space {
    side: Side,
    namespace: Namespace,
    /// A process in it that does nothing, until its standard input ends.
    holder: Child,
}

/// Both sides, joined by the link and the control network.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) server: Space,
    pub(crate) clients: Space,
}

impl Network {
    /// Creates both namespaces and what joins them. A packet has at most `mtu` bytes. Must be called [inside](enter).
    pub(crate) fn create(mtu: u32) -> anyhow::Result<Self> {
        ip(
            None,
            "link set lo up\nlink add br0 type bridge\naddress add 10.78.0.1/24 dev br0\nlink set br0 addrgenmode none up\n",
        )?;
        let network = Self { server: Space::create(Side::Server)?, clients: Space::create(Side::Clients)? };
        for space in [&network.server, &network.clients] {
            space.join(mtu)?;
        }
        Ok(network)
    }
}

impl Drop for Network {
    /// Removes what joins both sides, so that the next network can have the same names: a namespace that has ended takes its
    /// interfaces along only some time later.
    fn drop(&mut self) {
        let ends = ["s1", "c1", "b-s0", "b-c0", "br0"].map(|name| format!("link delete {name}\n"));
        for end in ends {
            let _ = ip(None, &end);
        }
    }
}

impl Space {
    fn create(side: Side) -> anyhow::Result<Self> {
        let mut command = Command::new(find("unshare", "util-linux")?);
        command.args(["--net", "--", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // In a group of its own: Ctrl-C must not end it, and with it the link, before what is in the namespace was asked to end.
        let mut holder = command.process_group(0).spawn().context("cannot start unshare")?;
        let own = Namespace::current().context("cannot read this process's namespace")?;
        for _ in 0..PATIENCE {
            if let Some(namespace) = Namespace::of(holder.id()).filter(|other| *other != own) {
                return Ok(Self { side, namespace, holder });
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = holder.kill();
        anyhow::bail!("a network namespace did not come into being; see `feedlab doctor`")
    }

    /// Returns the name of the namespace.
    pub(crate) fn namespace(&self) -> Namespace {
        self.namespace.clone()
    }

    /// Returns the process id by which the namespace is entered.
    pub(crate) fn pid(&self) -> u32 {
        self.holder.id()
    }

    /// Returns the program that enters the namespace and replaces itself with another, and its arguments.
    pub(crate) fn entrance(&self, program: &Path) -> anyhow::Result<(PathBuf, Vec<OsString>)> {
        let (nsenter, words) = self.entering()?;
        Ok((nsenter, words.into_iter().chain([program.into()]).collect()))
    }

    /// Returns the same for a program, and its arguments, that follow.
    pub(crate) fn entering(&self) -> anyhow::Result<(PathBuf, Vec<OsString>)> {
        let words = ["--target", &self.pid().to_string(), "--net", "--"].map(OsString::from);
        Ok((find("nsenter", "util-linux")?, words.into()))
    }

    /// Returns which side it is.
    pub(crate) const fn side(&self) -> Side {
        self.side
    }

    /// Gives the namespace its ends of the link and of the control network.
    fn join(&self, mtu: u32) -> anyhow::Result<()> {
        let (inner, outer) = self.side.link();
        let (pid, hardware) = (self.pid(), self.side.hardware());
        let bridged = format!("b-{inner}");
        ip(
            None,
            &format!(
                "link add {outer} mtu {mtu} type veth peer name {inner} mtu {mtu} address {hardware}\n\
                 link add {bridged} type veth peer name m0 netns {pid}\n\
                 link set {bridged} addrgenmode none master br0 up\n"
            ),
        )?;
        // Before the end moves: the emulator sees packets as this end sends them.
        for end in [inner, outer] {
            feedlab_link::emulator::switch_off_offloads(end).with_context(|| format!("cannot configure {end}"))?;
        }
        // Over IPv6, the kernel would look for neighbors and routers: packets that nobody sent. Without IPv6, there are no
        // such settings.
        let _ = namespace::set_parameter(&format!("net/ipv6/conf/{outer}/disable_ipv6"), "1");
        let _ = self.set("net/ipv6/conf/default/disable_ipv6", "1");
        ip(None, &format!("link set {outer} up\nlink set {inner} netns {pid}\n"))?;
        let (address, control) = (self.side.address(), self.side.control());
        let (other, its_hardware) = (self.side.other().address(), self.side.other().hardware());
        ip(
            Some(self),
            &format!(
                "link set lo up\n\
                 link set {inner} addrgenmode none up\n\
                 address add {address}/24 dev {inner}\n\
                 neighbor add {other} lladdr {its_hardware} dev {inner} nud permanent\n\
                 link set m0 addrgenmode none up\n\
                 address add {control}/24 dev m0\n"
            ),
        )
    }

    /// Sets which congestion control new connections of this side use.
    pub(crate) fn set_congestion_control(&self, name: &str) -> anyhow::Result<()> {
        if self.set("net/ipv4/tcp_congestion_control", name)? {
            return Ok(());
        }
        let allowed = namespace::parameter("net/ipv4/tcp_allowed_congestion_control").unwrap_or_default();
        Err(bad_input(anyhow::anyhow!(
            "this system does not let users choose the congestion control {name}; it allows {}: choose one of these, or let root \
             add {name} to net.ipv4.tcp_allowed_congestion_control",
            allowed.split_whitespace().collect::<Vec<_>>().join(", ")
        )))
    }

    /// Sets a kernel parameter (sysctl) of the namespace; returns whether the kernel took it.
    fn set(&self, parameter: &str, value: &str) -> anyhow::Result<bool> {
        let (program, mut words) = self.entrance(Path::new("/bin/sh"))?;
        words.extend(["-c", "printf %s \"$0\" > \"$1\"", value].map(OsString::from));
        words.push(namespace::parameter_file(parameter).into());
        let output = Command::new(program).args(words).stdin(Stdio::null()).output().context("cannot start nsenter")?;
        Ok(output.status.success())
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // The process ends when its input does.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
        // The emulator has done so, unless it was killed.
        self.namespace.end_all();
    }
}

/// Runs commands of ip(8), one a line, in a namespace or in this one.
fn ip(space: Option<&Space>, commands: &str) -> anyhow::Result<()> {
    let ip = find("ip", "iproute2")?;
    let (program, words) = match space {
        Some(space) => space.entrance(&ip)?,
        None => (ip, Vec::new()),
    };
    let mut command = Command::new(program);
    command.args(words).args(["-batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start ip")?;
    // Its output is read when it ends; it says little.
    child.stdin.take().context("ip has no input")?.write_all(commands.as_bytes()).context("ip ended early")?;
    let output = child.wait_with_output().context("cannot wait for ip")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "ip cannot configure the network: {}", said.trim().replace('\n', "; "));
    Ok(())
}
