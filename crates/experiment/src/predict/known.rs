//! How far the arithmetic reaches: what of a contender has a formula, and what would be a guess. A guess is left out.

use super::course::Course;
use super::failure::idle::Ends;
use super::memory::Memory;
use super::way::Way;
use crate::Scenario;
use crate::clients::{PER_CONNECTION, PER_THREAD};
use crate::scenario::{Connections, Contender, Http, Options, Source, Via};

/// What of a contender is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Clients stay connected and are told in time: how often they ask and how late they are.
    pub(super) steady: bool,
    /// Only the bytes that a buffering proxy holds back are in the way, of a push.
    pub(super) buffered: bool,
    /// What pollers are given of what they missed.
    pub(super) memory: Memory,
    /// Bytes and packets. Those of TLS, HTTP/2 and nginx have no formula here, and the server counts those of slow
    /// readers and of publications too.
    pub(super) bytes: bool,
    /// The same of what clients send, publications included.
    pub(super) in_the_clear: bool,
    /// Connections over the whole cell.
    pub(super) connections: bool,
    /// The clients publish: how much is published is known on average only.
    pub(super) publishing: bool,
}

impl Known {
    pub(super) fn of(scenario: &Scenario, contender: &Contender, course: &Course, way: &Way) -> Self {
        let ends = Ends::of(scenario, contender, way);
        let buffers = scenario.network.is_some_and(|network| network.buffer_bytes.is_some());
        let undisturbed = scenario.faults.is_empty()
            && matches!(ends, Ends::Never | Ends::BeforeTheFeed)
            && is_wide(scenario, contender, course)
            && is_open(scenario, contender)
            && (contender.serving.coalesce.is_none() || contender.transport().is_push());
        let is_pushed = contender.transport().is_push() && !contender.is_auto();
        let memory = Memory::of(scenario, contender, course, way.gap(&contender.options));
        let publishing = matches!(scenario.feed.source, Source::Clients { .. });
        let link = contender.link;
        let is_plain = !link.tls && link.http == Http::V1 && !link.via.is_nginx();
        let steady = undisturbed && !buffers;
        let in_the_clear = steady && is_plain && memory == Memory::Whole && scenario.clients.slow.is_none();
        Self {
            steady,
            buffered: undisturbed && buffers && is_pushed && link.http == Http::V1 && !link.via.is_nginx(),
            memory,
            bytes: in_the_clear && !publishing,
            in_the_clear,
            connections: steady
                && ends == Ends::Never
                && !link.via.is_nginx()
                && scenario.clients.slow.is_none()
                && !publishing,
            publishing,
        }
    }

    /// Whether ages have a formula.
    pub(super) fn ages(&self) -> bool {
        (self.steady || self.buffered) && matches!(self.memory, Memory::Whole | Memory::NoCursor)
    }
}

/// Whether what is said passes the way in less than a millisecond.
fn is_wide(scenario: &Scenario, contender: &Contender, course: &Course) -> bool {
    /// What a head has at most, bytes.
    const HEAD: f64 = 1_500.0;
    let Some(bandwidth) = scenario.network.and_then(|network| network.bandwidth_bytes_per_s) else { return true };
    let rate = course.updates / course.scale / course.measured.length();
    let together = match contender.options {
        Options::ShortPolling { interval, .. } => rate * interval.as_secs_f64(),
        _ => 1.0,
    };
    (course.sizes.chunk.max(course.sizes.json) * together.max(1.0) + HEAD) / bandwidth as f64 <= 0.001
}

/// Whether nginx lets a contender's updates through as they come.
fn is_open(scenario: &Scenario, contender: &Contender) -> bool {
    let is_socket = contender.transport() == feedlab_feed::Transport::WebSocket;
    let is_events = contender.transport() == feedlab_feed::Transport::Sse;
    let silence = match contender.options {
        Options::ShortPolling { .. } => 0.0,
        Options::LongPolling { hold, .. } => hold.as_secs_f64(),
        Options::Sse { keepalive } | Options::WebSocket { keepalive } | Options::Auto { keepalive, .. } => {
            keepalive.as_secs_f64()
        }
    };
    match contender.link.via {
        Via::Direct => true,
        _ if silence > 0.95 * scenario.nginx.read_timeout.as_secs_f64() => false,
        Via::Nginx => true,
        Via::NginxDefault => !is_socket,
        Via::NginxBuffering => !is_events,
    }
}

/// Connections of clients that share them. Threads share none, so that with more clients than one thread drives it
/// depends on the machine.
pub(super) fn shared(contender: &Contender, clients: f64) -> Option<f64> {
    match contender.link.connections {
        Connections::PerClient => None,
        Connections::Shared => {
            Some(if clients <= PER_THREAD as f64 { (clients / PER_CONNECTION as f64).ceil() } else { f64::NAN })
        }
    }
}
