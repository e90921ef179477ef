//! What is done while a load generator works: what it tells is shown, and done to the stage where it is the stage's to do.

use std::time::Duration;

use feedlab_loadgen::{Event, Job};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::child::Child;
use super::progress::Progress;
use super::stage::Stage;
use crate::command::generate::Message;

/// Follows a load generator to its last word.
pub(super) async fn follow(
    generator: &mut Child,
    stage: &mut Stage,
    job: &Job,
    progress: &mut Progress,
) -> anyhow::Result<Message> {
    let mut redraw = redraws();
    loop {
        let mend_at = stage.mend_at();
        tokio::select! {
            biased; // A server that dies takes the load generator with it: the cause is to be told, not the effect.
            error = stage.died() => return Err(error),
            () = reached(mend_at) => stage.mend().await?,
            message = generator.next() => match message? {
                Message::Event(event) => {
                    direct(stage, job, &event).await?;
                    progress.event(&event, &job.faults);
                }
                last => return Ok(last),
            },
            _ = redraw.tick() => progress.redraw(),
        }
    }
}

/// What the load generator tells of is done to the stage.
pub(super) async fn direct(stage: &mut Stage, job: &Job, event: &Event) -> anyhow::Result<()> {
    match event {
        Event::FeedBegins { at_us } => stage.feed_began(*at_us).await,
        Event::Fault { index } => match job.faults.get(*index) {
            Some(fault) => stage.let_happen(fault).await,
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
