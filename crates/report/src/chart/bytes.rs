//! Bytes: the size of an update on the wire (or on the socket, where the kernel does not report the wire), by kind.

use feedlab_experiment::metric::Unit;
use feedlab_experiment::summary::Estimate;

use super::bars::{self, Bar, Bars, Part};
use super::canvas::{Area, Canvas, DrawResult, Pattern};
use super::{Figures, Picture, csv};
use crate::comparison::{self, Named, Shape, WORTH_NAMING, distinct, shape};
use crate::dataset::{ByteKind, BytesBar, Dataset, Level};
use crate::{human, wording};

/// The chart.
pub(super) struct BytesPerUpdate<'a>(pub(super) &'a Dataset);

impl Picture for BytesPerUpdate<'_> {
    fn id(&self) -> &str {
        "bytes"
    }

    fn topic(&self) -> &str {
        "Bytes per update"
    }

    fn finding(&self) -> String {
        self.0.scope.say(&finding(self.0).unwrap_or("bytes per update: not measured".to_owned()))
    }

    fn reading(&self) -> String {
        let stroke = match self.0.bytes_level {
            Level::Wire => ", and note the vertical stroke, where the socket bytes end and those of TCP/IP start",
            Level::Socket => "",
        };
        format!(
            "Each bar is the number of bytes per update, so shorter is cheaper; compare the solid part, which is the \
             payload of the application, with the rest, which is what it took to deliver it{stroke}."
        )
    }

    fn notes(&self) -> Vec<String> {
        let counted = match self.0.bytes_level {
            Level::Wire => {
                "TCP/IP: the IP and TCP headers of every segment in both directions, including pure acknowledgements, \
                 handshakes and closes."
            }
            Level::Socket => "Socket bytes: without the headers of IP and TCP and without acknowledgements.",
        };
        let of_targets = (!self.0.of_targets.is_empty()).then(|| {
            let names = wording::contenders(&self.0.of_targets, self.0.scope.contenders);
            format!("Those of {names} are counted at the clients, because the server is not feedlab's.")
        });
        super::bar_notes(self.0).into_iter().chain([counted.to_owned()]).chain(of_targets).collect()
    }

    fn figures(&self) -> Figures {
        let bars = &self.0.bytes;
        let columns: Vec<Column> = Column::ALL.into_iter().filter(|column| column.is_shown(bars)).collect();
        let head = ["contender", "clients"].into_iter().chain(columns.iter().map(|column| column.name()));
        let rows = bars.iter().map(|bar| {
            let figures = columns.iter().map(|column| column.figure(bar).unwrap_or(human::ABSENT.to_owned()));
            [bar.series.label.clone(), human::count(f64::from(bar.series.clients))].into_iter().chain(figures).collect()
        });
        Figures { head: head.map(str::to_owned).collect(), rows: rows.collect() }
    }

    fn data(&self) -> Figures {
        let columns = Column::ALL.into_iter().filter(|column| column.is_shown(&self.0.bytes));
        let columns: Vec<Column> = columns.collect();
        let head = columns.iter().map(|column| format!("{} per update", column.name()));
        let head = bars::HEAD.map(str::to_owned).into_iter().chain(head).collect();
        let row = |bar: &BytesBar| {
            let values = columns.iter().map(|column| csv::number(column.value(bar)));
            bars::named(&bar.series).into_iter().chain(values).collect()
        };
        Figures { head, rows: self.0.bytes.iter().map(row).collect() }
    }

    fn height(&self, width: f64) -> f64 {
        picture(self.0).height(width)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        picture(self.0).draw(canvas, area)
    }
}

/// A column of the table of figures.
#[derive(Clone, Copy)]
enum Column {
    Part(ByteKind),
    Socket,
    Wire,
    Packets,
}

impl Column {
    const ALL: [Self; 9] = [
        Self::Part(ByteKind::Payload),
        Self::Part(ByteKind::Framing),
        Self::Part(ByteKind::Headers),
        Self::Part(ByteKind::Keepalive),
        Self::Part(ByteKind::Added),
        Self::Socket,
        Self::Part(ByteKind::TcpIp),
        Self::Wire,
        Self::Packets,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Part(kind) => kind.name(),
            Self::Socket => "socket bytes",
            Self::Wire => "wire bytes",
            Self::Packets => "packets",
        }
    }

    /// The figure per update; `None` if it was not measured.
    fn figure(self, bar: &BytesBar) -> Option<String> {
        let estimate = |estimate: Option<Estimate>, unit| Some(human::estimate(estimate?, unit));
        match self {
            Self::Part(kind) => bar.of(kind).map(human::size),
            Self::Socket => estimate(bar.socket, Unit::Bytes),
            Self::Wire => estimate(bar.wire, Unit::Bytes),
            Self::Packets => estimate(bar.packets, Unit::Count),
        }
    }

    /// The value per update; `None` if it was not measured.
    fn value(self, bar: &BytesBar) -> Option<f64> {
        match self {
            Self::Part(kind) => bar.of(kind),
            Self::Socket => bar.socket.map(|estimate| estimate.value),
            Self::Wire => bar.wire.map(|estimate| estimate.value),
            Self::Packets => bar.packets.map(|estimate| estimate.value),
        }
    }

    /// The columns of payload and socket bytes are always shown: a dash says that they were not measured.
    fn is_shown(self, bars: &[BytesBar]) -> bool {
        matches!(self, Self::Part(ByteKind::Payload) | Self::Socket)
            || bars.iter().any(|bar| self.figure(bar).is_some())
    }
}

const fn pattern(kind: ByteKind) -> Pattern {
    match kind {
        ByteKind::Payload => Pattern::Solid,
        ByteKind::Framing => Pattern::Vertical,
        ByteKind::Headers | ByteKind::Added => Pattern::Slanted,
        ByteKind::Keepalive => Pattern::Crossed,
        ByteKind::TcpIp => Pattern::Tinted,
    }
}

fn picture(data: &Dataset) -> Bars {
    let (bars, level) = (&data.bytes, data.bytes_level);
    let headings = bars::headings(data, bars.iter().map(|bar| &bar.series));
    let shown: Vec<ByteKind> = bars.iter().filter_map(|bar| bar.parts(level)).flatten().map(|part| part.0).collect();
    let parts = ByteKind::ALL.into_iter().filter(|kind| shown.contains(kind));
    Bars {
        bars: bars.iter().zip(headings).map(|(bar, heading)| bar_of(bar, level, heading)).collect(),
        caption: Some(match level {
            Level::Wire => "bytes on the wire per update received",
            Level::Socket => "bytes on the socket per update received",
        }),
        unit: Unit::Bytes,
        parts: parts.map(|kind| Part { name: kind.name(), pattern: pattern(kind) }).collect(),
        explains_predicted: true,
        mark: (level == Level::Wire).then_some("socket bytes end here"),
        shared_names: None,
    }
}

fn bar_of(bar: &BytesBar, level: Level, heading: Option<String>) -> Bar {
    let total = bar.total(level);
    let simple = Bar::simple(&bar.series, heading, total.map(|estimate| estimate.value), human::size);
    let interval = total.and_then(|estimate| estimate.low.zip(estimate.high));
    let predicted = bar.predicted(level);
    let Some(parts) = bar.parts(level) else { return Bar { interval, predicted, ..simple } };
    let payload = human::size(bar.payload.unwrap_or(0.0));
    let figure = match level {
        Level::Wire => format!("{} on the wire, payload {payload}", simple.short),
        Level::Socket => format!("{}, payload {payload}", simple.short),
    };
    let mark = bar.socket.map(|socket| socket.value).filter(|_| level == Level::Wire);
    let parts = Some(parts.into_iter().map(|(kind, bytes)| (pattern(kind), bytes)).collect());
    Bar { parts, interval, figure, mark, predicted, ..simple }
}

/// Returns a clause that names the cheapest and the most expensive contender, or `None` if nothing was measured.
pub(crate) fn finding(data: &Dataset) -> Option<String> {
    let level = data.bytes_level;
    let place = place(level);
    let scoped = data.bytes.iter().filter(|bar| data.scope.shows(&bar.series));
    let named = |bar: &BytesBar| Some(Named::new(&bar.series, bar.total(level)?));
    match shape(scoped.filter_map(named).collect(), &data.difference_shown(level.metric())) {
        Shape::Nothing => None,
        Shape::One(one) => {
            Some(format!("over {} an update takes {} on the {place}", one.name, human::size(one.value())))
        }
        Shape::NoDifference(values) => Some(format!(
            "no difference shown: an update takes {} on the {place}",
            comparison::range(&values, human::size)
        )),
        Shape::OneGroup(values) => extremes(data, &values),
        Shape::TwoGroups { low, high } => extremes(data, &[low, high].concat()),
    }
}

const fn place(level: Level) -> &'static str {
    match level {
        Level::Wire => "wire",
        Level::Socket => "socket",
    }
}

fn extremes(data: &Dataset, values: &[Named]) -> Option<String> {
    let place = place(data.bytes_level);
    let (least, most) = (values.first()?, values.last()?);
    let (smallest, largest) = (human::size(least.value()), human::size(most.value()));
    if !distinct(least, most, &data.difference_shown(data.bytes_level.metric()))
        || most.value() < least.value() * WORTH_NAMING
    {
        let range = comparison::range(values, human::size);
        return Some(format!("an update takes {range} on the {place}, {}", data.whatever()));
    }
    Some(format!(
        "an update takes {smallest} on the {place} over {} and {largest} over {}: {} as much",
        least.name,
        most.name,
        human::times(most.value(), least.value())
    ))
}
