//! What a contender's server does differently.

use super::super::error::Refusal;
use super::super::{Serving, SlowPolicy, written};
use super::feed::MOST_HISTORY;
use super::{SECOND, bounds, contender};

/// A read buffer is allocated at once, for each client.
const LARGEST_READ_BUFFER: i64 = 16 << 20;

pub(super) fn serving(written: &written::Contender) -> Result<Serving, Refusal> {
    let history = written.history.as_ref();
    let coalesce = written.coalesce.as_ref();
    let buffer = written.read_buffer_bytes.as_ref();
    Ok(Serving {
        history: history.map(|n| bounds::whole("history", Some(n), 0..=MOST_HISTORY, 0)).transpose()?,
        slow_policy: written.slow_policy.as_ref().map_or(SlowPolicy::Block, |policy| **policy),
        coalesce: coalesce.map(|time| contender::time("coalesce", Some(time), 60 * SECOND, SECOND)).transpose()?,
        read_buffer_bytes: buffer
            .map(|bytes| bounds::whole("read_buffer_bytes", Some(bytes), 1024..=LARGEST_READ_BUFFER, 0))
            .transpose()?,
    })
}
