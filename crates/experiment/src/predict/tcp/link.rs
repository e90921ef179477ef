//! The link between the hosts: in each direction a queue, a rate, losses and a delay, in this order.

use feedlab_feed::link::{Emulation, Queue, Rate};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// One direction of a link. Times are in s from the start.
#[derive(Debug)]
pub(in crate::predict) struct Link {
    delay: f64,
    loss: f64,
    /// Bytes per second.
    rate: Option<f64>,
    queue: Queue,
    /// When each packet that waits has been sent, and its bytes.
    waiting: std::collections::VecDeque<(f64, f64)>,
    /// When the last packet has been sent.
    free: f64,
    rng: ChaCha8Rng,
}

impl Link {
    /// Returns both directions of a link: from the clients to the server, and back. `None` if it does more than this
    /// simulation knows: bursts of losses, jitter, a recorded rate.
    pub(in crate::predict) fn both(emulation: &Emulation, seed: u64) -> Option<[Self; 2]> {
        if emulation.loss_burst.is_some() || !emulation.jitter.is_zero() {
            return None;
        }
        let [up, down] = [emulation.up(), emulation.down()];
        let direction = |path: &feedlab_feed::link::Path, seed| {
            let rate = match &path.rate {
                None => None,
                Some(Rate::Constant(bits)) => Some(*bits as f64 / 8.0),
                Some(Rate::Trace(_)) => return None,
            };
            Some(Self {
                delay: path.delay.as_secs_f64(),
                loss: path.loss.share(),
                rate,
                queue: path.queue,
                waiting: std::collections::VecDeque::new(),
                free: 0.0,
                rng: ChaCha8Rng::seed_from_u64(seed),
            })
        };
        Some([direction(&up, seed)?, direction(&down, !seed)?])
    }

    /// Returns when a packet that is sent now arrives; `None` if it does not.
    pub(super) fn pass(&mut self, now: f64, bytes: f64) -> Option<f64> {
        let sent = match self.rate {
            None => now,
            Some(rate) => self.wait(now, bytes, rate)?,
        };
        let is_lost = self.loss > 0.0 && self.rng.random::<f64>() < self.loss;
        (!is_lost).then_some(sent + self.delay)
    }

    /// Returns when a packet has been sent; `None` if the queue is full.
    fn wait(&mut self, now: f64, bytes: f64, rate: f64) -> Option<f64> {
        while self.waiting.front().is_some_and(|(sent, _)| *sent <= now) {
            self.waiting.pop_front();
        }
        let start = self.free.max(now);
        let is_full = match self.queue {
            // The first one that waits is being sent.
            Queue::Packets(most) => self.waiting.len() > most,
            Queue::Bytes(most) => {
                self.waiting.iter().skip(1).map(|(_, bytes)| bytes).sum::<f64>() + bytes > most as f64
            }
            Queue::Time(most) => start - now > most.as_secs_f64(),
        };
        if is_full && start > now {
            return None;
        }
        self.free = start + bytes / rate;
        self.waiting.push_back((self.free, bytes));
        Some(self.free)
    }
}
