//! Exercise 2: what a poll client keeps between two polls.

use exercise::{Answer, Body, Cursor, Poller};

feedlab_exercises::subject!(poll_cursor, "../yours/poll_cursor.rs");

/// A `200` with these updates, and with a tag that names the place it was given for.
fn news(updates: &[u64], next: u64, gap: Option<(u64, u64)>) -> Answer {
    let body = Body { updates: updates.to_vec(), next: at(next), gap, reset: false };
    Answer { status: 200, etag: Some(format!("\"{next}\"")), body: Some(body) }
}

/// A place in the feed that most tests are about.
fn at(seq: u64) -> Cursor {
    Cursor { epoch: "k3f9", seq }
}

fn bare(status: u16) -> Answer {
    Answer { status, etag: None, body: None }
}

/// A client that has been told that the feed stands at `cursor`.
fn poller_at(cursor: u64) -> Poller {
    let mut poller = Poller::default();
    poller.answered(news(&[], cursor, None));
    poller
}

#[test]
fn the_first_answer_tells_where_to_begin() {
    let mut poller = Poller::default();
    assert_eq!(poller.request().after, None, "a client that has nothing asks without a cursor: from now on");
    poller.answered(news(&[], 41, None));
    assert_eq!(
        poller.request().after,
        Some(at(41)),
        "an answer without updates has a `next` all the same. Who forgets it asks \"from now on\" again, and what was \
         published between the two requests is lost without a trace"
    );
}

#[test]
fn the_next_request_asks_after_what_was_got() {
    let mut poller = poller_at(41);
    assert_eq!(poller.answered(news(&[42, 43], 43, None)), [42, 43], "new updates are handed over, in order");
    assert_eq!(poller.request().after, Some(at(43)), "`next` is the cursor of the next request");
}

#[test]
fn a_gap_is_counted_and_passed() {
    let mut poller = poller_at(41);
    assert_eq!(poller.answered(news(&[90, 91], 91, Some((42, 89)))), [90, 91], "what follows a gap is handed over");
    assert_eq!(
        poller.missed(),
        48,
        "42 to 89 are lost: 48 updates, both ends included. A client that is told has to tell"
    );
    assert_eq!(poller.request().after, Some(at(91)), "the cursor goes past the gap, or the same loss is told for ever");
}

#[test]
fn nothing_new_changes_nothing() {
    let mut poller = poller_at(41);
    poller.answered(news(&[], 41, None));
    let before = poller.request();
    assert_eq!(
        before.if_none_match.as_deref(),
        Some("\"41\""),
        "the same address again: the tag makes the answer a 304"
    );
    assert!(poller.answered(bare(304)).is_empty());
    assert_eq!(poller.request(), before, "a 304 says that what the client has holds: its cursor, and its tag");
}

#[test]
fn a_tag_belongs_to_one_address() {
    let mut poller = poller_at(41);
    assert_eq!(
        poller.request().if_none_match,
        None,
        "the tag came for the address without a cursor, not for ?after=41"
    );
    poller.answered(news(&[42], 42, None));
    assert_eq!(
        poller.request().if_none_match,
        None,
        "the answer to ?after=41 has a tag, but the next request asks ?after=42: another address (RFC 9110, section 8.8.3)"
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
        assert_eq!(poller.request(), before, "{status} without a body that can be read: the same question once more");
    }
}

#[test]
fn a_server_that_began_anew_is_followed() {
    for stands_at in [3, 950] {
        let mut poller = poller_at(900);
        let next = Cursor { epoch: "p0q2", seq: stands_at };
        let body = Body { updates: vec![stands_at], next, gap: Some((1, stands_at - 1)), reset: true };
        let updates = poller.answered(Answer { status: 200, etag: None, body: Some(body) });
        assert_eq!(updates, [stands_at], "the client has nothing of this feed, whatever its numbers are");
        assert_eq!(poller.request().after, Some(next), "who insists on the old epoch is told the same for ever");
        assert_eq!(poller.missed(), stands_at - 1, "the beginning of this feed, which is gone");
        assert_eq!(poller.resets(), 1, "what was lost of the old feed nobody knows: that it is so has to be told");
    }
}

#[test]
fn an_old_answer_hands_nothing_over_twice() {
    let mut poller = poller_at(41);
    poller.answered(news(&[42, 43], 43, None));
    assert!(
        poller.answered(news(&[42], 42, None)).is_empty(),
        "`next` is before the cursor and there is no reset: a cache has answered with what it had"
    );
    assert_eq!(poller.request().after, Some(at(43)), "and the cursor does not go back, or 43 would come a second time");
    let next = Cursor { epoch: "0ld0", seq: 900 };
    let body = Body { updates: vec![900], next, gap: None, reset: false };
    assert!(
        poller.answered(Answer { status: 200, etag: None, body: Some(body) }).is_empty(),
        "nor is another epoch of use without a reset: a cache had it from a feed that is over. Its number is larger, and \
         means nothing"
    );
    assert_eq!((poller.request().after, poller.resets()), (Some(at(43)), 0));
}
