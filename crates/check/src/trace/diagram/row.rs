//! A row of the diagram: cells that lines, arrows and labels are put into.

use super::columns;

/// The column of the client's line; the time is on its left.
pub(super) const CLIENT: usize = 12;
/// The columns of the time.
const TIME: usize = 9;

/// The line of an exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// Its column.
    pub(super) column: usize,
    /// Whether the connection is open.
    pub(super) is_open: bool,
}

/// How an arrow is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    /// Bytes.
    Plain,
    /// The end of a connection, and what the client does without sending bytes.
    Dashed,
    /// A publication, which takes another way.
    Double,
}

impl Stroke {
    fn line(self) -> &'static str {
        match self {
            Self::Plain => "─",
            Self::Dashed => "╌",
            Self::Double => "═",
        }
    }

    /// How it crosses the line of another exchange.
    fn crossing(self) -> &'static str {
        match self {
            Self::Plain | Self::Dashed => "┼",
            Self::Double => "╪",
        }
    }

    fn start(self) -> &'static str {
        match self {
            Self::Plain => "├",
            Self::Dashed => "●",
            Self::Double => "╞",
        }
    }
}

/// A row. A cell that belongs to the wide character on its left is empty.
#[derive(Debug)]
pub(super) struct Row<'a> {
    cells: Vec<String>,
    lanes: &'a [Lane],
}

impl<'a> Row<'a> {
    /// Returns a row without lines.
    pub(super) fn blank(width: usize) -> Self {
        Self { cells: vec![" ".to_owned(); width], lanes: &[] }
    }

    /// Returns a row with the lines of the client and of the open connections.
    pub(super) fn of(lanes: &'a [Lane], width: usize) -> Self {
        let mut row = Self { lanes, ..Self::blank(width) };
        row.lines("│");
        row
    }

    fn lines(&mut self, line: &str) {
        self.put(CLIENT, line);
        for lane in self.lanes.iter().filter(|lane| lane.is_open) {
            self.put(lane.column, line);
        }
    }

    /// Puts a text into the cells from a column on; what does not fit is cut off.
    fn put(&mut self, column: usize, text: &str) {
        let mut at = column;
        for letter in text.chars() {
            let width = columns::of(letter);
            if at + width > self.cells.len() {
                return;
            }
            if width == 0 {
                self.cells[at.saturating_sub(1)].push(letter);
                continue;
            }
            self.cells[at] = letter.to_string();
            self.cells[at + 1..at + width].iter_mut().for_each(String::clear);
            at += width;
        }
    }

    pub(super) fn centered(mut self, column: usize, text: &str) -> Self {
        self.put(column.saturating_sub(columns::width(text) / 2), text);
        self
    }

    /// Writes the time, in ms, or in s if it is long.
    pub(super) fn at(mut self, at_us: u64) -> Self {
        let ms = at_us as f64 / 1e3;
        let time = match at_us {
            0..10_000 => format!("{ms:.1} ms"),
            10_000..100_000_000 => format!("{ms:.0} ms"),
            _ => format!("{:.0} s", ms / 1e3),
        };
        self.put(TIME.saturating_sub(time.len()), &time);
        self
    }

    /// Draws an arrow from the client to an exchange, or to all of them.
    pub(super) fn sent(mut self, lane: Option<usize>, stroke: Stroke, label: &str) -> String {
        let end = self.end(lane);
        self.stroke(end, stroke);
        self.put(CLIENT, stroke.start());
        if stroke != Stroke::Dashed {
            self.put(end - 1, "▶");
        }
        let label = columns::shortened(label, self.room());
        self.put(CLIENT + 2, &format!(" {label} "));
        self.text()
    }

    /// Draws an arrow from an exchange to the client. A dashed one is the end of the connection.
    pub(super) fn received(mut self, lane: Option<usize>, stroke: Stroke, label: &str) -> String {
        let end = self.end(lane);
        self.stroke(end, stroke);
        self.put(CLIENT + 1, "◀");
        self.put(end, if stroke == Stroke::Dashed { "╳" } else { "┤" });
        let label = columns::shortened(label, self.room());
        self.put(self.first() - 3 - columns::width(&label), &format!(" {label} "));
        self.text()
    }

    /// Writes what was expected in vain.
    pub(super) fn failed(mut self, what: &str) -> String {
        self.put(CLIENT, "✗");
        let what = columns::shortened(what, self.room() + 2);
        self.put(CLIENT + 2, &what);
        self.text()
    }

    /// Shows that time passes, or that something is left out.
    pub(super) fn pause(mut self, what: &str) -> String {
        self.lines("┊");
        self.put(CLIENT + 3, what);
        self.text()
    }

    /// Draws the line of an arrow, across those of other exchanges.
    fn stroke(&mut self, end: usize, stroke: Stroke) {
        for column in CLIENT + 1..end {
            self.put(column, stroke.line());
        }
        for lane in self.lanes.iter().filter(|lane| lane.is_open && lane.column < end) {
            self.put(lane.column, stroke.crossing());
        }
    }

    /// The column where the arrow of an exchange ends.
    fn end(&self, lane: Option<usize>) -> usize {
        let lane = lane.map_or_else(|| self.lanes.last(), |lane| self.lanes.get(lane));
        lane.map_or(self.cells.len() - 4, |lane| lane.column)
    }

    /// The column of the first exchange: labels end before it.
    fn first(&self) -> usize {
        self.lanes.first().map_or(self.cells.len() - 4, |lane| lane.column)
    }

    /// The most columns of a label.
    fn room(&self) -> usize {
        self.first().saturating_sub(CLIENT + 7)
    }

    pub(super) fn text(self) -> String {
        self.cells.concat()
    }
}
