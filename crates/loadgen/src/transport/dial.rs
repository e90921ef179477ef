//! How a client connects to its server: it tries the addresses of a name one after the other, disables Nagle's
//! algorithm, and adds TLS if the URL asks for it.

use std::fmt::{self, Display};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use feedlab_experiment::record::Failure;
use feedlab_experiment::scenario::Http;
use feedlab_feed::clock;
use tokio::net::TcpSocket;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::head::Headed;
use super::leg::{Counted, Leg};
use super::pace::{RECEIVE_BUFFER, Slow};
use super::stream::Stream;
use super::{Client, Link, tls};
use crate::observer::{ClientError, Opened};

/// The timeout of a TCP connect, and of a TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the connections of one client.
#[derive(Clone)]
pub(super) struct Dialer {
    /// The address to connect from; any, if `None`.
    source: Option<IpAddr>,
    /// How many bytes are read per second; `None` reads everything at once.
    reads_per_s: Option<u64>,
    /// The HTTP version that the connections are for.
    pub(super) http: Http,
    /// The TLS settings; `None` if no certificate is trusted.
    tls: Option<TlsConnector>,
    /// Counts what the connections carry.
    leg: Leg,
    /// Whether to find the end of the first response head.
    finds_heads: bool,
}

/// A connection that was just opened.
#[derive(Debug)]
pub(super) struct Dialed {
    pub(super) stream: Stream,
    pub(super) times: Times,
}

/// The times of opening a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// When the TCP connect, or the wait for another client's, started.
    pub(super) began: Instant,
    /// The duration of the TCP connect, µs.
    pub(super) connect_us: Option<u64>,
    /// The duration of the TLS handshake, µs.
    pub(super) tls_us: Option<u64>,
}

impl Times {
    /// The times of a client that uses an existing connection, and may have waited for it.
    pub(super) const fn of_existing(began: Instant) -> Self {
        Self { began, connect_us: None, tls_us: None }
    }

    /// The times up to now, when the first response head has arrived. Its request was ready to be sent at `asked`.
    pub(super) fn opened(&self, asked: Instant) -> Opened {
        let now = clock::now();
        Opened {
            connect_us: self.connect_us,
            tls_us: self.tls_us,
            request_us: clock::micros(now.duration_since(asked)),
            open_us: clock::micros(now.duration_since(self.began)),
        }
    }
}

impl Dialer {
    pub(super) fn new(client: &Client) -> Self {
        let http = client.link.http;
        let tls = client.link.tls.as_ref().map(|tls| tls.of_a_client(http));
        let Link { leg, finds_heads, .. } = &client.link;
        Self {
            source: client.source,
            reads_per_s: client.reads_per_s,
            http,
            tls,
            leg: leg.clone(),
            finds_heads: *finds_heads,
        }
    }

    /// Connects to the server of a URL. Resolving the name is not part of the connect time.
    pub(super) async fn dial(&self, url: &Url) -> Result<Dialed, ClientError> {
        let addresses = resolve(url).await.map_err(failed)?;
        let mut last = io::Error::other(format!("`{}` has no address", url.host_str().unwrap_or_default()));
        for address in addresses {
            let began = clock::now();
            match self.connect(address).await {
                Ok(stream) => {
                    let connect_us = Some(clock::micros(began.elapsed()));
                    let dialed = self.secure(url, stream, Times { began, connect_us, tls_us: None }).await?;
                    return Ok(self.pace(dialed));
                }
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Counted> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(source) = self.source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        if self.reads_per_s.is_some() {
            // Before the connect, because the handshake negotiates it.
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        let connected = timeout(CONNECT_TIMEOUT, socket.connect(address)).await;
        let stream = connected.map_err(|_| io::ErrorKind::TimedOut)??;
        stream.set_nodelay(true)?;
        Ok(Counted::new(stream, self.leg.clone()))
    }

    fn pace(&self, Dialed { stream, times }: Dialed) -> Dialed {
        let stream = match self.reads_per_s {
            Some(bytes_per_s) => Stream::Slow(Box::new(Slow::new(stream, bytes_per_s))),
            None if self.finds_heads => Stream::Headed(Box::new(Headed::new(stream, self.http))),
            None => stream,
        };
        Dialed { stream, times }
    }

    /// The TLS handshake, if the URL asks for one.
    async fn secure(&self, url: &Url, stream: Counted, mut times: Times) -> Result<Dialed, ClientError> {
        if !matches!(url.scheme(), "https" | "wss") {
            return Ok(Dialed { stream: Stream::Plain(stream), times });
        }
        let Some(connector) = &self.tls else {
            return Err(failed(format_args!("{} needs TLS, and no certificate is trusted here", url.scheme())));
        };
        let began = clock::now();
        let secured = timeout(CONNECT_TIMEOUT, tls::handshake(connector, host(url), self.http, stream)).await;
        let secured = secured.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let version = if self.http == Http::V2 { "HTTP/2" } else { "HTTP/1.1" };
        let stream = secured.map_err(|why| failed(format_args!("the TLS handshake for {version} failed: {why}")))?;
        times.tls_us = Some(clock::micros(began.elapsed()));
        Ok(Dialed { stream: Stream::Tls(Box::new(stream)), times })
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, reads_per_s, http, tls, leg: _, finds_heads } = self;
        let mut dialer = f.debug_struct("Dialer");
        dialer.field("source", source).field("reads_per_s", reads_per_s).field("http", http);
        dialer.field("tls", &tls.is_some()).field("finds_heads", finds_heads).finish()
    }
}

/// The host name or address, without the brackets of IPv6.
fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_matches(['[', ']'])
}

async fn resolve(url: &Url) -> io::Result<impl Iterator<Item = SocketAddr>> {
    let port = url.port_or_known_default().unwrap_or(80);
    tokio::net::lookup_host((host(url), port)).await.map(|addresses| addresses.collect::<Vec<_>>().into_iter())
}

fn failed(why: impl Display) -> ClientError {
    ClientError::new(Failure::Connect, why)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn dial(url: &str, source: Option<&str>) -> Result<Dialed, ClientError> {
        let url = Url::parse(url).unwrap();
        let mut client = Client::new(url.clone(), 1);
        client.source = source.map(|source| source.parse().unwrap());
        Dialer::new(&client).dial(&url).await
    }

    fn plain(dialed: Dialed) -> (Counted, Times) {
        let Stream::Plain(stream) = dialed.stream else { panic!("{:?} is not plain", dialed.stream) };
        (stream, dialed.times)
    }

    #[tokio::test]
    async fn every_address_of_a_name_is_tried_and_the_connect_is_timed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // If the name also resolves to ::1, that connection is refused first.
        let url = format!("http://localhost:{}/feed", listener.local_addr().unwrap().port());
        let (stream, times) = plain(dial(&url, None).await.unwrap());
        assert_eq!(stream.socket().peer_addr().unwrap(), listener.local_addr().unwrap());
        let opened = times.opened(clock::now());
        assert!(
            stream.socket().nodelay().unwrap()
                && opened.connect_us.unwrap() <= opened.open_us
                && opened.tls_us.is_none()
        );
    }

    #[tokio::test]
    async fn an_unreachable_server_is_a_failed_connect() {
        let error = dial("http://127.0.0.1:1/", None).await.unwrap_err();
        assert!(error.failure == Failure::Connect && error.detail.contains("refused"), "{error}");
    }

    #[tokio::test]
    async fn a_client_may_connect_from_its_own_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stream, _) = plain(dial(&url, Some("127.0.0.1")).await.unwrap());
        assert_eq!(stream.socket().local_addr().unwrap().ip().to_string(), "127.0.0.1");
    }

    #[tokio::test]
    async fn without_a_trusted_certificate_nothing_is_encrypted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let error = dial(&format!("https://{}", listener.local_addr().unwrap()), None).await.unwrap_err();
        assert!(error.failure == Failure::Connect && error.detail.contains("no certificate is trusted"), "{error}");
    }
}
