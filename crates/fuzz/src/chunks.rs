//! Splits an input into chunks as a network could, for the targets whose bytes arrive over a connection.

/// The most lengths that an input can name.
const MAX_LENGTHS: usize = 7;

/// Splits an input: its first byte is how many lengths follow, and the rest is cut into chunks of these lengths, again
/// and again. A length of 0 is an empty chunk.
pub(crate) fn of(input: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let (count, rest) = input.split_first().map_or((0, input), |(first, rest)| (usize::from(*first), rest));
    let (lengths, bytes) = rest.split_at((count % (MAX_LENGTHS + 1)).min(rest.len()));
    (bytes, cut(bytes, lengths))
}

fn cut<'a>(mut bytes: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    if lengths.iter().all(|length| *length == 0) {
        return vec![bytes];
    }
    let mut chunks = Vec::new();
    for length in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (chunk, rest) = bytes.split_at(usize::from(*length).min(bytes.len()));
        chunks.push(chunk);
        bytes = rest;
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunks_are_the_bytes_in_order() {
        let (bytes, chunks) = of(b"\x03\x02\x00\x01abcdefg");
        assert_eq!((bytes, chunks), (&b"abcdefg"[..], vec![&b"ab"[..], b"", b"c", b"de", b"", b"f", b"g"]));
        for whole in [&b""[..], b"\x00abc", b"\x02\x00\x00abc", b"\x07\x01"] {
            let (bytes, chunks) = of(whole);
            assert_eq!(chunks.concat(), bytes, "{whole:?}");
        }
    }
}
