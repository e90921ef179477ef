//! What is written on an arrow: the first line of what was sent or received, and what else makes the difference.

use feedlab_feed::text::visible;

/// Header fields of a request that do not distinguish it from others.
const USUAL: [&str; 13] = [
    "accept",
    "accept-encoding",
    "authorization",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "sec-websocket-key",
    "sec-websocket-version",
    "upgrade",
    "user-agent",
];
/// The mark of a line end on an arrow.
const LINE_END: &str = " ⏎ ";
/// More than any diagram shows, characters: the rest is not looked at.
const MOST: usize = 2_000;

/// Returns the label of a text: the first line of a message's head, its unusual fields and the start of its body;
/// everything on one line for any other text.
pub(super) fn of(text: &str) -> String {
    let text = match text.char_indices().nth(MOST) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let (first, fields) = head.split_once("\r\n").unwrap_or((head, ""));
    if first.starts_with("HTTP/") {
        joined([first].into_iter().chain(body_lines(body)))
    } else if first.contains(" HTTP/1.") {
        joined([first].into_iter().chain(fields.lines().filter(|field| is_unusual(field))).chain(body_lines(body)))
    } else {
        joined(body_lines(text))
    }
}

fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    visible(&lines.collect::<Vec<_>>().join(LINE_END)).into_owned()
}

/// The lines of a body that are not empty, without the size of its first chunk (RFC 9112, section 7.1).
fn body_lines(text: &str) -> impl Iterator<Item = &str> {
    let is_size = |line: &str| !line.is_empty() && line.len() <= 8 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    let rest = text.split_once("\r\n").filter(|(first, rest)| is_size(first) && rest.trim() != "");
    rest.map_or(text, |(_, rest)| rest).lines().map(str::trim_end).filter(|line| !line.is_empty())
}

fn is_unusual(field: &str) -> bool {
    let name = field.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
    !USUAL.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_what_makes_the_difference() {
        for (text, expected) in [
            (
                "GET /feed/sse HTTP/1.1\r\nHost: h\r\nLast-Event-ID: k.7\r\nAccept: x\r\n\r\n",
                "GET /feed/sse HTTP/1.1 ⏎ Last-Event-ID: k.7",
            ),
            ("POST /m HTTP/1.1\r\nHost: h\r\n\r\n{\"text\":1}", "POST /m HTTP/1.1 ⏎ {\"text\":1}"),
            ("HTTP/1.1 200 OK\r\nserver: x\r\n\r\nid: 1\ndata: a\n\n", "HTTP/1.1 200 OK ⏎ id: 1 ⏎ data: a"),
            ("HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n", "HTTP/1.1 304 Not Modified"),
            ("id: 1\r\ndata: a\r\n\r\n", "id: 1 ⏎ data: a"),
            ("1a\r\ndata: a\n\n\r\n", "data: a"),
            ("42\r\n\r\n", "42"),
            ("data: \u{1b}[31m\u{202e}", "data: \\u{1b}[31m\\u{202e}"),
            ("", ""),
        ] {
            assert_eq!(of(text), expected);
        }
    }
}
