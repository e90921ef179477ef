//! The lab: what all connections share, and where faults are ordered; the accept loop, each connection, the control API and
//! the [`Handle`](crate::Handle) have it. Its `state` is what changes.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::link::LinkFault;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::alarm::Alarms;
use crate::fault::Fault;
use crate::rng::Rng;
use crate::settings::LinkSettings;
use crate::stats::{Counters, Stats};

mod state;

pub use state::Hit;
use state::State;
pub(crate) use state::Welcome;

/// How long an order may wait until the port is really closed or open.
const PORT_TURNS: Duration = Duration::from_secs(2);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) upstream: SocketAddr,
    pub(crate) alarms: Alarms,
    pub(crate) counters: Counters,
    /// When new connections are no longer refused; the accept loop follows it.
    pub(crate) refuse_until: watch::Sender<Option<Instant>>,
    /// Whether the accept loop listens.
    pub(crate) listening: watch::Sender<bool>,
    state: Mutex<State>,
}

impl Lab {
    pub(crate) fn new(upstream: SocketAddr, settings: LinkSettings, seed: u64, alarms: Alarms) -> Self {
        Self {
            upstream,
            alarms,
            counters: Counters::default(),
            refuse_until: watch::Sender::new(None),
            listening: watch::Sender::new(true),
            state: Mutex::new(State::new(settings, seed)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a new connection.
    pub(crate) fn welcome(&self) -> Welcome {
        let number = self.counters.accepted.fetch_add(1, Relaxed);
        self.state().welcome(number)
    }

    /// A connection is over: no fault can hit it any more.
    pub(crate) fn farewell(&self, number: u64) {
        self.state().lines.remove(&number);
    }

    /// The settings.
    pub(crate) fn settings(&self) -> LinkSettings {
        self.state().settings
    }

    /// Changes the settings, for the connections that are open too, and tells what they are now.
    ///
    /// # Errors
    /// Those of the change; then nothing is changed.
    pub(crate) fn update<E>(
        &self,
        change: impl FnOnce(LinkSettings) -> Result<LinkSettings, E>,
    ) -> Result<LinkSettings, E> {
        let mut state = self.state();
        let settings = change(state.settings)?;
        state.change(settings);
        Ok(settings)
    }

    /// Lets a fault happen, and again and again if it has `every`, until all is healed or a new one of its kind is ordered
    /// so.
    pub(crate) async fn order(self: &Arc<Self>, fault: &Fault) -> Hit {
        let hit = self.strike(fault).await;
        if let Some(every) = fault.every {
            let (ended, rng) = self.state().begin_series(fault.kind, every);
            tokio::spawn(repeat(Arc::downgrade(self), *fault, every, rng, ended));
        }
        hit
    }

    /// Lets a fault happen, once.
    async fn strike(&self, fault: &Fault) -> Hit {
        let until = clock::now() + fault.length;
        let hit = self.state().order(fault, until);
        if fault.kind == LinkFault::Refuse {
            self.refuse_until.send_replace(Some(until));
            self.port_is(false).await;
        }
        hit
    }

    /// Ends every fault that is in course or would come again, and tells how many these were.
    pub(crate) async fn heal(&self) -> usize {
        let healed = self.state().heal();
        self.refuse_until.send_replace(None);
        self.port_is(true).await;
        healed
    }

    /// Ends every connection gracefully.
    pub(crate) fn end_all(&self) {
        self.state().end_all();
    }

    /// Waits until the port is closed or open; the accept loop may be gone.
    async fn port_is(&self, open: bool) {
        let mut listening = self.listening.subscribe();
        let _ = tokio::time::timeout(PORT_TURNS, listening.wait_for(|is| *is == open)).await;
    }

    /// What has been done so far.
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
            faults: state.happened.clone(),
            in_course: state.in_course(clock::now()),
        }
    }
}

/// Lets a fault come again and again. Holds no lab while it waits: the last to let go of the lab ends the series with it.
async fn repeat(lab: Weak<Lab>, fault: Fault, every: Duration, mut rng: Rng, ended: CancellationToken) {
    loop {
        let pause = if fault.at_random { rng.wait(every) } else { every };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = ended.cancelled() => return,
        }
        let Some(lab) = lab.upgrade() else { return };
        lab.strike(&fault).await;
    }
}
