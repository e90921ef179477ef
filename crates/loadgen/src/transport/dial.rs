//! How a client reaches its server: a name's addresses, tried one after the other, and a socket that does not wait.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use feedlab_experiment::record::Failure;
use feedlab_feed::clock;
use reqwest::Url;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::observer::{Opened, Trouble};

/// A connect that takes longer has failed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that was just opened.
#[derive(Debug)]
pub(super) struct Dialed {
    pub(super) stream: TcpStream,
    pub(super) times: Times,
}

/// When a connection was opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// When the TCP connect began.
    pub(super) began: Instant,
    /// How long it took, µs.
    pub(super) connect_us: u64,
    /// How long the TLS handshake took, µs.
    pub(super) tls_us: Option<u64>,
}

impl Times {
    /// The head of the first answer is there now; its request was ready to be sent at `asked`.
    pub(super) fn opened(&self, asked: Instant) -> Opened {
        let now = clock::now();
        Opened {
            connect_us: Some(self.connect_us),
            tls_us: self.tls_us,
            request_us: clock::micros(now.duration_since(asked)),
            open_us: clock::micros(now.duration_since(self.began)),
        }
    }
}

/// Connects to the server of a URL, from a source address if one is given. Finding the addresses of a name is not part
/// of the connect's time.
pub(super) async fn dial(url: &Url, source: Option<IpAddr>) -> Result<Dialed, Trouble> {
    let addresses = resolve(url).await.map_err(failed)?;
    let mut last = io::Error::other(format!("`{}` has no address", url.host_str().unwrap_or_default()));
    for address in addresses {
        let began = clock::now();
        match connect(address, source).await {
            Ok(stream) => {
                let connect_us = clock::micros(began.elapsed());
                return Ok(Dialed { stream, times: Times { began, connect_us, tls_us: None } });
            }
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

async fn resolve(url: &Url) -> io::Result<impl Iterator<Item = SocketAddr>> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(80);
    tokio::net::lookup_host((host, port)).await.map(|addresses| addresses.collect::<Vec<_>>().into_iter())
}

async fn connect(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let connected = timeout(CONNECT_TIMEOUT, socket.connect(address)).await;
    let stream = connected.map_err(|_| io::ErrorKind::TimedOut)??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn failed(error: io::Error) -> Trouble {
    Trouble::new(Failure::Connect, error)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn every_address_of_a_name_is_tried_and_the_connect_is_timed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // Where the name stands for ::1 too, that is refused first.
        let url = format!("http://localhost:{}/feed", listener.local_addr().unwrap().port());
        let Dialed { stream, times } = dial(&Url::parse(&url).unwrap(), None).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
        assert!(stream.nodelay().unwrap() && times.connect_us <= times.opened(clock::now()).open_us);
    }

    #[tokio::test]
    async fn nobody_there_is_a_failed_connect() {
        let trouble = dial(&Url::parse("http://127.0.0.1:1/").unwrap(), None).await.unwrap_err();
        assert!(trouble.failure == Failure::Connect && trouble.detail.contains("refused"), "{trouble}");
    }

    #[tokio::test]
    async fn a_client_may_come_from_an_address_of_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let source = "127.0.0.1".parse().unwrap();
        let dialed = dial(&url, Some(source)).await.unwrap();
        assert_eq!(dialed.stream.local_addr().unwrap().ip(), source);
    }
}
