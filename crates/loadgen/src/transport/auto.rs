//! The fallback ladder: starts with a push transport, falls back to long polling and then to short polling if the path
//! breaks it, and climbs back.
//!
//! Each rung is the unchanged client of its transport, watched through its observer. A path can break a transport
//! without any error (a proxy that buffers, or one that forgets a connection), so the ladder watches for silence: a
//! healthy server sends something more often than the watchdog allows for. The cursor moves from rung to rung. A rung
//! that is retried runs next to the one that works, until it has shown that it works too; each update is delivered
//! once, whichever rung brings it.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use feedlab_experiment::scenario::{self, Headers};
use feedlab_feed::{Transport, clock};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::{Client, request_headers};
use crate::observer::Observer;

mod rung;

use rung::{Health, RungObserver, Shared};

/// When a client falls to a lower rung, and when it climbs back.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The first rung: SSE or WebSocket.
    pub first: Transport,
    /// How long a rung may be silent, without even a keepalive, before it counts as broken.
    pub watchdog: Duration,
    /// How long a lower rung is used before the first is retried.
    pub climb: Duration,
    /// The hold of the middle rung, which may be silent for that much longer.
    pub hold: Duration,
    /// The interval of the last rung, which is never left for silence.
    pub interval: Duration,
    /// The server's keepalive interval.
    pub keepalive: Duration,
}

/// Runs the ladder until `stop` is cancelled.
pub async fn run(client: Client, options: Options, observer: &mut dyn Observer, stop: &CancellationToken) {
    let shared = RefCell::new(Shared { cursor: client.after, observer });
    Ladder { client, options, stop, shared: &shared }.run().await;
}

struct Ladder<'a> {
    client: Client,
    options: Options,
    stop: &'a CancellationToken,
    shared: &'a RefCell<Shared<'a>>,
}

/// A rung that is open. Dropping it ends its client.
struct Rung<'a> {
    transport: Transport,
    health: Rc<Health>,
    client: Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// Why a rung is left.
enum Step<'a> {
    /// The rung in use is broken.
    Fall,
    /// The first rung works again.
    Climb(Rung<'a>),
    End,
}

impl<'a> Ladder<'a> {
    async fn run(self) {
        let mut rung = self.open_rung(self.options.first);
        loop {
            rung.health.put_in_use();
            match self.stay(&mut rung).await {
                Step::End => return,
                Step::Fall => {
                    rung = self.open_rung(below(rung.transport));
                    let mut shared = self.shared.borrow_mut();
                    shared.observer.lost(Duration::ZERO);
                    shared.observer.fell(rung.transport);
                }
                Step::Climb(first) => {
                    rung = first;
                    self.shared.borrow_mut().observer.climbed();
                }
            }
        }
    }

    /// Stays on a rung until it breaks, or until the first one works again.
    async fn stay(&self, rung: &mut Rung<'a>) -> Step<'a> {
        let is_first = rung.transport == self.options.first;
        let mut higher: Option<Rung<'a>> = None;
        let mut climb_at = clock::now() + self.options.climb;
        loop {
            tokio::select! {
                () = &mut rung.client => return if self.has_enough() { Step::End } else { Step::Fall },
                () = rung.health.broken() => return Step::Fall,
                () = wait_until(climb_at), if !is_first && higher.is_none() => {
                    higher = Some(self.open_rung(self.options.first));
                }
                works = prove(&mut higher) => match higher.take() {
                    Some(first) if works => return Step::Climb(first),
                    _ => climb_at = clock::now() + self.options.climb,
                },
            }
        }
    }

    /// Whether a rung ended because the client was asked to end.
    fn has_enough(&self) -> bool {
        self.stop.is_cancelled() || self.shared.borrow().observer.has_enough()
    }

    fn open_rung(&self, transport: Transport) -> Rung<'a> {
        let health = Rc::new(Health::new(transport, self.patience(transport)));
        let client = Box::pin(run_rung(self.client(transport), self.options, self.shared, health.clone(), self.stop));
        Rung { transport, health, client }
    }

    /// How long a rung may be silent; `None` for the last one, which is never left.
    fn patience(&self, transport: Transport) -> Option<Duration> {
        match transport {
            Transport::ShortPolling => None,
            Transport::LongPolling => Some(self.options.hold + self.options.watchdog),
            _ => Some(self.options.watchdog),
        }
    }

    /// The client of a rung: the same client at another endpoint, with the headers for that one.
    fn client(&self, transport: Transport) -> Client {
        let mut client = self.client.clone();
        client.url.set_path(transport.path());
        client.after = self.shared.borrow().cursor;
        if client.profile != Headers::Bare {
            client.headers = request_headers(client.profile, transport, &client.url.origin().ascii_serialization());
        }
        client
    }
}

async fn run_rung(
    client: Client,
    options: Options,
    shared: &RefCell<Shared<'_>>,
    health: Rc<Health>,
    stop: &CancellationToken,
) {
    let Options { hold, interval, keepalive, .. } = options;
    let rung = scenario::Options::of_rung(health.transport(), hold, interval, keepalive);
    let mut watched = RungObserver::new(shared, health, client.after);
    super::run(client, &rung, &mut watched, stop).await;
}

/// The next lower rung.
const fn below(transport: Transport) -> Transport {
    if transport.is_push() { Transport::LongPolling } else { Transport::ShortPolling }
}

/// Waits until the rung that is being retried has shown whether it works; forever if there is none.
async fn prove(tried: &mut Option<Rung<'_>>) -> bool {
    let Some(rung) = tried else { return std::future::pending().await };
    tokio::select! {
        () = &mut rung.client => false,
        () = rung.health.broken() => false,
        () = rung.health.proven() => true,
    }
}

async fn wait_until(moment: Instant) {
    sleep_until(moment.into()).await;
}

#[cfg(test)]
mod tests;
