//! A lab for each browser tab: a server, and a lab proxy before each endpoint.
//!
//! A page asks for one and is given addresses of its own, so that each of its panels is an origin to the browser, faults
//! hit what they are meant to hit, and the page's own questions are in no figure. `routes` is the API and who may
//! use it, `settings` what a tab can set; a `tab` has `ways` (its proxies) to a `station` (its server, which comes and
//! goes on `port`s that stay).

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::Router;
use feedlab_feed::access::Origin;
use feedlab_feed::clock;
use feedlab_server::{Feed, Rejection};
use futures_util::future::join_all;

mod port;
mod routes;
mod settings;
mod source;
mod station;
mod tab;
mod ways;

use settings::TabSettings;
use tab::Tab;

use crate::limits::{LAB_PATIENCE, MAX_LABS};

/// How often the patience is looked at, as a part of it.
const LOOKS: u32 = 12;

/// The feed that is served beside the labs, which tabs may share.
#[derive(Clone, Debug)]
pub struct Own {
    /// The feed.
    pub feed: Feed,
    /// Its endpoints take updates from clients.
    pub allow_publish: bool,
}

/// All labs of a page. They end when this and its routes are dropped.
#[derive(Clone, Debug)]
pub struct Labs(Arc<House>);

#[derive(Debug)]
pub(crate) struct House {
    /// Why there are none.
    why_not: Option<&'static str>,
    own: Option<Own>,
    patience: Duration,
    tabs: Mutex<BTreeMap<String, Guest>>,
}

#[derive(Debug)]
struct Guest {
    tab: Arc<Tab>,
    asked: Instant,
}

impl Labs {
    /// Labs whose tabs share this feed until they choose another; without it they begin with a synthetic one.
    #[must_use]
    pub fn new(own: Option<Own>) -> Self {
        Self(Arc::new(House { why_not: None, own, patience: LAB_PATIENCE, tabs: Mutex::default() }))
    }

    /// None, and the sentence that tells the page why.
    #[must_use]
    pub fn unavailable(why: &'static str) -> Self {
        Self(Arc::new(House { why_not: Some(why), own: None, patience: LAB_PATIENCE, tabs: Mutex::default() }))
    }

    /// The same with another patience than by default.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        let House { why_not, own, .. } = &*self.0;
        Self(Arc::new(House { why_not: *why_not, own: own.clone(), patience, tabs: Mutex::default() }))
    }

    /// Ends all labs gracefully: streams are told, and closed.
    pub async fn end(&self) {
        let guests = std::mem::take(&mut *self.0.tabs());
        for guest in guests.values() {
            guest.tab.end();
        }
        join_all(guests.values().map(|guest| guest.tab.ended())).await;
    }

    /// The API below `/lab`. Each request must bring its peer's address, as `axum::extract::ConnectInfo<SocketAddr>`.
    pub fn routes(&self) -> Router {
        routes::router(self.0.clone())
    }
}

impl House {
    /// What a new tab begins with.
    fn defaults(&self) -> TabSettings {
        TabSettings::of(self.own.is_some())
    }

    fn tabs(&self) -> MutexGuard<'_, BTreeMap<String, Guest>> {
        self.tabs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new lab, for the page of an origin.
    async fn open(self: &Arc<Self>, settings: TabSettings, origin: Origin) -> Result<Arc<Tab>, Rejection> {
        self.check_room()?;
        let tab = Arc::new(Tab::open(settings, origin, self.own.clone()).await?);
        self.check_room()?;
        let guest = Guest { tab: tab.clone(), asked: clock::now() };
        let is_first = {
            let mut tabs = self.tabs();
            tabs.insert(tab.id().to_owned(), guest);
            tabs.len() == 1
        };
        if is_first {
            tokio::spawn(expire(Arc::downgrade(self), self.patience));
        }
        Ok(tab)
    }

    fn check_room(&self) -> Result<(), Rejection> {
        let open = self.tabs().len();
        let why = || format!("{MAX_LABS} labs are open, and that is the most; close some tabs and reload this one");
        if open < MAX_LABS { Ok(()) } else { Err(Rejection::unavailable(why())) }
    }

    /// The lab of this name, which has been asked for.
    fn find(&self, id: &str) -> Result<Arc<Tab>, Rejection> {
        let mut tabs = self.tabs();
        let guest = tabs.get_mut(id).ok_or_else(ended)?;
        guest.asked = clock::now();
        Ok(guest.tab.clone())
    }

    /// Ends a lab.
    fn close(&self, id: &str) -> Result<(), Rejection> {
        let guest = self.tabs().remove(id).ok_or_else(ended)?;
        guest.tab.end();
        Ok(())
    }
}

fn ended() -> Rejection {
    Rejection::not_found("this lab has ended; reload the page")
}

/// The system did not give what was needed.
fn unable(what: &str, error: impl Display) -> Rejection {
    Rejection::unavailable(format!("{what}: {error}; see `ulimit -n`, and try again"))
}

impl Drop for House {
    fn drop(&mut self) {
        for guest in self.tabs().values() {
            guest.tab.end();
        }
    }
}

/// Ends the labs that nobody asks for any more, until there is none.
async fn expire(house: Weak<House>, patience: Duration) {
    loop {
        tokio::time::sleep(patience / LOOKS).await;
        let Some(house) = house.upgrade() else { return };
        let mut tabs = house.tabs();
        tabs.retain(|_, guest| {
            let stays = guest.asked.elapsed() < patience;
            if !stays {
                guest.tab.end();
            }
            stays
        });
        if tabs.is_empty() {
            return;
        }
    }
}
