//! A port that stays reserved while nothing listens on it.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// The most connections that the kernel queues until they are accepted.
const BACKLOG: u32 = 128;

/// A port of an address of this machine.
///
/// A socket that does not listen keeps the port bound: the kernel refuses connections as if there were no socket, but
/// does not assign the port to another program. Each listener is another socket, which may exist at the same time
/// (`SO_REUSEPORT`, socket(7)).
#[derive(Debug)]
pub(super) struct Port {
    address: SocketAddr,
    _keeper: TcpSocket,
}

impl Port {
    /// Reserves any free port.
    pub(super) fn any(ip: IpAddr) -> io::Result<Self> {
        let keeper = bind((ip, 0).into())?;
        Ok(Self { address: keeper.local_addr()?, _keeper: keeper })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens on the port, until the listener is dropped.
    pub(super) fn listen(&self) -> io::Result<TcpListener> {
        bind(self.address)?.listen(BACKLOG)
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn a_port_refuses_connections_between_two_listeners_and_stays_the_same() {
        let port = Port::any(std::net::Ipv4Addr::LOCALHOST.into()).unwrap();
        let connects = || async { TcpStream::connect(port.address()).await.is_ok() };
        assert!(!connects().await, "nothing listens yet");
        for _ in 0..3 {
            let listener = port.listen().unwrap();
            assert!(connects().await);
            drop(listener);
            assert!(!connects().await);
        }
    }
}
