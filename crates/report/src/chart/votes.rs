//! The votes of a class on one question. Votes before are hollow and votes after are solid; likewise the predicted
//! value is hollow and the measured one solid.

use feedlab_experiment::class::{Choice, FACTOR, Question, Round, Side, Tally, right_choice};

use super::canvas::{Area, Canvas, DrawResult};
use super::{Figures, Frame, NARROW, Picture, WIDE};
use crate::human;

mod choices;
mod key;
mod numbers;
mod sentence;

use sentence::{figure, of, sentence};

/// The chart.
pub(crate) struct Votes<'a> {
    id: String,
    question: &'a Question,
    tally: &'a Tally,
    /// The predicted and the measured value, in the question's unit.
    predicted: Option<f64>,
    measured: Option<f64>,
    /// The votes, as a clause.
    sentence: String,
}

/// The place that a chart of votes is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// 600 CSS pixels or more.
    Wide,
    /// A phone, or a column beside a text.
    Narrow,
}

/// Draws the votes on a question as an SVG element for a page. It takes the width of its container.
///
/// `predicted` and `measured` are in the question's unit, as
/// [`Measured::in_unit`](feedlab_experiment::class::Measured::in_unit) makes them; the chart reveals the right choice
/// as soon as it is known, so a page that still waits for votes passes neither and shows no chart. Votes before are
/// hollow and votes after are solid; likewise the predicted value is hollow and the measured one solid.
#[must_use]
pub fn votes_chart(
    question: &Question,
    tally: &Tally,
    predicted: Option<f64>,
    measured: Option<f64>,
    place: Place,
) -> String {
    let picture = Votes::new(question, tally, predicted, measured);
    let frame = Frame { picture: &picture, title: &question.text, invalid: false };
    // Drawing into memory cannot fail; if it did, the page would still have its text.
    let drawn = match place {
        Place::Wide => frame.inline(WIDE, "wide"),
        Place::Narrow => frame.inline(NARROW, "narrow"),
    };
    drawn.unwrap_or_default()
}

impl<'a> Votes<'a> {
    pub(crate) fn new(question: &'a Question, tally: &'a Tally, predicted: Option<f64>, measured: Option<f64>) -> Self {
        Self {
            id: format!("class-{}", question.id),
            question,
            tally,
            predicted: predicted.filter(|value| value.is_finite()),
            measured: measured.filter(|value| value.is_finite()),
            sentence: sentence(question, tally, measured),
        }
    }

    /// The rounds with answers; both rounds if there are no answers.
    fn rounds(&self) -> Vec<(Round, &Side)> {
        let all = [(Round::Before, &self.tally.before), (Round::After, &self.tally.after)];
        let answered: Vec<_> = all.into_iter().filter(|(_, side)| side.people > 0).collect();
        if answered.is_empty() { all.into() } else { answered }
    }

    fn right(&self) -> Option<&str> {
        right_choice(self.question, self.measured).map(|choice| choice.id.as_str())
    }
}

const fn name(round: Round) -> &'static str {
    match round {
        Round::Before => "before",
        Round::After => "after",
    }
}

impl Picture for Votes<'_> {
    fn id(&self) -> &str {
        &self.id
    }

    fn topic(&self) -> &str {
        &self.question.text
    }

    fn finding(&self) -> String {
        self.sentence.clone()
    }

    fn reading(&self) -> String {
        if self.question.choices.is_empty() {
            format!(
                "Each column counts the people who answered with about that number, hollow before and solid after; see \
                 whether the solid columns are closer to the measured line than the hollow ones, where an answer \
                 within a factor of {FACTOR} counts as right."
            )
        } else {
            "Each bar is the share of the class that chose the answer above it, hollow before and solid after; see \
             whether the solid bar of the tinted answer, which is the right one, is longer than its hollow bar."
                .to_owned()
        }
    }

    fn notes(&self) -> Vec<String> {
        let beyond = if self.question.choices.is_empty() { numbers::beyond(self) } else { None };
        beyond.into_iter().collect()
    }

    fn figures(&self) -> Figures {
        if self.question.choices.is_empty() { self.numbers() } else { self.choices() }
    }

    fn height(&self, width: f64) -> f64 {
        if self.question.choices.is_empty() { numbers::height(self, width) } else { choices::height(self, width) }
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        if self.question.choices.is_empty() {
            numbers::draw(self, canvas, area)
        } else {
            choices::draw(self, canvas, area)
        }
    }
}

impl Votes<'_> {
    fn choices(&self) -> Figures {
        let head = ["answer", "before", "after", "outcome"].map(str::to_owned).to_vec();
        let row = |(index, choice): (usize, &Choice)| {
            let votes = [&self.tally.before, &self.tally.after].map(|side| of(side.choices[index], side.people));
            let is_right = self.right() == Some(choice.id.as_str());
            let right = if is_right { Some("right".to_owned()) } else { None };
            let marks = [("predicted", self.predicted), ("measured", self.measured)];
            let marks = marks.into_iter().filter(|(_, value)| value.is_some_and(|value| choice.decides(value)));
            let marks = marks.filter_map(|(what, value)| Some(format!("{what} {}", figure(self.question, value?))));
            let said: Vec<String> = right.into_iter().chain(marks).collect();
            let said = if said.is_empty() { human::ABSENT.to_owned() } else { said.join(", ") };
            [choice.text.clone()].into_iter().chain(votes).chain([said]).collect()
        };
        Figures { head, rows: self.question.choices.iter().enumerate().map(row).collect() }
    }

    fn numbers(&self) -> Figures {
        let head = ["round", "answers", "smallest", "median", "largest", "right"].map(str::to_owned).to_vec();
        let say = |value: Option<f64>| value.map_or(human::ABSENT.to_owned(), |value| figure(self.question, value));
        let rows = [(Round::Before, &self.tally.before), (Round::After, &self.tally.after)];
        let mut rows: Vec<Vec<String>> = rows
            .map(|(round, side)| {
                let ends = [side.numbers.first(), side.numbers.last()].map(|end| end.map(|&(number, _)| number));
                let right = side.right.map_or(human::ABSENT.to_owned(), |right| of(right, side.people));
                let people = human::count(f64::from(side.people));
                vec![name(round).to_owned(), people, say(ends[0]), say(side.median()), say(ends[1]), right]
            })
            .into();
        for (what, value) in [("predicted", self.predicted), ("measured", self.measured)] {
            let dash = || human::ABSENT.to_owned();
            rows.push(vec![what.to_owned(), dash(), dash(), say(value), dash(), dash()]);
        }
        Figures { head, rows }
    }
}
