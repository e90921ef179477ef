//! `--via`: puts a fault in front of the stream, to see what it looks like next to the stream itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use feedlab_check::inspect::Target;
use feedlab_feed::link::Network;
use feedlab_link::Config;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::nginx;
use super::super::proxy::address::Upstream;
use crate::exit::bad_input;

/// What to put in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Via {
    /// An nginx that buffers: `feedlab nginx --style buffering`
    NginxBuffering,
    /// A proxy that closes silent connections after 5 s: `feedlab proxy --idle-timeout 5s`
    Proxy,
}

const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// What runs in between.
pub(super) enum Between {
    Nginx(Box<nginx::InFront>),
    Proxy { stop: CancellationToken, running: JoinHandle<()> },
}

impl Via {
    /// Starts it in front of a target's host and port. The target leads through it afterwards, and directly beside it.
    pub(super) async fn start(self, target: &mut Target) -> anyhow::Result<Between> {
        let server = server(target).await?;
        let (between, address) = match self {
            Self::NginxBuffering => {
                let is_plain = target.url.scheme() == "http";
                anyhow::ensure!(is_plain, bad_input(anyhow::anyhow!("--via nginx-buffering needs an http:// URL")));
                let nginx = nginx::buffering(server).await?;
                let address = nginx.address();
                (Between::Nginx(Box::new(nginx)), address)
            }
            Self::Proxy => proxy(server)?,
        };
        target.address = Some(address);
        target.direct = Some(target.url.clone());
        Ok(between)
    }
}

impl Between {
    /// Stops it.
    pub(super) async fn stop(self) {
        match self {
            Self::Nginx(nginx) => nginx.stop().await,
            Self::Proxy { stop, running } => {
                stop.cancel();
                // It was only there to show a fault; how it ends does not matter.
                let _ = running.await;
            }
        }
    }
}

async fn server(target: &Target) -> anyhow::Result<SocketAddr> {
    let host = target.url.host_str().unwrap_or_default();
    let port = target.url.port_or_known_default().unwrap_or(80);
    let upstream: Upstream = format!("{host}:{port}").parse().map_err(|why: String| bad_input(anyhow::anyhow!(why)))?;
    upstream.resolve().await
}

fn proxy(server: SocketAddr) -> anyhow::Result<(Between, SocketAddr)> {
    let listener = feedlab_link::listen((Ipv4Addr::LOCALHOST, 0).into()).context("cannot listen on a free port")?;
    let address = listener.local_addr()?;
    let network = Network { idle_timeout: Some(IDLE_TIMEOUT), ..Network::default() };
    let config = Config { settings: network.into(), seed: 1 };
    let stop = CancellationToken::new();
    let until = stop.clone();
    let running = tokio::spawn(async move {
        let _ = feedlab_link::run(listener, server, config, None, until).await;
    });
    Ok((Between::Proxy { stop, running }, address))
}
