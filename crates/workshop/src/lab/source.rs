//! The source of the updates of a tab's own feed.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use feedlab_feed::source::{Recording, SourceConfig};
use feedlab_server::Rejection;

use super::settings::{SourceName, TabSettings};
use super::unavailable;
use crate::chapter::library;

/// A recorded week of earthquakes; scenarios/feeds/README.md gives the source and the license.
const EARTHQUAKES: &str = "scenarios/feeds/earthquakes.ndjson";

/// The random seed of irregular schedules: it gives the same feed in every tab and after every restart.
const SEED: u64 = 1;

/// Returns the source that the settings name; `None` for the main feed.
pub(super) fn source(settings: &TabSettings) -> Result<Option<SourceConfig>, Rejection> {
    let rate = settings.updates_per_s;
    Ok(Some(match settings.source {
        SourceName::Own => return Ok(None),
        SourceName::Synthetic => SourceConfig::Synthetic {
            rate,
            schedule: settings.schedule.with(SEED, 1),
            payload_bytes: settings.payload_bytes,
            binary: false,
        },
        SourceName::Earthquakes => {
            let recording = earthquakes()?;
            // The speed that gives this average rate; the intervals between the quakes stay as uneven as in the
            // recording.
            SourceConfig::Recorded { speed: rate / recording.rate(), recording, repeat: true }
        }
        SourceName::Host => SourceConfig::Host { rate },
    }))
}

fn earthquakes() -> Result<Arc<Recording>, Rejection> {
    static RECORDING: OnceLock<Arc<Recording>> = OnceLock::new();
    if let Some(recording) = RECORDING.get() {
        return Ok(recording.clone());
    }
    let text = library::text(EARTHQUAKES).ok_or_else(|| unavailable("cannot play the recording", "it is missing"))?;
    let read = Recording::from_text(&text, Path::new(EARTHQUAKES));
    let read = read.map_err(|error| unavailable("cannot play the recording", error))?;
    Ok(RECORDING.get_or_init(|| Arc::new(read)).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_is_as_documented() {
        let recording = earthquakes().unwrap();
        assert_eq!(recording.updates.len(), 1707);
        let settings = TabSettings { source: SourceName::Earthquakes, updates_per_s: 10.0, ..TabSettings::of(false) };
        let Ok(Some(SourceConfig::Recorded { speed, .. })) = source(&settings) else { panic!("a recording") };
        let seconds = recording.span().as_secs_f64() / speed;
        assert!((seconds - 170.6).abs() < 0.1, "a week in {seconds} s");
    }
}
