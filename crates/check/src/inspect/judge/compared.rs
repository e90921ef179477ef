//! A stream beside the same stream on another connection, which tells the fault of what lies between the two from the
//! application's.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::super::watch::Session;

/// How late something has to be to call it held back, µs. A proxy adds milliseconds; a round trip is below half a second.
const LATE_US: u64 = 1_000_000;

/// How two connections differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// Nothing came on the other either, or too little to tell.
    Unknown,
    /// Events came on both at the same time.
    Same {
        /// Events that came on both.
        events: usize,
    },
    /// Events came on the other, and none on this one.
    None {
        /// Events on the other.
        events: u64,
    },
    /// They came later on this one.
    Late {
        /// Events that came on both.
        events: usize,
        /// How much later the latest of them did, µs.
        us: u64,
    },
}

/// Compares a stream with another connection to it.
pub(super) fn with(this: &Session, other: &Session) -> Compared {
    if this.record.framing.events == 0 {
        return nothing_beside(this, other);
    }
    let (here, there) = (once(this), once(other));
    let late_us = |(hash, at): (&u64, &Instant)| {
        let late = at.saturating_duration_since(*there.get(hash)?);
        Some(u64::try_from(late.as_micros()).unwrap_or(u64::MAX))
    };
    let late: Vec<u64> = here.iter().filter_map(late_us).collect();
    match late.iter().max() {
        None => Compared::Unknown,
        Some(&us) if us >= LATE_US => Compared::Late { events: late.len(), us },
        Some(_) => Compared::Same { events: late.len() },
    }
}

fn nothing_beside(this: &Session, other: &Session) -> Compared {
    let Some(first_us) = other.record.first_event_us else { return Compared::Unknown };
    let first = other.asked + Duration::from_micros(first_us);
    let end = this.asked + Duration::from_micros(this.record.watched_us);
    if end.saturating_duration_since(first).as_micros() >= u128::from(LATE_US) {
        Compared::None { events: other.record.framing.events }
    } else {
        Compared::Unknown
    }
}

/// The events that came once only, with the moment at which they did: which of several equal ones is which is unknown.
fn once(session: &Session) -> HashMap<u64, Instant> {
    let mut events: HashMap<u64, Option<Instant>> = HashMap::new();
    for event in &session.record.framing.noted {
        let at = session.asked + Duration::from_micros(event.at_us);
        events.entry(event.hash).and_modify(|first| *first = None).or_insert(Some(at));
    }
    events.into_iter().filter_map(|(hash, at)| Some((hash, at?))).collect()
}
