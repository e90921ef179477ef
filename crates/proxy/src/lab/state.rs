//! What the lab keeps under one lock: the settings, the open connections, and the faults in course. It waits for nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::link::LinkFault;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::fault::Fault;
use crate::line::{Ending, Line, Orders};
use crate::rng::Rng;
use crate::settings::LinkSettings;
use crate::stats::InCourse;

#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: LinkSettings,
    rng: Rng,
    pub(super) lines: BTreeMap<u64, Arc<Line>>,
    /// Faults that last, the last ordered last; at most one of each kind.
    courses: Vec<Course>,
    /// Faults that come again, at most one of each kind.
    series: BTreeMap<LinkFault, Series>,
    /// How often each fault has happened.
    pub(super) happened: BTreeMap<&'static str, u64>,
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
    kind: LinkFault,
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
    pub(crate) answer: Option<LinkFault>,
}

/// What an order did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Open connections that it hit.
    pub hit: usize,
    /// Connections that were open.
    pub open: usize,
}

impl State {
    pub(super) fn new(settings: LinkSettings, seed: u64) -> Self {
        Self {
            settings,
            rng: Rng::new(seed),
            lines: BTreeMap::new(),
            courses: Vec::new(),
            series: BTreeMap::new(),
            happened: LinkFault::ALL.into_iter().map(|kind| (kind.name(), 0)).collect(),
        }
    }

    /// Other settings, for the connections that are open too.
    pub(super) fn change(&mut self, settings: LinkSettings) {
        self.settings = settings;
        for line in self.lines.values() {
            line.change(|orders| orders.settings = settings);
        }
    }

    /// Ends every fault, and every connection gracefully.
    pub(super) fn end_all(&mut self) {
        self.heal();
        for line in self.lines.values() {
            line.change(|orders| orders.ending = Some(Ending::Cut));
        }
    }

    pub(super) fn welcome(&mut self, number: u64) -> Welcome {
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
                LinkFault::Cut => orders.ending = Some(Ending::Cut),
                LinkFault::Reset => orders.ending = Some(Ending::Reset),
                LinkFault::BlackHole => orders.hole_until = Some(course.until),
                LinkFault::Refuse => {}
                LinkFault::Status503 | LinkFault::Status204 | LinkFault::WrongType => answer = Some(course.kind),
            }
        }
        let line = Arc::new(Line::new(orders));
        self.lines.insert(number, line.clone());
        Welcome { number, accepted: now, line, rng, answer }
    }

    pub(super) fn order(&mut self, fault: &Fault, until: Instant) -> Hit {
        *self.happened.entry(fault.kind.name()).or_default() += 1;
        if !fault.length.is_zero() {
            self.courses.retain(|course| course.kind != fault.kind);
            self.courses.push(Course { kind: fault.kind, share: fault.share, until });
        }
        let open = self.lines.len();
        let chosen = if fault.kind.hits_open() { self.choose(fault.share) } else { Vec::new() };
        for line in &chosen {
            line.change(|orders| apply(orders, fault.kind, until));
        }
        Hit { hit: chosen.len(), open }
    }

    /// Registers a fault that comes again; one of its kind that did so before ends. The token tells its end.
    pub(super) fn begin_series(&mut self, kind: LinkFault, every: Duration) -> (CancellationToken, Rng) {
        let ended = CancellationToken::new();
        self.series.insert(kind, Series { every, _end: ended.clone().drop_guard() });
        (ended, Rng::new(self.rng.next()))
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

    pub(super) fn heal(&mut self) -> usize {
        let healed = self.in_course(clock::now()).len();
        self.courses.clear();
        self.series.clear();
        for line in self.lines.values() {
            line.change(|orders| orders.hole_until = None);
        }
        healed
    }

    pub(super) fn in_course(&self, now: Instant) -> Vec<InCourse> {
        let one = |kind: LinkFault| {
            let course = self.courses.iter().find(|course| course.kind == kind && course.until > now);
            let remaining = course.map(|course| course.until.saturating_duration_since(now));
            let every = self.series.get(&kind).map(|series| series.every);
            (remaining.is_some() || every.is_some()).then(|| InCourse {
                kind: kind.name(),
                remaining_ms: remaining.map(whole_ms),
                every_ms: every.map(whole_ms),
            })
        };
        LinkFault::ALL.into_iter().filter_map(one).collect()
    }
}

fn apply(orders: &mut Orders, kind: LinkFault, until: Instant) {
    match kind {
        LinkFault::Cut => orders.ending = Some(Ending::Cut),
        LinkFault::Reset => orders.ending = Some(Ending::Reset),
        LinkFault::BlackHole => orders.hole_until = orders.hole_until.max(Some(until)),
        LinkFault::Refuse | LinkFault::Status503 | LinkFault::Status204 | LinkFault::WrongType => {}
    }
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
