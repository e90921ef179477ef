//! The bytes that a case may receive on all its connections together: a server that sends without end fails the step.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::connection::Recording;
use crate::limits;

/// How often the bytes are added up.
const INTERVAL: Duration = Duration::from_millis(20);

/// The recordings of a case.
#[derive(Clone, Default)]
pub(super) struct Budget {
    recordings: Arc<Mutex<Vec<Recording>>>,
}

impl Budget {
    /// Counts another connection.
    pub(super) fn add(&self, recording: Recording) {
        self.recordings.lock().unwrap_or_else(PoisonError::into_inner).push(recording);
    }

    /// Waits until the connections have received too much.
    pub(super) async fn exceeded(&self) {
        while self.total() <= limits::CASE {
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn total(&self) -> usize {
        let recordings = self.recordings.lock().unwrap_or_else(PoisonError::into_inner);
        recordings.iter().map(|recording| recording.view(|received| received.total)).sum()
    }
}
