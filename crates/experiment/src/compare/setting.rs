//! Differences between two runs apart from the results: their scenarios and conditions.

use std::fmt;
use std::path::Path;

use feedlab_feed::process::{BufferRange, TcpSettings};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::record::Manifest;
use crate::scenario::{Scenario, Source};

/// A setting that differs between two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The name: `feed.updates_per_s`, or a word such as `kernel`.
    pub name: String,
    /// The value in the first run.
    pub a: String,
    /// The value in the second run.
    pub b: String,
}

impl Setting {
    /// Returns the difference as a sentence with the names of the two runs.
    #[must_use]
    pub fn between(&self, a: &str, b: &str) -> String {
        format!("{} is {} in {a} and {} in {b}", self.name, self.a, self.b)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.between("A", "B"))
    }
}

/// Shown if a figure is not known, or a key is not set.
const ABSENT: &str = "not known";
const NOT_SET: &str = "not set";

/// Returns the differences because of which two runs are not of the same scenario: in the feed, the clients, the phases
/// and the contenders. Name, question, seed and thresholds do not affect the measurement; the number of repetitions
/// and the precision affect only its certainty; and a recording is identified by its file name, because checkouts have different paths.
#[must_use]
pub fn scenario_differences(a: &Scenario, b: &Scenario) -> Vec<Setting> {
    let (mut a, mut b) = (as_measured(a), as_measured(b));
    let mut found = Vec::new();
    contenders(a.remove("contenders"), b.remove("contenders"), &mut found);
    walk("", &Value::Object(a), &Value::Object(b), &mut found);
    found
}

/// Returns the scenario as a tree of keys, without those that may differ.
fn as_measured(scenario: &Scenario) -> Map<String, Value> {
    let mut scenario = scenario.clone();
    if let Source::Replay { file, .. } = &mut scenario.feed.source {
        *file = file.file_name().map(Into::into).unwrap_or_default();
    }
    // A scenario can always be serialized; an empty tree would differ from every other.
    let mut value = serde_json::to_value(&scenario).unwrap_or_default();
    // Any dependency may enable the feature that preserves the order of JSON keys; sorting keeps the order of
    // differences stable.
    value.sort_all_objects();
    let Value::Object(mut tree) = value else { return Map::new() };
    for key in ["name", "question", "seed", "thresholds", "precision"] {
        tree.remove(key);
    }
    if let Some(Value::Array(targets)) = tree.remove("targets") {
        let name = |target: &Value| target["name"].as_str().unwrap_or_default().to_owned();
        tree.insert("targets".to_owned(), targets.into_iter().map(|target| (name(&target), target)).collect());
    }
    if let Some(Value::Object(measure)) = tree.get_mut("measure") {
        measure.remove("repetitions");
    }
    tree
}

/// Adds the differences of contenders, which are named by their labels rather than their positions.
fn contenders(a: Option<Value>, b: Option<Value>, found: &mut Vec<Setting>) {
    let (a, b) = (list(a), list(b));
    let labels = |list: &[Value]| {
        list.iter().map(|contender| contender["label"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let (a_labels, b_labels) = (labels(&a), labels(&b));
    if a_labels != b_labels {
        let name = "the list of contenders".to_owned();
        found.push(Setting { name, a: quoted(&a_labels), b: quoted(&b_labels) });
        return;
    }
    for ((a, b), label) in a.iter().zip(&b).zip(&a_labels) {
        walk(&format!("contender \"{label}\": "), a, b, found);
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

fn quoted(labels: &[String]) -> String {
    labels.iter().map(|label| format!("\"{label}\"")).collect::<Vec<_>>().join(", ")
}

/// Adds the leaves in which two trees differ. `path` is the prefix of the next key. If only one tree has a table, each
/// of its keys is a difference.
fn walk(path: &str, a: &Value, b: &Value, found: &mut Vec<Setting>) {
    let nothing = Map::new();
    let (a_keys, b_keys) = match (a, b) {
        (Value::Object(a), Value::Object(b)) => (a, b),
        (Value::Object(a), Value::Null) => (a, &nothing),
        (Value::Null, Value::Object(b)) => (&nothing, b),
        _ => {
            if a != b {
                let name = path.trim_end_matches('.').to_owned();
                found.push(Setting { name, a: leaf(a), b: leaf(b) });
            }
            return;
        }
    };
    let only_b = b_keys.keys().filter(|key| !a_keys.contains_key(*key));
    for key in a_keys.keys().chain(only_b) {
        walk(
            &format!("{path}{key}."),
            a_keys.get(key).unwrap_or(&Value::Null),
            b_keys.get(key).unwrap_or(&Value::Null),
            found,
        );
    }
}

fn leaf(value: &Value) -> String {
    match value {
        Value::Null => NOT_SET.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string()),
        Value::Array(list) => list.iter().map(leaf).collect::<Vec<_>>().join(", "),
        Value::Object(keys) => {
            keys.iter().map(|(key, value)| format!("{key} {}", leaf(value))).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

/// Returns the differences in version and machine. They make a merged run suspect.
#[must_use]
pub fn machine_differences(a: &Manifest, b: &Manifest) -> Vec<Setting> {
    let circumstances = |m: &Manifest| {
        let machine = &m.machine;
        [
            ("feedlab", Some(m.feedlab_version.clone())),
            ("git revision", m.git_revision.clone()),
            ("rustc", Some(m.rustc_version.clone())),
            ("CPU", machine.cpu.clone()),
            ("cores", machine.cores.map(|cores| cores.to_string())),
            ("memory", machine.memory_bytes.map(mebibytes)),
            ("kernel", Some(machine.kernel.clone())),
            ("platform", Some(machine.platform.clone())),
            ("descriptor limit", Some(machine.max_open_files.map_or("none".to_owned(), |limit| limit.to_string()))),
        ]
    };
    let mut found = differing(circumstances(a), circumstances(b));
    found.extend(tcp_differences(a.machine.tcp.as_ref(), b.machine.tcp.as_ref()));
    found
}

/// Returns how TCP differs. If one of two runs is of before it was recorded, a single line says so.
fn tcp_differences(a: Option<&TcpSettings>, b: Option<&TcpSettings>) -> Vec<Setting> {
    let on = |is_on: Option<bool>| is_on.map(|is_on| if is_on { "on" } else { "off" }.to_owned());
    let congestion = |tcp: &TcpSettings| tcp.congestion_control.clone();
    let (Some(a), Some(b)) = (a, b) else {
        return differing([(CONGESTION, a.and_then(congestion))], [(CONGESTION, b.and_then(congestion))]);
    };
    let settings = |tcp: &TcpSettings| {
        [
            (CONGESTION, congestion(tcp)),
            ("initial window", tcp.initial_window_segments.map(|segments| format!("{segments} segments"))),
            ("receive buffer", tcp.receive_buffer.map(range)),
            ("send buffer", tcp.send_buffer.map(range)),
            ("slow start after idle", on(tcp.slow_start_after_idle)),
            ("RACK", on(tcp.rack)),
            ("tail-loss probe", on(tcp.tail_loss_probe)),
            ("shortest retransmission timeout", tcp.min_timeout_us.map(|us| format!("{us} µs"))),
        ]
    };
    differing(settings(a), settings(b))
}

const CONGESTION: &str = "congestion control";

fn range(BufferRange { min_bytes, default_bytes, max_bytes }: BufferRange) -> String {
    format!("{min_bytes} to {max_bytes} B, at first {default_bytes} B")
}

/// Returns all differences in conditions between two runs of one scenario: the machine, and how it was measured.
#[must_use]
pub fn environment_differences(a: &Manifest, b: &Manifest) -> Vec<Setting> {
    let run_settings = |m: &Manifest| {
        [
            ("seed", Some(m.seed.to_string())),
            ("repetitions", Some(m.scenario.measure.repetitions.to_string())),
            ("load generators", Some(m.agents.len().max(1).to_string())),
            ("recording", recording(&m.scenario)),
            ("verdict", Some(m.verdict.status.to_string())),
        ]
    };
    let mut found = machine_differences(a, b);
    found.extend(differing(run_settings(a), run_settings(b)));
    found
}

fn differing<const N: usize>(
    a: [(&'static str, Option<String>); N],
    b: [(&'static str, Option<String>); N],
) -> Vec<Setting> {
    let or_absent = |value: Option<String>| value.unwrap_or_else(|| ABSENT.to_owned());
    let pairs = a.into_iter().zip(b).filter(|((_, a), (_, b))| a != b);
    pairs.map(|((name, a), (_, b))| Setting { name: name.to_owned(), a: or_absent(a), b: or_absent(b) }).collect()
}

/// A virtual machine's memory differs by pages from boot to boot; with a difference of a MiB it is another machine.
fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

fn recording(scenario: &Scenario) -> Option<String> {
    match &scenario.feed.source {
        Source::Replay { file, .. } => Some(Path::new(file).display().to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn differences(change: impl Fn(&mut Scenario)) -> Vec<String> {
        let mut other = fixture::scenario();
        change(&mut other);
        scenario_differences(&fixture::scenario(), &other).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_differs_is_named_by_its_key() {
        let rate = differences(|scenario| {
            let Source::Synthetic { updates_per_s, .. } = &mut scenario.feed.source else { panic!("synthetic") };
            *updates_per_s = 50.0;
        });
        assert_eq!(rate, ["feed.updates_per_s is 10 in A and 50 in B"]);
        assert_eq!(differences(|s| s.clients.count = vec![50, 500]), ["clients.count is 50 in A and 50, 500 in B"]);
        let hold = differences(|s| s.measure.warm_up += std::time::Duration::from_secs(1));
        assert!(hold[0].starts_with("measure.warm_up is ") && hold.len() == 1, "{hold:?}");
    }

    #[test]
    fn contenders_are_named_by_their_labels() {
        let fewer = differences(|s| s.contenders.truncate(1));
        assert_eq!(fewer, [r#"the list of contenders is "SSE", "WebSocket" in A and "SSE" in B"#]);
        let other = differences(|s| {
            let keepalive = std::time::Duration::from_secs(5);
            s.contenders[0].options = crate::scenario::Options::Sse { keepalive };
        });
        assert_eq!(other, [r#"contender "SSE": keepalive is 15s in A and 5s in B"#]);
    }

    #[test]
    fn a_target_is_named_by_its_name() {
        let target = |url: &str| {
            let text = format!("schema = 1\n[target.mine]\nurl = \"{url}\"\nsse = \"/\"\npublish = {{ path = \"/\" }}");
            crate::scenario::Target::parse(&text, Path::new("mine.toml")).unwrap()
        };
        let of = |port: u16| {
            let target = target(&format!("http://127.0.0.1:{port}"));
            fixture::scenario().with_target(target).unwrap().0
        };
        let found: Vec<_> = scenario_differences(&of(1), &of(2)).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["targets.mine.url is http://127.0.0.1:1 in A and http://127.0.0.1:2 in B"]);
    }

    #[test]
    fn the_lab_is_a_setting_like_others() {
        use crate::scenario::{Fault, FaultKind, LinkFault, Network};
        let second = std::time::Duration::from_secs(1);
        let far = differences(|s| s.network = Some(Network { rtt: second / 10, ..Network::default() }));
        let expected = ["network.jitter is not set in A and 0s in B", "network.rtt is not set in A and 100ms in B"];
        assert_eq!(far, expected);
        let fault = Fault {
            kind: FaultKind::Link(LinkFault::Cut),
            at: second,
            every: None,
            length: std::time::Duration::ZERO,
            share: 1.0,
            node: 1,
        };
        let broken = differences(|s| s.faults = vec![fault]);
        assert_eq!(broken, ["faults is not set in A and at 1s for 0s kind cut share 1 in B"]);
        let encrypted = differences(|s| s.contenders[0].link.tls = true);
        assert!(
            encrypted.contains(&"contender \"SSE\": link.tls is not set in A and true in B".to_owned()),
            "{encrypted:?}"
        );
    }

    #[test]
    fn settings_that_do_not_affect_the_measurement_may_differ() {
        let same = differences(|s| {
            (s.name, s.question, s.seed) = ("other".to_owned(), "Why?".to_owned(), 7);
            s.thresholds.clear();
            s.measure.repetitions = 9;
        });
        assert_eq!(same, [""; 0]);
        let replay = |file: &str| {
            let mut scenario = fixture::scenario();
            scenario.feed.source = Source::Replay { file: file.into(), speed: 1.0 };
            scenario
        };
        assert_eq!(scenario_differences(&replay("a/feed.ndjson"), &replay("/b/feed.ndjson")), []);
        assert_eq!(scenario_differences(&replay("feed.ndjson"), &replay("other.ndjson")).len(), 1);
        assert!(
            differences(|s| s.feed.source = Source::Replay { file: "feed.ndjson".into(), speed: 1.0 })
                .contains(&"feed.updates_per_s is 10 in A and not set in B".to_owned())
        );
    }

    #[test]
    fn the_environment_is_that_of_the_manifest() {
        let (a, mut b) = (fixture::manifest("a"), fixture::manifest("b"));
        assert_eq!(environment_differences(&a, &b), []);
        b.git_revision = Some("0123abc".to_owned());
        b.machine.cores = Some(4);
        b.machine.memory_bytes = Some(8 << 30);
        b.seed = 5;
        b.scenario.measure.repetitions = 5;
        let differences: Vec<_> = environment_differences(&a, &b).iter().map(ToString::to_string).collect();
        assert_eq!(
            differences,
            [
                "git revision is not known in A and 0123abc in B",
                "cores is not known in A and 4 in B",
                "memory is not known in A and 8192 MiB in B",
                "seed is 1 in A and 5 in B",
                "repetitions is 2 in A and 5 in B",
            ]
        );
        assert_eq!(machine_differences(&a, &b).len(), 3);
    }

    #[test]
    fn tcp_differs_by_setting_or_in_one_line_if_a_run_is_older() {
        let with = |tcp: Option<TcpSettings>| {
            let mut manifest = fixture::manifest("a");
            manifest.machine.tcp = tcp;
            manifest
        };
        let differences = |a: Option<TcpSettings>, b: Option<TcpSettings>| {
            let found = environment_differences(&with(a), &with(b));
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let range = |max_bytes| Some(BufferRange { min_bytes: 4096, default_bytes: 16384, max_bytes });
        let bbr = TcpSettings {
            congestion_control: Some("bbr".to_owned()),
            initial_window_segments: Some(10),
            send_buffer: range(4_194_304),
            slow_start_after_idle: Some(true),
            ..TcpSettings::default()
        };
        assert_eq!(differences(Some(bbr.clone()), Some(bbr.clone())), [""; 0]);
        let available = TcpSettings { available_congestion_controls: vec!["reno".to_owned()], ..bbr.clone() };
        assert_eq!(differences(Some(bbr.clone()), Some(available)), [""; 0], "what nobody uses");
        let cubic = TcpSettings {
            congestion_control: Some("cubic".to_owned()),
            send_buffer: range(65_536),
            slow_start_after_idle: Some(false),
            ..bbr.clone()
        };
        assert_eq!(
            differences(Some(bbr.clone()), Some(cubic)),
            [
                "congestion control is bbr in A and cubic in B",
                "send buffer is 4096 to 4194304 B, at first 16384 B in A and 4096 to 65536 B, at first 16384 B in B",
                "slow start after idle is on in A and off in B",
            ]
        );
        assert_eq!(differences(None, Some(bbr)), ["congestion control is not known in A and bbr in B"]);
    }
}
