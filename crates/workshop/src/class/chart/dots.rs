//! A dot for each number that was said, on one axis with what is predicted and measured.

use std::fmt::Write as _;

use super::{LINE, WIDTH, figure};
use crate::chapter::escaped;
use crate::class::tally::Tally;

/// Room left and right of the axis, so that its ends can be written.
const MARGIN: f64 = 50.0;
/// Height of the dots of a round.
const LANE: f64 = 130.0;
/// Size of a dot.
const RADIUS: f64 = 8.0;
/// From this ratio of the largest to the smallest value on, the axis is logarithmic.
const WIDE: f64 = 30.0;

/// Where values are on the axis.
struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Axis {
    fn of(values: &[f64]) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !low.is_finite() || !high.is_finite() {
            return Self { low: 0.0, high: 1.0, is_log: false };
        }
        if low > 0.0 && high / low > WIDE {
            return Self { low: low.log10().floor(), high: high.log10().ceil(), is_log: true };
        }
        let room = (high - low) * 0.1 + f64::from(u8::from(high <= low)) * (high.abs() * 0.5 + 1e-9);
        let low = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
        Self { low, high: high + room, is_log: false }
    }

    fn x(&self, value: f64) -> f64 {
        let value = if self.is_log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        MARGIN + (WIDTH - 2.0 * MARGIN) * ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.is_log {
            let decades = (self.high - self.low).max(1.0);
            let step = (decades / 6.0).ceil().max(1.0);
            return (0..)
                .map(|n| self.low + f64::from(n) * step)
                .take_while(|at| *at <= self.high)
                .map(|at| 10_f64.powf(at))
                .collect();
        }
        let rough = (self.high - self.low) / 6.0;
        let size = 10_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|factor| factor * size).into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil();
        (0..8).map(|n| (first + f64::from(n)) * step).take_while(|at| *at <= self.high).collect()
    }
}

/// The strips, and how high all of it is.
pub(super) fn body(tally: &Tally) -> (String, f64) {
    let known = tally.known.as_ref();
    let lines =
        [("predicted", known.and_then(|known| known.predicted)), ("measured", known.and_then(|known| known.measured))];
    let votes = tally.numbers.before.iter().chain(&tally.numbers.after).map(|(number, _)| *number);
    let values: Vec<f64> = votes.chain(lines.iter().filter_map(|(_, value)| *value)).collect();
    let axis = Axis::of(&values);
    let unit = tally.unit.as_deref().map(escaped).unwrap_or_default();
    let mut body = String::new();
    let top = 2.0 * LINE + 8.0;
    for (index, (name, value)) in lines.into_iter().enumerate() {
        let Some(value) = value else { continue };
        let (x, y) = (axis.x(value), LINE * (index as f64 + 1.0) - 6.0);
        let anchor = if x > WIDTH * 0.6 { "end" } else { "start" };
        let _ = writeln!(
            body,
            "<line class=\"{name}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.0}\" y2=\"{:.0}\"/>\
             <text class=\"{name}\" x=\"{x:.1}\" y=\"{y:.0}\" text-anchor=\"{anchor}\">{name} {} {unit}</text>",
            2.0 * LINE,
            top + 2.0 * LANE,
            escaped(&figure(value)),
        );
    }
    for (index, (round, numbers)) in
        [("before", &tally.numbers.before), ("after", &tally.numbers.after)].into_iter().enumerate()
    {
        let floor = top + LANE * (index as f64 + 1.0);
        strip(&mut body, &axis, round, numbers, floor);
    }
    let floor = top + 2.0 * LANE;
    for tick in axis.ticks() {
        let x = axis.x(tick);
        let _ = writeln!(
            body,
            "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{floor:.0}\" y2=\"{:.0}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            floor + 8.0,
            floor + 8.0 + LINE,
            escaped(&figure(tick)),
        );
    }
    let scale = if axis.is_log { ", each step times ten" } else { "" };
    let _ = writeln!(
        body,
        "<text class=\"tick\" x=\"{WIDTH}\" y=\"{:.0}\" text-anchor=\"end\">{unit}{scale}</text>",
        floor + 8.0 + 2.0 * LINE
    );
    (body, floor + 8.0 + 2.0 * LINE + 8.0)
}

/// The dots of a round, those that would lie on each other in a heap.
fn strip(body: &mut String, axis: &Axis, round: &str, numbers: &[(f64, u32)], floor: f64) {
    let _ = writeln!(
        body,
        "<line class=\"axis\" x1=\"{MARGIN}\" x2=\"{:.0}\" y1=\"{floor:.0}\" y2=\"{floor:.0}\"/>\
         <text class=\"round\" x=\"0\" y=\"{:.0}\">{round}</text>",
        WIDTH - MARGIN,
        floor - LANE + LINE,
    );
    let place = |number: f64| (axis.x(number) / (2.0 * RADIUS)) as usize;
    let mut heaps = vec![0_u32; place(f64::MAX).max(1) + 2];
    let mut dots = Vec::new();
    for (number, count) in numbers {
        // A heap that is higher than this says nothing more.
        for _ in 0..(*count).min(200) {
            let place = place(*number).min(heaps.len() - 1);
            dots.push((place, heaps[place]));
            heaps[place] += 1;
        }
    }
    let highest = heaps.iter().copied().max().unwrap_or(0).max(1);
    let step = (2.0 * RADIUS).min((LANE - LINE - 2.0 * RADIUS) / f64::from(highest));
    for (place, level) in dots {
        let (x, y) = ((place as f64 + 0.5) * 2.0 * RADIUS, floor - RADIUS - 1.0 - f64::from(level) * step);
        let _ = writeln!(body, "<circle class=\"{round}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{:.1}\"/>", RADIUS - 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_holds_what_there_is_and_its_marks_are_round() {
        for values in [&[][..], &[0.0], &[5.0], &[-3.0, 4.0], &[1.0, 1e6], &[0.0, 1e15], &[1e-9, 1e15]] {
            let axis = Axis::of(values);
            assert!(axis.low < axis.high, "{values:?}");
            let marks = axis.ticks();
            assert!((1..=8).contains(&marks.len()), "{values:?}: {marks:?}");
            for value in values.iter().chain(&marks) {
                let x = axis.x(*value);
                assert!((MARGIN..=WIDTH - MARGIN).contains(&x), "{values:?}: {value} at {x}");
            }
        }
    }
}
