//! Suggestions for misspelled words: the nearest known word by the number of insertions, deletions and substitutions
//! (Levenshtein distance).

use strsim::levenshtein;

/// Returns the candidate with the fewest edits to `word`; the first of several.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates.into_iter().min_by_key(|candidate| levenshtein(word, candidate))
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
    }
}
