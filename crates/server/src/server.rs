//! A server: one address with the endpoints of a feed, its counters, its start and its shutdown.

use std::sync::Arc;

use axum::Router;
use feedlab_feed::stats::Stats;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::acceptor::Acceptor;
use crate::access::Access;
use crate::app::App;
use crate::config::Config;
use crate::feed::Feed;
use crate::limits::{MAX_CONTROL, MAX_STALLED};
use crate::{ServerError, inspect, routes, tls};

/// The sockets that a server listens on.
#[derive(Debug)]
pub struct Listeners {
    /// The endpoints, the live page and everything else.
    pub endpoints: TcpListener,
    /// Only `/stats`, `/metrics`, `/healthz` and `/control/start`, always over plain HTTP. Requests here are not
    /// counted.
    pub control: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(endpoints: TcpListener) -> Self {
        Self { endpoints, control: None }
    }
}

/// A server that is ready to run.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    feed: Feed,
    /// Whether this server opened the feed, which then ends with it.
    owns_feed: bool,
    more: Router,
}

impl Server {
    /// Creates a server with its own feed, which starts now.
    ///
    /// # Errors
    /// When the feed's source cannot be opened, or the publisher cannot be started.
    pub async fn new(config: Config) -> Result<Self, ServerError> {
        let feed = Feed::open(&config).await?;
        Ok(Self { owns_feed: true, ..Self::of(&feed, config) })
    }

    /// Creates a server for an existing feed, with its own endpoints, access rules and counters.
    #[must_use]
    pub fn of(feed: &Feed, config: Config) -> Self {
        Self { app: Arc::new(App::new(feed, config)), feed: feed.clone(), owns_feed: false, more: Router::new() }
    }

    /// Adds routes, behind the same token; only programs and this server's own pages may send them state-changing
    /// requests, and the bodies of these are complete. A handler finds the peer's address in
    /// `axum::extract::ConnectInfo<SocketAddr>`, and the kind of client in [`Asked`](feedlab_feed::access::Asked), an
    /// extension of the request.
    ///
    /// # Panics
    /// When the server already has one of the paths, or the routes have a fallback.
    #[must_use]
    pub fn routes(self, more: Router) -> Self {
        Self { more: self.more.merge(more), ..self }
    }

    /// The feed that this server serves.
    #[must_use]
    pub fn feed(&self) -> Feed {
        self.feed.clone()
    }

    /// A handle to read its figures while it runs.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures(self.app.clone())
    }

    /// Serves until `shutdown` is canceled, then drains: polls are answered, streams get a close message and end, and
    /// after [`Config::drain`] the remaining connections are dropped.
    ///
    /// # Errors
    /// When the certificate cannot be used, or no descriptor is left.
    pub async fn run(self, listeners: impl Into<Listeners>, shutdown: CancellationToken) -> Result<(), ServerError> {
        let Listeners { endpoints, control } = listeners.into();
        let Self { app, feed, owns_feed, more } = self;
        let mut background = JoinSet::new();
        background.spawn(end_with(feed.clone(), shutdown.clone()));
        let tasks = TaskTracker::new();
        let access = Access::new(&app.config, app.config.tls.is_some());
        let acceptor = Arc::new(Acceptor {
            max_connections: app.config.settings.max_connections,
            send_buffer: app.config.settings.send_buffer,
            patience: app.config.settings.keepalive.saturating_mul(MAX_STALLED.into()),
            tls: app.config.tls.as_ref().map(tls::Identity::acceptor).transpose()?,
            meters: app.meters.clone(),
            router: routes::router(app.clone(), &access, more),
            fanout: Some(app.fanout.clone()),
            tasks: tasks.clone(),
            runtime: Handle::current(),
            shutdown,
        });
        app.fanout.run((&app, &access, &acceptor), &mut background).map_err(ServerError::Fanout)?;
        if let Some(control) = control {
            let uncounted = Acceptor {
                max_connections: MAX_CONTROL,
                tls: None,
                meters: Arc::default(),
                router: routes::control(app.clone(), &Access::new(&app.config, false)),
                fanout: None,
                ..Acceptor::clone(&acceptor)
            };
            background.spawn(Arc::new(uncounted).accept(control));
        }
        acceptor.accept(endpoints).await;
        if owns_feed {
            feed.stop();
        }
        app.closing.cancel();
        app.fanout.close();
        tasks.close();
        if tokio::time::timeout(app.config.drain, tasks.wait()).await.is_err() && owns_feed {
            tracing::warn!(open = app.meters.open.get(), "connections left after the drain");
        }
        background.shutdown().await;
        feed.failure().map_or(Ok(()), Err)
    }
}

/// Shuts the server down if its feed fails.
async fn end_with(feed: Feed, shutdown: CancellationToken) {
    feed.failed().await;
    shutdown.cancel();
}

/// The figures of a server in this process.
#[derive(Clone, Debug)]
pub struct Figures(Arc<App>);

impl Figures {
    /// Returns what `GET /stats` would return, without being counted; `None` while the process ends.
    pub async fn stats(&self) -> Option<Stats> {
        inspect::collect(self.0.clone(), None).await.ok()
    }
}
