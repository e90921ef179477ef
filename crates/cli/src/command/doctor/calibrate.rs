//! `feedlab doctor --calibrate`: finds out once per machine what the load generator can drive, in at most a minute and a
//! half. Each step is a cell as in a run, with a server of its own.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use feedlab_experiment::Metric;
use feedlab_feed::Transport;
use feedlab_feed::clock;
use feedlab_feed::process::raise_open_file_limit;
use feedlab_report::human;

use super::super::run::alone;
use super::super::run::needs::BESIDES;
use crate::calibration::{Calibration, Capacity, Limit};
use crate::interrupt::Interrupt;
use crate::output;

mod search;
mod step;

use search::{Search, Step};

/// How long all searches may take together. The last step may take a little longer.
const TIME: Duration = Duration::from_secs(82);
/// The first load of a search, updates per second to all clients or requests per second.
const FIRST_PER_S: f64 = 4_000.0;
const MOST_PER_S: f64 = 4_000_000.0;
/// The first number of clients.
const FIRST_CLIENTS: f64 = 500.0;
/// More clients than this would need more ports than Linux gives out by default.
const MOST_CLIENTS: f64 = 20_000.0;

/// What a search varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    /// Updates per second to all clients; for short polling, requests per second.
    PerSecond,
    /// Clients that receive an update at the same moment.
    Clients,
}

/// The searches, in order: the first limit of every transport before the second of any.
const SEARCHES: [(Transport, Load); 7] = [
    (Transport::ShortPolling, Load::PerSecond),
    (Transport::LongPolling, Load::PerSecond),
    (Transport::Sse, Load::PerSecond),
    (Transport::WebSocket, Load::PerSecond),
    (Transport::LongPolling, Load::Clients),
    (Transport::Sse, Load::Clients),
    (Transport::WebSocket, Load::Clients),
];

/// Measures and keeps the calibration. Returns `None` if it was interrupted.
pub(super) fn calibrate() -> anyhow::Result<Option<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Some((other_cores, capacities)) = runtime.block_on(search_all())? else {
        output::advice("interrupted; nothing was kept");
        return Ok(None);
    };
    let measured = humantime::format_rfc3339_seconds(clock::wall()).to_string();
    let path = Calibration::new(measured, other_cores, capacities).write()?;
    output::advice(&format!("kept in {}", path.display()));
    Ok(Some(()))
}

/// Returns how many cores other programs used at least, and the limits.
async fn search_all() -> anyhow::Result<Option<(f64, Vec<Capacity>)>> {
    let interrupt = Interrupt::listen()?;
    let began = clock::now();
    output::advice("calibrating the load generator, about a minute and a half; leave the machine alone meanwhile");
    let mut found: Vec<(Transport, Load, Limit)> = Vec::new();
    let mut other_cores = f64::INFINITY;
    for (number, (transport, load)) in SEARCHES.into_iter().enumerate() {
        let left = TIME.saturating_sub(began.elapsed());
        let share = left / u32::try_from(SEARCHES.len() - number).unwrap_or(1);
        let limit = tokio::select! {
            limit = search(transport, load, clock::now() + share, &mut other_cores, &interrupt) => limit?,
            () = interrupt.at_once.cancelled() => None,
        };
        let Some(limit) = limit else { return Ok(None) };
        output::advice(&format!("[{}/{}] {}", number + 1, SEARCHES.len(), result(transport, load, limit)));
        found.push((transport, load, limit));
    }
    Ok(Some((other_cores, capacities(&found))))
}

fn capacities(found: &[(Transport, Load, Limit)]) -> Vec<Capacity> {
    let limit = |transport, load| found.iter().find(|one| (one.0, one.1) == (transport, load)).map(|one| one.2);
    let capacity = |transport| {
        let per_s = limit(transport, Load::PerSecond)?;
        Some(Capacity { transport, per_s, clients: limit(transport, Load::Clients) })
    };
    Transport::ALL.into_iter().filter_map(capacity).collect()
}

/// Finds one limit before a point in time; `None` if it was interrupted.
async fn search(
    transport: Transport,
    load: Load,
    until: Instant,
    other_cores: &mut f64,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<Limit>> {
    let mut search = match load {
        Load::PerSecond if transport == Transport::ShortPolling => {
            Search::new(FIRST_PER_S, step::polls_per_s(most_clients()))
        }
        Load::PerSecond => Search::new(FIRST_PER_S, MOST_PER_S),
        Load::Clients => Search::new(FIRST_CLIENTS, most_clients()),
    };
    let mut slowest = Duration::ZERO;
    while let Step::Try(amount) = search.next() {
        let started = clock::now();
        if search.has_result() && started + slowest > until {
            break;
        }
        let scenario = step::scenario(transport, load, amount)?;
        let measured = alone::measure(&scenario, &interrupt.stop).await;
        let Some(record) = measured.with_context(|| format!("cannot calibrate {}", transport.label()))? else {
            return Ok(None);
        };
        search.add(amount, step::is_on_time(&record));
        *other_cores = other_cores.min(record.metrics.get(&Metric::OtherCpuCores).copied().unwrap_or_default());
        slowest = slowest.max(started.elapsed());
    }
    Ok(Some(search.limit()))
}

fn most_clients() -> f64 {
    let allowed = raise_open_file_limit().map_or(MOST_CLIENTS, |allowed| allowed.saturating_sub(BESIDES) as f64);
    allowed.clamp(FIRST_CLIENTS, MOST_CLIENTS)
}

fn result(transport: Transport, load: Load, limit: Limit) -> String {
    format!("{}: {}", transport.label(), words(transport, load, limit))
}

fn words(transport: Transport, load: Load, limit: Limit) -> String {
    let unit = match (load, transport) {
        (Load::Clients, _) => "clients at once",
        (Load::PerSecond, Transport::ShortPolling) => "requests/s",
        (Load::PerSecond, _) => "updates/s to all clients",
    };
    let more = if limit.is_reached { "" } else { "at least " };
    format!("{more}{} {unit}", human::count(limit.most))
}

/// Describes a calibration, for the line of the check.
pub(super) fn describe(calibration: &Calibration) -> String {
    let one = |capacity: &Capacity| {
        let of = |load, limit| words(capacity.transport, load, limit);
        let clients = capacity.clients.map(|limit| format!(", {}", of(Load::Clients, limit))).unwrap_or_default();
        format!("{}: {}{clients}", capacity.transport.label(), of(Load::PerSecond, capacity.per_s))
    };
    calibration.capacities.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Returns a load or a number of clients that is easy to read and no larger: two digits that count.
fn rounded(amount: f64) -> f64 {
    let unit = 10f64.powf(amount.log10().floor() - 1.0);
    (amount / unit).floor() * unit
}
