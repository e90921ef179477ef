//! Clocks and timers, and who else is busy: what ages are read from, and what makes them late.

use std::thread::sleep;
use std::time::Duration;

use feedlab_feed::clock;
use feedlab_feed::process::{HostLoad, TICK_US};
use feedlab_report::human;

use super::check::{Check, Mark, NOT_TOLD};

/// How long the clocks are watched.
const WATCHED: Duration = Duration::from_millis(200);

/// A time service slews the clock by at most 500 ppm (adjtimex(2)); what is more was a step.
const SLEW_US: f64 = 100.0;
const STEP_US: f64 = 10_000.0;

/// Short sleeps that are timed, and how long each is.
const SLEEPS: usize = 100;
const SLEEP: Duration = Duration::from_millis(1);

/// Ages of a push over loopback are below the first; beyond the second a run is invalid (`schedule_lag_p99_us`).
const LATE_US: f64 = 1_000.0;
const TOO_LATE_US: f64 = 100_000.0;

/// What was seen in a moment of doing nothing.
pub(super) struct Quiet {
    /// How far the wall clock went from the monotonic one, µs.
    pub(super) clock_step_us: i64,
    /// CPU time of the whole machine in each second, s.
    pub(super) busy_cores: Option<f64>,
}

/// Does nothing for a moment, and sees what goes on meanwhile.
pub(super) fn watch() -> Quiet {
    let (began, busy) = (clock::now(), HostLoad::now().cpu_busy_ticks);
    let ahead = clock::wall_ahead_us(began);
    sleep(WATCHED);
    let clock_step_us = clock::wall_ahead_us(began) - ahead;
    let ticks = HostLoad::now().cpu_busy_ticks.zip(busy).map(|(after, before)| after.saturating_sub(before));
    let busy_cores = ticks.map(|ticks| (ticks * TICK_US) as f64 / clock::micros(began.elapsed()) as f64);
    Quiet { clock_step_us, busy_cores }
}

pub(super) fn clock(step_us: i64) -> Check {
    let step = step_us.unsigned_abs() as f64;
    let found = format!("wall and monotonic clock went apart by {} in {}", human::time(step), human::duration(WATCHED));
    let fix = "wait until the time service has settled (`timedatectl`, `chronyc tracking`)";
    Check::graded("clock", Mark::above(step, SLEW_US, STEP_US), found, fix)
}

pub(super) fn clock_source(source: Option<&str>) -> Check {
    let name = "clock source";
    match source {
        None => Check::ok(name, NOT_TOLD),
        // These are read through the kernel, or a port: a microsecond and more each time (clocksource.rst).
        Some(slow @ ("hpet" | "acpi_pm" | "jiffies" | "refined-jiffies")) => Check::warn(
            name,
            format!("{slow}: slow to read"),
            "boot with tsc=reliable, or give the virtual machine a paravirtual clock",
        ),
        Some(source) => Check::ok(name, source),
    }
}

/// How late the 99th of a hundred sleeps of a millisecond was, µs.
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
    let fix = "close other programs, or measure on a machine of your own";
    Check::graded("timers", Mark::above(late_us, LATE_US, TOO_LATE_US), found, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_graded_by_what_they_do_to_ages() {
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
    fn a_quiet_moment_has_a_clock_and_on_linux_a_load() {
        let quiet = watch();
        assert!(quiet.clock_step_us.abs() < 1_000_000, "a second in a fifth of one: {}", quiet.clock_step_us);
        assert!(quiet.busy_cores.is_some() || !cfg!(target_os = "linux"));
        assert!(late_p99_us() >= 0.0, "a timer never fires early");
    }
}
