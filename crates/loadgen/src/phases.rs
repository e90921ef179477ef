//! One cell from its first connect to its last close: connect, settle, warm up, measure, drain, disconnect.
//!
//! A process that drives all clients starts each phase as soon as it can. If there are several, each follows a
//! timetable (`part.rs`), and one leads: it queries the servers, starts the feed, orders the faults, and runs the join
//! probe.

use feedlab_experiment::Segment;
use feedlab_experiment::record::Second;
use feedlab_feed::process::boot_id;
use hdrhistogram::Histogram;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::cell_run::{CellRun, Merged};
use crate::measure::Facts;
use crate::moments::Moments;
use crate::part::Part;
use crate::share::{Led, Portion, Share};
use crate::{Event, Job, LoadError, Outcome};

/// Measures one cell with all of its clients and reports progress to `events`. Blocks until the cell is done or `stop`
/// is cancelled; the clients run on their own threads.
///
/// # Errors
/// When it is stopped, when the server cannot be queried, and when a thread or the histogram file cannot be created. A
/// client's failure is not an error: it is counted.
///
/// # Panics
/// When called from within an asynchronous runtime.
pub fn run(job: &Job, events: &mut dyn FnMut(Event), stop: CancellationToken) -> Result<Outcome, LoadError> {
    let alone = Part { segment: Some(Segment::WHOLE), leads: true };
    let Driven { portion: Portion { share, led }, ages, seconds } = block(drive(job, alone, None, events), stop)?;
    let led = led.ok_or(LoadError::WorkerLost)?;
    let leg = share.leg;
    Ok(Outcome { record: Facts::new(job, led, &[share], ages).record(), seconds, leg })
}

/// Measures one part of a cell while other processes measure theirs. Emits [`Event::Ready`] when it is ready; `start`
/// then provides the moment at which the clients start to connect, µs of Unix time: the same for all processes, some
/// seconds ahead. The ages are in the job's log.
///
/// # Errors
/// See [`run`].
///
/// # Panics
/// See [`run`].
pub fn take_part(
    job: &Job,
    part: Part,
    start: oneshot::Receiver<u64>,
    events: &mut dyn FnMut(Event),
    stop: CancellationToken,
) -> Result<Portion, LoadError> {
    Ok(block(drive(job, part, Some(start), events), stop)?.portion)
}

fn block<T>(work: impl Future<Output = Result<T, LoadError>>, stop: CancellationToken) -> Result<T, LoadError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(LoadError::Workers)?;
    runtime.block_on(async { stop.run_until_cancelled_owned(work).await.unwrap_or(Err(LoadError::Interrupted)) })
}

/// What a process measured.
struct Driven {
    portion: Portion,
    ages: Histogram<u64>,
    seconds: Vec<Second>,
}

async fn drive(
    job: &Job,
    part: Part,
    start: Option<oneshot::Receiver<u64>>,
    events: &mut dyn FnMut(Event),
) -> Result<Driven, LoadError> {
    let mut cell = CellRun::start(job, part, events).await?;
    if let Some(start) = start {
        cell.wait_for_start(start).await?;
    }
    let baseline = cell.baseline().await?;
    let mut ramp = cell.connect().await?;
    let connected = cell.snapshot().await?;
    cell.settle().await?;
    let settled = cell.snapshot().await?;
    ramp.push(settled.clone());
    let window = cell.start_feed().await?;
    cell.wait_until(window.start_us).await?;
    let (start, due_before_start) = cell.measure(window).await?;
    let end = cell.snapshot().await?;
    let last = cell.drain(window).await?;
    let last_leg = cell.leg.stats();
    cell.disconnect().await?;
    let join_probe = cell.probe_joining().await?;
    let leg = cell.leg.final_stats().await;
    let Merged { counts, ages, seconds, was_restarted, nodes } = cell.finish()?;
    let (machine, moments) = (boot_id(), Moments { baseline, ramp, connected, settled, start, end });
    let led = last.zip(join_probe).map(|(last, join_probe)| Led {
        window,
        moments: moments.map(|(_, served)| served.clone().unwrap_or_default()),
        due_before: (due_before_start, last.feed.before),
        last,
        was_restarted,
        nodes,
        join_probe,
        machine: machine.clone(),
    });
    let moments = moments.map(|(look, _)| look.clone());
    let share = Share { part, machine, clock: None, moments, last_leg, leg, counts };
    Ok(Driven { portion: Portion { share, led }, ages, seconds })
}
