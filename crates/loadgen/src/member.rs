//! The clients of the fleet as their observers: what they tell is audited, then recorded by the worker that they live on.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use feedlab_experiment::record::Failure;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, Transport, clock};

use crate::audit::{Audit, Finding};
use crate::observer::{Observer, Opened, Trouble};
use crate::outage::Outage;
use crate::recorder::{Arrival, Recorder};
use crate::transport::upstream::due_us;

/// How far the fleet is with connecting. Touched when a client opens for the first time, never by an update.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    open: AtomicU32,
    lost: AtomicU32,
}

impl Roll {
    /// Clients that have been open.
    pub(crate) fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// Clients that have been open, and those that never will be.
    pub(crate) fn decided(&self) -> u32 {
        self.open() + self.lost.load(Ordering::Relaxed)
    }
}

/// The observer of a client that is counted.
#[derive(Debug)]
pub(crate) struct Member {
    audit: Audit,
    outage: Outage,
    recorder: Rc<RefCell<Recorder>>,
    roll: Arc<Roll>,
    was_open: bool,
    /// The feed is published by clients, who write into each update when it was due.
    is_published: bool,
}

impl Member {
    pub(crate) fn new(recorder: Rc<RefCell<Recorder>>, roll: Arc<Roll>, is_published: bool) -> Self {
        let (audit, outage) = (Audit::default(), Outage::default());
        Self { audit, outage, recorder, roll, was_open: false, is_published }
    }
}

impl Observer for Member {
    /// Connected the client was before it asked: a poll may have been held since.
    fn opened(&mut self, opened: Opened) {
        self.recorder.borrow_mut().opened(opened);
        self.outage.back(clock::unix_us().saturating_sub(opened.request_us));
        if !std::mem::replace(&mut self.was_open, true) {
            self.roll.open.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn update(&mut self, stamp: Stamp, raw: RawUpdate<'_>, received_at_us: u64) {
        let since_us = if self.is_published { due_us(raw).unwrap_or(stamp.at) } else { stamp.at };
        let mut recorder = self.recorder.borrow_mut();
        if let Some(lost_us) = self.outage.end(received_at_us) {
            recorder.recovered(lost_us, received_at_us);
        }
        let (finding, replayed) = (self.audit.see(stamp.seq), self.outage.covers(stamp.at));
        recorder.update(Arrival { finding, stamp, since_us, received_at_us, replayed });
    }

    fn gap(&mut self, gap: Gap, _resume: Cursor) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.failed(Failure::Gap);
        recorder.told_lost(self.audit.unseen(gap), self.audit.ahead(gap), clock::unix_us());
    }

    fn failure(&mut self, trouble: &Trouble) {
        self.recorder.borrow_mut().failed(trouble.failure);
    }

    /// Who never was open has nothing to lose.
    fn lost(&mut self, _wait: Duration) {
        if self.was_open {
            self.outage.lost(clock::unix_us());
        }
    }

    fn reconnect(&mut self) {
        self.recorder.borrow_mut().reconnected(clock::unix_us());
    }

    fn fell(&mut self, _to: Transport) {
        self.recorder.borrow_mut().fell();
    }

    fn climbed(&mut self) {
        self.recorder.borrow_mut().climbed();
    }

    fn acknowledged(&mut self, due_us: u64, received_at_us: u64) {
        self.recorder.borrow_mut().acknowledged(due_us, received_at_us);
    }

    fn skipped(&mut self, polls: u64) {
        self.recorder.borrow_mut().skipped(polls, clock::unix_us());
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.was_open {
            self.roll.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The observer of a client that reads too slowly on purpose. What it gets is in no figure of the others; it is only held
/// against the order that it must have.
#[derive(Debug)]
pub(crate) struct SlowReader {
    audit: Audit,
    recorder: Rc<RefCell<Recorder>>,
}

impl SlowReader {
    pub(crate) fn new(recorder: Rc<RefCell<Recorder>>) -> Self {
        Self { audit: Audit::default(), recorder }
    }
}

impl Observer for SlowReader {
    fn opened(&mut self, _opened: Opened) {}

    fn update(&mut self, stamp: Stamp, _raw: RawUpdate<'_>, _received_at_us: u64) {
        if matches!(self.audit.see(stamp.seq), Finding::Reordered | Finding::Duplicate) {
            self.recorder.borrow_mut().slow_disordered();
        }
    }

    fn gap(&mut self, _gap: Gap, _resume: Cursor) {}

    fn failure(&mut self, trouble: &Trouble) {
        if matches!(trouble.failure, Failure::Closed | Failure::Disconnected) {
            self.recorder.borrow_mut().slow_disconnected();
        }
    }

    fn reconnect(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_of_ends_and_of_what_is_out_of_order_and_of_nothing_else() {
        let recorder = Rc::new(RefCell::new(Recorder::new()));
        let mut reader = SlowReader::new(recorder.clone());
        for seq in [1, 2, 7, 3, 7, 8] {
            reader.update(Stamp { seq, at: 1 }, RawUpdate::Json(b""), 2);
        }
        reader.gap(Gap { from: 9, to: 10 }, Cursor(10));
        for failure in [Failure::Closed, Failure::Disconnected, Failure::Connect, Failure::Malformed] {
            reader.failure(&Trouble::new(failure, "x"));
        }
        let recorder = recorder.borrow();
        let found = recorder.found();
        assert_eq!((found.slow_disordered, found.slow_disconnected, found.received), (2, 2, 0));
        assert!(found.failures.is_empty());
    }
}
