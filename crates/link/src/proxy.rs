//! The proxy for a program in the same process: the proxy that runs, and the handle that controls it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::fault::Fault;
use crate::lab::{Hit, Lab};
use crate::settings::LinkSettings;
use crate::stats::Stats;
use crate::timers::Timers;
use crate::{Config, ProxyError, accept, control};

/// How long connections may take to close when the proxy shuts down.
const DRAIN: Duration = Duration::from_millis(500);

/// A proxy that is ready to run.
#[derive(Debug)]
pub struct Proxy {
    listener: TcpListener,
    control: Option<TcpListener>,
    /// The most connections at a time.
    max_connections: usize,
    lab: Arc<Lab>,
}

impl Proxy {
    /// Creates a proxy that forwards connections of this machine to `upstream`.
    ///
    /// # Errors
    /// When the listener is not on loopback, a setting is out of range, or the system provides no timer.
    pub fn new(listener: TcpListener, upstream: SocketAddr, config: Config) -> Result<Self, ProxyError> {
        is_loopback(&listener)?;
        Self::open_to_others(listener, upstream, config, usize::MAX)
    }

    /// Creates a proxy like [`new`](Self::new), with a listener on any address and at most this many
    /// connections at a time; it closes those beyond. Anyone who reaches the listener reaches `upstream`, so `upstream` has
    /// to decide by itself whom it answers. The control API is still on loopback only.
    ///
    /// # Errors
    /// When a setting is out of range, or the system provides no timer.
    pub fn open_to_others(
        listener: TcpListener,
        upstream: SocketAddr,
        config: Config,
        max_connections: usize,
    ) -> Result<Self, ProxyError> {
        config.settings.check().map_err(ProxyError::Settings)?;
        let timers = Timers::start().map_err(ProxyError::Timers)?;
        let lab = Arc::new(Lab::new(upstream, config.settings, config.seed, timers));
        Ok(Self { listener, control: None, max_connections, lab })
    }

    /// Adds the control API: the proxy takes orders over HTTP on this listener.
    ///
    /// # Errors
    /// When the listener is not on loopback.
    pub fn with_control(self, control: TcpListener) -> Result<Self, ProxyError> {
        is_loopback(&control)?;
        Ok(Self { control: Some(control), ..self })
    }

    /// Returns a handle that controls this proxy.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(self.lab.clone())
    }

    /// Forwards connections until `shutdown` is cancelled, then closes them gracefully; connections that are still open
    /// after half a second are dropped.
    ///
    /// # Errors
    /// When the port cannot be reopened after a `refuse` fault.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ProxyError> {
        let Self { listener, control, max_connections, lab } = self;
        let (tasks, abort) = (TaskTracker::new(), CancellationToken::new());
        // All tasks end with this function, even if its future is dropped.
        let _guard = abort.clone().drop_guard();
        if let Some(control) = control {
            tokio::spawn(control::serve(control, lab.clone(), abort.clone()));
        }
        let result = accept::accept((listener, max_connections), lab.clone(), &tasks, &shutdown, &abort).await;
        lab.close_all();
        tasks.close();
        let _ = tokio::time::timeout(DRAIN, tasks.wait()).await;
        abort.cancel();
        tasks.wait().await;
        result.map_err(ProxyError::Listen)
    }
}

fn is_loopback(listener: &TcpListener) -> Result<(), ProxyError> {
    let address = listener.local_addr().map_err(ProxyError::Listen)?;
    if address.ip().is_loopback() { Ok(()) } else { Err(ProxyError::NotLoopback(address)) }
}

/// Controls a proxy: the control API, without HTTP.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Lab>);

impl Handle {
    /// Returns the current settings.
    #[must_use]
    pub fn settings(&self) -> LinkSettings {
        self.0.settings()
    }

    /// Changes the settings, also for open connections.
    ///
    /// # Errors
    /// When a setting is out of range; the message names it. Nothing is changed then.
    pub fn set(&self, settings: LinkSettings) -> Result<(), String> {
        self.0.update(|_| settings.check().map(|()| settings)).map(drop)
    }

    /// Injects a fault, and returns how many of the open connections it hit. A fault with `every` repeats until
    /// [`heal`] or until the proxy ends.
    ///
    /// # Errors
    /// When a field is out of range; the message names it. No fault is injected then.
    ///
    /// [`heal`]: Self::heal
    pub async fn inject(&self, fault: Fault) -> Result<Hit, String> {
        fault.check()?;
        Ok(self.0.inject(&fault).await)
    }

    /// Ends all active and repeating faults, and returns how many there were.
    pub async fn heal(&self) -> usize {
        self.0.heal().await
    }

    /// Returns a snapshot of the statistics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }
}
