//! The figures of a chart as CSV (RFC 4180), in a link that needs neither a file nor a script.

use std::fmt::Write as _;

use super::Figures;

/// Returns a URL that contains the table as CSV.
pub(super) fn url(Figures { head, rows }: &Figures) -> String {
    let mut url = "data:text/csv;charset=utf-8,".to_owned();
    for row in std::iter::once(head).chain(rows) {
        let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
        url.push_str(&encoded(&(cells.join(",") + "\r\n")));
    }
    url
}

/// A number as programs read it; empty if there is none.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// Percent-encodes all bytes but those that a URL may contain anywhere.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b',' => out.push(char::from(byte)),
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_need_it_and_the_rest_is_plain() {
        let head = ["contender", "age in µs"].map(str::to_owned).to_vec();
        let rows = vec![
            vec!["short polling, \"1 s\"".to_owned(), number(Some(550_399.5))],
            vec!["SSE".to_owned(), number(None)],
        ];
        let expected = "data:text/csv;charset=utf-8,contender,age%20in%20%C2%B5s%0D%0A\
                        %22short%20polling,%20%22%221%20s%22%22%22,550399.5%0D%0ASSE,%0D%0A";
        assert_eq!(url(&Figures { head, rows }), expected);
    }
}
