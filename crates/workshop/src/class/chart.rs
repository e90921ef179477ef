//! The votes on a question as a picture that can be read at the back of a room.
//!
//! Colours are the page's own, by class; before and after differ by pattern too, so that nobody needs to tell colours.

use std::fmt::Write as _;

use super::tally::Tally;
use crate::chapter::escaped;

mod bars;
mod dots;

/// Width of every picture, in its own units: as wide as the page.
const WIDTH: f64 = 800.0;
/// A line of text.
const LINE: f64 = 26.0;

/// The picture of a tally.
pub(crate) fn svg(tally: &Tally) -> String {
    let (body, height) = if tally.choices.is_empty() { dots::body(tally) } else { bars::body(tally) };
    let mut svg = format!(
        "<svg class=\"votes\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{}\">\n\
         <defs><pattern id=\"before-{}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <rect class=\"paper\" width=\"8\" height=\"8\"/><rect class=\"stripe\" width=\"3\" height=\"8\"/></pattern></defs>\n{body}",
        escaped(&words(tally)),
        escaped(&tally.question),
    );
    svg.push_str("</svg>");
    svg
}

/// What the picture shows, for those who cannot see it.
fn words(tally: &Tally) -> String {
    let mut words = format!("{} predicted, {} answered again afterwards.", tally.before, tally.after);
    for count in &tally.choices {
        let _ = write!(words, " {}: {} before, {} after.", count.text, count.before, count.after);
    }
    if tally.choices.is_empty() {
        let unit = tally.unit.as_deref().unwrap_or_default();
        let numbers =
            |numbers: &[(f64, u32)]| numbers.iter().take(40).map(|(number, _)| figure(*number)).collect::<Vec<_>>();
        let _ = write!(words, " Before, in {unit}: {}.", numbers(&tally.numbers.before).join(", "));
        let _ = write!(words, " After: {}.", numbers(&tally.numbers.after).join(", "));
    }
    words
}

/// A number of three digits, as people write it: `1,230`, `0.52`.
pub(crate) fn figure(value: f64) -> String {
    feedlab_report::human::count(value)
}

/// A text in lines of at most so many characters.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > most {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests;
