//! Reads the header fields of a request as RFC 9110 defines them: a list may be spread over several lines, and any
//! other field occurs only once. All headers are read here, except `Host` and `Origin`, which [`feedlab_feed::access`]
//! reads.

use axum::http::{HeaderMap, HeaderName, header};

use crate::rejection::Rejection;

/// Returns the text of a header that may occur only once.
///
/// # Errors
/// When it occurs several times, or has bytes that are not visible ASCII (RFC 9110, section 5.5).
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Rejection> {
    let mut lines = headers.get_all(name).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Rejection::bad_request(format!("the request has several `{name}` headers; only one is allowed")));
    }
    let text = line.to_str().map_err(|_| Rejection::bad_request(format!("`{name}` must be ASCII text")))?;
    Ok(Some(text.trim()))
}

/// Returns the members of a list, over all of its lines (section 5.6.1). Lines that are not text are ignored.
pub(crate) fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(members).filter(|member| !member.is_empty())
}

/// Whether a list contains a token, ignoring case.
pub(crate) fn names_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    list(headers, name).any(|member| member.eq_ignore_ascii_case(token))
}

/// Whether `Accept` allows a media type: the most specific matching range decides, and a quality of 0 means no (section
/// 12.5.1). Without the header, everything is accepted.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    if !headers.contains_key(header::ACCEPT) {
        return true;
    }
    let kind = media_type.split('/').next().unwrap_or_default();
    let closest = |range: &str| match range.strip_suffix("/*") {
        _ if range.eq_ignore_ascii_case(media_type) => Some(2),
        Some(of) if of.eq_ignore_ascii_case(kind) => Some(1),
        Some("*") => Some(0),
        _ => None,
    };
    let fitting = list(headers, &header::ACCEPT).filter_map(|member| {
        let mut parts = member.split(';').map(str::trim);
        let closeness = closest(parts.next().unwrap_or_default())?;
        Some((closeness, !parts.any(is_zero_quality)))
    });
    fitting.max().is_some_and(|(_, is_taken)| is_taken)
}

/// Whether a parameter is a quality of 0, as in `q=0.000`.
fn is_zero_quality(parameter: &str) -> bool {
    let quality = parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    quality.is_some_and(|(_, value)| value.trim().parse() == Ok(0.0))
}

/// Splits a line of a list at the commas that are not within quotes (section 5.6.4).
pub(crate) fn members(line: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let split = line.split(move |letter| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match letter {
            '"' if !was_escaped => is_quoted = !is_quoted,
            '\\' => is_escaped = is_quoted && !was_escaped,
            ',' => return !is_quoted,
            _ => {}
        }
        false
    });
    split.map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), line.parse().unwrap())).collect()
    }

    #[test]
    fn f7_accept_is_a_list_over_all_lines_with_qualities() {
        for (lines, is_taken) in [
            (&["text/event-stream"][..], true),
            (&["Text/Event-Stream;Q=0.1"], true),
            (&["a/b, */*;q=0.1"], true),
            (&["application/json", "text/event-stream"], true),
            (&["text/*"], true),
            (&["application/json"], false),
            (&[""], false),
            (&["text/event-stream;q=0"], false),
            (&["text/event-stream; q=0.000, */*"], false),
            (&["*/*;q=0", "text/event-stream"], true),
            (&["text/*;q=0, */*"], false),
            (&["a/b;x=\"text/event-stream, \\\"*/*\""], false),
        ] {
            assert_eq!(accepts(&headers(&header::ACCEPT, lines), "text/event-stream"), is_taken, "{lines:?}");
        }
        assert!(accepts(&HeaderMap::new(), "text/event-stream"));
    }

    #[test]
    fn f7_lists_are_joined_and_quotes_protect_commas() {
        let sent = headers(&header::IF_NONE_MATCH, &["\"a,b\" , W/\"c\"", "", ",\"d\""]);
        assert_eq!(list(&sent, &header::IF_NONE_MATCH).collect::<Vec<_>>(), ["\"a,b\"", "W/\"c\"", "\"d\""]);
        let sent = headers(&header::CONNECTION, &["keep-alive", "Upgrade"]);
        assert!(
            names_token(&sent, &header::CONNECTION, "upgrade") && !names_token(&sent, &header::CONNECTION, "close")
        );
    }

    #[test]
    fn a_field_that_is_no_list_occurs_once_and_is_text() {
        assert_eq!(single(&headers(&header::COOKIE, &[" a "]), &header::COOKIE).unwrap(), Some("a"));
        assert_eq!(single(&HeaderMap::new(), &header::COOKIE).unwrap(), None);
        for lines in [&["a", "a"][..], &["\u{e9}"]] {
            assert!(single(&headers(&header::COOKIE, lines), &header::COOKIE).is_err(), "{lines:?}");
        }
    }
}
