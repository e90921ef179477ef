//! What is heard while a cell waits for something: the workers' reports, the faults that are due, and the looks at both sides.

use std::future::pending;
use std::pin::pin;
use std::time::Instant;

use feedlab_experiment::hlog;
use feedlab_feed::clock;
use feedlab_feed::stats::Stats;
use hdrhistogram::Histogram;
use tokio::time::sleep_until;

use super::{Course, Seen, unwritable};
use crate::faults::Faults;
use crate::moments::Look;
use crate::worker::Report;
use crate::{Event, LoadError};

impl Course<'_> {
    pub(crate) async fn wait_until(&mut self, unix_us: u64) -> Result<(), LoadError> {
        self.follow_until(clock::instant_of(unix_us)).await
    }

    pub(super) async fn follow_until(&mut self, moment: Instant) -> Result<(), LoadError> {
        self.meanwhile(sleep_until(moment.into())).await
    }

    pub(crate) async fn look(&mut self) -> Result<Seen, LoadError> {
        let open = self.fleet.roll().open();
        let served = match self.control.clone() {
            Some(control) => Some(self.meanwhile(async move { control.look().await }).await??),
            None => None,
        };
        Ok((Look::now(open, &self.leg, self.began), served))
    }

    pub(super) async fn stats_before(&mut self, at_us: u64) -> Result<Option<Stats>, LoadError> {
        let Some(control) = self.control.clone() else { return Ok(None) };
        self.meanwhile(async move { control.stats_before(at_us).await }).await?.map(Some)
    }

    /// Takes the workers' reports and tells of faults until something is there. A server that is down is asked for a
    /// long time, and what is to bring it back is told meanwhile.
    pub(super) async fn meanwhile<T>(&mut self, something: impl Future<Output = T>) -> Result<T, LoadError> {
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
                        control.keep_before_its_end(fault.node, fault.kind.is_for_good()).await;
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
            Report::Done(found) => {
                self.found.merge(&found);
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
            // Who puts the parts together needs all of it: percentiles cannot be added.
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
