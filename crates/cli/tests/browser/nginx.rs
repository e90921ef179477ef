//! A real nginx, with one of our servers behind the path prefix `/lab/`.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use feedlab_feed::clock;
use tempfile::TempDir;

/// How long nginx may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// nginx does not exit with a test that is killed, so a shell starts it, as for a browser. Debian installs nginx in a
/// folder that is only in root's `PATH`.
const KEEPER: &str = "PATH=$PATH:/usr/sbin; nginx -p \"$0\" -c \"$0/nginx.conf\" -e stderr & \
    cat >/dev/null; trap : TERM; kill -TERM 0; wait; rm -rf \"$0\"";

pub(crate) struct Nginx {
    keeper: Child,
    _folder: TempDir,
    address: SocketAddr,
}

impl Nginx {
    pub(crate) fn before(server: SocketAddr) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        // The workers of an nginx that root started run as another user.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        std::fs::write(folder.path().join("nginx.conf"), config(address, server)).unwrap();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .arg(folder.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let nginx = Self { keeper, _folder: folder, address };
        let deadline = clock::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(clock::now() < deadline, "nginx did not start listening");
            std::thread::sleep(Duration::from_millis(20));
        }
        nginx
    }

    /// Returns the URL of the server's root, without the trailing `/`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/lab", self.address)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn config(listen: SocketAddr, server: SocketAddr) -> String {
    let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let places: String = places.iter().map(|place| format!("    {place}_temp_path {place};\n")).collect();
    format!(
        "daemon off;
worker_processes 1;
error_log stderr error;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
{places}    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    server {{
        listen {listen};
        location /lab/ {{
            proxy_pass http://{server}/;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_buffering off;
        }}
    }}
}}
"
    )
}
