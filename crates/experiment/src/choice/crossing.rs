//! When the answer would change: for each input, the nearest value at which another transport is the best.

use feedlab_feed::Transport;
use serde::Serialize;

use super::{Answer, Input, Question, answer};

/// The number of steps per decade in which a change is looked for.
const STEPS: f64 = 6.0;
/// The number of bisections: a step is then known to less than a ten-thousandth.
const HALVINGS: u32 = 12;

/// What was found for one input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Nearest {
    /// The input.
    pub input: Input,
    /// Its value; `None` if there is none, as without an idle timeout.
    pub value: Option<f64>,
    /// The range that was searched.
    pub range: (f64, f64),
    /// The nearest change below the value.
    pub below: Option<Crossing>,
    /// The nearest change above the value.
    pub above: Option<Crossing>,
}

/// A value at which the answer changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Crossing {
    /// The value of the input.
    pub at: f64,
    /// The best transport beyond it; `None` if nothing fits there.
    pub winner: Option<Transport>,
    /// Why.
    pub because: String,
}

impl Nearest {
    /// Returns the nearer of the two changes, on a logarithmic axis.
    #[must_use]
    pub fn nearer(&self) -> Option<&Crossing> {
        let far = |crossing: &&Crossing| self.value.map_or(0.0, |value| (crossing.at / value).ln().abs());
        self.below.iter().chain(&self.above).min_by(|a, b| far(a).total_cmp(&far(b)))
    }

    /// Returns how far the nearer change is, as a factor of at least 1; infinite if there is none.
    #[must_use]
    pub fn factor(&self) -> f64 {
        let value = self.value.filter(|value| *value > 0.0);
        let ratio = |crossing: &Crossing| value.map_or(f64::INFINITY, |value| (crossing.at / value).ln().abs().exp());
        self.nearer().map_or(f64::INFINITY, ratio)
    }
}

impl Answer {
    /// Returns, for each input that matters, where the nearest other answer is. This asks the same question many times.
    #[must_use]
    pub fn crossings(&self) -> Vec<Nearest> {
        let inputs = Input::ALL.into_iter().filter(|input| input.matters(&self.question));
        inputs.map(|input| self.nearest(input)).collect()
    }

    /// Returns where the nearest other answer is in one input.
    #[must_use]
    pub fn nearest(&self, input: Input) -> Nearest {
        let (least, most) = input.range();
        let value = input.value(&self.question);
        // Without an idle timeout, a connection lives on: as with the longest.
        let from = value.unwrap_or(most).clamp(least, most);
        let below = if value == Some(0.0) { None } else { self.search(input, from, least) };
        Nearest { input, value, range: (least, most), below, above: self.search(input, from, most) }
    }

    /// Goes from one value to another in steps, and finds the change within the first step that has one.
    fn search(&self, input: Input, from: f64, to: f64) -> Option<Crossing> {
        let steps = ((to / from).log10().abs() * STEPS).ceil() as u32;
        let at = |step: u32| from * (to / from).powf(f64::from(step) / f64::from(steps.max(1)));
        // Exactly the end of the range, without an error of rounding.
        let at = |step: u32| if step == steps { to } else { at(step) };
        let step = (1..=steps).find(|step| self.changes(input, at(*step)))?;
        let (mut same, mut other) = (at(step - 1), at(step));
        for _ in 0..HALVINGS {
            let middle = (same * other).sqrt();
            if self.changes(input, middle) { other = middle } else { same = middle }
        }
        let (winner, because) = self.beyond(&input.with(&self.question, other));
        Some(Crossing { at: other, winner, because })
    }

    /// Whether the chosen transport is no longer among the best.
    fn changes(&self, input: Input, value: f64) -> bool {
        let other = answer(&input.with(&self.question, value));
        match (self.winner(), other) {
            (Some(winner), Ok(other)) => !other.winners.contains(&winner),
            (Some(_), Err(error)) => error.is_impossible(),
            (None, other) => other.is_ok_and(|other| other.winner().is_some()),
        }
    }

    fn beyond(&self, question: &Question) -> (Option<Transport>, String) {
        let other = match answer(question) {
            Ok(other) => other,
            Err(error) => return (None, error.brief()),
        };
        let loser = self.winner().and_then(|winner| other.candidate(winner));
        let behind = loser.and_then(|loser| other.behind.iter().find(|(transport, _)| *transport == loser.transport));
        let because = match (loser.and_then(|loser| loser.exclusions.first()), behind) {
            (Some(exclusion), _) => exclusion.sentence(),
            (None, Some((_, criterion))) => format!("ahead by {}", criterion.name()),
            (None, None) => "it fits".to_owned(),
        };
        (other.winner(), because)
    }
}
