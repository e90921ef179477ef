//! The bytes around a fault, with their line ends visible.

use feedlab_feed::text::visible;

use super::WIDTH;
use crate::trace::columns::shortened;

/// The most lines that are shown.
const MOST_LINES: usize = 10;
/// How many lines before the fault are shown.
const LINES_BEFORE: usize = 5;
/// The columns of a line.
const COLUMNS: usize = WIDTH - 4;
/// The most bytes that are looked at, from the end.
const MOST_BYTES: usize = 64 * 1024;

/// Returns the lines of what was received, around the one that has something quoted in `came`; without one, the last.
pub(super) fn around(received: &str, came: &str) -> String {
    let from = (received.len().saturating_sub(MOST_BYTES)..=received.len()).find(|at| received.is_char_boundary(*at));
    let lines: Vec<&str> = received[from.unwrap_or(0)..].split_inclusive('\n').collect();
    let at = fault(&lines, came).map_or(lines.len(), |at| at + MOST_LINES - LINES_BEFORE);
    let end = at.clamp(MOST_LINES.min(lines.len()), lines.len());
    let start = end.saturating_sub(MOST_LINES);
    let mut text = more(start, "before");
    text.extend(lines[start..end].iter().map(|line| shortened(&visible(line), COLUMNS) + "\n"));
    text + &more(lines.len() - end, "after")
}

fn more(lines: usize, place: &str) -> String {
    match lines {
        0 => String::new(),
        1 => format!("⋮ 1 line {place}\n"),
        lines => format!("⋮ {lines} lines {place}\n"),
    }
}

/// The last line that has something that `came` quotes.
fn fault(lines: &[&str], came: &str) -> Option<usize> {
    let quotes = came.split('`').skip(1).step_by(2).chain(came.split('"').skip(1).step_by(2));
    let quotes: Vec<&str> = quotes.filter(|quote| !quote.trim().is_empty()).collect();
    lines.iter().rposition(|line| quotes.iter().any(|quote| line.contains(quote)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_visible() {
        assert_eq!(
            around("HTTP/1.1 200 OK\r\n\r\ndata: a\n\nda", ""),
            "HTTP/1.1 200 OK\\r\\n\n\\r\\n\ndata: a\\n\n\\n\nda\n"
        );
        assert_eq!(around("", "`x`"), "");
    }

    #[test]
    fn of_many_lines_those_around_the_quoted_one_are_shown() {
        let many: String = (0..100).map(|line| format!("line {line:02}\n")).collect();
        let end = around(&many, "nothing that is quoted");
        assert!(end.starts_with("⋮ 90 lines before\nline 90\\n\n") && end.ends_with("line 99\\n\n"), "{end}");
        let middle = around(&many, "`line 50` where nothing should be");
        assert!(middle.starts_with("⋮ 45 lines before\nline 45\\n\n"), "{middle}");
        assert!(middle.ends_with("line 54\\n\n⋮ 45 lines after\n"), "{middle}");
        let start = around(&many, "\"line 00\"");
        assert!(start.starts_with("line 00\\n\n") && start.ends_with("⋮ 90 lines after\n"), "{start}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(MOST_BYTES);
        assert!(around(&format!("x{long}"), "").starts_with("éé"));
    }
}
