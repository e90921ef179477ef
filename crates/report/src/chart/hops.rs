//! Hops: how the mean age of an update adds up on the path from the publisher through a broker and a server to the
//! client.

use feedlab_experiment::metric::Unit;

use super::bars::{self, Bar, Bars, Part};
use super::canvas::{Area, Canvas, DrawResult, Pattern};
use super::{Figures, Picture, csv};
use crate::dataset::{Dataset, HopsBar};
use crate::human;

/// The chart.
pub(super) struct Hops<'a>(pub(super) &'a Dataset);

const PARTS: [Part; 3] = [
    Part { name: "publisher to broker", pattern: Pattern::Solid },
    Part { name: "broker to server", pattern: Pattern::Vertical },
    Part { name: "server to client", pattern: Pattern::Slanted },
];

impl Picture for Hops<'_> {
    fn id(&self) -> &str {
        "hops"
    }

    fn topic(&self) -> &str {
        "Where the age comes from"
    }

    fn finding(&self) -> String {
        self.0.scope.say(&finding(self.0).unwrap_or("hops: not measured".to_owned()))
    }

    fn reading(&self) -> String {
        "Each bar is the mean age of an update on arrival, split into the hops on its path, which add up because they \
         are means; look for the longest part, since that hop is the one to work on."
            .to_owned()
    }

    fn notes(&self) -> Vec<String> {
        let clocks = "Each hop is timed by the clocks of the two processes at its ends: publisher, broker, server, \
                      client. If two of them are on machines whose clocks differ, one hop is longer by the difference \
                      and the next one is shorter.";
        super::bar_notes(self.0).into_iter().chain([clocks.to_owned()]).collect()
    }

    fn figures(&self) -> Figures {
        let head = ["contender", "clients"].into_iter().chain(PARTS.map(|part| part.name)).chain(["mean age"]);
        let rows = self.0.hops.iter().map(|bar| {
            let figures = bar.us.into_iter().chain([bar.total()]).map(human::time);
            [bar.series.label.clone(), human::count(f64::from(bar.series.clients))].into_iter().chain(figures).collect()
        });
        Figures { head: head.map(str::to_owned).collect(), rows: rows.collect() }
    }

    fn data(&self) -> Figures {
        let columns = PARTS.map(|part| format!("{} µs", part.name));
        let head = bars::HEAD.map(str::to_owned).into_iter().chain(columns).collect();
        let row = |bar: &HopsBar| {
            let values = bar.us.map(|us| csv::number(Some(us)));
            bars::named(&bar.series).into_iter().chain(values).collect()
        };
        Figures { head, rows: self.0.hops.iter().map(row).collect() }
    }

    fn height(&self, width: f64) -> f64 {
        picture(self.0).height(width)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        picture(self.0).draw(canvas, area)
    }
}

fn picture(data: &Dataset) -> Bars {
    let headings = bars::headings(data, data.hops.iter().map(|bar| &bar.series));
    Bars {
        bars: data.hops.iter().zip(headings).map(|(bar, heading)| bar_of(bar, heading)).collect(),
        caption: Some("mean age of an update on arrival"),
        unit: Unit::Microseconds,
        parts: PARTS.to_vec(),
        mark: None,
        explains_predicted: false,
        shared_names: None,
    }
}

fn bar_of(bar: &HopsBar, heading: Option<String>) -> Bar {
    let simple = Bar::simple(&bar.series, heading, Some(bar.total()), human::time);
    // A hop that is negative because clocks differ is drawn with no length.
    let parts = PARTS.iter().zip(bar.us).map(|(part, us)| (part.pattern, us.max(0.0))).collect();
    Bar { parts: Some(parts), ..simple }
}

/// Returns a clause that names the longest hop, or `None` if nothing was measured.
fn finding(data: &Dataset) -> Option<String> {
    let scoped = || data.hops.iter().filter(|bar| data.scope.shows(&bar.series));
    let longest = |bar: &HopsBar| (0..PARTS.len()).max_by(|a, b| bar.us[*a].total_cmp(&bar.us[*b]));
    let first = longest(scoped().next()?)?;
    let share = |bar: &HopsBar| human::share(bar.us[first].max(0.0), bar.total());
    if scoped().all(|bar| longest(bar) == Some(first)) {
        let name = PARTS[first].name;
        return Some(match scoped().collect::<Vec<_>>()[..] {
            [one] => format!("the longest hop is {name}, {} of the mean age", share(one)?),
            _ => format!("over every transport the longest hop is {name}"),
        });
    }
    Some("which hop is the longest depends on the transport".to_owned())
}
