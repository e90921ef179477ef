//! The proxy as a program in the same process has it: what runs, and the handle that gives it orders.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::alarm::Alarms;
use crate::fault::Fault;
use crate::lab::{Hit, Lab};
use crate::settings::LinkSettings;
use crate::stats::Stats;
use crate::{Config, ProxyError, accept, control};

/// How long connections may take to end when the proxy does.
const DRAIN: Duration = Duration::from_millis(500);

/// A proxy that is ready to run.
#[derive(Debug)]
pub struct Proxy {
    listener: TcpListener,
    control: Option<TcpListener>,
    lab: Arc<Lab>,
}

impl Proxy {
    /// One that will lead connections on to `upstream`.
    ///
    /// # Errors
    /// When the listener is not on loopback, a setting is out of its range, or the system refuses a timer.
    pub fn new(listener: TcpListener, upstream: SocketAddr, config: Config) -> Result<Self, ProxyError> {
        config.settings.check().map_err(ProxyError::Settings)?;
        is_loopback(&listener)?;
        let alarms = Alarms::start().map_err(ProxyError::Alarms)?;
        let lab = Arc::new(Lab::new(upstream, config.settings, config.seed, alarms));
        Ok(Self { listener, control: None, lab })
    }

    /// The same, which takes orders over HTTP too.
    ///
    /// # Errors
    /// When this listener is not on loopback.
    pub fn with_control(self, control: TcpListener) -> Result<Self, ProxyError> {
        is_loopback(&control)?;
        Ok(Self { control: Some(control), ..self })
    }

    /// What gives it orders.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(self.lab.clone())
    }

    /// Leads connections on until `shutdown` is cancelled, then ends them gracefully, those that take longer than half
    /// a second not.
    ///
    /// # Errors
    /// When the port cannot be opened again after it was closed on order.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ProxyError> {
        let Self { listener, control, lab } = self;
        let (tasks, gone) = (TaskTracker::new(), CancellationToken::new());
        // Everything ends with this function, even if it is dropped.
        let _gone = gone.clone().drop_guard();
        if let Some(control) = control {
            tokio::spawn(control::serve(control, lab.clone(), gone.clone()));
        }
        let result = accept::accept(listener, lab.clone(), &tasks, &shutdown, &gone).await;
        lab.end_all();
        tasks.close();
        let _ = tokio::time::timeout(DRAIN, tasks.wait()).await;
        gone.cancel();
        tasks.wait().await;
        result.map_err(ProxyError::Listen)
    }
}

fn is_loopback(listener: &TcpListener) -> Result<(), ProxyError> {
    let address = listener.local_addr().map_err(ProxyError::Listen)?;
    if address.ip().is_loopback() { Ok(()) } else { Err(ProxyError::NotLoopback(address)) }
}

/// Gives a proxy orders: what the control API does, without HTTP.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Lab>);

impl Handle {
    /// The settings.
    #[must_use]
    pub fn settings(&self) -> LinkSettings {
        self.0.settings()
    }

    /// Changes the settings, for the connections that are open too.
    ///
    /// # Errors
    /// When one is out of its range, with its name; then nothing is changed.
    pub fn set(&self, settings: LinkSettings) -> Result<(), String> {
        self.0.update(|_| settings.check().map(|()| settings)).map(drop)
    }

    /// Lets a fault happen, and tells how many of the open connections it hit. One with `every` comes again, until all
    /// is healed or the proxy ends.
    ///
    /// # Errors
    /// When a field is out of its range, with its name; then nothing happens.
    pub async fn order(&self, fault: Fault) -> Result<Hit, String> {
        fault.check()?;
        Ok(self.0.order(&fault).await)
    }

    /// Ends every fault that is in course or would come again, and tells how many these were.
    pub async fn heal(&self) -> usize {
        self.0.heal().await
    }

    /// What the proxy does and has done.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }
}
