//! The drain: how long a cell waits for late updates, which is as long as a connected client may need to receive the
//! last ones.

use std::time::Duration;

use feedlab_feed::Transport;
use feedlab_feed::wire::sse::{RETRY, RETRY_SPREAD};

use super::super::error::FieldError;
use super::super::{Contender, EmulatedLink, Fault, Network, Options, Source, written};
use super::{HOUR, SECOND, bounds};
use crate::clients::{BACKOFF_CAP, SSE_JITTER};

/// The parts of a scenario that determine the length of the drain.
pub(super) struct DrainInputs<'a> {
    pub(super) contenders: &'a [Contender],
    pub(super) network: Option<&'a Network>,
    pub(super) link: Option<&'a EmulatedLink>,
    pub(super) source: &'a Source,
    pub(super) faults: &'a [Fault],
}

/// A polling client receives the last updates with its next request: if the drain were shorter than the interval, they
/// would count as missed.
pub(super) fn drain(written: &written::Measure, inputs: &DrainInputs<'_>) -> Result<Duration, FieldError> {
    let longest = inputs.contenders.iter().map(interval).max().unwrap_or_default();
    let default = longest
        + SECOND
        + inputs.round_trips()
        + inputs.buffer_fill_time()
        + inputs.recovery_time()
        + inputs.retransmission_time();
    let drain = bounds::duration("drain", written.drain.as_ref(), Duration::ZERO..=HOUR, default)?;
    match &written.drain {
        Some(given) if drain < longest => {
            let longest = humantime::format_duration(longest);
            let problem = format!(
                "`drain` is shorter than the longest polling interval, so the last updates would count as missed; \
                 make it {longest} or longer, or remove it"
            );
            Err(FieldError::at(given, problem))
        }
        _ => Ok(drain),
    }
}

const fn interval(contender: &Contender) -> Duration {
    match contender.options {
        Options::ShortPolling { interval, .. } | Options::Auto { interval, .. } => interval,
        _ => Duration::ZERO,
    }
}

impl DrainInputs<'_> {
    /// Returns the time of two round trips: one for a request and its answer, another for a new connection before it.
    fn round_trips(&self) -> Duration {
        self.network.map_or(Duration::ZERO, |network| 2 * (network.rtt + network.jitter))
    }

    /// Returns the time until synthetic updates fill the buffer of a buffering proxy.
    fn buffer_fill_time(&self) -> Duration {
        /// The maximum, s: with a larger buffer, the scenario is meant to show that nothing arrives.
        const LONGEST: f64 = 60.0;
        let Some(buffer) = self.network.and_then(|network| network.buffer_bytes) else { return Duration::ZERO };
        let Source::Synthetic { updates_per_s, payload_bytes, .. } = self.source else { return Duration::ZERO };
        let least = payload_bytes.first().map_or(1, |bytes| (*bytes).max(1));
        let ms = (1000.0 * buffer as f64 / (updates_per_s * least as f64)).ceil();
        Duration::from_millis(ms.min(1000.0 * LONGEST) as u64)
    }

    /// Returns the time until what a link has lost or queued has arrived.
    fn retransmission_time(&self) -> Duration {
        /// Four timeouts in a row, of at least Linux's 200 ms and doubled each time (RFC 6298, section 5.5).
        const TIMEOUTS: Duration = Duration::from_secs(3);
        /// The maximum: with a longer queue, the scenario is meant to show that hardly anything arrives.
        const LONGEST: Duration = Duration::from_secs(60);
        let Some(link) = self.link.filter(|link| link.loses()) else { return Duration::ZERO };
        TIMEOUTS + (15 * link.emulation.rtt).min(LONGEST) + link.longest_wait().min(LONGEST)
    }

    /// Returns the time until a client that was cut off at the last moment is back. A backoff doubles, so its next wait
    /// is about as long as the fault.
    fn recovery_time(&self) -> Duration {
        let ends = self.contenders.iter().any(|one| one.serving.max_connection_age.is_some());
        let breaks =
            ends || !self.faults.is_empty() || self.network.is_some_and(|network| network.idle_timeout.is_some());
        if !breaks {
            return Duration::ZERO;
        }
        let lasts = self.faults.iter().map(|fault| fault.length).max().unwrap_or_default();
        let stops = self.faults.iter().any(|fault| fault.kind.stops_server_gracefully());
        let waits = self.contenders.iter().map(|one| reconnect_time(one, stops)).max().unwrap_or_default();
        lasts + lasts.min(BACKOFF_CAP) + waits
    }
}

/// Returns the longest wait of a contender, including the time until a ladder notices the loss. A server that stops
/// gracefully spreads the clients of its event streams.
fn reconnect_time(contender: &Contender, stops: bool) -> Duration {
    let notices = if let Options::Auto { watchdog, .. } = contender.options { watchdog } else { Duration::ZERO };
    // An event stream waits for the server's `retry:` plus jitter; the others wait for less.
    let longest = || RETRY.mul_f64(1.0 + SSE_JITTER);
    let is_sse = matches!(contender.options, Options::Sse { .. } | Options::Auto { first: Transport::Sse, .. });
    let spread = if stops && is_sse { 1 + RETRY_SPREAD } else { 1 };
    notices + spread * contender.reconnect.after.map_or_else(longest, |after| 2 * after)
}
