//! What the seconds show: whether the ages stay level, or who has the second that stands out most.

use feedlab_experiment::summary::{Estimate, Loss};

use crate::comparison::{self, Named, Shape, shape, undetermined};
use crate::complete;
use crate::dataset::{Mark, Moment, Timeline, Timelines};
use crate::human;

/// A second stands out when its edge is this many times that of the middle one …
const PEAK: f64 = 3.0;
/// … and not younger than this, µs: below it the scheduler of a busy machine is to be seen, not a transport.
const NOISE: f64 = 5_000.0;
/// Fewer seconds show no course of time.
const ENOUGH_SECONDS: usize = 5;

/// Part of a sentence.
pub(super) fn clause(timelines: &Timelines) -> String {
    let [_, edge] = timelines.names();
    if timelines.lines.iter().all(|line| line.moments.is_empty()) {
        return "ages by second: not measured".to_owned();
    }
    let mut worst: Vec<Worst> = timelines.lines.iter().filter_map(Worst::of).collect();
    worst.sort_by(|a, b| b.times().total_cmp(&a.times()));
    let peak = worst.iter().find(|second| second.times() >= PEAK && second.age >= NOISE);
    match peak {
        Some(peak) => format!(
            "{}'s {edge} peaks at {} in second {}, {} that of its middle second{}",
            peak.name,
            human::time(peak.age),
            peak.second + 1,
            human::times(peak.age, peak.middle),
            peak.fault()
        ),
        None if worst.is_empty() => "too few seconds with updates to see a course of time".to_owned(),
        None => level(timelines, edge, worst),
    }
}

/// Nobody's seconds stand out: how old it got at most, of those whose ages may be ranked.
fn level(timelines: &Timelines, edge: &str, mut worst: Vec<Worst<'_>>) -> String {
    worst.retain(|worst| worst.loss.is_none());
    if worst.is_empty() {
        return "no second stands out; not everything arrived over any transport".to_owned();
    }
    let losers = timelines.lines.iter().filter(|line| line.loss.is_some()).map(|line| &line.series);
    let bounds = bounds(&worst, timelines.lines.len());
    format!("no second stands out: the {edge} is never above {bounds}{}", complete::not_ranked(losers))
}

/// How old it got at most, told apart for two camps.
fn bounds(worst: &[Worst], contenders: usize) -> String {
    let named = |worst: &Worst| {
        let estimate = Estimate { value: worst.age, low: None, high: None };
        Named { label: worst.name.to_owned(), name: worst.name.to_owned(), estimate }
    };
    let most = |values: &[Named]| human::time(values.last().map_or(0.0, Named::value));
    match shape(worst.iter().map(named).collect(), &undetermined) {
        Shape::TwoGroups { low, high } => {
            let others = comparison::others(&low, low.len() + high.len() == contenders);
            format!("{} over {}, and {} over {others}", most(&high), comparison::names(&high), most(&low))
        }
        Shape::OneGroup(values) | Shape::NoDifference(values) => most(&values),
        Shape::One(one) => format!("{} over {}", human::time(one.value()), one.name),
        Shape::Nothing => human::ABSENT.to_owned(),
    }
}

/// The second with the oldest ages.
struct Worst<'a> {
    name: &'a str,
    loss: Option<Loss>,
    second: u32,
    age: f64,
    /// The age in the middle second.
    middle: f64,
    marks: &'a [Mark],
}

impl<'a> Worst<'a> {
    fn of(line: &'a Timeline) -> Option<Self> {
        let middle = middle(&sorted(line, |moment| moment.edge)).filter(|&age| age > 0.0)?;
        let worst = line.moments.iter().max_by(|a, b| a.edge.total_cmp(&b.edge))?;
        let enough = line.moments.len() >= ENOUGH_SECONDS;
        enough.then_some(Self {
            name: &line.series.spoken,
            loss: line.loss,
            second: worst.second,
            age: worst.edge,
            middle,
            marks: &line.marks,
        })
    }

    /// What broke last in that second, or lasted until less than a second before it: when it was, and no more.
    fn fault(&self) -> String {
        let (begin, end) = (f64::from(self.second), f64::from(self.second) + 1.0);
        let near = |mark: &&Mark| mark.at < end && mark.at + mark.length + 1.0 > begin;
        let at = |mark: &Mark| format!("; the fault \"{}\" came at {}", mark.name, human::time(mark.at * 1e6));
        self.marks.iter().rfind(near).map_or(String::new(), at)
    }

    fn times(&self) -> f64 {
        self.age / self.middle
    }
}

pub(super) fn sorted(line: &Timeline, age: impl Fn(&Moment) -> f64) -> Vec<f64> {
    let mut all: Vec<f64> = line.moments.iter().map(age).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// The one in the middle, the smaller of two.
pub(super) fn middle(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}
