//! The link settings: delay, bandwidth and limits while no fault is active.

use std::time::Duration;

use feedlab_feed::link::{MAX_BUFFER_BYTES, MAX_BYTES_PER_S, MAX_DELAY, MAX_IDLE_TIMEOUT, Network};

/// The settings of the link between the two ends of each connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkSettings {
    /// The network that the proxy emulates. A connection on which nothing has passed in either direction for the idle
    /// timeout is closed on both sides. Bytes that the buffer holds back are also passed on when the server closes.
    pub network: Network,
    /// How fast the proxy reads from the server at most, bytes per second, like a client that cannot keep up.
    pub reader_bytes_per_s: Option<u64>,
    /// The share of the connections that are read this slowly, above 0 and at most 1.
    pub reader_share: f64,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self::from(Network::default())
    }
}

impl From<Network> for LinkSettings {
    fn from(network: Network) -> Self {
        Self { network, reader_bytes_per_s: None, reader_share: 1.0 }
    }
}

impl LinkSettings {
    /// Checks that every field is in range.
    ///
    /// # Errors
    /// For the first field that is out of range: one line that names the field as the control API does.
    pub fn check(&self) -> Result<(), String> {
        let Network { rtt, jitter, bandwidth_bytes_per_s, idle_timeout, buffer_bytes } = self.network;
        delay("rtt_ms", rtt)?;
        delay("jitter_ms", jitter)?;
        bytes("bandwidth_bytes_per_s", bandwidth_bytes_per_s, MAX_BYTES_PER_S)?;
        if idle_timeout.is_some_and(|time| time.is_zero() || time > MAX_IDLE_TIMEOUT) {
            return Err("`idle_timeout_ms` must be above 0 and at most 86400000 (a day)".to_owned());
        }
        bytes("buffer_bytes", buffer_bytes, MAX_BUFFER_BYTES)?;
        bytes("reader_bytes_per_s", self.reader_bytes_per_s, MAX_BYTES_PER_S)?;
        share("reader_share", self.reader_share)
    }
}

fn delay(name: &str, time: Duration) -> Result<(), String> {
    if time > MAX_DELAY { Err(format!("`{name}` must be at most {}", MAX_DELAY.as_millis())) } else { Ok(()) }
}

fn bytes(name: &str, bytes: Option<u64>, most: u64) -> Result<(), String> {
    match bytes {
        Some(bytes) if bytes == 0 || bytes > most => Err(format!("`{name}` must be a whole number from 1 to {most}")),
        _ => Ok(()),
    }
}

/// Checks a share of the connections: above 0 and at most 1.
pub(crate) fn share(name: &str, share: f64) -> Result<(), String> {
    if share > 0.0 && share <= 1.0 {
        Ok(())
    } else {
        Err(format!("`{name}` must be above 0 and at most 1, for example 0.25"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_out_of_range_is_named() {
        let (fine, none) = (LinkSettings::default(), Network::default());
        assert_eq!(fine.check(), Ok(()));
        let day = Duration::from_secs(24 * 60 * 60);
        let wrong = [
            ("rtt_ms", Network { rtt: Duration::from_millis(60_001), ..none }.into()),
            ("jitter_ms", Network { jitter: Duration::MAX, ..none }.into()),
            ("bandwidth_bytes_per_s", Network { bandwidth_bytes_per_s: Some(0), ..none }.into()),
            ("idle_timeout_ms", Network { idle_timeout: Some(Duration::ZERO), ..none }.into()),
            ("idle_timeout_ms", Network { idle_timeout: Some(day * 2), ..none }.into()),
            ("buffer_bytes", Network { buffer_bytes: Some(MAX_BUFFER_BYTES + 1), ..none }.into()),
            ("reader_bytes_per_s", LinkSettings { reader_bytes_per_s: Some(u64::MAX), ..fine }),
            ("reader_share", LinkSettings { reader_share: f64::NAN, ..fine }),
            ("reader_share", LinkSettings { reader_share: 0.0, ..fine }),
        ];
        for (name, settings) in wrong {
            let why = settings.check().unwrap_err();
            assert!(why.starts_with(&format!("`{name}` must be ")), "{why}");
        }
    }
}
