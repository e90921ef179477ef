//! Exercise 7: a queue between a feed and a slow client.

use exercise::{Message, Offer, Policy, Queue};

feedlab_exercises::subject!(bounded_queue, "../yours/bounded_queue.rs");

const POLICIES: [Policy; 3] = [Policy::Block, Policy::Latest, Policy::Disconnect];

/// A queue to which these updates were offered, whatever the result.
fn queue(policy: Policy, bound: usize, updates: std::ops::RangeInclusive<u64>) -> Queue {
    let mut queue = Queue::new(policy, bound);
    for update in updates {
        queue.offer(update);
    }
    queue
}

fn drain(queue: &mut Queue) -> Vec<Message> {
    std::iter::from_fn(|| queue.take()).collect()
}

#[test]
fn a_client_that_keeps_up_notices_nothing() {
    for policy in POLICIES {
        let mut queue = Queue::new(policy, 3);
        for update in 1..=1_000 {
            assert_eq!(queue.offer(update), Offer::Taken, "{policy:?}: the queue was empty before update {update}");
            assert_eq!(
                queue.take(),
                Some(Message::Update(update)),
                "{policy:?}: the update that was offered comes out"
            );
        }
        assert_eq!(queue.take(), None, "{policy:?}: nothing is left");
    }
}

#[test]
fn the_bound_holds_whatever_the_client_does() {
    for policy in POLICIES {
        let mut queue = Queue::new(policy, 8);
        for update in 1..=10_000 {
            queue.offer(update);
            assert!(
                queue.len() <= 8,
                "{policy:?}: {} updates are queued for a client that never reads; the bound is 8. A hundred such \
                 clients are how a server runs out of memory",
                queue.len()
            );
        }
    }
}

#[test]
fn block_makes_the_feed_wait() {
    let mut queue = queue(Policy::Block, 2, 1..=2);
    assert_eq!(queue.offer(3), Offer::Full, "two updates are queued and the bound is two");
    assert_eq!(queue.take(), Some(Message::Update(1)), "an offer that was not accepted changes nothing");
    assert_eq!(queue.offer(3), Offer::Taken, "there is room for one update again");
    assert_eq!(drain(&mut queue), [Message::Update(2), Message::Update(3)], "no update is lost or repeated");
}

#[test]
fn latest_keeps_the_newest_and_reports_the_gap() {
    let mut queue = queue(Policy::Latest, 2, 1..=3);
    assert_eq!(
        drain(&mut queue),
        [Message::Gap(1, 2), Message::Update(3)],
        "update 3 found the queue full: 1 and 2 are dropped for it, and the client gets the gap before it gets 3"
    );
    assert_eq!(queue.offer(4), Offer::Taken);
    assert_eq!(drain(&mut queue), [Message::Update(4)], "a gap is reported once");
}

#[test]
fn adjacent_gaps_are_merged() {
    let mut queue = queue(Policy::Latest, 2, 1..=1_001);
    assert_eq!(
        drain(&mut queue),
        [Message::Gap(1, 1_000), Message::Update(1_001)],
        "the client read nothing meanwhile: one gap, from the first dropped update to the last"
    );
}

#[test]
fn latest_accounts_for_every_update() {
    for (bound, every) in [(1, 2), (2, 3), (3, 7), (8, 9)] {
        let mut queue = Queue::new(Policy::Latest, bound);
        let mut messages = Vec::new();
        for update in 1..=500 {
            queue.offer(update);
            if update % every == 0 {
                messages.extend(queue.take());
            }
        }
        messages.extend(drain(&mut queue));
        let expand = |message| match message {
            Message::Update(update) => update..=update,
            Message::Gap(first, last) => first..=last,
        };
        let seen: Vec<u64> = messages.into_iter().flat_map(expand).collect();
        assert_eq!(
            seen,
            (1..=500).collect::<Vec<_>>(),
            "each update is handed over or reported as lost, once and in order (bound {bound}, the client reads after \
             every {every} updates)"
        );
    }
}

#[test]
fn disconnect_drops_the_client_and_frees_its_memory() {
    let mut queue = queue(Policy::Disconnect, 2, 1..=2);
    assert_eq!(queue.offer(3), Offer::Gone, "the queue is full: this client is too slow");
    assert!(queue.is_empty(), "its unread updates are not kept");
    assert_eq!(
        queue.offer(4),
        Offer::Gone,
        "it stays disconnected: a client that lost 3 must reconnect with its cursor"
    );
    assert_eq!(queue.take(), None, "otherwise it would get 4 after 2 without noticing");
}
