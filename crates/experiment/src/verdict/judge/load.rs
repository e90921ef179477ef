//! Whether there was enough machine: a core that is full makes everything behind it wait.

use super::{CellFacts, Reason, Status};
use crate::Metric;

/// Share of its cores that the load generator may use before its clients wait for each other.
const GENERATOR: f64 = 0.8;
/// Share of the machine's cores in use from which ages are the queue's.
const MACHINE: f64 = 0.95;
/// Cores that others may use. The kernel's own work for the loopback counts among them, so that some is always there.
const OTHERS: f64 = 0.3;
/// And their share of what the server and the load generator use themselves, which is what they have the kernel do.
const OTHERS_SHARE: f64 = 0.5;

pub(super) fn generator(facts: &CellFacts<'_>) -> Option<Reason> {
    let busy = *facts.metrics.get(&Metric::ClientCpuCores)?;
    let full = busy > GENERATOR * facts.cores as f64;
    let what = format!("the load generator itself used {busy:.1} of {} cores", facts.cores);
    full.then(|| Reason::new(Status::Suspect, what, "use fewer clients, or a machine with more cores"))
}

pub(super) fn machine(facts: &CellFacts<'_>) -> Option<Reason> {
    let all = [Metric::ServerCpuCores, Metric::ClientCpuCores, Metric::OtherCpuCores];
    let busy: f64 = all.into_iter().map(|metric| facts.metrics.get(&metric).copied()).sum::<Option<f64>>()?;
    let busy = busy + between(facts);
    let server = facts.metrics.get(&Metric::ServerCpuCores)?;
    let what = format!("the machine was full: {busy:.1} of {} cores busy, {server:.1} of them the server", facts.cores);
    // A machine that others fill is theirs to explain.
    let full = busy > MACHINE * facts.cores as f64 && others(facts).is_none();
    full.then(|| Reason::new(Status::Suspect, what, "lower the rate or the number of clients, or use more cores"))
}

/// What lies between the clients and the server: its load is the run's own.
fn between(facts: &CellFacts<'_>) -> f64 {
    let all = [Metric::NginxCpuCores, Metric::LabProxyCpuCores];
    all.into_iter().filter_map(|metric| facts.metrics.get(&metric)).sum()
}

pub(super) fn others(facts: &CellFacts<'_>) -> Option<Reason> {
    let of = |metric| facts.metrics.get(&metric).copied();
    let other = of(Metric::OtherCpuCores)?;
    let own = of(Metric::ServerCpuCores)? + of(Metric::ClientCpuCores)? + between(facts);
    let what = format!("something else on the machine used {other:.1} of {} cores", facts.cores);
    let loud = other > OTHERS + OTHERS_SHARE * own;
    loud.then(|| Reason::new(Status::Suspect, what, "stop what else is running, and measure again"))
}
