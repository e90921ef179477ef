//! The accept loop, which closes its port while a `refuse` fault is active.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::tcp::BACKLOG;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection;
use crate::lab::Lab;

/// The pause after a failed accept or bind: while the descriptor table is full, the next attempt fails too.
const RETRY: Duration = Duration::from_millis(20);

/// Listens on an address, with a backlog that is large enough for many connections at once.
///
/// # Errors
/// When the address is not available.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bind(address)?.listen(BACKLOG)
}

/// Accepts connections until `shutdown` is cancelled, at most `max_connections` at a time, and handles each in its own
/// task. Cancelling `abort` ends these tasks.
pub(crate) async fn accept(
    (mut listener, max_connections): (TcpListener, usize),
    lab: Arc<Lab>,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
    abort: &CancellationToken,
) -> io::Result<()> {
    let mut refusing = lab.refuse_until.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            until = refusal(&mut refusing) => {
                match refuse(listener, until, &lab, &mut refusing, shutdown).await? {
                    Some(reopened) => listener = reopened,
                    None => return Ok(()),
                }
                continue;
            }
            () = shutdown.cancelled() => return Ok(()),
        };
        match accepted {
            // Dropped, and with it closed.
            Ok(_) if tasks.len() >= max_connections => {}
            Ok((client, _)) => {
                let _ = client.set_nodelay(true);
                tasks.spawn(connection::serve(client, lab.register(), lab.clone(), abort.clone()));
            }
            Err(error) if is_of_new_socket(&error) => {}
            Err(error) => {
                lab.counters.failed(&error);
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Whether an error concerns only the new socket: accept(2) reports this way that the client has already disconnected.
fn is_of_new_socket(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Waits until a `refuse` fault begins, and returns when it ends.
async fn refusal(refusing: &mut watch::Receiver<Option<Instant>>) -> Instant {
    loop {
        if let Some(until) = refusing.borrow_and_update().filter(|until| *until > clock::now()) {
            return until;
        }
        if refusing.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Closes the port until the fault ends, and reopens it. Returns `None` if the proxy shuts down in the meantime.
///
/// In the meantime a socket that does not listen keeps the port bound. The kernel still answers a SYN with an RST, but
/// does not assign the port to another program, or to a client as its local port, which would then connect to itself.
async fn refuse(
    listener: TcpListener,
    until: Instant,
    lab: &Lab,
    refusing: &mut watch::Receiver<Option<Instant>>,
    shutdown: &CancellationToken,
) -> io::Result<Option<TcpListener>> {
    let address = listener.local_addr()?;
    drop(listener);
    let keeper = tokio::select! {
        keeper = rebind(address) => keeper,
        () = shutdown.cancelled() => return Ok(None),
    };
    lab.listening.send_replace(false);
    tokio::select! {
        () = refusal_ended(until, refusing) => {}
        () = shutdown.cancelled() => return Ok(None),
    }
    let listener = keeper.listen(BACKLOG)?;
    lab.listening.send_replace(true);
    Ok(Some(listener))
}

/// Waits until the fault ends; its end may change in the meantime.
async fn refusal_ended(mut until: Instant, refusing: &mut watch::Receiver<Option<Instant>>) {
    while until > clock::now() {
        tokio::select! {
            () = tokio::time::sleep_until(until.into()) => return,
            changed = refusing.changed() => match (changed, *refusing.borrow_and_update()) {
                (Ok(()), Some(later)) => until = later,
                _ => return,
            },
        }
    }
}

/// Binds the port again. If another program has taken it, this retries until the port is free.
async fn rebind(address: SocketAddr) -> TcpSocket {
    loop {
        match bind(address) {
            Ok(socket) => return socket,
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
