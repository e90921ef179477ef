//! `feedlab publish` and `serve` with a real nats-server: what they do, and what they reject.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::time::Duration;

use async_nats::jetstream::stream::{Config, RetentionPolicy};
use feedlab_testkit::{Broker, Feedlab};
use rustix::process::Signal;

use super::{ends_with, err, error_line, feedlab, out};

/// Variables that a developer may have set for NATS.
pub(crate) const VARIABLES: [&str; 4] = ["NATS_CREDS", "NATS_TOKEN", "NATS_USER", "NATS_PASSWORD"];

fn command(arguments: &[&str]) -> assert_cmd::Command {
    let mut command = feedlab(arguments);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.timeout(Duration::from_secs(60));
    command
}

fn serving(stream: &str) -> Feedlab {
    let mut command = Feedlab::command(assert_cmd::cargo::cargo_bin!("feedlab"), &["serve", "--feed", stream]);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    Feedlab::start(command)
}

fn publish(stream: &str) -> assert_cmd::Command {
    command(&["publish", "--to", stream, "--feed", "synthetic", "--rate", "200", "--for", "500ms"])
}

/// Creates a stream like a foreign program, and optionally deletes a message from it.
fn make(broker: &Broker, config: Config, delete: Option<u64>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let context = async_nats::jetstream::new(async_nats::connect(broker.address().to_string()).await.unwrap());
        let stream = context.create_stream(config).await.unwrap();
        if let Some(seq) = delete {
            for _ in 0..=seq {
                context.publish("somebody", "elses".into()).await.unwrap().await.unwrap();
            }
            stream.delete_message(seq).await.unwrap();
        }
    });
}

fn config(name: &str) -> Config {
    Config { name: name.to_owned(), subjects: vec!["somebody".to_owned()], ..Config::default() }
}

#[test]
fn any_number_of_servers_serve_what_is_published() {
    let Some(broker) = Broker::start() else { return };
    let stream = broker.stream("TICKS");
    let summary = out(&ends_with(0, &mut publish(&stream)));
    let count: u64 = summary.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(summary.contains(&format!("seq 1 to {count}, in ")), "{summary}");
    let asked = count.min(50);
    for transport in ["short-polling", "long-polling", "sse", "websocket"] {
        let server = serving(&stream);
        let url = format!("http://{}", server.address());
        let seen = ends_with(
            0,
            &mut command(&[
                "watch",
                &url,
                "--transport",
                transport,
                "--after",
                "0",
                "--count",
                &asked.to_string(),
                "--format",
                "json",
            ]),
        );
        let seqs: Vec<u64> = out(&seen)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64())
            .collect();
        assert_eq!(seqs, (1..=asked).collect::<Vec<_>>(), "{transport}");
    }
    let again = out(&ends_with(0, &mut publish(&stream)));
    assert!(again.contains(&format!("seq {} to ", count + 1)), "the numbers continue: {again}");
}

#[test]
fn a_broker_that_is_killed_during_publishing_has_every_update_once() {
    let Some(mut broker) = Broker::start() else { return };
    let stream = broker.stream("KILLED");
    ends_with(0, &mut publish(&stream));
    let mut publisher = std::process::Command::new(assert_cmd::cargo::cargo_bin!("feedlab"))
        .args(["publish", "--to", &stream, "--feed", "synthetic", "--rate", "100", "--payload-bytes", "64"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    broker.kill();
    std::thread::sleep(Duration::from_millis(500));
    broker.restart();
    std::thread::sleep(Duration::from_millis(2_500));
    rustix::process::kill_process(rustix::process::Pid::from_child(&publisher), Signal::INT).unwrap();
    assert!(publisher.wait().unwrap().success());
    let mut summary = String::new();
    std::io::Read::read_to_string(&mut publisher.stdout.take().unwrap(), &mut summary).unwrap();
    let numbers: Vec<u64> = summary.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let [count, first, last] = numbers[..] else { panic!("{summary}") };
    assert_eq!(last + 1 - first, count, "each is in the stream once: {summary}");
}

#[test]
fn a_stream_that_cannot_be_a_feed_is_rejected_with_the_reason() {
    let Some(broker) = Broker::start() else { return };
    make(&broker, Config { retention: RetentionPolicy::WorkQueue, ..config("QUEUE") }, None);
    let other = |name: &str| Config { subjects: vec![format!("{name}.>")], ..config(name) };
    make(&broker, other("WILD"), None);
    make(&broker, Config { max_messages_per_subject: 1, subjects: vec!["last".to_owned()], ..config("LAST") }, None);
    for (stream, needle) in [
        ("QUEUE", "the stream QUEUE cannot be a feed: its retention"),
        ("WILD", "one subject without wildcards, but has WILD.>"),
        ("LAST", "may drop updates from its middle"),
        ("NOWHERE", "there is no stream NOWHERE; create it by publishing"),
    ] {
        let output =
            ends_with(1, &mut command(&["serve", "--feed", &broker.stream(stream), "--listen", "127.0.0.1:0"]));
        assert!(error_line(&output).contains(needle), "{stream}: {}", err(&output));
    }
    let Some(broker) = Broker::start() else { return };
    make(&broker, config("HOLE"), Some(2));
    let output = ends_with(1, &mut publish(&broker.stream("HOLE")));
    assert!(error_line(&output).contains("1 of its messages were deleted from its middle"), "{}", err(&output));
}

#[test]
fn a_missing_broker_or_one_without_jetstream_is_reported_with_the_remedy() {
    let output = ends_with(1, &mut publish("nats://127.0.0.1:9/TICKS"));
    assert!(error_line(&output).contains("no NATS server answers at nats://127.0.0.1:9: "), "{}", err(&output));
    let mut serve = command(&["serve", "--feed", "nats://127.0.0.1:9/TICKS", "--listen", "127.0.0.1:0"]);
    let output = ends_with(1, &mut serve);
    assert!(error_line(&output).contains("no NATS server answers at nats://127.0.0.1:9: "), "{}", err(&output));
    assert_eq!(err(&output).lines().count(), 1, "no endpoints are printed without a feed:\n{}", err(&output));
    let Some(broker) = Broker::start_with(&[]) else { return };
    let output = ends_with(1, &mut publish(&broker.stream("TICKS")));
    assert!(
        error_line(&output).contains("has no JetStream; start it with: nats-server --jetstream"),
        "{}",
        err(&output)
    );
}

#[test]
fn wrong_credentials_are_rejected_and_never_shown() {
    let Some(broker) = Broker::start_with(&["--jetstream", "--user", "ada", "--pass", "right-secret"]) else { return };
    let stream = broker.stream("TICKS");
    for variables in
        [&[][..], &[("NATS_USER", "ada"), ("NATS_PASSWORD", "wrong-secret")], &[("NATS_TOKEN", "wrong-secret")]]
    {
        let mut command = publish(&stream);
        let output = ends_with(1, command.envs(variables.iter().copied()));
        assert!(error_line(&output).contains("refuses these credentials: set NATS_USER"), "{}", err(&output));
        assert!(!err(&output).contains("secret"), "{}", err(&output));
    }
    let mut command = publish(&stream);
    let output = ends_with(0, command.env("NATS_USER", "ada").env("NATS_PASSWORD", "right-secret"));
    assert!(!err(&output).contains("secret") && !out(&output).contains("secret"));
}

#[test]
fn a_stream_that_is_deleted_ends_its_server() {
    let Some(broker) = Broker::start() else { return };
    let stream = broker.stream("GONE");
    ends_with(0, &mut publish(&stream));
    let server = serving(&stream);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let context = async_nats::jetstream::new(async_nats::connect(broker.address().to_string()).await.unwrap());
        context.delete_stream("GONE").await.unwrap();
    });
    assert_eq!(server.close(), Some(1));
}

#[test]
fn contradictory_flags_are_rejected_before_the_broker_is_contacted() {
    for (arguments, needle) in [
        (&["publish", "--to", "nats://127.0.0.1", "--feed", "host"][..], "write a stream as nats://HOST[:PORT]/STREAM"),
        (&["publish", "--to", "nats://u:secret@h/S"], "leave credentials out of the address"),
        (&["publish", "--to", "nats://127.0.0.1/S", "--feed", "none"], "--feed none publishes nothing"),
        (&["publish", "--to", "nats://127.0.0.1/S", "--feed", "nats://127.0.0.1/T"], "only --to can be a stream"),
        (&["serve", "--feed", "nats://127.0.0.1/S", "--rate", "5"], "--rate requires --feed synthetic"),
        (&["serve", "--feed", "nats://127.0.0.1/a.b"], "a stream name is 1 to 64"),
    ] {
        let output = ends_with(2, &mut command(arguments));
        assert!(err(&output).contains(needle), "{arguments:?}: {}", err(&output));
    }
    let mut half = command(&["publish", "--to", "nats://127.0.0.1/S"]);
    let output = ends_with(2, half.env("NATS_USER", "ada"));
    assert!(error_line(&output).contains("NATS_PASSWORD is not set"), "{}", err(&output));
}
