//! Connections that clients replace by themselves, at independent times with a constant rate (`clients.churn`): the
//! part that is the same for all transports.

use super::Ages;

/// Returns how often a wait of `interval` s completes, relative to a connection that is never replaced, if the wait
/// restarts with each connection; the first wait of a connection takes `first` s. With exponential lifetimes of rate
/// `c`, a connection completes `e^(−cf) / (1 − e^(−cK))` waits, and there are `c` connections per second.
pub(crate) fn completed_share(churn: f64, first: f64, interval: f64) -> f64 {
    if churn == 0.0 {
        return 1.0;
    }
    churn * interval * (-churn * first).exp() / -f64::exp_m1(-churn * interval)
}

/// Returns the ages if clients are disconnected while they replace their connections. An update that is in transit when
/// its client disconnects, or that falls due before the next connection's request arrives, is delivered with the answer
/// to that request. These are the updates of a period as long as opening a connection takes; they are delayed by up to
/// that time, uniformly.
pub(crate) fn while_away(ages: Ages, churn: f64, open_time: f64) -> Ages {
    let share = -f64::exp_m1(-churn * open_time);
    if share > 0.0 { ages.delayed(share, 0.0..open_time) } else { ages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_waits_complete_almost_always_and_long_ones_rarely() {
        assert_eq!(completed_share(0.0, 25.0, 25.0), 1.0);
        assert!((completed_share(0.003, 1.0, 1.0) - 1.0).abs() < 0.002);
        // Of connections with a mean lifetime of 1 s, a share of e^(−25) lasts for 25 s.
        assert!((completed_share(1.0, 25.0, 25.0) / (25.0 * (-25.0f64).exp()) - 1.0).abs() < 1e-9);
    }
}
