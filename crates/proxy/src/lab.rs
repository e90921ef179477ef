//! The lab: what all connections share, and where faults are ordered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::alarm::Alarms;
use crate::fault::{Fault, FaultKind};
use crate::line::{Ending, Line, Orders};
use crate::rng::Rng;
use crate::settings::Settings;
use crate::stats::{Counters, InCourse, Stats};

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

#[derive(Debug)]
struct State {
    settings: Settings,
    rng: Rng,
    lines: BTreeMap<u64, Arc<Line>>,
    /// Faults that last, the last ordered last; at most one of each kind.
    courses: Vec<Course>,
    /// Faults that come again, at most one of each kind.
    series: BTreeMap<FaultKind, Series>,
    happened: BTreeMap<&'static str, u64>,
}

/// A fault that comes again. It ends when this is dropped.
#[derive(Debug)]
struct Series {
    every: Duration,
    _end: DropGuard,
}

/// A fault that lasts.
#[derive(Clone, Copy, Debug)]
struct Course {
    kind: FaultKind,
    share: f64,
    until: Instant,
}

/// How a new connection is received.
#[derive(Debug)]
pub(crate) struct Welcome {
    pub(crate) number: u64,
    /// When.
    pub(crate) accepted: Instant,
    pub(crate) line: Arc<Line>,
    /// Of its own, so that what it draws does not depend on how the connections take turns.
    pub(crate) rng: Rng,
    /// It is answered so, rather than led on.
    pub(crate) answer: Option<FaultKind>,
}

/// What an order did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Open connections that it hit.
    pub hit: usize,
    /// Connections that were open.
    pub open: usize,
}

impl Lab {
    pub(crate) fn new(upstream: SocketAddr, settings: Settings, seed: u64, alarms: Alarms) -> Self {
        let state = State {
            settings,
            rng: Rng::new(seed),
            lines: BTreeMap::new(),
            courses: Vec::new(),
            series: BTreeMap::new(),
            happened: FaultKind::ALL.into_iter().map(|kind| (kind.name(), 0)).collect(),
        };
        Self {
            upstream,
            alarms,
            counters: Counters::default(),
            refuse_until: watch::Sender::new(None),
            listening: watch::Sender::new(true),
            state: Mutex::new(state),
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
    pub(crate) fn settings(&self) -> Settings {
        self.state().settings
    }

    /// Changes the settings, for the connections that are open too, and tells what they are now.
    ///
    /// # Errors
    /// Those of the change; then nothing is changed.
    pub(crate) fn update<E>(&self, change: impl FnOnce(Settings) -> Result<Settings, E>) -> Result<Settings, E> {
        let mut state = self.state();
        let settings = change(state.settings)?;
        state.settings = settings;
        for line in state.lines.values() {
            line.change(|orders| orders.settings = settings);
        }
        Ok(settings)
    }

    /// Lets a fault happen, once.
    pub(crate) async fn order(&self, fault: &Fault) -> Hit {
        let until = clock::now() + fault.length;
        let hit = self.state().order(fault, until);
        if fault.kind == FaultKind::Refuse {
            self.refuse_until.send_replace(Some(until));
            self.port_is(false).await;
        }
        hit
    }

    /// Registers a fault that comes again; one of its kind that did so before ends. The token tells its end.
    pub(crate) fn begin_series(&self, kind: FaultKind, every: Duration) -> (CancellationToken, Rng) {
        let mut state = self.state();
        let ended = CancellationToken::new();
        state.series.insert(kind, Series { every, _end: ended.clone().drop_guard() });
        (ended, Rng::new(state.rng.next()))
    }

    /// Ends every fault that is in course or would come again, and tells how many these were.
    pub(crate) async fn heal(&self) -> usize {
        let healed = self.state().heal();
        self.refuse_until.send_replace(None);
        self.port_is(true).await;
        healed
    }

    /// Ends every connection in good order.
    pub(crate) fn end_all(&self) {
        let mut state = self.state();
        state.heal();
        for line in state.lines.values() {
            line.change(|orders| orders.ending = Some(Ending::Cut));
        }
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
            bytes_up: count.bytes_up.load(Relaxed),
            bytes_down: count.bytes_down.load(Relaxed),
            held_bytes: count.held.load(Relaxed),
            listening: *self.listening.borrow(),
            faults: state.happened.clone(),
            in_course: state.in_course(clock::now()),
        }
    }
}

impl State {
    fn welcome(&mut self, number: u64) -> Welcome {
        let now = clock::now();
        self.courses.retain(|course| course.until > now);
        let mut orders = Orders { settings: self.settings, hole_until: None, ending: None, place: self.rng.draw() };
        let rng = Rng::new(self.rng.next());
        let mut answer = None;
        // The last ordered comes last, and prevails.
        for course in &self.courses {
            if self.rng.draw() >= course.share {
                continue;
            }
            match course.kind {
                FaultKind::Cut => orders.ending = Some(Ending::Cut),
                FaultKind::Reset => orders.ending = Some(Ending::Reset),
                FaultKind::BlackHole => orders.hole_until = Some(course.until),
                FaultKind::Refuse => {}
                FaultKind::Status503 | FaultKind::Status204 | FaultKind::WrongType => answer = Some(course.kind),
            }
        }
        let line = Arc::new(Line::new(orders));
        self.lines.insert(number, line.clone());
        Welcome { number, accepted: now, line, rng, answer }
    }

    fn order(&mut self, fault: &Fault, until: Instant) -> Hit {
        *self.happened.entry(fault.kind.name()).or_default() += 1;
        if !fault.length.is_zero() {
            self.courses.retain(|course| course.kind != fault.kind);
            self.courses.push(Course { kind: fault.kind, share: fault.share, until });
        }
        let open = self.lines.len();
        let chosen = if fault.kind.hits_open() { self.choose(fault.share) } else { Vec::new() };
        for line in &chosen {
            line.change(|orders| strike(orders, fault.kind, until));
        }
        Hit { hit: chosen.len(), open }
    }

    /// This share of the open connections, rounded; at least one, if there is one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a count of connections"
    )]
    fn choose(&mut self, share: f64) -> Vec<Arc<Line>> {
        let open: Vec<_> = self.lines.values().cloned().collect();
        let count = (open.len() as f64 * share).round() as usize;
        self.rng.pick(open, count.max(1))
    }

    fn heal(&mut self) -> usize {
        let healed = self.in_course(clock::now()).len();
        self.courses.clear();
        self.series.clear();
        for line in self.lines.values() {
            line.change(|orders| orders.hole_until = None);
        }
        healed
    }

    fn in_course(&self, now: Instant) -> Vec<InCourse> {
        let one = |kind: FaultKind| {
            let course = self.courses.iter().find(|course| course.kind == kind && course.until > now);
            let remaining = course.map(|course| course.until.saturating_duration_since(now));
            let every = self.series.get(&kind).map(|series| series.every);
            (remaining.is_some() || every.is_some()).then(|| InCourse {
                kind: kind.name(),
                remaining_ms: remaining.map(whole_ms),
                every_ms: every.map(whole_ms),
            })
        };
        FaultKind::ALL.into_iter().filter_map(one).collect()
    }
}

fn strike(orders: &mut Orders, kind: FaultKind, until: Instant) {
    match kind {
        FaultKind::Cut => orders.ending = Some(Ending::Cut),
        FaultKind::Reset => orders.ending = Some(Ending::Reset),
        FaultKind::BlackHole => orders.hole_until = orders.hole_until.max(Some(until)),
        FaultKind::Refuse | FaultKind::Status503 | FaultKind::Status204 | FaultKind::WrongType => {}
    }
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
