//! Every command in README.md runs, and every link in the documents has a target.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::path::{Path, PathBuf};
use std::process::Command;

use feedlab_testkit::Feedlab;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap()
}

/// The pages whose shell blocks are run, line by line.
const RUN: [&str; 2] = ["README.md", "docs/measure.md"];

/// The lines of a page's shell blocks, without their comments.
fn commands(page: &str) -> Vec<String> {
    let text = read(page);
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn every_command_runs() {
    let commands: Vec<_> = RUN.into_iter().flat_map(commands).collect();
    assert!(commands.len() >= 15, "{commands:?}");
    let server = Feedlab::start(feedlab(&["serve"]));
    for command in &commands {
        check(command, &server);
    }
}

/// Checks a command, as far as a test has time: `scripts/test` runs the quick scenario, and longer scenarios are only
/// validated.
fn check(command: &str, server: &Feedlab) {
    let words: Vec<&str> = command.split_whitespace().collect();
    let arguments = match words[..] {
        ["scripts/test"] => return assert!(read(".ci/run").contains("exec scripts/test")),
        ["cargo", "run", "--release", "--", "run", "scenarios/quick.toml"] => {
            return assert!(read("scripts/test").contains("-- run scenarios/quick.toml"));
        }
        ["cargo", "run", "--release", "--", ..] => &words[4..],
        ["feedlab", ..] => &words[1..],
        _ => panic!("what is `{command}`? Teach this test to run it"),
    };
    match arguments {
        ["run", scenarios @ ..] => succeeds(&[&["validate"], scenarios].concat()),
        ["serve"] => {} // this is the server that the others talk to
        ["serve", ..] | ["proxy", ..] => drop(Feedlab::start(feedlab(arguments))),
        ["workshop"] => workshop(),
        ["watch", "http://127.0.0.1:8080"] => succeeds(&["watch", &server.address().to_string(), "--count", "1"]),
        // Readers have a server of their own there; the test has this one.
        ["check", _] => succeeds(&["check", &format!("http://{}", server.address())]),
        ["inspect", _] => succeeds(&["inspect", &format!("http://{}/feed/sse", server.address()), "--for", "2s"]),
        // A machine without nginx can still show the configuration.
        ["nginx", ..] => succeeds(&[arguments, &["--show-config"]].concat()),
        ["report", "results/A", more @ ..] => sample_report(more),
        ["compare", "results/A", "results/B"] => {
            let sample = sample();
            let sample = sample.to_str().unwrap();
            succeeds(&["compare", sample, sample]);
        }
        others => succeeds(others),
    }
}

#[track_caller]
fn succeeds(arguments: &[&str]) {
    let output = feedlab(arguments).output().unwrap();
    assert!(output.status.success(), "feedlab {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn feedlab(arguments: &[&str]) -> Command {
    let mut command = Feedlab::command(assert_cmd::cargo::cargo_bin!("feedlab"), arguments);
    command.current_dir(root());
    command
}

/// Starts the workshop in a temporary folder, because it creates a file of votes in the current one.
fn workshop() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = feedlab(&["workshop"]);
    command.current_dir(folder.path());
    drop(Feedlab::start(command));
}

/// Returns the folder of the committed sample run.
fn sample() -> PathBuf {
    let mut runs = std::fs::read_dir(root().join("results")).unwrap().map(|run| run.unwrap().path());
    let is_committed = |run: &PathBuf| read(".gitignore").contains(&*run.file_name().unwrap().to_string_lossy());
    runs.find(is_committed).expect("a committed sample run")
}

/// Draws the report of the sample run again, in a copy, which is also run B.
fn sample_report(more: &[&str]) {
    let sample = sample();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(sample.file_name().unwrap());
    assert!(Command::new("cp").arg("-r").args([&sample, &copy]).status().unwrap().success());
    std::fs::remove_file(copy.join("report.html")).unwrap();
    let copied = copy.to_str().unwrap();
    let more = more.iter().map(|word| word.replace("results/B", copied)).collect::<Vec<_>>();
    let arguments = [&["report", copied], more.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat();
    succeeds(&arguments);
    let pages = std::fs::read_dir(&copy)
        .unwrap()
        .filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().ends_with(".html"));
    assert_eq!(pages.count(), usize::from(!more.iter().any(|word| word == "markdown")), "{arguments:?}");
}

/// Every page of Markdown that people read: those at the top, and all of `docs`.
fn documents() -> Vec<String> {
    let mut folders = vec![PathBuf::from("docs"), PathBuf::from("scenarios/feeds")];
    let mut pages = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    pages
}

#[test]
fn every_link_has_a_target() {
    let documents = documents();
    assert!(documents.len() > 25, "{documents:?}");
    for document in &documents {
        let text = read(document);
        let folder = root().join(document).parent().unwrap().to_owned();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap();
            let is_file = !target.starts_with("http") && !target.is_empty();
            assert!(!is_file || folder.join(target).exists(), "{document} links to {target}, which is not there");
        }
    }
}

#[test]
fn every_claim_is_listed_in_the_notes() {
    let notes = read("docs/notes-corrected.md");
    for folder in ["claims", "failures"] {
        for scenario in std::fs::read_dir(root().join("scenarios").join(folder)).unwrap() {
            let name = scenario.unwrap().file_name().into_string().unwrap();
            assert!(notes.contains(&format!("scenarios/{folder}/{name}")), "{name} is not in docs/notes-corrected.md");
        }
    }
}
