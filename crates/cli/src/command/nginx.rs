//! `feedlab nginx`: runs a real nginx in front of one or more servers, with the settings that streams depend on, until
//! it is stopped. `feedlab run` starts it as a child for contenders with `via`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::exit::Exit;
use crate::input;
use crate::interrupt::Interrupt;
use crate::network::{self, Side};
use crate::output::{self, Format};

mod config;
mod process;

use super::daemon;
use super::proxy::address::Upstream;
use config::{Certificate, Config};
use process::Nginx;

/// Put a real nginx in front of a server, configured for streaming, or with defaults
///
/// Starts Debian's nginx with its own configuration on a free port of this machine, without touching an nginx that may
/// run as a service. Ctrl-C stops it; SIGHUP makes it reload its configuration and replace its workers, as a deployment
/// does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab nginx --to 127.0.0.1:8080                        configured for streaming
  feedlab nginx --to 127.0.0.1:8080 --style buffering      break SSE without an error
  feedlab nginx --to 127.0.0.1:8080 --read-timeout 5s      close connections after 5 s of silence
  feedlab nginx --to 127.0.0.1:8080 --show-config          print the configuration and start nothing

Next:
  follow the feed through it: feedlab watch http://ADDRESS, with the printed address")]
pub(crate) struct Args {
    /// Server to forward requests to (repeatable)
    #[arg(long, value_name = "HOST:PORT", required = true)]
    to: Vec<Upstream>,

    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = on_loopback)]
    listen: SocketAddr,

    /// How nginx treats streams
    #[arg(long, value_enum, default_value_t = Style::Streaming)]
    style: Style,

    /// How long the server may be silent before nginx closes the connection (proxy_read_timeout)
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = super::some_time)]
    read_timeout: Duration,

    /// How nginx chooses among several servers
    #[arg(long, value_enum, default_value_t = Balance::RoundRobin)]
    balance: Balance,

    /// How long workers that a reload replaced keep their connections (worker_shutdown_timeout)
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = super::some_time)]
    shutdown_timeout: Duration,

    /// Serve TLS, and HTTP/2 to clients that request it, with this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Output format for the address: text on standard error, or a line of JSON on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Print the configuration instead of starting nginx
    #[arg(long)]
    show_config: bool,

    /// Read new lists of servers from standard input, a line of JSON each, and stop when it ends; the process that
    /// started this one holds the other end
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// How nginx chooses among several servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Balance {
    /// Each in turn
    RoundRobin,
    /// The one with the fewest connections of this nginx worker (least_conn)
    LeastConnections,
    /// The one that a hash of the client's address selects (hash $remote_addr consistent)
    Hash,
}

/// How nginx treats streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Style {
    /// HTTP/1.1 to the server, no buffering, WebSocket upgrades allowed
    Streaming,
    /// The defaults of `proxy_pass`: HTTP/1.0 to the server, buffering unless the answer has X-Accel-Buffering: no,
    /// no upgrades
    Default,
    /// The defaults of `proxy_pass`, but always buffering and with WebSocket upgrades allowed
    Buffering,
}

/// The line of JSON for programs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// The address that nginx listens on, with the actual port.
    pub(crate) listening: SocketAddr,
    /// The process id of nginx's master.
    pub(crate) pid: Option<u32>,
}

/// Returns a free address of this machine, for a proxy whose address the server behind it must know beforehand.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    daemon::free((Ipv4Addr::LOCALHOST, 0).into())
}

/// An nginx in front of one server, for a command that runs it beside its own work.
pub(super) struct InFront(Nginx);

/// Starts an nginx that buffers in front of a server, on a free port.
pub(super) async fn buffering(server: SocketAddr) -> anyhow::Result<InFront> {
    let config = |listen| Config {
        listen,
        servers: vec![server],
        style: Style::Buffering,
        balance: Balance::RoundRobin,
        read_timeout: Duration::from_secs(60),
        shutdown_timeout: Duration::from_secs(1),
        certificate: None,
        is_root_alone: network::is_inside(),
    };
    Nginx::start((Ipv4Addr::LOCALHOST, 0).into(), config).await.map(InFront)
}

impl InFront {
    /// Returns the address that it listens on.
    pub(super) const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Stops it and its workers.
    pub(super) async fn stop(self) {
        self.0.stop().await;
    }
}

/// Runs nginx until a signal.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(args))
}

async fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut servers = Vec::new();
    for to in &args.to {
        servers.push(to.resolve().await?);
    }
    if args.show_config {
        let address = if args.listen.port() == 0 { (Ipv4Addr::LOCALHOST, 8081).into() } else { args.listen };
        return output::data(&config(args, &servers, address).text()).map(|()| Exit::Done);
    }
    let signals = Interrupt::listen()?;
    let mut reload = signal(SignalKind::hangup())?;
    let mut nginx = Nginx::start(args.listen, |address| config(args, &servers, address)).await?;
    let mut orders = args.exit_with_stdin.then(|| input::orders(signals.stop.clone()));
    print_address(args, &servers, &nginx)?;
    let result = loop {
        tokio::select! {
            () = signals.stop.cancelled() => break Ok(Exit::Done),
            error = nginx.died() => break Err(error),
            _ = reload.recv() => nginx.reload(),
            Some(servers) = next_order(&mut orders) => {
                let servers: Vec<SocketAddr> = servers;
                if let Err(error) = nginx.reconfigure(&config(args, &servers, nginx.address())) {
                    break Err(error);
                }
            }
        }
    };
    nginx.stop().await;
    result
}

/// Waits for the next order; forever, if there is no source of orders.
async fn next_order<T>(orders: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match orders {
        Some(orders) => orders.recv().await,
        None => std::future::pending().await,
    }
}

fn config(args: &Args, servers: &[SocketAddr], listen: SocketAddr) -> Config {
    let certificate = args.tls_cert.clone().zip(args.tls_key.clone());
    Config {
        listen,
        servers: servers.to_vec(),
        style: args.style,
        balance: args.balance,
        read_timeout: args.read_timeout,
        shutdown_timeout: args.shutdown_timeout,
        certificate: certificate.map(|(chain, key)| Certificate { chain, key }),
        is_root_alone: network::is_inside(),
    }
}

fn print_address(args: &Args, servers: &[SocketAddr], nginx: &Nginx) -> anyhow::Result<()> {
    let listening = nginx.address();
    if args.format == Format::Json {
        return output::json_line(&Listening { listening, pid: nginx.pid() });
    }
    let scheme = if args.tls_cert.is_some() { "https" } else { "http" };
    let to: Vec<String> = servers.iter().map(ToString::to_string).collect();
    output::advice(&format!("nginx on {scheme}://{listening}/ forwards to {} (Ctrl-C stops)\n", to.join(" and ")));
    output::advice(&format!("  watch     feedlab watch {scheme}://{listening}"));
    output::advice(&format!("  reload    kill -HUP {}", std::process::id()));
    Ok(())
}

/// Parses an address and rejects those that other machines can reach: the lab is this machine only, or one end of a link.
fn on_loopback(text: &str) -> Result<SocketAddr, String> {
    let address: Result<SocketAddr, _> = text.parse();
    let is_here = |ip: IpAddr| ip.is_loopback() || (network::is_inside() && ip == Side::Server.address());
    address.ok().filter(|address| is_here(address.ip())).ok_or_else(|| {
        "this nginx is for the lab and listens only on this machine: use an address such as 127.0.0.1:8081".to_owned()
    })
}
