//! A client's last outage: from the loss of its connection to the next update.
//!
//! Pure: its times come from outside, all in µs of Unix time. Each client keeps one, so it is small.

/// The last outage of one client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outage {
    /// When the connection was lost; 0 before the first loss.
    lost_us: u64,
    /// When a connection served the feed again; 0 while there is none.
    back_us: u64,
    /// Whether no update has arrived since the loss.
    is_open: bool,
    /// Since when there has been no connection; 0 while there is one.
    down_us: u64,
}

impl Outage {
    /// Records the loss of a connection. A second loss before any update extends the same outage.
    pub(crate) const fn lost(&mut self, now_us: u64) {
        if !self.is_open {
            *self = Self { lost_us: now_us, back_us: 0, is_open: true, down_us: self.down_us };
        }
        self.back_us = 0;
        if self.down_us == 0 {
            self.down_us = now_us;
        }
    }

    /// Records that a connection serves the feed again. If there was none, returns since when.
    pub(crate) const fn back(&mut self, now_us: u64) -> Option<u64> {
        if self.is_open && self.back_us == 0 {
            self.back_us = now_us;
        }
        match std::mem::replace(&mut self.down_us, 0) {
            0 => None,
            down_us => Some(down_us),
        }
    }

    /// Records an update. If it ends the outage, returns when the outage started.
    pub(crate) const fn end(&mut self, now_us: u64) -> Option<u64> {
        if !self.is_open {
            return None;
        }
        let _ = self.back(now_us);
        self.is_open = false;
        Some(self.lost_us)
    }

    /// Whether a time is between the loss and the new connection.
    pub(crate) const fn covers(&self, at_us: u64) -> bool {
        self.lost_us != 0 && self.lost_us <= at_us && at_us < self.back_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_from_the_first_loss_to_the_next_update() {
        let mut outage = Outage::default();
        assert_eq!(outage.end(5), None, "nothing was lost");
        outage.lost(10);
        outage.lost(20);
        let _ = outage.back(30);
        assert_eq!(outage.end(40), Some(10));
        assert_eq!(outage.end(50), None);
        outage.lost(60);
        assert_eq!(outage.end(70), Some(60));
    }

    #[test]
    fn it_covers_what_was_due_without_a_connection() {
        let mut outage = Outage::default();
        assert!(!outage.covers(0), "nothing was lost");
        outage.lost(10);
        assert_eq!(outage.back(20), Some(10));
        outage.lost(30);
        assert_eq!([40, 50].map(|now| outage.back(now)), [Some(30), None]);
        outage.end(60);
        assert_eq!([9, 10, 35, 39, 40, 55].map(|at| outage.covers(at)), [false, true, true, true, false, false]);
    }

    #[test]
    fn m2_a_connection_is_back_whether_or_not_an_update_comes() {
        let mut outage = Outage::default();
        assert_eq!(outage.back(5), None, "nothing was lost");
        outage.lost(10);
        outage.lost(15);
        assert_eq!(outage.back(40), Some(10));
        assert_eq!(outage.end(9_000), Some(10), "the next update is another question");
        assert_eq!(outage.back(9_001), None);
    }

    #[test]
    fn without_a_new_connection_the_update_itself_ends_it() {
        let mut outage = Outage::default();
        outage.lost(10);
        outage.end(20);
        assert!(outage.covers(19) && !outage.covers(20));
    }
}
