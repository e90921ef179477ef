//! The precision that a scenario asks for, its cap, and the number of repetitions, whose meaning depends on it.

use std::time::Duration;

use humantime::format_duration;

use super::super::Scenario;
use super::super::error::FieldError;
use super::super::written::{At, Measure, Texts};
use super::{HOUR, SECOND, bounds};
use crate::plan::{self, MOST_REPETITIONS};
use crate::precision::{FEWEST, Goal, MOST_GOALS, Precision, USUAL_CAP};

/// Returns the number of repetitions; with a precision, the fewest.
pub(super) fn repetitions(written: &Measure) -> Result<u32, FieldError> {
    let given = written.repetitions.as_ref();
    let count = bounds::whole("repetitions", given, 1..=i64::from(MOST_REPETITIONS), 1)?;
    match (given, &written.precision) {
        (None, Some(_)) => Ok(FEWEST),
        (Some(at), Some(_)) if count < FEWEST => {
            let problem = format!(
                "`repetitions` is {count}, but with `precision` it is the fewest that are measured, and an interval of \
                 fewer than {FEWEST} says little; leave out one of the two keys, or write {FEWEST} or more"
            );
            Err(FieldError::at(at, problem))
        }
        _ => Ok(count),
    }
}

/// Returns the precision of a scenario that is otherwise complete.
pub(super) fn precision(written: &Measure, scenario: &Scenario) -> Result<Option<Precision>, FieldError> {
    let Some(goals) = &written.precision else {
        return match &written.cap {
            Some(cap) => {
                let problem = "`cap` is the time for `precision`; add that key, or remove this one";
                Err(FieldError::at(cap, problem))
            }
            None => Ok(None),
        };
    };
    let shortest = plan::duration(scenario);
    let usual = USUAL_CAP.max(3 * shortest);
    let cap = bounds::duration("cap", written.cap.as_ref(), SECOND..=24 * HOUR, usual)?;
    if let Some(written) = written.cap.as_ref().filter(|_| cap < shortest) {
        let problem = format!(
            "`cap` is {}, but the first {} repetitions alone take {}; raise it, or measure for a shorter time",
            format_duration(cap),
            scenario.measure.repetitions,
            format_duration(Duration::from_secs(shortest.as_secs() + 1)),
        );
        return Err(FieldError::at(written, problem));
    }
    Ok(Some(Precision { goals: all_goals(goals)?, cap }))
}

fn all_goals(written: &At<Texts>) -> Result<Vec<Goal>, FieldError> {
    let read = |text: &String| text.parse::<Goal>().map_err(|error| FieldError::at(written, error.to_string()));
    let goals: Vec<Goal> = written.0.iter().map(read).collect::<Result<_, _>>()?;
    if goals.is_empty() || goals.len() > MOST_GOALS {
        let problem = format!("`precision` has {} metrics; it must have from 1 to {MOST_GOALS}", goals.len());
        return Err(FieldError::at(written, problem));
    }
    for (index, goal) in goals.iter().enumerate() {
        if goals[..index].iter().any(|earlier| earlier.metric == goal.metric) {
            let problem = format!("`precision` has {} twice; keep one of them", goal.metric);
            return Err(FieldError::at(written, problem));
        }
    }
    Ok(goals)
}
