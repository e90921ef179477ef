//! One rung of the ladder, watched: what its client tells is handed on once, and read for signs of life.

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

/// How often a connection may break without having brought anything: a way that cuts each one off breaks the rung.
const MAX_BREAKS: u32 = 3;

/// What all rungs of a client have in common.
pub(super) struct Shared<'a> {
    /// What the client has, whichever rung brought it.
    pub(super) cursor: Option<Cursor>,
    pub(super) observer: &'a mut dyn Observer,
}

/// What a rung has shown of itself.
#[derive(Debug)]
pub(super) struct Health {
    transport: Transport,
    /// How long it may be silent; for ever, if `None`.
    patience: Option<Duration>,
    /// When the silence will have been too long.
    deadline: Cell<Option<Instant>>,
    breaks: Cell<u32>,
    /// It has brought something that only a rung in order brings.
    works: Cell<bool>,
    /// It can never work: the way refused it.
    is_refused: Cell<bool>,
    /// It is the one that the client relies on, and not one that is tried.
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

    /// From now on the client relies on it.
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

    /// Something came.
    fn alive(&self) {
        self.wait_from(clock::now());
        self.breaks.set(0);
        if !self.works.replace(true) {
            self.changed.notify_waiters();
        }
    }

    /// A head came. That of an event stream may come through where nothing after it does.
    fn opened(&self) {
        match self.transport {
            Transport::WebSocket => self.alive(),
            _ => self.wait_from(clock::now()),
        }
    }

    /// Nothing can come before the next try: the silence counts from there. A server that is down says so at once, and
    /// is down for every rung.
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
    /// The epoch of what it brings: that of the cursor which it began with, until it brings another.
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

    /// Whether what the rung brings at this place concerns the client. Where the rung has moved to another epoch, and was
    /// not told so because it brings no cursor, the client goes along. Where another rung has moved, what this one still
    /// brings of the epoch before (held back by a proxy, perhaps) is over.
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

    /// Tells the client's observer what concerns the client only if it relies on this rung.
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

    /// A gap that ends beyond the place where the feed goes on is of what was never reached: the client goes back.
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

    /// The client is told once, by the rung that learns of it first.
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

    /// An event stream that is refused closes permanently, and its client goes on.
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
