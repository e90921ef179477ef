//! Checks of optional programs, which only some lessons and scripts need.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use feedlab_feed::text::is_hidden;
use tokio::process::Command;
use tokio::time::timeout;

use super::check::Check;

/// How long a program may take to print its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// An optional program.
struct Program {
    name: &'static str,
    /// The names of its binary.
    names: &'static [&'static str],
    /// The flag that prints the version.
    flag: &'static str,
    /// What it is used for.
    used: &'static str,
    fix: &'static str,
}

const PROGRAMS: [Program; 4] = [
    Program {
        name: "browser",
        names: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        flag: "--version",
        used: "for the live page's checks",
        fix: "sudo apt-get install chromium",
    },
    Program {
        name: "nginx",
        names: &["nginx"],
        flag: "-v",
        used: "for feeds behind a reverse proxy",
        fix: "sudo apt-get install nginx-light",
    },
    Program {
        name: "nats-server",
        names: &["nats-server"],
        flag: "--version",
        used: "for a feed on several servers",
        fix: "sudo apt-get install nats-server",
    },
    Program {
        name: "tshark",
        names: &["tshark"],
        flag: "--version",
        used: "for scripts/check-bytes",
        fix: "sudo apt-get install tshark",
    },
];

/// Checks all of them in parallel.
pub(super) fn all() -> anyhow::Result<Vec<Check>> {
    let paths: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let [browser, nginx, broker, tshark] = PROGRAMS.each_ref().map(|program| check(program, &paths));
    let (browser, nginx, broker, tshark) = runtime.block_on(async { tokio::join!(browser, nginx, broker, tshark) });
    Ok(vec![browser, nginx, broker, tshark])
}

async fn check(program: &Program, paths: &[PathBuf]) -> Check {
    match find(program.names, paths) {
        None => Check::warn(program.name, format!("not found; needed only {}", program.used), program.fix),
        Some(path) => match version(&path, program.flag).await {
            Version::Known(version) => Check::ok(program.name, version),
            Version::Silent => Check::ok(program.name, format!("{}, version unknown", path.display())),
            Version::Late => {
                let seconds = PATIENCE.as_secs();
                let found = format!("{} did not answer within {seconds} s", path.display());
                Check::warn(program.name, found, "check whether it starts, or whether the machine is busy")
            }
            Version::Broken(why) => {
                Check::warn(program.name, format!("{} does not start: {why}", path.display()), program.fix)
            }
        },
    }
}

fn find(names: &[&str], paths: &[PathBuf]) -> Option<PathBuf> {
    names.iter().flat_map(|name| paths.iter().map(move |path| path.join(name))).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

/// The version of a program, or why it is unknown.
enum Version {
    Known(String),
    /// The program printed nothing.
    Silent,
    /// The program did not exit in time.
    Late,
    /// The program could not be started.
    Broken(String),
}

/// Returns the first line that the program prints.
async fn version(path: &Path, flag: &str) -> Version {
    let mut command = Command::new(path);
    command.arg(flag).stdin(Stdio::null()).kill_on_drop(true);
    let output = match timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Version::Broken(error.to_string()),
        Err(_) => return Version::Late,
    };
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let line = said.iter().flat_map(|text| text.lines()).map(str::trim).find(|line| !line.is_empty());
    line.map_or(Version::Silent, |line| Version::Known(name_and_number(line)))
}

/// Returns the line up to its first word with a digit; the rest describes the build.
fn name_and_number(line: &str) -> String {
    let plain: String = line.chars().filter(|letter| !is_hidden(*letter)).collect();
    let words: Vec<&str> = plain.split(' ').collect();
    let end = words.iter().position(|word| word.contains(|letter: char| letter.is_ascii_digit()));
    words[..end.map_or(words.len(), |end| end + 1)].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::check::Mark;

    const PROGRAM: Program =
        Program { name: "it", names: &["first", "second"], flag: "-v", used: "for this", fix: "write it" };

    /// Returns a folder with a program that runs a shell script.
    fn with(name: &str, script: &str) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    fn checked(paths: &[PathBuf]) -> Check {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&PROGRAM, paths))
    }

    #[test]
    fn the_version_is_the_first_line_of_either_stream() {
        for script in ["echo; echo 'it (this) 1.2 built here'; echo more", "echo 'it (this) 1.2' >&2"] {
            let folder = with("second", script);
            let check = checked(&[PathBuf::from("/nowhere"), folder.path().to_owned()]);
            assert_eq!((check.mark, check.found.as_str()), (Mark::Ok, "it (this) 1.2"));
        }
        let silent = with("first", "exit 1");
        assert!(checked(&[silent.path().to_owned()]).found.ends_with("first, version unknown"));
    }

    #[test]
    fn a_missing_program_is_reported_with_its_use() {
        let folder = with("third", "");
        std::fs::write(folder.path().join("first"), "no program").unwrap();
        std::fs::create_dir(folder.path().join("second")).unwrap();
        let check = checked(&[folder.path().to_owned()]);
        assert_eq!((check.mark, check.found.as_str()), (Mark::Warn, "not found; needed only for this"));
        assert_eq!(check.fix.as_deref(), Some("write it"));
    }
}
