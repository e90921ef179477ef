//! What the three HTTP transports share: a client with a connection of its own, whose TCP connects are timed.
//!
//! Each simulated client is a [`reqwest::Client`] of its own: a shared one would share its connections too, and a
//! thousand browsers do not.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use feedlab_experiment::record::Failure;
use feedlab_feed::clock;
use reqwest::header::{CONNECTION, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode, redirect};
use tower::{Layer, Service};

use super::Client;
use crate::observer::{Observer, Trouble};

/// A connect that takes longer has failed.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// An answer that takes longer, beyond any hold that was asked for, will not come. Streams have no end to wait for:
/// of theirs it is the head.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client's connections live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connections {
    /// One for all requests.
    Kept,
    /// One for each request, `Connection: close`.
    Fresh,
    /// One for each stream.
    Streamed,
}

impl Connections {
    pub(super) const fn of(keep_alive: bool) -> Self {
        if keep_alive { Self::Kept } else { Self::Fresh }
    }

    /// A poll that is sent elsewhere measures another server. An event stream follows, as a browser's would: the
    /// standard fetches it, and Fetch (section 4.4) follows twenty times.
    fn redirects(self) -> redirect::Policy {
        match self {
            Self::Kept | Self::Fresh => redirect::Policy::none(),
            Self::Streamed => redirect::Policy::limited(20),
        }
    }
}

/// One client's way to its server.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    connections: Connections,
    dial: Arc<Dial>,
    /// How many connects the observer knows of.
    told: u32,
}

impl Http {
    pub(super) fn new(client: &Client, connections: Connections) -> Result<Self, Trouble> {
        let mut headers = client.headers.clone();
        if connections == Connections::Fresh {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let dial = Arc::new(Dial::new());
        // No idle timeout: it would cost every client a timer task of its own.
        let built = reqwest::Client::builder()
            .default_headers(headers)
            .local_address(client.source)
            .no_proxy()
            .http1_only()
            .tcp_nodelay(true)
            .redirect(connections.redirects())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(None)
            .pool_max_idle_per_host(usize::from(connections == Connections::Kept))
            .connector_layer(TimeConnects(dial.clone()))
            .build()
            .map_err(|error| Trouble::new(Failure::Connect, error))?;
        Ok(Self { client: built, connections, dial, told: 0 })
    }

    pub(super) fn get(&self, url: reqwest::Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// Sends a request and waits up to `patience` for the head of its answer. Tells the observer of a new connection.
    pub(super) async fn send(
        &mut self,
        request: RequestBuilder,
        patience: Duration,
        observer: &mut impl Observer,
    ) -> Result<Response, Trouble> {
        let answer = tokio::time::timeout(patience, request.send()).await;
        let response = answer.map_err(|_| no_answer(patience))?.map_err(|error| trouble(&error))?;
        self.tell_of_connect(observer);
        Ok(response)
    }

    fn tell_of_connect(&mut self, observer: &mut impl Observer) {
        let count = self.dial.count.load(Ordering::Relaxed);
        if count == self.told {
            return;
        }
        if self.told > 0 && self.connections != Connections::Fresh {
            observer.reconnect();
        }
        self.told = count;
        let began = self.dial.began_us.load(Ordering::Relaxed);
        observer.opened(self.dial.took_us.load(Ordering::Relaxed), self.dial.clock_us().saturating_sub(began));
    }
}

pub(super) fn no_answer(patience: Duration) -> Trouble {
    Trouble::new(Failure::Disconnected, format_args!("no whole answer within {} s", patience.as_secs()))
}

/// An answer with a status that does not belong to the door.
pub(super) fn unexpected(status: StatusCode) -> Trouble {
    Trouble::new(Failure::Status, format_args!("the server answered {status}"))
}

/// What reqwest's error is to a client.
pub(super) fn trouble(error: &reqwest::Error) -> Trouble {
    let failure = if error.is_connect() { Failure::Connect } else { Failure::Disconnected };
    Trouble { failure, detail: with_causes(error) }
}

/// An error and what caused it, on one line: reqwest's own words name the request, its cause says what happened.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The client's last TCP connect. Written by the connection's task, read by the client's; both run on one thread, but
/// reqwest asks for types that could be on two.
#[derive(Debug)]
struct Dial {
    epoch: Instant,
    /// Connects so far.
    count: AtomicU32,
    /// When the last one began, µs after `epoch`.
    began_us: AtomicU64,
    /// How long it took, µs.
    took_us: AtomicU64,
}

impl Dial {
    fn new() -> Self {
        Self { epoch: clock::now(), count: AtomicU32::new(0), began_us: AtomicU64::new(0), took_us: AtomicU64::new(0) }
    }

    fn clock_us(&self) -> u64 {
        clock::micros(self.epoch.elapsed())
    }

    fn connected(&self, began_us: u64) {
        self.began_us.store(began_us, Ordering::Relaxed);
        self.took_us.store(self.clock_us().saturating_sub(began_us), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

/// The layer around reqwest's connector.
#[derive(Clone, Debug)]
struct TimeConnects(Arc<Dial>);

impl<S> Layer<S> for TimeConnects {
    type Service = TimedConnects<S>;

    fn layer(&self, connector: S) -> TimedConnects<S> {
        TimedConnects { connector, dial: self.0.clone() }
    }
}

#[derive(Clone, Debug)]
struct TimedConnects<S> {
    connector: S,
    dial: Arc<Dial>,
}

impl<S, Target> Service<Target> for TimedConnects<S>
where
    S: Service<Target>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let connecting = self.connector.call(target);
        let dial = self.dial.clone();
        Box::pin(async move {
            let began_us = dial.clock_us();
            let connection = connecting.await?;
            dial.connected(began_us);
            Ok(connection)
        })
    }
}
