//! The resources that a process and its machine use. The only module that reads `/proc`; on systems without it these
//! figures are absent.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

mod host;
pub mod namespace;
mod other;
mod tcp;
mod tree;
mod user;

pub use host::Host;
pub use namespace::Namespace;
pub use tcp::{BufferRange, TcpSettings};
pub use tree::{Descendant, adopt_orphans, descendants};
pub use user::user_outside;

/// The resources that this process uses now. A figure that the platform does not provide is `None`, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time of all threads since the start, user and system, µs (`CLOCK_PROCESS_CPUTIME_ID`).
    pub cpu_us: Option<u64>,
    /// Resident memory, bytes (`/proc/self/smaps_rollup`, `Rss`: counted page by page, whereas `VmRSS` of
    /// `/proc/self/status` may be off by half a megabyte).
    pub rss_bytes: Option<u64>,
    /// Open descriptors (`/proc/self/fd`).
    pub open_fds: Option<u64>,
}

impl Usage {
    /// Reads the figures of this process.
    #[must_use]
    pub fn now() -> Self {
        Self { cpu_us: Some(cpu_us()), rss_bytes: rss_bytes(), open_fds: open_fds() }
    }
}

/// CPU time of this process since its start, µs.
#[must_use]
pub fn cpu_us() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000
}

fn rss_bytes() -> Option<u64> {
    field_kib("/proc/self/smaps_rollup", "Rss:").or_else(|| field_kib("/proc/self/status", "VmRSS:"))
}

fn open_fds() -> Option<u64> {
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(count.saturating_sub(1)) // the descriptor of the listing itself
}

/// Whether this process was started with SIGHUP ignored, as by `nohup`; `false` if `/proc` does not say.
#[must_use]
pub fn ignores_hangup() -> bool {
    const HANGUP: u64 = 1; // The mask's bit of signal 1.
    let ignored = || {
        let text = std::fs::read_to_string("/proc/self/status").ok()?;
        let mask = text.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    ignored().is_some_and(|mask| mask & HANGUP != 0)
}

/// Returns the value of a line `Name:   123 kB` of a `/proc` file, in bytes.
fn field_kib(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The id of the current boot of this machine (`/proc/sys/kernel/random/boot_id`): processes with the same id share a
/// clock and cores, whatever their namespaces.
#[must_use]
pub fn boot_id() -> Option<String> {
    Some(std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

/// The load of the whole machine; a figure that the platform does not provide is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostLoad {
    /// Runnable processes, averaged over a minute (`/proc/loadavg`).
    pub load_1m: Option<f64>,
    /// Memory that is free or can be freed, bytes (`/proc/meminfo`, `MemAvailable`).
    pub memory_available_bytes: Option<u64>,
    /// Non-idle CPU time of all cores since boot, in ticks of 10 ms (`/proc/stat`).
    pub cpu_busy_ticks: Option<u64>,
    /// Pages read back from swap since boot (`/proc/vmstat`, `pswpin`).
    pub pages_swapped_in: Option<u64>,
}

impl HostLoad {
    /// Reads the machine's figures.
    #[must_use]
    pub fn now() -> Self {
        Self {
            load_1m: load_1m(),
            memory_available_bytes: field_kib("/proc/meminfo", "MemAvailable:"),
            cpu_busy_ticks: cpu_busy_ticks(),
            pages_swapped_in: pages_swapped_in(),
        }
    }
}

fn load_1m() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// proc_stat(5): `cpu user nice system idle iowait irq softirq steal …`; user already includes guest time.
fn cpu_busy_ticks() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|n| n.parse().ok()).collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, steal] = ticks[..] else { return None };
    Some(user + nice + system + irq + softirq + steal)
}

/// The length of a tick of [`HostLoad::cpu_busy_ticks`], µs: the kernel's `USER_HZ` is 100 on every Linux platform that
/// this runs on.
pub const TICK_US: u64 = 10_000;

/// The size of a memory page, bytes.
#[must_use]
pub fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

fn pages_swapped_in() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/vmstat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("pswpin "))?.trim().parse().ok()
}

/// The memory of the kernel's fixed structures for one open TCP socket, bytes: `struct tcp_sock`, its inode, file, name
/// and entry in an epoll set. Their sizes are in `/proc/slabinfo`, which only root may read. Read once.
#[must_use]
pub fn socket_structures_bytes() -> Option<u64> {
    static SIZE: OnceLock<Option<u64>> = OnceLock::new();
    *SIZE.get_or_init(|| slab_bytes(&std::fs::read_to_string("/proc/slabinfo").ok()?))
}

/// slabinfo(5): `name active_objs num_objs objsize …`.
fn slab_bytes(slabinfo: &str) -> Option<u64> {
    let size = |name: &str| {
        let line = slabinfo.lines().find(|line| line.split_whitespace().next() == Some(name))?;
        line.split_whitespace().nth(3)?.parse::<u64>().ok()
    };
    ["TCP", "sock_inode_cache", "filp", "dentry", "eventpoll_epi"].into_iter().map(size).sum()
}

/// A description of the machine, for the manifest of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model (`/proc/cpuinfo`).
    pub cpu: Option<String>,
    /// Cores that this process may use.
    pub cores: Option<usize>,
    /// Total memory, bytes (`/proc/meminfo`).
    pub memory_bytes: Option<u64>,
    /// Kernel release.
    pub kernel: String,
    /// Operating system and processor architecture, as in `linux-x86_64`.
    pub platform: String,
    /// Soft limit on open descriptors; `None` for no limit.
    pub max_open_files: Option<u64>,
    /// How the machine does TCP, in the network namespace of the process; `None` if the system does not say, or if an
    /// older feedlab described it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tcp: Option<TcpSettings>,
}

impl Machine {
    /// Describes this machine.
    #[must_use]
    pub fn this() -> Self {
        let uname = rustix::system::uname();
        Self {
            cpu: cpu_model(),
            cores: std::thread::available_parallelism().ok().map(usize::from),
            memory_bytes: field_kib("/proc/meminfo", "MemTotal:"),
            kernel: uname.release().to_string_lossy().into_owned(),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            max_open_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
            tcp: TcpSettings::now(),
        }
    }
}

fn cpu_model() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The path by which this process can start itself again, directly or through another program: on Linux, one that stays
/// valid when the file is replaced, as by a build during a run.
///
/// # Errors
/// When the system does not know the path.
pub fn this_binary() -> std::io::Result<PathBuf> {
    let link = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    if link.exists() { Ok(link) } else { std::env::current_exe() }
}

/// Raises the soft limit on open descriptors to the hard limit and returns the new value; `None` means no limit.
#[must_use]
pub fn raise_open_file_limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_ok() { limit.current } else { before }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn linux_provides_every_figure() {
        let usage = Usage::now();
        assert!(usage.rss_bytes.unwrap() > 100_000);
        assert!(usage.open_fds.unwrap() >= 3);
        let load = HostLoad::now();
        assert!(load.load_1m.is_some() && load.memory_available_bytes.is_some() && load.cpu_busy_ticks.is_some());
        assert!(Machine::this().memory_bytes.is_some());
    }

    #[test]
    fn a_machine_reads_back_with_and_without_its_tcp_settings() {
        let this = Machine::this();
        assert!(this.tcp.is_some());
        let mut written = serde_json::to_value(&this).unwrap();
        assert_eq!(serde_json::from_value::<Machine>(written.clone()).unwrap(), this);
        // As results of before these settings have it.
        written.as_object_mut().unwrap().remove("tcp").unwrap();
        let older = serde_json::from_value::<Machine>(written.clone()).unwrap();
        assert_eq!(older, Machine { tcp: None, ..this });
        assert_eq!(serde_json::to_value(&older).unwrap(), written, "and nothing is made up when it is written again");
    }

    #[test]
    fn the_structures_of_a_socket_are_summed() {
        let line = |name: &str, size: u64| format!("{name:<18} 26 26 {size} 13 8 : tunables 0 0 0\n");
        let sizes = [("TCPv6", 9), ("TCP", 2368), ("sock_inode_cache", 832), ("filp", 192), ("dentry", 192)];
        let text: String = sizes.iter().map(|(name, size)| line(name, *size)).collect();
        assert_eq!(slab_bytes(&text), None, "one is missing");
        assert_eq!(slab_bytes(&(text + &line("eventpoll_epi", 128))), Some(3712));
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let before = cpu_us();
        let mut sum = 0u64;
        while cpu_us() < before + 2_000 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0);
    }
}
