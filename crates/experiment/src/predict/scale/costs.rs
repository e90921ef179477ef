//! One contender's measured costs, and the costs for any number of clients.

use super::reference::{Reference, cpu_metric};
use crate::Metric;
use crate::predict::Rates;
use crate::scenario::Contender;
use crate::summary::Entry;

/// One contender with its predicted traffic and its measured costs.
#[derive(Clone, Debug)]
pub(super) struct Studied {
    pub(super) contender: Contender,
    pub(super) rates: Rates,
    /// The measured costs, by ascending number of clients; at least one.
    costs: Vec<Costs>,
}

/// The costs that were measured with a number of clients: per connection, or per request or update.
#[derive(Clone, Copy, Debug)]
struct Costs {
    clients: f64,
    cpu_us: Option<f64>,
    connect_us: Option<f64>,
    rss_bytes: Option<f64>,
    kernel_bytes: Option<f64>,
    descriptors: Option<f64>,
}

/// Returns the costs of a contender in a run; with several payload sizes, those of the nearest.
fn costs(reference: &Reference, contender: &Contender, payload: Option<usize>) -> Vec<Costs> {
    let entries: Vec<&Entry> = reference.entries(contender).collect();
    let far = |entry: &&Entry| entry.payload_bytes.zip(payload).map_or(0, |(a, b)| a.abs_diff(b));
    let nearest = entries.iter().map(far).min();
    let near = entries.into_iter().filter(|entry| Some(far(entry)) == nearest);
    let mut costs: Vec<Costs> = near.map(|entry| Costs::of(entry, contender)).collect();
    costs.sort_by(|a, b| a.clients.total_cmp(&b.clients));
    costs.dedup_by_key(|costs| costs.clients as u64);
    costs
}

impl Costs {
    /// Slopes that are negative because of noise count as zero.
    fn of(entry: &Entry, contender: &Contender) -> Self {
        let value = |metric| entry.metrics.get(&metric).map(|estimate| estimate.value.max(0.0));
        Self {
            clients: entry.clients.into(),
            cpu_us: value(cpu_metric(contender)),
            connect_us: value(Metric::ServerCpuPerConnection),
            rss_bytes: value(Metric::ServerRssBytesPerConnection),
            kernel_bytes: value(Metric::KernelBytesPerConnection),
            descriptors: value(Metric::ServerFdsPerConnection).map(whole),
        }
    }
}

/// Rounds a slope of descriptors, which is a whole number except for descriptors that are opened and closed while it is
/// measured.
fn whole(slope: f64) -> f64 {
    /// The maximum deviation.
    const NOISE: f64 = 0.01;
    let near = slope.round();
    if near >= 1.0 && (slope - near).abs() <= NOISE { near } else { slope }
}

impl Studied {
    /// Returns `None` if the run did not measure the contender's CPU.
    pub(super) fn new(
        contender: &Contender,
        rates: Rates,
        reference: &Reference,
        payload: Option<usize>,
    ) -> Option<Self> {
        let costs = costs(reference, contender, payload);
        let known = costs.iter().any(|costs| costs.cpu_us.is_some());
        known.then(|| Self { contender: contender.clone(), rates, costs })
    }

    /// Returns the client counts that were measured.
    pub(super) fn measured_counts(&self) -> impl Iterator<Item = u64> {
        self.costs.iter().map(|costs| costs.clients as u64)
    }

    pub(super) fn knows_kernel_memory(&self) -> bool {
        self.costs.iter().any(|costs| costs.kernel_bytes.is_some())
    }

    /// Returns the number of open descriptors.
    pub(super) fn descriptors(&self, clients: f64) -> Option<f64> {
        Some(self.at(clients, |costs| costs.descriptors)? * clients)
    }

    /// Returns the CPU time of opening a connection to a server with this many clients, µs.
    pub(super) fn connect_us(&self, clients: f64) -> Option<f64> {
        self.at(clients, |costs| costs.connect_us)
    }

    pub(super) fn knows_connects(&self) -> bool {
        self.costs.iter().any(|costs| costs.connect_us.is_some())
    }

    /// Returns a cost for a number of clients: interpolated linearly in the logarithm of the measured client counts,
    /// constant outside of them.
    fn at(&self, clients: f64, cost: impl Fn(&Costs) -> Option<f64>) -> Option<f64> {
        let known: Vec<(f64, f64)> =
            self.costs.iter().filter_map(|costs| Some((costs.clients, cost(costs)?))).collect();
        let after = known.iter().position(|(measured, _)| *measured >= clients);
        match after {
            None => known.last().map(|(_, cost)| *cost),
            Some(0) => Some(known[0].1),
            Some(index) => {
                let ((low, a), (high, b)) = (known[index - 1], known[index]);
                Some(a + (b - a) * (clients / low).ln() / (high / low).ln())
            }
        }
    }

    /// Returns the busy cores.
    pub(super) fn cores(&self, clients: f64) -> Option<f64> {
        self.cores_at(&self.rates, clients)
    }

    /// Returns the busy cores at other rates than the scenario's.
    pub(super) fn cores_at(&self, rates: &Rates, clients: f64) -> Option<f64> {
        let pushes = self.contender.transport().is_push();
        let events = if pushes { rates.updates } else { rates.requests };
        Some(self.at(clients, |costs| costs.cpu_us)? * 1e-6 * events * clients)
    }

    /// Returns the memory of the connections, bytes: of the process and of the kernel.
    pub(super) fn memory(&self, clients: f64) -> Option<f64> {
        let kernel = self.at(clients, |costs| costs.kernel_bytes).unwrap_or(0.0);
        Some((self.at(clients, |costs| costs.rss_bytes)? + kernel) * clients)
    }

    /// Returns the bits per second on the wire.
    pub(super) fn bits(&self, clients: f64) -> f64 {
        8.0 * self.rates.wire_bytes * clients
    }

    /// Returns the client counts of a curve: six per decade, and those that were measured.
    pub(super) fn counts(&self, most: f64) -> impl Iterator<Item = f64> {
        let steps = (most.max(1.0).log10() * 6.0).floor() as i32;
        let mut counts: Vec<f64> = (0..=steps).map(|step| 10f64.powf(f64::from(step) / 6.0)).collect();
        counts.extend(self.costs.iter().map(|costs| costs.clients));
        counts.push(most);
        counts.retain(|count| *count <= most.max(1.0));
        counts.sort_by(f64::total_cmp);
        counts.dedup_by(|a, b| (*a / *b - 1.0).abs() < 1e-9);
        counts.into_iter()
    }
}
