//! This machine's own load figures: a live feed that exists on every laptop.

use super::{Due, Item, Source};
use crate::process::HostLoad;
use crate::schedule::DueTimes;
use crate::{Data, EventType};

/// Takes a reading at each due time.
#[derive(Debug)]
pub(super) struct Host {
    due_times: DueTimes,
}

impl Host {
    pub(super) const fn new(due_times: DueTimes) -> Self {
        Self { due_times }
    }
}

impl Source for Host {
    fn next_due(&mut self) -> Option<Due> {
        self.due_times.next().map(Due::At)
    }

    fn produce(&mut self) -> Item {
        let text = serde_json::to_string(&HostLoad::now()).unwrap_or_default();
        Item { event_type: EventType::new("load").unwrap_or_default(), data: Data::Text(text) }
    }
}
