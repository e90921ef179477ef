//! The measured time, second by second: merges the workers' histograms into complete seconds and a total.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use feedlab_experiment::hlog;
use feedlab_experiment::record::Second;
use hdrhistogram::Histogram;

/// Merges the seconds of all workers.
pub(crate) struct Seconds {
    cell: String,
    workers: usize,
    /// The number of the first incomplete second.
    next: u32,
    /// The seconds from `next` that at least one worker has reported, each with the number of workers that have.
    open: VecDeque<(Histogram<u64>, usize)>,
    /// The log that complete seconds are written to, if any.
    log: Option<hlog::Writer>,
    total: Histogram<u64>,
    whole: Vec<Second>,
}

impl Seconds {
    pub(crate) fn new(cell: String, workers: usize, log: Option<hlog::Writer>) -> Self {
        let total = hlog::new_histogram();
        Self { cell, workers, next: 0, open: VecDeque::new(), log, total, whole: Vec::new() }
    }

    /// Adds a worker's ages of one second; every worker reports each second once, in order. Returns the second that
    /// this completes.
    pub(crate) fn take(&mut self, second: u32, ages: &Histogram<u64>) -> io::Result<Option<(Second, Histogram<u64>)>> {
        let index = second.saturating_sub(self.next) as usize;
        while self.open.len() <= index {
            self.open.push_back((hlog::new_histogram(), 0));
        }
        let (merged, reports) = &mut self.open[index];
        *merged += ages; // all have the same bounds
        *reports += 1;
        match self.open.front() {
            Some((_, reports)) if *reports >= self.workers => self.end_second(),
            _ => Ok(None),
        }
    }

    fn end_second(&mut self) -> io::Result<Option<(Second, Histogram<u64>)>> {
        let Some((ages, _)) = self.open.pop_front() else { return Ok(None) };
        if let Some(log) = &mut self.log {
            log.second(self.next, &ages)?;
        }
        self.total += &ages;
        let second = summarize(&self.cell, self.next, &ages);
        self.whole.push(second.clone());
        self.next += 1;
        Ok(Some((second, ages)))
    }

    /// Finishes the log and returns the total and the seconds.
    pub(crate) fn finish(self) -> io::Result<(Histogram<u64>, Vec<Second>)> {
        self.log.map_or(Ok(()), hlog::Writer::finish)?;
        Ok((self.total, self.whole))
    }
}

/// The seconds of several processes while they measure, for a live view. A second is complete when all processes have
/// reported it.
pub struct Live {
    seconds: Seconds,
    /// The number of seconds in the measured time; reports of others are ignored.
    most: u32,
}

impl Live {
    /// Creates the live view of a cell that `processes` processes measure for `duration`.
    #[must_use]
    pub fn new(cell: &str, processes: usize, duration: Duration) -> Self {
        let most = u32::try_from(duration.as_micros().div_ceil(1_000_000)).unwrap_or(u32::MAX);
        Self { seconds: Seconds::new(cell.to_owned(), processes, None), most }
    }

    /// Adds a process's second, with its ages as [`hlog::encode`] writes them. Returns the second that this completes.
    pub fn take(&mut self, second: u32, ages: &str) -> Option<Second> {
        let ages = hlog::decode(ages).ok().filter(|_| second < self.most)?;
        self.seconds.take(second, &ages).ok()?.map(|(second, _)| second)
    }

    /// Stops waiting for one of the processes.
    pub const fn without_one(&mut self) {
        self.seconds.workers = self.seconds.workers.saturating_sub(1);
    }
}

fn summarize(cell: &str, second: u32, ages: &Histogram<u64>) -> Second {
    let any = !ages.is_empty();
    Second {
        cell: cell.to_owned(),
        second,
        updates: ages.len(),
        age_mean_us: any.then(|| ages.mean()),
        age_p50_us: any.then(|| ages.value_at_quantile(0.5)),
        age_p99_us: any.then(|| ages.value_at_quantile(0.99)),
        age_max_us: any.then(|| ages.max()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ages(values: &[u64]) -> Histogram<u64> {
        let mut ages = hlog::new_histogram();
        values.iter().for_each(|value| ages.saturating_record(*value));
        ages
    }

    #[test]
    fn a_second_is_complete_when_every_worker_has_reported_it_and_the_log_holds_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.hlog");
        let mut seconds = Seconds::new("a".into(), 2, Some(hlog::Writer::create(&path, 1).unwrap()));
        assert_eq!(seconds.take(0, &ages(&[100, 200])).unwrap(), None);
        assert_eq!(seconds.take(1, &ages(&[])).unwrap(), None);
        let (first, _) = seconds.take(0, &ages(&[300])).unwrap().unwrap();
        assert_eq!((first.second, first.updates, first.age_p50_us, first.age_max_us), (0, 3, Some(200), Some(300)));
        let (empty, _) = seconds.take(1, &ages(&[])).unwrap().unwrap();
        assert_eq!((empty.second, empty.updates, empty.age_mean_us), (1, 0, None));
        let (total, whole) = seconds.finish().unwrap();
        assert_eq!((total.len(), whole.len()), (3, 2));
        assert_eq!(hlog::read(&path).unwrap(), total);
    }
}
