//! Every command in the workshop's pages runs, as far as a test has time.

use std::process::Command;

use feedlab_testkit::Feedlab;

use crate::{pages, root};

/// The longest duration of a workshop scenario, as estimated by `feedlab validate`, s.
const LONGEST_S: u32 = 40;

/// The addresses in the chapters: a server, the lab proxy in front of it, and the proxy's control API.
const SERVER: &str = "127.0.0.1:8070";
const PROXY: &str = "127.0.0.1:8090";
const CONTROL: &str = "127.0.0.1:8091";

/// Returns the commands of a page's shell blocks, without their comments.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(commands_of).collect()
}

/// Returns the commands of one block.
fn commands_of(block: &str) -> Vec<String> {
    let lines = block.lines().filter(|line| !line.starts_with("# "));
    let lines = lines.map(|line| line.split(" #").next().unwrap().trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// Whether a command runs until it is stopped.
fn is_endless(command: &str) -> bool {
    let starts = |words: &[&str]| words.iter().any(|word| command.starts_with(word));
    starts(&["feedlab serve ", "feedlab proxy ", "node ", "python3 ", "go run "])
        || (starts(&["feedlab watch "]) && !command.contains("--count"))
        || (starts(&["curl -N", "curl -i -N"]) && !command.contains("--max-time"))
}

/// An endless command is the last of its block, and the block says which terminal it keeps; so do all other blocks of
/// its section.
#[test]
fn w6_one_terminal_at_a_time() {
    let mut count = 0;
    for (name, text) in pages() {
        for section in text.split("\n## ") {
            let blocks: Vec<&str> =
                section.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
            let is_started = |block: &&&str| commands_of(block).iter().any(|command| is_endless(command));
            for block in blocks.iter().filter(is_started) {
                let commands = commands_of(block);
                // The starters are alternatives.
                let is_choice = commands.iter().all(|command| is_endless(command));
                let endless = commands.iter().position(|command| is_endless(command));
                assert!(is_choice || endless == Some(commands.len() - 1), "{name}: more follows in\n{block}");
                assert!(block.starts_with("# Terminal "), "{name}: which terminal?\n{block}");
                count += 1;
            }
            let terminals = blocks.iter().filter_map(|block| block.strip_prefix("# Terminal ")?.chars().next());
            assert!(terminals.is_sorted(), "{name}: the terminals are opened in order");
        }
    }
    assert!(count >= 14, "only {count} blocks");
}

/// Returns the binary, run in the root of the repository.
fn feedlab(arguments: &[&str]) -> Command {
    let mut command = Feedlab::command(assert_cmd::cargo::cargo_bin!("feedlab"), arguments);
    command.current_dir(root());
    command
}

/// The actual addresses, which replace those in the chapters.
struct Addresses {
    server: String,
    proxy: String,
    control: String,
}

impl Addresses {
    fn substitute(&self, text: &str) -> String {
        text.replace(SERVER, &self.server).replace(PROXY, &self.proxy).replace(CONTROL, &self.control)
    }
}

#[test]
fn every_command_runs() {
    let flags = ["serve", "--feed", "synthetic", "--rate", "20", "--allow-publish"];
    let server = Feedlab::start(feedlab(&flags));
    let to = server.address().to_string();
    let proxy = Feedlab::start(feedlab(&["proxy", "--to", &to, "--control", "127.0.0.1:0"]));
    let addresses = Addresses { server: to, proxy: proxy.address().to_string(), control: proxy.control().to_string() };
    let mut count = 0;
    for (name, text) in pages() {
        for command in commands(&text) {
            check(&name, &command, &addresses);
            count += 1;
        }
    }
    assert!(count > 60, "only {count} commands");
}

fn check(page: &str, command: &str, addresses: &Addresses) {
    let words = split(command);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["cargo", "run", "--release", "--", "workshop"] => workshop(&[]),
        ["curl", ..] => curl(page, &words[1..], addresses),
        ["feedlab", "workshop", ..] => workshop(&words[2..]),
        ["feedlab", "run", ..] => {
            for scenario in &words[2..] {
                short(page, scenario);
                succeeds(page, &["predict", scenario]);
            }
        }
        // `scripts/test` installs it and measures it.
        ["scripts/peers", "install", peer] => is_a_peer(page, peer),
        ["feedlab", "check", ..] => judge(page, &words[1..], addresses),
        ["node" | "python3", starter, ..] | ["go", "run", starter, ..] => {
            assert!(root().join(starter).is_file(), "{page} starts {starter}, which is not there");
        }
        ["feedlab", "serve" | "proxy", ..] => starts(page, &words[1..]),
        ["feedlab", "watch", ..] => watch(page, &words[1..], addresses),
        // A machine without nginx can still show the configuration.
        ["feedlab", "nginx", ..] => succeeds(page, &[&words[1..], &["--show-config"]].concat()),
        ["feedlab", "predict" | "doctor", ..] => succeeds(page, &words[1..]),
        _ => panic!("{page}: what is `{command}`? Teach this test to run it"),
    }
}

/// Checks that `scripts/peers` knows a server.
fn is_a_peer(page: &str, peer: &str) {
    let output = Command::new(root().join("scripts/peers")).arg("list").output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    assert!(list.split_whitespace().any(|word| word == peer), "{page}: scripts/peers list has no {peer}:\n{list}");
}

/// Splits a line into words like a shell that supports only single quotes.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[track_caller]
fn succeeds(page: &str, arguments: &[&str]) {
    let output = feedlab(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{page}: feedlab {arguments:?}: {error}");
}

/// Checks that a scenario is valid, and short enough for a class. `scripts/record-workshop` runs it.
fn short(page: &str, scenario: &str) {
    let output = feedlab(&["validate", scenario]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{page}: {scenario}: {}", String::from_utf8_lossy(&output.stderr));
    let estimate = text.trim().rsplit("about ").next().unwrap().split(',').next().unwrap();
    let seconds: Option<u32> = estimate.strip_suffix(" s").and_then(|seconds| seconds.parse().ok());
    assert!(seconds.is_some_and(|seconds| seconds < LONGEST_S), "{page}: {scenario} takes {estimate}");
}

/// Starts a server on free ports, and stops it when it listens.
fn starts(page: &str, arguments: &[&str]) {
    let mut arguments = arguments.to_vec();
    for flag in ["--listen", "--control"] {
        if let Some(at) = arguments.iter().position(|argument| *argument == flag) {
            arguments[at + 1] = "127.0.0.1:0";
        }
    }
    assert!(arguments.contains(&"--listen"), "{page}: {arguments:?} takes the port of the workshop itself");
    drop(Feedlab::start(feedlab(&arguments)));
}

/// Watches until the first update.
fn watch(page: &str, arguments: &[&str], addresses: &Addresses) {
    let mut arguments: Vec<_> = arguments.iter().map(|argument| addresses.substitute(argument)).collect();
    match arguments.iter().position(|argument| argument == "--count") {
        Some(at) => arguments[at + 1] = "1".to_owned(),
        None => arguments.extend(["--count".to_owned(), "1".to_owned()]),
    }
    succeeds(page, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Judges feedlab's own server in place of the learner's.
fn judge(page: &str, arguments: &[&str], addresses: &Addresses) {
    let arguments: Vec<_> = arguments.iter().map(|argument| addresses.substitute(argument)).collect();
    succeeds(page, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Runs curl. A stream does not end, so it is cut after a second. Changes to the proxy are undone.
fn curl(page: &str, arguments: &[&str], addresses: &Addresses) {
    const TIMED_OUT: i32 = 28;
    let substituted = arguments.iter().map(|argument| addresses.substitute(argument));
    // The last limit counts, so a stream ends sooner than on the page.
    let (before, after) = (["-sS", "--fail"].map(str::to_owned), ["--max-time", "1"].map(str::to_owned));
    let substituted: Vec<_> = before.into_iter().chain(substituted).chain(after).collect();
    let output = Command::new("curl").args(&substituted).output().expect("the chapters use curl; install it");
    let is_stream = substituted.iter().any(|argument| argument == "-N" || argument.contains("hold="));
    let ok = output.status.success() || (is_stream && output.status.code() == Some(TIMED_OUT));
    assert!(ok, "{page}: curl {substituted:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(
        !output.stdout.is_empty() || substituted.iter().any(|argument| argument.contains("hold=")),
        "{page}: {substituted:?}"
    );
    if substituted.iter().any(|argument| argument.contains(&addresses.control)) {
        heal(addresses);
    }
}

fn heal(addresses: &Addresses) {
    let settings = r#"{"rtt_ms": 0, "buffer_bytes": null, "idle_timeout_ms": null}"#;
    let base = format!("http://{}", addresses.control);
    let orders: [(&[&str], &str); 2] = [(&["-X", "POST"], "heal"), (&["-X", "PUT", "-d", settings], "settings")];
    for (flags, path) in orders {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--fail", "-o", "/dev/null"]).args(flags).arg(format!("{base}/{path}"));
        assert!(curl.status().unwrap().success(), "{path}");
    }
}

/// Checks that a subcommand exists; its own tests check what it does.
fn workshop(words: &[&str]) {
    let subcommand = words.first().filter(|word| !word.starts_with('-'));
    let output = feedlab(&["workshop", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "feedlab workshop --help: {}", String::from_utf8_lossy(&output.stderr));
    let Some(subcommand) = subcommand else { return };
    assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{subcommand} "))), "{subcommand}: {help}");
}

#[test]
fn every_scenario_is_short() {
    for entry in std::fs::read_dir(root().join("scenarios/workshop")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        short("scenarios/workshop", &format!("scenarios/workshop/{name}"));
    }
}

#[test]
fn quotes_keep_words_together() {
    assert_eq!(split("curl -d '{\"a\": 1}' http://x"), ["curl", "-d", "{\"a\": 1}", "http://x"]);
}
