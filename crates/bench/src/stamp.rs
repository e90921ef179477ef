//! The stamp inside each message: `T`, the monotonic time of its publication in ns, `;`. It is text that no encoding changes,
//! so a reader finds it in an event, a frame and a poll's answer alike, without a parser of any of them.

/// The shortest time that is taken for a stamp: 100 s after boot. It tells stamps from a `T12;` in somebody's text.
const MIN_DIGITS: usize = 11;
/// The digits of `u64::MAX`.
const MAX_DIGITS: usize = 20;

/// Returns a message of at least this size that carries a stamp.
#[must_use]
pub fn message(at_ns: u64, size: usize) -> String {
    let stamp = format!("T{at_ns};");
    format!("{stamp:x<size$}")
}

/// Finds the stamps in what one connection receives, however it is cut into reads.
#[derive(Debug, Default)]
pub struct Scanner {
    /// The beginning of a stamp that the last read ended in.
    tail: Vec<u8>,
}

impl Scanner {
    /// Calls `each` with the time in every stamp that ends in these bytes.
    pub fn scan(&mut self, bytes: &[u8], mut each: impl FnMut(u64)) {
        if self.tail.is_empty() {
            let kept = scan(bytes, &mut each);
            self.tail.extend_from_slice(kept);
            return;
        }
        self.tail.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.tail);
        self.tail.extend_from_slice(scan(&all, &mut each));
    }
}

/// Returns what may be the beginning of one more stamp.
fn scan<'a>(mut bytes: &'a [u8], each: &mut impl FnMut(u64)) -> &'a [u8] {
    while let Some(at) = memchr::memchr(b'T', bytes) {
        let text = &bytes[at + 1..];
        let digits = text.iter().take(MAX_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        match text.get(digits) {
            None => return &bytes[at..],
            Some(b';') if digits >= MIN_DIGITS => {
                each(
                    text[..digits]
                        .iter()
                        .fold(0, |sum: u64, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))),
                );
            }
            Some(_) => {}
        }
        bytes = &text[digits..];
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(reads: &[&[u8]]) -> Vec<u64> {
        let (mut scanner, mut found) = (Scanner::default(), Vec::new());
        for read in reads {
            scanner.scan(read, |at| found.push(at));
        }
        found
    }

    #[test]
    fn a_message_has_its_size_and_its_stamp() {
        let message = message(123_456_789_012, 100);
        assert_eq!(message.len(), 100);
        assert_eq!(found(&[message.as_bytes()]), [123_456_789_012]);
    }

    #[test]
    fn a_stamp_is_found_wherever_the_reads_cut_it() {
        let text = b"id: T12;\ndata: T123456789012;xx\n\ndata: T123456789013;xTx\n\n";
        for cut in 0..=text.len() {
            assert_eq!(found(&[&text[..cut], &text[cut..]]), [123_456_789_012, 123_456_789_013], "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(found(&bytes), [123_456_789_012, 123_456_789_013]);
    }

    #[test]
    fn a_number_without_an_end_is_not_kept() {
        let mut scanner = Scanner::default();
        scanner.scan(b"T", |_| unreachable!());
        for _ in 0..100 {
            scanner.scan(b"1234567", |_| unreachable!());
        }
        assert!(scanner.tail.len() <= MAX_DIGITS + 1, "{}", scanner.tail.len());
    }
}
