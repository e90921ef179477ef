//! The kernel's figures for all connections, open and closed, by endpoint.
//!
//! A connection is added when it is accepted, and its final figures are read when its socket is about to close, so that
//! one that lasted for a single poll counts like one that lasted for hours.

use std::sync::{Mutex, PoisonError};

use feedlab_feed::stats::WireStats;
use feedlab_feed::{Transport, process};
use slab::Slab;

use feedlab_feed::tcp_info::Handle;

const ENDPOINTS: usize = Transport::ALL.len();

/// The connection figures of a server.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    open: Slab<Account>,
    /// The traffic of each endpoint's closed connections.
    closed: [WireStats; ENDPOINTS],
    /// Whether the kernel once gave no answer: then no sum is reported.
    is_incomplete: bool,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    handle: Handle,
    /// The endpoint of the connection's last feed request; `None` before the first.
    endpoint: Option<Transport>,
}

/// The sums over all connections at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// The traffic of each endpoint's connections; `None` if the kernel does not report it.
    pub(crate) endpoints: Option<[WireStats; ENDPOINTS]>,
    /// Kernel memory for the open sockets, bytes.
    pub(crate) kernel_bytes: Option<u64>,
}

impl Accounts {
    /// Adds a connection; the key identifies it until it is closed.
    pub(crate) fn open(&self, handle: Handle) -> usize {
        self.inner().open.insert(Account { handle, endpoint: None })
    }

    /// Counts the connection for an endpoint from now on.
    pub(crate) fn assign(&self, key: usize, endpoint: Transport) {
        if let Some(account) = self.inner().open.get_mut(key) {
            account.endpoint = Some(endpoint);
        }
    }

    /// Takes the final figures of a connection whose socket is about to close.
    pub(crate) fn close(&self, key: usize) {
        let mut inner = self.inner();
        let Some(Account { handle, endpoint }) = inner.open.try_remove(key) else { return };
        let Some(endpoint) = endpoint else { return };
        match handle.carried_at_close() {
            Some(wire) => inner.closed[endpoint as usize] += wire,
            None => inner.is_incomplete = true,
        }
    }

    /// Sums everything: two system calls for each open connection, about a microsecond each.
    pub(crate) fn totals(&self) -> Totals {
        let inner = self.inner();
        Totals { endpoints: inner.endpoints().filter(|_| !inner.is_incomplete), kernel_bytes: inner.kernel_bytes() }
    }

    // The state is consistent after each of these methods, so a panic elsewhere does not make it unusable.
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn endpoints(&self) -> Option<[WireStats; ENDPOINTS]> {
        let mut endpoints = self.closed;
        for (_, account) in &self.open {
            if let Some(endpoint) = account.endpoint {
                endpoints[endpoint as usize] += account.handle.carried()?;
            }
        }
        Some(endpoints)
    }

    fn kernel_bytes(&self) -> Option<u64> {
        let structures = process::socket_structures_bytes()?;
        self.open.iter().map(|(_, account)| Some(structures + account.handle.buffer_bytes()?)).sum()
    }
}
