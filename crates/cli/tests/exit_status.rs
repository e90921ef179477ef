//! `docs/exit-status.md` lists what every command's help says about its exit status.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fmt::Write as _;
use std::process::Command;

use feedlab_testkit::docs;

fn help(command: &[&str]) -> String {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("feedlab")).args(command).arg("--help").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The names of all commands, from the help of the binary.
fn commands() -> Vec<String> {
    let help = help(&[]);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next().filter(|_| !line.starts_with("   ")));
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The statuses of a command, each with its meaning; a line that is wrapped belongs to the one before.
fn statuses(command: &str) -> Vec<(String, String)> {
    let help = help(&[command]);
    let Some(section) = help.split("Exit status:\n").nth(1) else { return Vec::new() };
    let mut list: Vec<(String, String)> = Vec::new();
    for line in section.split("\n\n").next().unwrap().lines().map(str::trim) {
        match line.split_once("  ") {
            Some((status, meaning)) if status.parse::<u8>().is_ok() => {
                list.push((status.to_owned(), meaning.trim().to_owned()));
            }
            _ => {
                let last = list.last_mut().unwrap();
                last.1 = format!("{} {line}", last.1);
            }
        }
    }
    list
}

fn tables() -> String {
    let mut page = String::new();
    for command in commands() {
        let statuses = statuses(&command);
        if !statuses.is_empty() {
            let _ = write!(page, "\n## feedlab {command}\n\n| status | meaning |\n|---:|---|\n");
        }
        for (status, meaning) in statuses {
            let _ = writeln!(page, "| {status} | {meaning} |");
        }
    }
    page
}

#[test]
fn the_page_has_what_the_help_of_each_command_says() {
    docs::assert_part_generated("docs/exit-status.md", &tables());
}

#[test]
fn commands_that_judge_have_their_statuses() {
    for command in ["run", "check", "compare", "merge", "predict", "doctor", "report"] {
        let statuses = statuses(command);
        assert!(statuses.len() >= 2 && statuses[0].0 == "0", "{command}: {statuses:?}");
    }
}
