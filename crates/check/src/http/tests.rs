//! Responses in what a connection recorded: what the tests of bodies, codings and problems share.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;
use crate::limits;

mod bodies;
mod codings;
mod problems;

/// Returns what a connection has recorded: chunks, one per millisecond, and how it ended.
fn received<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, end: Option<End>) -> Received {
    let chunks: Vec<_> = (1..).map(Duration::from_millis).zip(chunks.into_iter().map(Bytes::copy_from_slice)).collect();
    let total = chunks.iter().map(|(_, chunk)| chunk.len()).sum();
    let ended = end.map(|end| (Duration::from_millis(chunks.len() as u64 + 1), end));
    Received { chunks, total, ended, ..Received::default() }
}

/// Returns the response in these bytes, on a connection that is open.
fn open(bytes: &[u8]) -> Response {
    parse(&received(bytes.chunks(7), None), "GET")
}

/// Returns the response in these bytes, on a connection that the server ended.
fn ended(bytes: &[u8]) -> Response {
    parse(&received(bytes.chunks(7), Some(End::Fin)), "GET")
}

#[track_caller]
fn check_problem(response: &Response, needle: &str) {
    let problem = response.problem.as_deref().unwrap_or("none");
    assert!(problem.contains(needle), "{problem}");
}

/// Returns the response, whose body is complete and not wrong.
#[track_caller]
fn whole(response: &Response) -> String {
    assert!(response.complete && response.problem.is_none(), "{response:?}");
    response.text()
}

proptest! {
    #[test]
    fn anything_is_read_alike_in_chunks_of_any_size(
        start in "HTTP/1\\.[01] (200|204|101|100|304) (OK)?\r\n|HTTP/2 200\n|SSH\n|",
        fields in "((Content-Length|Transfer-Encoding|Content-Encoding|A)(:| :)( )?(3|chunked|identity|b)?(\r\n|\n)){0,3}",
        rest in "(\r\n|\n|\r|3|0|a|;|abc|HTTP/1.1 200 OK){0,20}",
        size in 1..9_usize,
        end in prop::option::of(Just(End::Fin)),
        method in "GET|HEAD",
    ) {
        let bytes = format!("{start}{fields}{rest}").into_bytes();
        let read = |size: usize| {
            let Response { head, body, complete, problem, upgraded } =
                parse(&received(bytes.chunks(size.max(1)), end.clone()), &method);
            let joined = |pieces: Vec<(Duration, Bytes)>| pieces.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<_>>();
            (head, joined(body), complete, problem, upgraded.map(joined))
        };
        prop_assert_eq!(read(size), read(bytes.len()));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        open(&bytes);
        ended(&[b"HTTP/1.1 200 OK\r\n", &*bytes].concat());
        ended(&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &*bytes].concat());
    }
}
