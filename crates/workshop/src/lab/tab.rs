//! One tab's lab: its settings, its server and the links to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use feedlab_feed::access::Origin;
use feedlab_feed::link::LinkFault;
use feedlab_feed::stats::Stats;
use feedlab_link::Fault;
use feedlab_server::{Figures, Rejection};
use serde::Serialize;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::links::{LabLinks, SHARED};
use super::place::Place;
use super::server::LabServer;
use super::settings::{Change, SourceName, TabSettings};
use super::{MainFeed, unavailable};

/// A lab. It ends when it is dropped or when [`Tab::end`] is called.
#[derive(Debug)]
pub(super) struct Tab {
    id: String,
    /// Whether there is a main feed.
    has_main_feed: bool,
    /// The origin with TLS.
    secure: String,
    place: Place,
    settings: Mutex<TabSettings>,
    pub(super) links: LabLinks,
    server: tokio::sync::Mutex<LabServer>,
    /// The figures of the running server; `None` while none runs.
    figures: Mutex<Option<Figures>>,
    restarting: AtomicBool,
    end: CancellationToken,
    _end: DropGuard,
}

/// What a page gets when it opens a lab.
#[derive(Debug, Serialize)]
pub(super) struct LabInfo<'a> {
    id: &'a str,
    /// The origin of each endpoint.
    endpoints: BTreeMap<&'static str, String>,
    /// The origin that all endpoints share.
    shared: String,
    secure: &'a str,
    settings: TabSettings,
}

/// The state of a lab, which its page polls.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    settings: TabSettings,
    /// The server's figures; null while it restarts.
    stats: Option<Stats>,
    /// The figures of the link to each endpoint.
    #[serde(rename = "way")]
    links: BTreeMap<&'static str, feedlab_link::Stats>,
    restarting: bool,
}

impl Tab {
    /// Opens its ports and starts its server.
    pub(super) async fn open(
        settings: TabSettings,
        (origin, place): (Origin, Place),
        main_feed: Option<MainFeed>,
    ) -> Result<Self, Rejection> {
        let has_main_feed = main_feed.is_some();
        place.check(&settings)?;
        check_source(&settings, &TabSettings::of(has_main_feed), has_main_feed)?;
        let end = CancellationToken::new();
        let guard = end.clone().drop_guard();
        let mut server = LabServer::new((origin, place.clone()), main_feed, end.clone())?;
        let figures = server.start(&settings).await?;
        let links = LabLinks::open(server.plain(), &place, settings.link(), &end)?;
        Ok(Self {
            id: format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>()),
            has_main_feed,
            secure: place.origin("https", server.secure()),
            place,
            settings: Mutex::new(settings),
            links,
            server: tokio::sync::Mutex::new(server),
            figures: Mutex::new(Some(figures)),
            restarting: AtomicBool::new(false),
            end,
            _end: guard,
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn info(&self) -> LabInfo<'_> {
        let mut endpoints = self.links.origins(&self.place);
        let shared = endpoints.remove(SHARED).unwrap_or_default();
        LabInfo { id: &self.id, endpoints, shared, secure: &self.secure, settings: self.settings() }
    }

    pub(super) async fn status(&self) -> Status {
        let figures = lock(&self.figures).clone();
        let stats = match figures {
            Some(figures) => figures.stats().await,
            None => None,
        };
        Status { settings: self.settings(), stats, links: self.links.stats(), restarting: self.restarting.load(SeqCst) }
    }

    pub(super) fn settings(&self) -> TabSettings {
        *lock(&self.settings)
    }

    /// Shuts the server and the links down.
    pub(super) fn end(&self) {
        self.end.cancel();
    }

    /// Waits until the server has shut down.
    pub(super) async fn ended(&self) {
        self.server.lock().await.stop().await;
    }

    /// Changes the settings that a body names, and returns whether the server had to be restarted.
    pub(super) async fn change(self: &Arc<Self>, body: &[u8]) -> Result<bool, Rejection> {
        let change = self.apply(body)?;
        // If there is no server, because of a lack of descriptors for example, every change tries again to start it.
        let restarts = change != Change::Nothing || lock(&self.figures).is_none();
        // A restart in progress applies the settings when it is done.
        if restarts && !self.restarting.load(SeqCst) {
            let tab = self.clone();
            // In a separate task: a client that disconnects must not leave the tab without a server.
            let restart = tokio::spawn(async move { tab.reconcile().await });
            restart.await.map_err(|error| unavailable("the server did not restart", error))??;
        }
        Ok(restarts)
    }

    /// Changes the settings that a body names, and returns what else the change requires.
    fn apply(&self, body: &[u8]) -> Result<Change, Rejection> {
        let mut settings = lock(&self.settings);
        let wanted = settings.patched(body, TabSettings::of(self.has_main_feed))?;
        check_source(&wanted, &settings, self.has_main_feed)?;
        self.place.check(&wanted)?;
        self.links.set(wanted.link())?;
        let change = settings.change(&wanted);
        *settings = wanted;
        Ok(change)
    }

    /// Restarts the server until it fits the settings.
    async fn reconcile(&self) -> Result<(), Rejection> {
        let mut server = self.server.lock().await;
        while !server.fits(&self.settings()) {
            server.end_feed_for(&self.settings());
            self.stop(&mut server).await;
            self.start(&mut server).await?;
        }
        Ok(())
    }

    /// Stops the server for `down` and starts it again, with the same feed and its history.
    pub(super) fn restart(self: &Arc<Self>, down: Duration) -> Result<(), Rejection> {
        if self.restarting.swap(true, SeqCst) {
            return Err(Rejection::conflict("the server is already restarting; wait until `restarting` is false"));
        }
        let tab = self.clone();
        tokio::spawn(async move {
            let restarted = tab.stop_for(down).await;
            tab.restarting.store(false, SeqCst);
            let reconciled = tab.reconcile().await;
            if let Err(error) = restarted.and(reconciled) {
                tracing::warn!("the server of a lab did not restart: {error:?}");
            }
        });
        Ok(())
    }

    async fn stop_for(&self, down: Duration) -> Result<(), Rejection> {
        let mut server = self.server.lock().await;
        self.stop(&mut server).await;
        tokio::select! {
            () = tokio::time::sleep(down) => self.start(&mut server).await,
            () = self.end.cancelled() => Ok(()),
        }
    }

    async fn stop(&self, server: &mut LabServer) {
        *lock(&self.figures) = None;
        if server.stop().await > 0 {
            // A client that does not read gets no close message, and would keep its connection to a stopped server.
            let _ = self.links.inject("all", Fault::now(LinkFault::Cut)).await;
        }
    }

    async fn start(&self, server: &mut LabServer) -> Result<(), Rejection> {
        let figures = server.start(&self.settings()).await?;
        *lock(&self.figures) = Some(figures);
        Ok(())
    }
}

/// Checks that a tab does not change the main feed, which all tabs use.
fn check_source(wanted: &TabSettings, before: &TabSettings, has_main_feed: bool) -> Result<(), Rejection> {
    if wanted.source != SourceName::Own {
        return Ok(());
    }
    if !has_main_feed {
        return Err(Rejection::conflict("there is no main feed here: choose a `source` other than own"));
    }
    if before.source == SourceName::Own && before.change(wanted) >= Change::Retention {
        return Err(Rejection::conflict(
            "this feed is the one that feedlab was started with, and other tabs share it: choose another `source`, \
             for example {\"source\": \"synthetic\"}, or start feedlab with other flags",
        ));
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
