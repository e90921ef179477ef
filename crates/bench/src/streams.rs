//! Subscribers that only listen, over SSE or WebSocket, all on one thread and one epoll.

use std::io::{ErrorKind, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::clock::now_ns;
use crate::connect::{Stream, Target};
use crate::publisher::{Publication, Publisher};
use crate::report::{Recorder, Report};
use crate::stamp::Scanner;

/// After this long without a byte, what has not arrived is lost.
const SILENCE: Duration = Duration::from_secs(2);

/// Open streams.
#[derive(Debug)]
pub struct Streams {
    poll: Poll,
    connections: Vec<(TcpStream, Scanner)>,
    target: Target,
}

impl Streams {
    /// Opens them one after the other.
    pub fn open(target: Target, kind: Stream, clients: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(clients);
        for index in 0..clients {
            let connection = target.open(kind, index)?;
            connection.set_nonblocking(true)?;
            let mut connection = TcpStream::from_std(connection);
            poll.registry().register(&mut connection, Token(index), Interest::READABLE)?;
            connections.push((connection, Scanner::default()));
        }
        Ok(Self { poll, connections, target })
    }

    /// Reads until everything that was published has arrived everywhere, or nothing has for a while. `stop` says that
    /// another process, which publishes, is done.
    pub fn measure(mut self, what: Publication, stop: &AtomicBool) -> Result<Report> {
        let publisher = (what.rate > 0.0).then(|| Publisher::start(self.target.addr, what)).transpose()?;
        let mut recorder = Recorder::start()?;
        let mut events = Events::with_capacity(2048);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            wait(&mut self.poll, &mut events)?;
            for event in &events {
                let (connection, scanner) = &mut self.connections[event.token().0];
                drain(connection, scanner, &mut buffer, &mut recorder)?;
            }
            let sent = publisher
                .as_ref()
                .map_or_else(|| stop.load(Ordering::Acquire).then_some(u64::MAX), Publisher::finished);
            if sent.is_some_and(|sent| is_over(&recorder, sent.saturating_mul(self.connections.len() as u64))) {
                break;
            }
        }
        let mut report = recorder.finish();
        report.published = publisher.map_or(Ok(0), Publisher::join)?;
        Ok(report)
    }
}

/// Waits for events, but not for long: the end is not an event.
pub(crate) fn wait(poll: &mut Poll, events: &mut Events) -> Result<()> {
    match poll.poll(events, Some(Duration::from_millis(50))) {
        Err(error) if error.kind() != ErrorKind::Interrupted => Err(error.into()),
        _ => Ok(()),
    }
}

/// Returns whether everything has arrived, or what has not will not.
pub(crate) fn is_over(recorder: &Recorder, expected: u64) -> bool {
    let silent = Duration::from_nanos(now_ns().saturating_sub(recorder.last_ns)) > SILENCE;
    recorder.report.received >= expected || silent
}

fn drain(connection: &mut TcpStream, scanner: &mut Scanner, buffer: &mut [u8], recorder: &mut Recorder) -> Result<()> {
    loop {
        match connection.read(buffer) {
            Ok(0) => {
                recorder.report.closed += 1;
                return Ok(());
            }
            Ok(bytes) => {
                let now = now_ns();
                recorder.read(bytes, now);
                scanner.scan(&buffer[..bytes], |stamped| recorder.update(stamped, now));
                // epoll is edge-triggered here: a short read has taken everything, and what comes later is another edge.
                if bytes < buffer.len() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                recorder.report.closed += 1;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
    }
}
