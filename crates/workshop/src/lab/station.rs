//! The server of a tab, which comes and goes at addresses that stay.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use feedlab_feed::access::Origin;
use feedlab_feed::clock;
use feedlab_server::tls::{Identity, self_signed};
use feedlab_server::{Config, Feed, Figures, Rejection, Server, Snapshot};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::port::Port;
use super::settings::{Change, SourceName, TabSettings};
use super::source::source;
use super::{Own, unable};
use crate::limits::{MAX_AGAIN, MAX_LAB_CONNECTIONS};

/// How long a server may take to end.
const DRAIN: Duration = Duration::from_millis(500);

/// A tab's server.
#[derive(Debug)]
pub(super) struct Station {
    plain: Port,
    secure: Port,
    /// The page that may read the endpoints.
    origin: Origin,
    own: Option<Own>,
    end: CancellationToken,
    feed: Option<Tap>,
    running: Option<Running>,
    /// What the feed and the server were made for.
    made_for: Option<TabSettings>,
}

/// The feed of the tab.
#[derive(Debug)]
struct Tap {
    feed: Feed,
    /// What was before it.
    snapshot: Option<Snapshot>,
}

#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    /// They drain even if nobody waits for them.
    servers: [JoinHandle<()>; 2],
    figures: Figures,
}

impl Station {
    /// One that does not serve yet.
    pub(super) fn new(origin: Origin, own: Option<Own>, end: CancellationToken) -> Result<Self, Rejection> {
        let port = || Port::any().map_err(|error| unable("the lab has no port", error));
        let (plain, secure) = (port()?, port()?);
        Ok(Self { plain, secure, origin, own, end, feed: None, running: None, made_for: None })
    }

    /// Where it is served plainly.
    pub(super) const fn plain(&self) -> SocketAddr {
        self.plain.address()
    }

    /// Where it is served over TLS.
    pub(super) const fn secure(&self) -> SocketAddr {
        self.secure.address()
    }

    /// Whether the settings take another server than the one that runs.
    pub(super) fn is_level_with(&self, settings: &TabSettings) -> bool {
        let same = |made_for: &TabSettings| made_for.change(settings) == Change::Nothing;
        self.running.is_some() && self.made_for.as_ref().is_some_and(same)
    }

    /// Ends the feed, if the settings want another: nothing is published that nobody would be told.
    pub(super) fn end_feed_for(&self, settings: &TabSettings) {
        let is_own = |made_for: &TabSettings| made_for.source == SourceName::Own;
        let ends = |made_for: &TabSettings| made_for.change(settings) == Change::Feed && !is_own(made_for);
        if let (Some(tap), true) = (&self.feed, self.made_for.as_ref().is_some_and(ends)) {
            tap.feed.stop();
        }
    }

    /// Ends the server, gracefully, and tells how many connections were left. The feed goes on.
    pub(super) async fn stop(&mut self) -> u64 {
        let Some(Running { stop, servers, figures }) = self.running.take() else { return 0 };
        stop.cancel();
        for server in servers {
            let _ = server.await;
        }
        figures.stats().await.map_or(0, |stats| stats.connections.open)
    }

    /// Serves as the settings say; on return connections are taken.
    pub(super) async fn start(&mut self, settings: &TabSettings) -> Result<Figures, Rejection> {
        let feed = self.feed(settings).await?;
        let listen = |port: &Port| port.listen().map_err(|error| unable("the lab cannot listen", error));
        let config = self.config(settings)?;
        let secure = Config { tls: Some(identity()?), ..config.clone() };
        let (plain_listener, secure_listener) = (listen(&self.plain)?, listen(&self.secure)?);
        let stop = self.end.child_token();
        let (plain, secure) = (Server::of(&feed, config), Server::of(&feed, secure));
        let figures = plain.figures();
        let servers = [(plain, plain_listener), (secure, secure_listener)];
        let servers = servers.map(|(server, listener)| tokio::spawn(run(server, listener, stop.clone())));
        self.running = Some(Running { stop, servers, figures: figures.clone() });
        self.made_for = Some(*settings);
        Ok(figures)
    }

    /// The feed that the settings want: the one that is there, or else one whose `seq` goes on where that ended.
    async fn feed(&mut self, settings: &TabSettings) -> Result<Feed, Rejection> {
        let change = self.made_for.as_ref().map_or(Change::Feed, |made_for| made_for.change(settings));
        let tap = match self.feed.take() {
            Some(tap) if change < Change::Retention => tap,
            before => self.open(settings, before.as_ref(), change).await?,
        };
        let feed = tap.feed.clone();
        self.feed = Some(tap);
        Ok(feed)
    }

    async fn open(&self, settings: &TabSettings, before: Option<&Tap>, change: Change) -> Result<Tap, Rejection> {
        if let (SourceName::Own, Some(own)) = (settings.source, &self.own) {
            return Ok(Tap { feed: own.feed.clone(), snapshot: None });
        }
        let was_own = self.made_for.as_ref().is_some_and(|made_for| made_for.source == SourceName::Own);
        let (snapshot, begin) = match before {
            // The same feed on other retention, as one that comes back from a restart.
            Some(tap) if change == Change::Retention && comes_again(tap, settings) => {
                (tap.snapshot.clone(), tap.feed.began_at().map(|start_at| (start_at, tap.feed.epoch())))
            }
            // That of the whole server goes on elsewhere: after it there is another one, with an epoch of its own.
            Some(tap) if !was_own => (Some(tap.feed.snapshot()), None),
            _ => (None, None),
        };
        let (start_at, epoch) = begin.unzip();
        let config = Config { start_at, epoch, ..self.config(settings)? };
        let feed = match snapshot.clone() {
            Some(snapshot) => Feed::open_after(&config, snapshot).await,
            None => Feed::open(&config).await,
        };
        let feed = feed.map_err(|error| unable("the feed cannot begin", error))?;
        Ok(Tap { feed, snapshot })
    }

    fn config(&self, settings: &TabSettings) -> Result<Config, Rejection> {
        let is_own = settings.source == SourceName::Own;
        let mut told = settings.told();
        told.source = source(settings)?;
        told.allow_publish = is_own && self.own.as_ref().is_some_and(|own| own.allow_publish);
        told.max_connections = MAX_LAB_CONNECTIONS;
        Ok(Config { allow_origins: vec![self.origin.clone()], drain: DRAIN, ..told.into() })
    }
}

/// The certificate of this process, made when a lab needs it first: the same for all labs, so that a browser is told once
/// to take it.
fn identity() -> Result<Identity, Rejection> {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    if let Some(identity) = IDENTITY.get() {
        return Ok(identity.clone());
    }
    let made = self_signed().map_err(|error| unable("the lab has no certificate", error))?;
    Ok(IDENTITY.get_or_init(|| made).clone())
}

/// Whether everything since its start can be made again, and soon.
fn comes_again(tap: &Tap, settings: &TabSettings) -> bool {
    let began_at = tap.feed.began_at().unwrap_or(0);
    let seconds = Duration::from_micros(clock::unix_us().saturating_sub(began_at)).as_secs_f64();
    settings.source != SourceName::Host && seconds * settings.updates_per_s <= MAX_AGAIN as f64
}

async fn run(server: Server, listener: TcpListener, stop: CancellationToken) {
    if let Err(error) = server.run(listener, stop).await {
        tracing::warn!("the server of a lab has ended: {error}");
    }
}
