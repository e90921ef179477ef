//! The lab: the state that all connections share, and where faults are injected. The accept loop, each connection, the
//! control API and the [`Handle`](crate::Handle) hold a reference to it. Its `state` is the part that changes.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::link::LinkFault;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fault::Fault;
use crate::rng::Rng;
use crate::settings::LinkSettings;
use crate::stats::{Counters, Stats};
use crate::timers::Timers;

mod state;

pub use state::Hit;
pub(crate) use state::NewConnection;
use state::State;

/// How long an order waits at most until the port is closed or open.
const PORT_TIMEOUT: Duration = Duration::from_secs(2);

/// The state that all connections share.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) upstream: SocketAddr,
    pub(crate) timers: Timers,
    pub(crate) counters: Counters,
    /// When the proxy stops refusing new connections; the accept loop watches it.
    pub(crate) refuse_until: watch::Sender<Option<Instant>>,
    /// Whether the accept loop is listening.
    pub(crate) listening: watch::Sender<bool>,
    state: Mutex<State>,
}

impl Lab {
    pub(crate) fn new(upstream: SocketAddr, settings: LinkSettings, seed: u64, timers: Timers) -> Self {
        Self {
            upstream,
            timers,
            counters: Counters::default(),
            refuse_until: watch::Sender::new(None),
            listening: watch::Sender::new(true),
            state: Mutex::new(State::new(settings, seed)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a new connection.
    pub(crate) fn register(&self) -> NewConnection {
        let number = self.counters.accepted.fetch_add(1, Relaxed);
        self.state().register(number)
    }

    /// Removes a connection that is over: faults can no longer hit it.
    pub(crate) fn unregister(&self, number: u64) {
        self.state().channels.remove(&number);
    }

    /// Returns the current settings.
    pub(crate) fn settings(&self) -> LinkSettings {
        self.state().settings
    }

    /// Changes the settings, also for open connections, and returns the new ones.
    ///
    /// # Errors
    /// When `change` fails; nothing is changed then.
    pub(crate) fn update<E>(
        &self,
        change: impl FnOnce(LinkSettings) -> Result<LinkSettings, E>,
    ) -> Result<LinkSettings, E> {
        let mut state = self.state();
        let settings = change(state.settings)?;
        state.change(settings);
        Ok(settings)
    }

    /// Injects a fault. One with `every` repeats until all faults are healed or another repeating fault of its kind
    /// replaces it.
    pub(crate) async fn inject(self: &Arc<Self>, fault: &Fault) -> Hit {
        let hit = self.inject_once(fault).await;
        if let Some(every) = fault.every {
            let (ended, rng) = self.state().start_series(fault.kind, every);
            tokio::spawn(repeat(Arc::downgrade(self), *fault, every, rng, ended));
        }
        hit
    }

    /// Injects a fault once.
    async fn inject_once(&self, fault: &Fault) -> Hit {
        let until = clock::now() + fault.length;
        let hit = self.state().inject(fault, until);
        if fault.kind == LinkFault::Refuse {
            self.refuse_until.send_replace(Some(until));
            self.wait_for_port(false).await;
        }
        hit
    }

    /// Ends all active and repeating faults, and returns how many there were.
    pub(crate) async fn heal(&self) -> usize {
        let healed = self.state().heal();
        self.refuse_until.send_replace(None);
        self.wait_for_port(true).await;
        healed
    }

    /// Ends all faults, and closes all connections gracefully.
    pub(crate) fn close_all(&self) {
        self.state().close_all();
    }

    /// Waits until the port is closed or open, with a timeout: the accept loop may have ended.
    async fn wait_for_port(&self, open: bool) {
        let mut listening = self.listening.subscribe();
        let _ = tokio::time::timeout(PORT_TIMEOUT, listening.wait_for(|is| *is == open)).await;
    }

    /// Returns a snapshot of the statistics.
    pub(crate) fn stats(&self) -> Stats {
        let state = self.state();
        let count = &self.counters;
        Stats {
            open: count.open.load(Relaxed),
            accepted: count.accepted.load(Relaxed),
            upstream_failed: count.upstream_failed.load(Relaxed),
            no_descriptor: count.no_descriptor.load(Relaxed),
            bytes_up: count.bytes_up.load(Relaxed),
            bytes_down: count.bytes_down.load(Relaxed),
            held_bytes: count.held.load(Relaxed),
            listening: *self.listening.borrow(),
            faults: state.injected.clone(),
            in_course: state.active_faults(clock::now()),
        }
    }
}

/// Repeats a fault. It holds only a weak reference to the lab while it waits, so that it ends with the lab.
async fn repeat(lab: Weak<Lab>, fault: Fault, every: Duration, mut rng: Rng, ended: CancellationToken) {
    loop {
        let pause = if fault.at_random { rng.wait(every) } else { every };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = ended.cancelled() => return,
        }
        let Some(lab) = lab.upgrade() else { return };
        lab.inject_once(&fault).await;
    }
}
