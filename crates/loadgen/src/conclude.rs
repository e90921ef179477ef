//! Merges the parts of a cell into the cell, as if one process had driven it. Counts are added and histograms merged,
//! so nothing is lost; a percentile is taken once, over all samples.

use std::path::Path;

use feedlab_experiment::record::Second;
use feedlab_experiment::verdict::{Reason, Status};
use feedlab_experiment::{Segment, hlog};
use hdrhistogram::Histogram;

use crate::measure::Facts;
use crate::part::Part;
use crate::recorder::Window;
use crate::seconds::Seconds;
use crate::share::{Portion, Share};
use crate::transport::LegStats;
use crate::{Job, LoadError, Outcome};

/// Why the parts of a cell cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// Not exactly one part queried the servers. Holds how many did.
    #[error("{0} of the parts queried the servers; exactly one must")]
    Leads(usize),
    /// Two parts have the same segment.
    #[error("segment {0} occurs twice")]
    Twice(Segment),
    /// The age log of a part cannot be read.
    #[error("the ages of segment {segment} cannot be read: {problem}")]
    Ages {
        /// The segment of the part.
        segment: String,
        /// What is wrong with the log.
        problem: String,
    },
    /// The merged age log cannot be written.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Merges the parts of a cell, each given with its age log. `lost` names each part that is missing, and why; the cell
/// is then invalid. All ages are written to the job's log.
///
/// # Errors
/// When not exactly one part led, when a segment occurs twice, and when ages cannot be read or written.
pub fn conclude(job: &Job, parts: Vec<(Portion, Vec<u8>)>, lost: &[String]) -> Result<Outcome, PartsError> {
    let mut segments: Vec<_> = parts.iter().filter_map(|(portion, _)| portion.share.part.segment).collect();
    segments.sort_unstable();
    if let Some(twice) = segments.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(PartsError::Twice(twice[0]));
    }
    let (mut leads, mut shares, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    for (Portion { share, led }, log) in parts {
        leads.extend(led);
        logs.push((share.part, log));
        shares.push(share);
    }
    let count = leads.len();
    let led = leads.pop().filter(|_| count == 1).ok_or(PartsError::Leads(count))?;
    let (ages, seconds) = merge_ages(job, led.window, &logs)?;
    let mut leg = LegStats::nothing();
    shares.iter().for_each(|share| leg += &share.leg);
    let is_elsewhere = |share: &Share| share.machine.is_none() || share.machine != led.machine;
    let is_unknown = shares.iter().any(|share| share.clock.is_none() && is_elsewhere(share));
    let mut record = Facts::new(job, led, &shares, ages).record();
    for lost in lost {
        let advice = "measure again: the missing clients are not part of this cell's figures";
        record.verdict.add(Reason::new(Status::Invalid, lost, advice));
    }
    if is_unknown {
        let what = "the clients ran on several machines whose clocks were not compared: ages are off by the difference";
        record.verdict.add(Reason::new(
            Status::Suspect,
            what,
            "synchronize the clocks with chrony or PTP, and check how far apart they are",
        ));
    }
    Ok(Outcome { record, seconds, leg })
}

/// Merges the logs second by second into the job's log.
fn merge_ages(
    job: &Job,
    window: Window,
    logs: &[(Part, Vec<u8>)],
) -> Result<(Histogram<u64>, Vec<Second>), PartsError> {
    let unwritable = |source| LoadError::Hlog { path: job.hlog.clone(), source };
    let log = hlog::Writer::create(Path::new(&job.hlog), window.start_us).map_err(unwritable)?;
    let mut whole = Seconds::new(job.cell.id.clone(), logs.len(), Some(log));
    let mut open: Vec<_> = logs.iter().map(|(part, log)| (*part, hlog::seconds(log))).collect();
    for second in 0..window.seconds() {
        for (part, log) in &mut open {
            let ages = match log.next() {
                None => hlog::new_histogram(),
                Some(Ok((at, ages))) if at == second => ages,
                Some(Ok((at, _))) => {
                    return Err(unreadable(*part, &format!("found second {at} where second {second} was expected")));
                }
                Some(Err(problem)) => return Err(unreadable(*part, &problem)),
            };
            whole.take(second, &ages).map_err(unwritable)?;
        }
    }
    Ok(whole.finish().map_err(unwritable)?)
}

fn unreadable(part: Part, problem: &str) -> PartsError {
    let segment = part.segment.map_or_else(|| "none".to_owned(), |segment| segment.to_string());
    PartsError::Ages { segment, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feedlab_experiment::plan::Cell;
    use feedlab_experiment::scenario::{Clients, Contender, Headers, Measure, Options};
    use proptest::prelude::*;

    use super::*;
    use crate::recorder::Counts;

    const SECONDS: u32 = 3;

    fn job(hlog: std::path::PathBuf) -> Job {
        let second = Duration::from_secs(1);
        let cell = Cell { id: "c".into(), contender: 0, clients: 4, payload_bytes: None, repetition: 1, seed: 1 };
        let clients = Clients { count: vec![4], ramp: second, headers: Headers::Bare, slow: None, churn: None };
        let measure =
            Measure { settle: second, warm_up: second, duration: SECONDS * second, drain: second, repetitions: 1 };
        let contender = Contender::new("SSE", Options::Sse { keepalive: second });
        Job::new("127.0.0.1:80".parse().unwrap(), cell, contender, clients, measure, hlog)
    }

    /// The log that a process writes for these ages, each given with its second.
    fn log(folder: &Path, ages: &[(u32, u64)]) -> Vec<u8> {
        let path = folder.join("part.hlog");
        let mut log = hlog::Writer::create(&path, 0).unwrap();
        for second in 0..SECONDS {
            log.second(second, &histogram(ages.iter().filter(|(at, _)| *at == second).map(|(_, age)| *age))).unwrap();
        }
        log.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    fn histogram(ages: impl IntoIterator<Item = u64>) -> Histogram<u64> {
        let mut histogram = hlog::new_histogram();
        ages.into_iter().for_each(|age| histogram.saturating_record(age));
        histogram
    }

    fn part(segment: Option<Segment>) -> Part {
        Part { segment, leads: segment.is_none() }
    }

    proptest! {
        /// Whichever process recorded a sample, and whatever its value: the merged log equals that of one process with
        /// all samples.
        #[test]
        fn the_ages_of_several_processes_are_those_of_one(
            of in 1u32..6,
            samples in prop::collection::vec((any::<prop::sample::Index>(), 0..SECONDS, 0u64..2 * hlog::MAX_AGE_US), 0..300),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let job = job(folder.path().join("all.hlog"));
            let parts: Vec<_> = (1..=of)
                .map(|index| {
                    let is_its_own = |whose: &prop::sample::Index| whose.index(of as usize) as u32 + 1 == index;
                    let own: Vec<_> = samples.iter().filter(|(whose, ..)| is_its_own(whose)).collect();
                    let own: Vec<_> = own.into_iter().map(|(_, second, age)| (*second, *age)).collect();
                    (part(Segment::new(index, of)), log(folder.path(), &own))
                })
                .collect();
            let window = Window { start_us: 0, end_us: u64::from(SECONDS) * 1_000_000 };
            let (total, seconds) = merge_ages(&job, window, &parts).unwrap();

            let all: Vec<_> = samples.iter().map(|(_, second, age)| (*second, *age)).collect();
            prop_assert_eq!(&total, &histogram(all.iter().map(|(_, age)| *age)));
            prop_assert_eq!(std::fs::read(&job.hlog).unwrap(), log(folder.path(), &all), "byte for byte");
            let alone = merge_ages(&job, window, &[(part(Some(Segment::WHOLE)), log(folder.path(), &all))]).unwrap().1;
            prop_assert_eq!(seconds, alone);
        }

        /// All other counts survive serialization and add up as if one process had counted.
        #[test]
        fn the_counts_of_several_processes_are_those_of_one(
            of in 1usize..5,
            samples in prop::collection::vec((any::<prop::sample::Index>(), 0u64..2 * hlog::MAX_AGE_US), 0..100),
        ) {
            let mut alone = Counts::new();
            let mut parts = vec![Counts::new(); of];
            for (whose, time) in &samples {
                for counts in [&mut alone, &mut parts[whose.index(of)]] {
                    counts.received += 1;
                    counts.opens.saturating_record(*time);
                    counts.acks.saturating_record(time / 3);
                    let range = counts.ranges.entry(None).or_insert((*time, *time));
                    *range = (range.0.min(*time), range.1.max(*time));
                }
            }
            let mut merged = Counts::new();
            for part in &parts {
                merged.merge(&serde_json::from_str(&serde_json::to_string(part).unwrap()).unwrap());
            }
            prop_assert_eq!((merged.received, &merged.ranges), (alone.received, &alone.ranges));
            prop_assert_eq!((&merged.opens, &merged.acks), (&alone.opens, &alone.acks));
        }
    }

    #[test]
    fn a_log_with_a_hole_or_with_garbage_is_rejected_but_one_that_ends_early_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path().join("all.hlog"));
        let window = Window { start_us: 0, end_us: u64::from(SECONDS) * 1_000_000 };
        let whole = String::from_utf8(log(folder.path(), &[(0, 7), (1, 8), (2, 9)])).unwrap();
        let lines: Vec<_> = whole.lines().collect();
        let (head, [first, second, third]) = lines.split_at(lines.len() - 3) else { panic!("{whole}") };
        let text = |seconds: &[&str]| ([head, seconds].concat().join("\n") + "\n").into_bytes();
        let merged = |log: Vec<u8>| merge_ages(&job, window, &[(part(Segment::new(2, 3)), log)]);
        assert_eq!(merged(text(&[first, second])).unwrap().0.len(), 2);
        let error = merged(text(&[first, third])).unwrap_err().to_string();
        assert_eq!(error, "the ages of segment 2/3 cannot be read: found second 2 where second 1 was expected");
        assert!(merged(text(&[first, &second[..second.len() / 2], third])).is_err());
    }
}
