//! Rebuilds this crate when a chapter, a scenario or a file that chapters link to is added.

use std::path::Path;

fn main() {
    let crates = ["exercises", "experiment", "feed", "loadgen", "proxy", "server"].map(|name| format!("../{name}/src"));
    let folders =
        ["../../docs", "../../scenarios", "../cli/src/command", "../exercises/tests", "src/pages"].map(str::to_owned);
    // For a path that does not exist, cargo would run this script in every build.
    for folder in folders.into_iter().chain(crates).filter(|folder| Path::new(folder).exists()) {
        println!("cargo::rerun-if-changed={folder}");
    }
}
