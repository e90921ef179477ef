//! The parts of a picture that belong to one contender.
//!
//! The backend cannot group elements, so the canvas draws a sign where a part starts and where it ends: a pixel far
//! outside of every picture. [`grouped`] turns the signs into the tags of a group.

use std::fmt::Write as _;

use crate::palette::Look;

/// The y coordinate of every sign; no picture is that high.
const FAR: i32 = i32::MIN;
/// The x coordinate of the sign that ends a part; that of one that starts is the contender's index.
const END: i32 = -1;

/// Where the sign is drawn that starts the part of a contender, or ends it.
pub(super) fn sign(contender: Option<usize>) -> (i32, i32) {
    (contender.and_then(|index| i32::try_from(index).ok()).unwrap_or(END), FAR)
}

/// The contenders of an area, as an attribute lists them.
pub(super) fn list(looks: &[Look]) -> String {
    looks.iter().map(|look| look.contender.to_string()).collect::<Vec<_>>().join(" ")
}

/// Replaces the signs by groups: `<g data-part="2">` to `</g>`.
pub(super) fn grouped(svg: &str) -> String {
    let mut out = String::with_capacity(svg.len());
    for line in svg.split_inclusive('\n') {
        match read(line) {
            Some(END) => out.push_str("</g>\n"),
            Some(index) => _ = writeln!(out, "<g data-part=\"{index}\">"),
            None => out.push_str(line),
        }
    }
    out
}

/// Reads the x coordinate of a sign; `None` for any other element.
fn read(line: &str) -> Option<i32> {
    let (x, rest) = line.strip_prefix("<rect x=\"")?.split_once('"')?;
    rest.starts_with(&format!(" y=\"{FAR}\"")).then(|| x.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_become_groups_and_nothing_else_changes() {
        let sign = |contender| {
            let (x, y) = sign(contender);
            format!("<rect x=\"{x}\" y=\"{y}\" width=\"1\" height=\"1\" fill=\"#1B1F24\"/>\n")
        };
        let bar = "<rect x=\"-1\" y=\"7\" width=\"1\"/>\n";
        let svg = format!("{bar}{}{bar}{}{bar}", sign(Some(2)), sign(None));
        assert_eq!(grouped(&svg), format!("{bar}<g data-part=\"2\">\n{bar}</g>\n{bar}"));
    }
}
