//! Media types in `Content-Type`: RFC 9110, section 8.3.1.

use feedlab_feed::wire::sse;

/// The media type without its parameters, in lower case.
pub(crate) fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a content type is that of an event stream.
pub(crate) fn is_event_stream(content_type: &str) -> bool {
    media_type(content_type) == sse::CONTENT_TYPE
}

/// Whether a content type is JSON.
pub(crate) fn is_json(content_type: &str) -> bool {
    let media = media_type(content_type);
    media == "application/json" || media.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_spaces_and_case_do_not_count() {
        assert!(is_event_stream(" Text/Event-Stream ; charset=utf-8") && !is_event_stream("text/event-streams"));
        assert!(is_json("application/problem+json;x") && !is_json("text/json") && !is_json(""));
    }
}
