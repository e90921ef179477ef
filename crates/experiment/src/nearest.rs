//! What somebody meant who wrote something else: the nearest of the words that there are.

/// The candidate with the fewest edits to `word`; the first of several.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates.into_iter().min_by_key(|candidate| distance(word, candidate))
}

/// As [`nearest`], but nothing that shares too little with `word` to be what was meant.
pub(crate) fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(word, candidates).filter(|candidate| 3 * distance(word, candidate) <= word.chars().count().max(3))
}

/// Levenshtein's distance: insertions, deletions and substitutions, a row of the table at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (a, b, expected) in
            [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("sse", "ssse", 1)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn a_slip_is_guessed_and_another_word_is_not() {
        assert_eq!(near("intervall", ["hold", "interval"]), Some("interval"));
        assert_eq!(near("colour", ["hold", "interval"]), None);
        assert_eq!(nearest("colour", ["hold", "interval"]), Some("hold"));
    }
}
