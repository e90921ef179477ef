//! Clients that poll over kept connections, all on one thread and one epoll: long polls that follow a feed, and short polls
//! that ask the same question again as soon as it is answered.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::clock::now_ns;
use crate::connect::{self, Target};
use crate::publisher::{Publication, Publisher};
use crate::report::{Recorder, Report};
use crate::stamp::Scanner;
use crate::streams::{is_over, wait};

/// An answer longer than this is not one of a benchmark.
const MAX_ANSWER: usize = 1 << 20;

/// What is known of an answer that has arrived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Where its body begins.
    pub body: usize,
    /// Where it ends.
    pub end: usize,
}

impl Answer {
    /// Parses what a connection has received; `None` if more is to come.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        ensure!(bytes.len() <= MAX_ANSWER, "an answer has more than {MAX_ANSWER} bytes");
        let Some(body) = memchr::memmem::find(bytes, b"\r\n\r\n").map(|end| end + 4) else { return Ok(None) };
        let head = std::str::from_utf8(&bytes[..body]).context("the head of an answer is not text")?;
        let status = head.get(9..12).and_then(|status| status.parse().ok()).context("an answer has no status")?;
        let length = match status {
            204 | 304 => 0,
            _ => length(head).with_context(|| format!("an answer has no length: {head}"))?,
        };
        let end = body.saturating_add(length);
        Ok((bytes.len() >= end).then_some(Self { status, body, end }))
    }
}

fn length(head: &str) -> Option<usize> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .find_map(|(_, value)| value.trim().parse().ok())
}

/// Returns the cursor in a poll's body.
pub fn cursor(body: &[u8]) -> Result<&str> {
    let start = memchr::memmem::rfind(body, b"\"next\":\"").context("an answer has no cursor")? + 8;
    let length = memchr::memchr(b'"', &body[start..]).context("a cursor has no end")?;
    Ok(std::str::from_utf8(&body[start..start + length])?)
}

/// Parks a long poll: asks for the cursor, and then for what comes after it.
pub fn park(target: &Target, connection: &mut (impl Read + Write)) -> Result<()> {
    connection.write_all(&target.get(&format!("{}?hold=0s", target.path), &[]))?;
    let answer = connect::head(connection)?;
    let parsed = Answer::parse(&answer)?.context("a long poll without a hold is answered in pieces")?;
    connection.write_all(&after(target, cursor(&answer[parsed.body..])?))?;
    Ok(())
}

fn after(target: &Target, cursor: &str) -> Vec<u8> {
    target.get(&format!("{}?after={cursor}&hold=60s", target.path), &[])
}

/// Kept connections.
#[derive(Debug)]
pub struct Polls {
    poll: Poll,
    clients: Vec<Client>,
    target: Target,
}

#[derive(Debug)]
struct Client {
    connection: TcpStream,
    received: Vec<u8>,
}

impl Polls {
    /// Connects, one client after the other. With `parked`, each also has a long poll waiting.
    pub fn connect(target: Target, clients: usize, parked: bool) -> Result<Self> {
        let poll = Poll::new()?;
        let mut open = Vec::with_capacity(clients);
        for index in 0..clients {
            let mut connection = target.connect(index)?;
            if parked {
                park(&target, &mut connection).with_context(|| format!("long poll {index}"))?;
            }
            connection.set_nonblocking(true)?;
            let mut connection = TcpStream::from_std(connection);
            poll.registry().register(&mut connection, Token(index), Interest::READABLE)?;
            open.push(Client { connection, received: Vec::new() });
        }
        Ok(Self { poll, clients: open, target })
    }

    /// Follows the feed with long polls until everything has arrived everywhere, or nothing has for a while.
    pub fn follow(mut self, what: Publication, stop: &AtomicBool) -> Result<Report> {
        let publisher = (what.rate > 0.0).then(|| Publisher::start(self.target.addr, what)).transpose()?;
        let mut recorder = Recorder::start()?;
        loop {
            self.turn(&mut recorder, |target, answer, body, recorder, now| {
                ensure!(answer.status == 200, "a long poll was answered with {}", answer.status);
                Scanner::default().scan(body, |stamped| recorder.update(stamped, now));
                Ok(after(target, cursor(body)?))
            })?;
            let sent = publisher
                .as_ref()
                .map_or_else(|| stop.load(Ordering::Acquire).then_some(u64::MAX), Publisher::finished);
            if sent.is_some_and(|sent| is_over(&recorder, sent.saturating_mul(self.clients.len() as u64))) {
                break;
            }
        }
        let mut report = recorder.finish();
        report.published = publisher.map_or(Ok(0), Publisher::join)?;
        Ok(report)
    }

    /// Asks the same again for this long, and expects this status.
    pub fn repeat(mut self, seconds: f64, status: u16) -> Result<Report> {
        let request = self.target.get(&self.target.path, &[]);
        let end_ns = now_ns() + u64::try_from(Duration::from_secs_f64(seconds).as_nanos())?;
        let mut recorder = Recorder::start()?;
        for client in &mut self.clients {
            client.connection.write_all(&request)?;
        }
        while now_ns() < end_ns {
            self.turn(&mut recorder, |_, answer, _, _, _| {
                ensure!(answer.status == status, "a poll was answered with {}, and not {status}", answer.status);
                Ok(request.clone())
            })?;
        }
        Ok(recorder.finish())
    }

    /// Reads what has arrived. For each answer that is whole, `next` returns the request that follows.
    fn turn(
        &mut self,
        recorder: &mut Recorder,
        mut next: impl FnMut(&Target, Answer, &[u8], &mut Recorder, u64) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let mut events = Events::with_capacity(2048);
        wait(&mut self.poll, &mut events)?;
        for event in &events {
            let client = &mut self.clients[event.token().0];
            if !client.fill(recorder)? {
                continue;
            }
            if let Some(answer) = Answer::parse(&client.received)? {
                recorder.report.answers += 1;
                let body = &client.received[answer.body..answer.end];
                let now = recorder.last_ns;
                let request = next(&self.target, answer, body, recorder, now)?;
                client.received.clear();
                client.connection.write_all(&request).context("a request does not fit into its socket")?;
            }
        }
        Ok(())
    }
}

impl Client {
    /// Reads everything that has arrived. Returns whether something had.
    fn fill(&mut self, recorder: &mut Recorder) -> Result<bool> {
        let mut piece = [0; 4096];
        loop {
            match self.connection.read(&mut piece) {
                Ok(0) => bail!("the server closed a polling connection"),
                Ok(bytes) => {
                    recorder.read(bytes, now_ns());
                    self.received.extend_from_slice(&piece[..bytes]);
                    if bytes < piece.len() {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(!self.received.is_empty()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_at_its_last_byte() {
        let text = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        for end in 0..text.len() {
            assert_eq!(Answer::parse(&text[..end]).unwrap(), None, "{end} bytes");
        }
        assert_eq!(Answer::parse(text).unwrap(), Some(Answer { status: 200, body: 38, end: 43 }));
    }

    #[test]
    fn an_answer_without_a_body_needs_no_length() {
        let answer = Answer::parse(b"HTTP/1.1 304 Not Modified\r\nETag: \"k3f9.8\"\r\n\r\n").unwrap().unwrap();
        assert_eq!((answer.status, answer.body), (304, answer.end));
        assert!(Answer::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn the_cursor_is_the_last_field_of_that_name() {
        let body =
            br#"{"updates":[{"seq":8,"at":1,"type":"tick","data":"{\"next\":\"x\"}"}],"next":"k3f9.8","gap":null}"#;
        assert_eq!(cursor(body).unwrap(), "k3f9.8");
        assert!(cursor(b"{}").is_err());
    }
}
