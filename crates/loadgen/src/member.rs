//! One client of the fleet, as its observer: what it tells is audited, then recorded by the worker that it lives on.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use feedlab_experiment::record::Failure;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, clock};

use crate::audit::Audit;
use crate::observer::{Observer, Opened, Trouble};
use crate::recorder::Recorder;

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

/// One client's observer.
#[derive(Debug)]
pub(crate) struct Member {
    audit: Audit,
    recorder: Rc<RefCell<Recorder>>,
    roll: Arc<Roll>,
    was_open: bool,
}

impl Member {
    pub(crate) fn new(recorder: Rc<RefCell<Recorder>>, roll: Arc<Roll>) -> Self {
        Self { audit: Audit::default(), recorder, roll, was_open: false }
    }
}

impl Observer for Member {
    fn opened(&mut self, opened: Opened) {
        self.recorder.borrow_mut().opened(opened);
        if !std::mem::replace(&mut self.was_open, true) {
            self.roll.open.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn update(&mut self, stamp: Stamp, _raw: RawUpdate<'_>, received_at_us: u64) {
        let finding = self.audit.see(stamp.seq);
        self.recorder.borrow_mut().update(finding, stamp, received_at_us);
    }

    fn gap(&mut self, _gap: Gap, _resume: Cursor) {
        self.recorder.borrow_mut().failed(Failure::Gap);
    }

    fn failure(&mut self, trouble: &Trouble) {
        self.recorder.borrow_mut().failed(trouble.failure);
    }

    fn reconnect(&mut self) {
        self.recorder.borrow_mut().reconnected();
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
