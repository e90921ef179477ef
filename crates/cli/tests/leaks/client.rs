//! Clients that open an endpoint and close it, in different ways.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::frames;

/// The endpoint that a client opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ShortPoll,
    LongPoll,
    Sse,
    WebSocket,
    /// An event stream on HTTP/2, with prior knowledge.
    SseOnHttp2,
}

/// How a client closes its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Fin,
    Reset,
}

pub(crate) struct Client(TcpStream);

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::ShortPoll, Self::LongPoll, Self::Sse, Self::WebSocket, Self::SseOnHttp2];

    fn request(self) -> Vec<u8> {
        let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
        match self {
            Self::ShortPoll => get("/feed/poll"),
            Self::LongPoll => get("/feed/long-poll?hold=60s"),
            Self::Sse => get("/feed/sse"),
            Self::WebSocket => {
                b"GET /feed/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                    .to_vec()
            }
            Self::SseOnHttp2 => [frames::preface(), frames::get(1, "/feed/sse")].concat(),
        }
    }

    /// Returns what the server's answer contains once the endpoint is open; a long poll has no answer yet.
    const fn sign(self) -> Option<&'static [u8]> {
        match self {
            Self::ShortPoll => Some(b"\"gap\":null}"),
            Self::LongPoll => None,
            Self::Sse | Self::SseOnHttp2 => Some(b"retry: 2000\n\n"),
            Self::WebSocket => Some(b"\r\n\r\n"),
        }
    }

    /// Sends the request for the endpoint, without reading the answer.
    pub(crate) fn connect(self, endpoint: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(endpoint).unwrap();
        stream.write_all(&self.request()).unwrap();
        stream
    }

    /// Opens the endpoint, and waits until it is open.
    pub(crate) fn open(self, endpoint: SocketAddr) -> Client {
        let mut stream = self.connect(endpoint);
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        match self.sign() {
            Some(sign) => read_to(&mut stream, sign),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
        Client(stream)
    }
}

fn read_to(stream: &mut TcpStream, sign: &[u8]) {
    let mut seen = Vec::new();
    while !seen.windows(sign.len()).any(|window| window == sign) {
        let mut piece = [0; 1024];
        let len = stream.read(&mut piece).unwrap();
        assert!(len > 0, "closed after {}", String::from_utf8_lossy(&seen));
        seen.extend(&piece[..len]);
    }
}

impl Client {
    pub(crate) fn close(self, end: End) {
        if end == End::Reset {
            rustix::net::sockopt::set_socket_linger(&self.0, Some(Duration::ZERO)).unwrap();
        }
    }
}
