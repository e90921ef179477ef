//! A real `nats-server` with JetStream, with its own port and folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::PATIENCE;

/// How to install it.
const REMEDY: &str = "apt-get install -y nats-server";

/// A running broker. Dropping it kills it and removes its files.
#[derive(Debug)]
pub struct Broker {
    child: Child,
    address: SocketAddr,
    folder: PathBuf,
    flags: Vec<String>,
}

impl Broker {
    /// Starts a broker. If none is installed, prints that and returns `None`; in CI that is an error.
    #[track_caller]
    pub fn start() -> Option<Self> {
        Self::start_with(&["--jetstream"])
    }

    /// Starts a broker with these flags, in addition to those for its address and folder.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    #[track_caller]
    pub fn start_with(flags: &[&str]) -> Option<Self> {
        let is_there =
            Command::new("nats-server").arg("--version").output().is_ok_and(|output| output.status.success());
        if !is_there {
            assert!(std::env::var_os("CI").is_none(), "no nats-server here: {REMEDY}");
            eprintln!("SKIPPED: no nats-server here: {REMEDY}");
            return None;
        }
        let address = free_port();
        let folder = std::env::temp_dir().join(format!("feedlab-broker-{}-{}", std::process::id(), address.port()));
        std::fs::create_dir_all(&folder).unwrap();
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let child = spawn(address, &folder, &flags);
        let mut broker = Self { child, address, folder, flags };
        broker.wait();
        Some(broker)
    }

    /// The address that it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of one of its streams.
    pub fn stream(&self, name: &str) -> String {
        format!("nats://{}/{name}", self.address)
    }

    /// Kills it without a graceful shutdown.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, at the same address and with the same files.
    #[track_caller]
    pub fn restart(&mut self) {
        self.child = spawn(self.address, &self.folder, &self.flags);
        self.wait();
    }

    #[track_caller]
    fn wait(&mut self) {
        const STEP: Duration = Duration::from_millis(20);
        let mut waits = 0;
        while std::net::TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "nats-server ended: {ended:?}");
            assert!(waits * STEP < PATIENCE, "nats-server is not listening on {}", self.address);
            waits += 1;
            std::thread::sleep(STEP);
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Returns a free port outside the usual ephemeral range, so that no connection takes it while the broker is down, and
/// never the same port twice: until a broker listens, its port still looks free to another test.
fn free_port() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 5_000).unwrap();
    let mut free = (start..32_000).filter_map(|_| {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
        std::net::TcpListener::bind(("127.0.0.1", port)).ok().map(|listener| listener.local_addr().unwrap())
    });
    free.next().expect("a free port")
}

fn spawn(address: SocketAddr, folder: &std::path::Path, flags: &Vec<String>) -> Child {
    let mut command = Command::new("nats-server");
    command.args(["--addr", &address.ip().to_string(), "--port", &address.port().to_string()]);
    command.arg("--store_dir").arg(folder).args(flags);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nats-server starts")
}
