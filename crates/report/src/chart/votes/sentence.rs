//! The votes on a question in one sentence: what most people expected, the outcome, and the votes afterward.

use feedlab_experiment::class::{Question, Side, Tally, right_choice};

use crate::human;

/// `14 of 20 expected “more than 100 ms”; measured: 512 ms; after: 19 of 20 right`. `measured` is in the question's
/// unit.
pub(super) fn sentence(question: &Question, tally: &Tally, measured: Option<f64>) -> String {
    let expected = if question.choices.is_empty() { numbers(question, tally) } else { choices(question, tally) };
    let outcome = match (measured, right_choice(question, measured)) {
        (Some(value), _) => format!("measured: {}", figure(question, value)),
        (None, Some(right)) => format!("the right answer is “{}”", right.text),
        (None, None) => "nothing was measured".to_owned(),
    };
    let after = after(&tally.after).map_or(String::new(), |after| format!("; after: {after}"));
    format!("{expected}; {outcome}{after}")
}

/// Formats a value in the question's unit, or for a question with choices in the unit of its metric.
pub(super) fn figure(question: &Question, value: f64) -> String {
    match (&question.unit, &question.measured) {
        (Some(unit), _) => format!("{} {unit}", human::rough(value)),
        (None, Some(measured)) => human::value(value * measured.per, measured.metric.row().unit),
        (None, None) => human::rough(value),
    }
}

fn choices(question: &Question, tally: &Tally) -> String {
    let most = tally.before.choices.iter().copied().max().unwrap_or(0);
    let said = question.choices.iter().zip(&tally.before.choices).filter(|(_, count)| **count == most);
    let said: Vec<String> = said.map(|(choice, _)| format!("“{}”", choice.text)).collect();
    match said.as_slice() {
        _ if most == 0 => nobody(),
        [one] => format!("{} expected {one}", of(most, tally.before.people)),
        several => {
            let (last, first) = several
                .split_last()
                .map_or((String::new(), String::new()), |(last, first)| (last.clone(), first.join(", ")));
            format!("{} each expected {first} and {last}", of(most, tally.before.people))
        }
    }
}

fn numbers(question: &Question, tally: &Tally) -> String {
    let Some(middle) = tally.before.median() else { return nobody() };
    let right = tally.before.right.map_or(String::new(), |right| format!(", {} right", of(right, tally.before.people)));
    let answers = if tally.before.people == 1 { "the only answer was".to_owned() } else { median_of(&tally.before) };
    format!("{answers} {}{right}", figure(question, middle))
}

fn median_of(side: &Side) -> String {
    format!("the median of {} answers was", human::count(f64::from(side.people)))
}

fn nobody() -> String {
    "nobody answered beforehand".to_owned()
}

fn after(side: &Side) -> Option<String> {
    let right = side.right.filter(|_| side.people > 0)?;
    Some(format!("{} right", of(right, side.people)))
}

/// `14 of 20`.
pub(super) fn of(part: u32, all: u32) -> String {
    format!("{} of {}", human::count(f64::from(part)), human::count(f64::from(all)))
}
