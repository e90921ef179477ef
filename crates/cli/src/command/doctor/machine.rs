//! Checks of the cores, the memory, and the build of feedlab.

use feedlab_report::human;

use super::check::{Check, Mark, NOT_REPORTED};

const MIB: f64 = 1024.0 * 1024.0;

/// Available memory that is ample for 2,000 clients and their server, and that is enough for the small scenarios,
/// bytes.
const ENOUGH_MEMORY: f64 = 1024.0 * MIB;
const LITTLE_MEMORY: f64 = 128.0 * MIB;

/// Memory in swap that is harmless, bytes: pages that no process has used since.
const COLD_PAGES: f64 = 64.0 * MIB;

/// Other load below this share of the machine is normal.
const OTHER_LOAD: f64 = 0.1;

pub(super) fn cores(cores: Option<usize>) -> Check {
    let name = "cores";
    match cores {
        None => Check::ok(name, NOT_REPORTED),
        Some(1) => Check::warn(name, "1: server and load generator take turns", "use a machine with two cores or more"),
        Some(cores) => Check::ok(name, cores.to_string()),
    }
}

/// `busy`: CPU time of all processes per second, s.
pub(super) fn load(busy: Option<f64>, cores: Option<usize>) -> Check {
    let Some((busy, cores)) = busy.zip(cores) else { return Check::ok("load", NOT_REPORTED) };
    let found = format!("{} of {cores} cores busy now", human::count((busy * 10.0).round() / 10.0));
    let mark = Mark::above(busy, OTHER_LOAD * cores as f64, f64::INFINITY);
    Check::graded("load", mark, found, "close other programs, or wait until they finish")
}

pub(super) fn governor(governor: Option<&str>) -> Check {
    let name = "CPU governor";
    match governor {
        None => Check::ok(name, "none, as in most virtual machines"),
        Some("performance") => Check::ok(name, "performance"),
        Some(other) => Check::warn(
            name,
            format!("{other}: the speed of the cores depends on the load"),
            "sudo cpupower frequency-set -g performance",
        ),
    }
}

pub(super) fn memory(available: Option<u64>) -> Check {
    let Some(available) = available else { return Check::ok("memory", NOT_REPORTED) };
    let found = format!("{} available", human::size(available as f64));
    let mark = Mark::below(available as f64, ENOUGH_MEMORY, LITTLE_MEMORY);
    Check::graded("memory", mark, found, "close other programs")
}

pub(super) fn swap(used: Option<u64>) -> Check {
    let Some(used) = used else { return Check::ok("swap", NOT_REPORTED) };
    let found = if used == 0 { "not in use".to_owned() } else { format!("{} in use", human::size(used as f64)) };
    let mark = Mark::above(used as f64, COLD_PAGES, f64::INFINITY);
    Check::graded("swap", mark, found, "close other programs, then `sudo swapoff -a && sudo swapon -a`")
}

/// `structures`: memory of the kernel's structures for one socket, bytes, if the kernel reports it.
pub(super) fn kernel_memory(structures: Option<u64>) -> Check {
    let name = "kernel memory";
    match structures {
        Some(bytes) => {
            Check::ok(name, format!("{} for the structures of a socket (/proc/slabinfo)", human::size(bytes as f64)))
        }
        None => Check::warn(
            name,
            "/proc/slabinfo cannot be read: kernel_bytes_per_connection will be missing",
            "sudo chmod a+r /proc/slabinfo, or run as root",
        ),
    }
}

pub(super) fn build(is_debug: bool) -> Check {
    if is_debug {
        let fix = "cargo build --release, or `cargo run --release -- …`";
        Check::warn("build", "without optimization: every run is suspect", fix)
    } else {
        Check::ok("build", "optimized")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_disturbs_measurements_gets_a_warning() {
        for (check, mark) in [
            (cores(Some(1)), Mark::Warn),
            (cores(Some(2)), Mark::Ok),
            (load(Some(0.1), Some(2)), Mark::Ok),
            (load(Some(0.3), Some(2)), Mark::Warn),
            (load(Some(0.3), Some(16)), Mark::Ok),
            (load(None, Some(2)), Mark::Ok),
            (governor(None), Mark::Ok),
            (governor(Some("powersave")), Mark::Warn),
            (memory(Some(2 << 30)), Mark::Ok),
            (memory(Some(512 << 20)), Mark::Warn),
            (memory(Some(100 << 20)), Mark::Fail),
            (swap(Some(0)), Mark::Ok),
            (swap(Some(1 << 30)), Mark::Warn),
            (kernel_memory(Some(3712)), Mark::Ok),
            (kernel_memory(None), Mark::Warn),
            (build(true), Mark::Warn),
            (build(false), Mark::Ok),
        ] {
            assert_eq!(check.mark, mark, "{check:?}");
            assert_eq!(check.fix.is_some(), mark != Mark::Ok, "{check:?}");
        }
    }
}
