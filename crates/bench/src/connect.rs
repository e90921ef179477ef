//! Connections to the server under test, from as many addresses as their number needs, and the requests that open a stream.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use socket2::{Domain, Protocol, Socket, Type};

/// A head is short; what is longer is not the answer of a server that works.
const MAX_HEAD: usize = 16 * 1024;
/// How long an answer may take. A server that is starting 5,000 connections is slow, one that takes this long is stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the server is.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// The server's address
    #[arg(long)]
    pub addr: SocketAddr,
    /// Path and query of the endpoint
    #[arg(long)]
    pub path: String,
    /// Connect from this many addresses in turn (127.0.0.2, 127.0.0.3, …); 0 leaves the choice to the kernel
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=200))]
    pub sources: u8,
    /// A header line of each request (repeatable)
    #[arg(long = "header")]
    pub headers: Vec<String>,
}

/// A stream that a server keeps open.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Stream {
    /// Server-Sent Events
    Sse,
    /// A WebSocket
    Websocket,
}

impl Target {
    /// Connects; `index` selects the source address.
    pub fn connect(&self, index: usize) -> Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(self.addr), Type::STREAM, Some(Protocol::TCP))?;
        if self.sources > 0 {
            // Otherwise the ports of the previous server's connections are in use for another minute.
            socket.set_reuse_address(true)?;
            let last = 2 + u8::try_from(index % usize::from(self.sources)).unwrap_or(0);
            socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)).into())?;
        }
        socket.connect(&self.addr.into()).with_context(|| format!("connection {index} to {}", self.addr))?;
        socket.set_tcp_nodelay(true)?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Returns a GET request with these header lines.
    #[must_use]
    pub fn get(&self, path: &str, headers: &[&str]) -> Vec<u8> {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.addr);
        for header in headers.iter().copied().chain(self.headers.iter().map(String::as_str)) {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        request.into_bytes()
    }

    /// Connects and opens a stream: the answer's head has been read.
    pub fn open(&self, stream: Stream, index: usize) -> Result<TcpStream> {
        let mut connection = self.connect(index)?;
        self.open_on(&mut connection, stream).with_context(|| format!("stream {index}"))?;
        Ok(connection)
    }

    /// Opens a stream on a connection, which may be TLS.
    pub fn open_on(&self, connection: &mut (impl Read + Write), stream: Stream) -> Result<()> {
        let (headers, status): (&[&str], _) = match stream {
            Stream::Sse => (&["Accept: text/event-stream"], "200"),
            // The key is the example of RFC 6455, section 1.3: nobody checks the answer to it here.
            Stream::Websocket => (
                &[
                    "Upgrade: websocket",
                    "Connection: Upgrade",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                    "Sec-WebSocket-Version: 13",
                ],
                "101",
            ),
        };
        connection.write_all(&self.get(&self.path, headers))?;
        let head = head(connection)?;
        let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or(&[])).into_owned();
        ensure!(line.split(' ').nth(1) == Some(status), "the server answered `{line}`, and not {status}");
        Ok(())
    }
}

/// Reads until the end of a head. Returns everything that was read, which may be more.
pub fn head(connection: &mut impl Read) -> Result<Vec<u8>> {
    let (mut read, mut piece) = (Vec::new(), [0; 2048]);
    while memchr::memmem::find(&read, b"\r\n\r\n").is_none() {
        ensure!(read.len() < MAX_HEAD, "the head of an answer has more than {MAX_HEAD} bytes");
        match connection.read(&mut piece).with_context(|| format!("no answer within {PATIENCE:?}"))? {
            0 => bail!("the server closed the connection instead of answering"),
            bytes => read.extend_from_slice(&piece[..bytes]),
        }
    }
    Ok(read)
}
