//! Checks of the clocks, which ages are computed from, and of the timers and other programs' load, which delay updates.

use std::thread::sleep;
use std::time::Duration;

use feedlab_feed::clock;
use feedlab_feed::process::{HostLoad, TICK_US};
use feedlab_report::human;

use super::check::{Check, Mark, NOT_REPORTED};

/// How long the clocks are observed.
const WATCHED: Duration = Duration::from_millis(200);

/// A time service slews the clock by at most 500 ppm (adjtimex(2)); anything more is a step.
const SLEW_US: f64 = 100.0;
const STEP_US: f64 = 10_000.0;

/// The number of short sleeps that are timed, and the length of each.
const SLEEPS: usize = 100;
const SLEEP: Duration = Duration::from_millis(1);

/// Ages of a push over loopback are below the first limit; beyond the second, a run is invalid (`schedule_lag_p99_us`).
const LATE_US: f64 = 1_000.0;
const TOO_LATE_US: f64 = 100_000.0;

/// What was observed while this process was idle.
pub(super) struct Baseline {
    /// How far the wall clock moved relative to the monotonic one, µs.
    pub(super) clock_step_us: i64,
    /// CPU time of the whole machine per second, s.
    pub(super) busy_cores: Option<f64>,
}

/// Observes the machine while this process is idle.
pub(super) fn watch() -> Baseline {
    let (began, busy) = (clock::now(), HostLoad::now().cpu_busy_ticks);
    let ahead = clock::wall_ahead_us(began);
    sleep(WATCHED);
    let clock_step_us = clock::wall_ahead_us(began) - ahead;
    let ticks = HostLoad::now().cpu_busy_ticks.zip(busy).map(|(after, before)| after.saturating_sub(before));
    let busy_cores = ticks.map(|ticks| (ticks * TICK_US) as f64 / clock::micros(began.elapsed()) as f64);
    Baseline { clock_step_us, busy_cores }
}

pub(super) fn clock(step_us: i64) -> Check {
    let step = step_us.unsigned_abs() as f64;
    let found =
        format!("wall and monotonic clock drifted apart by {} in {}", human::time(step), human::duration(WATCHED));
    let fix = "wait until the time service has settled (`timedatectl`, `chronyc tracking`)";
    Check::graded("clock", Mark::above(step, SLEW_US, STEP_US), found, fix)
}

pub(super) fn clock_source(source: Option<&str>) -> Check {
    let name = "clock source";
    match source {
        None => Check::ok(name, NOT_REPORTED),
        // These are read through the kernel or an I/O port, which takes a microsecond or more (clocksource.rst).
        Some(slow @ ("hpet" | "acpi_pm" | "jiffies" | "refined-jiffies")) => Check::warn(
            name,
            format!("{slow}: slow to read"),
            "boot with tsc=reliable, or give the virtual machine a paravirtual clock",
        ),
        Some(source) => Check::ok(name, source),
    }
}

/// Returns how late the 99th of a hundred sleeps of 1 ms was, µs.
pub(super) fn late_p99_us() -> f64 {
    let mut late: Vec<u64> = (0..SLEEPS)
        .map(|_| {
            let began = clock::now();
            sleep(SLEEP);
            clock::micros(began.elapsed().saturating_sub(SLEEP))
        })
        .collect();
    late.sort_unstable();
    late[SLEEPS * 99 / 100 - 1] as f64
}

pub(super) fn timers(late_us: f64) -> Check {
    let found = format!("a sleep of 1 ms is up to {} late (p99)", human::time(late_us));
    let fix = "close other programs, or measure on a dedicated machine";
    Check::graded("timers", Mark::above(late_us, LATE_US, TOO_LATE_US), found, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_graded_by_their_effect_on_ages() {
        for (check, mark) in [
            (clock(-3), Mark::Ok),
            (clock(-150), Mark::Warn),
            (clock(20_000), Mark::Fail),
            (clock_source(Some("tsc")), Mark::Ok),
            (clock_source(Some("hpet")), Mark::Warn),
            (clock_source(None), Mark::Ok),
            (timers(120.0), Mark::Ok),
            (timers(4_000.0), Mark::Warn),
            (timers(150_000.0), Mark::Fail),
        ] {
            assert_eq!(check.mark, mark, "{check:?}");
        }
    }

    #[test]
    fn the_baseline_has_a_clock_and_on_linux_a_load() {
        let baseline = watch();
        assert!(baseline.clock_step_us.abs() < 1_000_000, "a second in a fifth of one: {}", baseline.clock_step_us);
        assert!(baseline.busy_cores.is_some() || !cfg!(target_os = "linux"));
        assert!(late_p99_us() >= 0.0, "a timer never fires early");
    }
}
