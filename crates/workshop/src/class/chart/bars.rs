//! A pair of bars for each choice.

use std::fmt::Write as _;

use super::{LINE, WIDTH, wrapped};
use crate::chapter::escaped;
use crate::class::tally::Tally;

/// Height of a bar.
const BAR: f64 = 22.0;
/// Room for the count behind the longest bar.
const COUNT: f64 = 60.0;
/// Characters of a choice on one line.
const CHARACTERS: usize = 62;

/// The bars, and how high all of them are.
pub(super) fn body(tally: &Tally) -> (String, f64) {
    let most = tally.choices.iter().flat_map(|count| [count.before, count.after]).max().unwrap_or(0).max(1);
    let right = tally.known.as_ref().and_then(|known| known.right.as_deref());
    let mut body = String::new();
    let mut y = 0.0;
    for count in &tally.choices {
        let mark = if right == Some(count.id.as_str()) { "✓ " } else { "" };
        let class = if mark.is_empty() { "choice" } else { "choice right" };
        for line in wrapped(&format!("{mark}{}", count.text), CHARACTERS) {
            y += LINE;
            let _ = writeln!(body, "<text class=\"{class}\" x=\"0\" y=\"{:.0}\">{}</text>", y - 6.0, escaped(&line));
        }
        for (round, votes) in [("before", count.before), ("after", count.after)] {
            let width = (WIDTH - COUNT) * f64::from(votes) / f64::from(most);
            let fill = if round == "before" {
                format!(" fill=\"url(#before-{})\"", escaped(&tally.question))
            } else {
                String::new()
            };
            let _ = writeln!(
                body,
                "<rect class=\"{round}\"{fill} x=\"1\" y=\"{y:.0}\" width=\"{:.1}\" height=\"{BAR}\"/>\
                 <text class=\"count\" x=\"{:.1}\" y=\"{:.0}\">{votes}</text>",
                width.max(1.0),
                width + 8.0,
                y + BAR - 4.0,
            );
            y += BAR + 2.0;
        }
        y += 14.0;
    }
    (body, y.max(1.0))
}
