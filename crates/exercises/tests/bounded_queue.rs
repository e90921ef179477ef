//! Exercise 7: a queue between a feed and a slow client.

use exercise::{Message, Offer, Policy, Queue};

feedlab_exercises::subject!(bounded_queue, "../yours/bounded_queue.rs");

const POLICIES: [Policy; 3] = [Policy::Block, Policy::Latest, Policy::Disconnect];

/// A queue to which these updates were offered, whatever became of them.
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
            assert_eq!(queue.take(), Some(Message::Update(update)), "{policy:?}: what goes in comes out");
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
                "{policy:?}: {} updates are queued for a client that never reads; the bound is 8. A hundred such clients \
                 are how a server runs out of memory",
                queue.len()
            );
        }
    }
}

#[test]
fn block_has_the_feed_wait() {
    let mut queue = queue(Policy::Block, 2, 1..=2);
    assert_eq!(queue.offer(3), Offer::Full, "two are queued and the bound is two");
    assert_eq!(queue.take(), Some(Message::Update(1)), "an offer that was not taken has changed nothing");
    assert_eq!(queue.offer(3), Offer::Taken, "there is room for one again");
    assert_eq!(drain(&mut queue), [Message::Update(2), Message::Update(3)], "nothing is lost and nothing comes twice");
}

#[test]
fn latest_keeps_the_newest_and_tells_the_gap() {
    let mut queue = queue(Policy::Latest, 2, 1..=3);
    assert_eq!(
        drain(&mut queue),
        [Message::Gap(1, 2), Message::Update(3)],
        "update 3 found the queue full: 1 and 2 give way to it, and the client is told so before it gets 3"
    );
    assert_eq!(queue.offer(4), Offer::Taken);
    assert_eq!(drain(&mut queue), [Message::Update(4)], "a gap is told once");
}

#[test]
fn gaps_that_meet_are_one() {
    let mut queue = queue(Policy::Latest, 2, 1..=1_001);
    assert_eq!(
        drain(&mut queue),
        [Message::Gap(1, 1_000), Message::Update(1_001)],
        "the client read nothing all the while: one gap, from the first that was dropped to the last"
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
            "each update is handed over or told as lost, once and in order; bound {bound}, the client reads after every {every}"
        );
    }
}

#[test]
fn disconnect_gives_the_client_up_and_its_memory_back() {
    let mut queue = queue(Policy::Disconnect, 2, 1..=2);
    assert_eq!(queue.offer(3), Offer::Gone, "the queue is full: this client is too slow");
    assert!(queue.is_empty(), "what it did not read is not kept for it");
    assert_eq!(queue.offer(4), Offer::Gone, "gone is gone: a client that has lost 3 must come back with its cursor");
    assert_eq!(queue.take(), None, "or it would get 4 after 2, and not know");
}
