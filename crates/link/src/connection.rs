//! One connection, from its start to its end.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

use feedlab_feed::clock;
use feedlab_feed::tcp::LINGER;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::channel::{Ending, OrderChannel};
use crate::lab::{Lab, NewConnection};
use crate::relay::{Outcome, Relay};
use crate::response;
use crate::stats::Gauge;
use crate::timers::Timer;

/// The receive buffer of the server's socket for a slow reader, bytes (the kernel doubles it). A larger one would hide
/// the slowness.
const SLOW_READER_BUFFER: u32 = 4096;

/// Handles a connection until it ends, or until `abort` is cancelled.
pub(crate) async fn serve(mut client: TcpStream, new: NewConnection, lab: Arc<Lab>, abort: CancellationToken) {
    let _open = Gauge::new(&lab.counters.open, 1);
    let mut server = None;
    let registration = Registration { lab: &lab, number: new.number };
    let outcome = tokio::select! {
        outcome = forward(&mut client, &mut server, new, &lab) => outcome,
        () = abort.cancelled() => return,
    };
    drop(registration);
    match outcome {
        Outcome::Closed => {}
        Outcome::Reset => reset(&client, server.as_ref()),
        Outcome::Cut => tokio::select! {
            () = linger(&client, server.as_ref()) => {}
            () = abort.cancelled() => {}
        },
    }
}

/// A connection's entry in the lab, which lets faults hit it. Dropping this removes the entry.
struct Registration<'a> {
    lab: &'a Lab,
    number: u64,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.lab.unregister(self.number);
    }
}

/// Forwards the connection to the server, or does what an active fault requires.
async fn forward(client: &mut TcpStream, server: &mut Option<TcpStream>, new: NewConnection, lab: &Lab) -> Outcome {
    let NewConnection { accepted, channel, rng, response, .. } = new;
    let mut timer = lab.timers.timer();
    let opened = if wait_for_black_hole(&channel, &mut timer).await { clock::now() } else { accepted };
    if let Some(ending) = channel.orders().ending {
        return end(ending, client).await;
    }
    if let Some(kind) = response {
        return tokio::select! {
            outcome = response::send(client, kind, &channel, &mut timer, opened) => outcome,
            _ = channel.ended() => Outcome::Reset,
        };
    }
    let connected = tokio::select! {
        connected = connect(lab.upstream, &channel) => connected,
        ending = channel.ended() => return end(ending, client).await,
    };
    match connected {
        Ok(stream) => {
            let server = server.insert(stream);
            Relay::new((client, server), lab, &channel, &mut timer, rng, opened).run().await
        }
        Err(error) => {
            lab.counters.failed(&error);
            lab.counters.upstream_failed.fetch_add(1, Relaxed);
            // A refusal by the real server would take a round trip.
            timer.until(opened + channel.orders().network(opened).rtt).await;
            Outcome::Reset
        }
    }
}

/// Waits while a black hole is active: a SYN does not pass it, and is retransmitted until it does. Returns whether
/// there was a black hole.
async fn wait_for_black_hole(channel: &OrderChannel, timer: &mut Timer) -> bool {
    let mut waited = false;
    poll_fn(|context| {
        while let Some(until) = channel.listen(context.waker()).black_hole() {
            waited = true;
            std::task::ready!(timer.poll(until, context));
        }
        Poll::Ready(waited)
    })
    .await
}

async fn end(ending: Ending, client: &mut TcpStream) -> Outcome {
    match ending {
        Ending::Reset => Outcome::Reset,
        Ending::Cut => {
            let _ = client.shutdown().await;
            Outcome::Cut
        }
    }
}

async fn connect(upstream: SocketAddr, channel: &OrderChannel) -> io::Result<TcpStream> {
    let socket = if upstream.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if channel.orders().reads_per_s().is_some() {
        socket.set_recv_buffer_size(SLOW_READER_BUFFER)?;
    }
    let stream = socket.connect(upstream).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends an RST to both sides: a socket with zero linger does that when it is closed.
fn reset(client: &TcpStream, server: Option<&TcpStream>) {
    for stream in [Some(client), server].into_iter().flatten() {
        let _ = stream.set_zero_linger();
    }
}

/// Waits until both sides have closed, at most [`LINGER`].
async fn linger(client: &TcpStream, server: Option<&TcpStream>) {
    let both = async {
        drain(client).await;
        if let Some(server) = server {
            drain(server).await;
        }
    };
    let _ = tokio::time::timeout(LINGER, both).await;
}

async fn drain(stream: &TcpStream) {
    while stream.readable().await.is_ok() && !has_ended(stream) {
        tokio::task::consume_budget().await;
    }
}

/// Reads and discards data. Returns whether the stream has ended.
fn has_ended(stream: &TcpStream) -> bool {
    match stream.try_read(&mut [0; 4096]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}
