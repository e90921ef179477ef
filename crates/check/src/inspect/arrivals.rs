//! When bytes arrived, and in which clumps: this shows what a buffer in between does to a stream.

use serde::Serialize;

use crate::limits::MAX_RECORDS;

/// Arrivals closer than this are one clump, µs: a server writes an event in a few pieces, and a network splits them.
const CLUMP_GAP_US: u64 = 50_000;
/// Arrivals closer than this are one record, µs.
const RECORD_GAP_US: u64 = 2_000;

/// Bytes that arrived together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arrival {
    /// When, µs after the request.
    pub(super) at_us: u64,
    /// When the last of them did.
    pub(super) last_us: u64,
    /// Bytes of the body as it was sent, and after decompression.
    pub(super) wire: u64,
    pub(super) bytes: u64,
    /// Events that they completed.
    pub(super) events: u64,
    pub(super) comments: u64,
    /// Whether they end inside a line.
    pub(super) inside: bool,
}

impl Arrival {
    fn add(&mut self, next: &Self) {
        self.last_us = next.last_us;
        self.wire += next.wire;
        self.bytes += next.bytes;
        self.events += next.events;
        self.comments += next.comments;
        self.inside = next.inside;
    }
}

/// All arrivals of a body.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals {
    list: Vec<Arrival>,
    /// The longest time without a byte, µs.
    pub(super) longest_silence_us: u64,
    silences: Silences,
    /// The shortest and the longest silence that a comment ended, µs.
    pub(super) before_comments_us: Option<(u64, u64)>,
    last_us: Option<u64>,
}

/// The silence at the end of a body, and the longest one before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silences {
    pub(super) last_us: u64,
    pub(super) before_us: u64,
}

/// A silence that a comment ends is one that it was sent for, µs; a shorter one may be a comment beside an event.
const KEEPALIVE_FROM_US: u64 = 500_000;

impl Arrivals {
    /// Adds bytes that arrived now.
    pub(super) fn push(&mut self, arrival: Arrival, since_us: u64) {
        let silence = arrival.at_us.saturating_sub(self.last_us.unwrap_or(since_us));
        self.longest_silence_us = self.longest_silence_us.max(silence);
        if arrival.comments > 0 && silence >= KEEPALIVE_FROM_US {
            let (least, most) = self.before_comments_us.unwrap_or((silence, silence));
            self.before_comments_us = Some((least.min(silence), most.max(silence)));
        }
        self.last_us = Some(arrival.last_us);
        let is_full = self.list.len() >= MAX_RECORDS;
        match self.list.last_mut() {
            Some(last) if is_full || arrival.at_us.saturating_sub(last.last_us) <= RECORD_GAP_US => last.add(&arrival),
            _ => self.list.push(arrival),
        }
    }

    /// Ends the record: the silence until now counts too.
    pub(super) fn end(&mut self, now_us: u64, since_us: u64) {
        let silence = now_us.saturating_sub(self.last_us.unwrap_or(since_us));
        self.silences = Silences { last_us: silence, before_us: self.longest_silence_us };
        self.longest_silence_us = self.longest_silence_us.max(silence);
    }

    /// How it ended.
    pub(super) const fn silences(&self) -> Silences {
        self.silences
    }

    /// When the last byte came, µs after the request.
    pub(super) const fn last_us(&self) -> Option<u64> {
        self.last_us
    }

    /// Returns the clumps, in order.
    pub(super) fn clumps(&self) -> Vec<Arrival> {
        let mut clumps: Vec<Arrival> = Vec::new();
        for arrival in &self.list {
            match clumps.last_mut() {
                Some(clump) if arrival.at_us.saturating_sub(clump.last_us) <= CLUMP_GAP_US => clump.add(arrival),
                _ => clumps.push(*arrival),
            }
        }
        clumps
    }

    /// Draws the arrivals over a time, µs, which begins this much after the request.
    pub(super) fn row(&self, over_us: u64, from_us: i64) -> String {
        let mut cells = [(0_u64, false); COLUMNS];
        for arrival in &self.list {
            let Some(at_us) = arrival.at_us.checked_add_signed(-from_us) else { continue };
            let cell = u128::from(at_us) * COLUMNS as u128 / u128::from(over_us.max(1));
            let (events, any) = &mut cells[usize::try_from(cell).unwrap_or(COLUMNS).min(COLUMNS - 1)];
            *events += arrival.events;
            *any = true;
        }
        let mark = |(events, any)| match events {
            0 if any => ',',
            0 => '·',
            1 => '▂',
            2..5 => '▄',
            5..20 => '▆',
            _ => '█',
        };
        cells.into_iter().map(mark).collect()
    }
}

/// The width of a picture, characters.
pub const COLUMNS: usize = 60;

/// The arrivals on one connection, drawn: `·` is nothing, `,` bytes without an event, `▂` `▄` `▆` `█` one, 2, 5 and 20
/// events or more.
#[derive(Clone, Debug, Serialize)]
pub struct Picture {
    /// Which connection.
    pub of: String,
    /// The row.
    pub row: String,
    /// What a character stands for, µs.
    pub column_us: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(list: &[(u64, u64)]) -> Arrivals {
        let mut arrivals = Arrivals::default();
        for &(at_us, events) in list {
            arrivals.push(Arrival { at_us, last_us: at_us, bytes: 10, events, ..Arrival::default() }, 0);
        }
        arrivals
    }

    #[test]
    fn clumps_are_separated_by_silence() {
        let arrivals = arrivals(&[(0, 1), (20_000, 1), (1_000_000, 2), (1_001_000, 1)]);
        let clumps: Vec<_> = arrivals.clumps().iter().map(|clump| (clump.at_us, clump.events, clump.bytes)).collect();
        assert_eq!(clumps, [(0, 2, 20), (1_000_000, 3, 20)]);
        assert_eq!(arrivals.longest_silence_us, 980_000);
    }

    #[test]
    fn a_row_is_as_wide_as_it_says() {
        let row = arrivals(&[(0, 0), (500_000, 1), (999_999, 30)]).row(1_000_000, 0);
        assert_eq!((row.chars().count(), row.chars().next(), row.chars().last()), (COLUMNS, Some(','), Some('█')));
        assert_eq!(row.chars().nth(COLUMNS / 2), Some('▂'));
    }

    #[test]
    fn records_are_bounded_and_nothing_is_lost() {
        let list: Vec<_> = (0..20_000).map(|n| (n * 100_000, 1)).collect();
        let arrivals = arrivals(&list);
        assert_eq!(arrivals.list.len(), MAX_RECORDS);
        assert_eq!(arrivals.clumps().iter().map(|clump| clump.events).sum::<u64>(), 20_000);
    }
}
