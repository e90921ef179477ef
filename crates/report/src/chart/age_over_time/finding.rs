//! What the bins show: whether the ages stay level, or which contender has the bin that stands out most.

use feedlab_experiment::summary::{Estimate, Loss};

use crate::comparison::{self, Named, Shape, shape, undetermined};
use crate::complete;
use crate::dataset::{Mark, Moment, Timeline, Timelines};
use crate::human;

/// A bin stands out if its edge is at least this many times that of the middle bin …
const PEAK: f64 = 3.0;
/// … and at least this old, µs: smaller peaks come from the scheduler of a busy machine, not from a transport.
const NOISE: f64 = 5_000.0;
/// Among fewer bins than this, none stands out.
const ENOUGH_BINS: usize = 5;

/// Returns a clause.
pub(super) fn clause(timelines: &Timelines) -> String {
    let [_, edge] = timelines.names();
    let mut worst: Vec<Worst> = timelines.lines.iter().filter_map(|line| Worst::of(line, timelines.bin)).collect();
    if worst.is_empty() {
        return "ages over time: not measured".to_owned();
    }
    worst.sort_by(|a, b| b.times().total_cmp(&a.times()));
    let peak = worst.iter().find(|worst| worst.enough && worst.times() >= PEAK && worst.age >= NOISE);
    match peak {
        Some(peak) => format!(
            "{}'s {edge} peaks at {} {}, {} that of its middle {}{}",
            peak.name,
            human::time(peak.age),
            peak.when(),
            human::times(peak.age, peak.middle),
            timelines.bin_name(),
            peak.fault()
        ),
        None => level(timelines, edge, worst),
    }
}

/// Returns the clause where no bin stands out: the largest ages of the contenders that may be ranked.
fn level(timelines: &Timelines, edge: &str, mut worst: Vec<Worst<'_>>) -> String {
    // Few bins do not show that nothing stands out, but what they show is plain.
    let enough = worst.iter().any(|worst| worst.enough);
    let nothing = format!("no {} stands out", timelines.bin_name());
    worst.retain(|worst| worst.loss.is_none());
    if worst.is_empty() {
        return format!("{nothing}; updates or clients were lost over every transport");
    }
    let losers = timelines.lines.iter().filter(|line| line.loss.is_some()).map(|line| &line.series);
    let bounds = bounds(&worst, timelines.lines.len());
    let before = if enough { format!("{nothing}: ") } else { String::new() };
    format!("{before}the {edge} is at most {bounds}{}", complete::not_ranked(losers))
}

/// Returns the largest ages, separately for two groups if the contenders fall into two.
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

/// The bin of a contender with the largest age.
struct Worst<'a> {
    name: &'a str,
    loss: Option<Loss>,
    /// The first second of the bin, and its length in seconds.
    second: u32,
    bin: u32,
    age: f64,
    /// The age in the middle bin, µs.
    middle: f64,
    /// Whether the contender has enough bins for one to stand out.
    enough: bool,
    marks: &'a [Mark],
}

impl<'a> Worst<'a> {
    fn of(line: &'a Timeline, bin: u32) -> Option<Self> {
        let middle = middle(&sorted(line, |moment| moment.edge)).filter(|&age| age > 0.0)?;
        let worst = line.moments.iter().max_by(|a, b| a.edge.total_cmp(&b.edge))?;
        Some(Self {
            name: &line.series.spoken,
            loss: line.loss,
            second: worst.second,
            bin,
            age: worst.edge,
            middle,
            enough: line.moments.len() >= ENOUGH_BINS,
            marks: &line.marks,
        })
    }

    /// `in second 5`, `between 60 and 65 s`.
    fn when(&self) -> String {
        match self.bin {
            1 => format!("in second {}", self.second + 1),
            bin => format!("between {} and {} s", self.second, self.second + bin),
        }
    }

    /// Names the last fault in that bin, or one that ended less than a second before it, with its time. It does not
    /// claim that the fault is the cause.
    fn fault(&self) -> String {
        let (start, end) = (f64::from(self.second), f64::from(self.second + self.bin));
        let near = |mark: &&Mark| mark.at < end && mark.at + mark.length + 1.0 > start;
        let at = |mark: &Mark| format!("; the fault \"{}\" occurred at {}", mark.name, human::time(mark.at * 1e6));
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

/// The middle value, the smaller of the two if their number is even.
pub(super) fn middle(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}
