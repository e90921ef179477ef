//! Decompression: what is flushed, what follows the end, what is broken, and bombs.

use super::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

fn decoded(coding: &Coding, bytes: &[u8]) -> (Vec<u8>, bool) {
    let (mut decoder, mut out) = (Decoder::new(coding, Rest::Ignored), Vec::new());
    let result = decoder.push(bytes, |piece| {
        out.extend_from_slice(piece);
        true
    });
    (out, result.is_err())
}

#[test]
fn what_was_flushed_is_seen_before_the_end() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"data: 1\n\n").unwrap();
    assert_eq!(decoded(&Coding::Gzip, encoder.get_ref()).0, b"");
    encoder.flush().unwrap();
    assert_eq!(decoded(&Coding::Gzip, encoder.get_ref()).0, b"data: 1\n\n");
}

#[test]
fn both_forms_of_deflate_are_read() {
    let (mut zlib, mut raw) =
        (ZlibEncoder::new(Vec::new(), Compression::fast()), DeflateEncoder::new(Vec::new(), Compression::fast()));
    for text in ["data: 1\n\n", "data: 2\n\n"] {
        zlib.write_all(text.as_bytes()).unwrap();
        raw.write_all(text.as_bytes()).unwrap();
    }
    for bytes in [zlib.finish().unwrap(), raw.finish().unwrap()] {
        assert_eq!(decoded(&Coding::Deflate, &bytes).0, b"data: 1\n\ndata: 2\n\n");
    }
}

#[test]
fn a_bomb_comes_out_in_small_pieces_and_can_be_stopped() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..1_000 {
        bomb.write_all(&[0; 1 << 16]).unwrap();
    }
    let (bomb, mut total, mut largest) = (bomb.finish().unwrap(), 0, 0);
    let pushed = Decoder::new(&Coding::Gzip, Rest::Ignored).push(&bomb, |piece| {
        total += piece.len();
        largest = largest.max(piece.len());
        total < 1 << 20
    });
    assert!(pushed.is_ok());
    assert!(total < 2 << 20 && largest <= 1_032 * PIECE_BYTES, "{total} {largest}");
}

#[test]
fn broken_data_fails_and_does_not_panic() {
    assert!(decoded(&Coding::Gzip, b"not gzip at all").1);
    assert!(decoded(&Coding::Other("br".into()), b"x").1);
}

#[test]
fn codings_are_read_from_all_fields() {
    assert_eq!(Coding::of(["GZIP ", " identity"]), Coding::Gzip);
    assert_eq!(Coding::of([]), Coding::Identity);
    assert_eq!(Coding::of(["gzip,br"]), Coding::Other("gzip, br".into()));
    assert_eq!(Coding::of(["gzip", "gzip"]), Coding::Other("gzip, gzip".into()));
}

#[test]
fn what_follows_the_end_is_ignored_or_read() {
    let mut member = GzEncoder::new(Vec::new(), Compression::fast());
    member.write_all(b"a").unwrap();
    let member = member.finish().unwrap();
    for (rest, bytes, expected, is_ok) in [
        (Rest::Ignored, [&member[..], &member].concat(), &b"a"[..], true),
        (Rest::Ignored, [&member[..], b"other"].concat(), b"a", true),
        (Rest::Read, [&member[..], &member].concat(), b"aa", true),
        (Rest::Read, [&member[..], b"other bytes"].concat(), b"a", false),
    ] {
        let (mut decoder, mut out) = (Decoder::new(&Coding::Gzip, rest), Vec::new());
        let pushed = decoder.push(&bytes, |piece| {
            out.extend_from_slice(piece);
            true
        });
        assert_eq!((&*out, pushed.is_ok()), (expected, is_ok), "{rest:?}");
    }
}
