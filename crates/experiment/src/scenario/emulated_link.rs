//! A network that is a link: which packets of the kernel's TCP it delays, queues and loses, and how TCP reacts. Unlike
//! the lab proxy, it does not end TCP.

use std::time::Duration;

use feedlab_feed::link::{Emulation, Queue, Rate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A link between the clients and the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmulatedLink {
    /// What happens to packets. Its round trip and jitter are also those of the scenario's network.
    pub emulation: Emulation,
    /// The congestion control of both sides; `None` for the machine's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub congestion: Option<Congestion>,
}

impl EmulatedLink {
    /// Whether packets may be lost, by chance or because a queue is full.
    #[must_use]
    pub fn loses(&self) -> bool {
        self.emulation.loss > 0.0 || self.is_limited()
    }

    /// Whether it sends at a limited rate, so that packets queue.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.emulation.rate.is_some() || self.emulation.rate_up.is_some()
    }

    /// Returns how long a packet waits in a full queue, in the slower direction; zero without a rate.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        let Emulation { queue, mtu, .. } = self.emulation;
        let wait = |rate: &Rate| {
            let rate = match rate {
                Rate::Constant(bits) => *bits as f64,
                Rate::Trace(trace) => trace.mean(),
            };
            let time = |bytes: f64| Duration::try_from_secs_f64(8.0 * bytes / rate).unwrap_or(Duration::MAX);
            match queue {
                Queue::Packets(count) => time(count as f64 * f64::from(mtu)),
                Queue::Bytes(bytes) => time(bytes as f64),
                Queue::Time(time) => time,
            }
        };
        [&self.emulation.rate, &self.emulation.rate_up].into_iter().flatten().map(wait).max().unwrap_or_default()
    }
}

/// What emulates a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkModel {
    /// The lab proxy, which ends TCP in the middle.
    #[default]
    Proxy,
    /// The link emulator, between the kernels of both sides.
    Link,
}

/// A congestion control of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Congestion {
    /// RFC 9438, the default of most systems.
    Cubic,
    /// "BBR: congestion-based congestion control", Cardwell et al., ACM Queue 2016.
    Bbr,
    /// RFC 5681 and RFC 6582.
    Reno,
}

impl Congestion {
    /// Returns the kernel's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cubic => "cubic",
            Self::Bbr => "bbr",
            Self::Reno => "reno",
        }
    }
}

/// A kind of link, with published values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Profile {
    /// 170 ms, 9 Mbit/s in both directions: the profile "4G" of WebPageTest (`connectivity.ini.sample`). The queue has 50
    /// packets, as in dummynet, with which WebPageTest emulates it (ipfw(8)).
    #[serde(rename = "4g")]
    FourG,
    /// 20 ms and up to 20 ms of jitter each way, 2% of the packets lost, 3 in a row: in a study of 47 access points, half
    /// of the TCP packets took more than 20 ms over Wi-Fi (Pei et al., "WiFi can be the weakest link of round trip network
    /// latency in the wild", INFOCOM 2016). Losses on Wi-Fi come in bursts (Carvalho et al., "A new packet loss model of
    /// the IEEE 802.11g wireless network", 2005); their share here is a choice, not a measurement.
    #[serde(rename = "lossy-wifi")]
    LossyWifi,
    /// 600 ms, 20 Mbit/s down and 2.5 Mbit/s up, with a queue of 600 ms: a round trip over a geostationary satellite
    /// (Huston, "Testing LEO and GEO satellite services in Australia", APNIC 2022), at the median rates of HughesNet
    /// (Ookla, Q2 2021: 19.73 and 2.43 Mbit/s).
    #[serde(rename = "satellite")]
    Satellite,
    /// 50 ms, 1.5 Mbit/s down and 384 kbit/s up: the profile "DSL" of WebPageTest. The queue has 50 packets, as for 4g.
    #[serde(rename = "dsl")]
    Dsl,
}

impl Profile {
    /// Returns the link that it stands for.
    #[must_use]
    pub fn emulation(self) -> Emulation {
        const DUMMYNET: Queue = Queue::Packets(50);
        let ms = Duration::from_millis;
        let rated = |rtt, down: u64, up: u64, queue| Emulation {
            rtt,
            rate: Some(Rate::Constant(down)),
            rate_up: Some(Rate::Constant(up)),
            queue,
            ..Emulation::default()
        };
        match self {
            Self::FourG => rated(ms(170), 9_000_000, 9_000_000, DUMMYNET),
            Self::Dsl => rated(ms(50), 1_500_000, 384_000, DUMMYNET),
            Self::Satellite => rated(ms(600), 20_000_000, 2_500_000, Queue::Time(ms(600))),
            Self::LossyWifi => {
                Emulation { rtt: ms(20), jitter: ms(20), loss: 0.02, loss_burst: Some(3.0), ..Emulation::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_takes_its_length_over_the_rate() {
        let link = |emulation| EmulatedLink { emulation, congestion: None };
        let dsl = link(Profile::Dsl.emulation());
        // 50 packets of 1,500 bytes at 384 kbit/s.
        assert_eq!(dsl.longest_wait(), Duration::from_micros(1_562_500));
        assert!(dsl.loses() && dsl.is_limited());
        let wifi = link(Profile::LossyWifi.emulation());
        assert!(wifi.loses() && !wifi.is_limited() && wifi.longest_wait().is_zero());
        assert_eq!(link(Profile::Satellite.emulation()).longest_wait(), Duration::from_millis(600));
        assert!(!link(Emulation::default()).loses());
    }
}
