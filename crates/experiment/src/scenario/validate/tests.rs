use std::fs;

use feedlab_feed::Transport;

use super::super::{AgeFrom, Comparison, Contender, Headers, ScheduleKind, Source, Stall};
use super::*;
use crate::Metric;

mod lab;
mod link;
mod target;

const GOOD: &str = r#"schema = 1
name = "ticker"
question = "What does a ticker cost?"

[feed]
source = "synthetic"
updates_per_s = 10

[clients]
count = [500, 50, 50]

[measure]
duration = "1m 30s"

[[contender]]
transport = "short-polling"
interval = "1s"

[[contender]]
transport = "sse"

[[threshold]]
metric = "updates_missed"
expect = "== 0"
"#;

fn parse(text: &str) -> Result<Scenario, String> {
    Scenario::parse(text, Path::new("lab/ticker.toml")).map_err(|error| error.to_string())
}

#[test]
fn a_scenario_with_too_many_cells_is_rejected() {
    let counts = |most: u32| (1..=most).map(|count| count.to_string()).collect::<Vec<_>>().join(", ");
    let with = |most| GOOD.replace("500, 50, 50", &counts(most)).replace("1m 30s\"", "1m 30s\"\nrepetitions = 1000");
    assert!(parse(&with(5)).is_ok());
    let error = parse(&with(6)).unwrap_err();
    let is_placed = error.contains("ticker.toml:10:") && error.contains("12000 cells") && error.contains("fewer");
    assert!(is_placed, "{error}");
}

#[test]
fn omitted_keys_get_their_defaults() {
    let scenario = parse(GOOD).unwrap();
    assert_eq!(scenario.seed, 1);
    assert_eq!(scenario.feed.history, 4096);
    let source = Source::Synthetic {
        updates_per_s: 10.0,
        schedule: ScheduleKind::Constant,
        burst_size: 1,
        payload_bytes: vec![256],
        binary: false,
    };
    assert_eq!(scenario.feed.source, source);
    let clients = Clients { count: vec![50, 500], ramp: SECOND, headers: Headers::Bare, slow: None, churn: None };
    assert_eq!(scenario.clients, clients);
    let Measure { settle, warm_up, duration, drain, repetitions } = scenario.measure;
    assert_eq!([settle, warm_up, duration, drain], [1, 2, 90, 2].map(Duration::from_secs));
    assert_eq!(repetitions, 1);
    let labels: Vec<_> = scenario.contenders.iter().map(|contender| contender.label.as_str()).collect();
    assert_eq!(labels, ["short polling, 1 s", "SSE"]);
    let threshold = &scenario.thresholds[0];
    assert_eq!((threshold.metric, threshold.comparison), (Metric::UpdatesMissed, Comparison::Equal));
    assert_eq!((threshold.value, threshold.transport), (0.0, None));
}

#[test]
fn a_threshold_may_be_a_distance_from_the_prediction() {
    for text in ["within 5% of predicted", "within 5 % of predicted", " within  5.0%  of predicted "] {
        let threshold = parse(&GOOD.replace("== 0", text)).unwrap().thresholds[0].clone();
        assert_eq!((threshold.comparison, threshold.value), (Comparison::Within, 5.0), "{text}");
        let json = serde_json::to_string(&threshold).unwrap();
        assert_eq!(serde_json::from_str::<crate::scenario::Threshold>(&json).unwrap(), threshold);
    }
    for text in [
        "within 5ms of predicted",
        "within % of predicted",
        "within -5% of predicted",
        "within 5%",
        "within NaN% of predicted",
        "within 5% of nobody",
        "< nobody",
        "< 2 x",
        "< 2 x nobody",
        "< NaN",
    ] {
        let error = parse(&GOOD.replace("== 0", text)).unwrap_err();
        assert!(error.contains("is not a condition"), "{error}");
    }
}

#[test]
fn a_distance_has_the_unit_of_its_metric() {
    let of = |metric: &str, text: &str| {
        let text = GOOD.replace("updates_missed", metric).replace("== 0", text);
        parse(&text).map(|scenario| (scenario.thresholds[0].comparison, scenario.thresholds[0].value))
    };
    for (metric, text, value) in [
        ("updates_missed", "within 5 of predicted", 5.0),
        ("age_p50_us", "within 2ms of predicted", 2_000.0),
        ("age_p50_us", "within 1.5 s of predicted", 1.5e6),
        ("age_p50_us", "within 20µs of predicted", 20.0),
        ("age_p50_us", "within 20us of predicted", 20.0),
        ("socket_bytes_up", "within 2 KiB of predicted", 2048.0),
        ("socket_bytes_up", "within 2B of predicted", 2.0),
    ] {
        assert_eq!(of(metric, text), Ok((Comparison::Near, value)), "{text}");
    }
    let error = of("age_p50_us", "within 2000 of predicted").unwrap_err();
    assert!(error.contains("where 2s or 2ms or 2us may replace 5%"), "{error}");
}

#[test]
fn a_threshold_may_apply_to_one_contender_and_compare_it_with_another() {
    let of = |expect: &str, more: &str| {
        let text = GOOD.replace("== 0\"", &format!("{expect}\"\n{more}"));
        parse(&text).map(|scenario| scenario.thresholds[0].clone())
    };
    for (expect, comparison, value) in [
        ("< SSE", Comparison::Less, 1.0),
        ("<= 1.1 x SSE", Comparison::AtMost, 1.1),
        (">= 2×SSE", Comparison::AtLeast, 2.0),
        ("within 10% of SSE", Comparison::Within, 10.0),
        ("within 3 of SSE", Comparison::Near, 3.0),
    ] {
        let threshold = of(expect, "contender = \"short polling, 1 s\"").unwrap();
        assert_eq!((threshold.comparison, threshold.value), (comparison, value), "{expect}");
        assert_eq!(threshold.than.as_deref(), Some("SSE"));
        assert_eq!(threshold.contender.as_deref(), Some("short polling, 1 s"));
        let json = serde_json::to_string(&threshold).unwrap();
        assert_eq!(serde_json::from_str::<crate::scenario::Threshold>(&json).unwrap(), threshold);
    }
    let error = of("== 0", "contender = \"nobody\"").unwrap_err();
    assert!(
        error.contains(
            "25:13: no contender has the label \"nobody\"; the labels are \"short polling, 1 s\", \
                            \"SSE\""
        ),
        "{error}"
    );
}

#[test]
fn the_json_of_a_scenario_reads_back() {
    let swept = GOOD.replace("updates_per_s = 10", "updates_per_s = 10\npayload_bytes = [1024, 64]");
    for text in [GOOD, &swept] {
        let scenario = parse(text).unwrap();
        let json = serde_json::to_string(&scenario).unwrap();
        assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario, "{json}");
    }
    insta::assert_json_snapshot!(parse(&swept).unwrap());
}

#[test]
fn every_option_can_be_written() {
    let text = r#"
        schema = 1
        name = "all"
        seed = 7
        feed = { source = "synthetic", updates_per_s = 2.5, schedule = "burst", burst_size = 5, payload_bytes = 0, history = 1, stall = { after = "2s", for = "500ms" } }
        clients = { count = 1, ramp = "0s", headers = "browser+cookies" }
        measure = { settle = "0s", warm_up = "0s", duration = "100ms", drain = "5m", repetitions = 3 }
        [[contender]]
        transport = "short-polling"
        interval = "5m"
        keep_alive = false
        conditional = true
        [[contender]]
        transport = "long-polling"
        label = "held"
        hold = "5m"
        keep_alive = true
        [[contender]]
        transport = "websocket"
        keepalive = "1ms"
        age_from = "publication"
        [[threshold]]
        metric = "age_p99_us"
        expect = "<=5e3"
        transport = "websocket"
    "#;
    let scenario = parse(text).unwrap();
    let transports: Vec<_> = scenario.contenders.iter().map(Contender::transport).collect();
    assert_eq!(transports, [Transport::ShortPolling, Transport::LongPolling, Transport::WebSocket]);
    assert_eq!(scenario.contenders[1].label, "held");
    assert_eq!(scenario.thresholds[0].value, 5000.0);
    assert_eq!(scenario.contenders[2].age_from, AgeFrom::Publication);
    let stall = Stall { after: 2 * SECOND, length: Duration::from_millis(500) };
    assert_eq!(scenario.feed.stall, Some(stall));
    let json = serde_json::to_string(&scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario, "{json}");
}

/// A change to the valid scenario, and the error line that it must cause.
const REJECTED: &[(&str, &str, &str)] = &[
    ("schema = 1", "schema = 2", "1:10: `schema` is 2, but this version of feedlab reads 1; write `schema = 1`"),
    ("schema = 1", "", "1:1: the key `schema` is missing; start the file with `schema = 1`"),
    ("name = \"ticker\"", "", "1:1: the key `name` is missing; add it"),
    (
        "name = \"ticker\"",
        "name = \"../up\"",
        "2:8: \"../up\" cannot name a folder; use 1 to 64 letters, digits, `-` and `_`",
    ),
    (
        "updates_per_s = 10",
        "update_per_s = 10",
        "7:1: unknown key `update_per_s`; did you mean `updates_per_s`? allowed here: source, updates_per_s, schedule, burst_size, payload_bytes, binary, file, speed, broker, history, servers, stall",
    ),
    (
        "duration =",
        "color =",
        "13:1: unknown key `color`; allowed here: settle, warm_up, duration, drain, repetitions, \
     precision, cap",
    ),
    (
        "updates_per_s = 10",
        "updates_per_s = 10\nstall = { after = \"4s\", for = \"0s\" }",
        "8:31: `for` is 0s; it must be from 1ms to 1h",
    ),
    (
        "\"1m 30s\"",
        "\"90 parsecs\"",
        "13:12: unknown unit `parsecs` in \"90 parsecs\"; write a duration as 100ms, 2s or 1m",
    ),
    ("\"1m 30s\"", "\"90\"", "13:12: \"90\" has no unit; write a duration as 100ms, 2s or 1m"),
    (
        "\"1m 30s\"",
        "90",
        "13:12: invalid type: integer `90`, expected a duration in quotes with its unit, such as 100ms, 2s or 1m",
    ),
    ("\"1m 30s\"", "\"-1s\"", "13:12: \"-1s\" is not a duration; write a duration as 100ms, 2s or 1m"),
    ("\"1m 30s\"", "\"0s\"", "13:12: `duration` is 0s; it must be from 100ms to 1day"),
    ("interval = \"1s\"", "interval = \"0ms\"", "17:12: `interval` is 0s; it must be from 1ms to 1h"),
    (
        "transport = \"sse\"",
        "transport = \"long-polling\"\nhold = \"301s\"",
        "21:8: `hold` is 5m 1s; it must be from 1ms to 5m",
    ),
    ("[500, 50, 50]", "0", "10:9: `count` is 0; it must be from 1 to 1000000"),
    ("[500, 50, 50]", "[50, -1]", "10:9: `count` is -1; it must be from 1 to 1000000"),
    ("[500, 50, 50]", "[]", "10:9: `count` is an empty list; give at least one number"),
    (
        "[500, 50, 50]",
        "\"many\"",
        "10:9: invalid type: string \"many\", expected a whole number or a list of them, as in [50, 500]",
    ),
    ("duration =", "repetitions = 0\nduration =", "13:15: `repetitions` is 0; it must be from 1 to 1000"),
    (
        "duration =",
        "cap = \"5m\"\nduration =",
        "13:7: `cap` is the time for `precision`; add that key, or remove this one",
    ),
    (
        "duration =",
        "precision = \"age_p95_us ± 5 %\"\nduration =",
        "13:13: no metric is called `age_p95_us`; the nearest is `age_p90_us`",
    ),
    (
        "duration =",
        "precision = [\"age_p99_us ± 5 %\", \"age_p99_us +- 1%\"]\nduration =",
        "13:13: `precision` has age_p99_us twice; keep one of them",
    ),
    ("duration =", "precision = []\nduration =", "13:13: `precision` has 0 metrics; it must have from 1 to 8"),
    (
        "duration =",
        "precision = \"age_p50_us\"\nduration =",
        "13:13: `age_p50_us` is not a precision; write a metric and a percentage, as in \"age_p99_us ± 5 %\"",
    ),
    (
        "duration =",
        "repetitions = 5\nprecision = \"age_p50_us ± 5 %\"\nduration =",
        "13:15: `repetitions` is 5, but with `precision` it is the fewest that are measured, and an interval of fewer \
         than 12 says little; leave out one of the two keys, or write 12 or more",
    ),
    (
        "duration =",
        "cap = \"1m\"\nprecision = \"age_p50_us ± 5 %\"\nduration =",
        "13:7: `cap` is 1m, but the first 12 repetitions alone take 1h 17m 37s; raise it, or measure for a shorter time",
    ),
    (
        "duration =",
        "drain = \"999ms\"\nduration =",
        "13:9: `drain` is shorter than the longest polling interval, so the last updates would count as missed; make \
         it 1s or longer, or remove it",
    ),
    ("updates_per_s = 10", "updates_per_s = 0", "7:17: `updates_per_s` is 0; it must be above 0"),
    ("updates_per_s = 10", "updates_per_s = -2.5", "7:17: `updates_per_s` is -2.5; it must be above 0"),
    ("updates_per_s = 10", "updates_per_s = nan", "7:17: `updates_per_s` is NaN; it must be above 0"),
    ("updates_per_s = 10", "updates_per_s = \"10\"", "7:17: invalid type: string \"10\", expected a number"),
    ("updates_per_s = 10", "", "6:10: source synthetic requires `updates_per_s`; add it, as in `updates_per_s = 10`"),
    (
        "updates_per_s = 10",
        "updates_per_s = 10\nburst_size = 5",
        "8:14: `burst_size` requires bursts; add `schedule = \"burst\"`, or remove it",
    ),
    (
        "updates_per_s = 10",
        "updates_per_s = 10\nfile = \"x\"",
        "8:8: `file` is an option of replay, not of synthetic; remove it",
    ),
    ("synthetic", "host", ""),
    (
        "\"synthetic\"\nupdates_per_s = 10",
        "\"stdin\"",
        "6:10: unknown value `stdin`; allowed here: synthetic, replay, host, clients; standard input can be read only \
         once and works only with `feedlab serve --feed stdin`: record it to a file and use `source = \"replay\"`",
    ),
    (
        "source = \"synthetic\"\nupdates_per_s = 10",
        "source = \"replay\"",
        "6:10: source replay requires `file`; add it, as in `file = \"feeds/earthquakes.ndjson\"`",
    ),
    (
        "source = \"synthetic\"\nupdates_per_s = 10",
        "source = \"replay\"\nfile = \"no.ndjson\"",
        "7:8: cannot read the feed file lab/no.ndjson: No such file or directory (os error 2); a replay needs an NDJSON file, one update per line",
    ),
    (
        "\"sse\"",
        "\"ssse\"",
        "20:13: unknown value `ssse`; did you mean `sse`? allowed here: short-polling, long-polling, sse, websocket, auto",
    ),
    (
        "interval = \"1s\"",
        "hold = \"1s\"",
        "17:8: `hold` is an option of long-polling and auto, not of short-polling; remove it",
    ),
    (
        "interval = \"1s\"",
        "keepalive = \"1s\"",
        "17:13: `keepalive` is an option of sse, websocket and auto, not of short-polling; remove it",
    ),
    (
        "interval = \"1s\"",
        "label = \"SSE\"",
        "20:13: another contender is also called \"SSE\"; give one of them a \
                                              different `label`",
    ),
    (
        "\"sse\"",
        "\"sse\"\nlabel = \"short polling, 1 s\"",
        "21:9: the label \"short polling, 1 s\" is used twice; give each contender its own",
    ),
    ("\"sse\"", "\"sse\"\nlabel = \" \"", "21:9: a label is 1 to 60 characters on one line; shorten it"),
    ("updates_missed", "update_missed", "23:10: no metric is called `update_missed`; the nearest is `updates_missed`"),
    (
        "== 0",
        "= 0",
        "24:10: \"= 0\" is not a condition; write a comparison (==, !=, <, <=, >, >=) with a number in the metric's \
         unit, a number with a unit, or a contender's label, as in \"== 0\" or \"<= 1.1 x SSE\"; or a distance from \
         the prediction or from a contender, as in \"within 5% of predicted\", where 2 may replace 5%; \
         the labels are \"short polling, 1 s\", \"SSE\"",
    ),
    (
        "== 0",
        "< much",
        "24:10: \"< much\" is not a condition; write a comparison (==, !=, <, <=, >, >=) with a number in the \
         metric's unit, a number with a unit, or a contender's label, as in \"== 0\" or \"<= 1.1 x SSE\"; or a \
         distance from the prediction or from a contender, as in \"within 5% of predicted\", where 2 may replace 5%; \
         the labels are \"short polling, 1 s\", \"SSE\"",
    ),
    (
        "== 0\"",
        "== 0\"\ntransport = \"websocket\"",
        "25:13: no contender uses websocket; add one, or remove the threshold",
    ),
    ("[clients]", "[clients", "9:9: unclosed table, expected `]`"),
];

#[test]
fn a_churn_is_a_share_of_the_connections() {
    let churn = |written: &str| {
        let text = GOOD.replacen("[clients]", &format!("[clients]\nchurn = {written}"), 1);
        parse(&text).map(|scenario| scenario.clients.churn)
    };
    for (written, share) in [("\"0.3%\"", 0.003), ("\"0.3 %\"", 0.003), ("\"100%\"", 1.0), ("\"1e-3%\"", 1e-5)] {
        assert_eq!(churn(written), Ok(Some(share)), "{written}");
    }
    let rejected = |problem: &str| Err(format!("lab/ticker.toml:10:9: {problem}"));
    for outside in ["0", "-1", "100.1", "NaN", "inf"] {
        let problem = format!("`churn` is {outside}%; it must be above 0% and at most 100%");
        assert_eq!(churn(&format!("\"{outside}%\"")), rejected(&problem));
    }
    for text in ["0.3", "much%", "%", "0.3%/s", ""] {
        let problem = format!("{text:?} is not a percentage; write a number and its sign, such as \"0.3%\"");
        assert_eq!(churn(&format!("{text:?}")), rejected(&problem));
    }
    let error = churn("0.003").unwrap_err();
    assert!(error.ends_with("expected a percentage in quotes with its sign, such as \"0.3%\""), "{error}");
}

#[test]
fn what_cannot_be_measured_is_rejected_at_its_position() {
    check(GOOD, REJECTED);
}

#[test]
fn f19_invisible_characters_are_rejected_in_every_displayed_text() {
    let recording = "source = \"replay\"\nfile = \"a\\u001b[31m.ndjson\"";
    let key = |key: &str, code: &str| format!("`{key}` must be one line without invisible characters; remove {code}");
    check(
        GOOD,
        &[
            ("What does", "\\u001b[2JWhat does", &format!("3:12: {}", key("question", "U+001B"))),
            ("What does", "What\\u202edoes", &format!("3:12: {}", key("question", "U+202E"))),
            ("What does", "What\u{200b}does", &format!("3:12: {}", key("question", "U+200B"))),
            ("What does", "What\\ndoes", &format!("3:12: {}", key("question", "U+000A"))),
            ("What does", "Was kostet 👩\u{200d}💻", ""),
            ("source = \"synthetic\"\nupdates_per_s = 10", recording, &format!("7:8: {}", key("file", "U+001B"))),
            (
                "\"sse\"",
                "\"sse\"\nlabel = \"\\u001b[31mred\"",
                "21:9: a label is 1 to 60 characters on one line; shorten it",
            ),
        ],
    );
    let error = parse(&GOOD.replacen("updates_missed", "\\u001b[31m\\u202e", 1)).unwrap_err();
    assert!(!error.contains(feedlab_feed::text::is_hidden), "{error:?}");
}

/// Makes each change to a scenario and compares the error line; an empty line means that there is no error.
fn check(good: &str, changes: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (from, to, expected) in changes {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from:?} is not in the scenario");
        let found = parse(&text).err().unwrap_or_default();
        let expected = if expected.is_empty() { String::new() } else { format!("lab/ticker.toml:{expected}") };
        if found != expected {
            wrong.push(format!("after {to:?}:\n   found {found:?}\nexpected {expected:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn a_scenario_without_contenders_has_nothing_to_compare() {
    let text = &GOOD[..GOOD.find("[[contender]]").unwrap()];
    let expected = "lab/ticker.toml:1:1: there is nothing to compare; add a [[contender]], for example with `transport = \
         \"sse\"`";
    assert_eq!(parse(text).unwrap_err(), expected);
}

#[test]
fn a_recording_is_found_next_to_the_scenario_and_its_malformed_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replay.toml");
    let recording = folder.path().join("feed.ndjson");
    let feed = "source = \"replay\"\nfile = \"feed.ndjson\"\nspeed = 60";
    fs::write(&file, GOOD.replace("source = \"synthetic\"\nupdates_per_s = 10", feed)).unwrap();
    fs::write(&recording, "{\"at_ms\":1,\"data\":1}\n{\"at_ms\":2}\n").unwrap();
    let error = Scenario::load(&file).unwrap_err().to_string();
    let expected = format!("{}:7:8: {}, line 2: missing field `data`", file.display(), recording.display());
    assert!(error.starts_with(&expected) && !error.contains('\n'), "{error}");
    fs::write(&recording, "{\"at_ms\":1,\"data\":1}\n").unwrap();
    assert_eq!(Scenario::load(&file).unwrap().feed.source, Source::Replay { file: recording, speed: 60.0 });
}

#[test]
fn a_missing_file_is_named() {
    let error = Scenario::load(Path::new("nowhere.toml")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the scenario nowhere.toml: "), "{error}");
}

#[test]
fn several_errors_are_reported_together_in_file_order() {
    let text =
        GOOD.replacen("schema = 1", "schema = 1\nseed = -1", 1).replacen("[measure]", "[measure]\nrepetitions = 0", 1);
    assert!(text.contains("seed = -1") && text.contains("repetitions = 0"), "{text}");
    let error = Scenario::parse(&text, Path::new("lab/ticker.toml")).unwrap_err();
    let messages: Vec<String> = error.each().iter().map(ToString::to_string).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].contains("seed") && messages[1].contains("repetitions"), "{messages:?}");
}
