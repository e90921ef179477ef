use std::time::Duration;

use super::*;

const SCENARIO: &str = r#"schema = 1
name = "change"
question = "What changes?"

[feed]
source = "synthetic"
updates_per_s = 10 # ten a second

[clients]
count = 5

[measure]
duration = "5s"

[[contender]]
transport = "short-polling"
interval = "1s"

[[contender]]
transport = "sse"

[[contender]]
transport = "websocket"

[[threshold]]
metric = "age_p50_us"
contender = "SSE"
expect = "< WebSocket"

[[threshold]]
metric = "updates_missed"
expect = "== 0"
"#;

fn changed(changes: &[&str]) -> Result<(Scenario, String), String> {
    let changes: Result<Vec<Change>, _> = changes.iter().map(|change| change.parse()).collect();
    let changes = changes.map_err(|error| error.to_string())?;
    Scenario::changed(SCENARIO, Path::new("change.toml"), &changes).map_err(|error| error.to_string())
}

#[test]
fn a_value_is_replaced_and_everything_else_stays_as_written() {
    let (scenario, text) = changed(&["measure.duration=2s", "feed.updates_per_s=20"]).unwrap();
    assert_eq!(scenario.measure.duration, Duration::from_secs(2));
    let expected = SCENARIO.replace("duration = \"5s\"", "duration = \"2s\"").replace("10 # ten", "20 # ten");
    assert_eq!(text, expected);
    assert_eq!(changed(&[]).unwrap().1, SCENARIO);
}

#[test]
fn a_key_a_table_a_list_and_a_contender_can_be_set() {
    let (scenario, text) =
        changed(&["network.rtt=50ms", "clients.count=[10, 100]", "contender.1.interval=500ms", "seed=7"]).unwrap();
    assert_eq!(scenario.seed, 7);
    assert_eq!(scenario.clients.count, [10, 100]);
    assert_eq!(scenario.contenders[0].label, "short polling, 500 ms");
    assert!(scenario.network.is_some() && text.contains("[network]\nrtt = \"50ms\""), "{text}");
    assert_eq!(
        Scenario::parse(&text, Path::new("change.toml")).unwrap(),
        scenario,
        "the text describes what is measured"
    );
    assert_eq!(Change::number("measure.repetitions", 5), "measure.repetitions=5".parse().unwrap());
}

#[test]
fn what_cannot_be_set_is_refused_with_the_nearest_name() {
    for (change, expected) in [
        (
            "measure.duration",
            "`measure.duration` is not KEY=VALUE; write the keys of the file with dots, as in measure.duration=2s",
        ),
        (
            "measure..duration=2s",
            "`measure..duration=2s` is not KEY=VALUE; write the keys of the file with dots, as in measure.duration=2s",
        ),
        ("=2", "`=2` is not KEY=VALUE; write the keys of the file with dots, as in measure.duration=2s"),
        (
            "measure.durtion=2s",
            "measure.durtion=2s: unknown key `durtion`; did you mean `duration`? allowed here: settle, warm_up, duration, drain, repetitions, precision, cap",
        ),
        (
            "measure.duration=-2s",
            "measure.duration=-2s: \"-2s\" is not a duration; write a duration as 100ms, 2s or 1m",
        ),
        ("measure=2s", "measure=2s: `measure` is a table; name one of its keys, as in measure.KEY=VALUE"),
        ("seed.x=2", "seed.x=2: `seed` is a value, so it has no key below it"),
        (
            "contender=2",
            "contender=2: this scenario has 3 × [[contender]]; name a key of one of them, as in contender.N.KEY=VALUE, where N is 1 to 3",
        ),
        (
            "contender.4.interval=2s",
            "contender.4.interval=2s: this scenario has 3 × [[contender]]; name a key of one of them, as in contender.N.KEY=VALUE, where N is 1 to 3",
        ),
        (
            "contender.0.interval=2s",
            "contender.0.interval=2s: this scenario has 3 × [[contender]]; name a key of one of them, as in contender.N.KEY=VALUE, where N is 1 to 3",
        ),
    ] {
        let error = match change {
            // A key cannot be put below one that is not there yet and is a value elsewhere.
            "seed.x=2" => {
                Scenario::changed(&format!("seed = 1\n{SCENARIO}"), Path::new("c"), &[change.parse().unwrap()])
                    .unwrap_err()
                    .to_string()
            }
            _ => changed(&[change]).unwrap_err(),
        };
        assert_eq!(error, expected);
    }
}

fn labels(only: &[&str], skip: &[&str]) -> Result<Vec<String>, String> {
    let (scenario, _) = changed(&[]).unwrap();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let scenario = scenario.with_contenders(&owned(only), &owned(skip)).map_err(|error| error.to_string())?;
    Ok(scenario.contenders.into_iter().map(|contender| contender.label).collect())
}

#[test]
fn contenders_are_kept_and_left_out_by_label_or_transport() {
    assert_eq!(labels(&[], &[]).unwrap(), ["short polling, 1 s", "SSE", "WebSocket"]);
    assert_eq!(labels(&["sse"], &[]).unwrap(), ["SSE"]);
    assert_eq!(labels(&["websocket", "Short polling, 1 s"], &[]).unwrap(), ["short polling, 1 s", "WebSocket"]);
    assert_eq!(labels(&[], &["short-polling"]).unwrap(), ["SSE", "WebSocket"]);
    let all = "`short polling, 1 s`, `SSE`, `WebSocket`";
    assert_eq!(labels(&["sse"], &["sse"]).unwrap_err(), format!("no contender is left; leave out fewer of {all}"));
    let unknown = labels(&["web-socket"], &[]).unwrap_err();
    assert_eq!(
        unknown,
        format!("there is no contender `web-socket`; did you mean `websocket`? this scenario has {all}")
    );
}

#[test]
fn thresholds_on_a_contender_that_is_left_out_are_left_out() {
    let (scenario, _) = changed(&[]).unwrap();
    assert_eq!(
        scenario.with_contenders(&["sse".to_owned()], &[]).unwrap().thresholds.len(),
        1,
        "it is compared with another"
    );
    assert_eq!(scenario.with_contenders(&[], &["short-polling".to_owned()]).unwrap().thresholds.len(), 2);
}
