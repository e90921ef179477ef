//! What servers need around them and what each must withstand: the feed from a [`broker`](super::broker), and
//! reconnecting clients.
//!
//! There is one function per formula, on plain numbers, so that another cause of reconnects is another function. Called
//! by a [`Study`], which has the figures; only [`Fleet`] refers to contenders.

use serde::Serialize;

use super::broker::{Broker, broker};
use super::costs::Studied;
use super::study::{Limits, Need, Study};
use crate::predict::reconnect_s;
use crate::scenario::{Contender, Options};

/// What the servers of one contender need around them. Figures that were not measured are absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fleet {
    /// The contender's label.
    pub label: String,
    /// The number of servers, over which the clients are distributed evenly.
    pub servers: f64,
    /// What the broker delivers to all servers together; `None` if one server is sufficient, which has the feed itself.
    pub broker: Option<Broker>,
    /// The reconnects at each other server if one server fails; `None` if there is no other server.
    pub failover: Option<Storm>,
    /// The reconnects at each server if all clients lose their connections at the same time, as in a network outage.
    pub all_at_once: Storm,
    /// New connections per second that a server can open with its CPU limit, if it does nothing else.
    pub connects_per_s: Option<f64>,
    /// The cost of a deploy; `None` if connections do not outlive a poll.
    pub deploy: Option<Deploy>,
    /// Connections opened per second without faults, at all servers together.
    pub turnover_per_s: f64,
}

/// Clients that connect to one server at about the same time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Storm {
    /// The number of connections.
    pub connections: f64,
    /// The time over which they are spread evenly, s; 0 if all connect at once.
    pub within_s: f64,
}

/// The number of reconnects of all clients together during a deploy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Deploy {
    /// If the servers are restarted in place, one after another.
    pub in_place: f64,
    /// If new servers are started next to the old ones before those are drained.
    pub beside: f64,
}

impl Study {
    /// Returns what is needed around the servers, one entry per contender, in the order of the needs.
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

/// Returns how many clients of a failed server connect to each remaining one: `N/k` over `k − 1`.
fn failover(clients: f64, servers: f64) -> Option<f64> {
    (servers > 1.0).then(|| clients / servers / (servers - 1.0))
}

/// Returns how often a client reconnects on average while `k` servers are restarted one after another: a client that
/// loses its server connects to another one, which may be restarted later. When it is restarted, the `j`-th server has
/// `1/k · (k/(k−1))^(j−1)` of all clients; the sum is `(k−1)/k · ((k/(k−1))^k − 1)`, which approaches e − 1 with many
/// servers. With a single server: once.
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

/// Returns the connections opened per second without faults: a poll without keep-alive opens its own, and streams with
/// a maximum age, which are closed at an age between half of the maximum and all of it, last for three quarters of it
/// on average. `churn` ends a share of the persistent connections each second.
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
    fn the_other_servers_share_the_clients_of_a_failed_one() {
        // 4 servers with 250 clients each: 250 clients connect to the other 3.
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
    fn turnover_is_by_age_by_poll_and_by_churn() {
        let mut stream = contender(Options::Sse { keepalive: Duration::from_secs(15) });
        assert_eq!(turnover(&stream, (1e6, None), 0.0), 0.0);
        stream.serving.max_connection_age = Some(Duration::from_secs(3_600));
        assert!((turnover(&stream, (1e6, None), 0.0) - 1e6 / 2_700.0).abs() < 1e-9, "370 a second");
        assert!((turnover(&stream, (1e6, Some(0.003)), 0.0) - (1e6 / 2_700.0 + 3_000.0)).abs() < 1e-9);
        let interval = Duration::from_secs(2);
        let poll = |keep_alive| contender(Options::ShortPolling { interval, keep_alive, conditional: false });
        let of = |keep_alive, churn| turnover(&poll(keep_alive), (1e6, churn), 5e5);
        assert_eq!((of(false, None), of(true, None)), (5e5, 0.0));
        assert_eq!((of(false, Some(0.003)), of(true, Some(0.003))), (5e5, 3_000.0), "no connection lasts long enough");
    }
}
