//! What a reader found, as a line of JSON for the script, which merges those of several processes.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::clock;

/// Two minutes: whatever is older waits in the last bucket.
const MAX_US: u64 = 120_000_000;

/// The figures of one reader.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Updates that this process published.
    pub published: u64,
    /// Stamps that all connections found.
    pub received: u64,
    /// Answers to polls.
    pub answers: u64,
    /// Connections that the server closed.
    pub closed: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Reads that returned some.
    pub reads: u64,
    /// Seconds from the start to the last byte.
    pub seconds: f64,
    /// CPU of the reading thread, µs.
    pub reader_cpu_us: f64,
    /// How many updates had this one-way latency: pairs of µs and count.
    pub latencies: Vec<(u64, u64)>,
}

/// A measurement in progress.
#[derive(Debug)]
pub struct Recorder {
    /// Counted so far.
    pub report: Report,
    /// When the last byte arrived, ns.
    pub last_ns: u64,
    latencies: Histogram<u64>,
    start_ns: u64,
    start_cpu_ns: u64,
}

impl Recorder {
    /// Starts the clocks.
    pub fn start() -> anyhow::Result<Self> {
        let start_ns = clock::now_ns();
        let report = Report {
            published: 0,
            received: 0,
            answers: 0,
            closed: 0,
            bytes: 0,
            reads: 0,
            seconds: 0.0,
            reader_cpu_us: 0.0,
            latencies: Vec::new(),
        };
        let latencies = Histogram::new_with_bounds(1, MAX_US, 3)?;
        Ok(Self { report, last_ns: start_ns, latencies, start_ns, start_cpu_ns: clock::thread_cpu_ns() })
    }

    /// Counts a read that returned at this time.
    pub fn read(&mut self, bytes: usize, now_ns: u64) {
        self.report.reads += 1;
        self.report.bytes += bytes as u64;
        self.last_ns = now_ns;
    }

    /// Records an update that was stamped and arrived at these times.
    pub fn update(&mut self, stamped_ns: u64, now_ns: u64) {
        self.report.received += 1;
        self.latencies.saturating_record(now_ns.saturating_sub(stamped_ns) / 1_000);
    }

    /// Returns the figures.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "ns of some seconds")]
    pub fn finish(mut self) -> Report {
        self.report.seconds = (self.last_ns - self.start_ns) as f64 / 1e9;
        self.report.reader_cpu_us = (clock::thread_cpu_ns() - self.start_cpu_ns) as f64 / 1e3;
        self.report.latencies =
            self.latencies.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
        self.report
    }
}
