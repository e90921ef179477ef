//! Records what this binary is built from: the compiler and the git revision, for `--version` and the manifest of a
//! run. Without git, or outside a checkout, the revision is omitted.

use std::path::Path;
use std::process::Command;

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = first_line(Command::new(rustc).arg("--version")).unwrap_or_else(|| "unknown compiler".to_owned());
    set("FEEDLAB_RUSTC_VERSION", &version);
    let revision = first_line(Command::new("git").args(["describe", "--always", "--dirty", "--exclude=*"]));
    if let Some(revision) = &revision {
        set("FEEDLAB_GIT_REVISION", revision);
    }
    let revision = revision.map(|revision| format!("revision {revision}, ")).unwrap_or_default();
    set("FEEDLAB_BUILT_FROM", &format!("{revision}{version}"));
    strip();
    rerun_on_changes();
}

/// Cargo does not strip a binary whose package has an entry of its own in the profile, so the linker does: 58 MB would be 41.
fn strip() {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") {
        tell("rustc-link-arg-bins=-Wl,--strip-all");
    }
}

/// Tells cargo when to rerun this script. The log of HEAD grows with every commit and checkout; the sources decide
/// whether the revision is dirty. Only existing paths are listed, because cargo would rerun the script at every build
/// for a missing one.
fn rerun_on_changes() {
    tell("rerun-if-changed=build.rs");
    tell("rerun-if-env-changed=RUSTC");
    let log = first_line(Command::new("git").args(["rev-parse", "--git-path", "logs/HEAD"]));
    let crates = std::fs::read_dir("..").into_iter().flatten().flatten();
    let sources = crates.map(|entry| entry.path().join("src").display().to_string());
    for path in log.into_iter().chain(sources).filter(|path| Path::new(path).exists()) {
        tell(&format!("rerun-if-changed={path}"));
    }
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

fn set(name: &str, value: &str) {
    tell(&format!("rustc-env={name}={value}"));
}

fn tell(instruction: &str) {
    println!("cargo::{instruction}");
}
