//! The observers of the fleet's clients: they audit what a client reports and pass it to the recorder of its worker
//! thread.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use feedlab_experiment::record::Failure;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Epoch, Gap, Reset, Transport, clock};

use crate::audit::{Audit, Finding};
use crate::observer::{ClientError, Observer, Opened};
use crate::outage::Outage;
use crate::recorder::{Arrival, Recorder};
use crate::transport::upstream::due_us;
use crate::transport::{Leg, Parts};

/// How many clients have connected. Updated when a client opens for the first time, never by an update.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    open: AtomicU32,
    lost: AtomicU32,
}

impl Progress {
    /// The number of clients that have opened a connection.
    pub(crate) fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// The number of clients that have opened a connection, plus those that ended without one.
    pub(crate) fn decided(&self) -> u32 {
        self.open() + self.lost.load(Ordering::Relaxed)
    }
}

/// The observer of a client whose updates are measured.
#[derive(Debug)]
pub(crate) struct ClientObserver {
    audit: Audit,
    /// The epoch of the feed that the audit belongs to.
    epoch: Option<Epoch>,
    outage: Outage,
    /// When the request on a new connection was sent, µs of Unix time; set between its answer and the proof that it
    /// serves the feed.
    asked_us: Option<u64>,
    recorder: Rc<RefCell<Recorder>>,
    progress: Arc<Progress>,
    leg: Leg,
    was_open: bool,
    /// Whether the client ended its connection by itself and the next one has not been answered yet.
    has_left: bool,
    /// Whether clients publish the feed; they write into each update when it was due.
    is_published: bool,
}

impl ClientObserver {
    pub(crate) fn new(recorder: Rc<RefCell<Recorder>>, progress: Arc<Progress>, leg: Leg, is_published: bool) -> Self {
        let (audit, outage) = (Audit::default(), Outage::default());
        let (was_open, has_left) = (false, false);
        Self { audit, epoch: None, outage, asked_us: None, recorder, progress, leg, was_open, has_left, is_published }
    }

    /// Starts the audit over: in another epoch, the same `seq` is a different update.
    fn enter_epoch(&mut self, epoch: Option<Epoch>) {
        (self.audit, self.epoch) = (Audit::default(), epoch);
        self.recorder.borrow_mut().failed(Failure::Reset);
    }

    /// Records that the client is served again, since the request of the new connection if there is one; otherwise
    /// since `since_us`.
    fn back(&mut self, since_us: u64) {
        let since_us = self.asked_us.take().unwrap_or(since_us);
        if let Some(lost_us) = self.outage.back(since_us) {
            self.recorder.borrow_mut().back(lost_us, since_us);
        }
    }
}

impl Observer for ClientObserver {
    /// The answer may come from something in between, such as a proxy's 503, so it does not end the outage.
    fn opened(&mut self, opened: Opened) {
        let mut recorder = self.recorder.borrow_mut();
        match std::mem::take(&mut self.has_left) {
            // The request carried the cursor, so a long poll may have been held.
            true => recorder.connected(opened),
            false => recorder.opened(opened),
        }
        drop(recorder);
        self.asked_us = Some(clock::unix_us().saturating_sub(opened.request_us));
        if !std::mem::replace(&mut self.was_open, true) {
            self.progress.open.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn answered(&mut self, _head: &Parts) {
        self.leg.requested();
    }

    fn update(&mut self, stamp: Stamp, raw: RawUpdate<'_>, received_at_us: u64) {
        self.leg.updated();
        // A client without a cursor receives no reset, so another epoch is detected here.
        if stamp.epoch.is_some() && self.epoch.is_some_and(|epoch| Some(epoch) != stamp.epoch) {
            self.enter_epoch(stamp.epoch);
        }
        self.epoch = stamp.epoch.or(self.epoch);
        let since_us = if self.is_published { due_us(raw).unwrap_or(stamp.at) } else { stamp.at };
        self.back(received_at_us);
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
        recorder.reported_lost(self.audit.unseen(gap), self.audit.ahead(gap), clock::unix_us());
    }

    fn reset(&mut self, reset: Reset) {
        self.enter_epoch(reset.resume.epoch);
    }

    fn failure(&mut self, error: &ClientError) {
        self.recorder.borrow_mut().failed(error.failure);
    }

    /// A client that was never open has no outage.
    fn lost(&mut self, _wait: Duration) {
        self.asked_us = None;
        if self.was_open {
            self.outage.lost(clock::unix_us());
        }
    }

    fn reconnect(&mut self) {
        self.recorder.borrow_mut().reconnected(clock::unix_us());
    }

    /// The client loses nothing, so this is not an outage.
    fn left(&mut self) {
        self.has_left = true;
        self.recorder.borrow_mut().reconnected(clock::unix_us());
    }

    /// The feed is served on a new connection, or on a kept one after a poll was lost.
    fn served(&mut self, since_us: u64) {
        self.back(since_us);
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

impl Drop for ClientObserver {
    fn drop(&mut self) {
        if !self.was_open {
            self.progress.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The observer of a slow reader. Its updates are not part of the other clients' figures; only their order is checked.
#[derive(Debug)]
pub(crate) struct SlowReader {
    audit: Audit,
    recorder: Rc<RefCell<Recorder>>,
    leg: Leg,
}

impl SlowReader {
    pub(crate) fn new(recorder: Rc<RefCell<Recorder>>, leg: Leg) -> Self {
        Self { audit: Audit::default(), recorder, leg }
    }
}

impl Observer for SlowReader {
    fn opened(&mut self, _opened: Opened) {}

    fn answered(&mut self, _head: &Parts) {
        self.leg.requested();
    }

    fn update(&mut self, stamp: Stamp, _raw: RawUpdate<'_>, _received_at_us: u64) {
        self.leg.updated();
        if matches!(self.audit.see(stamp.seq), Finding::Reordered | Finding::Duplicate) {
            self.recorder.borrow_mut().slow_disordered();
        }
    }

    fn gap(&mut self, _gap: Gap, _resume: Cursor) {}

    fn reset(&mut self, _reset: Reset) {
        self.audit = Audit::default();
    }

    fn failure(&mut self, error: &ClientError) {
        if matches!(error.failure, Failure::Closed | Failure::Disconnected) {
            self.recorder.borrow_mut().slow_disconnected();
        }
    }

    fn reconnect(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Window;

    /// Five updates of one epoch and three of the next with the same `seq`s. The client receives a reset, or detects
    /// the change by itself.
    #[test]
    fn d1_updates_of_another_epoch_are_no_duplicates_and_a_reset_is_counted() {
        let [old, new] = ["0ld0", "new0"].map(|epoch| epoch.parse().unwrap());
        for gets_reset in [true, false] {
            let recorder = Rc::new(RefCell::new(Recorder::new()));
            recorder.borrow_mut().measure(Window { start_us: 0, end_us: 10 });
            let mut observer = ClientObserver::new(recorder.clone(), Arc::default(), Leg::default(), false);
            let see = |observer: &mut ClientObserver, epoch, seq| {
                observer.update(Stamp { epoch: Some(epoch), seq, at: 1 }, RawUpdate::Json(b""), 2);
            };
            (1..=5).for_each(|seq| see(&mut observer, old, seq));
            if gets_reset {
                observer.reset(Reset { asked: Cursor::new(old, 5), resume: Cursor::new(new, 0) });
            }
            (1..=3).for_each(|seq| see(&mut observer, new, seq));
            see(&mut observer, new, 3);
            let recorder = recorder.borrow();
            let counts = recorder.counts();
            assert_eq!((counts.received, counts.duplicated, counts.reordered), (8, 1, 0), "reset: {gets_reset}");
            assert_eq!(counts.failures, [(Failure::Reset, 1)].into());
            assert_eq!(counts.ranges, [(Some(old), (1, 5)), (Some(new), (1, 3))].into());
        }
    }

    /// A connection is lost at the start, is answered twice by something that does not have the feed, and then by its
    /// server.
    #[test]
    fn m2_an_answer_without_the_feed_ends_no_outage() {
        let opened = Opened { connect_us: Some(1), tls_us: None, request_us: 1, open_us: 2 };
        for is_new in [true, false] {
            let recorder = Rc::new(RefCell::new(Recorder::new()));
            let start_us = clock::unix_us();
            recorder.borrow_mut().measure(Window { start_us, end_us: start_us + 60_000_000 });
            let mut observer = ClientObserver::new(recorder.clone(), Arc::default(), Leg::default(), false);
            observer.opened(opened);
            observer.served(start_us);
            observer.lost(Duration::ZERO);
            for _ in 0..2 {
                observer.opened(opened);
                observer.alive();
                observer.failure(&ClientError::new(Failure::Status, "the server answered 503"));
                observer.lost(Duration::ZERO);
                assert_eq!(recorder.borrow().counts().outages.len(), 0);
            }
            if is_new {
                observer.opened(opened);
            }
            observer.served(start_us + 30_000_000);
            observer.served(start_us + 40_000_000);
            let recorder = recorder.borrow();
            let outages = &recorder.counts().outages;
            assert_eq!(outages.len(), 1);
            // On a new connection, the request was sent just now; on a kept one, the time is the one that the poll
            // reports.
            assert_eq!(outages.max() < 20_000_000, is_new, "{} µs", outages.max());
        }
    }

    #[test]
    fn a_slow_reader_reports_its_end_and_updates_out_of_order_and_nothing_else() {
        let recorder = Rc::new(RefCell::new(Recorder::new()));
        let mut reader = SlowReader::new(recorder.clone(), Leg::default());
        for seq in [1, 2, 7, 3, 7, 8] {
            reader.update(Stamp { epoch: None, seq, at: 1 }, RawUpdate::Json(b""), 2);
        }
        let cursor = Cursor::default();
        reader.gap(Gap { from: 9, to: 10 }, cursor.at(10));
        reader.reset(Reset { asked: cursor.at(10), resume: cursor });
        reader.update(Stamp { epoch: None, seq: 1, at: 1 }, RawUpdate::Json(b""), 2);
        for failure in [Failure::Closed, Failure::Disconnected, Failure::Connect, Failure::Malformed] {
            reader.failure(&ClientError::new(failure, "x"));
        }
        let recorder = recorder.borrow();
        let counts = recorder.counts();
        assert_eq!((counts.slow_disordered, counts.slow_disconnected, counts.received), (2, 2, 0));
        assert!(counts.failures.is_empty());
    }
}
