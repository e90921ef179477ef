//! Estimates the width of text. The fonts are those of the reader's machine, not of the picture: a table of Helvetica's
//! widths is close enough to lay out labels, with a little room to spare.

/// Returns an estimate of the width of `text` at a font size, in the unit of the size, which bold text does not exceed.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    const SPARE: f64 = 1.12;
    text.chars().map(em).sum::<f64>() * size * SPARE
}

/// Advance widths from Adobe's Helvetica metrics, rounded and grouped, in em.
fn em(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '\'' | '|' => 0.23,
        ' ' | '\u{a0}' | '.' | ',' | ':' | ';' | '!' | 'f' | 't' | 'I' | '/' | '\\' => 0.28,
        'r' | '(' | ')' | '[' | ']' | '-' | '`' | '·' => 0.34,
        'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | 'J' => 0.5,
        'm' | 'M' => 0.83,
        'w' => 0.72,
        'W' => 0.94,
        '%' | '@' => 0.89,
        'A'..='Z' => 0.7,
        '\u{2e80}'.. => 1.0,
        _ => 0.556,
    }
}

/// Breaks text at its ordinary spaces so that no line is wider than `limit`. A word that is wider is broken too.
pub(crate) fn wrap(text: &str, size: f64, limit: f64) -> Vec<String> {
    // A limit is often the width of the very text, added up in another order.
    let limit = limit + 1e-6;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()).flat_map(|word| broken(word, size, limit)) {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(&word, size) <= limit => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// Returns a word in pieces that are not wider than `limit`, each with at least one letter.
fn broken(word: &str, size: f64, limit: f64) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0.0;
    for letter in word.chars() {
        let needed = width(letter.encode_utf8(&mut [0; 4]), size);
        if used > 0.0 && used + needed > limit {
            pieces.push(String::new());
            used = 0.0;
        }
        used += needed;
        if let Some(piece) = pieces.last_mut() {
            piece.push(letter);
        }
    }
    pieces
}

/// Returns the width of the widest of some texts.
pub(crate) fn widest<S: AsRef<str>>(texts: impl IntoIterator<Item = S>, size: f64) -> f64 {
    texts.into_iter().map(|text| width(text.as_ref(), size)).fold(0.0, f64::max)
}

/// Like [`wrap`], with the same number of lines but of about equal length, so that no word is alone on the last line.
pub(crate) fn balance(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines = wrap(text, size, limit);
    for tenth in (5..10).rev() {
        let narrower = wrap(text, size, limit * f64::from(tenth) / 10.0);
        if narrower.len() > lines.len() {
            break;
        }
        lines = narrower;
    }
    lines
}

/// Returns the text, cut with an ellipsis if it is wider than `limit`.
pub(crate) fn fit(text: &str, size: f64, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let mut kept = String::new();
    for letter in text.chars() {
        kept.push(letter);
        if width(&kept, size) + width("…", size) > limit {
            kept.pop();
            break;
        }
    }
    kept.trim_end().to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_within_the_limit_and_lose_no_word() {
        let text = "Short polling is 512 ms behind at the median; the three others are at most 1.4 ms behind";
        let lines = wrap(text, 14.0, 200.0);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, 14.0) <= 200.0));
        assert_eq!(lines.join(" "), text);
        assert!(wrap("", 14.0, 200.0).is_empty());
        let long = "a-label-without-a-single-space-that-is-longer-than-any-column";
        let pieces = wrap(long, 13.0, 120.0);
        assert!(pieces.len() > 2 && pieces.iter().all(|piece| width(piece, 13.0) <= 120.0), "G2: {pieces:?}");
        assert_eq!((pieces.concat(), wrap("ab", 13.0, 0.0).len()), (long.to_owned(), 2));
        assert_eq!(balance("one two three four", 10.0, width("one two three", 10.0)), ["one two", "three four"]);
    }

    #[test]
    fn text_that_does_not_fit_is_cut() {
        assert_eq!(fit("SSE", 10.0, 100.0), "SSE");
        let cut = fit("short polling, every 250 ms, without keep-alive", 10.0, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0) <= 100.0 && cut.len() > 10);
    }
}
