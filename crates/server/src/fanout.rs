//! Fan-out: how one publication reaches every stream of an address.
//!
//! The streams are divided among a few [`Shard`]s, each with a thread, a set of sockets (epoll(7), kqueue(2)) and a list
//! of streams. A publication wakes the shards, and not the streams: each shard then makes a [`Pass`] over its list, and
//! writes straight to each socket, from bytes that are encoded once. Only a stream whose socket is full waits for it. So
//! a delivery costs one `write`, and takes no lock and no allocation; what it counts is added up for many of them.
//!
//! The list also has the connections on which clients poll and publish: held requests get their answer in the same pass.
//!
//! A new connection on plain TCP comes here at once, and any other as a stream, once HTTP is done with it
//! (`connection.rs`, `http2.rs`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::acceptor::Acceptor;
use crate::access::Access;
use crate::app::App;
use crate::direct::Direct;
use crate::push::Start;
use crate::wire::Wire;

mod due;
mod mailbox;
mod pass;
mod poller;
mod shard;
mod threads;
use mailbox::Arrival;
pub(crate) use mailbox::Mailbox;
pub(crate) use pass::Pass;
use shard::Shard;

/// The shards of one address, from outside.
#[derive(Debug)]
pub(crate) struct Fanout {
    mailboxes: Box<[Arc<Mailbox>]>,
    /// Counts arrivals, which the shards get in turn.
    arrived: AtomicUsize,
}

impl Default for Fanout {
    fn default() -> Self {
        Self { mailboxes: (0..threads::count()).map(|_| Arc::default()).collect(), arrived: AtomicUsize::new(0) }
    }
}

impl Fanout {
    /// Runs the shards of an app, until the set of tasks is dropped.
    ///
    /// # Errors
    /// When no thread can be started, or there are no descriptors left for a set of sockets.
    pub(crate) fn run(
        &self,
        (app, access, acceptor): (&Arc<App>, &Arc<Access>, &Arc<Acceptor>),
        tasks: &mut JoinSet<()>,
    ) -> io::Result<()> {
        let runtimes = threads::runtimes()?.iter().cycle();
        for (mailbox, runtime) in self.mailboxes.iter().zip(runtimes) {
            let direct = Direct::new(app.clone(), access.clone());
            let _entered = runtime.enter();
            let shard = Shard::new(mailbox.clone(), &app.hub, direct, acceptor.clone())?;
            tasks.spawn_on(shard.run(app.config.settings.keepalive), runtime);
        }
        Ok(())
    }

    /// Lets a shard serve a new connection, or one whose last request is answered.
    pub(crate) fn adopt(&self, wire: Wire, tasks: &TaskTracker) {
        self.put(Arrival { wire, start: None, early: Bytes::new(), open: tasks.token() });
    }

    /// Lets a shard stream to a connection. `early` is what the client has already sent on it.
    pub(crate) fn stream(&self, wire: Wire, start: Start, early: Bytes, tasks: &TaskTracker) {
        self.put(Arrival { wire, start: Some(start), early, open: tasks.token() });
    }

    fn put(&self, arrival: Arrival) {
        let turn = self.arrived.fetch_add(1, Ordering::Relaxed);
        self.mailboxes[turn % self.mailboxes.len()].adopt(arrival);
    }

    /// What a feed notifies after a publication.
    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.mailboxes.iter()
    }

    /// Ends all streams, present and future, because the server shuts down.
    pub(crate) fn close(&self) {
        self.mailboxes().for_each(|mailbox| mailbox.close());
    }
}
