//! One shard: a task that serves its share of an address's connections.
//!
//! It sleeps until one of its sockets is ready, there is mail, or a time has come. Between two pieces of a pass it looks
//! at all of them, so a pass over many streams delays nothing else by more than [`PIECE`] writes.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use feedlab_feed::clock;
use feedlab_feed::stream::MAX_PIECES;
use mio::event::Event;
use mio::{Events, Token};
use slab::Slab;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tokio_util::time::DelayQueue;

use super::Pass;
use super::due::{Due, GROUPS, Times};
use super::mailbox::{Arrival, Mail, Mailbox, StreamWaker};
use super::poller::{Desk, Next, Poller};
use crate::acceptor::Acceptor;
use crate::connection;
use crate::direct::Direct;
use crate::hub::Hub;
use crate::limits::MAX_HEADER_BYTES;
use crate::push::{CloseReason, Push};
use crate::wire::Wire;

/// Connections that are sent to before other tasks of the thread get their turn.
const PIECE: usize = 128;
/// Sockets that are looked at together.
const EVENTS: usize = 256;
/// Bytes that are read from a stream's client at a time.
const READ: usize = 2 << 10;

pub(super) struct Shard {
    mailbox: Arc<Mailbox>,
    hub: Arc<Hub>,
    acceptor: Arc<Acceptor>,
    /// The sockets, themselves a descriptor that the thread's runtime watches.
    sockets: AsyncFd<mio::Poll>,
    events: Events,
    places: Slab<Place>,
    desk: Desk,
    /// The places of streams that have more to read, and wait for their next turn.
    again: Vec<usize>,
    /// The `seq` of the last update of the last pass.
    seq: u64,
    /// Whether there may be updates after that.
    has_news: bool,
    pass: Option<Pass>,
    /// The place at which the last pass began.
    first: usize,
    is_closing: bool,
}

struct Place {
    client: Client,
    /// Only for a stream that something else than its socket can wake.
    waker: Option<(Arc<StreamWaker>, Waker)>,
    _open: TaskTrackerToken,
}

enum Client {
    Stream(Push),
    Poller(Poller),
}

impl Shard {
    /// Creates a shard for the thread whose runtime is entered.
    pub(super) fn new(
        mailbox: Arc<Mailbox>,
        hub: &Arc<Hub>,
        direct: Direct,
        acceptor: Arc<Acceptor>,
    ) -> io::Result<Self> {
        #[expect(
            deprecated,
            reason = "the replacement needs `unsafe` to promise what mio does: the descriptor stays open"
        )]
        let sockets = AsyncFd::with_interest(mio::Poll::new()?, Interest::READABLE)?;
        let buffer = vec![0; MAX_HEADER_BYTES].into();
        Ok(Self {
            mailbox,
            seq: hub.head(),
            hub: hub.clone(),
            desk: Desk { direct, holds: DelayQueue::new(), buffer, patience: acceptor.patience },
            acceptor,
            sockets,
            events: Events::with_capacity(EVENTS),
            places: Slab::new(),
            again: Vec::new(),
            has_news: false,
            pass: None,
            first: 0,
            is_closing: false,
        })
    }

    /// Serves the connections, with a beat for one group of them after another.
    pub(super) async fn run(mut self, keepalive: Duration) {
        let mut times = Times::new(keepalive, self.desk.patience);
        loop {
            let due = std::future::poll_fn(|cx| self.poll_due(cx, &mut times)).await;
            self.handle(due);
            self.go_on_with_pass();
            if self.has_more() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Whether there is something to do at once.
    const fn has_more(&self) -> bool {
        self.pass.is_some() || !self.again.is_empty()
    }

    /// Waits until there is something to do.
    fn poll_due(&mut self, cx: &mut Context<'_>, times: &mut Times) -> Poll<Due> {
        let due = Due {
            mail: self.mailbox.take(cx),
            has_events: self.poll_events(cx).is_ready(),
            beat: times.poll_beat(cx),
            check: times.poll_check(cx),
            hold: match self.desk.holds.poll_expired(cx) {
                Poll::Ready(Some(expired)) => Some(expired.into_inner()),
                _ => None,
            },
        };
        if due.is_something() || self.has_more() { Poll::Ready(due) } else { Poll::Pending }
    }

    /// Ready once some of the sockets are.
    fn poll_events(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Ok(mut guard) = ready!(self.sockets.poll_read_ready_mut(cx)) else { return Poll::Pending };
        let polled = guard.get_inner_mut().poll(&mut self.events, Some(Duration::ZERO));
        if polled.is_ok() && self.events.iter().count() < EVENTS {
            guard.clear_ready();
        }
        Poll::Ready(())
    }

    fn handle(&mut self, due: Due) {
        // First, because the place may have another poller after what follows.
        if let Some(place) = due.hold {
            self.poller(place, |poller, desk| poller.expired(place, desk));
        }
        let Mail { news, closing, arrivals, woken } = due.mail;
        self.has_news |= news;
        for arrival in arrivals {
            self.adopt(arrival);
        }
        if due.has_events {
            let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
            events.iter().for_each(|event| self.ready(event));
            self.events = events;
        }
        let again = std::mem::take(&mut self.again);
        again.into_iter().chain(woken).for_each(|place| self.stream(place, Push::poll));
        if closing {
            self.close();
        }
        if let Some(group) = due.beat {
            (group..self.places.capacity())
                .step_by(GROUPS)
                .for_each(|place| self.stream(place, |push, cx, _| push.beat(cx)));
        }
        if due.check {
            let now = clock::now();
            (0..self.places.capacity())
                .for_each(|place| self.poller(place, |poller, desk| poller.check_pace(now, desk.patience)));
        }
    }

    fn adopt(&mut self, Arrival { wire, start, early, open }: Arrival) {
        let vacant = self.places.vacant_entry();
        let place = vacant.key();
        let client = match (wire, start) {
            (wire, Some(start)) => Client::Stream(Push::new(wire, start, early)),
            (Wire::Plain(socket), None) => Client::Poller(Poller::new(socket)),
            (_, None) => return,
        };
        let needs_waker = matches!(&client, Client::Stream(push) if push.needs_waker());
        let waker = needs_waker.then(|| StreamWaker::new(self.mailbox.clone(), place));
        let waker = waker.map(|waker| (waker.clone(), waker.into()));
        let place_of = vacant.insert(Place { client, waker, _open: open });
        let registry = self.sockets.get_ref().registry();
        let watched = match &mut place_of.client {
            Client::Stream(push) => push.wire().leave_runtime(registry, Token(place)),
            Client::Poller(poller) => poller.socket().leave_runtime(registry, Token(place)),
        };
        if watched.is_err() {
            self.places.remove(place); // the kernel has no memory for one more
            return;
        }
        self.stream(place, Push::poll);
        if self.is_closing {
            self.close_one(place);
        }
    }

    /// A socket is ready.
    fn ready(&mut self, event: &Event) {
        let place = event.token().0;
        self.stream(place, Push::poll);
        let is_ending = event.is_read_closed() || event.is_error();
        let state = (event.is_readable() || is_ending, is_ending);
        self.poller(place, |poller, desk| poller.ready(state, place, desk));
    }

    /// Ends all connections, because the server shuts down.
    fn close(&mut self) {
        self.is_closing = true;
        self.desk.direct.close();
        (0..self.places.capacity()).for_each(|place| self.close_one(place));
    }

    fn close_one(&mut self, place: usize) {
        self.stream(place, |push, cx, _| push.close(CloseReason::ShuttingDown, cx));
        self.poller(place, |poller, desk| poller.close(place, desk));
    }

    /// Moves a stream, if it is one, and removes it if it has ended.
    fn stream(
        &mut self,
        place: usize,
        go: impl FnOnce(&mut Push, &mut Context<'_>, &mut [u8]) -> Poll<io::Result<()>>,
    ) {
        let Some(Place { client: Client::Stream(push), waker, .. }) = self.places.get_mut(place) else { return };
        let waker = waker.as_ref().map_or(Waker::noop(), |(state, waker)| {
            state.polled();
            waker
        });
        match go(push, &mut Context::from_waker(waker), &mut self.desk.buffer[..READ]) {
            Poll::Ready(Ok(())) => self.proceed(place, Next::Close),
            Poll::Ready(Err(_)) => self.proceed(place, Next::Drop),
            Poll::Pending if push.has_input() => self.again.push(place),
            Poll::Pending => {}
        }
    }

    /// Moves a poller, if it is one, and does what follows.
    fn poller(&mut self, place: usize, go: impl FnOnce(&mut Poller, &mut Desk) -> Next) {
        let Some(Place { client: Client::Poller(poller), .. }) = self.places.get_mut(place) else { return };
        let next = go(poller, &mut self.desk);
        self.proceed(place, next);
    }

    fn proceed(&mut self, place: usize, next: Next) {
        if matches!(next, Next::Stay) {
            return;
        }
        // The server does not end before the task that is spawned below has begun.
        let Place { client, _open, .. } = self.places.remove(place);
        let mut wire = match client {
            Client::Stream(push) => push.into_wire(),
            Client::Poller(poller) => Wire::Plain(poller.into_socket(&mut self.desk)),
        };
        // Not this thread's own, which only serves what waits.
        let _entered = self.acceptor.runtime.enter();
        if matches!(next, Next::Drop) || wire.enter_runtime(self.sockets.get_ref().registry()).is_err() {
            return;
        }
        match (next, wire) {
            (Next::Library(input), Wire::Plain(mut socket)) => {
                socket.put_back(input);
                self.acceptor.tasks.spawn(connection::serve(socket, self.acceptor.clone()));
            }
            (_, wire) => {
                self.acceptor.tasks.spawn(wire.close());
            }
        }
    }

    /// Sends a piece of the pass to the next connections; begins one if there is news.
    fn go_on_with_pass(&mut self) {
        let Some(mut pass) = self.pass.take().or_else(|| self.begin_pass()) else { return };
        let mut is_over = false;
        for _ in 0..PIECE {
            let Some(place) = pass.next() else {
                is_over = true;
                break;
            };
            self.stream(place, |push, cx, _| push.publish(&mut pass, cx));
            self.poller(place, |poller, desk| poller.publish(place, desk));
        }
        pass.settle(&self.acceptor.meters);
        self.pass = if is_over { self.begin_pass() } else { Some(pass) };
    }

    /// Begins a pass with what followed the last one. Each begins with other connections, so that none is always the
    /// last.
    fn begin_pass(&mut self) -> Option<Pass> {
        if !std::mem::take(&mut self.has_news) {
            return None;
        }
        let batch = self.hub.held_after(self.seq, MAX_PIECES);
        if batch.next() == self.seq {
            return None;
        }
        self.first = (self.first + PIECE) % self.places.capacity().max(1);
        let pass = Pass::new(batch, self.places.capacity(), self.first);
        self.seq = pass.to();
        self.has_news = pass.has_more();
        Some(pass)
    }
}
