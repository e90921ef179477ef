//! The kernel's account of all connections, endpoint by endpoint: those that are open and those that were.
//!
//! A connection is entered when it is accepted and settled when its socket is about to close, so that one that lived
//! for a single poll counts like one that lived for hours.

use std::sync::{Mutex, PoisonError};

use feedlab_feed::stats::WireStats;
use feedlab_feed::{Transport, process};
use slab::Slab;

use feedlab_feed::tcp_info::Handle;

const ENDPOINTS: usize = Transport::ALL.len();

/// The accounts of a server.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    open: Slab<Account>,
    /// What connections of each endpoint carried until they closed.
    closed: [WireStats; ENDPOINTS],
    /// The kernel once gave no answer: then no sum is told.
    is_silent: bool,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    handle: Handle,
    /// The endpoint that the connection came for last; none before its first feed request.
    endpoint: Option<Transport>,
}

/// All accounts at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Balance {
    /// What each endpoint's connections have carried; `None` where the kernel does not tell.
    pub(crate) endpoints: Option<[WireStats; ENDPOINTS]>,
    /// Memory of the kernel for the open sockets, bytes.
    pub(crate) kernel_bytes: Option<u64>,
}

impl Accounts {
    /// Enters a connection; the key stands for it until it is settled.
    pub(crate) fn enter(&self, handle: Handle) -> usize {
        self.books().open.insert(Account { handle, endpoint: None })
    }

    /// The connection came for an endpoint.
    pub(crate) fn assign(&self, key: usize, endpoint: Transport) {
        if let Some(account) = self.books().open.get_mut(key) {
            account.endpoint = Some(endpoint);
        }
    }

    /// The connection's socket is about to close.
    pub(crate) fn settle(&self, key: usize) {
        let mut books = self.books();
        let Some(Account { handle, endpoint }) = books.open.try_remove(key) else { return };
        let Some(endpoint) = endpoint else { return };
        match handle.carried_at_close() {
            Some(wire) => books.closed[endpoint as usize] += wire,
            None => books.is_silent = true,
        }
    }

    /// Adds everything up: two questions to the kernel for each open connection, about a microsecond each.
    pub(crate) fn balance(&self) -> Balance {
        let books = self.books();
        Balance { endpoints: books.endpoints().filter(|_| !books.is_silent), kernel_bytes: books.kernel_bytes() }
    }

    // The books are right after each of these methods, so a panic elsewhere does not make them unusable.
    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
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
