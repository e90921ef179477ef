//! Ages on disk: HdrHistogram interval logs (V2, compressed) with one line per second, which the Java and JavaScript
//! tools can also read. The load generator writes them, and the statistics read them back merged.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use feedlab_feed::bounded;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, IntervalLogWriterError, LogEntry,
};
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializeError, V2DeflateSerializer};

use crate::results::ResultsError;

/// The largest age that is recorded, µs: an hour. Older updates count as this old.
pub const MAX_AGE_US: u64 = 3_600_000_000;

/// The number of significant digits of ages.
const DIGITS: u8 = 3;
/// The maximum size of a histogram: about 24,000 counts of at most 9 bytes each.
const MOST_HISTOGRAM_BYTES: u64 = 1 << 18;

/// Returns an empty histogram of ages in µs: from 1 µs to [`MAX_AGE_US`], with three significant digits.
///
/// # Panics
/// Never: the bounds are constants that the library accepts, as a test shows.
#[must_use]
pub fn new_histogram() -> Histogram<u64> {
    match Histogram::new_with_bounds(1, MAX_AGE_US, DIGITS) {
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
    /// Creates a log; its seconds count from `started_at_us`, in µs of Unix time. An existing file is replaced.
    ///
    /// # Errors
    /// If the file cannot be created.
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
    /// If the file cannot be written.
    pub fn second(&mut self, second: u32, ages: &Histogram<u64>) -> io::Result<()> {
        // A builder without headers writes none, which continues the log.
        let mut log = IntervalLogWriterBuilder::new().begin_log_with(&mut self.file, &mut self.serializer)?;
        let start = Duration::from_secs(second.into());
        log.write_histogram(ages, start, Duration::from_secs(1), None).map_err(into_io)
    }

    /// Flushes and closes the log.
    ///
    /// # Errors
    /// If the rest cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Keeps the system's error, so that a full disk can be distinguished from other errors.
fn into_io(error: IntervalLogWriterError<V2DeflateSerializeError>) -> io::Error {
    match error {
        IntervalLogWriterError::IoError(error)
        | IntervalLogWriterError::SerializeError(V2DeflateSerializeError::IoError(error)) => error,
        other @ IntervalLogWriterError::SerializeError(_) => io::Error::other(other.to_string()),
    }
}

/// Encodes a histogram as text: HdrHistogram V2, compressed, in base64, as in each line of a log.
///
/// # Errors
/// If it cannot be compressed.
pub fn encode(histogram: &Histogram<u64>) -> io::Result<String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(histogram, &mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(BASE64.encode(bytes))
}

/// Decodes a histogram from text.
///
/// # Errors
/// If the text is not a histogram, or one with other bounds.
pub fn decode(text: &str) -> Result<Histogram<u64>, String> {
    let bytes = BASE64.decode(text).map_err(|error| error.to_string())?;
    let histogram = inflated(&bytes)?;
    let decoded: Histogram<u64> =
        Deserializer::new().deserialize(&mut histogram.as_slice()).map_err(|error| error.to_string())?;
    let mut whole = new_histogram();
    whole.add(&decoded).map_err(|error| error.to_string())?;
    Ok(whole)
}

/// For serde: a histogram in the text form of [`encode`].
pub mod text {
    use hdrhistogram::Histogram;
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Serializes a histogram.
    ///
    /// # Errors
    /// As [`encode`](super::encode).
    pub fn serialize<S: Serializer>(histogram: &Histogram<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::encode(histogram).map_err(S::Error::custom)?)
    }

    /// Deserializes a histogram.
    ///
    /// # Errors
    /// As [`decode`](super::decode).
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Histogram<u64>, D::Error> {
        super::decode(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Returns the seconds of a log, in order.
pub fn seconds(log: &[u8]) -> impl Iterator<Item = Result<(u32, Histogram<u64>), String>> {
    IntervalLogIterator::new(log).filter_map(|entry| match entry {
        Ok(LogEntry::Interval(interval)) => {
            let second = u32::try_from(interval.start_timestamp().as_secs()).map_err(|error| error.to_string());
            Some(second.and_then(|second| Ok((second, decode(interval.encoded_histogram())?))))
        }
        Ok(_) => None,
        Err(error) => Some(Err(format!("{error:?}"))),
    })
}

/// Reads a log and merges all of its seconds.
///
/// # Errors
/// If the file cannot be read or a line is not a histogram; the message names the file.
pub fn read(path: &Path) -> Result<Histogram<u64>, ResultsError> {
    let text = bounded::read(path, bounded::RESULTS_BYTES).map_err(|error| ResultsError::read(path, error))?;
    let malformed = |problem: String| ResultsError::Malformed { file: path.to_owned(), problem };
    let mut merged = new_histogram();
    for second in seconds(&text) {
        merged += second.map_err(malformed)?.1;
    }
    Ok(merged)
}

/// Reads a log and merges its seconds into bins of `seconds` each. The keys are the first seconds of the bins.
///
/// # Errors
/// As [`read`].
pub fn read_in_bins(path: &Path, seconds: NonZeroU32) -> Result<BTreeMap<u32, Histogram<u64>>, ResultsError> {
    let text = bounded::read(path, bounded::RESULTS_BYTES).map_err(|error| ResultsError::read(path, error))?;
    let malformed = |problem: String| ResultsError::Malformed { file: path.to_owned(), problem };
    let mut bins = BTreeMap::new();
    for found in self::seconds(&text) {
        let (second, ages) = found.map_err(malformed)?;
        *bins.entry(second / seconds * seconds.get()).or_insert_with(new_histogram) += ages;
    }
    Ok(bins)
}

/// Decompresses a second's histogram (HdrHistogram V2: two words, then zlib). The library allocates memory according to
/// the header before it reads the counts, so the header is first compared with what feedlab writes.
fn inflated(bytes: &[u8]) -> Result<Vec<u8>, String> {
    const COMPRESSED: usize = 8;
    let mut histogram = Vec::new();
    let compressed = bytes.get(COMPRESSED..).ok_or("a histogram is cut off")?;
    let mut inflating = ZlibDecoder::new(compressed).take(MOST_HISTOGRAM_BYTES + 1);
    inflating.read_to_end(&mut histogram).map_err(|error| error.to_string())?;
    match Head::of(&histogram) {
        None => Err("a histogram is cut off".to_owned()),
        Some(head) if head.is_ours(histogram.len()) => Ok(histogram),
        Some(_) => Err("a histogram has other bounds than the ages of feedlab".to_owned()),
    }
}

/// The header of a histogram in V2 of the format: cookie, length of the counts, offset, digits, lowest, highest, ratio;
/// all big-endian.
struct Head {
    counts_bytes: u32,
    digits: u32,
    highest: u64,
}

impl Head {
    const BYTES: usize = 40;

    fn of(histogram: &[u8]) -> Option<Self> {
        let head = histogram.first_chunk::<{ Self::BYTES }>()?;
        Some(Self {
            counts_bytes: u32::from_be_bytes(*head[4..].first_chunk()?),
            digits: u32::from_be_bytes(*head[12..].first_chunk()?),
            highest: u64::from_be_bytes(*head[24..].first_chunk()?),
        })
    }

    fn is_ours(&self, bytes: usize) -> bool {
        bytes as u64 <= MOST_HISTOGRAM_BYTES
            && self.counts_bytes as usize <= bytes - Self::BYTES
            && self.digits <= u32::from(DIGITS)
            && self.highest <= MAX_AGE_US
    }
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
    fn a_log_starts_as_other_tools_expect() {
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

    /// Reads back a log of one histogram with these bounds and a single value, as another program may write it.
    fn foreign(highest: u64, digits: u8) -> Result<Histogram<u64>, ResultsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.hlog");
        let mut sparse = Histogram::<u64>::new_with_bounds(1, highest, digits).unwrap();
        sparse.record(highest / 2).unwrap();
        let mut log = Writer::create(&path, 0).unwrap();
        log.second(0, &sparse).unwrap();
        log.finish().unwrap();
        read(&path)
    }

    #[test]
    fn r8_a_sparse_histogram_is_rejected_before_memory_is_allocated() {
        let error = foreign(u64::MAX / 4, 5).unwrap_err().to_string();
        assert!(error.contains("other bounds than the ages of feedlab"), "{error}");
        assert_eq!(foreign(MAX_AGE_US, 3).unwrap().len(), 1);
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("more than 256 MiB"));
    }

    #[test]
    fn r8_a_full_histogram_fits_its_bound() {
        let mut full = new_histogram();
        let mut age = 1;
        while age <= MAX_AGE_US {
            full.record_n(age, u64::MAX >> 20).unwrap();
            age = full.next_non_equivalent(age);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.hlog");
        let mut log = Writer::create(&path, 0).unwrap();
        log.second(0, &full).unwrap();
        log.finish().unwrap();
        assert_eq!(read(&path).unwrap().len(), full.len());
    }

    #[test]
    fn an_empty_log_holds_no_ages() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.hlog");
        Writer::create(&path, 0).unwrap().finish().unwrap();
        assert!(read(&path).unwrap().is_empty());
    }
}
