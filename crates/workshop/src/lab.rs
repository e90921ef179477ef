//! A lab for each browser tab: a server, and a lab proxy in front of each endpoint.
//!
//! A page requests a lab and gets separate addresses for it. Therefore each of its panels is a separate origin to the
//! browser, faults hit only what they are meant to hit, and the page's own requests are not counted. `routes` is the
//! API and its access control, `settings` is what a tab can set. A `tab` has `links` (its lab proxies) to a `server`,
//! which stops and restarts on `port`s that stay the same.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::Router;
use feedlab_feed::access::Origin;
use feedlab_feed::clock;
use feedlab_server::{Feed, Rejection};
use futures_util::future::join_all;

mod links;
mod place;
mod port;
mod quota;
mod routes;
mod server;
mod settings;
mod source;
mod tab;

pub use place::Shared;

use place::Place;
use quota::Quota;
use settings::TabSettings;
use tab::Tab;

use crate::limits::{LAB_IDLE_TIMEOUT, MAX_LABS, MAX_LABS_PER_MACHINE};

/// The ports of a lab: a link for each endpoint and one for all, and the server's two.
pub(crate) const PORTS: usize = feedlab_feed::Transport::ALL.len() + 1 + 2;

/// How many times per idle timeout the labs are checked.
const CHECKS: u32 = 12;

/// The feed that this process also serves outside the labs. Tabs may share it.
#[derive(Clone, Debug)]
pub struct MainFeed {
    /// The feed.
    pub feed: Feed,
    /// Whether its endpoints accept updates from clients.
    pub allow_publish: bool,
}

/// All labs of a server. They end when this and its routes are dropped.
#[derive(Clone, Debug)]
pub struct Labs(Arc<LabRegistry>);

/// The open labs, by their ids.
#[derive(Debug)]
pub(crate) struct LabRegistry {
    config: Config,
    quota: Mutex<Quota>,
    sessions: Mutex<BTreeMap<String, LabSession>>,
}

/// What is the same for all labs.
#[derive(Clone, Debug)]
struct Config {
    /// Why labs are unavailable; `None` if they are available.
    why_not: Option<&'static str>,
    main_feed: Option<MainFeed>,
    /// How long a lab stays open without a request.
    idle_timeout: Duration,
    /// How other machines may use labs; `None` if they may not.
    shared: Option<Shared>,
}

/// An open lab.
#[derive(Debug)]
struct LabSession {
    tab: Arc<Tab>,
    /// The machine that opened it.
    owner: IpAddr,
    /// When the last request for it arrived.
    last_used: Instant,
}

impl Labs {
    /// Creates labs whose tabs share this feed until they choose another. Without it they start with a synthetic one.
    #[must_use]
    pub fn new(main_feed: Option<MainFeed>) -> Self {
        Self::of(Config { why_not: None, main_feed, idle_timeout: LAB_IDLE_TIMEOUT, shared: None })
    }

    /// Creates labs that are unavailable, with the sentence that tells the page why.
    #[must_use]
    pub fn unavailable(why: &'static str) -> Self {
        Self::of(Config { why_not: Some(why), ..Self::new(None).0.config.clone() })
    }

    /// Sets how long a lab stays open without a request, instead of the default.
    #[must_use]
    pub fn with_idle_timeout(self, idle_timeout: Duration) -> Self {
        Self::of(Config { idle_timeout, ..self.0.config.clone() })
    }

    /// Opens the labs to other machines, within these bounds.
    #[must_use]
    pub fn shared(self, shared: Shared) -> Self {
        Self::of(Config { shared: Some(shared), ..self.0.config.clone() })
    }

    fn of(config: Config) -> Self {
        Self(Arc::new(LabRegistry { config, quota: Mutex::default(), sessions: Mutex::default() }))
    }

    /// Ends all labs gracefully: their streams get a close message and are closed.
    pub async fn end(&self) {
        let sessions = std::mem::take(&mut *self.0.sessions());
        for session in sessions.values() {
            session.tab.end();
        }
        join_all(sessions.values().map(|session| session.tab.ended())).await;
    }

    /// Returns the API below `/lab`. Each request must carry its peer's address as
    /// `axum::extract::ConnectInfo<SocketAddr>`.
    pub fn routes(&self) -> Router {
        routes::router(self.0.clone())
    }
}

impl LabRegistry {
    /// Returns the settings of a new tab.
    fn defaults(&self) -> TabSettings {
        TabSettings::of(self.config.main_feed.is_some())
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<String, LabSession>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a lab for a page of this origin on this machine.
    async fn open(
        self: &Arc<Self>,
        settings: TabSettings,
        page: (Origin, Place),
        owner: IpAddr,
    ) -> Result<Arc<Tab>, Rejection> {
        self.check_room(owner, &self.sessions())?;
        if self.config.shared.is_some() {
            self.quota.lock().unwrap_or_else(PoisonError::into_inner).take(owner)?;
        }
        let tab = Arc::new(Tab::open(settings, page, self.config.main_feed.clone()).await?);
        let session = LabSession { tab: tab.clone(), owner, last_used: clock::now() };
        let is_first = {
            let mut sessions = self.sessions();
            self.check_room(owner, &sessions)?;
            sessions.insert(tab.id().to_owned(), session);
            sessions.len() == 1
        };
        if is_first {
            tokio::spawn(expire(Arc::downgrade(self), self.config.idle_timeout));
        }
        Ok(tab)
    }

    /// The most labs at a time.
    fn most(&self) -> usize {
        self.config.shared.as_ref().map_or(MAX_LABS, |shared| shared.most.min(MAX_LABS))
    }

    /// How many more labs can be opened.
    fn free(&self) -> usize {
        self.most().saturating_sub(self.sessions().len())
    }

    fn check_room(&self, owner: IpAddr, sessions: &BTreeMap<String, LabSession>) -> Result<(), Rejection> {
        let most = self.most();
        if sessions.len() >= most {
            let why = format!("all {most} labs are in use; close some tabs and reload this one");
            return Err(Rejection::unavailable(why));
        }
        let own = sessions.values().filter(|session| session.owner == owner).count();
        if !owner.is_loopback() && own >= MAX_LABS_PER_MACHINE {
            let why =
                format!("this machine has {own} labs, and no machine gets more; close some tabs and reload this one");
            return Err(Rejection::unavailable(why));
        }
        Ok(())
    }

    /// Returns the lab with this id, and records that it was used.
    fn find(&self, id: &str) -> Result<Arc<Tab>, Rejection> {
        let mut sessions = self.sessions();
        let session = sessions.get_mut(id).ok_or_else(ended)?;
        session.last_used = clock::now();
        Ok(session.tab.clone())
    }

    /// Ends the lab with this id.
    fn close(&self, id: &str) -> Result<(), Rejection> {
        let session = self.sessions().remove(id).ok_or_else(ended)?;
        session.tab.end();
        Ok(())
    }
}

fn ended() -> Rejection {
    Rejection::not_found("this lab has ended; reload the page")
}

/// The rejection when a resource of the system is not available.
fn unavailable(what: &str, error: impl Display) -> Rejection {
    Rejection::unavailable(format!("{what}: {error}; see `ulimit -n`, and try again"))
}

impl Drop for LabRegistry {
    fn drop(&mut self) {
        for session in self.sessions().values() {
            session.tab.end();
        }
    }
}

/// Ends labs that have had no request for the idle timeout, until no lab is left.
async fn expire(registry: Weak<LabRegistry>, idle_timeout: Duration) {
    loop {
        tokio::time::sleep(idle_timeout / CHECKS).await;
        let Some(registry) = registry.upgrade() else { return };
        let mut sessions = registry.sessions();
        sessions.retain(|_, session| {
            let is_used = session.last_used.elapsed() < idle_timeout;
            if !is_used {
                session.tab.end();
            }
            is_used
        });
        if sessions.is_empty() {
            return;
        }
    }
}
