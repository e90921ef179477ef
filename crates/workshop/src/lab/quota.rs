//! How many labs each other machine has opened in the last minute.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use feedlab_feed::clock;
use feedlab_server::Rejection;

use crate::limits::{MAX_LAB_MACHINES, MAX_LAB_OPENS_PER_MINUTE};

const MINUTE: Duration = Duration::from_secs(60);

/// The labs that each machine has opened in its current minute.
#[derive(Debug, Default)]
pub(super) struct Quota(BTreeMap<IpAddr, Opened>);

#[derive(Debug)]
struct Opened {
    since: Instant,
    count: u32,
}

impl Quota {
    /// Counts a lab that a machine wants to open, or refuses it. This machine itself is not counted.
    pub(super) fn take(&mut self, machine: IpAddr) -> Result<(), Rejection> {
        self.take_at(machine, clock::now())
    }

    fn take_at(&mut self, machine: IpAddr, now: Instant) -> Result<(), Rejection> {
        if machine.is_loopback() {
            return Ok(());
        }
        self.0.retain(|_, opened| now.duration_since(opened.since) < MINUTE);
        if self.0.len() >= MAX_LAB_MACHINES && !self.0.contains_key(&machine) {
            return Err(Rejection::unavailable("too many machines opened a lab in this minute; try again in a minute"));
        }
        let opened = self.0.entry(machine).or_insert(Opened { since: now, count: 0 });
        opened.count = opened.count.saturating_add(1);
        if opened.count > MAX_LAB_OPENS_PER_MINUTE {
            let why =
                format!("this machine opened {MAX_LAB_OPENS_PER_MINUTE} labs in a minute; wait a minute, and reload");
            return Err(Rejection::new(StatusCode::TOO_MANY_REQUESTS, why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_the_labs_that_a_machine_opens_in_a_minute_are_limited_and_others_are_not_affected() {
        let (mut quota, now) = (Quota::default(), clock::now());
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse::<IpAddr>().unwrap());
        for _ in 0..MAX_LAB_OPENS_PER_MINUTE {
            quota.take_at(one, now).unwrap();
        }
        assert_eq!(quota.take_at(one, now).unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
        quota.take_at(other, now).unwrap();
        quota.take_at(one, now + MINUTE).unwrap();
        for _ in 0..2 * MAX_LAB_OPENS_PER_MINUTE {
            quota.take_at("127.0.0.1".parse().unwrap(), now).unwrap();
        }
    }

    #[test]
    fn w3_the_count_itself_is_bounded() {
        let (mut quota, now) = (Quota::default(), clock::now());
        let machine = |number: usize| IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
        for number in 1..=MAX_LAB_MACHINES {
            quota.take_at(machine(number), now).unwrap();
        }
        assert_eq!(
            quota.take_at(machine(MAX_LAB_MACHINES + 1), now).unwrap_err().status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
        quota.take_at(machine(1), now).unwrap();
        quota.take_at(machine(MAX_LAB_MACHINES + 1), now + MINUTE).unwrap();
    }
}
