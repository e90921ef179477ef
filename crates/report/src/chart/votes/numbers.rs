//! Numeric answers: a strip of columns for each round, with lines at the predicted and the measured value.

use feedlab_experiment::class::{Round, Side};

use super::super::axis::Axis;
use super::super::canvas::{Anchor, Area, Canvas, DrawResult, TextFormat};
use super::super::{COMPACT_BELOW, nothing, sign, text};
use super::{Votes, figure, key, name};
use crate::palette::Color;
use crate::{human, wording};

/// Heights: the names of the lines, a strip's name, its columns, and the axis at the bottom.
const NAMES: f64 = 46.0;
const HEAD: f64 = 36.0;
const STRIP: f64 = 84.0;
const AXIS: f64 = 46.0;
const EDGE: f64 = 14.0;

/// Answers that differ from the known value, or from the median, by more than this factor are counted in a column at the
/// edge, so that one joke answer does not squeeze all others into a line.
const REACH: f64 = 1_000.0;

/// The width of the column for the answers below or above the axis, with its label.
const SIDE: f64 = 52.0;

/// The ratio of the largest to the smallest value from which the axis is logarithmic.
const LOGARITHMIC_FROM: f64 = 20.0;

pub(super) fn height(votes: &Votes, width: f64) -> f64 {
    key::height(votes, width) + NAMES + votes.rounds().len() as f64 * (HEAD + STRIP) + AXIS
}

pub(super) fn draw(votes: &Votes, canvas: &mut Canvas, area: Area) -> DrawResult {
    key::draw(votes, canvas, area)?;
    let top = area.top + key::height(votes, area.width());
    let Some(axis) = axis(votes) else {
        return nothing(canvas, Area { top, ..area }, "nobody has answered yet");
    };
    let plot = Area { left: area.left + EDGE, top: top + NAMES, right: area.right - EDGE, bottom: area.bottom - AXIS };
    let sides = votes.rounds();
    let bins = Bins::new(axis, &sides, if area.width() < COMPACT_BELOW { 16 } else { 32 });
    ground(votes, canvas, bins.inner(plot), axis)?;
    edges(canvas, &bins, plot)?;
    let highest = sides.iter().flat_map(|(_, side)| bins.of(side)).max().unwrap_or(1).max(1);
    for (index, (round, side)) in sides.into_iter().enumerate() {
        let top = plot.top + index as f64 * (HEAD + STRIP);
        let strip = Area { top: top + HEAD, bottom: top + HEAD + STRIP, ..plot };
        columns(canvas, &bins.bars(side, highest, strip), strip, round)?;
        canvas.text(&title(votes, round, side), (area.left, top + 18.0), TextFormat::new(13.5).bold())?;
    }
    lines(votes, canvas, (bins.inner(plot), area), axis)?;
    votes.rounds().into_iter().enumerate().try_for_each(|(index, (_, side))| {
        let top = plot.top + index as f64 * (HEAD + STRIP);
        figures(canvas, &bins.bars(side, highest, Area { top: top + HEAD, bottom: top + HEAD + STRIP, ..plot }))
    })
}

/// Returns a note about the answers that lie outside the axis, if there are any.
pub(super) fn beyond(votes: &Votes) -> Option<String> {
    let axis = axis(votes)?;
    let all = votes.rounds().into_iter().flat_map(|(_, side)| &side.numbers);
    let is_beyond = |number: f64| is_under(axis, number) || is_over(axis, number);
    let count: u32 = all.filter(|(number, _)| is_beyond(*number)).map(|&(_, count)| count).sum();
    let answers = match count {
        1 => "1 answer lies outside the chart and is drawn at its edge.".to_owned(),
        count => format!("{} answers lie outside the chart and are drawn at its edge.", human::count(f64::from(count))),
    };
    (count > 0).then_some(answers)
}

const fn is_under(axis: Axis, number: f64) -> bool {
    match axis {
        Axis::Log { low, .. } => number < low,
        Axis::Linear { .. } => number < 0.0,
    }
}

const fn is_over(axis: Axis, number: f64) -> bool {
    let (Axis::Log { high, .. } | Axis::Linear { high }) = axis;
    number > high
}

/// Returns an axis that holds the predicted and the measured value and all answers within reach, or `None` without any.
fn axis(votes: &Votes) -> Option<Axis> {
    let known: Vec<f64> = [votes.predicted, votes.measured].into_iter().flatten().collect();
    let sides = votes.rounds();
    let is_near = |number: f64, middle: f64| number >= middle / REACH && number <= middle * REACH;
    let mut middles: Vec<f64> = sides.iter().filter_map(|(_, side)| side.median()).collect();
    if known.is_empty() && middles.is_empty() {
        return None;
    }
    if let Some(whole) = whole(votes) {
        return Some(Axis::linear([whole]));
    }
    if known.iter().any(|&value| value > 0.0) {
        middles.retain(|&middle| known.iter().any(|&value| is_near(middle, value)));
    }
    let around: Vec<f64> = known.into_iter().chain(middles).collect();
    let numbers = sides.iter().flat_map(|(_, side)| &side.numbers).map(|&(number, _)| number);
    let near = numbers.filter(|&number| around.iter().any(|&middle| is_near(number, middle)));
    let shown: Vec<f64> = near.chain(around.iter().copied()).collect();
    let (low, high) = shown.iter().fold((f64::MAX, 0.0f64), |(low, high), &x| (low.min(x), high.max(x)));
    Some(if low > 0.0 && high / low >= LOGARITHMIC_FROM {
        Axis::log(shown)
    } else {
        // A tenth more, because a column at the very end of the axis would look as if it continued.
        Axis::linear([high * 1.1])
    })
}

/// Returns the whole of which the answer is a part: 100 for the unit "of 100 polls".
fn whole(votes: &Votes) -> Option<f64> {
    let unit = votes.question.unit.as_deref()?.strip_prefix("of ")?;
    let whole: f64 = unit.split(' ').next()?.parse().ok()?;
    let known = [votes.predicted, votes.measured].into_iter().flatten();
    (whole.is_finite() && known.fold(0.0, f64::max) <= whole).then_some(whole)
}

/// Columns of equal width along the axis, and at its ends one each for the answers below and above it, if there are
/// any.
struct Bins {
    axis: Axis,
    count: usize,
    has_under: bool,
    has_over: bool,
}

impl Bins {
    fn new(axis: Axis, sides: &[(Round, &Side)], count: usize) -> Self {
        let has = |is_beyond: fn(Axis, f64) -> bool| {
            sides.iter().flat_map(|(_, side)| &side.numbers).any(|&(number, _)| is_beyond(axis, number))
        };
        Self { axis, count, has_under: has(is_under), has_over: has(is_over) }
    }

    /// The part of an area that the axis takes.
    fn inner(&self, area: Area) -> Area {
        let side = |is_there: bool| if is_there { SIDE } else { 0.0 };
        Area { left: area.left + side(self.has_under), right: area.right - side(self.has_over), ..area }
    }

    /// Counts the answers in each column, from left to right.
    fn of(&self, side: &Side) -> Vec<u32> {
        let first = usize::from(self.has_under);
        let mut bins = vec![0u32; first + self.count + usize::from(self.has_over)];
        for &(number, people) in &side.numbers {
            let place = match self.axis.place(number, 0.0, self.count as f64) as usize {
                _ if is_under(self.axis, number) => 0,
                _ if is_over(self.axis, number) => bins.len() - 1,
                place => first + place.min(self.count - 1),
            };
            bins[place] = bins[place].saturating_add(people);
        }
        bins
    }

    /// The left and right ends of each column.
    fn slots(&self, strip: Area) -> Vec<(f64, f64)> {
        let inner = self.inner(strip);
        let width = inner.width() / self.count as f64;
        let within = (0..self.count).map(|index| inner.left + index as f64 * width).map(|left| (left, left + width));
        // The columns at the edges are as wide as the others, so that their heights compare.
        let half = width.min(SIDE) / 2.0;
        let around = |middle: f64| (middle - half, middle + half);
        let under = self.has_under.then(|| around(strip.left + SIDE / 2.0 - 4.0));
        let over = self.has_over.then(|| around(strip.right - SIDE / 2.0 + 4.0));
        under.into_iter().chain(within).chain(over).collect()
    }

    /// The columns that are not empty, with the number of people in each.
    fn bars(&self, side: &Side, highest: u32, strip: Area) -> Vec<(u32, Area)> {
        // Leaves room for the figure above the highest column.
        let room = strip.bottom - strip.top - 20.0;
        let shown = self.of(side).into_iter().zip(self.slots(strip)).filter(|(people, _)| *people > 0);
        let bar = |(people, (left, right)): (u32, (f64, f64))| {
            let top = strip.bottom - room * f64::from(people) / f64::from(highest);
            (people, Area { left: left + 1.5, top, right: right - 1.5, bottom: strip.bottom })
        };
        shown.map(bar).collect()
    }
}

/// Labels the columns for the answers below and above the axis.
fn edges(canvas: &mut Canvas, bins: &Bins, plot: Area) -> DrawResult {
    let set = TextFormat::new(12.0).muted().at(Anchor::Middle);
    let (low, high) = match bins.axis {
        Axis::Log { low, high } => (low, high),
        Axis::Linear { high } => (0.0, high),
    };
    for (is_there, said, x) in [
        (bins.has_under, format!("< {}", human::rough(low)), plot.left + SIDE / 2.0 - 4.0),
        (bins.has_over, format!("> {}", human::rough(high)), plot.right - SIDE / 2.0 + 4.0),
    ] {
        if is_there {
            canvas.text(&text::fit(&said, 12.0, SIDE), (x, plot.bottom + 14.0), set)?;
        }
    }
    Ok(())
}

fn columns(canvas: &mut Canvas, bars: &[(u32, Area)], strip: Area, round: Round) -> DrawResult {
    bars.iter().try_for_each(|&(_, column)| key::bar(canvas, column, round))?;
    canvas.line((strip.left, strip.bottom), (strip.right, strip.bottom), Color::Muted, 1.0)
}

/// Draws the number of people above each column, on top of every line.
fn figures(canvas: &mut Canvas, bars: &[(u32, Area)]) -> DrawResult {
    bars.iter().try_for_each(|&(people, column)| {
        let (x, y) = (f64::midpoint(column.left, column.right), column.top - 10.0);
        let said = human::count(f64::from(people));
        let half = text::width(&said, 12.5) / 2.0 + 1.0;
        canvas.fill(Area { left: x - half, top: y - 7.0, right: x + half, bottom: y + 7.0 }, Color::Paper, 0.85)?;
        canvas.text(&said, (x, y), TextFormat::new(12.5).bold().at(Anchor::Middle))
    })
}

fn title(votes: &Votes, round: Round, side: &Side) -> String {
    let answers = wording::counted(f64::from(side.people), "answer", "answers");
    let middle = side.median().map_or(String::new(), |middle| format!(", median {}", figure(votes.question, middle)));
    format!("{}: {answers}{middle}", name(round))
}

/// Draws the ticks, and grid lines behind the columns.
fn ground(votes: &Votes, canvas: &mut Canvas, plot: Area, axis: Axis) -> DrawResult {
    let ticks = match axis {
        Axis::Log { .. } => axis.log_ticks((plot.width() / 64.0) as usize),
        Axis::Linear { .. } => {
            axis.linear_ticks((plot.width() / 110.0).min(6.0), feedlab_experiment::metric::Unit::Count)
        }
    };
    let set = TextFormat::new(12.0).muted().at(Anchor::Middle);
    let mut free_from = f64::MIN;
    for tick in ticks {
        let x = axis.place(tick, plot.left, plot.right);
        canvas.line((x, plot.top + HEAD), (x, plot.bottom), Color::Grid, 1.0)?;
        let label = human::rough(tick);
        let half = text::width(&label, 12.0) / 2.0;
        if x - half > free_from {
            canvas.text(&label, (x, plot.bottom + 14.0), set)?;
            free_from = x + half + 6.0;
        }
    }
    let unit = votes.question.unit.as_deref().unwrap_or_default();
    let how = if matches!(axis, Axis::Log { .. }) { ", logarithmic" } else { "" };
    let caption = text::fit(&format!("{unit}{how}"), 12.0, plot.width());
    let middle = f64::midpoint(plot.left, plot.right);
    canvas.text(&caption, (middle, plot.bottom + 32.0), set)
}

/// Draws the predicted and the measured value across all strips, each with its name on a separate line above.
fn lines(votes: &Votes, canvas: &mut Canvas, (plot, whole): (Area, Area), axis: Axis) -> DrawResult {
    let known = [("predicted", votes.predicted, &sign::DASHES[..]), ("measured", votes.measured, &[])];
    for (index, (what, value, dashes)) in known.into_iter().enumerate() {
        let Some(value) = value else { continue };
        let x = axis.place(value, plot.left, plot.right);
        let y = plot.top - NAMES + 12.0 + index as f64 * 22.0;
        canvas.path(&[(x, y), (x, plot.bottom)], dashes, Color::Ink, 1.8)?;
        if index == 0 {
            sign::predicted(canvas, (x, y))?;
        } else {
            sign::measured(canvas, (x, y))?;
        }
        let said = format!("{what} {}", figure(votes.question, value));
        // The names may lie over the columns at the edges, because they are above them.
        let (left, right) = (x - 12.0 - whole.left, whole.right - x - 12.0);
        let is_left = text::width(&said, 14.0) > right && left > right;
        let (anchor, away) = if is_left { (Anchor::End, -12.0) } else { (Anchor::Start, 12.0) };
        canvas.text(&said, (x + away, y), TextFormat::new(14.0).bold().at(anchor))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use feedlab_experiment::class::{Answer, Questions, Tally, Vote};

    use super::super::super::NARROW;
    use super::super::{Place, votes_chart};
    use super::*;

    const QUESTION: &str = r#"
[[question]]
id = "q"
chapter = "a"
text = "How many?"
unit = "UNIT"
because = "It was counted."
measured = { scenario = "scenarios/workshop/a.toml", contender = "SSE", metric = "requests_empty", per = 1 }
"#;

    /// Returns the axis, and the numbers of answers below, on and above it.
    fn drawn(unit: &str, numbers: &[f64], known: Option<f64>) -> (Axis, [u32; 3]) {
        let questions = Questions::parse(&QUESTION.replace("UNIT", unit)).unwrap();
        let vote = |(index, number): (usize, &f64)| Vote {
            question: "q".into(),
            round: Round::Before,
            who: index.to_string(),
            answer: Answer::Number(*number),
            count: 1,
            at: 1,
            id: None,
            device: None,
        };
        let said: Vec<Vote> = numbers.iter().enumerate().map(vote).collect();
        let tally = Tally::of(&questions.question[0], &said, known);
        let votes = Votes::new(&questions.question[0], &tally, known, known);
        let axis = axis(&votes).unwrap();
        let bins = Bins::new(axis, &votes.rounds(), 32);
        let counts = bins.of(&tally.before);
        let under = if bins.has_under { counts[0] } else { 0 };
        let over = if bins.has_over { *counts.last().unwrap() } else { 0 };
        (axis, [under, counts.iter().sum::<u32>() - under - over, over])
    }

    #[test]
    fn w5_a_joke_number_has_its_own_column_and_does_not_change_the_axis() {
        let honest = [40.0, 60.0, 63.0];
        for unit in ["of 100 polls", "requests"] {
            for known in [None, Some(63.0)] {
                let (axis, counts) = drawn(unit, &honest, known);
                assert_eq!(counts, [0, 3, 0], "{unit} {known:?}");
                for joke in [1e9, 1e15, -1e9] {
                    let (with_joke, counts) = drawn(unit, &[40.0, 60.0, 63.0, joke], known);
                    let expected = if joke < 0.0 { [1, 3, 0] } else { [0, 3, 1] };
                    assert_eq!((with_joke, counts), (axis, expected), "{unit} {known:?} {joke}");
                }
            }
        }
        let (axis, counts) = drawn("of 100 polls", &[1e9, 1e9, 60.0], None);
        assert_eq!((axis, counts), (Axis::Linear { high: 100.0 }, [0, 1, 2]), "not even if most of them are jokes");
        let (_, counts) = drawn("requests", &[1e9, 1e9, 60.0], Some(63.0));
        assert_eq!(counts, [0, 1, 2]);
    }

    /// Returns where a text of a drawing begins and ends, as shares of the drawing's width.
    fn ends(svg: &str, said: &str, size: f64) -> (f64, f64) {
        let number = |text: &str, name: &str| {
            let value = text.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap();
            value.split(' ').nth(if name == "viewBox" { 2 } else { 0 }).unwrap().parse::<f64>().unwrap()
        };
        let (before, _) = svg.split_once(&format!("\n{said}\n")).unwrap();
        let tag = &before[before.rfind("<text").unwrap()..];
        let (x, width) = (number(tag, " x") / number(svg, "viewBox"), text::width(said, size) / NARROW);
        if tag.contains("text-anchor=\"end\"") { (x - width, x) } else { (x, x + width) }
    }

    #[test]
    fn w5_on_a_phone_a_joke_number_does_not_push_the_names_of_the_known_values_out() {
        let questions = Questions::parse(&QUESTION.replace("UNIT", "updates")).unwrap();
        let text = r#"{"question":"q","round":"before","who":"Ada","answer":1e9,"at":1}"#;
        let votes = questions.votes(&format!("{text}\n{}", text.replace("1e9", "19").replace("Ada", "Bob"))).unwrap();
        let tally = Tally::of(&questions.question[0], &votes, Some(10.0));
        for known in [0.5, 10.0, 19.0] {
            let svg = votes_chart(&questions.question[0], &tally, Some(known), Some(known), Place::Narrow);
            for what in ["predicted", "measured"] {
                let said = format!("{what} {}", figure(&questions.question[0], known));
                let (left, right) = ends(&svg, &said, 14.0);
                assert!(left >= 0.0 && right <= 1.0, "{said}: {left} to {right}");
            }
        }
    }
}
