//! A made-up run that looks like a real one: five contenders, ages with tails, different costs, and predictions. For
//! tests that depend on the size and the shape of the figures; the benchmark renders it too.

use std::f64::consts::TAU;
use std::time::Duration;

use feedlab_experiment::Metric;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::{Contender, Options};
use feedlab_experiment::summary::Predicted;

use super::run::CellFixture;

/// The number of repetitions.
pub(crate) const REPETITIONS: u32 = 4;

/// A scenario of five contenders: with five client counts it has 100 cells.
pub(crate) fn scenario(clients: &[u32], seconds: u32) -> String {
    format!(
        r#"
schema = 1
name = "realistic"
question = "What does a stock ticker cost over each transport?"
feed = {{ source = "synthetic", updates_per_s = 10, payload_bytes = 197, schedule = "poisson" }}
clients = {{ count = {clients:?}, headers = "browser" }}
measure = {{ duration = "{seconds}s", repetitions = {REPETITIONS} }}
contender = [
    {{ transport = "short-polling" }},
    {{ transport = "short-polling", interval = "250ms", keep_alive = false }},
    {{ transport = "long-polling" }},
    {{ transport = "sse" }},
    {{ transport = "websocket" }},
]
threshold = [{{ metric = "updates_missed", expect = "== 0" }}]
"#
    )
}

/// The figures of one cell: `samples` ages in each of `seconds`, the same in every call.
pub(crate) fn fixture(contender: &Contender, cell: &Cell, seconds: u32, samples: u32) -> CellFixture {
    let mut rng = Rng::of(&cell.id);
    let traits = Traits::of(contender.options);
    // Repetitions differ by more than their samples would.
    let luck = 1.0 + 0.02 * rng.normal();
    let second = |_| (0..samples).map(|_| traits.age(&mut rng, luck)).collect();
    let ages = (0..seconds).map(second).collect();
    let updates = f64::from(cell.clients) * 10.0 * f64::from(seconds);
    let requests = traits.requests_per_s * f64::from(cell.clients) * f64::from(seconds);
    let [payload, framing, headers, keepalive, tcp_ip] = traits.bytes;
    let socket = payload + framing + headers + keepalive;
    let metrics = [
        (Metric::UpdatesPublished, 10.0 * f64::from(seconds)),
        (Metric::UpdatesExpected, updates),
        (Metric::UpdatesReceived, updates),
        (Metric::UpdatesMissed, 0.0),
        (Metric::UpdatesDuplicated, 0.0),
        (Metric::UpdatesReordered, 0.0),
        (Metric::Requests, (requests * (1.0 + 0.1 * (luck - 1.0))).round()),
        (Metric::RequestsEmpty, (requests * traits.empty).round()),
        (Metric::ConnectionsOpened, f64::from(cell.clients)),
        (Metric::PayloadBytesPerUpdate, payload),
        (Metric::FramingBytesPerUpdate, framing),
        (Metric::HeaderBytesPerUpdate, headers),
        (Metric::KeepaliveBytesPerUpdate, keepalive),
        (Metric::SocketBytesPerUpdate, socket),
        (Metric::WireBytesPerUpdate, socket + tcp_ip * luck),
        (Metric::PacketsPerUpdate, tcp_ip * luck / 52.0),
        (Metric::IdleBytesPerClientMin, 60.0 * headers * traits.requests_per_s),
        (Metric::ConnectP50, 132.0 * luck),
        (Metric::OpenP50, 310.0 * luck),
        (Metric::FirstUpdateP50, 420.0 * luck),
        (Metric::HandshakeBytes, 230.0 + headers / 2.0),
        (Metric::ServerRssBytesPerConnection, traits.memory * luck),
        (Metric::KernelBytesPerConnection, 4_600.0),
        (Metric::ClientRssBytesPerConnection, 61_000.0 * luck),
        (Metric::ServerFdsPerConnection, 1.0),
        (Metric::ServerCpuPerUpdate, traits.cpu_us * luck),
    ];
    let all = f64::from(REPETITIONS);
    let predicted = traits.predicted(all * f64::from(cell.clients), all * requests, metrics.into());
    CellFixture { ages, metrics: metrics.into(), predicted: Some(predicted), ..CellFixture::default() }
}

/// How a contender behaves.
struct Traits {
    /// The interval between two requests, µs; zero for transports that do not poll on a timer.
    interval_us: f64,
    /// The median time that the machine adds, µs.
    machine_us: f64,
    /// Requests of a client per second.
    requests_per_s: f64,
    /// The share of empty requests.
    empty: f64,
    /// Payload, framing, headers, keepalive and TCP/IP of an update.
    bytes: [f64; 5],
    /// Resident memory of the server for a connection, bytes.
    memory: f64,
    /// CPU time of the server per update, µs.
    cpu_us: f64,
}

impl Traits {
    fn of(options: Options) -> Self {
        let polling = |interval: Duration, headers: f64, tcp_ip: f64| Self {
            interval_us: interval.as_secs_f64() * 1e6,
            machine_us: 480.0,
            requests_per_s: 1.0 / interval.as_secs_f64(),
            empty: (-10.0 * interval.as_secs_f64()).exp(),
            bytes: [197.0, 66.0, headers, 0.0, tcp_ip],
            memory: 33_000.0,
            cpu_us: 11.0,
        };
        let push = |machine_us, bytes, memory, cpu_us| Self {
            interval_us: 0.0,
            machine_us,
            requests_per_s: 0.0,
            empty: 0.0,
            bytes,
            memory,
            cpu_us,
        };
        match options {
            Options::ShortPolling { interval, keep_alive: true, .. } => polling(interval, 92.0, 20.0),
            Options::ShortPolling { interval, .. } => polling(interval, 370.0, 208.0),
            Options::LongPolling { .. } => {
                Self { requests_per_s: 9.6, ..push(760.0, [197.0, 62.0, 905.0, 0.0, 208.0], 32_000.0, 44.0) }
            }
            Options::Sse { .. } => push(470.0, [197.0, 58.0, 0.0, 0.4, 104.0], 17_800.0, 19.9),
            Options::WebSocket { .. } | Options::Auto { .. } => {
                push(471.0, [197.0, 48.0, 0.0, 0.1, 104.0], 19_000.0, 22.2)
            }
        }
    }

    /// An age: uniform over the interval, plus a lognormal machine time with a tail.
    fn age(&self, rng: &mut Rng, luck: f64) -> u64 {
        let machine = self.machine_us * luck * (0.12 * rng.normal()).exp();
        let tail = if rng.uniform() < 0.004 { 4.0 * self.machine_us * rng.uniform() } else { 0.0 };
        (self.interval_us * rng.uniform() + machine + tail) as u64
    }

    /// The predictions: the machine takes no time, and bytes are slightly off.
    fn predicted(&self, clients: f64, requests: f64, measured: Vec<(Metric, f64)>) -> Predicted {
        let age = |share: f64| self.interval_us * share;
        let same = measured.into_iter().filter(|(metric, _)| {
            let id = metric.id();
            id.ends_with("_per_update") && !id.contains("cpu") || id.contains("handshake") || id.contains("idle")
        });
        let mut metrics: std::collections::BTreeMap<Metric, f64> =
            same.map(|(metric, value)| (metric, value * 1.004)).collect();
        metrics.extend([
            (Metric::AgeMean, age(0.5)),
            (Metric::AgeP50, age(0.5)),
            (Metric::AgeP99, age(0.99)),
            (Metric::Requests, requests),
            (Metric::RequestsEmpty, requests * self.empty),
            (Metric::ConnectionsOpened, clients),
        ]);
        let ages = [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];
        Predicted {
            metrics,
            ages: ages.map(|share| (share, age(share))).to_vec(),
            assumptions: vec![
                "Updates fall due at random times (Poisson), independent of the polls.".to_owned(),
                format!("One request every {} µs and client, whatever it brings.", self.interval_us),
            ],
        }
    }
}

/// A deterministic random number generator: splitmix64
/// (<https://prng.di.unimi.it/splitmix64.c>).
struct Rng(u64);

impl Rng {
    fn of(name: &str) -> Self {
        Self(name.bytes().fold(1, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into())))
    }

    /// From 0 up to 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        let (a, b) = (self.uniform().max(1e-12), self.uniform());
        (-2.0 * a.ln()).sqrt() * (TAU * b).cos()
    }
}
