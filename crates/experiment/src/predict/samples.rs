//! The number of samples that a percentile will have, determined before anything is measured: a percentile that
//! requires more samples will be absent, and a threshold on it will be missed.

use std::fmt;
use std::ops::Add as _;
use std::time::Duration;

use super::model::FeedModel;
use crate::metric::Pooling;
use crate::plan::{self, Point};
use crate::scenario::{Fault, Source, Threshold};
use crate::statistics::SAMPLES_BEYOND;
use crate::{Metric, Scenario};

/// A percentile in a threshold that will have too few samples.
#[derive(Clone, Debug, PartialEq)]
pub struct OutOfReach {
    /// The metric.
    pub metric: Metric,
    /// What is measured: contender, clients and payload, as in a table.
    pub name: String,
    /// The expected number of samples.
    pub expected: f64,
    /// The required number of samples.
    pub needed: f64,
    sample: Sample,
    /// Values that would suffice, each on its own: clients, the measured time, repetitions.
    enough: Enough,
}

/// Values that would suffice, each on its own.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Enough {
    clients: Option<f64>,
    duration: Option<Duration>,
    repetitions: Option<f64>,
}

/// The samples of a percentile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sample {
    /// Updates, counted once per client, over all repetitions.
    Updates,
    /// Updates that clients publish in one repetition.
    Publications,
    /// Connections opened in one repetition, at least one per client.
    Connections,
    /// Connections that clients lose in one repetition.
    Losses,
}

/// Returns a metric's quantile and the kind of its samples; `None` if it is not a percentile, or if the number of its
/// samples is not known in advance.
fn percentile(metric: Metric) -> Option<(f64, Sample)> {
    match (metric, metric.row().pooling) {
        (_, Pooling::AgeQuantile(quantile)) => Some((quantile, Sample::Updates)),
        (Metric::AckP50, _) => Some((0.5, Sample::Publications)),
        (Metric::ConnectP50 | Metric::TlsP50 | Metric::RequestP50 | Metric::OpenP50, _) => {
            Some((0.5, Sample::Connections))
        }
        (Metric::ConnectP99, _) => Some((0.99, Sample::Connections)),
        (Metric::RecoveryP50 | Metric::ReconnectP50, _) => Some((0.5, Sample::Losses)),
        (Metric::RecoveryP99 | Metric::ReconnectP99, _) => Some((0.99, Sample::Losses)),
        _ => None,
    }
}

/// Returns the percentiles in a scenario's thresholds that will have too few samples, once per metric: for the
/// contender with the fewest.
#[must_use]
pub fn out_of_reach(scenario: &Scenario) -> Vec<OutOfReach> {
    let mut found: Vec<OutOfReach> = Vec::new();
    for threshold in &scenario.thresholds {
        let points = plan::points(scenario).into_iter().filter(|point| concerns(threshold, scenario, *point));
        let short = points.filter_map(|point| short_of(scenario, point, threshold.metric));
        let worst = short.min_by(|a, b| a.expected.total_cmp(&b.expected));
        found.extend(worst.filter(|worst| !found.iter().any(|other| other.metric == worst.metric)));
    }
    found
}

fn concerns(threshold: &Threshold, scenario: &Scenario, point: Point) -> bool {
    let contender = &scenario.contenders[point.contender];
    threshold.transport.is_none_or(|transport| transport == contender.transport())
        && threshold.contender.as_ref().is_none_or(|label| *label == contender.label)
}

fn short_of(scenario: &Scenario, point: Point, metric: Metric) -> Option<OutOfReach> {
    let (quantile, sample) = percentile(metric)?;
    let needed = (SAMPLES_BEYOND as f64 / (1.0 - quantile)).round();
    let (clients, repetitions) = (f64::from(point.clients), f64::from(scenario.measure.repetitions));
    let expected = match sample {
        Sample::Updates => updates(scenario, point)? * clients,
        Sample::Publications if matches!(scenario.feed.source, Source::Clients { .. }) => {
            updates(scenario, point)? / repetitions
        }
        Sample::Publications => return None,
        Sample::Connections => clients,
        Sample::Losses => losses(scenario, point)?,
    };
    let factor = needed / expected;
    let times = |amount: f64| (amount * factor).ceil();
    let is_finite = factor.is_finite();
    (expected < needed).then(|| OutOfReach {
        metric,
        name: crate::summary::name(&scenario.contenders[point.contender].label, point.clients, point.payload_bytes),
        expected,
        needed,
        sample,
        enough: Enough {
            // The publication rate applies to all clients together.
            clients: (is_finite && sample != Sample::Publications).then(|| times(clients)),
            duration: (is_finite && matches!(sample, Sample::Updates | Sample::Publications))
                .then(|| Duration::from_secs(times(scenario.measure.duration.as_secs_f64()) as u64)),
            repetitions: (is_finite && sample == Sample::Updates).then(|| times(repetitions)),
        },
    })
}

/// Returns the number of connections that the clients of a point lose in the measured time of a repetition, as
/// predicted. If the prediction depends on chance, the number if each fault ends every connection that it may, one per
/// client; `None` if something else also ends connections, as a target may.
fn losses(scenario: &Scenario, point: Point) -> Option<f64> {
    let predicted = super::prediction(scenario, point)?.predicted.metrics.get(&Metric::Reconnects).copied();
    let contender = &scenario.contenders[point.contender];
    let is_by_faults_alone =
        !contender.is_auto() && scenario.network.is_none_or(|network| network.idle_timeout.is_none());
    let hits = |fault: &Fault| fault.share * fault.times(scenario.measure.duration).count() as f64;
    let by_faults = || scenario.faults.iter().map(hits).fold(0.0, f64::add) * f64::from(point.clients);
    let of_all = predicted.map(|sum| sum / f64::from(scenario.measure.repetitions));
    of_all.or_else(|| is_by_faults_alone.then(by_faults))
}

/// Returns the number of updates due in the measured time of all repetitions; `None` if a target publishes a feed of its
/// own.
fn updates(scenario: &Scenario, point: Point) -> Option<f64> {
    let target = scenario.target(&scenario.contenders[point.contender]);
    if target.is_some_and(|target| target.publish.is_none()) {
        return None;
    }
    let feeds = FeedModel::of(scenario, point.payload_bytes);
    let each = feeds.iter().map(|feed| feed.updates).sum::<f64>() / feeds.len() as f64;
    each.is_finite().then(|| each * f64::from(scenario.measure.repetitions))
}

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { metric, name, expected, needed, sample, enough } = self;
        write!(
            f,
            "{metric} will not be measured: it requires {needed} samples, but {name} will have about \
                   {expected:.0}; "
        )?;
        let Enough { clients, duration, repetitions } = enough;
        let remedies = [
            clients.map(|clients| format!("the clients to {clients}")),
            duration.map(|duration| format!("the duration to {}", humantime::format_duration(duration))),
            repetitions.map(|repetitions| format!("the repetitions to {repetitions}")),
        ];
        match remedies.into_iter().flatten().collect::<Vec<_>>().split_last() {
            None if *sample == Sample::Losses => f.write_str("nothing ends a connection: add a [[fault]]"),
            None => f.write_str("nothing falls due in the measured time: measure longer"),
            Some((path, [])) => write!(f, "raise {path}"),
            Some((last, [path])) => write!(f, "raise {path} or {last}"),
            Some((last, remedies)) => write!(f, "raise {}, or {last}", remedies.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Five clients that receive 5 updates/s.
    fn scenario(measure: &str, threshold: &str) -> Scenario {
        let text = format!(
            "schema = 1\nname = \"t\"\nfeed = {{ source = \"synthetic\", updates_per_s = 5 }}\nclients = {{ count = 5 }}\n\
             measure = {{ {measure} }}\ncontender = [{{ transport = \"sse\" }}]\n\
             threshold = [{{ metric = \"{threshold}\", expect = \"< 5\" }}]"
        );
        Scenario::parse(&text, Path::new("t.toml")).unwrap()
    }

    fn messages(measure: &str, threshold: &str) -> Vec<String> {
        out_of_reach(&scenario(measure, threshold)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn h5_a_percentile_without_samples_is_detected_before_the_run() {
        let expected = "age_p99_us will not be measured: it requires 1000 samples, but SSE, 5 clients will have about 250; raise the \
                        clients to 20, the duration to 40s, or the repetitions to 4";
        assert_eq!(messages("duration = \"10s\"", "age_p99_us"), [expected]);
        assert_eq!(messages("duration = \"10s\", repetitions = 4", "age_p99_us"), [""; 0]);
        assert_eq!(messages("duration = \"40s\"", "age_p99_us"), [""; 0]);
        assert_eq!(messages("duration = \"10s\"", "age_p50_us"), [""; 0]);
        assert_eq!(messages("duration = \"10s\"", "updates_missed"), [""; 0]);
    }

    #[test]
    fn h5_connections_are_samples_of_one_repetition_regardless_of_time() {
        let expected = "connect_p50_us will not be measured: it requires 20 samples, but SSE, 5 clients will have about 5; raise the \
                        clients to 20";
        assert_eq!(messages("duration = \"10s\", repetitions = 9", "connect_p50_us"), [expected]);
    }

    /// Two faults, one of which affects half of the clients: 150 losses with 100 clients.
    #[test]
    fn h5_a_client_reconnects_once_per_fault() {
        let messages = |metric: &str, clients: u32, more: &str| {
            let text = format!(
                "schema = 1\nname = \"t\"\nfeed = {{ source = \"synthetic\", updates_per_s = 5 }}\nclients = {{ count = {clients} }}\n\
                 measure = {{ duration = \"20s\", repetitions = 3 }}\ncontender = [{{ transport = \"sse\" }}]\n{more}\n\
                 threshold = [{{ metric = \"{metric}\", expect = \"< 5\" }}]"
            );
            let scenario = Scenario::parse(&text, Path::new("t.toml")).unwrap();
            out_of_reach(&scenario).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let cuts = "fault = [{ at = \"2s\", kind = \"cut\" }, { at = \"9s\", kind = \"reset\", share = 0.5 }]";
        // How often a client finds no server during a restart depends on chance, but it is a single loss.
        let deployments = "fault = [{ at = \"2s\", every = \"9s\", kind = \"restart\", for = \"1s\" }]";
        for (metric, clients, faults, miss) in [
            (
                "reconnect_p99_us",
                100,
                cuts,
                "requires 1000 samples, but SSE, 100 clients will have about 150; raise the clients to 667",
            ),
            (
                "recovery_p99_us",
                100,
                cuts,
                "requires 1000 samples, but SSE, 100 clients will have about 150; raise the clients to 667",
            ),
            ("reconnect_p99_us", 667, cuts, ""),
            ("reconnect_p50_us", 100, cuts, ""),
            ("reconnect_p99_us", 100, deployments, "will have about 200; raise the clients to 500"),
            ("reconnect_p50_us", 100, "", "will have about 0; nothing ends a connection: add a [[fault]]"),
            // Clients that are idle for longer are cut off too.
            (
                "reconnect_p50_us",
                5,
                "network = { idle_timeout = \"10s\" }\nfault = [{ at = \"2s\", kind = \"refuse\", for = \"1s\" }]",
                "",
            ),
        ] {
            let messages = messages(metric, clients, faults).concat();
            assert!(
                messages.ends_with(miss) && messages.is_empty() == miss.is_empty(),
                "{metric} {faults}: {messages}"
            );
        }
    }

    #[test]
    fn the_samples_of_a_target_are_known_if_it_is_published_to() {
        let expected = |own: &str| {
            let text = format!(
                "schema = 1\nname = \"t\"\nfeed = {{ source = \"synthetic\", updates_per_s = 5 }}\nclients = {{ count = 5 }}\n\
                 measure = {{ duration = \"10s\" }}\ncontender = [{{ transport = \"sse\", target = \"a\" }}]\n\
                 threshold = [{{ metric = \"age_p99_us\", expect = \"< 5\" }}, {{ metric = \"reconnect_p50_us\", expect = \"< 5\" }}]\n\
                 [target.a]\nurl = \"http://127.0.0.1:1\"\nsse = \"/\"\n{own}"
            );
            let scenario = Scenario::parse(&text, Path::new("t.toml")).unwrap();
            out_of_reach(&scenario).iter().map(|found| found.expected).collect::<Vec<_>>()
        };
        assert_eq!(expected("publish = { path = \"/\" }"), [250.0]);
        assert_eq!(expected("stamp = { seq = \"/a\", at = \"/b\" }"), [0.0; 0]);
    }

    #[test]
    fn h5_more_clients_do_not_publish_more_in_total() {
        let text = "schema = 1\nname = \"t\"\nfeed = { source = \"clients\", updates_per_s = 1 }\nclients = { count = 5 }\n\
                    measure = { duration = \"10s\" }\ncontender = [{ transport = \"websocket\" }]\n\
                    threshold = [{ metric = \"ack_p50_us\", expect = \"< 5\" }]";
        let scenario = Scenario::parse(text, Path::new("t.toml")).unwrap();
        let messages: Vec<String> = out_of_reach(&scenario).iter().map(ToString::to_string).collect();
        let expected = "ack_p50_us will not be measured: it requires 20 samples, but WebSocket, 5 clients will have about 10; raise the \
                        duration to 20s";
        assert_eq!(messages, [expected]);
    }
}
