//! Requests: how many a client sends, and how many of them bring no update.

use feedlab_experiment::metric::Unit;

use super::bars::{self, Bar, Bars, Part};
use super::canvas::{Area, Canvas, DrawResult, Pattern};
use super::{Figures, Picture, csv};
use crate::dataset::{Dataset, RequestsBar};
use crate::{human, wording};

/// The chart.
pub(super) struct Requests<'a>(pub(super) &'a Dataset);

impl Picture for Requests<'_> {
    fn id(&self) -> &str {
        "requests"
    }

    fn topic(&self) -> &str {
        "Requests per client"
    }

    fn finding(&self) -> String {
        self.0.scope.say(&finding(self.0).unwrap_or("requests: not measured".to_owned()))
    }

    fn reading(&self) -> String {
        "Each bar is the number of requests that one client sends per minute, so shorter is cheaper; look for hatched \
         parts, which are requests whose response carried no update."
            .to_owned()
    }

    fn notes(&self) -> Vec<String> {
        super::bar_notes(self.0)
    }

    fn figures(&self) -> Figures {
        let head = ["contender", "clients", "requests per client and minute", "of which empty", "empty share"];
        let rows = self.0.requests.iter().map(|bar| {
            let rate = |rate: Option<f64>| rate.map_or(human::ABSENT.to_owned(), human::count);
            let clients = human::count(f64::from(bar.series.clients));
            let share = empty_share(bar).unwrap_or_else(|| human::ABSENT.to_owned());
            vec![bar.series.label.clone(), clients, rate(bar.all), rate(bar.empty), share]
        });
        Figures { head: head.map(str::to_owned).to_vec(), rows: rows.collect() }
    }

    fn data(&self) -> Figures {
        let head = bars::HEAD.into_iter().chain(["requests per client and minute", "of which empty", "predicted"]);
        let row = |bar: &RequestsBar| {
            let values = [bar.all, bar.empty, bar.predicted].map(csv::number);
            bars::named(&bar.series).into_iter().chain(values).collect()
        };
        Figures { head: head.map(str::to_owned).collect(), rows: self.0.requests.iter().map(row).collect() }
    }

    fn height(&self, width: f64) -> f64 {
        picture(self.0).height(width)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        picture(self.0).draw(canvas, area)
    }
}

const PARTS: [Part; 2] =
    [Part { name: "with updates", pattern: Pattern::Solid }, Part { name: "empty", pattern: Pattern::Slanted }];

fn picture(data: &Dataset) -> Bars {
    let headings = bars::headings(data, data.requests.iter().map(|bar| &bar.series));
    let is_split = data.requests.iter().any(|bar| bar.all > Some(0.0) && bar.empty.is_some());
    Bars {
        bars: data.requests.iter().zip(headings).map(|(bar, heading)| bar_of(bar, heading)).collect(),
        caption: Some("requests per client and minute"),
        unit: Unit::Count,
        parts: if is_split { PARTS.to_vec() } else { Vec::new() },
        mark: None,
        explains_predicted: true,
        shared_names: None,
    }
}

fn bar_of(bar: &RequestsBar, heading: Option<String>) -> Bar {
    let simple = Bar { predicted: bar.predicted, ..Bar::simple(&bar.series, heading, bar.all, human::count) };
    let Some((all, empty)) = bar.all.zip(bar.empty) else { return simple };
    let share = empty_share(bar).filter(|_| empty > 0.0);
    let figure = share.map_or(simple.figure.clone(), |share| format!("{}, {share} empty", simple.figure));
    let [with_updates, empty_part] = PARTS.map(|part| part.pattern);
    let parts = vec![(with_updates, (all - empty).max(0.0)), (empty_part, empty)];
    Bar { parts: Some(parts), short: figure.clone(), figure, ..simple }
}

fn empty_share(bar: &RequestsBar) -> Option<String> {
    human::share(bar.empty?, bar.all?)
}

/// Returns a clause that says how many requests the contenders send, how many of them are empty, and which send none,
/// or `None` if nothing was measured.
pub(crate) fn finding(data: &Dataset) -> Option<String> {
    let scoped = || data.requests.iter().filter(|bar| data.scope.shows(&bar.series));
    let mut asking: Vec<(&RequestsBar, f64)> =
        scoped().filter_map(|bar| Some((bar, bar.all?))).filter(|(_, rate)| *rate > 0.0).collect();
    asking.sort_by(|a, b| b.1.total_cmp(&a.1));
    let silent: Vec<&str> = scoped().filter(|bar| bar.all == Some(0.0)).map(|bar| bar.series.spoken.as_str()).collect();
    let mut clauses: Vec<String> = match asking.as_slice() {
        [] => Vec::new(),
        [one] => {
            vec![format!(
                "{} sends {} per client and minute{}",
                one.0.series.spoken,
                requests(one.1),
                empty_note(one.0)
            )]
        }
        [most, .., least] => vec![
            format!("{} sends {} per client and minute{}", most.0.series.spoken, requests(most.1), empty_note(most.0)),
            format!("{} sends {}{}", least.0.series.spoken, human::count(least.1), empty_note(least.0)),
        ],
    };
    if !silent.is_empty() {
        let what = if asking.is_empty() { "no request" } else { "none" };
        let verb = wording::agree(silent.len(), "sends", "send");
        clauses.push(format!("{} {verb} {what} while connected", wording::contenders(&silent, scoped().count())));
    }
    (!clauses.is_empty()).then(|| clauses.join("; "))
}

fn requests(rate: f64) -> String {
    wording::counted(rate, "request", "requests")
}

fn empty_note(bar: &RequestsBar) -> String {
    match empty_share(bar) {
        Some(_) if bar.empty == Some(0.0) => ", none empty".to_owned(),
        Some(share) => format!(", {share} empty"),
        None => String::new(),
    }
}
