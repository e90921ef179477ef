//! Bytes: what an update weighs on the socket, and how much of it is payload.

use feedlab_experiment::metric::Unit;

use super::bars::{self, Bars, Row};
use super::canvas::{Area, Canvas, Drawing};
use super::{Figures, Picture};
use crate::comparison::{Named, Shape, WORTH_TELLING, distinct, shape};
use crate::dataset::{BytesBar, Dataset};
use crate::{human, wording};

/// The chart.
pub(super) struct BytesPerUpdate<'a>(pub(super) &'a Dataset);

impl Picture for BytesPerUpdate<'_> {
    fn id(&self) -> &'static str {
        "bytes"
    }

    fn topic(&self) -> &'static str {
        "Bytes of an update"
    }

    fn finding(&self) -> String {
        self.0.scope.say(&finding(self.0).unwrap_or("bytes of an update: not measured".to_owned()))
    }

    fn reading(&self) -> String {
        "The filled part of a bar is what the application wanted to say, the hatched part is what the transport added \
         to it: requests, headers and framing, both directions; shorter is cheaper."
            .to_owned()
    }

    fn notes(&self) -> Vec<String> {
        let packets = "Socket bytes: the headers of IP and TCP and the acknowledgements are not in them.";
        super::bar_notes(self.0).into_iter().chain([packets.to_owned()]).collect()
    }

    fn figures(&self) -> Figures {
        let head = ["contender", "clients", "payload per update", "socket bytes per update", "added by the transport"];
        let size = |bytes: Option<f64>| bytes.map_or(human::ABSENT.to_owned(), human::size);
        let rows = self.0.bytes.iter().map(|bar| {
            let socket = bar.socket.map_or(human::ABSENT.to_owned(), |e| human::estimate(e, Unit::Bytes));
            let clients = human::count(f64::from(bar.series.clients));
            vec![bar.series.label.clone(), clients, size(bar.payload), socket, size(bar.overhead())]
        });
        Figures { head: head.map(str::to_owned).to_vec(), rows: rows.collect() }
    }

    fn height(&self, width: f64) -> f64 {
        picture(self.0).height(width)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> Drawing {
        picture(self.0).draw(canvas, area)
    }
}

fn picture(data: &Dataset) -> Bars {
    let headings = bars::headings(data, data.bytes.iter().map(|bar| &bar.series));
    let rows = data.bytes.iter().zip(headings).map(|(bar, heading)| row(bar, heading)).collect();
    Bars {
        rows,
        caption: "bytes on the socket for each update that a client received",
        unit: Unit::Bytes,
        parts: data.bytes.iter().any(|bar| bar.overhead().is_some()).then_some(["payload", "added by the transport"]),
    }
}

fn row(bar: &BytesBar, heading: Option<String>) -> Row {
    let socket = bar.socket.map(|estimate| estimate.value);
    let simple = Row::simple(&bar.series, heading, socket, human::size);
    let Some((payload, overhead)) = bar.payload.zip(bar.overhead()) else { return simple };
    let figure = format!("{}, payload {}", simple.short, human::size(payload));
    let interval = bar.socket.and_then(|estimate| estimate.low.zip(estimate.high));
    // Compression could make an update lighter than its payload: then all of the bar is payload.
    let parts = socket.map(|socket| [payload.min(socket), overhead]);
    Row { parts, interval, figure, ..simple }
}

/// Who is cheapest and who is dearest, as part of a sentence; nothing if nothing was measured.
pub(crate) fn finding(data: &Dataset) -> Option<String> {
    let scoped = data.bytes.iter().filter(|bar| data.scope.shows(&bar.series));
    let named = |bar: &BytesBar| Some(Named { name: bar.series.spoken.clone(), estimate: bar.socket? });
    match shape(scoped.filter_map(named).collect()) {
        Shape::Nothing => None,
        Shape::One(one) => {
            Some(format!("over {} an update takes {} on the socket", one.name, human::size(one.value())))
        }
        Shape::NoDifference(values) => {
            Some(format!("no difference shown: an update takes {} on the socket", wording::range(&values, human::size)))
        }
        Shape::Near(values) => extremes(&values),
        Shape::Apart { low, high } => extremes(&[low, high].concat()),
    }
}

fn extremes(values: &[Named]) -> Option<String> {
    let (least, most) = (values.first()?, values.last()?);
    let (smallest, largest) = (human::size(least.value()), human::size(most.value()));
    if !distinct(least, most) || most.value() < least.value() * WORTH_TELLING {
        return Some(format!(
            "an update takes {} on the socket, whatever brings it",
            wording::range(values, human::size)
        ));
    }
    Some(format!(
        "an update takes {smallest} on the socket over {}, and {largest} over {}: {} as much",
        least.name,
        most.name,
        human::times(most.value(), least.value())
    ))
}
