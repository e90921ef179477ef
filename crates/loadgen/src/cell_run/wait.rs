//! What a cell handles while it waits: the workers' reports, the faults that are due, and the snapshots of both sides.

use std::future::pending;
use std::pin::pin;
use std::time::Instant;

use feedlab_experiment::hlog;
use feedlab_feed::clock;
use feedlab_feed::stats::Stats;
use hdrhistogram::Histogram;
use tokio::time::sleep_until;

use super::{CellRun, PartSnapshot, unwritable};
use crate::faults::Faults;
use crate::moments::ClientSnapshot;
use crate::worker::Report;
use crate::{Event, LoadError};

impl CellRun<'_> {
    pub(crate) async fn wait_until(&mut self, unix_us: u64) -> Result<(), LoadError> {
        self.wait_until_instant(clock::instant_of(unix_us)).await
    }

    pub(super) async fn wait_until_instant(&mut self, moment: Instant) -> Result<(), LoadError> {
        self.wait_for(sleep_until(moment.into())).await
    }

    pub(crate) async fn snapshot(&mut self) -> Result<PartSnapshot, LoadError> {
        let open = self.fleet.progress().open();
        let served = match self.control.clone() {
            Some(control) => Some(self.wait_for(async move { control.snapshot().await }).await??),
            None => None,
        };
        Ok((ClientSnapshot::now(open, &self.leg, self.began), served))
    }

    pub(super) async fn stats_before(&mut self, at_us: u64) -> Result<Option<Stats>, LoadError> {
        let Some(control) = self.control.clone() else { return Ok(None) };
        self.wait_for(async move { control.stats_before(at_us).await }).await?.map(Some)
    }

    /// Waits for `something`. Meanwhile it takes the workers' reports and emits the faults that are due: a query of a
    /// server that is down takes long, and the fault that brings it back must be emitted in that time.
    pub(super) async fn wait_for<T>(&mut self, something: impl Future<Output = T>) -> Result<T, LoadError> {
        let mut something = pin!(something);
        loop {
            tokio::select! {
                there = &mut something => return Ok(there),
                report = self.fleet.next() => {
                    let report = report?;
                    self.take(report)?;
                }
                index = next_of(&mut self.faults) => {
                    let index = index?;
                    let ending = self.job.faults.get(index).filter(|fault| fault.kind.ends_server());
                    if let Some((control, fault)) = self.control.as_ref().zip(ending) {
                        control.save_before_stop(fault.node, fault.kind.is_permanent()).await;
                    }
                    (self.events)(Event::Fault { index });
                }
            }
        }
    }

    pub(super) fn take(&mut self, report: Report) -> Result<(), LoadError> {
        match report {
            Report::Ready => {}
            Report::Second { worker, second, ages } => {
                self.take_second(second, &ages)?;
                self.fleet.reuse(worker, ages);
            }
            Report::Done(counts) => {
                self.counts.merge(&counts);
                self.done += 1;
            }
        }
        Ok(())
    }

    fn take_second(&mut self, second: u32, ages: &Histogram<u64>) -> Result<(), LoadError> {
        let Some(seconds) = &mut self.seconds else { return Ok(()) };
        let whole = seconds.take(second, ages).map_err(|error| unwritable(self.job, error))?;
        let Some((second, ages)) = whole else { return Ok(()) };
        (self.events)(match self.timetable {
            None => Event::Second(second),
            // The process that merges the parts needs the whole histogram: percentiles cannot be added.
            Some(_) => {
                let ages = hlog::encode(&ages).map_err(|error| unwritable(self.job, error))?;
                Event::Ages { second: second.second, ages }
            }
        });
        Ok(())
    }
}

async fn next_of(faults: &mut Option<Faults>) -> Result<usize, LoadError> {
    match faults {
        Some(faults) => faults.next().await,
        None => pending().await,
    }
}
