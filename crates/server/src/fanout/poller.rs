//! A connection on which a client polls or publishes: between two requests, while a long poll is held, or while its
//! answer waits for the socket.
//!
//! It is nothing but a socket and a few words of state. Requests of the usual form are answered from here
//! (`direct.rs`); with anything else, the connection returns to the HTTP library until that is answered.

use std::io;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use feedlab_feed::{Transport, clock};
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue::Key;

use crate::direct::{Answer, Direct, Step};
use crate::limits::{HEADER_TIMEOUT, MAX_PIPELINED_BYTES};
use crate::meter::Active;
use crate::socket::Socket;
use crate::transport::Updates;

pub(super) struct Poller {
    socket: Socket,
    state: State,
    /// When the state began, or last made progress.
    since: Instant,
    /// What was read behind the last request.
    rest: Bytes,
    /// Whether there may be input that has not been read.
    has_input: bool,
    /// Whether the connection ends after the present answer: the client has closed its side, or the server shuts down.
    is_ending: bool,
}

enum State {
    Idle,
    /// A long poll waits for an update after a `seq`.
    Held {
        seq: u64,
        timer: Option<Key>,
        _active: Active,
    },
    /// The socket has not accepted the whole answer.
    Sending {
        piece: Bytes,
        long: Option<Box<Updates>>,
    },
}

/// What a shard does with the connection.
pub(super) enum Next {
    Stay,
    /// Gracefully, so that the last answer arrives.
    Close,
    /// The client is gone.
    Drop,
    /// Returns it to the HTTP library, with what was read of a request.
    Library(Bytes),
}

/// What the connections of a shard share.
pub(super) struct Desk {
    pub(super) direct: Direct,
    /// The places whose hold ends.
    pub(super) holds: DelayQueue<usize>,
    pub(super) buffer: Box<[u8]>,
    /// For how long a client may read nothing of an answer.
    pub(super) patience: Duration,
}

impl Poller {
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket, state: State::Idle, since: clock::now(), rest: Bytes::new(), has_input: false, is_ending: false }
    }

    pub(super) const fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Takes the socket from a connection that the shard no longer serves.
    pub(super) fn into_socket(self, desk: &mut Desk) -> Socket {
        if let State::Held { timer: Some(timer), .. } = self.state {
            desk.holds.try_remove(&timer);
        }
        self.socket
    }

    /// The socket is ready: for reading if there is input, and otherwise for more of the answer.
    pub(super) fn ready(&mut self, (has_input, is_ending): (bool, bool), place: usize, desk: &mut Desk) -> Next {
        self.has_input |= has_input;
        self.is_ending |= is_ending;
        self.go_on(place, desk)
    }

    /// There is an update, which a held poll gets.
    pub(super) fn publish(&mut self, place: usize, desk: &mut Desk) -> Next {
        let State::Held { seq, .. } = self.state else { return Next::Stay };
        let Some(answer) = desk.direct.after_wait(seq) else { return Next::Stay };
        self.release(answer, place, desk)
    }

    /// The timer of the hold has expired. Its key may become that of another, so it must not be removed later.
    pub(super) fn expired(&mut self, place: usize, desk: &mut Desk) -> Next {
        if let State::Held { timer, .. } = &mut self.state {
            *timer = None;
        }
        self.hold_ended(place, desk)
    }

    /// The hold has ended without an update.
    fn hold_ended(&mut self, place: usize, desk: &mut Desk) -> Next {
        let State::Held { .. } = self.state else { return Next::Stay };
        let answer = desk.direct.hold_ended();
        self.release(answer, place, desk)
    }

    /// The server shuts down: what is being answered is the last request (RFC 9112, section 9.6).
    pub(super) fn close(&mut self, place: usize, desk: &mut Desk) -> Next {
        self.rest = Bytes::new();
        self.ready((true, true), place, desk)
    }

    /// Ends a connection that was idle for too long, or whose client reads nothing.
    pub(super) fn check_pace(&self, now: Instant, patience: Duration) -> Next {
        let waited = now.saturating_duration_since(self.since);
        match self.state {
            State::Idle if waited >= HEADER_TIMEOUT => Next::Close,
            State::Sending { .. } if waited >= patience => {
                self.socket.reset_on_close();
                Next::Drop
            }
            _ => Next::Stay,
        }
    }

    fn release(&mut self, answer: Answer, place: usize, desk: &mut Desk) -> Next {
        match self.answer_held(answer, desk) {
            Ok(()) => self.go_on(place, desk),
            Err(_) => Next::Drop,
        }
    }

    fn answer_held(&mut self, answer: Answer, desk: &mut Desk) -> io::Result<()> {
        if let State::Held { timer: Some(timer), .. } = std::mem::replace(&mut self.state, State::Idle) {
            desk.holds.try_remove(&timer);
        }
        self.send(answer)
    }

    /// Does what can be done now.
    fn go_on(&mut self, place: usize, desk: &mut Desk) -> Next {
        loop {
            let done = match self.state {
                State::Held { .. } if self.is_ending => {
                    let answer = desk.direct.hold_ended();
                    self.answer_held(answer, desk).map(|()| true)
                }
                State::Held { .. } => return Next::Stay,
                State::Sending { .. } => self.send_more(),
                State::Idle if self.has_input || !self.rest.is_empty() => match self.read(place, desk) {
                    Ok(Some(library)) => return Next::Library(library),
                    read => read.map(|_| true),
                },
                State::Idle if self.is_ending => return Next::Close,
                State::Idle => return Next::Stay,
            };
            match done {
                Ok(true) => {}
                Ok(false) => return Next::Stay,
                Err(_) => return Next::Drop,
            }
        }
    }

    /// Reads a request and answers it, or lets it wait. Returns what was read if it is for the HTTP library.
    fn read(&mut self, place: usize, desk: &mut Desk) -> io::Result<Option<Bytes>> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            return self.answer(&rest, place, desk);
        }
        let Poll::Ready(read) = self.socket.receive(&mut desk.buffer)? else {
            self.has_input = false;
            return Ok(None);
        };
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // A socket that has less than was asked for has no more. Any other could keep the shard from all others for as long
        // as its client sends.
        self.has_input = false;
        if read == desk.buffer.len() {
            return Ok(Some(Bytes::copy_from_slice(&desk.buffer)));
        }
        let buffer = std::mem::take(&mut desk.buffer);
        let answered = self.answer(&buffer[..read], place, desk);
        desk.buffer = buffer;
        answered
    }

    /// Answers the first request of an input, or lets it wait.
    fn answer(&mut self, input: &[u8], place: usize, desk: &mut Desk) -> io::Result<Option<Bytes>> {
        let (request, len) = match desk.direct.read(input) {
            Some((request, len)) if input.len() - len <= MAX_PIPELINED_BYTES => (request, len),
            _ => return Ok(Some(Bytes::copy_from_slice(input))),
        };
        if let Some(transport) = request.transport() {
            self.socket.meter().count_for(transport);
        }
        let step = desk.direct.answer(&request);
        if let Step::Library = step {
            return Ok(Some(Bytes::copy_from_slice(input)));
        }
        self.rest = Bytes::copy_from_slice(&input[len..]);
        match step {
            Step::Answer(answer) => self.send(answer)?,
            Step::Wait { seq, hold } => {
                let timer = Some(desk.holds.insert(place, hold));
                let _active = self.socket.meter().count_for(Transport::LongPolling).enter();
                self.state = State::Held { seq, timer, _active };
            }
            Step::Library => {}
        }
        Ok(None)
    }

    fn send(&mut self, Answer { bytes, tally, long }: Answer) -> io::Result<()> {
        if let Some(endpoint) = self.socket.meter().endpoint() {
            tally.settle(endpoint);
        }
        self.since = clock::now();
        self.state = State::Sending { piece: bytes, long: long.map(Box::new) };
        self.send_more().map(|_| ())
    }

    /// Sends what the socket accepts, and returns whether the answer is complete.
    fn send_more(&mut self) -> io::Result<bool> {
        while let State::Sending { piece, long } = &mut self.state {
            if piece.is_empty() {
                match long.as_mut().and_then(|long| long.next_piece()) {
                    Some(next) => *piece = next.map_err(io::Error::other)?,
                    None => self.state = State::Idle,
                }
                continue;
            }
            let Poll::Ready(written) = self.socket.write(piece)? else { return Ok(false) };
            piece.advance(written);
            self.since = clock::now();
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
