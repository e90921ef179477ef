//! Network namespaces: which processes are in one, and its kernel parameters (network_namespaces(7), proc(5)).

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// The kernel's name of a network namespace, such as `net:[4026531840]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Namespace(PathBuf);

impl Namespace {
    /// Returns the namespace of this process; `None` where there are no namespaces.
    #[must_use]
    pub fn current() -> Option<Self> {
        Self::named("self")
    }

    /// Returns the namespace of a process; `None` if there is no such process, or it is somebody else's.
    #[must_use]
    pub fn of(process: u32) -> Option<Self> {
        Self::named(&process.to_string())
    }

    fn named(process: &str) -> Option<Self> {
        std::fs::read_link(format!("/proc/{process}/ns/net")).ok().map(Self)
    }

    /// Kills all processes in the namespace, also those that have detached from the one that started them.
    pub fn end_all(&self) {
        /// A process may start another one while it is killed.
        const ROUNDS: u32 = 50;
        for _ in 0..ROUNDS {
            let inside = self.processes();
            if inside.is_empty() {
                return;
            }
            for process in inside {
                let _ = kill_process(process, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn processes(&self) -> Vec<Pid> {
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let names = all.filter_map(|entry| entry.file_name().into_string().ok());
        let inside = names.filter(|name| Self::named(name).as_ref() == Some(self));
        inside.filter_map(|name| Pid::from_raw(name.parse().ok()?)).collect()
    }
}

/// Whether something listens for TCP connections in the namespace of a process.
#[must_use]
pub fn listens(process: u32) -> bool {
    /// The state of a socket that listens.
    const LISTENING: &str = "0A";
    ["tcp", "tcp6"].iter().any(|table| {
        let rows = std::fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        rows.lines().skip(1).any(|row| row.split_whitespace().nth(3) == Some(LISTENING))
    })
}

/// Returns a kernel parameter of this process's namespace, such as `net/ipv4/tcp_rmem`.
#[must_use]
pub fn parameter(name: &str) -> Option<String> {
    Some(std::fs::read_to_string(parameter_file(name)).ok()?.trim().to_owned())
}

/// Sets a kernel parameter of this process's namespace.
///
/// # Errors
/// If there is no such parameter, or the kernel does not take the value.
pub fn set_parameter(name: &str, value: &str) -> io::Result<()> {
    std::fs::write(parameter_file(name), value)
}

/// Returns the file of a kernel parameter.
#[must_use]
pub fn parameter_file(name: &str) -> PathBuf {
    PathBuf::from("/proc/sys").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_in_its_own_namespace() {
        let here = Namespace::current().unwrap();
        let this = Pid::from_raw(std::process::id().cast_signed()).unwrap();
        assert_eq!(Namespace::of(std::process::id()), Some(here.clone()));
        assert!(here.processes().contains(&this));
        assert_eq!(Namespace(PathBuf::from("net:[0]")).processes(), vec![]);
        assert!(Namespace::of(u32::MAX).is_none() && !listens(u32::MAX));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_listening_socket_is_seen() {
        let _listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(listens(std::process::id()));
        assert!(parameter("net/ipv4/tcp_rmem").unwrap().split_whitespace().count() == 3);
        assert_eq!(parameter("net/ipv4/no_such_parameter"), None);
        assert!(set_parameter("net/ipv4/no_such_parameter", "1").is_err());
    }
}
