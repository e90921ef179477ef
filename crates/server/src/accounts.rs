//! The kernel's account of all connections, door by door: those that are open and those that were.
//!
//! A connection is entered when it is accepted and settled when its socket is about to close, so that one that lived
//! for a single poll counts like one that lived for hours.

use std::sync::{Mutex, PoisonError};

use feedlab_feed::stats::WireStats;
use feedlab_feed::{Transport, process};
use slab::Slab;

use feedlab_feed::tcp_info::Handle;

const DOORS: usize = Transport::ALL.len();

/// The accounts of a server.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    open: Slab<Account>,
    /// What connections of each door carried until they closed.
    closed: [WireStats; DOORS],
    /// The kernel once gave no answer: then no sum is told.
    is_silent: bool,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    handle: Handle,
    /// The door that the connection came for last; none before its first feed request.
    door: Option<Transport>,
}

/// All accounts at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Balance {
    /// What each door's connections have carried; `None` where the kernel does not tell.
    pub(crate) doors: Option<[WireStats; DOORS]>,
    /// Memory of the kernel for the open sockets, bytes.
    pub(crate) kernel_bytes: Option<u64>,
}

impl Accounts {
    /// Enters a connection; the key stands for it until it is settled.
    pub(crate) fn enter(&self, handle: Handle) -> usize {
        self.books().open.insert(Account { handle, door: None })
    }

    /// The connection came for a door.
    pub(crate) fn assign(&self, key: usize, door: Transport) {
        if let Some(account) = self.books().open.get_mut(key) {
            account.door = Some(door);
        }
    }

    /// The connection's socket is about to close.
    pub(crate) fn settle(&self, key: usize) {
        let mut books = self.books();
        let Some(Account { handle, door }) = books.open.try_remove(key) else { return };
        let Some(door) = door else { return };
        match handle.carried_at_close() {
            Some(wire) => books.closed[door as usize] += wire,
            None => books.is_silent = true,
        }
    }

    /// Adds everything up: two questions to the kernel for each open connection, about a microsecond each.
    pub(crate) fn balance(&self) -> Balance {
        let books = self.books();
        Balance { doors: books.doors().filter(|_| !books.is_silent), kernel_bytes: books.kernel_bytes() }
    }

    // The books are right after each of these methods, so a panic elsewhere does not make them unusable.
    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn doors(&self) -> Option<[WireStats; DOORS]> {
        let mut doors = self.closed;
        for (_, account) in &self.open {
            if let Some(door) = account.door {
                doors[door as usize] += account.handle.carried()?;
            }
        }
        Some(doors)
    }

    fn kernel_bytes(&self) -> Option<u64> {
        let structures = process::socket_structures_bytes()?;
        self.open.iter().map(|(_, account)| Some(structures + account.handle.buffer_bytes()?)).sum()
    }
}
