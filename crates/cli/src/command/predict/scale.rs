//! `feedlab predict --clients N`: estimates what N clients would need.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use feedlab_experiment::Scenario;
use feedlab_experiment::predict::scale::{
    Fleet, Limits, Need, Panel, RateComparison, RateCrossing, Reference, Resource, Study,
};
use feedlab_experiment::results::Results;
use feedlab_report::human::{self, ABSENT};
use feedlab_report::table::{Column, Table};
use serde::Serialize;

use super::{crossings, fleet};
use crate::command::run::table::transposed_text;
use crate::exit::bad_input;
use crate::output::{self, Format};

/// The flags of the estimate.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Scale on paper")]
pub(super) struct ScaleArgs {
    /// Number of clients, as in 1000000 or 1e6
    #[arg(long, value_name = "N", value_parser = clients)]
    clients: Option<f64>,

    /// The run whose costs are extrapolated [default: the newest run of the scenario in results/, or a built-in one]
    #[arg(long, value_name = "RUN", requires = "clients")]
    from: Option<PathBuf>,

    /// Draw a chart of the costs by number of clients, or with --map the map
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,

    /// Cores per server
    #[arg(long, value_name = "N", default_value_t = 4.0, value_parser = positive, requires = "clients")]
    cores: f64,

    /// How busy the cores may be
    #[arg(long, value_name = "SHARE", default_value = "60%", value_parser = share, requires = "clients")]
    busy: f64,

    /// Memory per server for connections, GiB
    #[arg(long, value_name = "GIB", default_value_t = 16.0, value_parser = positive, requires = "clients")]
    memory: f64,

    /// Bandwidth per server, Gbit/s, both directions together
    #[arg(long, value_name = "GBIT", default_value_t = 1.0, value_parser = positive, requires = "clients")]
    bandwidth: f64,

    /// Packets per second per server, both directions together
    #[arg(long, value_name = "N", default_value_t = 300_000.0, value_parser = positive, requires = "clients")]
    packets: f64,

    /// Descriptors per server
    #[arg(long, value_name = "N", default_value_t = 1_000_000.0, value_parser = positive, requires = "clients")]
    descriptors: f64,
}

impl ScaleArgs {
    /// Returns the number of clients to estimate for.
    pub(super) const fn clients(&self) -> Option<f64> {
        self.clients
    }

    /// Returns where to draw a chart.
    pub(super) fn chart(&self) -> Option<&Path> {
        self.chart.as_deref()
    }

    fn limits(&self) -> Limits {
        Limits {
            cores: self.cores * self.busy,
            memory_bytes: self.memory * 1024f64.powi(3),
            bits_per_s: self.bandwidth * 1e9,
            packets_per_s: self.packets,
            descriptors: self.descriptors,
        }
    }
}

fn clients(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.replace(['_', ','], "").parse().ok();
    number
        .filter(|number| (1.0..=1e12).contains(number) && number.fract() == 0.0)
        .ok_or_else(|| "must be a whole number of clients, as in 1000000 or 1e6".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.replace('_', "").parse().ok();
    number
        .filter(|number: &f64| number.is_finite() && *number > 0.0)
        .ok_or_else(|| "must be a number above 0".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let number = match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse().map(|percent: f64| percent / 100.0),
        None => text.trim().parse(),
    };
    number
        .ok()
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| "must be a share, as in 60% or 0.6".to_owned())
}

/// Extrapolates the costs, prints the estimate, and draws the chart.
pub(super) fn execute(args: &ScaleArgs, clients: f64, scenario: &Scenario, format: Format) -> anyhow::Result<()> {
    let reference = reference(args.from.as_deref(), scenario)?;
    let study = Study::new(scenario, &reference).map_err(bad_input)?;
    let limits = args.limits();
    let panels = study.panels(clients);
    let by_rate = study.rate_comparisons(clients);
    let needs = study.needs(clients, &limits);
    let answer = Answer {
        scenario: &scenario.name,
        reference: &reference.run,
        clients,
        fleets: study.fleets(&needs, &limits),
        needs,
        limits,
        rate_crossings: by_rate.as_deref().map(all_crossings),
        by_rate: by_rate.as_deref(),
        rate: study.updates_per_s(),
        assumptions: study.assumptions(),
        panels: &panels,
    };
    match format {
        Format::Text => output::data(&text(&answer))?,
        Format::Json => output::json_pretty(&answer)?,
    }
    args.chart().map_or(Ok(()), |file| draw(file, &answer))
}

/// Returns the costs of the given run, or of the scenario's newest run in `results/`, or of the built-in run.
fn reference(from: Option<&Path>, scenario: &Scenario) -> anyhow::Result<Reference> {
    if let Some(folder) = from {
        return Ok(Reference::of(&Results::read(folder).map_err(bad_input)?));
    }
    let found = Reference::newest(Path::new("results"), scenario);
    found.or_else(|| Reference::built_in().filter(|reference| reference.knows_all(scenario))).ok_or_else(|| {
        bad_input(anyhow::anyhow!(
            "the costs of the contenders of {} are unknown; run the scenario first (feedlab run SCENARIO), or choose a run \
             with --from",
            scenario.name
        ))
    })
}

/// Returns the crossings of all costs, in order of their rates.
fn all_crossings(comparisons: &[RateComparison]) -> Vec<&RateCrossing> {
    let mut all: Vec<&RateCrossing> = comparisons.iter().flat_map(|comparison| &comparison.crossings).collect();
    all.sort_by(|a, b| a.updates_per_s.total_cmp(&b.updates_per_s));
    all
}

/// The whole estimate.
#[derive(Serialize)]
struct Answer<'a> {
    scenario: &'a str,
    reference: &'a str,
    clients: f64,
    limits: Limits,
    needs: Vec<Need>,
    /// In the order of `needs`.
    fleets: Vec<Fleet>,
    /// `null` if not computed.
    rate_crossings: Option<Vec<&'a RateCrossing>>,
    #[serde(skip)]
    by_rate: Option<&'a [RateComparison]>,
    /// The feed's own rate, updates per second.
    #[serde(skip)]
    rate: f64,
    assumptions: Vec<String>,
    panels: &'a [Panel],
}

fn draw(file: &Path, answer: &Answer<'_>) -> anyhow::Result<()> {
    let caption =
        format!("Estimated costs of the clients of {}, from the measurements of {}", answer.scenario, answer.reference);
    let svg = feedlab_report::cost_chart(answer.panels, &caption)?;
    std::fs::write(file, svg).with_context(|| format!("cannot write {}", file.display()))?;
    output::advice(&format!("chart: {}", file.display()));
    Ok(())
}

fn text(answer: &Answer<'_>) -> String {
    let mut text = format!("Estimate for {} clients of {}\n\n", human::count(answer.clients), answer.scenario);
    let _ = writeln!(text, "{}\n", transposed_text(&table(&answer.needs)));
    let _ = writeln!(text, "The broker's load, and the connections that each server must accept:\n");
    let _ = writeln!(text, "{}\n", transposed_text(&fleet::table(&answer.fleets)));
    for line in crossings::lines(answer.panels, answer.by_rate, (answer.clients, answer.rate)) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "\nA server may use {}.\n\nThis assumes:", limits(&answer.limits));
    for assumption in &answer.assumptions {
        let _ = writeln!(text, "  - {assumption}");
    }
    text
}

fn table(needs: &[Need]) -> Table {
    const LINES: [&str; 9] = [
        "contender",
        "updates delivered",
        "requests",
        "CPU",
        "memory of the connections",
        "bandwidth on the wire",
        "packets",
        "descriptors",
        "servers",
    ];
    let column = |label: &str| Column { label: label.to_owned(), unit: String::new(), numeric: label != "contender" };
    Table { columns: LINES.map(column).into(), rows: needs.iter().map(row).collect() }
}

fn row(need: &Need) -> Vec<String> {
    let or_absent = |text: Option<String>| text.unwrap_or_else(|| ABSENT.to_owned());
    vec![
        need.label.clone(),
        format!("{}/s", human::rough(need.updates_per_s)),
        format!("{}/s", human::rough(need.requests_per_s)),
        or_absent(need.cores.map(cores)),
        or_absent(need.memory_bytes.map(human::size)),
        human::bits(need.bits_per_s),
        format!("{}/s", human::rough(need.packets_per_s)),
        or_absent(need.descriptors.map(human::rough)),
        format!("{} ({}-bound)", human::count(need.servers), resource(need.bound_by)),
    ]
}

fn cores(cores: f64) -> String {
    format!("{} core{}", human::rough(cores), if cores == 1.0 { "" } else { "s" })
}

const fn resource(resource: Resource) -> &'static str {
    match resource {
        Resource::Cpu => "CPU",
        Resource::Memory => "memory",
        Resource::Bandwidth => "bandwidth",
        Resource::Packets => "packet",
        Resource::Descriptors => "descriptor",
    }
}

fn limits(limits: &Limits) -> String {
    format!(
        "{}, {} of memory, {}, {} packets/s and {} descriptors",
        cores(limits.cores),
        human::size(limits.memory_bytes),
        human::bits(limits.bits_per_s),
        human::count(limits.packets_per_s),
        human::count(limits.descriptors)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_shares_have_several_formats() {
        for (text, number) in
            [("1000000", Some(1e6)), ("1e6", Some(1e6)), ("1_000_000", Some(1e6)), ("2,000", Some(2e3))]
        {
            assert_eq!(clients(text).ok(), number, "{text}");
        }
        for text in ["", "0", "-5", "1.5", "many", "1e300", "NaN"] {
            assert!(clients(text).is_err(), "{text}");
        }
        assert_eq!((share("60%"), share("0.6"), share(" 5 %")), (Ok(0.6), Ok(0.6), Ok(0.05)));
        assert!(share("0").is_err() && share("110%").is_err() && share("x").is_err());
        assert!(positive("inf").is_err() && positive("0").is_err() && positive("1_000").is_ok());
    }
}
