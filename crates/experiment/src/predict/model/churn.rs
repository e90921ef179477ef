//! Connections that their clients change by themselves, at independent moments of a constant rate (`clients.churn`): what
//! of that is the same for every transport.

use super::Ages;

/// How often a wait of `interval` s ends, as a share of how often it does on a connection that is kept for ever, where it begins
/// again with each connection; the first of a connection takes `first` s. With exponential lifetimes of rate `c` a connection
/// has `e^(−cf) / (1 − e^(−cK))` of them, and each second has `c` connections.
pub(crate) fn completed_share(churn: f64, first: f64, interval: f64) -> f64 {
    if churn == 0.0 {
        return 1.0;
    }
    churn * interval * (-churn * first).exp() / -f64::exp_m1(-churn * interval)
}

/// Ages where clients are away while they change their connections. An update that is on its way when its client leaves, or falls
/// due until the next connection has asked, arrives with the answer to that. These are the updates of as long a stretch as an
/// opening takes, and they are later by up to that, evenly.
pub(crate) fn while_away(ages: Ages, churn: f64, open_time: f64) -> Ages {
    let share = -f64::exp_m1(-churn * open_time);
    if share > 0.0 { ages.delayed(share, 0.0..open_time) } else { ages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_much_shorter_than_a_connection_is_hardly_rarer_and_what_is_longer_is_rare() {
        assert_eq!(completed_share(0.0, 25.0, 25.0), 1.0);
        assert!((completed_share(0.003, 1.0, 1.0) - 1.0).abs() < 0.002);
        // Of connections that live for 1 s on average, e^(−25) live for 25 s.
        assert!((completed_share(1.0, 25.0, 25.0) / (25.0 * (-25.0f64).exp()) - 1.0).abs() < 1e-9);
    }
}
