//! Axes: map a value to its position, and choose ticks at round figures.

use feedlab_experiment::metric::Unit;

use crate::human;

/// A range of values and its scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Axis {
    /// A logarithmic scale; both ends are positive.
    Log {
        /// The smallest value.
        low: f64,
        /// The largest.
        high: f64,
    },
    /// A linear scale from 0.
    Linear {
        /// The largest value.
        high: f64,
    },
}

impl Axis {
    /// Returns a logarithmic axis that contains all positive values, widened to round figures and to at least one
    /// decade.
    pub(crate) fn log(values: impl IntoIterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::MAX, f64::MIN_POSITIVE);
        for value in values.into_iter().filter(|&value| value > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (1.0, 10.0);
        }
        let (low, high) = (round_down(low), round_up(high));
        Self::Log { low, high: high.max(low * 10.0) }
    }

    /// Returns a linear axis from 0 to the largest value, which need not be round.
    pub(crate) fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        let high = values.into_iter().fold(0.0, f64::max);
        Self::Linear { high: if high > 0.0 { high } else { 1.0 } }
    }

    /// Returns the position of a value between the two ends of the axis; values outside are placed at the end.
    pub(crate) fn place(&self, value: f64, from: f64, to: f64) -> f64 {
        let share = match *self {
            Self::Log { low, high } => (value.max(low) / low).ln() / (high / low).ln(),
            Self::Linear { high } => value / high,
        };
        from + (to - from) * share.clamp(0.0, 1.0)
    }

    /// Returns the value at a share of the way from the lower to the upper end.
    pub(crate) fn value(&self, share: f64) -> f64 {
        match *self {
            Self::Log { low, high } => low * (high / low).powf(share),
            Self::Linear { high } => high * share,
        }
    }

    /// The kind of the scale, in a word.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Log { .. } => "logarithmic",
            Self::Linear { .. } => "linear",
        }
    }

    /// Returns about `count` ticks of an axis of times in µs.
    pub(crate) fn time_ticks(&self, count: f64) -> Vec<f64> {
        match self {
            Self::Log { .. } => self.log_ticks(count as usize),
            Self::Linear { .. } => self.linear_ticks(count, Unit::Microseconds),
        }
    }

    /// Returns ticks at 1, 2 and 5 of each decade if there are at most `most`, otherwise at decades only.
    pub(crate) fn log_ticks(&self, most: usize) -> Vec<f64> {
        let Self::Log { low, high } = *self else { return Vec::new() };
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let ticks = |steps: &[f64]| -> Vec<f64> {
            let all = (first..=last).flat_map(|exponent| steps.iter().map(move |step| step * 10f64.powi(exponent)));
            all.filter(|tick| (low * 0.999..=high * 1.001).contains(tick)).collect()
        };
        let fine = ticks(&[1.0, 2.0, 5.0]);
        if fine.len() <= most { fine } else { ticks(&[1.0]) }
    }

    /// Returns about `count` ticks from 0, at least two: at multiples of 1, 2 or 5 times a power of ten, or of a power
    /// of two for sizes in KiB and more.
    pub(crate) fn linear_ticks(&self, count: f64, unit: Unit) -> Vec<f64> {
        let Self::Linear { high } = *self else { return Vec::new() };
        let step = high / count.max(2.0);
        let step = if unit == Unit::Bytes && high >= 1536.0 { step.log2().round().exp2() } else { nearest(step) };
        let last = (high / step * 1.0001).floor() as u32;
        (0..=last).map(|index| f64::from(index) * step).collect()
    }
}

/// A tick of a time axis, in µs: `1 ms`, and `0` without a unit.
pub(crate) fn time_tick(us: f64) -> String {
    if us == 0.0 { "0".to_owned() } else { human::time(us) }
}

/// The largest of 1, 2, 5 times a power of ten that is not above `value`.
fn round_down(value: f64) -> f64 {
    let decade = 10f64.powf(value.log10().floor());
    [5.0, 2.0, 1.0].map(|step| step * decade).into_iter().find(|&round| round <= value * 1.0001).unwrap_or(decade)
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `value`.
fn round_up(value: f64) -> f64 {
    let decade = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0]
        .map(|step| step * decade)
        .into_iter()
        .find(|&round| round >= value * 0.9999)
        .unwrap_or(decade * 10.0)
}

/// The nearest of 1, 2, 5 times a power of ten, by factor.
fn nearest(value: f64) -> f64 {
    let (below, above) = (round_down(value), round_up(value));
    if value * value > below * above { above } else { below }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[f64]) -> String {
        ticks.iter().map(|&tick| time_tick(tick)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn time_ticks_are_readable() {
        let axis = Axis::log([230.0, 1_020_000.0]);
        assert_eq!(axis, Axis::Log { low: 200.0, high: 2_000_000.0 });
        assert_eq!(labels(&axis.log_ticks(7)), "1 ms 10 ms 100 ms 1 s");
        assert_eq!(labels(&Axis::log([300.0, 900.0]).log_ticks(7)), "200 µs 500 µs 1 ms 2 ms");
        assert_eq!(Axis::log([0.0]), Axis::Log { low: 1.0, high: 10.0 }, "nothing to show");
    }

    #[test]
    fn values_are_mapped_to_positions() {
        let axis = Axis::Log { low: 1.0, high: 100.0 };
        assert_eq!([0.0, 1.0, 10.0, 100.0, 1e9].map(|v| axis.place(v, 50.0, 250.0)), [50.0, 50.0, 150.0, 250.0, 250.0]);
        assert_eq!([0.0, 0.5, 1.0].map(|share| axis.value(share)), [1.0, 10.0, 100.0]);
        assert_eq!(Axis::linear([8.0]).value(0.25), 2.0);
        assert_eq!(Axis::linear([4.0, 8.0]).place(2.0, 100.0, 0.0), 75.0, "axes may run backwards");
    }

    #[test]
    fn linear_ticks_are_round_in_their_unit() {
        let sizes = |high| {
            let ticks = Axis::linear([high]).linear_ticks(4.0, Unit::Bytes);
            ticks.into_iter().map(human::size).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(sizes(740.0), "0 B 200 B 400 B 600 B");
        assert_eq!(sizes(1_900.0), "0 B 512 B 1 KiB 1.5 KiB");
        assert_eq!(sizes(66_000.0), "0 B 16 KiB 32 KiB 48 KiB 64 KiB");
        assert_eq!(Axis::linear([60.0]).linear_ticks(4.0, Unit::Count), [0.0, 20.0, 40.0, 60.0]);
        assert_eq!(Axis::linear([42.9]).linear_ticks(0.0, Unit::Count), [0.0, 20.0, 40.0]);
        assert_eq!(Axis::linear([0.0]).linear_ticks(4.0, Unit::Count).len(), 6, "an empty axis still has a scale");
    }
}
