//! The accept loop, and the port that it closes when connections are to be refused.

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

/// Pause after a failed accept or bind: with a full descriptor table the next one fails as well until something closes.
const RETRY: Duration = Duration::from_millis(20);

/// Listens with room for a storm of connections.
///
/// # Errors
/// When the address cannot be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bind(address)?.listen(BACKLOG)
}

/// Accepts connections until shutdown, each in a task of its own, which ends with `gone` at the latest.
pub(crate) async fn accept(
    mut listener: TcpListener,
    lab: Arc<Lab>,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
    gone: &CancellationToken,
) -> io::Result<()> {
    let mut refusing = lab.refuse_until.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            until = refused(&mut refusing) => {
                match closed(listener, until, &lab, &mut refusing, shutdown).await? {
                    Some(again) => listener = again,
                    None => return Ok(()),
                }
                continue;
            }
            () = shutdown.cancelled() => return Ok(()),
        };
        match accepted {
            Ok((client, _)) => {
                let _ = client.set_nodelay(true);
                tasks.spawn(connection::serve(client, lab.welcome(), lab.clone(), gone.clone()));
            }
            Err(error) if is_clients_fault(&error) => {}
            Err(error) => {
                lab.counters.failed(&error);
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// The client was gone before it was accepted: accept(2) reports such errors of the new socket.
fn is_clients_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Waits until connections are to be refused.
async fn refused(refusing: &mut watch::Receiver<Option<Instant>>) -> Instant {
    loop {
        if let Some(until) = refusing.borrow_and_update().filter(|until| *until > clock::now()) {
            return until;
        }
        if refusing.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Closes the port until then, and opens it again; `None` if the proxy ends meanwhile.
///
/// Meanwhile a socket that does not listen keeps the port: the kernel answers a SYN with an RST as it does without, but
/// gives the port to nobody else, and not to a client for its own end either, which would then be connected to itself.
async fn closed(
    listener: TcpListener,
    until: Instant,
    lab: &Lab,
    refusing: &mut watch::Receiver<Option<Instant>>,
    shutdown: &CancellationToken,
) -> io::Result<Option<TcpListener>> {
    let address = listener.local_addr()?;
    drop(listener);
    let keeper = tokio::select! {
        keeper = keep(address) => keeper,
        () = shutdown.cancelled() => return Ok(None),
    };
    lab.listening.send_replace(false);
    tokio::select! {
        () = over(until, refusing) => {}
        () = shutdown.cancelled() => return Ok(None),
    }
    let listener = keeper.listen(BACKLOG)?;
    lab.listening.send_replace(true);
    Ok(Some(listener))
}

/// Waits until the time is over, which may be changed meanwhile.
async fn over(mut until: Instant, refusing: &mut watch::Receiver<Option<Instant>>) {
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

/// Binds the port again. Another program may be faster; then it is tried until that one lets go.
async fn keep(address: SocketAddr) -> TcpSocket {
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
