//! A run of one segment: every cell starts at a time that all segments compute alike, so they need not communicate.

use std::path::Path;
use std::time::Duration;

use feedlab_experiment::plan::{self, Cell};
use feedlab_experiment::{Scenario, Segment};
use feedlab_feed::clock;
use feedlab_loadgen::{Event, Job, Part, Portion};
use tokio_util::sync::CancellationToken;

use super::child::Child;
use super::progress::Progress;
use super::site::Site;
use super::spread::Role;
use super::testbed::Testbed;
use super::{cell, follow};
use crate::command::generate::{Instruction, Message, Task};
use crate::exit::Exit;
use crate::output;
use crate::segments::{About, CellPart, Folder};

/// The segment to measure, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assignment {
    pub(super) segment: Segment,
    /// When the first cell starts, µs of Unix time.
    pub(super) start_us: u64,
    pub(super) role: Role,
}

/// Measures the segment's part of every cell, and writes it into a new folder.
pub(super) async fn run(
    (scenario, text): (&Scenario, &str),
    out: &Path,
    assignment: Assignment,
    stop: &CancellationToken,
) -> anyhow::Result<Exit> {
    let about = About::new(assignment.segment, assignment.start_us, scenario);
    let folder = Folder::create(out, &about, text)?;
    let (cells, slot) = (plan::cells(scenario), plan::part_duration(scenario));
    let mut progress = Progress::new(scenario, (0, cells.len()), slot, Duration::ZERO);
    for (slots, cell) in (0..).zip(&cells) {
        progress.cell(scenario, cell);
        let begin_us = assignment.start_us.saturating_add(clock::micros(slot * slots));
        let hlog = folder.hlog(&cell.id);
        let found = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            found = measure(scenario, cell, assignment, begin_us, &hlog, &mut progress) => Some(found?),
        };
        let Some(found) = found else {
            progress.end();
            output::advice("interrupted; the other segments cannot be merged without this one");
            return Ok(Exit::Interrupted);
        };
        folder.keep(&cell.id, &found)?;
    }
    progress.end();
    folder.finish(&about)?;
    output::data(&format!("segment {}: {}\n", assignment.segment, folder.path().display()))?;
    output::advice("merge all segments with: feedlab merge FOLDER FOLDER…");
    Ok(Exit::Done)
}

async fn measure(
    scenario: &Scenario,
    cell: &Cell,
    assignment: Assignment,
    begin_us: u64,
    hlog: &Path,
    progress: &mut Progress,
) -> anyhow::Result<CellPart> {
    let Assignment { segment, role, .. } = assignment;
    match role {
        Role::Leads { listen } => {
            let mut testbed = Testbed::start(scenario, cell, None, &Site::here(listen)).await?;
            let job = cell::job(scenario, cell, None, &testbed, hlog);
            let part = Part { segment: Some(segment), leads: true };
            let found = drive(&job, part, begin_us, Some(&mut testbed), progress).await;
            testbed.stop().await?;
            Ok(CellPart { job, portion: found? })
        }
        Role::Follows { server } => {
            let job = cell::job_at(scenario, cell, server, hlog);
            let part = Part { segment: Some(segment), leads: false };
            let portion = drive(&job, part, begin_us, None, progress).await?;
            Ok(CellPart { job, portion })
        }
    }
}

/// Runs a load generator for a part of a cell that starts at `begin_us`, µs of Unix time.
async fn drive(
    job: &Job,
    part: Part,
    begin_us: u64,
    testbed: Option<&mut Testbed>,
    progress: &mut Progress,
) -> anyhow::Result<Portion> {
    let task = Task { job: job.clone(), part: Some(part) };
    let mut generator = Child::working("the load generator", &["generate".into()], &task).await?;
    generator.tell(&Instruction::Begin(begin_us)).await?;
    let last = match testbed {
        Some(testbed) => follow::follow(&mut generator, testbed, job, progress).await,
        None => follow_alone(&mut generator, job, progress).await,
    };
    generator.stop().await?;
    match last? {
        Message::Portion(portion) => Ok(*portion),
        _ => anyhow::bail!("the load generator did more than its part"),
    }
}

/// Follows a load generator without a testbed.
async fn follow_alone(generator: &mut Child, job: &Job, progress: &mut Progress) -> anyhow::Result<Message> {
    let mut redraw = follow::redraws();
    loop {
        tokio::select! {
            message = generator.next() => match message? {
                Message::Event(Event::Fault { .. }) => {}
                Message::Event(event) => progress.event(&event, &job.faults),
                last => return Ok(last),
            },
            _ = redraw.tick() => progress.redraw(),
        }
    }
}
