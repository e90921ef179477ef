//! Text that is shown to people: names (of a voter, an event, a contender), and text from untrusted sources.

use std::borrow::Cow;

/// The byte order mark, U+FEFF, with which a UTF-8 file or stream may begin; it is not part of the text.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// Whether a character is invisible in a name, or hides others: it breaks the line, changes the reading order, or shows
/// nothing. Unicode 17: general category `Cc`, `Bidi_Control`, and `Default_Ignorable_Code_Point` with the line and
/// paragraph separators; except the joiners U+200C and U+200D and the variation selectors, which words and emoji need,
/// and which are not a name by themselves ([`is_name`]).
#[must_use]
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a text can be a name: it has no hidden characters, and at least one visible one.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let shows =
        |letter: char| !letter.is_whitespace() && !matches!(letter, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    text.chars().any(shows) && !text.chars().any(is_hidden)
}

/// Returns the text as one line that is harmless on a terminal: each hidden character is written as its escape,
/// `\u{1b}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let escaped =
        |letter: char| -> String { if is_hidden(letter) { letter.escape_default().collect() } else { letter.into() } };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f19_foreign_text_becomes_one_harmless_line() {
        assert_eq!(visible("two\nlines \u{1b}[31m \u{202e}é"), "two\\nlines \\u{1b}[31m \\u{202e}é");
        assert!(matches!(visible("a joiner: 👩\u{200d}💻"), Cow::Borrowed(_)));
    }

    #[test]
    fn r7_names_have_no_hidden_characters() {
        for text in ["Ada", "Zoë", "محمد", "می\u{200c}خواهم", "👩\u{200d}💻", "❤\u{fe0f}", "山田 太郎", "a b"]
        {
            assert!(is_name(text), "{text:?}");
        }
        for text in [
            "",
            " ",
            "\u{200b}",
            "\u{200d}",
            "\u{feff}",
            "\u{3164}",
            "Ada\u{200b}",
            "\u{202e}adA",
            "\u{2066}Ada\u{2069}",
            "A\u{ad}da",
            "A\u{61c}",
            "\u{e0041}",
            "A\nb",
            "A\u{2028}b",
            "A\u{85}",
            "\0",
        ] {
            assert!(!is_name(text), "{text:?}");
        }
    }
}
