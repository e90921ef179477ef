//! What others tell a shard: that there is news, that a connection arrived, or that one of its streams can continue.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::push::Start;
use crate::wire::Wire;

/// The mailbox of a shard. Any thread may put something in, which wakes the shard.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    mail: Mutex<Mail>,
    shard: AtomicWaker,
}

/// What a shard has not looked at yet.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// The feed has something new.
    pub(super) news: bool,
    /// The server shuts down.
    pub(super) closing: bool,
    pub(super) arrivals: Vec<Arrival>,
    /// The places of streams that can continue: a broker has answered, or an HTTP/2 connection has made room. At most
    /// one entry for each stream.
    pub(super) woken: Vec<usize>,
}

impl Mail {
    pub(super) fn is_empty(&self) -> bool {
        !self.news && !self.closing && self.arrivals.is_empty() && self.woken.is_empty()
    }
}

/// A connection that moves to the shard: as a stream if there is a start of one, and otherwise to poll.
pub(super) struct Arrival {
    pub(super) wire: Wire,
    pub(super) start: Option<Start>,
    pub(super) early: Bytes,
    /// Keeps the server from ending before the connection has.
    pub(super) open: TaskTrackerToken,
}

impl std::fmt::Debug for Arrival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrival").finish_non_exhaustive()
    }
}

impl Mailbox {
    /// There is a new update.
    pub(crate) fn news(&self) {
        self.put(|mail| mail.news = true);
    }

    pub(super) fn close(&self) {
        self.put(|mail| mail.closing = true);
    }

    pub(super) fn adopt(&self, arrival: Arrival) {
        self.put(|mail| mail.arrivals.push(arrival));
    }

    /// Takes what is there, and wakes the task of this context when there is more.
    pub(super) fn take(&self, cx: &Context<'_>) -> Mail {
        // Register first: what is put in between taking and registering would be noticed too late.
        self.shard.register(cx.waker());
        std::mem::take(&mut *self.mail.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, put: impl FnOnce(&mut Mail)) {
        put(&mut self.mail.lock().unwrap_or_else(PoisonError::into_inner));
        self.shard.wake();
    }
}

/// Wakes one stream of a shard. Most streams need none: their sockets are in the shard's own set.
pub(super) struct StreamWaker {
    mailbox: Arc<Mailbox>,
    place: usize,
    /// Whether the stream is in the mailbox.
    is_woken: AtomicBool,
}

impl StreamWaker {
    pub(super) fn new(mailbox: Arc<Mailbox>, place: usize) -> Arc<Self> {
        Arc::new(Self { mailbox, place, is_woken: AtomicBool::new(false) })
    }

    /// The stream is about to be polled: from now on, a wake is for the next time.
    pub(super) fn polled(&self) {
        self.is_woken.store(false, Ordering::Release);
    }
}

impl Wake for StreamWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            self.mailbox.put(|mail| mail.woken.push(self.place));
        }
    }
}
