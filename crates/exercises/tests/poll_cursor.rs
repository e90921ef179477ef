//! Exercise 2: what a poll client keeps between two polls.

use exercise::{Answer, Body, Cursor, Poller};

feedlab_exercises::subject!(poll_cursor, "../yours/poll_cursor.rs");

/// A `200` with these updates, and with a tag that names its position.
fn news(updates: &[u64], next: u64, gap: Option<(u64, u64)>) -> Answer {
    let body = Body { updates: updates.to_vec(), next: at(next), gap, reset: false };
    Answer { status: 200, etag: Some(format!("\"{next}\"")), body: Some(body) }
}

/// A position in the feed that most tests use.
fn at(seq: u64) -> Cursor {
    Cursor { epoch: "k3f9", seq }
}

fn bare(status: u16) -> Answer {
    Answer { status, etag: None, body: None }
}

/// A client that has learned that the feed is at `cursor`.
fn poller_at(cursor: u64) -> Poller {
    let mut poller = Poller::default();
    poller.answered(news(&[], cursor, None));
    poller
}

#[test]
fn the_first_response_says_where_to_start() {
    let mut poller = Poller::default();
    assert_eq!(
        poller.request().after,
        None,
        "a client without a cursor sends none: it asks for what is published from now on"
    );
    poller.answered(news(&[], 41, None));
    assert_eq!(
        poller.request().after,
        Some(at(41)),
        "a response without updates still has a `next`. A client that ignores it asks for \"from now on\" again, and \
         what was published between the two requests is lost without a trace"
    );
}

#[test]
fn the_next_request_asks_for_what_follows() {
    let mut poller = poller_at(41);
    assert_eq!(poller.answered(news(&[42, 43], 43, None)), [42, 43], "new updates are handed over, in order");
    assert_eq!(poller.request().after, Some(at(43)), "`next` is the cursor of the next request");
}

#[test]
fn a_gap_is_counted_and_passed() {
    let mut poller = poller_at(41);
    assert_eq!(
        poller.answered(news(&[90, 91], 91, Some((42, 89)))),
        [90, 91],
        "the updates after a gap are handed over"
    );
    assert_eq!(
        poller.missed(),
        48,
        "42 to 89 are lost: 48 updates, including both ends. A client must report the losses that it learns of"
    );
    assert_eq!(
        poller.request().after,
        Some(at(91)),
        "the cursor moves past the gap; otherwise the same loss is reported forever"
    );
}

#[test]
fn nothing_new_changes_nothing() {
    let mut poller = poller_at(41);
    poller.answered(news(&[], 41, None));
    let before = poller.request();
    assert_eq!(
        before.if_none_match.as_deref(),
        Some("\"41\""),
        "the same URL again: with the tag, the response can be a 304"
    );
    assert!(poller.answered(bare(304)).is_empty());
    assert_eq!(poller.request(), before, "a 304 confirms what the client has: its cursor and its tag");
}

#[test]
fn a_tag_belongs_to_one_url() {
    let mut poller = poller_at(41);
    assert_eq!(poller.request().if_none_match, None, "the tag came for the URL without a cursor, not for ?after=41");
    poller.answered(news(&[42], 42, None));
    assert_eq!(
        poller.request().if_none_match,
        None,
        "the response to ?after=41 has a tag, but the next request is for ?after=42: another URL (RFC 9110, section \
         8.8.3)"
    );
}

#[test]
fn an_error_changes_nothing() {
    let mut poller = poller_at(41);
    poller.answered(news(&[], 41, None));
    let before = poller.request();
    let page = Answer { status: 503, etag: Some("\"an error page\"".to_owned()), body: None };
    for answer in [bare(500), page, bare(200)] {
        let status = answer.status;
        assert!(poller.answered(answer).is_empty());
        assert_eq!(poller.request(), before, "{status} without a body that can be parsed: the same request again");
    }
}

#[test]
fn a_server_that_started_over_is_followed() {
    for position in [3, 950] {
        let mut poller = poller_at(900);
        let next = Cursor { epoch: "p0q2", seq: position };
        let body = Body { updates: vec![position], next, gap: Some((1, position - 1)), reset: true };
        let updates = poller.answered(Answer { status: 200, etag: None, body: Some(body) });
        assert_eq!(updates, [position], "the client has nothing of this feed, whatever its numbers are");
        assert_eq!(poller.request().after, Some(next), "a client that keeps the old epoch gets the same reset forever");
        assert_eq!(poller.missed(), position - 1, "the beginning of this feed, which is gone");
        assert_eq!(
            poller.resets(),
            1,
            "nobody knows what was lost of the old feed, so the reset itself must be counted"
        );
    }
}

#[test]
fn a_stale_response_hands_nothing_over_twice() {
    let mut poller = poller_at(41);
    poller.answered(news(&[42, 43], 43, None));
    assert!(
        poller.answered(news(&[42], 42, None)).is_empty(),
        "`next` is before the cursor and there is no reset: the response is from a cache"
    );
    assert_eq!(
        poller.request().after,
        Some(at(43)),
        "the cursor does not go back; otherwise 43 would be delivered twice"
    );
    let next = Cursor { epoch: "0ld0", seq: 900 };
    let body = Body { updates: vec![900], next, gap: None, reset: false };
    assert!(
        poller.answered(Answer { status: 200, etag: None, body: Some(body) }).is_empty(),
        "another epoch without a reset is stale too: a cache kept it from a feed that has ended. Its number is larger, \
         but cannot be compared"
    );
    assert_eq!((poller.request().after, poller.resets()), (Some(at(43)), 0));
}
