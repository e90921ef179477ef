//! A connection from its first moment to its last.

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

use crate::alarm::Alarm;
use crate::answer;
use crate::lab::{Lab, Welcome};
use crate::line::{Ending, Line};
use crate::relay::{Over, Relay};
use crate::stats::Gauge;

/// The receive buffer towards the server for a slow reader (the kernel doubles it): it would hide the slowness.
const SLOW_READERS_BUFFER: u32 = 4096;

/// Takes a connection to its end, or to the end of the proxy.
pub(crate) async fn serve(mut client: TcpStream, welcome: Welcome, lab: Arc<Lab>, stop: CancellationToken) {
    let _open = Gauge::new(&lab.counters.open, 1);
    let mut server = None;
    let guest = Guest { lab: &lab, number: welcome.number };
    let over = tokio::select! {
        over = lead(&mut client, &mut server, welcome, &lab) => over,
        () = stop.cancelled() => return,
    };
    drop(guest);
    match over {
        Over::Closed => {}
        Over::Reset => reset(&client, server.as_ref()),
        Over::Cut => tokio::select! {
            () = linger(&client, server.as_ref()) => {}
            () = stop.cancelled() => {}
        },
    }
}

/// A connection that faults can hit.
struct Guest<'a> {
    lab: &'a Lab,
    number: u64,
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.lab.farewell(self.number);
    }
}

/// Leads it on to the server, or does with it what a fault in course wants.
async fn lead(client: &mut TcpStream, server: &mut Option<TcpStream>, welcome: Welcome, lab: &Lab) -> Over {
    let Welcome { accepted, line, rng, answer, .. } = welcome;
    let mut alarm = lab.alarms.alarm();
    let opened = if pass_hole(&line, &mut alarm).await { clock::now() } else { accepted };
    if let Some(ending) = line.orders().ending {
        return end(ending, client).await;
    }
    if let Some(kind) = answer {
        return tokio::select! {
            over = answer::give(client, kind, &line, &mut alarm, opened) => over,
            _ = line.ended() => Over::Reset,
        };
    }
    let connected = tokio::select! {
        connected = connect(lab.upstream, &line) => connected,
        ending = line.ended() => return end(ending, client).await,
    };
    match connected {
        Ok(stream) => {
            let server = server.insert(stream);
            Relay::new((client, server), lab, &line, &mut alarm, rng, opened).run().await
        }
        Err(error) => {
            lab.counters.failed(&error);
            lab.counters.upstream_failed.fetch_add(1, Relaxed);
            // The server's refusal would have taken a round trip.
            alarm.until(opened + line.orders().settings.network.rtt).await;
            Over::Reset
        }
    }
}

/// A SYN does not pass a hole; it is repeated until it does. Tells whether there was one.
async fn pass_hole(line: &Line, alarm: &mut Alarm) -> bool {
    let mut waited = false;
    poll_fn(|context| {
        while let Some(until) = line.listen(context.waker()).hole() {
            waited = true;
            std::task::ready!(alarm.poll(until, context));
        }
        Poll::Ready(waited)
    })
    .await
}

async fn end(ending: Ending, client: &mut TcpStream) -> Over {
    match ending {
        Ending::Reset => Over::Reset,
        Ending::Cut => {
            let _ = client.shutdown().await;
            Over::Cut
        }
    }
}

async fn connect(upstream: SocketAddr, line: &Line) -> io::Result<TcpStream> {
    let socket = if upstream.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if line.orders().reads_per_s().is_some() {
        socket.set_recv_buffer_size(SLOW_READERS_BUFFER)?;
    }
    let stream = socket.connect(upstream).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// RST to both sides: what a close does when the socket may not linger.
fn reset(client: &TcpStream, server: Option<&TcpStream>) {
    for stream in [Some(client), server].into_iter().flatten() {
        let _ = stream.set_zero_linger();
    }
}

/// Waits until both sides have closed, but not for long.
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

/// Reads and forgets.
fn has_ended(stream: &TcpStream) -> bool {
    match stream.try_read(&mut [0; 4096]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}
