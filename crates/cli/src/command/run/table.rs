//! The result table on a terminal: the report's table, drawn with characters.

use std::io::IsTerminal as _;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use feedlab_experiment::summary::{Entry, Summary};
use feedlab_report::table::{self as report, Column};

/// A single line under the header, and no others.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The width when standard output is not a terminal, columns: what a log or a document shows without scrolling.
const USUAL_WIDTH: u16 = 120;

/// Returns the table, with one line per contender. If that is too wide, the table is transposed: one column per
/// contender, and one block for each point of a sweep. Compared figures are then side by side, and no figure is broken
/// over two lines.
pub(super) fn text(summary: &Summary) -> String {
    let width = std::io::stdout().is_terminal().then(terminal_width).flatten();
    draw(summary, width.unwrap_or(USUAL_WIDTH).into())
}

/// Returns a table transposed: one column for each of its rows, in as many blocks as the width requires.
pub(in crate::command) fn transposed_text(data: &report::Table) -> String {
    let width = std::io::stdout().is_terminal().then(terminal_width).flatten();
    let blocks = blocks(data, width.unwrap_or(USUAL_WIDTH).into());
    blocks.iter().map(Table::to_string).collect::<Vec<_>>().join("\n\n")
}

fn draw(summary: &Summary, width: usize) -> String {
    let whole = untransposed(&report::rows(summary));
    if fits(&whole, width) {
        return whole.to_string();
    }
    let blocks = points(summary).iter().flat_map(|point| blocks(&report::rows(point), width)).collect::<Vec<_>>();
    blocks.iter().map(Table::to_string).collect::<Vec<_>>().join("\n\n")
}

/// Splits a summary by client count and payload size.
fn points(summary: &Summary) -> Vec<Summary> {
    let point = |entry: &Entry| (entry.clients, entry.payload_bytes);
    let mut entries = summary.contenders.clone();
    entries.sort_by_key(point);
    let of_point = |entries: &[Entry]| Summary { contenders: entries.to_vec(), ..summary.clone() };
    entries.chunk_by(|one, other| point(one) == point(other)).map(of_point).collect()
}

/// Returns as few tables as fit the width, each with as many contenders as possible.
fn blocks(data: &report::Table, width: usize) -> Vec<Table> {
    let blocks = |size| data.rows.chunks(size).map(|rows| transposed(&data.columns, rows)).collect::<Vec<_>>();
    let mut sizes = (2..=data.rows.len()).rev().map(blocks);
    sizes.find(|blocks| blocks.iter().all(|block| fits(block, width))).unwrap_or_else(|| blocks(1))
}

fn fits(table: &Table, width: usize) -> bool {
    table.lines().all(|line| line.chars().count() <= width)
}

fn heading(column: &Column) -> String {
    if column.unit.is_empty() { column.label.clone() } else { format!("{} ({})", column.label, column.unit) }
}

fn untransposed(data: &report::Table) -> Table {
    let numeric: Vec<bool> = data.columns.iter().map(|column| column.numeric).collect();
    table(data.columns.iter().map(heading).collect(), data.rows.clone(), &numeric)
}

/// Returns a table with one line per figure, under a header of contenders.
fn transposed(columns: &[Column], rows: &[Vec<String>]) -> Table {
    let figures = |index: usize| rows.iter().map(move |row| row.get(index).cloned().unwrap_or_default());
    let line = |(index, column)| std::iter::once(heading(column)).chain(figures(index)).collect();
    let mut lines: Vec<Vec<String>> = columns.iter().enumerate().map(line).collect();
    let body = lines.split_off(1.min(lines.len()));
    let numeric: Vec<bool> = (0..=rows.len()).map(|column| column > 0).collect();
    table(lines.concat(), body, &numeric)
}

fn table(head: Vec<String>, rows: Vec<Vec<String>>, numeric: &[bool]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head).add_rows(rows);
    for (column, numeric) in table.column_iter_mut().zip(numeric) {
        column.set_cell_alignment(if *numeric { CellAlignment::Right } else { CellAlignment::Left });
    }
    table
}

fn terminal_width() -> Option<u16> {
    rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use feedlab_experiment::Metric;
    use feedlab_experiment::summary::Estimate;
    use feedlab_experiment::verdict::Verdict;
    use feedlab_feed::Transport;

    fn entry(transport: Transport, clients: u32, age_us: f64) -> Entry {
        let estimate = |value| Estimate { value, low: None, high: None };
        let metrics = [(Metric::AgeP50, estimate(age_us)), (Metric::SocketBytesPerUpdate, estimate(380.0))].into();
        let label = transport.label().to_owned();
        Entry { label, transport, target: None, clients, payload_bytes: None, metrics, predicted: None }
    }

    fn summary() -> Summary {
        use Transport::{ShortPolling, Sse};
        let contenders = vec![
            entry(ShortPolling, 20, 512e3),
            entry(ShortPolling, 500, 530e3),
            entry(Sse, 20, 0.4e3),
            entry(Sse, 500, 2e3),
        ];
        Summary { schema: 1, run: "test".to_owned(), verdict: Verdict::default(), contenders, precision: Vec::new() }
    }

    #[test]
    fn one_line_per_contender_if_it_fits() {
        insta::assert_snapshot!(draw(&summary(), 300));
    }

    #[test]
    fn one_block_per_point_if_it_does_not_fit() {
        insta::assert_snapshot!(draw(&summary(), 80));
    }

    #[test]
    fn one_block_per_contender_if_a_block_per_point_is_too_wide() {
        let summary = Summary { contenders: summary().contenders.split_off(3), ..summary() };
        assert_eq!(
            draw(&summary, 10),
            transposed(&report::rows(&summary).columns, &report::rows(&summary).rows).to_string()
        );
    }
}
