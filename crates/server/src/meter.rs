//! What passes the server's sockets, counted in one place for every transport.
//!
//! A [`Socket`](crate::socket::Socket) counts its bytes for the door that its connection came for. Which door that is shows only when a
//! request has been read, so what came before is kept and added then. Connections that never come for a door
//! (`/stats`, say) are counted nowhere: looking does not change what is seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use feedlab_feed::Transport;
use feedlab_feed::stats::{ConnectionStats, DoorStats};

/// A counter that only ever grows, or goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// The counters of one door; see [`DoorStats`] for what each means.
#[derive(Debug, Default)]
pub(crate) struct Door {
    pub(crate) connections: Count,
    pub(crate) active: Count,
    pub(crate) requests: Count,
    pub(crate) requests_empty: Count,
    pub(crate) updates: Count,
    pub(crate) gaps: Count,
    pub(crate) bytes_out: Count,
    pub(crate) bytes_in: Count,
}

impl Door {
    /// Counts something that is open for as long as the guard lives.
    pub(crate) fn enter(self: &Arc<Self>) -> Active {
        self.active.add(1);
        Active(self.clone())
    }

    fn stats(&self) -> DoorStats {
        DoorStats {
            connections: self.connections.get(),
            active: self.active.get(),
            requests: self.requests.get(),
            requests_empty: self.requests_empty.get(),
            updates: self.updates.get(),
            gaps: self.gaps.get(),
            bytes_out: self.bytes_out.get(),
            bytes_in: self.bytes_in.get(),
        }
    }
}

/// A stream, or a held request; counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Active(Arc<Door>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.sub(1);
    }
}

/// The counters of the whole server.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    doors: [Arc<Door>; Transport::ALL.len()],
    pub(crate) open: Count,
    pub(crate) accepted: Count,
    pub(crate) refused: Count,
}

impl Meters {
    pub(crate) fn door(&self, transport: Transport) -> &Arc<Door> {
        &self.doors[transport as usize]
    }

    pub(crate) fn doors(&self) -> impl Iterator<Item = (Transport, DoorStats)> {
        Transport::ALL.into_iter().map(|transport| (transport, self.door(transport).stats()))
    }

    pub(crate) fn connections(&self) -> ConnectionStats {
        ConnectionStats { open: self.open.get(), accepted: self.accepted.get(), refused: self.refused.get() }
    }
}

/// One connection's part of the meters.
#[derive(Debug)]
pub(crate) struct ConnectionMeter {
    meters: Arc<Meters>,
    /// Index of the door; [`NO_DOOR`] until a request names one.
    door: AtomicU8,
    early_in: Count,
    early_out: Count,
}

const NO_DOOR: u8 = u8::MAX;

impl ConnectionMeter {
    pub(crate) fn new(meters: Arc<Meters>) -> Self {
        meters.open.add(1);
        meters.accepted.add(1);
        Self { meters, door: AtomicU8::new(NO_DOOR), early_in: Count::default(), early_out: Count::default() }
    }

    /// A request of this connection came for a door: what it sends and receives from now on is that door's.
    pub(crate) fn came_for(&self, transport: Transport) -> &Arc<Door> {
        let door = self.meters.door(transport);
        if self.door.swap(transport as u8, Ordering::Relaxed) == NO_DOOR {
            door.connections.add(1);
        }
        door.bytes_in.add(self.early_in.take());
        door.bytes_out.add(self.early_out.take());
        door
    }

    fn door(&self) -> Option<&Arc<Door>> {
        self.meters.doors.get(usize::from(self.door.load(Ordering::Relaxed)))
    }

    /// Bytes came in.
    pub(crate) fn read(&self, n: usize) {
        self.door().map_or(&self.early_in, |door| &door.bytes_in).add(n as u64);
    }

    /// Bytes went out.
    pub(crate) fn wrote(&self, n: usize) {
        self.door().map_or(&self.early_out, |door| &door.bytes_out).add(n as u64);
    }
}

impl Drop for ConnectionMeter {
    fn drop(&mut self) {
        self.meters.open.sub(1);
    }
}
