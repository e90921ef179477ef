//! How a connection is opened, in a check and in an inspection: it tries the addresses of a name one after the other,
//! disables Nagle's algorithm, adds TLS if the URL asks for it, and says how long each step took. Every failure says what
//! to do about it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::text::visible;
use feedlab_loadgen::transport::Tls;
use serde::Serialize;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::rustls::{self, pki_types::ServerName};
use url::Url;

use super::{Connection, OpenError, Socket};
use crate::limits;

/// The receive buffer of a connection that is going to be paused, bytes. Linux doubles it and tunes any other up to
/// megabytes, which would hide for long that nobody reads.
const SMALL_BUFFER: u32 = 4 << 10;

/// The protocols that are offered by default: a case's bytes are HTTP/1.1.
const HTTP_1: &[&[u8]] = &[b"http/1.1"];

/// Opens connections to a server.
#[derive(Clone, Debug)]
pub struct Dialer {
    /// The server's name or address, without the brackets of IPv6.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// The address to connect to in place of the server's.
    pub address: Option<SocketAddr>,
    /// The certificates to trust; `None` connects without TLS.
    pub tls: Option<Tls>,
    /// The protocols to offer in a TLS handshake (ALPN), the preferred first: HTTP/1.1 alone, by default.
    pub protocols: &'static [&'static [u8]],
    /// The time in which a connection must be open.
    pub within: Duration,
    has_small_buffers: bool,
}

/// A socket that is open, and how it was opened.
pub(crate) struct Dialed {
    pub(crate) socket: Socket,
    pub(crate) times: DialTimes,
    pub(crate) encryption: Option<Encryption>,
}

/// How long each step to a connection took, µs.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct DialTimes {
    /// The name lookup; `None` for an address.
    pub dns_us: Option<u64>,
    /// The TCP handshake: a round trip.
    pub tcp_us: u64,
    /// The TLS handshake.
    pub tls_us: Option<u64>,
}

/// What a TLS handshake agreed on.
#[derive(Clone, Debug, Serialize)]
pub struct Encryption {
    /// The version, as in `TLS 1.3`.
    pub version: String,
    /// The protocol that was chosen from what was offered (ALPN), as in `h2`.
    pub alpn: Option<String>,
}

impl Dialer {
    /// Returns a dialer for the server of a URL: `http`, `https`, `ws` or `wss`. The certificates are needed for `https`
    /// and `wss` only.
    ///
    /// # Errors
    /// When the URL's scheme is another, when it names no server, or when it needs certificates and there are none.
    pub fn to(url: &Url, tls: Option<Tls>) -> Result<Self, OpenError> {
        let scheme = url.scheme().to_owned();
        let tls = match (&*scheme, tls) {
            ("http" | "ws", _) => None,
            ("https" | "wss", Some(tls)) => Some(tls),
            ("https" | "wss", None) => return Err(OpenError::NoTrust(scheme)),
            _ => return Err(OpenError::Scheme(scheme)),
        };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let Some(port) = url.port_or_known_default().filter(|_| !host.is_empty()) else {
            return Err(OpenError::NoHost(scheme));
        };
        Ok(Self { host, port, address: None, tls, protocols: HTTP_1, within: limits::OPEN, has_small_buffers: false })
    }

    /// Returns a dialer whose connections have a small receive buffer: a server notices soon that they are paused.
    #[must_use]
    pub fn small_buffers(self) -> Self {
        Self { has_small_buffers: true, ..self }
    }

    /// Opens a connection, which records the times since `began`.
    ///
    /// # Errors
    /// When no address of the name accepts a connection in time, or the TLS handshake fails.
    pub async fn open(&self, began: Instant) -> Result<Connection, OpenError> {
        Ok(Connection::over(self.dial().await?.socket, began))
    }

    /// Opens a socket.
    pub(crate) async fn dial(&self) -> Result<Dialed, OpenError> {
        let dialed = timeout(self.within, self.dial_unbounded());
        dialed.await.map_err(|_| OpenError::Timeout { server: self.name(), within: self.within })?
    }

    async fn dial_unbounded(&self) -> Result<Dialed, OpenError> {
        let began = clock::now();
        let addresses = self.addresses().await?;
        let resolved = clock::now();
        let stream = self.connect(&addresses).await?;
        let connected = clock::now();
        let (socket, encryption) = self.secure(stream).await?;
        let times = DialTimes {
            dns_us: self.is_looked_up().then(|| clock::micros(resolved - began)),
            tcp_us: clock::micros(connected - resolved),
            tls_us: encryption.is_some().then(|| clock::micros(connected.elapsed())),
        };
        Ok(Dialed { socket, times, encryption })
    }

    /// The server as it is named in messages.
    fn name(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Whether the server has a name, whose addresses are not known.
    fn is_looked_up(&self) -> bool {
        self.address.is_none() && self.host.parse::<IpAddr>().is_err()
    }

    /// The addresses to try, those of IPv4 first: a local server often has no other.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, OpenError> {
        if let Some(address) = self.address {
            return Ok(vec![address]);
        }
        let unresolved = |why: String| OpenError::Unresolved(self.host.clone(), why);
        let found = tokio::net::lookup_host((&*self.host, self.port)).await;
        let mut addresses: Vec<_> = found.map_err(|error| unresolved(error.to_string()))?.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        Ok(addresses)
    }

    /// Connects to the first address that accepts. The error is that of the first one.
    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, OpenError> {
        let mut failed = None;
        for address in addresses {
            match self.connect_to(*address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => _ = failed.get_or_insert_with(|| self.failed(&error)),
            }
        }
        Err(failed.unwrap_or_else(|| OpenError::Unresolved(self.host.clone(), "it has no address".into())))
    }

    async fn connect_to(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if self.has_small_buffers {
            // Before the connect, because the handshake negotiates it.
            socket.set_recv_buffer_size(SMALL_BUFFER)?;
        }
        let stream = socket.connect(address).await?;
        // An error only costs time: small writes, as of a pong, are then delayed.
        _ = stream.set_nodelay(true);
        Ok(stream)
    }

    fn failed(&self, error: &io::Error) -> OpenError {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => OpenError::Refused(self.name()),
            _ => OpenError::Unreachable(self.name(), error.to_string()),
        }
    }

    /// The TLS handshake, if there are certificates to trust.
    async fn secure(&self, stream: TcpStream) -> Result<(Socket, Option<Encryption>), OpenError> {
        let Some(tls) = &self.tls else { return Ok((Box::new(stream), None)) };
        let name = ServerName::try_from(self.host.clone());
        let name = name.map_err(|error| OpenError::Handshake(self.name(), error.to_string()))?;
        let secured = tls.connector(self.protocols).connect(name, stream).await;
        let secured = secured.map_err(|error| self.insecure(&error))?;
        let encryption = Encryption::of(secured.get_ref().1);
        Ok((Box::new(secured), Some(encryption)))
    }

    fn insecure(&self, error: &io::Error) -> OpenError {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            Some(rustls::Error::InvalidCertificate(why)) => {
                OpenError::Untrusted(self.name(), visible(&why.to_string()).into_owned())
            }
            _ => OpenError::Handshake(self.name(), visible(&error.to_string()).into_owned()),
        }
    }
}

impl Encryption {
    fn of(session: &rustls::ClientConnection) -> Self {
        let version = session.protocol_version().and_then(|version| version.as_str().map(str::to_owned));
        Self {
            version: version.map_or_else(|| "TLS".to_owned(), |version| version.replace("TLSv1_", "TLS 1.")),
            alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        }
    }
}
