//! Validation: from the file as written to the [`Scenario`], with defaults filled in and contradictions rejected at
//! their position.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::error::{FieldError, FieldErrors};
use super::written::{self, At, Written};
use super::{Clients, Measure, Scenario, ScenarioError, SlowClients};

mod bounds;
mod contender;
mod drain;
mod fault;
mod feed;
mod lab;
mod link;
mod precision;
mod target;
mod threshold;

pub(super) use target::target_file;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
/// The maximum number of cells: as many take more than a day. Each is planned, predicted and kept in memory.
const MOST_CELLS: usize = 10_000;

pub(super) fn scenario(text: &str, file: &Path) -> Result<Scenario, ScenarioError> {
    let folder = file.parent().unwrap_or(Path::new(""));
    resolved(text, folder).map_err(|errors| errors.locate(text, file))
}

/// Validates all independent parts first, so that as many errors as possible are reported at once; then the parts that
/// depend on others.
fn resolved(text: &str, folder: &Path) -> Result<Scenario, FieldErrors> {
    check_schema(text)?;
    let written: Written = toml::from_str(text)?;
    let mut errors = FieldErrors::default();
    let name = errors.take(name(&written.name));
    let question = errors.take(question(written.question.as_ref()));
    let seed = errors.take(bounds::whole("seed", written.seed.as_ref(), 0..=i64::MAX, 1));
    let feed = errors.take(feed::feed(&written.feed, folder));
    let clients = errors.take(clients(&written.clients));
    let network = errors.take(written.network.as_ref().map(link::network).transpose());
    let measure = errors.take(measure(&written.measure));
    let targets = errors.take(target::targets(&written.target));
    let contenders = errors.take(contender::contenders(&written.contender));
    let thresholds = contenders.as_ref().map(|contenders| threshold::thresholds(&written.threshold, contenders));
    let thresholds = thresholds.and_then(|thresholds| errors.take(thresholds));
    let (
        Some(name),
        Some(question),
        Some(seed),
        Some(feed),
        Some(clients),
        Some(network),
        Some(mut measure),
        Some(targets),
        Some(contenders),
        Some(thresholds),
    ) = (name, question, seed, feed, clients, network, measure, targets, contenders, thresholds)
    else {
        return Err(errors);
    };
    let (network, link) = network.unzip();
    let link = link.flatten();
    target::measured(&written, &targets, &feed)?;
    let nginx = lab::nginx(written.nginx.as_ref(), &written.contender, &feed)?;
    let lab = fault::Lab {
        contenders: &written.contender,
        feed: &feed,
        measure: &measure,
        upstreams: nginx.upstreams,
        is_link: link.is_some(),
    };
    let faults = lab.faults(&written.fault)?;
    lab::addresses(written.nginx.as_ref(), network.as_ref(), &faults)?;
    contender::stamps(&written.contender, &feed)?;
    let inputs = drain::DrainInputs {
        contenders: &contenders,
        network: network.as_ref(),
        link: link.as_ref(),
        source: &feed.source,
        faults: &faults,
    };
    measure.drain = drain::drain(&written.measure, &inputs)?;
    lab::servers(&written, &feed, !faults.is_empty())?;
    let mut scenario = Scenario {
        name,
        question,
        seed,
        clients,
        nginx,
        feed,
        network,
        link,
        faults,
        measure,
        precision: None,
        targets,
        contenders,
        thresholds,
    };
    check_cells(&scenario, &written)?;
    scenario.precision = precision::precision(&written.measure, &scenario)?;
    Ok(scenario)
}

/// Four sweeps within their own bounds can still multiply to billions.
fn check_cells(scenario: &Scenario, written: &Written) -> Result<(), FieldError> {
    let payloads = scenario.feed.source.payload_sweep().len();
    let points = [scenario.contenders.len(), scenario.clients.count.len(), payloads];
    let cells = points.into_iter().fold(scenario.measure.repetitions as usize, usize::saturating_mul);
    if cells <= MOST_CELLS {
        return Ok(());
    }
    let problem = format!(
        "the scenario has {cells} cells (contenders, client counts, payload sizes and repetitions, multiplied); it may \
         have at most {MOST_CELLS}, so give fewer of them"
    );
    Err(FieldError::at(&written.clients.count, problem))
}

/// The version determines the meaning of every other key, so it is checked first and separately.
fn check_schema(text: &str) -> Result<(), FieldError> {
    if is_current(text)? {
        return Ok(());
    }
    Err(FieldError::new(0..0, "the key `schema` is missing; start the file with `schema = 1`"))
}

/// Whether the text names the version; an error if it is another one.
fn is_current(text: &str) -> Result<bool, FieldError> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: Option<At<i64>>,
    }
    let Versioned { schema } = toml::from_str(text)?;
    match schema {
        Some(schema) if *schema != 1 => {
            let problem = format!("`schema` is {}, but this version of feedlab reads 1; write `schema = 1`", *schema);
            Err(FieldError::at(&schema, problem))
        }
        schema => Ok(schema.is_some()),
    }
}

fn name(written: &At<String>) -> Result<String, FieldError> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if written.is_empty() || written.len() > 64 || !written.chars().all(good) {
        let problem = format!("{:?} cannot name a folder; use 1 to 64 letters, digits, `-` and `_`", written.as_str());
        return Err(FieldError::at(written, problem));
    }
    Ok(written.to_string())
}

fn question(written: Option<&At<String>>) -> Result<String, FieldError> {
    let Some(written) = written else { return Ok("How fresh is each contender, and what does it cost?".to_owned()) };
    bounds::shown("question", written)?;
    Ok(written.to_string())
}

fn clients(written: &written::Clients) -> Result<Clients, FieldError> {
    Ok(Clients {
        count: bounds::sweep("count", &written.count, 1..=1_000_000)?.into_iter().map(|n| n as u32).collect(),
        ramp: bounds::duration("ramp", written.ramp.as_ref(), Duration::ZERO..=HOUR, SECOND)?,
        headers: written.headers,
        slow: written.slow.as_ref().map(slow).transpose()?,
        churn: written.churn.as_ref().map(|churn| bounds::percent("churn", churn)).transpose()?,
    })
}

fn slow(written: &written::SlowClients) -> Result<SlowClients, FieldError> {
    Ok(SlowClients {
        count: bounds::whole("count", Some(&written.count), 1..=10_000, 1)?,
        bytes_per_s: bounds::whole("bytes_per_s", Some(&written.bytes_per_s), 1..=1_000_000_000, 1)?,
    })
}

/// Validates the phases except the drain: see [`drain`].
fn measure(written: &written::Measure) -> Result<Measure, FieldError> {
    Ok(Measure {
        settle: bounds::duration("settle", written.settle.as_ref(), Duration::ZERO..=HOUR, SECOND)?,
        warm_up: bounds::duration("warm_up", written.warm_up.as_ref(), Duration::ZERO..=HOUR, 2 * SECOND)?,
        duration: bounds::duration("duration", written.duration.as_ref(), SECOND / 10..=24 * HOUR, 10 * SECOND)?,
        drain: Duration::ZERO,
        repetitions: precision::repetitions(written)?,
    })
}

#[cfg(test)]
mod tests;
