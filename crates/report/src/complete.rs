//! Which contenders lost updates or clients, in words.
//!
//! The ages of such a contender come only from what arrived, so it would look fresher the more it lost. Titles and
//! findings rank by age only contenders that are [`Ranked`], which one with a loss never is.

use feedlab_experiment::Metric;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::{Entry, Estimate, Loss};

use crate::comparison::Named;
use crate::series::Series;
use crate::{human, wording};

/// An age of a contender whose clients received everything.
#[derive(Clone, Debug)]
pub(crate) struct Ranked(Named);

impl Ranked {
    /// Returns `None` if the contender lost updates or clients.
    pub(crate) fn new(series: &Series, loss: Option<Loss>, estimate: Estimate) -> Option<Self> {
        loss.is_none().then(|| Self(Named::new(series, estimate)))
    }

    /// Returns the age as one of the values to compare.
    pub(crate) fn named(self) -> Named {
        self.0
    }
}

/// `missed 1,235 of 1,800 updates`.
pub(crate) fn missed(entry: &Entry) -> Option<String> {
    let count = entry.loss()?.missed;
    (count > 0.0).then(|| match entry.value(Metric::UpdatesExpected) {
        Some(1.0) if count == 1.0 => "missed the only update".to_owned(),
        Some(expected) if count == expected => format!("received none of {} updates", human::count(expected)),
        Some(expected) => format!("missed {} of {} updates", human::count(count), human::count(expected)),
        None => format!("missed {}", wording::counted(count, "update", "updates")),
    })
}

/// `19 of 20 clients gave up`, over all repetitions.
pub(crate) fn gave_up(entry: &Entry, results: &Results) -> Option<String> {
    let count = entry.loss()?.gave_up;
    let cells = results.cells.iter().filter(|cell| cell.name() == entry.name()).count();
    let clients = f64::from(entry.clients) * cells as f64;
    (count > 0.0).then(|| match clients >= count {
        true => format!("{} of {} clients gave up", human::count(count), human::count(clients)),
        false => format!("{} gave up", wording::counted(count, "client", "clients")),
    })
}

/// Returns the clause that follows a title that ranks ages, about the contenders that are left out.
pub(crate) fn not_ranked<'a>(losers: impl Iterator<Item = &'a Series>) -> String {
    let names: Vec<&str> = losers.map(|series| series.spoken.as_str()).collect();
    match names.len() {
        0 => String::new(),
        number => format!(
            "; {} {} not ranked by age because {} lost updates or clients",
            wording::list(&names),
            wording::agree(number, "is", "are"),
            wording::agree(number, "it", "they")
        ),
    }
}

/// Returns the note of a chart of ages about a line that shows only the updates that arrived.
pub(crate) fn note(entry: &Entry, results: &Results) -> Option<String> {
    let problems: Vec<String> = missed(entry).into_iter().chain(gave_up(entry, results)).collect();
    (!problems.is_empty()).then(|| {
        format!("{}: {}; its line shows only the updates that arrived.", entry.label, wording::list(&problems))
    })
}
