//! The map of choices on the command line: as text, as JSON, and as a chart. Called by `predict --map` and
//! `choose --map`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use feedlab_experiment::choice::map::{Map, Outcome};
use feedlab_experiment::choice::{Input, Question};
use feedlab_report::MapWidth;

use crate::exit::bad_input;
use crate::output::{self, Format};

/// Computes a map, prints it in a format, if there is one, and draws its chart.
pub(crate) fn execute(
    question: &Question,
    (x, y): (Input, Input),
    chart: Option<&Path>,
    format: Option<Format>,
) -> anyhow::Result<()> {
    let map = Map::of(question, x, y, Map::SIZE).map_err(bad_input)?;
    match format {
        Some(Format::Text) => output::data(&text(&map))?,
        Some(Format::Json) => output::json_pretty(&map)?,
        None => {}
    }
    let Some(file) = chart else { return Ok(()) };
    let svg = feedlab_report::map_chart(&map, MapWidth::Wide)?;
    std::fs::write(file, svg).with_context(|| format!("cannot write {}", file.display()))?;
    output::advice(&format!("chart: {}", file.display()));
    Ok(())
}

/// Returns the map in letters, with what they mean and what the map says.
fn text(map: &Map) -> String {
    let mut text = format!("{}\n\n", map.title());
    let letters = letters(map);
    let (columns, rows) = map.size;
    let here = map.here.as_ref().map(|here| {
        let at = |share: f64, count: usize| (share * count as f64).round() as usize;
        (at(here.at.0, columns), at(here.at.1, rows / 2) * 2)
    });
    let _ = writeln!(text, "  {:>9}  ↑ {}", map.y.input.text(map.y.high), map.y.input.label());
    for row in (0..=rows).rev().step_by(2) {
        let letter = |column: usize| match here {
            Some(here) if here == (column, row) => '★',
            _ => letter(&letters, map.outcomes[row * (columns + 1) + column]),
        };
        let _ = writeln!(text, "  {:>9}  {}", "", (0..=columns).map(letter).collect::<String>());
    }
    let (low, high) = (map.x.input.text(map.x.low), map.x.input.text(map.x.high));
    let _ = writeln!(text, "  {:>9}  {low} {} → {high}\n", map.y.input.text(map.y.low), map.x.input.label());
    for (outcome, letter) in &letters {
        let _ = writeln!(text, "  {letter}  {outcome}");
    }
    if map.here.is_some() {
        text.push_str("  ★  you are here\n");
    }
    text.push('\n');
    for sentence in map.sentences() {
        let _ = writeln!(text, "{sentence}");
    }
    text
}

fn letter(letters: &[(Outcome, char)], outcome: Outcome) -> char {
    letters.iter().find(|(other, _)| *other == outcome).map_or('?', |(_, letter)| *letter)
}

/// Returns a character for each region: a letter of a transport, and signs for ties and for where nothing fits.
fn letters(map: &Map) -> Vec<(Outcome, char)> {
    let mut ties = "=#%&+".chars();
    let mut letter = |outcome: Outcome| match outcome {
        _ if outcome.is_tie() => ties.next().unwrap_or('~'),
        Outcome::Best(_) => {
            outcome.transports().first().map_or('?', |transport| ['P', 'L', 'S', 'W'][transport.index()])
        }
        Outcome::TooFar => '.',
        Outcome::TooMuch => '!',
        Outcome::NoneFits => '-',
    };
    let outcomes: Vec<Outcome> = map.regions.iter().map(|region| region.outcome).collect();
    let letters: Vec<char> = outcomes.iter().copied().map(&mut letter).collect();
    outcomes.into_iter().zip(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_in_letters_has_a_row_per_second_value_and_says_what_it_shows() {
        let map = Map::of(&Question::default(), Input::Rate, Input::Budget, (12, 8)).unwrap();
        insta::assert_snapshot!(text(&map));
    }
}
