//! A recorded feed, played at any speed: one `{"at_ms":…,"event":…,"data":…}` per line, with times that never decrease.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::{Due, Item, Source};
use crate::bounded::{self, LINE_BYTES, RECORDING_BYTES};
use crate::text::BYTE_ORDER_MARK;
use crate::wire;
use crate::{Data, EventType};

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be opened or read.
    #[error("cannot read the feed file {file}: {error}; a replay needs an NDJSON file, one update per line", file = .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The error of the system.
        error: std::io::Error,
    },
    /// A line that is not an update.
    #[error("{file}, line {line}: {problem}; a line looks like {{\"at_ms\":1517363399650,\"event\":\"earthquake\",\"data\":{{…}}}}", file = .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A file without updates.
    #[error("the feed file {file} has no updates", file = .file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
}

/// A recording, held in memory: a run must not wait for the disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Each update, with its time since the first.
    pub updates: Vec<(Duration, Item)>,
}

impl Recording {
    /// Reads a file. Blank lines are skipped.
    ///
    /// # Errors
    /// When the file cannot be read, a line is not an update, times go backwards, or there is no update.
    pub fn read(file: &Path) -> Result<Self, ReplayError> {
        let io = |error| ReplayError::Io { file: file.to_owned(), error };
        let reader = BufReader::new(File::open(file).map_err(io)?.take(RECORDING_BYTES + 1));
        Self::read_lines(reader, file)
    }

    /// Reads a recording that is already in memory; errors refer to it as a file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_text(text: &str, file: &Path) -> Result<Self, ReplayError> {
        Self::read_lines(text.as_bytes(), file)
    }

    fn read_lines(mut reader: impl BufRead, file: &Path) -> Result<Self, ReplayError> {
        let mut updates = Vec::new();
        let mut first_ms = None;
        let mut last_ms = 0;
        let mut bytes = 0;
        for index in 0.. {
            let at_line = |problem: String| ReplayError::Line { file: file.to_owned(), line: index + 1, problem };
            let line = bounded::line(&mut reader, LINE_BYTES).map_err(|error| at_line(error.to_string()))?;
            let Some(line) = line else { break };
            let line = if index == 0 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line) } else { &line };
            bytes += line.len() as u64 + 1;
            if bytes > RECORDING_BYTES {
                let error = bounded::too_large("it", RECORDING_BYTES);
                return Err(ReplayError::Io { file: file.to_owned(), error });
            }
            if line.trim().is_empty() {
                continue;
            }
            let line: RecordedUpdate<'_> =
                wire::object(line.as_bytes()).map_err(|error| at_line(wire::error_in_line(&error)))?;
            if line.at_ms < last_ms {
                return Err(at_line(format!("at_ms goes backwards, from {last_ms} to {}", line.at_ms)));
            }
            last_ms = line.at_ms;
            let offset = Duration::from_millis(line.at_ms - *first_ms.get_or_insert(line.at_ms));
            updates.push((offset, line.into_item().map_err(at_line)?));
        }
        if updates.is_empty() {
            return Err(ReplayError::Empty { file: file.to_owned() });
        }
        Ok(Self { updates })
    }

    /// The time from the first update to the last, at the recording's own speed.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.updates.last().map_or(Duration::ZERO, |(offset, _)| *offset)
    }

    /// The recording's own rate, updates per second; 0 for a single update.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let span = self.span().as_secs_f64();
        if span > 0.0 { (self.updates.len() - 1) as f64 / span } else { 0.0 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedUpdate<'a> {
    at_ms: u64,
    event: Option<String>,
    #[serde(borrow)]
    data: &'a serde_json::value::RawValue,
}

impl RecordedUpdate<'_> {
    /// A string is the payload itself; any other JSON is the payload as its text.
    fn into_item(self) -> Result<Item, String> {
        let event_type = self.event.map_or_else(|| Ok(EventType::default()), EventType::new);
        let event_type = event_type.map_err(|error| error.to_string())?;
        let text = wire::text_of(self.data).map_err(|error| format!("`data`: {}", wire::error_in_line(&error)))?;
        Ok(Item { event_type, data: Data::Text(text.into_owned()) })
    }
}

/// Plays a recording.
#[derive(Debug)]
pub(super) struct Replay {
    recording: Arc<Recording>,
    speed: f64,
    repeat: bool,
    /// The number of updates announced so far, over all rounds.
    count: usize,
}

impl Replay {
    pub(super) fn new(recording: Arc<Recording>, speed: f64, repeat: bool) -> Self {
        Self { recording, speed, repeat, count: 0 }
    }

    /// The length of a round: the span, and one mean gap before the first update is repeated.
    fn round(&self) -> Duration {
        let gaps = self.recording.updates.len().saturating_sub(1).max(1) as u32;
        (self.recording.span() + self.recording.span() / gaps).max(Duration::from_secs(1))
    }
}

impl Source for Replay {
    fn next_due(&mut self) -> Option<Due> {
        let len = self.recording.updates.len();
        let round = (self.count / len) as f64;
        if round > 0.0 && !self.repeat {
            return None;
        }
        let offset = self.recording.updates[self.count % len].0;
        self.count += 1;
        let seconds = (offset.as_secs_f64() + round * self.round().as_secs_f64()) / self.speed;
        Duration::try_from_secs_f64(seconds).ok().map(Due::At)
    }

    fn produce(&mut self) -> Item {
        let len = self.recording.updates.len();
        self.recording.updates[(self.count + len - 1) % len].1.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"at_ms":1000,"event":"quake","data":{"mag": 5.1}}
{"at_ms":3000,"data":"plain"}

{"at_ms":3000,"event":"quake","data":[1]}"#;

    fn read(text: &str) -> Result<Recording, String> {
        Recording::read_lines(text.as_bytes(), Path::new("feed.ndjson")).map_err(|error| error.to_string())
    }

    #[test]
    fn data_is_the_text_of_its_json_and_a_string_is_itself() {
        let recording = read(GOOD).unwrap();
        let texts: Vec<_> = recording.updates.iter().map(|(_, item)| item.data.clone()).collect();
        assert_eq!(texts, [r#"{"mag": 5.1}"#, "plain", "[1]"].map(|t| Data::Text(t.into())));
        assert_eq!(recording.span(), Duration::from_secs(2));
    }

    #[test]
    fn a_broken_line_is_named_by_its_number() {
        for (text, needle) in [
            ("{\"at_ms\":1,\"data\":1}\nnonsense", "feed.ndjson, line 2"),
            ("{\"at_ms\":5,\"data\":1}\n\n{\"at_ms\":4,\"data\":1}", "line 3: at_ms goes backwards"),
            ("{\"at_ms\":-5,\"data\":1}", "line 1"),
            ("{\"at_ms\":5}", "missing field `data`"),
            ("{\"at_ms\":5,\"data\":1,\"event\":\"gap\"}", "reserved"),
            ("[1,null,\"x\"]", "line 1: expected an object"),
            ("{\"at_ms\":5,\"data\":\"cut \\ud83d\"}", "line 1"),
            ("\n\n", "no updates"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(needle), "{text:?} gave {error}");
        }
    }

    #[test]
    fn f17_a_byte_order_mark_is_skipped() {
        assert_eq!(read(&format!("\u{feff}{GOOD}")).unwrap(), read(GOOD).unwrap());
        assert!(read("{\"at_ms\":1,\"data\":1}\n\u{feff}{\"at_ms\":2,\"data\":1}").unwrap_err().contains("line 2"));
    }

    #[test]
    fn f17_an_error_names_one_line() {
        for text in
            ["nonsense", "{\"at_ms\":5}", "{\"at_ms\":\"x\",\"data\":1}", "{\"at_ms\":5,\"data\":\"\\ud83d\"}", "[1]"]
        {
            let error = read(&format!("{{\"at_ms\":1,\"data\":1}}\n{text}")).unwrap_err();
            assert!(error.contains("feed.ndjson, line 2: ") && error.matches("line ").count() == 2, "{error}");
        }
    }

    #[test]
    fn speed_divides_time_and_repeat_starts_over() {
        let mut replay = Replay::new(Arc::new(read(GOOD).unwrap()), 2.0, true);
        let due: Vec<_> = std::iter::from_fn(|| replay.next_due()).take(5).collect();
        let at = |ms| Due::At(Duration::from_millis(ms));
        assert_eq!(due, [at(0), at(1000), at(1000), at(1500), at(2500)]);
        assert_eq!(replay.produce().data, Data::Text("plain".into()));
        let mut once = Replay::new(Arc::new(read(GOOD).unwrap()), 2.0, false);
        assert_eq!(std::iter::from_fn(|| once.next_due()).count(), 3);
    }
}
