//! Made-up updates: the experiment chooses the rate, the schedule and the payload size.

use bytes::Bytes;

use super::{Due, Item, Source};
use crate::schedule::DueTimes;
use crate::{Data, EventType};

/// A source of identical updates.
#[derive(Debug)]
pub(super) struct Synthetic {
    due_times: DueTimes,
    item: Item,
}

impl Synthetic {
    pub(super) fn new(due_times: DueTimes, payload_bytes: usize, binary: bool) -> Self {
        let data = if binary { Data::Binary(every_byte(payload_bytes)) } else { Data::Text(printable(payload_bytes)) };
        let event_type = EventType::new("tick").unwrap_or_default();
        Self { due_times, item: Item { event_type, data } }
    }
}

/// Returns text that no JSON encoder has to escape, so that a payload of n bytes is n bytes on every wire.
fn printable(len: usize) -> String {
    ('a'..='z').chain('0'..='9').cycle().take(len).collect()
}

fn every_byte(len: usize) -> Bytes {
    (0..=u8::MAX).cycle().take(len).collect()
}

impl Source for Synthetic {
    fn next_due(&mut self) -> Option<Due> {
        self.due_times.next().map(Due::At)
    }

    fn produce(&mut self) -> Item {
        self.item.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;
    use std::time::Duration;

    #[test]
    fn payloads_have_the_size_asked_for() {
        for (binary, size) in [(false, 0), (false, 1000), (true, 300)] {
            let mut source = Synthetic::new(Schedule::Constant.due_times(2.0), size, binary);
            assert_eq!(source.next_due(), Some(Due::At(Duration::ZERO)));
            assert_eq!(source.produce().data.len(), size);
            assert_eq!(source.next_due(), Some(Due::At(Duration::from_millis(500))));
        }
    }
}
