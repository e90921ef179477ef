//! The part of the lab that is behind a lock: the settings, the open connections, and the active faults. Nothing here
//! blocks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::link::LinkFault;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::channel::{Ending, OrderChannel, Orders, Ramp};
use crate::fault::Fault;
use crate::rng::Rng;
use crate::settings::LinkSettings;
use crate::stats::FaultStatus;

#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: LinkSettings,
    rng: Rng,
    pub(super) channels: BTreeMap<u64, Arc<OrderChannel>>,
    /// The active faults that have a duration, in the order in which they were injected; at most one of each kind.
    active: Vec<ActiveFault>,
    /// The repeating faults, at most one of each kind.
    series: BTreeMap<LinkFault, Series>,
    /// How often each kind of fault has been injected.
    pub(super) injected: BTreeMap<&'static str, u64>,
}

/// A repeating fault. It ends when this is dropped.
#[derive(Debug)]
struct Series {
    every: Duration,
    _end: DropGuard,
}

/// An active fault that has a duration.
#[derive(Clone, Copy, Debug)]
struct ActiveFault {
    kind: LinkFault,
    share: f64,
    from: Instant,
    until: Instant,
}

/// What a new connection gets from the lab.
#[derive(Debug)]
pub(crate) struct NewConnection {
    /// Identifies the connection.
    pub(crate) number: u64,
    /// When it was accepted.
    pub(crate) accepted: Instant,
    /// The channel for its orders.
    pub(crate) channel: Arc<OrderChannel>,
    /// Its own random numbers, so that they do not depend on the order in which the connections run.
    pub(crate) rng: Rng,
    /// The fault that responds to its request, if it is not to be forwarded.
    pub(crate) response: Option<LinkFault>,
}

/// The effect of an injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The number of open connections that it hit.
    pub hit: usize,
    /// The number of open connections.
    pub open: usize,
}

impl State {
    pub(super) fn new(settings: LinkSettings, seed: u64) -> Self {
        Self {
            settings,
            rng: Rng::new(seed),
            channels: BTreeMap::new(),
            active: Vec::new(),
            series: BTreeMap::new(),
            injected: LinkFault::ALL.into_iter().map(|kind| (kind.name(), 0)).collect(),
        }
    }

    /// Changes the settings, also for open connections.
    pub(super) fn change(&mut self, settings: LinkSettings) {
        self.settings = settings;
        for channel in self.channels.values() {
            channel.change(|orders| orders.settings = settings);
        }
    }

    /// Ends all faults, and closes all connections gracefully.
    pub(super) fn close_all(&mut self) {
        self.heal();
        for channel in self.channels.values() {
            channel.change(|orders| orders.ending = Some(Ending::Cut));
        }
    }

    /// Registers a new connection, which active faults may hit.
    pub(super) fn register(&mut self, number: u64) -> NewConnection {
        let now = clock::now();
        self.active.retain(|fault| fault.until > now);
        let (settings, draw) = (self.settings, self.rng.draw());
        let mut orders = Orders { settings, black_hole_until: None, ramp: None, ending: None, draw };
        let rng = Rng::new(self.rng.next());
        let mut response = None;
        // The fault that was injected last overrides those before it.
        for fault in &self.active {
            if self.rng.draw() >= fault.share {
                continue;
            }
            match fault.kind {
                LinkFault::Cut => orders.ending = Some(Ending::Cut),
                LinkFault::Reset => orders.ending = Some(Ending::Reset),
                LinkFault::BlackHole => orders.black_hole_until = Some(fault.until),
                LinkFault::Ramp => orders.ramp = Some(Ramp { from: fault.from, until: fault.until }),
                LinkFault::Refuse => {}
                LinkFault::Status503 | LinkFault::Status204 | LinkFault::WrongType => response = Some(fault.kind),
            }
        }
        let channel = Arc::new(OrderChannel::new(orders));
        self.channels.insert(number, channel.clone());
        NewConnection { number, accepted: now, channel, rng, response }
    }

    /// Injects a fault that lasts until `until`, and returns how many open connections it hit.
    pub(super) fn inject(&mut self, fault: &Fault, until: Instant) -> Hit {
        *self.injected.entry(fault.kind.name()).or_default() += 1;
        let now = clock::now();
        if !fault.length.is_zero() {
            self.active.retain(|active| active.kind != fault.kind);
            self.active.push(ActiveFault { kind: fault.kind, share: fault.share, from: now, until });
        }
        let open = self.channels.len();
        let chosen = if fault.kind.hits_open() { self.choose(fault.share) } else { Vec::new() };
        for channel in &chosen {
            channel.change(|orders| apply(orders, fault.kind, (now, until)));
        }
        Hit { hit: chosen.len(), open }
    }

    /// Registers a repeating fault, which replaces one of the same kind. The token is cancelled when the new one ends.
    pub(super) fn start_series(&mut self, kind: LinkFault, every: Duration) -> (CancellationToken, Rng) {
        let ended = CancellationToken::new();
        self.series.insert(kind, Series { every, _end: ended.clone().drop_guard() });
        (ended, Rng::new(self.rng.next()))
    }

    /// Chooses this share of the open connections, rounded; at least one, if there is one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a count of connections"
    )]
    fn choose(&mut self, share: f64) -> Vec<Arc<OrderChannel>> {
        let open: Vec<_> = self.channels.values().cloned().collect();
        let count = (open.len() as f64 * share).round() as usize;
        self.rng.pick(open, count.max(1))
    }

    /// Ends all active and repeating faults, and returns how many there were.
    pub(super) fn heal(&mut self) -> usize {
        let healed = self.active_faults(clock::now()).len();
        self.active.clear();
        self.series.clear();
        for channel in self.channels.values() {
            channel.change(|orders| (orders.black_hole_until, orders.ramp) = (None, None));
        }
        healed
    }

    /// Returns the active and repeating faults.
    pub(super) fn active_faults(&self, now: Instant) -> Vec<FaultStatus> {
        let one = |kind: LinkFault| {
            let active = self.active.iter().find(|fault| fault.kind == kind && fault.until > now);
            let remaining = active.map(|fault| fault.until.saturating_duration_since(now));
            let every = self.series.get(&kind).map(|series| series.every);
            (remaining.is_some() || every.is_some()).then(|| FaultStatus {
                kind: kind.name(),
                remaining_ms: remaining.map(whole_ms),
                every_ms: every.map(whole_ms),
            })
        };
        LinkFault::ALL.into_iter().filter_map(one).collect()
    }
}

fn apply(orders: &mut Orders, kind: LinkFault, (now, until): (Instant, Instant)) {
    match kind {
        LinkFault::Cut => orders.ending = Some(Ending::Cut),
        LinkFault::Reset => orders.ending = Some(Ending::Reset),
        LinkFault::BlackHole => orders.black_hole_until = orders.black_hole_until.max(Some(until)),
        LinkFault::Ramp => orders.ramp = Some(Ramp { from: now, until }),
        LinkFault::Refuse | LinkFault::Status503 | LinkFault::Status204 | LinkFault::WrongType => {}
    }
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
