//! The control connection: tells the server when its feed begins, and asks what it has counted. It uses no door, so
//! that asking does not change the answer.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::process::{HostLoad, Usage};
use feedlab_feed::stats::{Start, Stats};
use reqwest::{Client, RequestBuilder};

use crate::LoadError;
use crate::transport::http::with_causes;

/// A server that is busier than this cannot be measured.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What both sides had used and counted at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) server: Stats,
    /// This process.
    pub(crate) own: Usage,
    /// The machine.
    pub(crate) host: HostLoad,
    /// How far the wall clock was ahead of the monotonic one, from an arbitrary origin, µs.
    pub(crate) wall_ahead_us: i64,
}

/// The control connection.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    client: Client,
    server: SocketAddr,
    began: Instant,
}

impl Control {
    pub(crate) fn new(server: SocketAddr) -> Result<Self, LoadError> {
        let built = Client::builder().no_proxy().http1_only().tcp_nodelay(true).timeout(TIMEOUT).build();
        let client = built.map_err(|why| error(server, "a connection", why))?;
        Ok(Self { client, server, began: clock::now() })
    }

    /// Takes a snapshot of both sides.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, LoadError> {
        let server = self.stats("/stats").await?;
        let wall_ahead_us = clock::wall_ahead_us(self.began);
        Ok(Snapshot { server, own: Usage::now(), host: HostLoad::now(), wall_ahead_us })
    }

    /// The server's counts, with the last update that was due before a time, in µs of Unix time.
    pub(crate) async fn stats_before(&self, at_us: u64) -> Result<Stats, LoadError> {
        self.stats(&format!("/stats?before={at_us}")).await
    }

    /// Begins the feed: its schedule counts from `at_us`, in µs of Unix time.
    pub(crate) async fn start(&self, at_us: u64) -> Result<(), LoadError> {
        let path = "/control/start";
        let body = serde_json::to_vec(&Start { at: at_us }).map_err(|why| error(self.server, path, why))?;
        let request = self.client.post(self.url(path)).header("content-type", "application/json").body(body);
        self.send(path, request).await?;
        Ok(())
    }

    async fn stats(&self, path: &str) -> Result<Stats, LoadError> {
        let body = self.send(path, self.client.get(self.url(path))).await?;
        serde_json::from_slice(&body).map_err(|why| error(self.server, path, why))
    }

    async fn send(&self, path: &str, request: RequestBuilder) -> Result<Vec<u8>, LoadError> {
        let answer = async { request.send().await?.error_for_status()?.bytes().await };
        match answer.await {
            Ok(body) => Ok(body.into()),
            Err(why) => Err(error(self.server, path, with_causes(&why.without_url()))),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server)
    }
}

fn error(server: SocketAddr, what: &str, why: impl Display) -> LoadError {
    LoadError::Control { server, what: what.to_owned(), why: why.to_string() }
}
