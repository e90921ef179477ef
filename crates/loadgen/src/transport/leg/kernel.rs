//! The sockets of a [`Leg`](super::Leg), which the kernel is asked about: open ones, and for a moment those that were closed.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::stats::WireStats;
use feedlab_feed::tcp_info::Handle;
use rustix::net::{Shutdown, shutdown};
use slab::Slab;

/// How long a socket is kept after its client has closed it, for the last segments: the close takes a round trip, and
/// an acknowledgement may be delayed by up to 40 ms (linux/tcp.h, `TCP_DELACK_MIN`).
pub(super) const LAST_SEGMENTS: Duration = Duration::from_millis(100);
/// The most sockets that are kept for this; the oldest are closed beyond it.
const MAX_LEAVING: usize = 1_024;

/// The sockets of a leg.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    pub(super) open: Slab<Handle>,
    /// Sockets that their clients have closed, oldest first: the last segments of both sides are still in flight.
    pub(super) leaving: VecDeque<Leaving>,
    /// What connections carried until they closed.
    closed: WireStats,
    /// Bytes that arrived after their client had left, and were never read.
    pub(super) unread: u64,
    /// Whether the kernel once gave no answer. Then no sum is reported.
    is_silent: bool,
}

/// A socket that sends no more and can still be queried.
#[derive(Debug)]
pub(super) struct Leaving {
    /// Kept open; closes when this is dropped.
    _socket: OwnedFd,
    handle: Handle,
    /// The bytes that its client has read.
    read: u64,
    until: Instant,
}

impl Kernel {
    /// Returns the segments of all sockets; `None` if the kernel does not report them.
    pub(super) fn carried(&self) -> Option<WireStats> {
        let open = self.open.iter().map(|(_, handle)| *handle);
        let handles = open.chain(self.leaving.iter().map(|leaving| leaving.handle));
        let known = handles.map(Handle::carried).try_fold(self.closed, |mut sum, wire| {
            sum += wire?;
            Some(sum)
        });
        known.filter(|_| !self.is_silent)
    }

    /// Keeps the socket of a connection that its client has closed.
    pub(super) fn leave(&mut self, handle: Handle, socket: OwnedFd, read: u64) {
        let handle = handle.moved(socket.as_fd());
        // Fails for a connection that was reset, which is closed already.
        let _ = shutdown(&socket, Shutdown::Write);
        let now = clock::now();
        self.leaving.push_back(Leaving { _socket: socket, handle, read, until: now + LAST_SEGMENTS });
        self.settle(now);
    }

    /// Closes the sockets that have been kept long enough.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(oldest) = self.leaving.front()
            && (oldest.until <= now || self.leaving.len() > MAX_LEAVING)
        {
            let Leaving { handle, read, .. } = *oldest;
            self.close(handle, read);
            self.leaving.pop_front();
        }
    }

    /// Adds up what a connection carried that is now closed.
    pub(super) fn close(&mut self, handle: Handle, read: u64) {
        self.unread += handle.received().map_or(0, |received| received.saturating_sub(read));
        match handle.carried_at_close() {
            Some(wire) => self.closed += wire,
            None => self.is_silent = true,
        }
    }
}
