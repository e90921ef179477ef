//! `feedlab proxy`: adds distance and faults to any TCP connection, until it is stopped.

use std::net::SocketAddr;

use anyhow::Context as _;
use feedlab_feed::link::{MAX_BYTES_PER_S, Network};
use feedlab_feed::process;
use feedlab_link::{Config, LinkSettings};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::exit::Exit;
use crate::input::handed_over;
use crate::interrupt::{self, Interrupt};
use crate::log;
use crate::output::{self, Format};

pub(super) mod address;
mod banner;

use address::{Local, Upstream};

/// Put distance and faults between clients and a server
///
/// A TCP proxy for any connection: feedlab's own, a browser's, another server's. It needs no root privileges, and
/// listens only on this machine. You can change its settings while it runs, over a small HTTP API whose address it
/// prints. Ctrl-C or SIGTERM ends it and the connections through it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab proxy --to 127.0.0.1:8080 --rtt 100ms
  feedlab proxy --rtt 50ms --jitter 10ms --bandwidth 125000
  feedlab proxy --idle-timeout 10s --buffer 4096
  feedlab proxy --reader 1000 --reader-share 0.1

Next:
  feedlab watch http://127.0.0.1:8090  follow a feed from a distance
  paste one of the printed commands into another terminal to break something")]
pub(crate) struct Args {
    /// Address and port to listen on, of this machine only; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    listen: Local,

    /// The server to forward connections to; it need not run yet
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    to: Upstream,

    /// Address and port of the HTTP control API, of this machine only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    control: Local,

    /// Output format for the addresses: text on standard error, or a line of JSON on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Random seed for jitter, and for which connections a fault affects
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    #[command(flatten)]
    network: Network,

    #[command(flatten)]
    reader: Reader,

    /// Read the network as a line of JSON from standard input instead of flags, and stop when standard input ends
    #[arg(long, hide = true, conflicts_with = "Network")]
    network_from_stdin: bool,

    /// Stop when standard input ends; the process that started this proxy holds the other end
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// The reader's speed, another property of the path.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Path")]
struct Reader {
    /// Read from the server no faster than this, like a client that cannot keep up
    #[arg(long, value_name = "BYTES_PER_S", value_parser = clap::value_parser!(u64).range(1..=MAX_BYTES_PER_S))]
    reader: Option<u64>,

    /// Share of the connections that are read at that speed, above 0 and at most 1
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, requires = "reader", value_parser = share)]
    reader_share: f64,
}

/// The line of JSON for programs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// The address that clients connect to.
    pub(crate) listening: SocketAddr,
    /// The address of the control API.
    pub(crate) control: SocketAddr,
}

/// Forwards connections until a signal.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let _ = process::raise_open_file_limit();
    log::begin();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(forward(args))
}

async fn forward(args: &Args) -> anyhow::Result<Exit> {
    let signals = Interrupt::listen()?;
    let config = args.config()?;
    let upstream = args.to.resolve().await?;
    let listener = args.listen.bind("--listen")?;
    let control = args.control.bind("--control")?;
    let ready = Listening { listening: address(&listener)?, control: address(&control)? };
    if args.exit_with_stdin || args.network_from_stdin {
        interrupt::stop_with_stdin(signals.stop.clone());
    }
    match args.format {
        Format::Text => output::advice(banner::text(&ready, upstream, &config.settings).trim_end()),
        Format::Json => output::json_line(&ready)?,
    }
    tokio::select! {
        result = feedlab_link::run(listener, upstream, config, Some(control), signals.stop) => result?,
        () = signals.at_once.cancelled() => {}
    }
    Ok(Exit::Done)
}

fn address(listener: &TcpListener) -> anyhow::Result<SocketAddr> {
    listener.local_addr().context("the listener has no address")
}

impl Args {
    fn config(&self) -> anyhow::Result<Config> {
        let network = if self.network_from_stdin { handed_over("network")? } else { self.network };
        let Reader { reader: reader_bytes_per_s, reader_share } = self.reader;
        Ok(Config { settings: LinkSettings { network, reader_bytes_per_s, reader_share }, seed: self.seed })
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "must be above 0 and at most 1, as in 0.25".to_owned())
}
