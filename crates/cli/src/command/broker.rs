//! `feedlab broker`, hidden: runs a nats-server with JetStream, for the cells of a scenario whose feed is on a broker.
//! It exits when its standard input ends, and deletes its folder.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::daemon::{Daemon, Program};
use crate::exit::Exit;
use crate::interrupt::{self, Interrupt};
use crate::output;

const NATS_SERVER: Program = Program {
    name: "nats-server",
    remedy: "`apt-get install -y nats-server` (Debian, Ubuntu), `brew install nats-server` (macOS)",
};

/// Start a nats-server on this machine, and print its address as a line of JSON
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The address to listen on; no password is required
    #[arg(long, value_name = "IP", default_value_t = Ipv4Addr::LOCALHOST.into())]
    at: IpAddr,
}

/// The line of JSON with the broker's address.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) listening: SocketAddr,
}

/// Runs until a signal, or until standard input ends.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let signals = Interrupt::listen()?;
        interrupt::stop_with_stdin(signals.stop.clone());
        let mut broker = Daemon::start(NATS_SERVER, (args.at, 0).into(), |address, folder| {
            let (ip, port) = (address.ip().to_string(), address.port().to_string());
            let flags = ["--jetstream", "--addr", &ip, "--port", &port, "--store_dir"].map(Into::into);
            Ok(flags.into_iter().chain([folder.into()]).collect())
        })
        .await?;
        output::json_line(&Listening { listening: broker.address() })?;
        let result = tokio::select! {
            () = signals.stop.cancelled() => Ok(Exit::Done),
            error = broker.died() => Err(error),
        };
        broker.stop().await;
        result
    })
}
