//! Merges the segments of one run: the parts of every cell are merged as if one process had measured it, and judged
//! once.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use feedlab_experiment::Segment;
use feedlab_loadgen::{Job, conclude};

use crate::command::run::{FailOn, closing, series};
use crate::exit::{Exit, bad_input};
use crate::output::Format;
use crate::segments::{About, Folder};

/// Merges them, draws the report and prints its path.
pub(super) fn merge(folders: Vec<Folder>, out: &Path) -> anyhow::Result<Exit> {
    let segments = folders.into_iter().map(|folder| Ok((folder.about()?, folder))).collect::<anyhow::Result<Vec<_>>>();
    let segments = segments.and_then(complete).map_err(bad_input)?;
    let (about, first) = segments.first().context("give the segments")?;
    let started = UNIX_EPOCH + Duration::from_micros(about.start_us);
    let mut series = series::Series::of_parts(&about.scenario, &first.scenario().map_err(bad_input)?, out, started)?;
    series.agents = segments.iter().map(|(about, _)| format!("segment {}", about.segment)).collect();
    let end = match add_cells(&mut series, &segments) {
        Ok(()) => series::End::Complete,
        Err(error) => series::End::Failed(error),
    };
    let options = closing::PrintOptions { format: Format::Text, is_one_of_many: false, fail_on: FailOn::Invalid };
    closing::close(series, end, options)
}

fn add_cells(series: &mut series::Series<'_>, segments: &[(About, Folder)]) -> anyhow::Result<()> {
    for cell in series.plan.clone() {
        let (mut led, mut parts) = (None, Vec::new());
        for (about, folder) in segments {
            let (part, ages) = folder.part(&cell.id).map_err(bad_input)?;
            if about.segment.index() == 1 {
                led = Some(part.job);
            }
            parts.push((part.portion, ages));
        }
        let job = led.context("no segment is the leading one")?;
        let job = Job { hlog: series.folder.hlog_path(&cell.id), ..job };
        let outcome = conclude(&job, parts, &[]).with_context(|| format!("cell {}", cell.id)).map_err(bad_input)?;
        series.add(outcome)?;
    }
    Ok(())
}

/// Returns all segments of one run, in their order.
///
/// # Errors
/// If a segment is missing or belongs to another run.
fn complete(mut segments: Vec<(About, Folder)>) -> anyhow::Result<Vec<(About, Folder)>> {
    segments.sort_by_key(|(about, _)| about.segment);
    let Some((first, folder)) = segments.first() else { anyhow::bail!("give the segments") };
    for (about, other) in &segments {
        let differs = |what: &str| anyhow::anyhow!("{} and {} {what}", folder.path().display(), other.path().display());
        anyhow::ensure!(
            about.segment.of() == first.segment.of(),
            differs("divide their runs into different numbers of segments")
        );
        anyhow::ensure!(about.scenario == first.scenario, differs("are segments of different scenarios"));
        anyhow::ensure!(
            about.start_us == first.start_us,
            differs("started at different times: they belong to different runs")
        );
        anyhow::ensure!(
            about.feedlab == first.feedlab,
            differs(&format!("were measured by different versions, {} and {}", first.feedlab, about.feedlab))
        );
    }
    for (index, place) in (1..=first.segment.of()).zip(0..) {
        match segments.get(place) {
            Some((about, _)) if about.segment.index() == index => {}
            Some((about, folder)) if about.segment.index() < index => {
                anyhow::bail!(
                    "segment {} was given twice, the second time as {}",
                    about.segment,
                    folder.path().display()
                )
            }
            _ => {
                let missing = Segment::new(index, first.segment.of()).map(|segment| segment.to_string());
                anyhow::bail!(
                    "segment {} is missing: without it, the run would have too few clients",
                    missing.unwrap_or_default()
                )
            }
        }
    }
    anyhow::ensure!(segments.len() == first.segment.of() as usize, "a segment was given twice");
    Ok(segments)
}
