//! Suggestions for misspelled words: the nearest known word by the number of insertions, deletions and substitutions
//! (Levenshtein distance).

use strsim::levenshtein;

/// Returns the candidate with the fewest edits to `word`; the first of several. A candidate that has the word as one of its
/// parts, as `updates_missed` has `missed`, is nearer than any other.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let has_part = |candidate: &str| candidate.split('_').any(|part| part == word);
    candidates.into_iter().min_by_key(|candidate| (!has_part(candidate), levenshtein(word, candidate)))
}

/// Like [`nearest`], but returns `None` if the candidate is too different from `word`.
pub(crate) fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(word, candidates).filter(|candidate| 3 * levenshtein(word, candidate) <= word.chars().count().max(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_recognized_and_another_word_is_not() {
        assert_eq!(near("intervall", ["hold", "interval"]), Some("interval"));
        assert_eq!(near("color", ["hold", "interval"]), None);
        assert_eq!(nearest("color", ["hold", "interval"]), Some("hold"));
        assert_eq!(nearest("missed", ["climbs", "updates_missed"]), Some("updates_missed"));
    }
}
