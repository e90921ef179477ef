//! What somebody meant who wrote something else: the nearest of the words that there are, by the insertions, deletions and
//! substitutions that lie between (Levenshtein).

use strsim::levenshtein;

/// The candidate with the fewest edits to `word`; the first of several.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates.into_iter().min_by_key(|candidate| levenshtein(word, candidate))
}

/// As [`nearest`], but nothing that shares too little with `word` to be what was meant.
pub(crate) fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(word, candidates).filter(|candidate| 3 * levenshtein(word, candidate) <= word.chars().count().max(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_guessed_and_another_word_is_not() {
        assert_eq!(near("intervall", ["hold", "interval"]), Some("interval"));
        assert_eq!(near("colour", ["hold", "interval"]), None);
        assert_eq!(nearest("colour", ["hold", "interval"]), Some("hold"));
    }
}
