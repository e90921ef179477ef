//! nginx's configuration, as text. The directives are documented at nginx.org/en/docs, in the modules core,
//! ngx_http_core, ngx_http_proxy, ngx_http_upstream, ngx_http_ssl and ngx_http_v2.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Balance, Style};

/// The settings of the configuration.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// The address to listen on.
    pub(super) listen: SocketAddr,
    /// The servers to forward requests to.
    pub(super) servers: Vec<SocketAddr>,
    pub(super) style: Style,
    /// How to choose among the servers.
    pub(super) balance: Balance,
    /// `proxy_read_timeout`.
    pub(super) read_timeout: Duration,
    /// `worker_shutdown_timeout`.
    pub(super) shutdown_timeout: Duration,
    /// The certificate for TLS, which also enables HTTP/2.
    pub(super) certificate: Option<Certificate>,
    /// Whether root is the only user, as in a user namespace: workers cannot become another one.
    pub(super) is_root_alone: bool,
}

/// The files of a certificate, in PEM form.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
}

/// Connections of a worker, to clients and to servers together: within the limit of 20,000 descriptors per process.
const CONNECTIONS: u32 = 16_384;

impl Config {
    /// Returns the whole file. Its paths are relative to nginx's prefix.
    pub(super) fn text(&self) -> String {
        let shutdown = self.shutdown_timeout.as_millis();
        let user = if self.is_root_alone { "user root;\n" } else { "" };
        let mut text = format!(
            "{user}daemon off;\n\
             worker_processes 1;\n\
             # How long workers that a reload replaced keep their connections; by default, until the clients leave.\n\
             worker_shutdown_timeout {shutdown}ms;\n\
             error_log stderr warn;\n\
             pid nginx.pid;\n\n\
             events {{\n    worker_connections {CONNECTIONS};\n}}\n\n\
             http {{\n    access_log off;\n    tcp_nodelay on;\n    keepalive_requests 1000000;\n"
        );
        for folder in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            let _ = writeln!(text, "    {folder}_temp_path {folder};");
        }
        text += &self.upstream();
        text += &self.server();
        text += "}\n";
        text
    }

    /// Returns the upstream block. It keeps idle connections to the servers, so that a poll through nginx opens none.
    /// By default, nginx sends the name of the upstream as Host, so the servers must accept it.
    fn upstream(&self) -> String {
        let mut text = String::from("\n    upstream feed.localhost {\n");
        text += match self.balance {
            Balance::RoundRobin => "",
            Balance::LeastConnections => "        least_conn;\n",
            Balance::Hash => "        hash $remote_addr consistent;\n",
        };
        for server in &self.servers {
            // Try a server again immediately after it was down.
            let _ = writeln!(text, "        server {server} max_fails=0;");
        }
        if self.style != Style::Default {
            text += "        keepalive 256;\n        keepalive_requests 1000000;\n";
        }
        text + "    }\n\n    map $http_upgrade $connection_upgrade {\n        default upgrade;\n        ''      '';\n    }\n"
    }

    fn server(&self) -> String {
        let (listen, timeout) = (self.listen, self.read_timeout.as_millis());
        let tls = if self.certificate.is_some() { " ssl http2" } else { "" };
        let mut text = format!("\n    server {{\n        listen {listen}{tls} backlog=4096;\n");
        if let Some(Certificate { chain, key }) = &self.certificate {
            let _ = writeln!(text, "        ssl_certificate {};", quoted(chain));
            let _ = writeln!(text, "        ssl_certificate_key {};", quoted(key));
            text += "        ssl_protocols TLSv1.2 TLSv1.3;\n        http2_max_concurrent_streams 128;\n";
        }
        for (path, directives) in self.style.locations() {
            let _ = writeln!(text, "\n        location {path} {{\n            proxy_pass http://feed.localhost;");
            let _ = writeln!(text, "            proxy_read_timeout {timeout}ms;");
            for line in *directives {
                let _ = writeln!(text, "            {line}");
            }
            text += "        }\n";
        }
        text + "    }\n"
    }
}

/// HTTP/1.1 to the server, with any upgrade that the client requests.
const UPGRADABLE: &[&str] = &[
    "proxy_http_version 1.1;",
    "proxy_set_header Host $http_host;",
    "proxy_set_header Upgrade $http_upgrade;",
    "proxy_set_header Connection $connection_upgrade;",
    "proxy_buffering off;",
];
/// HTTP/1.0 to the server, nginx's default: nothing marks the end of a chunk of a stream, so a buffer is forwarded only
/// when it is full. Over HTTP/1.1, nginx forwards each chunk immediately, whatever `proxy_buffering` says.
const BUFFERED: &[&str] = &[
    "proxy_set_header Host $http_host;",
    "proxy_buffering on;",
    "proxy_buffer_size 4k;",
    "proxy_buffers 8 4k;",
    "proxy_ignore_headers X-Accel-Buffering;",
];

/// A path and its directives in addition to `proxy_pass`.
type Location = (&'static str, &'static [&'static str]);

impl Style {
    const fn locations(self) -> &'static [Location] {
        match self {
            Self::Default => &[("/", &[])],
            Self::Streaming => &[("/", UPGRADABLE)],
            Self::Buffering => &[("/feed/ws", UPGRADABLE), ("/", BUFFERED)],
        }
    }
}

/// Returns a quoted parameter, in which nginx understands `\"` and `\\`.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(style: Style, certificate: Option<Certificate>) -> Config {
        let servers = ["127.0.0.1:9001", "127.0.0.1:9002"].map(|server| server.parse().unwrap()).to_vec();
        let listen = "127.0.0.1:8081".parse().unwrap();
        let (read_timeout, shutdown_timeout) = (Duration::from_secs(60), Duration::from_secs(1));
        let (balance, is_root_alone) = (Balance::RoundRobin, false);
        Config { listen, servers, style, balance, read_timeout, shutdown_timeout, certificate, is_root_alone }
    }

    #[test]
    fn a_configuration_for_streaming() {
        let certificate = Certificate { chain: "a \"b\".pem".into(), key: "key.pem".into() };
        insta::assert_snapshot!(config(Style::Streaming, Some(certificate)).text());
    }

    #[test]
    fn the_default_style_has_only_proxy_pass() {
        let text = config(Style::Default, None).text();
        for absent in ["proxy_http_version", "proxy_buffering", "Upgrade", "keepalive 256", "ssl"] {
            assert!(!text.contains(&format!("            {absent}")), "{absent}:\n{text}");
        }
    }

    #[test]
    fn the_balance_comes_before_keepalive() {
        for (balance, directive) in
            [(Balance::LeastConnections, "least_conn;"), (Balance::Hash, "hash $remote_addr consistent;")]
        {
            let text = Config { balance, ..config(Style::Streaming, None) }.text();
            assert!(text.find(directive).expect(directive) < text.find("keepalive 256;").unwrap(), "{text}");
        }
    }

    #[test]
    fn workers_stay_root_where_nobody_else_exists() {
        let text = |is_root_alone| Config { is_root_alone, ..config(Style::Streaming, None) }.text();
        assert!(text(true).starts_with("user root;\n") && !text(false).contains("user "));
    }

    #[test]
    fn the_buffering_style_ignores_x_accel_buffering() {
        assert!(config(Style::Buffering, None).text().contains("proxy_ignore_headers X-Accel-Buffering;"));
    }
}
