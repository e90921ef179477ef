//! Ages on disk: HdrHistogram interval logs (V2, compressed), one line a second, which the Java and JavaScript tools
//! read too. The load generator writes them, the statistics read them back merged.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, IntervalLogWriterError, LogEntry,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializeError, V2DeflateSerializer};

use crate::results::ResultsError;

/// The largest age that is told apart, µs: an hour. Older ones count as this old.
pub const MAX_AGE_US: u64 = 3_600_000_000;

/// An empty histogram of ages in µs: 1 µs to [`MAX_AGE_US`], three significant digits.
///
/// # Panics
/// Never: the bounds are constants that the library accepts, which a test shows.
#[must_use]
pub fn new_histogram() -> Histogram<u64> {
    match Histogram::new_with_bounds(1, MAX_AGE_US, 3) {
        Ok(histogram) => histogram,
        Err(error) => unreachable!("constant bounds are valid: {error}"),
    }
}

/// Writes the log of one cell.
pub struct Writer {
    file: BufWriter<File>,
    serializer: V2DeflateSerializer,
}

impl Writer {
    /// Begins a log; its seconds count from `started_at_us`, in µs of Unix time. An older file is replaced.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path, started_at_us: u64) -> io::Result<Self> {
        let mut log = Self { file: BufWriter::new(File::create(path)?), serializer: V2DeflateSerializer::new() };
        let start = UNIX_EPOCH + Duration::from_micros(started_at_us);
        IntervalLogWriterBuilder::new()
            .add_comment("[Histogram log format version 1.3]")
            .add_comment("[feedlab: ages in microseconds, Interval_Max too]")
            .with_start_time(start)
            .with_base_time(start)
            .begin_log_with(&mut log.file, &mut log.serializer)?;
        log.file.write_all(
            b"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
        )?;
        Ok(log)
    }

    /// Adds the ages of one second, counted from 0.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn second(&mut self, second: u32, ages: &Histogram<u64>) -> io::Result<()> {
        // A builder without headers writes none, so that the log is simply continued.
        let mut log = IntervalLogWriterBuilder::new().begin_log_with(&mut self.file, &mut self.serializer)?;
        let start = Duration::from_secs(second.into());
        log.write_histogram(ages, start, Duration::from_secs(1), None).map_err(into_io)
    }

    /// Ends the log.
    ///
    /// # Errors
    /// When the rest cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The system's own error is kept as it is: a full disk must be told from others.
fn into_io(error: IntervalLogWriterError<V2DeflateSerializeError>) -> io::Error {
    match error {
        IntervalLogWriterError::IoError(error)
        | IntervalLogWriterError::SerializeError(V2DeflateSerializeError::IoError(error)) => error,
        other @ IntervalLogWriterError::SerializeError(_) => io::Error::other(other.to_string()),
    }
}

/// Reads a log, all of its seconds merged.
///
/// # Errors
/// When the file cannot be read or a line is not a histogram; the message names the file.
pub fn read(path: &Path) -> Result<Histogram<u64>, ResultsError> {
    let text = std::fs::read(path).map_err(|error| ResultsError::read(path, error))?;
    let malformed = |problem: String| ResultsError::Malformed { file: path.to_owned(), problem };
    let mut merged = new_histogram();
    let mut deserializer = Deserializer::new();
    for entry in IntervalLogIterator::new(&text) {
        let LogEntry::Interval(interval) = entry.map_err(|error| malformed(format!("{error:?}")))? else { continue };
        let second = decode(&mut deserializer, interval.encoded_histogram()).map_err(malformed)?;
        merged.add(&second).map_err(|error| malformed(error.to_string()))?;
    }
    Ok(merged)
}

fn decode(deserializer: &mut Deserializer, text: &str) -> Result<Histogram<u64>, String> {
    let bytes = BASE64.decode(text).map_err(|error| error.to_string())?;
    deserializer.deserialize(&mut bytes.as_slice()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_seconds_of_a_log_read_back_merged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.hlog");
        let mut log = Writer::create(&path, 1_790_000_000_500_000).unwrap();
        for (second, ages) in [(0, vec![1, 500, MAX_AGE_US]), (1, vec![]), (3, vec![0, 7, 7 * MAX_AGE_US])] {
            log.second(second, &fixture::histogram(ages)).unwrap();
        }
        log.finish().unwrap();
        let ages = [1, 500, MAX_AGE_US, 0, 7, MAX_AGE_US];
        assert_eq!(read(&path).unwrap(), fixture::histogram(ages));
    }

    #[test]
    fn the_head_of_a_log_is_what_other_tools_expect() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.hlog");
        let mut log = Writer::create(&path, 1_790_000_000_500_000).unwrap();
        log.second(2, &fixture::histogram([1500])).unwrap();
        log.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "#[Histogram log format version 1.3]");
        assert_eq!(lines[2], "#[StartTime: 1790000000.500 (seconds since epoch)]");
        assert_eq!(lines[3], "#[BaseTime: 1790000000.500 (seconds since epoch)]");
        assert!(lines[5].starts_with("2.000,1.000,1500.000,HISTFAAA"), "{}", lines[5]);
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn an_empty_log_holds_no_ages() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.hlog");
        Writer::create(&path, 0).unwrap().finish().unwrap();
        assert!(read(&path).unwrap().is_empty());
    }
}
