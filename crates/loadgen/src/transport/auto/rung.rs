//! One rung of the ladder and its health: the rung's events are passed on once, and each is taken as a sign of life.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use feedlab_experiment::record::Failure;
use feedlab_feed::wire::sse::Event;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Epoch, Gap, Reset, Transport, clock};
use tokio::sync::Notify;
use tokio::time::sleep_until;

use crate::observer::{ClientError, Observer, Opened};

/// How many connections in a row may break without having brought anything, before the rung counts as broken: the path
/// may cut off each one.
const MAX_BREAKS: u32 = 3;

/// The state that all rungs of a client share.
pub(super) struct Shared<'a> {
    /// The client's cursor, whichever rung moved it.
    pub(super) cursor: Option<Cursor>,
    pub(super) observer: &'a mut dyn Observer,
}

/// The health of a rung.
#[derive(Debug)]
pub(super) struct Health {
    transport: Transport,
    /// How long the rung may be silent; forever if `None`.
    patience: Option<Duration>,
    /// When the silence will have lasted too long.
    deadline: Cell<Option<Instant>>,
    breaks: Cell<u32>,
    /// Whether the rung has brought something that only a working rung brings.
    works: Cell<bool>,
    /// Whether the rung is refused and can never work.
    is_refused: Cell<bool>,
    /// Whether the client relies on this rung, which is then not just being retried.
    is_in_use: Cell<bool>,
    changed: Notify,
}

impl Health {
    pub(super) fn new(transport: Transport, patience: Option<Duration>) -> Self {
        let health = Self {
            transport,
            patience,
            deadline: Cell::new(None),
            breaks: Cell::new(0),
            works: Cell::new(false),
            is_refused: Cell::new(false),
            is_in_use: Cell::new(false),
            changed: Notify::new(),
        };
        health.wait_from(clock::now());
        health
    }

    pub(super) const fn transport(&self) -> Transport {
        self.transport
    }

    /// Makes this the rung that the client relies on.
    pub(super) fn put_in_use(&self) {
        self.is_in_use.set(true);
    }

    /// Waits until the rung is broken.
    pub(super) async fn broken(&self) {
        loop {
            let deadline = self.deadline.get();
            if self.is_refused.get() || deadline.is_some_and(|deadline| deadline <= clock::now()) {
                return;
            }
            tokio::select! {
                () = reached(deadline) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Waits until the rung has shown that it works.
    pub(super) async fn proven(&self) {
        while !self.works.get() {
            self.changed.notified().await;
        }
    }

    fn wait_from(&self, moment: Instant) {
        self.deadline.set(self.patience.map(|patience| moment + patience));
    }

    /// Records that something arrived.
    fn alive(&self) {
        self.wait_from(clock::now());
        self.breaks.set(0);
        if !self.works.replace(true) {
            self.changed.notify_waiters();
        }
    }

    /// Records a response head. The head of an event stream may pass through a proxy that holds back everything after
    /// it.
    fn opened(&self) {
        match self.transport {
            Transport::WebSocket => self.alive(),
            _ => self.wait_from(clock::now()),
        }
    }

    /// Records a loss. Nothing can arrive before the next try, so the silence counts from there. A server that is down
    /// says so at once, and is down for every rung.
    fn lost(&self, wait: Duration) {
        self.wait_from(clock::now() + wait);
    }

    fn failed(&self, failure: Failure) {
        let is_refused = match failure {
            Failure::Status | Failure::GaveUp => true,
            Failure::Disconnected | Failure::Closed | Failure::Malformed => {
                self.breaks.set(self.breaks.get() + 1);
                self.breaks.get() >= MAX_BREAKS
            }
            Failure::Connect | Failure::Gap | Failure::Reset => false,
        };
        if is_refused && self.patience.is_some() {
            self.is_refused.set(true);
            self.changed.notify_waiters();
        }
    }
}

async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// The observer of a rung's client.
pub(super) struct RungObserver<'a, 'b> {
    shared: &'a RefCell<Shared<'b>>,
    /// The epoch of what this rung brings: that of the cursor it started with, until it brings another.
    epoch: Option<Epoch>,
    health: Rc<Health>,
}

impl<'a, 'b> RungObserver<'a, 'b> {
    pub(super) const fn new(shared: &'a RefCell<Shared<'b>>, health: Rc<Health>, after: Option<Cursor>) -> Self {
        let epoch = match after {
            Some(cursor) => cursor.epoch,
            None => None,
        };
        Self { shared, health, epoch }
    }

    /// Whether something at this position of the feed concerns the client. If the rung has moved to another epoch
    /// without a reset, because it sends no cursor, the client follows. If another rung has moved, whatever this one
    /// still brings of the epoch before (held back by a proxy, perhaps) is obsolete.
    fn concerns(&mut self, place: Cursor) -> bool {
        let moved = std::mem::replace(&mut self.epoch, place.epoch) != place.epoch;
        let mut shared = self.shared.borrow_mut();
        match shared.cursor {
            Some(cursor) if cursor.epoch.is_some_and(|epoch| Some(epoch) != place.epoch) => {
                if moved {
                    shared.cursor = Some(place);
                }
                moved
            }
            _ => true,
        }
    }

    /// Passes something to the client's observer only if the client relies on this rung.
    fn tell(&self, tell: impl FnOnce(&mut dyn Observer)) {
        if self.health.is_in_use.get() {
            tell(self.shared.borrow_mut().observer);
        }
    }
}

impl Observer for RungObserver<'_, '_> {
    fn opened(&mut self, opened: Opened) {
        self.health.opened();
        self.shared.borrow_mut().observer.opened(opened);
    }

    fn update(&mut self, stamp: Stamp, raw: RawUpdate<'_>, received_at_us: u64) {
        self.health.alive();
        let place = Cursor { epoch: stamp.epoch, seq: stamp.seq };
        if !self.concerns(place.at(stamp.seq.saturating_sub(1))) {
            return;
        }
        let mut shared = self.shared.borrow_mut();
        if shared.cursor.is_none_or(|cursor| cursor.seq < stamp.seq) {
            shared.cursor = Some(place);
            shared.observer.update(stamp, raw, received_at_us);
        }
    }

    /// A gap that ends beyond the position at which the feed continues covers updates that never existed: the client
    /// goes back.
    fn gap(&mut self, gap: Gap, resume: Cursor) {
        self.health.alive();
        if !self.concerns(resume.at(gap.from.saturating_sub(1))) {
            return;
        }
        let mut shared = self.shared.borrow_mut();
        let is_known = shared.cursor.is_some_and(|cursor| gap.to <= cursor.seq && gap.to <= resume.seq);
        if !is_known {
            shared.cursor = Some(resume);
            shared.observer.gap(gap, resume);
        }
    }

    /// The reset is passed on once, by the rung that receives it first.
    fn reset(&mut self, reset: Reset) {
        self.health.alive();
        self.epoch = reset.resume.epoch;
        let mut shared = self.shared.borrow_mut();
        if shared.cursor.is_none_or(|cursor| cursor.epoch != self.epoch) {
            shared.cursor = Some(reset.resume);
            shared.observer.reset(reset);
        }
    }

    fn event(&mut self, event: &Event) {
        self.tell(|observer| observer.event(event));
    }

    /// An event stream that is refused gives up permanently; the ladder's client continues.
    fn failure(&mut self, error: &ClientError) {
        self.health.failed(error.failure);
        let failure = if error.failure == Failure::GaveUp { Failure::Status } else { error.failure };
        self.tell(|observer| observer.failure(&ClientError { failure, ..error.clone() }));
    }

    fn lost(&mut self, wait: Duration) {
        self.health.lost(wait);
        self.tell(|observer| observer.lost(wait));
    }

    fn reconnect(&mut self) {
        self.tell(|observer| observer.reconnect());
    }

    fn left(&mut self) {
        self.tell(|observer| observer.left());
    }

    fn served(&mut self, since_us: u64) {
        self.shared.borrow_mut().observer.served(since_us);
    }

    fn alive(&mut self) {
        self.health.alive();
        self.tell(|observer| observer.alive());
    }

    fn placed(&mut self, cursor: Cursor) {
        if self.concerns(cursor) {
            let mut shared = self.shared.borrow_mut();
            shared.cursor.get_or_insert(cursor);
            shared.observer.placed(cursor);
        }
    }

    fn acknowledged(&mut self, due_us: u64, received_at_us: u64) {
        self.shared.borrow_mut().observer.acknowledged(due_us, received_at_us);
    }

    fn skipped(&mut self, polls: u64) {
        self.tell(|observer| observer.skipped(polls));
    }

    fn has_enough(&self) -> bool {
        self.shared.borrow().observer.has_enough()
    }
}
