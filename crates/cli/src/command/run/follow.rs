//! Follows a load generator: shows its events as progress, and applies those that concern the testbed.

use std::time::Duration;

use feedlab_loadgen::{Event, Job};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::child::Child;
use super::progress::Progress;
use super::testbed::Testbed;
use crate::command::generate::Message;

/// Follows a load generator and returns its last message.
pub(super) async fn follow(
    generator: &mut Child,
    testbed: &mut Testbed,
    job: &Job,
    progress: &mut Progress,
) -> anyhow::Result<Message> {
    let mut redraw = redraws();
    loop {
        let restart_at = testbed.restart_at();
        tokio::select! {
            biased; // If a server dies, the load generator fails too: report the cause, not the effect.
            error = testbed.died() => return Err(error),
            () = reached(restart_at) => testbed.restart_due().await?,
            message = generator.next() => match message? {
                Message::Event(event) => {
                    apply(testbed, job, &event).await?;
                    progress.event(&event, &job.faults);
                }
                last => return Ok(last),
            },
            _ = redraw.tick() => progress.redraw(),
        }
    }
}

/// Applies an event of the load generator to the testbed.
pub(super) async fn apply(testbed: &mut Testbed, job: &Job, event: &Event) -> anyhow::Result<()> {
    match event {
        Event::FeedBegins { at_us } => testbed.start_feed(*at_us).await,
        Event::Fault { index } => match job.faults.get(*index) {
            Some(fault) => testbed.inject(fault).await,
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

pub(super) fn redraws() -> Interval {
    let mut redraw = interval(Duration::from_millis(200));
    redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
    redraw
}

pub(super) async fn reached(moment: Option<std::time::Instant>) {
    match moment {
        Some(moment) => sleep_until(Instant::from_std(moment)).await,
        None => std::future::pending().await,
    }
}
