//! `feedlab proxy`: distance and faults for any TCP connection, until it is told to stop.

use std::net::SocketAddr;

use anyhow::Context as _;
use feedlab_feed::link::{MAX_BYTES_PER_S, Network};
use feedlab_feed::process;
use feedlab_proxy::{Config, LinkSettings};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::exit::Exit;
use crate::input::handed_over;
use crate::interrupt::{self, Interrupt};
use crate::log;
use crate::output::{self, Format};

pub(super) mod address;
mod introduction;

use address::{Local, Upstream};

/// Put distance and faults between clients and a server
///
/// A TCP proxy for any connection: feedlab's own, a browser's, another server's. It needs no root, and it listens on
/// this machine alone. What it does can be changed while it runs, over a small HTTP API whose address it prints.
/// Ctrl-C or SIGTERM ends it, and the connections through it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab proxy --to 127.0.0.1:8080 --rtt 100ms
  feedlab proxy --rtt 50ms --jitter 10ms --bandwidth 125000
  feedlab proxy --idle-timeout 10s --buffer 4096
  feedlab proxy --reader 1000 --reader-share 0.1

Next:
  feedlab watch http://127.0.0.1:8090  follow a feed from afar
  paste one of the lines that it prints into another terminal to break something")]
pub(crate) struct Args {
    /// Address and port to listen on, of this machine alone; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    listen: Local,

    /// The server that connections are led on to; it need not be there yet
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    to: Upstream,

    /// Where orders are taken over HTTP, on this machine alone
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    control: Local,

    /// How the addresses are told: for people on standard error, or a line of JSON on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Fixes jitter, and which connections faults hit
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    #[command(flatten)]
    network: Network,

    #[command(flatten)]
    reader: Reader,

    /// Read the network, a line of JSON, from standard input instead of flags, and stop when standard input ends
    #[arg(long, hide = true, conflicts_with = "Network")]
    network_from_stdin: bool,

    /// Stop when standard input ends: whoever started this proxy holds the other end of it
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// Who reads, on the same way.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Path")]
struct Reader {
    /// Read what the server sends no faster than this, as a client does that cannot keep up
    #[arg(long, value_name = "BYTES_PER_S", value_parser = clap::value_parser!(u64).range(1..=MAX_BYTES_PER_S))]
    reader: Option<u64>,

    /// The share of the connections that are read so slowly, above 0 and at most 1
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, requires = "reader", value_parser = share)]
    reader_share: f64,
}

/// The line for programs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// Where clients connect.
    pub(crate) listening: SocketAddr,
    /// Where orders are taken.
    pub(crate) control: SocketAddr,
}

/// Leads connections on until a signal.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let _ = process::raise_open_file_limit();
    log::begin();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(lead(args))
}

async fn lead(args: &Args) -> anyhow::Result<Exit> {
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
        Format::Text => output::advice(introduction::text(&ready, upstream, &config.settings).trim_end()),
        Format::Json => output::json_line(&ready)?,
    }
    tokio::select! {
        result = feedlab_proxy::run(listener, upstream, config, Some(control), signals.stop) => result?,
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
