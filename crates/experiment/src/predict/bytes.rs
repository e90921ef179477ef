//! Bytes on the sockets: what the application wanted to say, and what each transport wraps around it.
//!
//! Sizes come from the encoders ([`super::sizes`]) and from the heads as the libraries write them ([`super::heads`]);
//! how often each is sent comes from [`super::requests`]. Numbers that are written with more digits as a run goes on
//! (cursors, content lengths) count with the digits of their mean.

use feedlab_feed::wire::websocket::{self, MASK, Opcode};
use feedlab_feed::wire::{poll, sse};
use feedlab_feed::{Cursor, Transport};

use super::heads::{Answer, answer, request};
use super::requests::Traffic;
use super::sizes::{Sizes, digits};
use crate::scenario::{Contender, Headers, Options};

/// One client's bytes. Their sum is what passes the server's socket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bytes {
    /// From the client.
    pub(super) up: f64,
    /// To the client.
    pub(super) down: f64,
    /// Of both: what the application wanted to say.
    pub(super) payload: f64,
    /// Of both: heads of requests and answers.
    pub(super) headers: f64,
    /// Of both: what wraps payloads.
    pub(super) framing: f64,
    /// Of both: what is there to keep idle connections open.
    pub(super) keepalive: f64,
    /// Of the mean answer that brings news, or of the mean write of a stream.
    pub(super) answer: f64,
}

/// The bytes of a client's traffic.
pub(super) fn bytes(contender: &Contender, headers: Headers, sizes: &Sizes, traffic: &Traffic) -> Bytes {
    match contender.transport() {
        Transport::ShortPolling | Transport::LongPolling => polled(contender, headers, sizes, traffic),
        Transport::Sse => streamed(sizes, sizes.chunk, (sse::chunk(sse::KEEPALIVE.as_bytes()).len(), 0), traffic),
        Transport::WebSocket => streamed(sizes, sizes.frame, ping_and_pong(), traffic),
    }
}

fn ping_and_pong() -> (usize, usize) {
    (websocket::frame(Opcode::Ping, b"").len(), websocket::frame(Opcode::Pong, b"").len() + MASK)
}

fn streamed(sizes: &Sizes, framed: f64, (down, up): (usize, usize), traffic: &Traffic) -> Bytes {
    let (down, up) = (down as f64 * traffic.keepalives, up as f64 * traffic.keepalives);
    Bytes {
        up,
        down: framed * traffic.updates + down,
        payload: sizes.payload * traffic.updates,
        headers: 0.0,
        framing: (framed - sizes.payload) * traffic.updates,
        keepalive: up + down,
        answer: if traffic.writes > 0.0 { framed * traffic.updates / traffic.writes } else { 0.0 },
    }
}

/// Several updates share the head of one answer (E03): `h/(λT) + P` bytes an update. The first empty answer of a
/// conditional poller has a body, because the URL has changed with the cursor; the ones behind it are 304 (RFC 9110,
/// section 15.4.5), and their requests name the entity tag.
fn polled(contender: &Contender, headers: Headers, sizes: &Sizes, traffic: &Traffic) -> Bytes {
    let ask = |knows: bool| request(contender, headers, knows).len() as f64 + sizes.digits - 1.0;
    let answers = Answers::of(contender, traffic);
    let more = ask(true) + sizes.digits - 1.0 - ask(false);
    let up = ask(false) * traffic.requests + more * answers.conditional;
    let tag = if matches!(contender.options, Options::ShortPolling { .. }) { sizes.digits - 1.0 } else { 0.0 };
    let empty_body = empty_body() + sizes.digits - 1.0;
    let news = news_body(sizes, traffic);
    let head = |kind, body: f64| answer(contender, kind).len() as f64 + length_digits(body) - 1.0 + tag;
    let down_heads = head(Answer::Body, news) * traffic.with_news()
        + head(Answer::Body, empty_body) * answers.empty_bodies
        + head(Answer::NotModified, 0.0) * answers.not_modified
        + (head(Answer::NoContent, 0.0)) * answers.no_content;
    let bodies = news * traffic.with_news() + empty_body * answers.empty_bodies;
    let payload = sizes.payload * traffic.updates;
    Bytes {
        up,
        down: down_heads + bodies,
        payload,
        headers: up + down_heads,
        framing: bodies - payload,
        keepalive: 0.0,
        answer: head(Answer::Body, news) + news,
    }
}

/// How often a poller gets which answer without news.
#[derive(Clone, Copy, Default)]
struct Answers {
    empty_bodies: f64,
    not_modified: f64,
    no_content: f64,
    /// Requests with an entity tag: those behind an empty answer.
    conditional: f64,
}

impl Answers {
    fn of(contender: &Contender, traffic: &Traffic) -> Self {
        let &Traffic { empty, empty_again, .. } = traffic;
        match contender.options {
            Options::ShortPolling { conditional: true, .. } => Self {
                empty_bodies: empty - empty_again,
                not_modified: empty_again,
                conditional: empty,
                ..Self::default()
            },
            Options::ShortPolling { .. } => Self { empty_bodies: empty, ..Self::default() },
            _ => Self { no_content: empty, ..Self::default() },
        }
    }
}

/// A poll's body without updates, with a cursor of one digit.
fn empty_body() -> f64 {
    poll::write_body(std::iter::empty(), Cursor(0), None).len() as f64
}

/// The mean body with news: the updates of an answer with commas between them, and what is around them.
fn news_body(sizes: &Sizes, traffic: &Traffic) -> f64 {
    if traffic.with_news() <= 0.0 {
        return 0.0;
    }
    let updates = traffic.updates / traffic.with_news();
    empty_body() + sizes.digits - 1.0 + updates * sizes.json + (updates - 1.0).max(0.0)
}

/// Digits of a `content-length`.
fn length_digits(length: f64) -> f64 {
    f64::from(digits(length as u64))
}

/// Bytes of a newcomer's request and of the head of its answer (E09); it resumes at a cursor with so many digits.
pub(super) fn handshake(contender: &Contender, headers: Headers, sizes: &Sizes) -> f64 {
    let ask = request(contender, headers, false).len() as f64 + sizes.digits - 1.0;
    let one = Traffic { requests: 1.0, updates: 1.0, ..Traffic::default() };
    let head = match contender.options {
        Options::ShortPolling { .. } => {
            answer(contender, Answer::Body).len() as f64 + sizes.digits - 2.0 + length_digits(news_body(sizes, &one))
        }
        Options::LongPolling { .. } => {
            answer(contender, Answer::Body).len() as f64 - 1.0 + length_digits(news_body(sizes, &one))
        }
        Options::Sse { .. } | Options::WebSocket { .. } | Options::Auto { .. } => {
            answer(contender, Answer::Stream).len() as f64
        }
    };
    ask + head
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::contender;
    use super::*;

    const SIZES: Sizes = Sizes { payload: 256.0, json: 312.0, chunk: 323.0, frame: 316.0, digits: 2.0 };

    /// What a cell moved that was captured on loopback: two clients, an update each 100 ms or so, 6 s.
    #[test]
    fn bytes_are_those_that_were_captured() {
        let each = |options, traffic: Traffic| {
            let bytes = bytes(&contender(options), Headers::Bare, &SIZES, &traffic);
            let parts = bytes.payload + bytes.headers + bytes.framing + bytes.keepalive;
            assert!((parts - bytes.up - bytes.down).abs() < 1e-6, "{bytes:?}");
            (bytes.up, bytes.down)
        };
        // 51 updates, 51 answers: 8,670 B up and 52,428 B down for two clients.
        let long = Options::LongPolling { hold: Duration::from_secs(2), keep_alive: true };
        assert_eq!(each(long, Traffic { requests: 51.0, updates: 51.0, ..Traffic::default() }), (4335.0, 26_214.0));
        // 51 writes and 6 pings: 72 B up.
        let socket = Options::WebSocket { keepalive: Duration::from_secs(1) };
        let stream = Traffic { updates: 51.0, writes: 51.0, keepalives: 6.0, ..Traffic::default() };
        assert_eq!(each(socket, stream), (36.0, 51.0 * 316.0 + 12.0));
        let events = Options::Sse { keepalive: Duration::from_secs(1) };
        assert_eq!(each(events, Traffic { keepalives: 0.0, ..stream }), (0.0, 51.0 * 323.0));
        // 52 updates in 6 answers: 862 B up for two clients, some cursors of one digit; 35,317 B down.
        let short = Options::ShortPolling { interval: Duration::from_secs(1), keep_alive: true, conditional: false };
        let (up, down) = each(short, Traffic { requests: 6.0, updates: 52.0, ..Traffic::default() });
        assert!((up - 431.0).abs() <= 2.0 && (down - 17_658.5).abs() <= 12.0, "{up} {down}");
    }

    #[test]
    fn a_304_saves_the_body_and_costs_the_tag() {
        let short = |conditional| {
            let options = Options::ShortPolling { interval: Duration::from_secs(1), keep_alive: true, conditional };
            let traffic = Traffic { requests: 10.0, empty: 10.0, empty_again: 10.0, ..Traffic::default() };
            bytes(&contender(options), Headers::Bare, &SIZES, &traffic)
        };
        let (plain, conditional) = (short(false), short(true));
        assert_eq!((plain.up / 10.0, plain.down / 10.0), (72.0, 230.0));
        assert_eq!((conditional.up / 10.0, conditional.down / 10.0), (110.0, 153.0), "as captured");
    }
}
