//! `feedlab doctor`: checks whether this machine can measure, and prints one line per check, with the remedy.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use feedlab_feed::process::{self, Host, HostLoad, Machine};
use serde::Serialize;

use crate::calibration::{self, Found};
use crate::exit::Exit;
use crate::network::obstacle;
use crate::output::{self, Format};

mod calibrate;
mod check;
mod machine;
mod network;
mod programs;
mod tcp;
mod timing;

use check::{Check, Mark};

/// Check this machine: can it measure, and what would improve it?
///
/// Checks limits, ports, TCP, clocks, timers, cores, memory and the programs that some lessons use. Prints one line per
/// check, with the finding and the remedy. Takes half a second and changes nothing.
///
/// A calibration measures once what the load generator can drive on this machine; later runs warn before they begin if a
/// cell asks for more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab doctor
  feedlab doctor --calibrate
  feedlab doctor --format json | jq '.checks[] | select(.mark != \"ok\")'

Exit status:
    0  no check fails; there may be warnings
    1  a problem would make runs fail or be invalid
  130  the calibration was interrupted

Next:
  feedlab run scenarios/quick.toml    every run also checks itself")]
pub(crate) struct Args {
    /// Output format of the checks: text, or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Measure how many updates per second and how many clients the load generator can drive over each transport before
    /// its own delay shows. Takes about a minute and a half, and is kept in $XDG_STATE_HOME/feedlab/calibration.json
    /// (default: ~/.local/state)
    #[arg(long)]
    calibrate: bool,
}

/// All checks, in the order in which they are printed.
#[derive(Debug, Serialize)]
struct Findings {
    checks: Vec<Check>,
}

/// Runs the checks and prints them. Fails if a run would fail.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    if args.calibrate && calibrate::calibrate()?.is_none() {
        return Ok(Exit::Interrupted);
    }
    let findings = Findings { checks: all()? };
    match args.format {
        Format::Text => output::data(&text(&findings.checks, std::io::stdout().is_terminal() && !output::no_color()))?,
        Format::Json => output::json_pretty(&findings)?,
    }
    let fails = findings.checks.iter().any(|check| check.mark == Mark::Fail);
    Ok(if fails { Exit::Failed } else { Exit::Done })
}

fn all() -> anyhow::Result<Vec<Check>> {
    let (host, machine) = (Host::now(), Machine::this());
    let tcp = machine.tcp.clone().unwrap_or_default();
    // Before anything else starts: the load at this moment is that of other programs.
    let quiet = timing::watch();
    let mut checks = vec![
        network::descriptors(host.open_files),
        network::ports(host.ephemeral_ports),
        network::accounts(network::loopback_is_accounted()),
        network::timestamps(host.tcp_timestamps),
        tcp::congestion_control(&tcp),
        tcp::loss_recovery(&tcp),
        tcp::buffers(&tcp),
        network::namespaces(obstacle().as_ref()),
        timing::clock(quiet.clock_step_us),
        timing::clock_source(host.clock_source.as_deref()),
        timing::timers(timing::late_p99_us()),
        machine::cores(machine.cores),
        machine::load(quiet.busy_cores, machine.cores),
        machine::governor(host.governor.as_deref()),
        machine::memory(HostLoad::now().memory_available_bytes),
        machine::swap(host.swap_used_bytes),
        machine::kernel_memory(process::socket_structures_bytes()),
        machine::build(cfg!(debug_assertions)),
        calibration(calibration::read()),
    ];
    checks.append(&mut programs::all()?);
    Ok(checks)
}

fn calibration(found: Found) -> Check {
    let name = "calibration";
    match found {
        Found::Nothing => Check::ok(name, "not calibrated: feedlab doctor --calibrate"),
        Found::Own(own) => match own.disturbed() {
            None => Check::ok(name, calibrate::describe(&own)),
            Some(cores) => Check::warn(
                name,
                format!("{}, but other programs used {cores:.1} cores meanwhile", calibrate::describe(&own)),
                "close other programs, then feedlab doctor --calibrate",
            ),
        },
        Found::Foreign(why) => Check::warn(name, format!("ignored: {why}"), "feedlab doctor --calibrate"),
    }
}

fn text(checks: &[Check], colored: bool) -> String {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        let Check { name, mark, found, fix } = check;
        let fix = fix.as_ref().map_or_else(String::new, |fix| format!(" → {fix}"));
        let _ = writeln!(text, "{}  {name:<width$}  {found}{fix}", mark.padded(colored));
    }
    text + "\n" + &conclusion(checks) + "\n"
}

fn conclusion(checks: &[Check]) -> String {
    let count = |mark| checks.iter().filter(|check| check.mark == mark).count();
    let problems = |count: usize| if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
    let warned = |count: usize| if count == 1 { "1 warning".to_owned() } else { format!("{count} warnings") };
    match (count(Mark::Fail), count(Mark::Warn)) {
        (0, 0) => "this machine can measure".to_owned(),
        (0, warnings) => format!("this machine can measure; {}", warned(warnings)),
        (failures, _) => format!("{} would make runs fail", problems(failures)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks() -> Vec<Check> {
        vec![
            Check::ok("cores", "4"),
            Check::warn("swap", "1 GiB in use", "close other programs"),
            Check::fail("descriptors", "64", "raise the limit"),
        ]
    }

    #[test]
    fn one_line_per_check_in_columns() {
        insta::assert_snapshot!(text(&checks(), false));
    }

    #[test]
    fn only_the_marks_are_colored() {
        let plain = ["\u{1b}[32m", "\u{1b}[33m", "\u{1b}[31m", "\u{1b}[0m"]
            .into_iter()
            .fold(text(&checks(), true), |text, code| text.replace(code, ""));
        assert_eq!(plain, text(&checks(), false));
    }

    #[test]
    fn the_last_line_counts_failures_before_warnings() {
        let mut checks = checks();
        assert_eq!(conclusion(&checks), "1 problem would make runs fail");
        checks.pop();
        assert_eq!(conclusion(&checks), "this machine can measure; 1 warning");
        checks.pop();
        assert_eq!(conclusion(&checks), "this machine can measure");
    }
}
