//! What servers need around them, and what each must stand: the feed from a [`broker`](super::broker), and clients that come
//! back.
//!
//! One function a formula, on plain figures, so that one more cause of reconnects is one more function.
//! Called by a [`Study`], which knows the figures; knows no contender but in [`Fleet`].

use serde::Serialize;

use super::broker::{Broker, broker};
use super::costs::Studied;
use super::study::{Limits, Need, Study};
use crate::predict::reconnect_s;
use crate::scenario::{Contender, Options};

/// What the servers of one contender need around them. What was not measured is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fleet {
    /// The contender's label.
    pub label: String,
    /// So many servers, which the clients are spread over evenly.
    pub servers: f64,
    /// What the broker hands to all of them together; nothing where one server is enough, which has the feed itself.
    pub broker: Option<Broker>,
    /// One server is gone, and its clients come to the others; nothing where there is no other.
    pub failover: Option<Storm>,
    /// Every client has lost its connection at one moment, as by a network that was cut.
    pub all_at_once: Storm,
    /// New connections per second that a server can open with the CPU that it may use, if it does nothing else.
    pub connects_per_s: Option<f64>,
    /// What a deploy costs; nothing where connections do not outlive a poll.
    pub deploy: Option<Deploy>,
    /// Connections a second that are opened although nothing breaks, at all servers together.
    pub turnover_per_s: f64,
}

/// Clients that come to one server at about the same time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Storm {
    /// So many connections.
    pub connections: f64,
    /// Evenly within so many seconds; 0: all at one moment.
    pub within_s: f64,
}

/// Reconnects of all clients together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Deploy {
    /// The servers are restarted in place, one after the other.
    pub in_place: f64,
    /// New servers are started beside the old ones before these are drained.
    pub beside: f64,
}

impl Study {
    /// What is needed around the servers, a line a contender, in the order of the needs.
    #[must_use]
    pub fn fleets(&self, needs: &[Need], limits: &Limits) -> Vec<Fleet> {
        self.contenders().iter().zip(needs).map(|(studied, need)| self.fleet(studied, need, limits)).collect()
    }

    fn fleet(&self, studied: &Studied, need: &Need, limits: &Limits) -> Fleet {
        let Need { clients, servers, .. } = *need;
        let contender = &studied.contender;
        let within_s = reconnect_s(&self.scenario, contender);
        let failover = failover(clients, servers).map(|connections| Storm { connections, within_s });
        let connect_us = studied.connect_us(clients / servers);
        Fleet {
            label: contender.label.clone(),
            servers,
            broker: (servers > 1.0).then(|| broker(servers, self.updates_per_s(), self.payload_bytes())),
            failover,
            all_at_once: Storm { connections: clients / servers, within_s },
            connects_per_s: connect_us.filter(|us| *us > 0.0).map(|us| limits.cores * 1e6 / us),
            deploy: keeps_connections(contender)
                .then(|| Deploy { in_place: clients * restarts(servers), beside: clients }),
            turnover_per_s: turnover(contender, (clients, self.scenario.clients.churn), need.requests_per_s),
        }
    }
}

/// What each server that is left gets of the clients of one that is gone: `N/k` over `k − 1`.
fn failover(clients: f64, servers: f64) -> Option<f64> {
    (servers > 1.0).then(|| clients / servers / (servers - 1.0))
}

/// How often a client reconnects while `k` servers are restarted one after the other: who has lost one goes to another,
/// whose turn may still come. The `j`-th has `1/k · (k/(k−1))^(j−1)` of all clients at its turn; the sum of these is
/// `(k−1)/k · ((k/(k−1))^k − 1)`, which comes to e − 1 with many servers. Of a single server: once.
fn restarts(servers: f64) -> f64 {
    if servers <= 1.0 {
        return 1.0;
    }
    let grows = servers / (servers - 1.0);
    (grows.powf(servers) - 1.0) / grows
}

/// Whether a connection outlives a poll.
const fn keeps_connections(contender: &Contender) -> bool {
    !matches!(
        contender.options,
        Options::ShortPolling { keep_alive: false, .. } | Options::LongPolling { keep_alive: false, .. }
    )
}

/// Connections a second although nothing breaks: a poll without keep-alive opens its own, and streams that end of age, at
/// an age between half of the greatest and all of it, live for three quarters of that on average. `churn` ends a share of those
/// that are kept, each second.
fn turnover(contender: &Contender, (clients, churn): (f64, Option<f64>), requests_per_s: f64) -> f64 {
    const MEAN_AGE: f64 = 0.75;
    let by_age = contender.serving.max_connection_age.map_or(0.0, |age| 1.0 / (MEAN_AGE * age.as_secs_f64()));
    if keeps_connections(contender) { clients * (by_age + churn.unwrap_or_default()) } else { requests_per_s }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::predict::tests::contender;

    #[test]
    fn the_others_share_who_has_lost_a_server() {
        // 4 servers of 250 clients: 250 come to 3.
        assert_eq!(failover(1_000.0, 4.0), Some(250.0 / 3.0));
        assert_eq!(failover(1_000.0, 1.0), None);
    }

    #[test]
    fn a_restart_in_place_moves_some_clients_twice() {
        assert_eq!(restarts(1.0), 1.0);
        assert_eq!(restarts(2.0), 1.5, "half of all, and then all");
        // A third, then 1/3 · 3/2, then 1/3 · 9/4: 1/3 + 1/2 + 3/4.
        assert!((restarts(3.0) - 19.0 / 12.0).abs() < 1e-12);
        assert!((restarts(1e6) - (std::f64::consts::E - 1.0)).abs() < 1e-5);
    }

    #[test]
    fn streams_end_of_age_polls_without_keep_alive_at_once_and_a_share_by_churn() {
        let mut stream = contender(Options::Sse { keepalive: Duration::from_secs(15) });
        assert_eq!(turnover(&stream, (1e6, None), 0.0), 0.0);
        stream.serving.max_connection_age = Some(Duration::from_secs(3_600));
        assert!((turnover(&stream, (1e6, None), 0.0) - 1e6 / 2_700.0).abs() < 1e-9, "370 a second");
        assert!((turnover(&stream, (1e6, Some(0.003)), 0.0) - (1e6 / 2_700.0 + 3_000.0)).abs() < 1e-9);
        let interval = Duration::from_secs(2);
        let poll = |keep_alive| contender(Options::ShortPolling { interval, keep_alive, conditional: false });
        let of = |keep_alive, churn| turnover(&poll(keep_alive), (1e6, churn), 5e5);
        assert_eq!((of(false, None), of(true, None)), (5e5, 0.0));
        assert_eq!((of(false, Some(0.003)), of(true, Some(0.003))), (5e5, 3_000.0), "no connection lives long enough");
    }
}
