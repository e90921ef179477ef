//! Text in the columns of a terminal: how wide it is, and how it is shortened and wrapped. For the diagram and the report.

/// How many columns a character takes: none for one that joins the one before, two for an East Asian wide one and for an
/// emoji (the blocks of Unicode's `EastAsianWidth` W and F, roughly).
pub(crate) fn of(letter: char) -> usize {
    match letter {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(of).sum()
}

/// Shortens a text to a number of columns, with an ellipsis at its end.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut left = most.saturating_sub(1);
    for letter in text.chars() {
        let Some(rest) = left.checked_sub(of(letter)) else { break };
        left = rest;
        short.push(letter);
    }
    let short = short.trim_end();
    if most == 0 { String::new() } else { format!("{short}…") }
}

/// Pads a text with spaces to a number of columns.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Wraps a text into lines of at most a number of columns, between words. A longer word has a line of its own.
pub(crate) fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let fits = lines.last().is_none_or(|line| line.is_empty() || width(line) + 1 + width(word) <= most);
        match lines.last_mut() {
            Some(line) if fits => {
                let space = if line.is_empty() { "" } else { " " };
                *line += &format!("{space}{word}");
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shortened_by_columns_and_not_by_letters() {
        for (text, most, expected) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("two words", 5, "two…"),
            ("山田太郎", 8, "山田太郎"),
            ("山田太郎", 7, "山田太…"),
            ("山田太郎", 6, "山田…"),
            ("e\u{301}e\u{301}", 2, "e\u{301}e\u{301}"),
            ("long", 1, "…"),
            ("long", 0, ""),
        ] {
            assert_eq!(shortened(text, most), expected, "{text} in {most}");
        }
    }

    #[test]
    fn words_are_wrapped_and_a_long_one_is_kept_whole() {
        assert_eq!(wrapped("a bb ccc dddddd", 6), ["a bb", "ccc", "dddddd"]);
        assert_eq!(wrapped("https://example.org/ is long", 8), ["https://example.org/", "is long"]);
        assert_eq!(wrapped("", 8), [""]);
    }
}
