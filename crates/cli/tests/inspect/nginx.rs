//! A real nginx with the configuration of a test, as a process of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use feedlab_testkit::PATIENCE;
use tempfile::TempDir;

const PROGRAMS: [&str; 2] = ["/usr/sbin/nginx", "nginx"];

/// Returns nginx's path. In CI, a test fails without it; elsewhere, the test is skipped visibly.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn installed() -> Option<&'static str> {
    let found = PROGRAMS.into_iter().find(|program| Command::new(program).arg("-v").output().is_ok());
    let remedy = "this test needs nginx: apt-get install -y nginx";
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "{remedy}");
    if found.is_none() {
        eprintln!("SKIPPED: {remedy}");
    }
    found
}

/// What differs from test to test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site {
    /// Directives of `http`, such as an `upstream`.
    pub(crate) http: String,
    /// What follows the address in `listen`.
    pub(crate) listen: String,
    /// The path of the only location.
    pub(crate) path: String,
    /// Its directives.
    pub(crate) location: Vec<String>,
}

impl Site {
    /// A location that forwards everything to an address, with nginx's defaults except for these directives.
    pub(crate) fn of(to: SocketAddr, directives: &[&str]) -> Self {
        let mut site = Self { path: "/".to_owned(), ..Self::default() };
        site.set(&format!("proxy_pass http://{to};"));
        directives.iter().for_each(|directive| site.set(directive));
        site
    }

    /// Writes a directive into the location, in place of one with that name.
    pub(crate) fn set(&mut self, directive: &str) {
        let name = |line: &str| line.split(' ').next().map(str::to_owned);
        self.location.retain(|line| name(line) != name(directive));
        self.location.push(directive.to_owned());
    }

    fn text(&self, address: SocketAddr, folder: &Path) -> String {
        let Self { http, listen, path, location } = self;
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary: String = temporary.iter().map(|name| format!("{name}_temp_path {name};\n")).collect();
        let tls = if listen.contains("ssl") { certificate(folder) } else { "" };
        format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log error.log;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}{http}\n\
             server {{\nlisten {address} {listen};\n{tls}\nlocation {path} {{\n{}\n}}\n}}\n}}\n",
            location.join("\n")
        )
    }
}

/// Writes a certificate, and returns the directives for it.
fn certificate(folder: &Path) -> &'static str {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("a file");
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    "ssl_certificate cert.pem;\nssl_certificate_key key.pem;"
}

/// A running nginx. Dropping it ends it.
pub(crate) struct Nginx {
    child: Child,
    folder: TempDir,
    address: SocketAddr,
}

impl Nginx {
    /// Starts nginx, and waits until it listens.
    pub(crate) fn start(program: &str, site: &Site) -> Self {
        // Another test may take the port between its choice and nginx's start.
        let started = (0..5).find_map(|_| Self::try_start(program, site));
        started.unwrap_or_else(|| panic!("nginx does not start with {site:?}"))
    }

    fn try_start(program: &str, site: &Site) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let address = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port");
        std::fs::write(folder.path().join("nginx.conf"), site.text(address, folder.path())).expect("a file");
        let mut command = Command::new(program);
        command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "error.log"]).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nginx starts");
        let mut nginx = Self { child, folder, address };
        nginx.listens().then_some(nginx)
    }

    fn listens(&mut self) -> bool {
        const PAUSE: Duration = Duration::from_millis(20);
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            if self.child.try_wait().expect("its status").is_some() {
                let log = std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default();
                assert!(log.contains("Address already in use"), "{log}");
                return false;
            }
            // It writes the file after it has bound the port; a server that answers there before that is another one.
            if self.folder.path().join("nginx.pid").exists() {
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }

    /// The address that it listens on.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It has no workers: `master_process off`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
