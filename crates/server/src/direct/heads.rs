//! The heads of the answers, as the HTTP library writes them: its order, its case, its `Date`.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use feedlab_feed::wire::poll;

use crate::limits::MAX_PIECE_BYTES;
use crate::upstream;

/// Room for a head, bytes: the longest has 240.
const HEAD_BYTES: usize = 256;

/// Writes heads.
#[derive(Default)]
pub(super) struct Heads {
    /// The second of the date, since the Unix epoch.
    second: u64,
    date: String,
    is_closing: bool,
}

impl Heads {
    /// Sets the date, and returns whether it is a new one.
    pub(super) fn renew(&mut self, unix_us: u64) -> bool {
        let second = unix_us / 1_000_000;
        let is_new = second != self.second;
        if is_new {
            self.second = second;
            self.date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second));
        }
        is_new
    }

    /// Lets connections end after each answer from now on.
    pub(super) const fn close(&mut self) {
        self.is_closing = true;
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// The head of a body of `len` bytes; only short polls have an entity tag.
    pub(super) fn ok(&self, etag: Option<&str>, len: usize) -> Vec<u8> {
        let body = if len > MAX_PIECE_BYTES { 0 } else { len };
        let mut head = String::with_capacity(HEAD_BYTES + body);
        head.push_str("HTTP/1.1 200 OK\r\ncontent-type: ");
        head.push_str(poll::CONTENT_TYPE);
        head.push_str("\r\n");
        match etag {
            Some(etag) => push_validators(&mut head, etag),
            None => push_cache_control(&mut head, poll::LONG_CACHE_CONTROL),
        }
        self.finish(head, Some(len))
    }

    /// The answer to a publication, with its body.
    pub(super) fn accepted(&self, body: &str) -> Bytes {
        let mut head = String::with_capacity(HEAD_BYTES);
        for part in ["HTTP/1.1 202 Accepted\r\ncontent-type: ", upstream::CONTENT_TYPE, "\r\n"] {
            head.push_str(part);
        }
        let mut answer = self.finish(head, Some(body.len()));
        answer.extend_from_slice(body.as_bytes());
        answer.into()
    }

    /// An answer that has no body, because its client has everything up to the entity tag.
    pub(super) fn not_modified(&self, etag: &str) -> Bytes {
        let mut head = String::with_capacity(HEAD_BYTES);
        head.push_str("HTTP/1.1 304 Not Modified\r\n");
        push_validators(&mut head, etag);
        self.finish(head, None).into()
    }

    /// An answer that has no body, because nothing was published.
    pub(super) fn no_content(&self) -> Bytes {
        let mut head = String::with_capacity(HEAD_BYTES);
        head.push_str("HTTP/1.1 204 No Content\r\n");
        push_cache_control(&mut head, poll::LONG_CACHE_CONTROL);
        self.finish(head, None).into()
    }

    fn finish(&self, mut head: String, len: Option<usize>) -> Vec<u8> {
        head.push_str("x-content-type-options: nosniff\r\n");
        if let Some(len) = len {
            let _ = write!(head, "content-length: {len}\r\n"); // a String accepts everything
        }
        if self.is_closing {
            head.push_str("connection: close\r\n");
        }
        for part in ["date: ", &self.date, "\r\n\r\n"] {
            head.push_str(part);
        }
        head.into_bytes()
    }
}

fn push_validators(head: &mut String, etag: &str) {
    for part in ["etag: ", etag, "\r\n"] {
        head.push_str(part);
    }
    push_cache_control(head, poll::SHORT_CACHE_CONTROL);
}

fn push_cache_control(head: &mut String, value: &str) {
    for part in ["cache-control: ", value, "\r\n"] {
        head.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use feedlab_feed::{Cursor, Epoch};

    use super::*;

    #[test]
    fn the_date_changes_with_the_second() {
        let mut heads = Heads::default();
        assert!(heads.renew(784_111_777_000_000) && !heads.renew(784_111_777_999_999));
        let head = String::from_utf8(heads.no_content().to_vec()).unwrap();
        assert!(head.ends_with("\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"), "{head}"); // RFC 9110, section 5.6.7
        assert!(heads.renew(784_111_778_000_000) && !head.as_bytes().eq(&heads.no_content()));
    }

    #[test]
    fn the_longest_head_has_room() {
        let mut heads = Heads::default();
        heads.renew(784_111_777_000_000);
        heads.close();
        let etag = poll::etag(Cursor::new(Epoch::random(), u64::MAX));
        let head = heads.ok(Some(&etag), usize::MAX);
        assert!(head.len() <= HEAD_BYTES, "{}", head.len());
        assert_eq!(heads.ok(Some(&etag), 1_000).capacity(), HEAD_BYTES + 1_000);
    }
}
