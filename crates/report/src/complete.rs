//! Who was not given everything, in words.
//!
//! The ages of a contender that lost updates or clients are those of what was left, so that it would look the fresher the
//! more it lost. Titles and findings rank by age only whoever is [`Ranked`], which a contender with a loss never is.

use feedlab_experiment::Metric;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::{Entry, Estimate, Loss};

use crate::comparison::Named;
use crate::series::Series;
use crate::{human, wording};

/// An age of a contender whose clients were given everything.
#[derive(Clone, Debug)]
pub(crate) struct Ranked(Named);

impl Ranked {
    /// `None` where something was lost.
    pub(crate) fn new(series: &Series, loss: Option<Loss>, estimate: Estimate) -> Option<Self> {
        loss.is_none().then(|| Self(Named::new(series, estimate)))
    }

    /// As one of the values that are compared.
    pub(crate) fn named(self) -> Named {
        self.0
    }
}

/// `missed 1,235 of 1,800 updates`.
pub(crate) fn missed(entry: &Entry) -> Option<String> {
    let count = entry.loss()?.missed;
    (count > 0.0).then(|| match entry.value(Metric::UpdatesExpected) {
        Some(expected) if count == expected => format!("received none of {} updates", human::count(expected)),
        Some(expected) => format!("missed {} of {} updates", human::count(count), human::count(expected)),
        None => format!("missed {}", wording::counted(count, "update", "updates")),
    })
}

/// `19 of 20 clients gave up`, of all repetitions together.
pub(crate) fn gave_up(entry: &Entry, results: &Results) -> Option<String> {
    let count = entry.loss()?.gave_up;
    let cells = results.cells.iter().filter(|cell| cell.name() == entry.name()).count();
    let clients = f64::from(entry.clients) * cells as f64;
    (count > 0.0).then(|| match clients >= count {
        true => format!("{} of {} clients gave up", human::count(count), human::count(clients)),
        false => format!("{} gave up", wording::counted(count, "client", "clients")),
    })
}

/// What stands behind a title that ranks ages, of those that are not in it.
pub(crate) fn not_ranked<'a>(losers: impl Iterator<Item = &'a Series>) -> String {
    let names: Vec<&str> = losers.map(|series| series.spoken.as_str()).collect();
    match names.len() {
        0 => String::new(),
        number => format!(
            "; {} {} not ranked by age, for not everything arrived",
            wording::list(&names),
            wording::agree(number, "is", "are")
        ),
    }
}

/// What a picture of ages says of a line that shows only what was left.
pub(crate) fn note(entry: &Entry, results: &Results) -> Option<String> {
    let problems: Vec<String> = missed(entry).into_iter().chain(gave_up(entry, results)).collect();
    (!problems.is_empty())
        .then(|| format!("{}: {}; its line shows only what arrived.", entry.label, wording::list(&problems)))
}
