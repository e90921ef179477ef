//! One direction of a link: what happens to each packet, and when it arrives.
//!
//! With a first-in-first-out queue, all of it is known as soon as a packet comes: when it will be sent follows from the
//! packets before it. So nothing is moved from a queue to a line; packets wait once, until they are due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use feedlab_feed::link::{MAX_PACKETS, MAX_QUEUE_BYTES, Path, Queue};

use super::loss::Losses;
use super::rate::sent_at;
use crate::rng::Rng;

/// The most packets on the way in one direction: those that wait, and those on the line. That is a second of a link with
/// 1 Gbit/s.
pub(super) const MAX_ON_THE_WAY: usize = 100_000;
/// The most bytes on the way in one direction: as many as the longest queue.
pub(super) const MAX_BYTES_ON_THE_WAY: usize = MAX_QUEUE_BYTES;

/// What happened to a packet that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It will arrive, at this time from the start of the link.
    Arrives(Duration),
    /// It was lost on the line.
    Lost,
    /// The queue was full, or too much on the way.
    Dropped,
    /// Nothing passed at this time.
    Outage,
}

/// How many packets met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counters {
    /// Packets that came.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets lost on the line.
    pub lost: u64,
    /// Packets dropped by the full queue, or because more were on the way than an emulator holds.
    pub dropped: u64,
    /// Packets dropped by an outage.
    pub in_outage: u64,
    /// Packets that arrived after one that came later.
    pub reordered: u64,
}

/// A packet on its way.
#[derive(Debug)]
struct Due<P> {
    at: Duration,
    /// Tells apart packets that are due at the same time, and keeps their order.
    number: u64,
    bytes: usize,
    packet: P,
}

impl<P> PartialEq for Due<P> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<P> Eq for Due<P> {}

impl<P> PartialOrd for Due<P> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<P> Ord for Due<P> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// One direction of a link. All times count from the start of the link.
#[derive(Debug)]
pub struct Direction<P> {
    path: Path,
    losses: Losses,
    rng: Rng,
    /// When each packet that is waiting will have been sent, and its bytes: the queue, as far as it matters.
    waiting: VecDeque<(Duration, usize)>,
    waiting_bytes: usize,
    /// When the last packet will have been sent.
    free_at: Duration,
    /// When the last packet will arrive.
    last_arrival: Duration,
    on_the_way: BinaryHeap<Reverse<Due<P>>>,
    bytes_on_the_way: usize,
    /// Until when nothing passes.
    out_until: Duration,
    counters: Counters,
}

impl<P> Direction<P> {
    /// Creates an empty direction. The same seed has the same losses and jitter.
    #[must_use]
    pub fn new(path: Path, seed: u64) -> Self {
        Self {
            losses: Losses::new(path.loss),
            path,
            rng: Rng::new(seed),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            free_at: Duration::ZERO,
            last_arrival: Duration::ZERO,
            on_the_way: BinaryHeap::new(),
            bytes_on_the_way: 0,
            out_until: Duration::ZERO,
            counters: Counters::default(),
        }
    }

    /// Takes a packet of this many bytes, without the header of the link, and decides what happens to it.
    pub fn take(&mut self, now: Duration, bytes: usize, packet: P) -> Fate {
        self.counters.packets += 1;
        self.counters.bytes += bytes as u64;
        if now < self.out_until {
            self.counters.in_outage += 1;
            return Fate::Outage;
        }
        let Some(sent) = self.send(now, bytes) else {
            self.counters.dropped += 1;
            return Fate::Dropped;
        };
        // The draw for jitter comes first, so that the same packets are late whatever is lost.
        let jitter = self.rng.up_to(self.path.jitter);
        if self.losses.loses(&mut self.rng) {
            self.counters.lost += 1;
            return Fate::Lost;
        }
        let at = self.arrival(sent + self.path.delay + jitter);
        self.on_the_way.push(Reverse(Due { at, number: self.counters.packets, bytes, packet }));
        self.bytes_on_the_way += bytes;
        Fate::Arrives(at)
    }

    /// Lets nothing pass until a time. What is on the way arrives.
    pub fn out_until(&mut self, until: Duration) {
        self.out_until = self.out_until.max(until);
    }

    /// Returns when the next packet arrives.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        self.on_the_way.peek().map(|Reverse(due)| due.at)
    }

    /// Returns the next packet that has arrived by now, and when it was due.
    pub fn arrived(&mut self, now: Duration) -> Option<(Duration, P)> {
        if self.next()? > now {
            return None;
        }
        let Reverse(due) = self.on_the_way.pop()?;
        self.bytes_on_the_way -= due.bytes;
        Some((due.at, due.packet))
    }

    /// Returns what happened so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Queues a packet; returns when it will have been sent, or `None` if the queue is full.
    fn send(&mut self, now: Duration, bytes: usize) -> Option<Duration> {
        // Without a rate nothing waits, but what is on the way takes memory too.
        if self.on_the_way.len() >= MAX_ON_THE_WAY || self.bytes_on_the_way + bytes > MAX_BYTES_ON_THE_WAY {
            return None;
        }
        let Some(rate) = &self.path.rate else { return Some(now) };
        while self.waiting.front().is_some_and(|(sent, _)| *sent <= now) {
            self.waiting_bytes -= self.waiting.pop_front().map_or(0, |(_, bytes)| bytes);
        }
        let start = self.free_at.max(now);
        // The packet that is being sent is not in the queue any more.
        let queued = self.waiting.len().saturating_sub(1);
        let queued_bytes = self.waiting_bytes - self.waiting.front().map_or(0, |(_, bytes)| *bytes);
        let is_full = match self.path.queue {
            Queue::Packets(most) => !self.waiting.is_empty() && queued >= most.min(MAX_PACKETS),
            Queue::Bytes(most) => !self.waiting.is_empty() && queued_bytes + bytes > most,
            Queue::Time(most) => start - now > most,
        };
        if is_full || self.waiting.len() >= MAX_PACKETS {
            return None;
        }
        self.free_at = sent_at(rate, start, bytes);
        self.waiting.push_back((self.free_at, bytes));
        self.waiting_bytes += bytes;
        Some(self.free_at)
    }

    fn arrival(&mut self, at: Duration) -> Duration {
        if at < self.last_arrival {
            if !self.path.reorder {
                return self.last_arrival;
            }
            self.counters.reordered += 1;
        }
        self.last_arrival = self.last_arrival.max(at);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Loss, Rate};
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A packet of 1,500 bytes takes a millisecond.
    fn slow(queue: Queue) -> Direction<u32> {
        let path = Path { delay: 20 * MS, rate: Some(Rate::Constant(12_000_000)), queue, ..Path::default() };
        Direction::new(path, 1)
    }

    /// Returns the fates of packets that come at the same time.
    fn fates(mut link: Direction<u32>, count: u32) -> Vec<Fate> {
        (0..count).map(|number| link.take(Duration::ZERO, 1500, number)).collect()
    }

    #[test]
    fn packets_that_come_at_once_are_sent_one_after_the_other() {
        let at = |ms: u32| Fate::Arrives(ms * MS);
        assert_eq!(fates(slow(Queue::default()), 3), [at(21), at(22), at(23)]);
    }

    #[test]
    fn a_full_queue_drops_what_comes_last() {
        // One is being sent, and the queue has two, in each unit.
        let expected = [Fate::Arrives(21 * MS), Fate::Arrives(22 * MS), Fate::Arrives(23 * MS), Fate::Dropped];
        for queue in [Queue::Packets(2), Queue::Bytes(3000), Queue::Time(2 * MS)] {
            assert_eq!(fates(slow(queue), 4), expected, "{queue:?}");
        }
        let mut link = slow(Queue::Packets(1));
        let later = [0, 0, 0, 1, 1, 5].map(|ms| matches!(link.take(ms * MS, 1500, 0), Fate::Arrives(_)));
        assert_eq!(later, [true, true, false, true, false, true]);
        assert_eq!((link.counters().packets, link.counters().dropped, link.counters().bytes), (6, 2, 9000));
    }

    #[test]
    fn packets_arrive_in_order_when_they_are_due() {
        let path = Path { delay: 10 * MS, jitter: 5 * MS, ..Path::default() };
        let mut link = Direction::new(path.clone(), 7);
        for number in 0..1000 {
            link.take(number * MS / 10, 100, number);
        }
        let mut seen = Vec::new();
        for ms in 0..200 {
            while let Some((due, number)) = link.arrived(ms * MS) {
                let delay = due - number * MS / 10;
                assert!(due <= ms * MS && delay >= 10 * MS && delay <= 15 * MS, "{number}: {delay:?}");
                seen.push(number);
            }
        }
        assert_eq!(seen, (0..1000).collect::<Vec<_>>());
        assert_eq!((link.counters().reordered, link.next()), (0, None));

        let mut link = Direction::new(Path { reorder: true, ..path }, 7);
        (0..1000).for_each(|number| {
            link.take(number * MS / 10, 100, number);
        });
        let mut order = Vec::new();
        while let Some((_, number)) = link.arrived(MS * 200) {
            order.push(number);
        }
        assert!(link.counters().reordered > 100 && !order.is_sorted());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>(), "each once");
    }

    #[test]
    fn an_outage_drops_what_comes_and_not_what_is_on_the_way() {
        let mut link = Direction::new(Path { delay: 20 * MS, ..Path::default() }, 1);
        let before = link.take(9 * MS, 100, 9);
        link.out_until(15 * MS);
        let [during, late, after] = [10, 14, 15].map(|ms| link.take(ms * MS, 100, ms));
        let found = [before, during, late, after];
        assert_eq!(found, [Fate::Arrives(29 * MS), Fate::Outage, Fate::Outage, Fate::Arrives(35 * MS)]);
        assert_eq!(link.counters().in_outage, 2);
    }

    #[test]
    fn a_lost_packet_has_taken_its_time_on_the_line() {
        let path = Path { rate: Some(Rate::Constant(12_000_000)), loss: Loss::Independent(1.0), ..Path::default() };
        let mut link = Direction::new(path, 1);
        assert_eq!([link.take(Duration::ZERO, 1500, 0), link.take(Duration::ZERO, 1500, 1)], [Fate::Lost, Fate::Lost]);
        assert_eq!((link.counters().lost, link.free_at), (2, 2 * MS));
    }

    #[test]
    fn the_memory_of_a_link_is_bounded() {
        // Small packets and large ones, which nothing holds back.
        for (bytes, most) in [(100, MAX_ON_THE_WAY), (65_000, MAX_BYTES_ON_THE_WAY / 65_000)] {
            let mut link = Direction::new(Path { delay: 1000 * MS, ..Path::default() }, 1);
            let most = u32::try_from(most).unwrap();
            let fates: Vec<Fate> = (0..=most).map(|number| link.take(Duration::ZERO, bytes, number)).collect();
            assert!(fates[..most as usize].iter().all(|fate| *fate == Fate::Arrives(1000 * MS)), "{bytes}");
            assert_eq!((fates[most as usize], link.counters().dropped), (Fate::Dropped, 1), "{bytes}");
            // What has arrived makes room.
            assert!(link.arrived(1000 * MS).is_some());
            assert_eq!(link.take(1000 * MS, bytes, 0), Fate::Arrives(2000 * MS), "{bytes}");
        }
    }
}
