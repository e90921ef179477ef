//! Moves packets between two interfaces, as the two directions of a link say.
//!
//! One thread does nothing else: it reads what has arrived, asks [`Direction`] when it is due, and sleeps until the next
//! packet is due or comes. It sleeps in poll(2) with nanoseconds and without the slack that Linux gives to timers, which
//! is exact to some µs; so nothing is polled in a loop, and an idle link takes no CPU.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::link::Emulation;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};

use super::packet_socket::{ETHERNET_HEADER, PacketSocket};
use super::urgency;
use super::{Counters, Direction};

/// Frames read from one side before the other has its turn.
const TURN: usize = 64;
/// A packet that leaves this much too late counts as late.
const LATE: Duration = Duration::from_micros(500);

/// What a link did, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// From the clients to the server.
    pub up: Counters,
    /// From the server to the clients.
    pub down: Counters,
    /// Packets that left more than 0.5 ms after they were due.
    pub late: u64,
    /// The latest of all packets, µs after it was due.
    pub latest_us: u64,
    /// Packets that an interface did not take.
    pub refused: u64,
    /// Packets that came faster than the emulator read them: the machine lost them, not the link.
    pub missed: u64,
}

/// A link between two interfaces of this network namespace.
#[derive(Debug)]
pub struct Link {
    sides: [PacketSocket; 2],
    /// From the first side to the second, and back.
    directions: [Direction<Vec<u8>>; 2],
    /// Until when everything that came from a side is known.
    known_until: [Duration; 2],
    start: Instant,
    report: Report,
}

impl Link {
    /// Opens both interfaces: that to the clients, and that to the server.
    ///
    /// # Errors
    /// If an interface does not exist or cannot be read: that needs the capability `CAP_NET_RAW` in the namespace.
    pub fn open(interfaces: [&str; 2], link: &Emulation, seed: u64) -> io::Result<Self> {
        let [clients, server] = interfaces;
        let mtu = link.mtu as usize;
        Ok(Self {
            sides: [PacketSocket::open(clients, mtu)?, PacketSocket::open(server, mtu)?],
            // Two seeds: equal ones would lose the answer to each lost packet.
            directions: [Direction::new(link.up(), seed), Direction::new(link.down(), !seed)],
            known_until: [Duration::ZERO; 2],
            start: clock::now(),
            report: Report::default(),
        })
    }

    /// Returns what the link did so far.
    #[must_use]
    pub fn report(&mut self) -> Report {
        self.report.missed += self.sides.iter().map(PacketSocket::missed).sum::<u64>();
        let [up, down] = [self.directions[0].counters(), self.directions[1].counters()];
        Report { up, down, ..self.report }
    }

    /// Lets nothing pass for a time, in both directions. What is on the way arrives.
    pub fn go_out_for(&mut self, time: Duration) {
        let until = self.start.elapsed().saturating_add(time);
        self.directions.iter_mut().for_each(|direction| direction.out_until(until));
    }

    /// Moves packets. Whenever `input` can be read, `on_input` is called, and the link ends when it returns `false`.
    ///
    /// # Errors
    /// If an interface is gone, or `on_input` fails. An interface that is down loses packets, and may come up again.
    pub fn run(
        &mut self,
        input: BorrowedFd<'_>,
        mut on_input: impl FnMut(&mut Self) -> io::Result<bool>,
    ) -> io::Result<()> {
        urgency::raise();
        loop {
            let more = self.read(0) | self.read(1);
            self.send_due(0);
            self.send_due(1);
            if self.sleep(more, input)? && !on_input(self)? {
                return Ok(());
            }
        }
    }

    /// Reads from one side; returns whether there may be more.
    fn read(&mut self, side: usize) -> bool {
        for _ in 0..TURN {
            let now = self.start.elapsed();
            let Some(frame) = self.sides[side].read() else {
                self.known_until[side] = now;
                return false;
            };
            let age = Duration::from_micros(clock::own_unix_us().saturating_sub(frame.at_us));
            let came = came(now, age, self.known_until[side]);
            self.known_until[side] = came;
            self.directions[side].take(came, frame.bytes.len().saturating_sub(ETHERNET_HEADER), frame.bytes);
        }
        true
    }

    /// Sends what is due in one direction.
    fn send_due(&mut self, side: usize) {
        while let Some((due, frame)) = self.directions[side].arrived(self.start.elapsed()) {
            let late = self.start.elapsed().saturating_sub(due);
            self.report.late += u64::from(late > LATE);
            self.report.latest_us = self.report.latest_us.max(clock::micros(late));
            self.report.refused += u64::from(self.sides[1 - side].write(&frame).is_err());
        }
    }

    /// Sleeps until a packet is due or comes; returns whether there is input.
    fn sleep(&self, more: bool, input: BorrowedFd<'_>) -> io::Result<bool> {
        let next = self.directions.iter().filter_map(Direction::next).min();
        let wait = if more { Some(Duration::ZERO) } else { next.map(|next| next.saturating_sub(self.start.elapsed())) };
        let timeout = wait.and_then(|wait| Timespec::try_from(wait).ok());
        let [a, b] = &self.sides;
        let mut watched = [
            PollFd::new(a, PollFlags::IN),
            PollFd::new(b, PollFlags::IN),
            PollFd::from_borrowed_fd(input, PollFlags::IN),
        ];
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for (side, watched) in self.sides.iter().zip(&watched) {
            if watched.revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
                side.recover()?;
            }
        }
        Ok(!watched[2].revents().is_empty())
    }
}

/// Returns when a packet came that is this old by the wall clock. That may be set in between, so a packet never came before
/// those that are known, nor in the future.
fn came(now: Duration, age: Duration, known_until: Duration) -> Duration {
    now.saturating_sub(age).max(known_until.min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_is_set_moves_no_packet_beyond_what_is_known() {
        let ms = Duration::from_millis;
        let found = [ms(0), ms(2), ms(7), Duration::from_secs(3600)].map(|age| came(ms(100), age, ms(95)));
        assert_eq!(found, [ms(100), ms(98), ms(95), ms(95)]);
    }
}
