//! How updates are found in what a target sends: a recipe that can work with what is published.

use super::super::super::error::FieldError;
use super::super::super::target::{SEQ, StampRecipe, UPDATE};
use super::super::super::written::{self, At};
use crate::stamp::{Finder, FinderError, is_pointer};

pub(super) fn recipe(written: &At<written::Stamp>) -> Result<StampRecipe, FieldError> {
    let written::Stamp { seq, at, pattern, unit } = &**written;
    let (recipe, place) = match (seq, at, pattern) {
        (Some(seq), Some(at), None) => {
            let place = if is_pointer(seq) { at } else { seq };
            (StampRecipe::Pointers { seq: seq.to_string(), at: at.to_string(), unit: *unit }, place)
        }
        (None, None, Some(pattern)) => (StampRecipe::Pattern { pattern: pattern.to_string(), unit: *unit }, pattern),
        (_, _, Some(pattern)) => {
            return Err(FieldError::at(pattern, "a pattern finds both `seq` and `at`; remove those, or the pattern"));
        }
        _ => {
            return Err(FieldError::at(
                written,
                "an update has a number and a time; add both `seq` and `at`, as in `{ seq = \"/id\", at = \"/ts\" }`, \
                 or a `pattern`",
            ));
        }
    };
    Finder::new(&recipe).map_err(|error: FinderError| FieldError::at(place, error.to_string()))?;
    Ok(recipe)
}

/// What is looked for must be published, or the target must publish it itself.
pub(super) fn is_published(
    name: &At<String>,
    written: &written::Target,
    recipe: &StampRecipe,
) -> Result<(), FieldError> {
    let is_text = *recipe == StampRecipe::Text;
    let Some(publish) = &written.publish else {
        let problem = "without `publish` the server publishes a feed of its own; add a `stamp` that finds its updates, as \
                       in `stamp = { seq = \"/id\", at = \"/ts\" }`, or `publish`";
        return if is_text { Err(FieldError::at(name, problem)) } else { Ok(()) };
    };
    let Some(body) = &publish.body else { return Ok(()) };
    let problem = match (body.contains(UPDATE), body.contains(SEQ), is_text) {
        (true, ..) | (_, true, false) => return Ok(()),
        (false, _, true) => {
            format!(
                "the text that is looked for is not published; insert {UPDATE}, or say with `stamp` what to look for"
            )
        }
        (false, false, false) => {
            format!("every publication would be the same; insert {UPDATE}, or {SEQ} and $AT")
        }
    };
    Err(FieldError::at(body, problem))
}
