//! One tab's lab: its settings, its server and the ways to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use feedlab_feed::access::Origin;
use feedlab_feed::link::LinkFault;
use feedlab_feed::stats::Stats;
use feedlab_proxy::Fault;
use feedlab_server::{Figures, Rejection};
use serde::Serialize;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::settings::{Change, SourceName, TabSettings};
use super::station::Station;
use super::ways::{SHARED, Ways};
use super::{Own, unable};

/// A lab. It ends when it is dropped, or told to.
#[derive(Debug)]
pub(super) struct Tab {
    id: String,
    /// Whether there is a feed beside the labs.
    has_own: bool,
    secure: String,
    settings: Mutex<TabSettings>,
    pub(super) ways: Ways,
    station: tokio::sync::Mutex<Station>,
    /// Of the server that runs.
    figures: Mutex<Option<Figures>>,
    restarting: AtomicBool,
    end: CancellationToken,
    _end: DropGuard,
}

/// What a page is told of its new lab.
#[derive(Debug, Serialize)]
pub(super) struct Place<'a> {
    id: &'a str,
    endpoints: BTreeMap<&'static str, String>,
    shared: String,
    secure: &'a str,
    settings: TabSettings,
}

/// What a page is told of its lab again and again.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    settings: TabSettings,
    /// Absent figures are null: while the server restarts there are none.
    stats: Option<Stats>,
    way: BTreeMap<&'static str, feedlab_proxy::Stats>,
    restarting: bool,
}

impl Tab {
    /// Opens its ports and starts its server.
    pub(super) async fn open(settings: TabSettings, origin: Origin, own: Option<Own>) -> Result<Self, Rejection> {
        let has_own = own.is_some();
        check_source(&settings, &TabSettings::of(has_own), has_own)?;
        let end = CancellationToken::new();
        let guard = end.clone().drop_guard();
        let mut station = Station::new(origin, own, end.clone())?;
        let figures = station.start(&settings).await?;
        let ways = Ways::open(station.plain(), settings.way(), &end)?;
        Ok(Self {
            id: format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>()),
            has_own,
            secure: format!("https://{}", station.secure()),
            settings: Mutex::new(settings),
            ways,
            station: tokio::sync::Mutex::new(station),
            figures: Mutex::new(Some(figures)),
            restarting: AtomicBool::new(false),
            end,
            _end: guard,
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn place(&self) -> Place<'_> {
        let mut endpoints = self.ways.origins();
        let shared = endpoints.remove(SHARED).unwrap_or_default();
        Place { id: &self.id, endpoints, shared, secure: &self.secure, settings: self.settings() }
    }

    pub(super) async fn status(&self) -> Status {
        let figures = lock(&self.figures).clone();
        let stats = match figures {
            Some(figures) => figures.stats().await,
            None => None,
        };
        Status { settings: self.settings(), stats, way: self.ways.stats(), restarting: self.restarting.load(SeqCst) }
    }

    pub(super) fn settings(&self) -> TabSettings {
        *lock(&self.settings)
    }

    /// Ends the server and the ways to it.
    pub(super) fn end(&self) {
        self.end.cancel();
    }

    /// Waits until the server has ended.
    pub(super) async fn ended(&self) {
        self.station.lock().await.stop().await;
    }

    /// Changes the settings that a body names, and tells whether that took another server.
    pub(super) async fn change(self: &Arc<Self>, body: &[u8]) -> Result<bool, Rejection> {
        let takes = self.take(body)?;
        // Without a server, for want of descriptors say, every change is an occasion to try again.
        let restarts = takes != Change::Nothing || lock(&self.figures).is_none();
        // A restart that is under way looks at the settings when it is over.
        if restarts && !self.restarting.load(SeqCst) {
            let tab = self.clone();
            // In a task of its own: a client that hangs up must not leave a tab without a server.
            let level = tokio::spawn(async move { tab.level().await });
            level.await.map_err(|error| unable("the server did not come back", error))??;
        }
        Ok(restarts)
    }

    fn take(&self, body: &[u8]) -> Result<Change, Rejection> {
        let mut settings = lock(&self.settings);
        let wanted = settings.patched(body, TabSettings::of(self.has_own))?;
        check_source(&wanted, &settings, self.has_own)?;
        self.ways.set(wanted.way())?;
        let takes = settings.change(&wanted);
        *settings = wanted;
        Ok(takes)
    }

    /// Makes the server the one that the settings want.
    async fn level(&self) -> Result<(), Rejection> {
        let mut station = self.station.lock().await;
        while !station.is_level_with(&self.settings()) {
            station.end_feed_for(&self.settings());
            self.stop(&mut station).await;
            self.start(&mut station).await?;
        }
        Ok(())
    }

    /// Lets the server go away and come back, with the same feed and its history.
    pub(super) fn restart(self: &Arc<Self>, down: Duration) -> Result<(), Rejection> {
        if self.restarting.swap(true, SeqCst) {
            return Err(Rejection::conflict("the server is on its way back already; wait until `restarting` is false"));
        }
        let tab = self.clone();
        tokio::spawn(async move {
            let back = tab.bounce(down).await;
            tab.restarting.store(false, SeqCst);
            let level = tab.level().await;
            if let Err(error) = back.and(level) {
                tracing::warn!("the server of a lab did not come back: {error:?}");
            }
        });
        Ok(())
    }

    async fn bounce(&self, down: Duration) -> Result<(), Rejection> {
        let mut station = self.station.lock().await;
        self.stop(&mut station).await;
        tokio::select! {
            () = tokio::time::sleep(down) => self.start(&mut station).await,
            () = self.end.cancelled() => Ok(()),
        }
    }

    async fn stop(&self, station: &mut Station) {
        *lock(&self.figures) = None;
        if station.stop().await > 0 {
            // Who does not read cannot be told, and would hold its connection to a server that is gone.
            let _ = self.ways.order("all", Fault::now(LinkFault::Cut)).await;
        }
    }

    async fn start(&self, station: &mut Station) -> Result<(), Rejection> {
        let figures = station.start(&self.settings()).await?;
        *lock(&self.figures) = Some(figures);
        Ok(())
    }
}

/// The feed that is served beside the labs is for all of them, so no tab changes it.
fn check_source(wanted: &TabSettings, before: &TabSettings, has_own: bool) -> Result<(), Rejection> {
    if wanted.source != SourceName::Own {
        return Ok(());
    }
    if !has_own {
        return Err(Rejection::conflict("there is no feed beside the labs here: choose a `source` other than own"));
    }
    if before.source == SourceName::Own && before.change(wanted) >= Change::Retention {
        return Err(Rejection::conflict(
            "the feed is the one that feedlab was started with, and other tabs have it too: choose another `source`, \
             as in {\"source\": \"synthetic\"}, or start feedlab with other flags",
        ));
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
