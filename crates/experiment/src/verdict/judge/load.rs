//! Whether the machine was fast enough: behind a saturated core, everything waits.

use super::{CellFacts, Reason, Status};
use crate::Metric;

/// The share of the cores that the load generator may use before its clients wait for each other.
pub const GENERATOR_SHARE: f64 = 0.8;
/// The share of the machine's cores in use beyond which ages measure the run queue.
const MACHINE: f64 = 0.95;
/// The number of cores that other processes may use. It includes the kernel's work for the loopback, so it is never
/// zero.
const OTHERS: f64 = 0.3;
/// What other processes may use in addition, as a share of the CPU of the server and the load generator: the kernel
/// works for these two.
const OTHERS_SHARE: f64 = 0.5;

pub(super) fn generator(facts: &CellFacts<'_>) -> Option<Reason> {
    let busy = *facts.metrics.get(&Metric::ClientCpuCores)?;
    let full = busy > GENERATOR_SHARE * facts.cores as f64;
    let what = format!("the load generator itself used {busy:.1} of {} cores", facts.cores);
    full.then(|| Reason::new(Status::Suspect, what, "use fewer clients, or a machine with more cores"))
}

pub(super) fn machine(facts: &CellFacts<'_>) -> Option<Reason> {
    let all = [Metric::ServerCpuCores, Metric::ClientCpuCores, Metric::OtherCpuCores];
    let busy: f64 = all.into_iter().map(|metric| facts.metrics.get(&metric).copied()).sum::<Option<f64>>()?;
    let busy = busy + between(facts);
    let server = facts.metrics.get(&Metric::ServerCpuCores)?;
    let what = format!(
        "the machine was saturated: {busy:.1} of {} cores busy, {server:.1} of them with the server",
        facts.cores
    );
    // If other processes saturate the machine, `others` reports it.
    let full = busy > MACHINE * facts.cores as f64 && others(facts).is_none();
    full.then(|| Reason::new(Status::Suspect, what, "lower the rate or the number of clients, or use more cores"))
}

/// The cores used by nginx, the lab proxy and the link emulator: their load belongs to the run.
fn between(facts: &CellFacts<'_>) -> f64 {
    let all = [Metric::NginxCpuCores, Metric::LabProxyCpuCores, Metric::LinkCpuCores];
    all.into_iter().filter_map(|metric| facts.metrics.get(&metric)).sum()
}

pub(super) fn others(facts: &CellFacts<'_>) -> Option<Reason> {
    let of = |metric| facts.metrics.get(&metric).copied();
    let other = of(Metric::OtherCpuCores)?;
    let own = of(Metric::ServerCpuCores)? + of(Metric::ClientCpuCores)? + between(facts);
    let what = format!("other processes on the machine used {other:.1} of {} cores", facts.cores);
    let loud = other > OTHERS + OTHERS_SHARE * own;
    loud.then(|| Reason::new(Status::Suspect, what, "stop other programs, and measure again"))
}
