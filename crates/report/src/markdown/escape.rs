//! Text that people wrote, such as labels and questions, as Markdown that shows exactly that text.

/// What Markdown, tables and HTML give a meaning. GitHub also links `@name` and `#1`, which an empty comment breaks.
pub(super) fn text(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    for letter in written.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("@<!-- -->"),
            '#' => out.push_str("\\#<!-- -->"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => out.extend(['\\', letter]),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_people_write_is_more_than_text() {
        for (written, escaped) in [
            ("SSE, 50 clients", "SSE, 50 clients"),
            ("a|b", "a\\|b"),
            ("`rm`", "\\`rm\\`"),
            ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
            ("AT&amp;T", "AT&amp;amp;T"),
            ("![x](y) *b* _i_ ~s~", "\\!\\[x\\](y) \\*b\\* \\_i\\_ \\~s\\~"),
            ("two\nlines\r\n| three", "two lines \\| three"),
            ("@team #12 \\|", "@<!-- -->team \\#<!-- -->12 \\\\\\|"),
        ] {
            assert_eq!(text(written), escaped);
        }
    }
}
