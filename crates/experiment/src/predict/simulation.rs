//! A small discrete-event simulation of one client over due times: for feeds without a closed form, and to confirm the
//! formulas for those that have one.
//!
//! The network is a constant delay, the server answers in no time, and a write takes everything that is there. Times
//! are the server's, in seconds from the begin of the feed.

use std::ops::Range;

use feedlab_feed::Transport;
use feedlab_feed::stream::MAX_PIECES;

use super::course::{Arrivals, Course, Span};
use super::packets::DELAYED_ACK;
use super::requests::{Traffic, comments_in, poller};
use crate::scenario::Options;

/// In how many phases a short poller is simulated: its clients ask at random times, these stand for all of them.
const PHASES: u32 = 32;
/// Polls that are simulated, all phases together.
const POLLS: f64 = 1e6;

/// How a client asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Poller {
    /// Every so many seconds.
    Short {
        /// Time from one request's arrival to the next.
        cycle: f64,
    },
    /// Whenever an answer is in.
    Long {
        /// How long the server waits.
        hold: f64,
        /// From an answer's departure to the next request's arrival.
        gap: f64,
    },
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exchange {
    /// When the request arrives.
    pub(super) asked: f64,
    /// When the answer leaves.
    pub(super) answered: f64,
    /// The updates in it, as indices of the due times.
    pub(super) updates: Range<usize>,
}

impl Exchange {
    fn is_empty(&self) -> bool {
        self.updates.is_empty()
    }

    fn is_soon(&self) -> bool {
        self.answered - self.asked < DELAYED_ACK
    }
}

/// One client's requests, without end, the first at `start`.
pub(super) fn exchanges(due: &[f64], poller: Poller, start: f64) -> impl Iterator<Item = Exchange> + '_ {
    let (mut asked, mut next) = (start, 0);
    std::iter::from_fn(move || {
        let answered = match poller {
            Poller::Short { .. } => asked,
            Poller::Long { hold, .. } => due.get(next).copied().unwrap_or(f64::INFINITY).clamp(asked, asked + hold),
        };
        let count = due[next..].iter().take_while(|time| **time <= answered).count();
        let exchange = Exchange { asked, answered, updates: next..next + count };
        next += count;
        asked = match poller {
            Poller::Short { cycle } => asked + cycle,
            Poller::Long { gap, .. } => answered + gap,
        };
        Some(exchange)
    })
}

/// The starts of the clients that stand for all, and how many they are: a short poller's phase is random, a long
/// poller's request has been waiting since before the feed.
pub(super) fn starts(poller: Poller, until: f64) -> Vec<f64> {
    match poller {
        Poller::Short { cycle } => {
            let phases = (f64::from(PHASES) * (POLLS * cycle / until / f64::from(PHASES)).clamp(0.0, 1.0)) as u32;
            (0..phases.max(1)).map(|phase| cycle * (f64::from(phase) + 0.5) / f64::from(phases.max(1))).collect()
        }
        Poller::Long { .. } => vec![0.0],
    }
}

/// One client's traffic in a span, the mean over the phases.
pub(super) fn traffic(options: &Options, course: &Course, span: Span, gap: f64) -> Traffic {
    let due = course.due_until(span.to);
    match poller(options, gap) {
        Some(poller) => {
            let starts = starts(poller, span.to);
            let all = starts.iter().map(|start| tally(exchanges(&due, poller, *start), span));
            sum(all).times(1.0 / starts.len() as f64)
        }
        None => stream(options, &due, span),
    }
}

impl Course {
    /// Due times as a list, also of a feed that is given by its period.
    pub(super) fn due_until(&self, end: f64) -> std::borrow::Cow<'_, [f64]> {
        match &self.arrivals {
            Arrivals::Known(due) => due.into(),
            Arrivals::Constant(period) => {
                (0..super::course::LIMIT).map(|i| i as f64 * period).take_while(|time| *time < end).collect()
            }
            Arrivals::Poisson(_) => Vec::new().into(),
        }
    }
}

fn sum(all: impl Iterator<Item = Traffic>) -> Traffic {
    all.fold(Traffic::default(), |a, b| Traffic {
        requests: a.requests + b.requests,
        empty: a.empty + b.empty,
        empty_again: a.empty_again + b.empty_again,
        unacknowledged: a.unacknowledged + b.unacknowledged,
        updates: a.updates + b.updates,
        ..a
    })
}

/// Counts what is answered in a span.
pub(super) fn tally(exchanges: impl Iterator<Item = Exchange>, span: Span) -> Traffic {
    let mut traffic = Traffic::default();
    let (mut was_empty, mut was_soon) = (false, false);
    for exchange in exchanges.take_while(|exchange| exchange.answered < span.to) {
        if span.contains(exchange.answered) {
            traffic.requests += 1.0;
            traffic.empty += f64::from(u8::from(exchange.is_empty()));
            traffic.empty_again += f64::from(u8::from(exchange.is_empty() && was_empty));
            traffic.unacknowledged += f64::from(u8::from(exchange.is_soon() && was_soon));
            traffic.updates += exchange.updates.len() as f64;
        }
        (was_empty, was_soon) = (exchange.is_empty(), exchange.is_soon());
    }
    traffic
}

/// A stream hands over what falls due at once in one write, up to so many pieces of it as the server does.
fn stream(options: &Options, due: &[f64], span: Span) -> Traffic {
    let mut traffic = Traffic::default();
    let (mut quiet_since, mut pieces) = (span.from, 0);
    for &time in due.iter().filter(|time| span.contains(**time)) {
        let goes_along = traffic.writes > 0.0 && time == quiet_since && pieces < MAX_PIECES;
        pieces = if goes_along { pieces + 1 } else { 1 };
        traffic.writes += f64::from(u8::from(!goes_along));
        traffic.updates += 1.0;
        if let Options::Sse { keepalive } | Options::Auto { first: Transport::Sse, keepalive, .. } = options {
            traffic.keepalives += comments_in(time - quiet_since, keepalive.as_secs_f64());
        }
        quiet_since = time;
    }
    match options {
        Options::Sse { keepalive } | Options::Auto { first: Transport::Sse, keepalive, .. } => {
            traffic.keepalives += comments_in(span.to - quiet_since, keepalive.as_secs_f64());
        }
        Options::WebSocket { keepalive } | Options::Auto { keepalive, .. } => {
            traffic.keepalives = span.length() / keepalive.as_secs_f64();
        }
        Options::ShortPolling { .. } | Options::LongPolling { .. } => {}
    }
    traffic
}

/// How long each update of a span waits at the server until it leaves, s, for one client.
pub(super) fn waits<'a>(due: &'a [f64], poller: Poller, start: f64, span: Span) -> impl Iterator<Item = f64> + 'a {
    let last = due.partition_point(|time| *time < span.to);
    let answers = exchanges(due, poller, start).take_while(move |exchange| exchange.updates.start < last);
    answers.flat_map(move |exchange| {
        due[exchange.updates].iter().filter(move |time| span.contains(**time)).map(move |time| exchange.answered - time)
    })
}
