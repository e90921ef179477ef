//! Comments in a chapter that become something to do on its page.

/// What a comment asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// `<!-- question: ID -->`
    Question(String),
    /// `<!-- run: scenarios/workshop/NAME.toml -->`
    Run(String),
    /// `<!-- page: preset=far -->`: the live page with this query.
    Page(String),
    /// `<!-- exercise: NAME -->`
    Exercise(String),
}

/// What a block of HTML asks for, if it is a comment that asks for something.
pub(crate) fn of(html: &str) -> Option<Marker> {
    let inside = html.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    let (word, rest) = inside.split_once(':')?;
    let rest = rest.trim().to_owned();
    Some(match word.trim() {
        "question" => Marker::Question(rest),
        "run" => Marker::Run(rest),
        "page" => Marker::Page(rest),
        "exercise" => Marker::Exercise(rest),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_words_ask_for_something_and_other_comments_are_comments() {
        assert_eq!(of("<!-- question: far-age -->\n"), Some(Marker::Question("far-age".into())));
        assert_eq!(of("<!--page:preset=far-->"), Some(Marker::Page("preset=far".into())));
        assert_eq!(
            of("<!-- run: scenarios/workshop/a.toml -->"),
            Some(Marker::Run("scenarios/workshop/a.toml".into()))
        );
        assert_eq!(of("<!-- exercise: sse-parser -->"), Some(Marker::Exercise("sse-parser".into())));
        for other in ["<!-- a note: of ours -->", "<!-- nothing -->", "<details>", "<!-- question: open"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
