//! Slow readers: clients besides those that are counted, which read less than the feed brings.
//!
//! They are the same clients at the same door, over connections that are read slowly. What they get is in no figure of
//! the others; it is only held against the order that it must have.

use std::cell::RefCell;
use std::rc::Rc;

use feedlab_experiment::record::Failure;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap};

use crate::Job;
use crate::audit::{Audit, Finding};
use crate::observer::{Observer, Opened, Trouble};
use crate::recorder::Recorder;
use crate::transport::{Client, Link};
use crate::worker::client;

/// The slow client of this index. It shares its connection with nobody, who would be slowed down with it.
pub(crate) fn slow_client(job: &Job, link: &Link, index: u32) -> Option<Client> {
    let slow = job.clients.slow?;
    let link = Link { pool: None, ..link.clone() };
    let mut client = client(job, &link, job.cell.clients.saturating_add(index))?;
    client.reads_per_s = Some(slow.bytes_per_s);
    Some(client)
}

/// One slow reader's observer.
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
