//! Draws a trace as a sequence diagram in text. The client is the line on the left; each exchange is a line on the right,
//! which begins when its connection opens and ends when the server ends it.

use super::{Entry, Trace, What, columns};

mod label;
mod row;

use row::{Lane, Row, Stroke};

/// The most exchanges that are drawn.
const MOST_LANES: usize = 3;
/// The most entries that are drawn; of more, those in the middle are left out.
const MOST_ROWS: usize = 24;
/// How many entries at the start are drawn if there are too many.
const FIRST_ROWS: usize = 8;
/// A time without an entry that is shown as a row of its own, µs.
const LONG_US: u64 = 1_000_000;
/// The least width in which a diagram can be read.
const LEAST_WIDTH: usize = 60;
/// The longest name of an exchange that is written whole.
const MOST_NAME: usize = 12;

/// Returns the diagram, in lines of at most `width` columns.
pub(super) fn draw(trace: &Trace, width: usize) -> String {
    let width = width.max(LEAST_WIDTH);
    let drawn = exchanges(trace);
    let mut lanes = lanes(trace, &drawn, width);
    let mut lines = heading(trace, &drawn, &lanes, width);
    let entries: Vec<&Entry> = trace.entries.iter().filter(|entry| is_drawn(entry, &drawn)).collect();
    let left_out = left_out(entries.len());
    let mut before = None;
    for (index, entry) in entries.iter().enumerate() {
        let of = |exchange| drawn.iter().position(|drawn| Some(*drawn) == exchange);
        let lane = of(entry.exchange);
        let is_merged = matches!(entry.what, What::Opened) && is_sent_next(&entries[index + 1..], entry.exchange);
        if let Some(lane) = lane.and_then(|lane| lanes.get_mut(lane)) {
            lane.is_open |= matches!(entry.what, What::Opened | What::Sent(_) | What::Received(_));
        }
        if left_out.contains(&index) {
            if index == left_out.start {
                lines.push(Row::of(&lanes, width).pause(&format!("{} more", left_out.len())));
            }
        } else if !is_merged {
            lines.extend(pause(&lanes, width, before, entry.at_us));
            lines.push(line(entry, &lanes, lane, width));
            before = Some(entry.at_us);
        }
        if let (Some(lane), What::Ended(_)) = (lane.and_then(|lane| lanes.get_mut(lane)), &entry.what) {
            lane.is_open = false;
        }
    }
    lines.extend(not_drawn(trace, &drawn, width));
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The exchanges that are drawn: all, or the one that failed and those that were used last.
fn exchanges(trace: &Trace) -> Vec<usize> {
    let mut chosen: Vec<usize> = trace.failed_on().into_iter().collect();
    for exchange in trace.entries.iter().rev().filter_map(|entry| entry.exchange).chain(0..trace.exchanges.len()) {
        if chosen.len() < MOST_LANES && exchange < trace.exchanges.len() && !chosen.contains(&exchange) {
            chosen.push(exchange);
        }
    }
    chosen.sort_unstable();
    chosen
}

fn is_drawn(entry: &Entry, drawn: &[usize]) -> bool {
    entry.exchange.is_none_or(|exchange| drawn.contains(&exchange))
}

/// Which entries are left out, if there are too many.
fn left_out(entries: usize) -> std::ops::Range<usize> {
    if entries <= MOST_ROWS { 0..0 } else { FIRST_ROWS..entries - (MOST_ROWS - FIRST_ROWS) }
}

/// Whether the next entry is the request for which the connection was opened.
fn is_sent_next(rest: &[&Entry], exchange: Option<usize>) -> bool {
    rest.first().is_some_and(|next| next.exchange == exchange && matches!(next.what, What::Sent(_)))
}

/// The places of the exchanges' lines, from the right.
fn lanes(trace: &Trace, drawn: &[usize], width: usize) -> Vec<Lane> {
    let longest = drawn.iter().map(|exchange| columns::width(&name(trace, *exchange))).max().unwrap_or(0);
    let distance = (longest + 2).max(8);
    let last = width - 1 - longest.max("server".len()).div_ceil(2);
    let place = |index: usize| last - (drawn.len() - 1 - index) * distance;
    (0..drawn.len()).map(|index| Lane { column: place(index), is_open: false }).collect()
}

fn name(trace: &Trace, exchange: usize) -> String {
    columns::shortened(trace.name(exchange), MOST_NAME)
}

fn heading(trace: &Trace, drawn: &[usize], lanes: &[Lane], width: usize) -> Vec<String> {
    let (first, last) =
        (lanes.first().map_or(width - 4, |lane| lane.column), lanes.last().map_or(width - 4, |lane| lane.column));
    let server = Row::blank(width).centered(row::CLIENT, "client").centered(first.midpoint(last), "server");
    if drawn.len() < 2 {
        return vec![server.text()];
    }
    let names = drawn
        .iter()
        .zip(lanes)
        .fold(Row::blank(width), |row, (exchange, lane)| row.centered(lane.column, &name(trace, *exchange)));
    vec![server.text(), names.text()]
}

/// A row that says how long nothing happened, if that was long.
fn pause(lanes: &[Lane], width: usize, before: Option<u64>, at_us: u64) -> Option<String> {
    let quiet = at_us.saturating_sub(before?);
    (quiet >= LONG_US).then(|| Row::of(lanes, width).pause(&format!("{:.1} s", quiet as f64 / 1e6)))
}

fn line(entry: &Entry, lanes: &[Lane], lane: Option<usize>, width: usize) -> String {
    let row = Row::of(lanes, width).at(entry.at_us);
    match &entry.what {
        What::Opened => row.sent(lane, Stroke::Plain, "opens a connection"),
        What::Sent(text) => row.sent(lane, Stroke::Plain, &label::of(text)),
        What::Received(text) => row.received(lane, Stroke::Plain, &label::of(text)),
        What::Did(what) => row.sent(lane, Stroke::Dashed, &label::of(what)),
        What::Ended(how) => row.received(lane, Stroke::Dashed, &label::of(how)),
        What::Published(what) => row.sent(None, Stroke::Double, &format!("publishes {}", label::of(what))),
        What::Expected(what) => row.failed(&format!("expected {}", label::of(what))),
    }
}

fn not_drawn(trace: &Trace, drawn: &[usize], width: usize) -> Option<String> {
    let names: Vec<&str> = (0..trace.exchanges.len())
        .filter(|exchange| !drawn.contains(exchange))
        .map(|exchange| trace.name(exchange))
        .collect();
    let indent = " ".repeat(row::CLIENT);
    let text =
        format!("{indent}not drawn: {} of {} exchanges: {}", names.len(), trace.exchanges.len(), names.join(", "));
    (!names.is_empty()).then(|| columns::shortened(&text, width))
}

#[cfg(test)]
mod tests;
