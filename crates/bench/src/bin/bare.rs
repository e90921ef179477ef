//! The floor of a fan-out: one thread, one epoll, one `write` of the bare event for each subscriber and update.
//!
//! Every GET becomes an event stream, every POST is written to all of them. No history, no limits, no care for slow readers:
//! not a server, only what the kernel charges for one. `scripts/bench-server` divides by it.

use std::io::{Read, Write};
use std::net::SocketAddr;

use anyhow::{Context, Result};
use clap::Parser;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// Write every POST to every GET
#[derive(Debug, Parser)]
struct Args {
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

const LISTENER: Token = Token(usize::MAX);
const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n";
const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

fn main() -> Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(Args::parse().listen).context("listening")?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    writeln!(std::io::stdout(), "{{\"listening\":\"{}\"}}", listener.local_addr()?)?;
    let mut events = Events::with_capacity(1024);
    let mut clients = Clients::default();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => clients.accept(&poll, &listener)?,
                Token(index) => clients.answer(index)?,
            }
        }
    }
}

/// The connections by their token, and which of them are streams. A closed one keeps its place: this loop lives for one
/// measurement.
#[derive(Default)]
struct Clients {
    connections: Vec<Option<TcpStream>>,
    streams: Vec<usize>,
}

impl Clients {
    fn accept(&mut self, poll: &Poll, listener: &TcpListener) -> Result<()> {
        while let Ok((mut connection, _)) = listener.accept() {
            connection.set_nodelay(true)?;
            poll.registry().register(&mut connection, Token(self.connections.len()), Interest::READABLE)?;
            self.connections.push(Some(connection));
        }
        Ok(())
    }

    /// Reads one request, which is expected to be whole.
    fn answer(&mut self, index: usize) -> Result<()> {
        let mut request = [0; 4096];
        let Some(connection) = &mut self.connections[index] else { return Ok(()) };
        match connection.read(&mut request) {
            Ok(0) => {
                self.connections[index] = None;
                self.streams.retain(|stream| *stream != index);
            }
            Ok(_) if request.starts_with(b"GET") => {
                connection.write_all(STREAM)?;
                self.streams.push(index);
            }
            Ok(bytes) => {
                self.fan_out(&request[..bytes]);
                if let Some(connection) = &mut self.connections[index] {
                    connection.write_all(ACCEPTED)?;
                }
            }
            Err(_) => {}
        }
        Ok(())
    }

    fn fan_out(&mut self, request: &[u8]) {
        let body = memchr::memmem::find(request, b"\r\n\r\n").map_or(request.len(), |end| end + 4);
        let event = [b"id: 1\ndata: ", &request[body..], b"\n\n"].concat();
        for index in &self.streams {
            if let Some(connection) = &mut self.connections[*index] {
                // A subscriber whose socket is full or gone misses the update: the reader reports it as lost.
                let _ = connection.write(&event);
            }
        }
    }
}
