//! The server of a tab, which comes and goes at addresses that stay.

use std::net::SocketAddr;
use std::time::Duration;

use feedlab_feed::clock;
use feedlab_server::{Config, Feed, Figures, Server};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Own;
use super::identity::identity;
use super::port::Port;
use super::refusal::Refusal;
use super::settings::{Change, Settings, SourceName};
use super::source::source;

/// The kernel's send buffer where clients read slowly, bytes (the kernel doubles it): a larger one would take minutes of
/// updates before anybody saw that they are slow.
const SLOW_SEND_BUFFER: usize = 4 << 10;

/// Connections that a tab may have at each address.
const MAX_CONNECTIONS: usize = 512;

/// How long a server may take to end.
const DRAIN: Duration = Duration::from_millis(500);

/// A feed that would have to make more updates than this again begins anew instead.
const MAX_PAST: f64 = 200_000.0;

/// A tab's server.
#[derive(Debug)]
pub(super) struct Station {
    plain: Port,
    secure: Port,
    /// The page that may read the doors.
    origin: String,
    own: Option<Own>,
    end: CancellationToken,
    feed: Option<Tap>,
    running: Option<Running>,
    /// What the feed and the server were made for.
    made_for: Option<Settings>,
}

/// The feed of the tab.
#[derive(Debug)]
struct Tap {
    feed: Feed,
    /// Updates before its first.
    begin_after: u64,
}

#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    servers: JoinSet<()>,
    figures: Figures,
}

impl Station {
    /// One that does not serve yet.
    pub(super) fn new(origin: String, own: Option<Own>, end: CancellationToken) -> Result<Self, Refusal> {
        let port = || Port::any().map_err(|error| Refusal::unable("the lab has no port", error));
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
    pub(super) fn is_level_with(&self, settings: &Settings) -> bool {
        let same = |made_for: &Settings| made_for.change(settings) == Change::Nothing;
        self.running.is_some() && self.made_for.as_ref().is_some_and(same)
    }

    /// Ends the server, in good order, and tells how many connections were left. The feed goes on.
    pub(super) async fn stop(&mut self) -> u64 {
        let Some(mut running) = self.running.take() else { return 0 };
        running.stop.cancel();
        while running.servers.join_next().await.is_some() {}
        running.figures.stats().await.map_or(0, |stats| stats.connections.open)
    }

    /// Serves as the settings say; on return connections are taken.
    pub(super) async fn start(&mut self, settings: &Settings) -> Result<Figures, Refusal> {
        let feed = self.feed(settings).await?;
        let listen = |port: &Port| port.listen().map_err(|error| Refusal::unable("the lab cannot listen", error));
        let config = self.config(settings)?;
        let secure = Config { tls: Some(identity()?), ..config.clone() };
        let (plain_listener, secure_listener) = (listen(&self.plain)?, listen(&self.secure)?);
        let (stop, mut servers) = (self.end.child_token(), JoinSet::new());
        let server = Server::of(&feed, config);
        let figures = server.figures();
        servers.spawn(run(server, plain_listener, stop.clone()));
        servers.spawn(run(Server::of(&feed, secure), secure_listener, stop.clone()));
        self.running = Some(Running { stop, servers, figures: figures.clone() });
        self.made_for = Some(*settings);
        Ok(figures)
    }

    /// The feed that the settings want: the one that is there, or else one whose `seq` goes on where that ended.
    async fn feed(&mut self, settings: &Settings) -> Result<Feed, Refusal> {
        let change = self.made_for.as_ref().map_or(Change::Feed, |made_for| made_for.change(settings));
        let tap = match self.feed.take() {
            Some(tap) if change < Change::Terms => tap,
            before => self.open(settings, before.as_ref(), change).await?,
        };
        let feed = tap.feed.clone();
        self.feed = Some(tap);
        Ok(feed)
    }

    async fn open(&self, settings: &Settings, before: Option<&Tap>, change: Change) -> Result<Tap, Refusal> {
        if let (SourceName::Own, Some(own)) = (settings.source, &self.own) {
            return Ok(Tap { feed: own.feed.clone(), begin_after: 0 });
        }
        let (begin_after, start_at) = match before {
            // The same feed on other terms has its past, as after a restart.
            Some(tap) if change == Change::Terms && past(tap, settings) <= MAX_PAST => {
                (tap.begin_after, tap.feed.began_at())
            }
            Some(tap) => (tap.feed.head(), None),
            None => (0, None),
        };
        let config = Config { begin_after, start_at, ..self.config(settings)? };
        let feed = Feed::open(&config).await.map_err(|error| Refusal::unable("the feed cannot begin", error))?;
        Ok(Tap { feed, begin_after })
    }

    fn config(&self, settings: &Settings) -> Result<Config, Refusal> {
        let is_own = settings.source == SourceName::Own;
        Ok(Config {
            source: source(settings)?,
            history: settings.history(),
            queue: settings.history().max(1),
            slow: settings.slow(),
            coalesce: Some(Duration::from_millis(settings.coalesce_ms)).filter(|time| !time.is_zero()),
            keepalive: Duration::from_millis(settings.keepalive_ms),
            retry: Duration::from_millis(settings.retry_ms),
            send_buffer: settings.is_slow().then_some(SLOW_SEND_BUFFER),
            allow_publish: is_own && self.own.as_ref().is_some_and(|own| own.allow_publish),
            allow_origins: vec![self.origin.clone()],
            max_connections: MAX_CONNECTIONS,
            drain: DRAIN,
            ..Config::default()
        })
    }
}

/// Updates that the feed would have to make again.
fn past(tap: &Tap, settings: &Settings) -> f64 {
    let began_at = tap.feed.began_at().unwrap_or(0);
    let seconds = Duration::from_micros(clock::unix_us().saturating_sub(began_at)).as_secs_f64();
    seconds * settings.updates_per_s
}

async fn run(server: Server, listener: TcpListener, stop: CancellationToken) {
    if let Err(error) = server.run(listener, stop).await {
        tracing::warn!("the server of a lab has ended: {error}");
    }
}
