//! The server of a tab, which stops and restarts at addresses that stay the same.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use feedlab_feed::access::Origin;
use feedlab_feed::clock;
use feedlab_server::tls::{Identity, self_signed};
use feedlab_server::{Config, Feed, Figures, Rejection, Server, Snapshot};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::port::Port;
use super::settings::{Change, SourceName, TabSettings};
use super::source::source;
use super::{MainFeed, unavailable};
use crate::limits::MAX_REGENERATED_UPDATES;

/// How long a server may take to shut down.
const DRAIN: Duration = Duration::from_millis(500);

/// A tab's server.
#[derive(Debug)]
pub(super) struct LabServer {
    plain: Port,
    secure: Port,
    /// The origin of the page that may read the endpoints.
    origin: Origin,
    place: Place,
    main_feed: Option<MainFeed>,
    end: CancellationToken,
    feed: Option<LabFeed>,
    running: Option<Running>,
    /// The settings that the feed and the server were started with.
    started_with: Option<TabSettings>,
}

/// The feed of the tab.
#[derive(Debug)]
struct LabFeed {
    feed: Feed,
    /// The state that it continues from.
    snapshot: Option<Snapshot>,
}

/// The running server: one listener without TLS, and one with.
#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    /// These tasks drain even if they are not awaited.
    servers: [JoinHandle<()>; 2],
    figures: Figures,
}

impl LabServer {
    /// Creates a server that does not listen yet.
    pub(super) fn new(
        (origin, place): (Origin, Place),
        main_feed: Option<MainFeed>,
        end: CancellationToken,
    ) -> Result<Self, Rejection> {
        let port = |ip| Port::any(ip).map_err(|error| unavailable("no port for the lab", error));
        // Pages reach the server without TLS only over the links, which are on the same machine.
        let (plain, secure) = (port(Ipv4Addr::LOCALHOST.into())?, port(place.ip)?);
        Ok(Self { plain, secure, origin, place, main_feed, end, feed: None, running: None, started_with: None })
    }

    /// Returns its address without TLS.
    pub(super) const fn plain(&self) -> SocketAddr {
        self.plain.address()
    }

    /// Returns its address with TLS.
    pub(super) const fn secure(&self) -> SocketAddr {
        self.secure.address()
    }

    /// Whether a server runs that fits these settings.
    pub(super) fn fits(&self, settings: &TabSettings) -> bool {
        let same = |started: &TabSettings| started.change(settings) == Change::Nothing;
        self.running.is_some() && self.started_with.as_ref().is_some_and(same)
    }

    /// Ends the feed if the settings require another one, so that it publishes nothing that clients would not receive.
    pub(super) fn end_feed_for(&self, settings: &TabSettings) {
        let is_main = |started: &TabSettings| started.source == SourceName::Own;
        let ends = |started: &TabSettings| started.change(settings) == Change::Feed && !is_main(started);
        if let (Some(lab_feed), true) = (&self.feed, self.started_with.as_ref().is_some_and(ends)) {
            lab_feed.feed.stop();
        }
    }

    /// Stops the server gracefully, and returns how many connections were left. The feed continues.
    pub(super) async fn stop(&mut self) -> u64 {
        let Some(Running { stop, servers, figures }) = self.running.take() else { return 0 };
        stop.cancel();
        for server in servers {
            let _ = server.await;
        }
        figures.stats().await.map_or(0, |stats| stats.connections.open)
    }

    /// Starts the server with these settings. When this returns, the server accepts connections.
    pub(super) async fn start(&mut self, settings: &TabSettings) -> Result<Figures, Rejection> {
        let feed = self.feed(settings).await?;
        let listen = |port: &Port| port.listen().map_err(|error| unavailable("cannot listen for the lab", error));
        let config = self.config(settings)?;
        let secure = Config { tls: Some(identity()?), ..config.clone() };
        let (plain_listener, secure_listener) = (listen(&self.plain)?, listen(&self.secure)?);
        let stop = self.end.child_token();
        let (plain, secure) = (Server::of(&feed, config), Server::of(&feed, secure));
        let figures = plain.figures();
        let servers = [(plain, plain_listener), (secure, secure_listener)];
        let servers = servers.map(|(server, listener)| tokio::spawn(run(server, listener, stop.clone())));
        self.running = Some(Running { stop, servers, figures: figures.clone() });
        self.started_with = Some(*settings);
        Ok(figures)
    }

    /// Returns the feed that the settings require: the current one, or else one whose `seq` continues where that ended.
    async fn feed(&mut self, settings: &TabSettings) -> Result<Feed, Rejection> {
        let change = self.started_with.as_ref().map_or(Change::Feed, |started| started.change(settings));
        let lab_feed = match self.feed.take() {
            Some(lab_feed) if change < Change::Retention => lab_feed,
            before => self.open(settings, before.as_ref(), change).await?,
        };
        let feed = lab_feed.feed.clone();
        self.feed = Some(lab_feed);
        Ok(feed)
    }

    async fn open(
        &self,
        settings: &TabSettings,
        before: Option<&LabFeed>,
        change: Change,
    ) -> Result<LabFeed, Rejection> {
        if let (SourceName::Own, Some(main_feed)) = (settings.source, &self.main_feed) {
            return Ok(LabFeed { feed: main_feed.feed.clone(), snapshot: None });
        }
        let was_main = self.started_with.as_ref().is_some_and(|started| started.source == SourceName::Own);
        let (snapshot, start) = match before {
            // The same feed with another retention, as after a restart.
            Some(lab_feed) if change == Change::Retention && is_reproducible(lab_feed, settings) => {
                (lab_feed.snapshot.clone(), lab_feed.feed.began_at().map(|start_at| (start_at, lab_feed.feed.epoch())))
            }
            // The main feed continues elsewhere; the feed that follows it here is another one, with its own epoch.
            Some(lab_feed) if !was_main => (Some(lab_feed.feed.snapshot()), None),
            _ => (None, None),
        };
        let (start_at, epoch) = start.unzip();
        let config = Config { start_at, epoch, ..self.config(settings)? };
        let feed = match snapshot.clone() {
            Some(snapshot) => Feed::open_after(&config, snapshot).await,
            None => Feed::open(&config).await,
        };
        let feed = feed.map_err(|error| unavailable("cannot start the feed", error))?;
        Ok(LabFeed { feed, snapshot })
    }

    fn config(&self, settings: &TabSettings) -> Result<Config, Rejection> {
        let is_main = settings.source == SourceName::Own;
        let mut config = settings.server_settings();
        config.source = source(settings)?;
        config.allow_publish = is_main && self.main_feed.as_ref().is_some_and(|main_feed| main_feed.allow_publish);
        config.max_connections = self.place.max_connections();
        let (allow_origins, allow_hosts) = (vec![self.origin.clone()], self.place.allow_hosts.clone());
        Ok(Config { allow_origins, allow_hosts, drain: DRAIN, ..config.into() })
    }
}

/// Returns the certificate of this process, which is created when a lab first needs it. All labs share it, so that you
/// accept it only once in the browser.
fn identity() -> Result<Identity, Rejection> {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    if let Some(identity) = IDENTITY.get() {
        return Ok(identity.clone());
    }
    let made = self_signed().map_err(|error| unavailable("no certificate for the lab", error))?;
    Ok(IDENTITY.get_or_init(|| made).clone())
}

/// Whether all updates since the start of the feed can be generated again, in a short time.
fn is_reproducible(lab_feed: &LabFeed, settings: &TabSettings) -> bool {
    let began_at = lab_feed.feed.began_at().unwrap_or(0);
    let seconds = Duration::from_micros(clock::unix_us().saturating_sub(began_at)).as_secs_f64();
    settings.source != SourceName::Host && seconds * settings.updates_per_s <= MAX_REGENERATED_UPDATES as f64
}

async fn run(server: Server, listener: TcpListener, stop: CancellationToken) {
    if let Err(error) = server.run(listener, stop).await {
        tracing::warn!("the server of a lab has failed: {error}");
    }
}
